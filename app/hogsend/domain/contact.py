"""A contact and its identities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from .ids import UNKNOWN_INSTANT, compute_instant


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as it was when its row was read.

    Args:
        id: our id.
        user_id: the id that the product gives the contact, if known.
        email: the address that mail goes to, trimmed and lower-cased, if known.
        properties: what the product sent about the contact.
        anonymous_id: the browser id that the contact was first seen with, if any.
        event_seq: the number of the contact's newest event.
        first_seen_at: when the first event or call named the contact; when the id was made, unless
            given.
        last_seen_at: when the newest event or call named the contact; as `first_seen_at`, unless
            given.
        revision: the number of the newest change of the identities, the address, the consents or
            the suppression of the contact; a merge raises it too.
    """

    id: UUID
    user_id: str | None = None
    email: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])
    anonymous_id: str | None = None
    event_seq: int = 0
    first_seen_at: datetime = UNKNOWN_INSTANT
    last_seen_at: datetime = UNKNOWN_INSTANT
    revision: int = 0

    def __post_init__(self) -> None:
        if self.first_seen_at is UNKNOWN_INSTANT:
            object.__setattr__(self, "first_seen_at", compute_instant(self.id))
        if self.last_seen_at is UNKNOWN_INSTANT:
            object.__setattr__(self, "last_seen_at", self.first_seen_at)

    # `dataclasses.replace` takes three times as long, and ingest changes a contact twice per event.

    def take_event(self, seq: int, at: datetime, properties: Mapping[str, Any]) -> Contact:
        """Return the contact after an event.

        Args:
            seq: the number of the event.
            at: when the event arrived.
            properties: the contact's properties since.
        """
        return Contact(
            id=self.id,
            user_id=self.user_id,
            email=self.email,
            properties=properties,
            anonymous_id=self.anonymous_id,
            event_seq=seq,
            first_seen_at=self.first_seen_at,
            last_seen_at=at,
            revision=self.revision,
        )

    def take_identities(
        self, user_id: str | None, email: str | None, anonymous_id: str | None
    ) -> Contact:
        """Return the contact with other identities, as a new revision."""
        return Contact(
            id=self.id,
            user_id=user_id,
            email=email,
            properties=self.properties,
            anonymous_id=anonymous_id,
            event_seq=self.event_seq,
            first_seen_at=self.first_seen_at,
            last_seen_at=self.last_seen_at,
            revision=self.revision + 1,
        )

    @property
    def key(self) -> str:
        """The contact's key in the API: the user id, else the anonymous id, else our id."""
        return self.user_id or self.anonymous_id or str(self.id)

    @property
    def label(self) -> str:
        """The name that pages show: a name from the properties, else the address, else the key."""
        for name in ("name", "full_name", "fullName", "firstName", "first_name"):
            value = self.properties.get(name)
            if isinstance(value, str) and value.strip():
                return value.strip()
        return self.email or self.key


def to_snapshot(contact: Contact) -> dict[str, Any]:
    """Return a contact in the form that a journal records."""
    snapshot: dict[str, Any] = {
        "id": str(contact.id),
        "userId": contact.user_id,
        "email": contact.email,
        "properties": dict(contact.properties),
        "eventSeq": contact.event_seq,
        "revision": contact.revision,
        "firstSeenAt": contact.first_seen_at.isoformat(),
        "lastSeenAt": contact.last_seen_at.isoformat(),
    }
    if contact.anonymous_id is not None:
        snapshot["anonymousId"] = contact.anonymous_id
    return snapshot


def from_snapshot(stored: Mapping[str, Any], seen_at: datetime) -> Contact:
    """Read a contact that `to_snapshot` recorded.

    Args:
        stored: the snapshot; version 0.1.0 recorded no instants.
        seen_at: when the contact was last seen, for a snapshot that lacks it.
    """
    first_seen_at, last_seen_at = stored.get("firstSeenAt"), stored.get("lastSeenAt")
    return Contact(
        id=UUID(stored["id"]),
        user_id=stored["userId"],
        email=stored["email"],
        properties=stored["properties"],
        anonymous_id=stored.get("anonymousId"),
        event_seq=stored.get("eventSeq", 0),
        revision=stored.get("revision", 0),
        first_seen_at=datetime.fromisoformat(first_seen_at) if first_seen_at else UNKNOWN_INSTANT,
        last_seen_at=datetime.fromisoformat(last_seen_at) if last_seen_at else seen_at,
    )
