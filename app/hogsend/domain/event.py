"""Events: what contacts did, or what happened to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from .conditions import Condition, condition_from_json, describe
from .ids import UNKNOWN_INSTANT, compute_instant

# The sender that journals leave out.
_USUAL_SOURCE = "api"


@dataclass(frozen=True, slots=True)
class Event:
    """A stored event.

    Args:
        id: our id.
        name: the name, such as `user.created`.
        properties: the properties.
        seq: the event's number among the contact's events, from 1.
        occurred_at: when the event happened, according to the sender; when it arrived, unless
            given.
        received_at: when the event arrived; when its id was made, unless given.
        source: the sender: `api`, `journey`, `recipient`, `dashboard`, `cli`.
        contact_id: the contact.
        depth: how many journeys triggered one another before this event; 0 for an event from
            outside.
    """

    id: UUID
    name: str
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])
    seq: int = 0
    occurred_at: datetime = UNKNOWN_INSTANT
    received_at: datetime = UNKNOWN_INSTANT
    source: str = _USUAL_SOURCE
    contact_id: UUID | None = None
    depth: int = 0

    def __post_init__(self) -> None:
        if self.received_at is UNKNOWN_INSTANT:
            object.__setattr__(self, "received_at", compute_instant(self.id))
        if self.occurred_at is UNKNOWN_INSTANT:
            object.__setattr__(self, "occurred_at", self.received_at)


def to_stored_event(event: Event) -> dict[str, Any]:
    """Return an event in the JSON form of journals and of waits that the event ended."""
    stored: dict[str, Any] = {
        "id": str(event.id),
        "name": event.name,
        "properties": dict(event.properties),
        "seq": event.seq,
        "receivedAt": event.received_at.isoformat(),
    }
    if event.occurred_at != event.received_at:
        stored["occurredAt"] = event.occurred_at.isoformat()
    if event.source != _USUAL_SOURCE:
        stored["source"] = event.source
    if event.contact_id is not None:
        stored["contactId"] = str(event.contact_id)
    if event.depth:
        stored["depth"] = event.depth
    return stored


def from_stored_event(stored: Mapping[str, Any]) -> Event:
    """Return the event that `to_stored_event` converted.

    Version 0.1.0 stored fewer facts: an event of its journals happened when it arrived.
    """
    received, occurred = stored.get("receivedAt"), stored.get("occurredAt")
    contact_id = stored.get("contactId")
    return Event(
        id=UUID(stored["id"]),
        name=stored["name"],
        properties=stored["properties"],
        seq=stored.get("seq", 0),
        occurred_at=datetime.fromisoformat(occurred) if occurred else UNKNOWN_INSTANT,
        received_at=datetime.fromisoformat(received) if received else UNKNOWN_INSTANT,
        source=stored.get("source", _USUAL_SOURCE),
        contact_id=UUID(contact_id) if contact_id else None,
        depth=stored.get("depth", 0),
    )


@dataclass(frozen=True, slots=True)
class EventMatch:
    """A pattern that matches events by name and, optionally, by their properties; see `on`.

    Args:
        event: the name of the events.
        where: a condition on the properties; None matches any properties.
    """

    event: str
    where: Condition | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.event, str) or not self.event:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"an event is named by text, not by {self.event!r}")
        if self.where is not None and not hasattr(self.where, "matches"):
            raise TypeError('where= takes a condition such as prop("plan") == "pro"')

    def matches(self, name: str, properties: Mapping[str, Any], now: datetime) -> bool:
        """Return whether an event with this name and these properties matches."""
        return self.event == name and (self.where is None or self.where.matches(properties, now))

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        stored: dict[str, Any] = {"event": self.event}
        if self.where is not None:
            stored["where"] = self.where.to_json()
        return stored

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> EventMatch:
        """Return the pattern that `to_json` stored."""
        where = stored.get("where")
        return EventMatch(stored["event"], condition_from_json(where) if where else None)

    def __str__(self) -> str:
        return self.event if self.where is None else f"{self.event} where {describe(self.where)}"


def on(event: str, *, where: Condition | None = None) -> EventMatch:
    """Name an event, with a condition: `on("user.created", where=prop("plan") == "pro")`.

    Args:
        event: the event's name.
        where: a condition on its properties.
    """
    return EventMatch(event, where)
