"""Events: what contacts did, or what happened to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from .conditions import Condition, condition_from_json, describe


@dataclass(frozen=True, slots=True)
class Event:
    """A stored event.

    Args:
        id: our id.
        name: the name, such as `user.created`.
        properties: the properties.
        seq: the event's number among the contact's events, from 1.
        occurred_at: when the event happened, according to the sender.
        received_at: when the event arrived.
        source: the sender: `api`, `journey`, `recipient`, `dashboard`, `cli`.
        contact_id: the contact.
        depth: how many journeys triggered one another before this event; 0 for an event from
            outside.
    """

    id: UUID
    name: str
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])
    seq: int = 0
    occurred_at: datetime | None = None
    received_at: datetime | None = None
    source: str = "api"
    contact_id: UUID | None = None
    depth: int = 0


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
