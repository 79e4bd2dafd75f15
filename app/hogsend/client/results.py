"""The answers of the API as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventResult:
    """What came of an event.

    Args:
        stored: whether it is new; False for a repeated idempotency key.
        event_id: its id.
        contact_key: its contact: the user id, else the anonymous id, else our id.
        enrollments: the decision of each journey that starts on it.
        exits: the journeys with exit rules that the contact was in, and whether it left.
        conflict: whether its idempotency key was used with another body before.
        lists_error: why lists could not be changed, if so.
    """

    stored: bool
    event_id: UUID
    contact_key: str
    enrollments: Sequence[Json] = ()
    exits: Sequence[Json] = ()
    conflict: bool = False
    lists_error: str | None = None

    @staticmethod
    def from_json(answer: Json) -> EventResult:
        """Return the value of an answer."""
        return EventResult(
            stored=answer["stored"],
            event_id=UUID(answer["eventId"]),
            contact_key=answer["contactKey"],
            enrollments=answer.get("enrollments", ()),
            exits=answer.get("exits", ()),
            conflict=answer.get("conflict", False),
            lists_error=answer.get("listsError"),
        )


@dataclass(frozen=True, slots=True)
class UpsertedContact:
    """What came of storing a contact: its id, whether it is new, and whether it was known."""

    id: UUID
    created: bool
    linked: bool

    @staticmethod
    def from_json(answer: Json) -> UpsertedContact:
        """Return the value of an answer."""
        return UpsertedContact(UUID(answer["id"]), answer["created"], answer["linked"])


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """A contact as the API returns it."""

    id: UUID
    user_id: str | None
    email: str | None
    properties: Json
    first_seen_at: datetime
    last_seen_at: datetime

    @staticmethod
    def from_json(answer: Json) -> ContactRecord:
        """Return the value of an answer."""
        return ContactRecord(
            id=UUID(answer["id"]),
            user_id=answer.get("externalId"),
            email=answer.get("email"),
            properties=answer.get("properties", {}),
            first_seen_at=datetime.fromisoformat(answer["firstSeenAt"]),
            last_seen_at=datetime.fromisoformat(answer["lastSeenAt"]),
        )


@dataclass(frozen=True, slots=True)
class EmailResult:
    """What came of an email.

    Args:
        id: the send; empty when none was made.
        status: `sent`, `suppressed`, `unsubscribed` or `skipped`.
        reason: why it was not sent, if so.
    """

    id: str
    status: str
    reason: str | None = None

    @staticmethod
    def from_json(answer: Json) -> EmailResult:
        """Return the value of an answer."""
        return EmailResult(answer["emailSendId"], answer["status"], answer.get("reason"))


@dataclass(frozen=True, slots=True)
class ListChoiceRecord:
    """A list, and whether a contact is subscribed to it."""

    id: str
    name: str
    subscribed: bool
    default_opt_in: bool
    description: str = ""

    @staticmethod
    def from_json(answer: Json) -> ListChoiceRecord:
        """Return the value of an answer."""
        return ListChoiceRecord(
            answer["id"],
            answer["name"],
            answer["subscribed"],
            answer["defaultOptIn"],
            answer.get("description") or "",
        )
