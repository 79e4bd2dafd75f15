"""Events for pages, each with the enrollments that it started, ended or woke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ...domain.contact import Contact
from .. import contacts
from ..db import Database, Query
from ..json_text import from_json
from ..models import EventRow
from ..rows import RowMapper
from ..stored import Stored, json_object


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event as pages show it.

    Args:
        id: our id.
        contact_id: its contact; None when the contact is not known.
        name: its name.
        properties: its properties.
        decisions: what it started, ended and did not start.
        occurred_at: when it happened, according to the sender.
        received_at: when it arrived.
        source: who sent it.
        value: the amount of money, if it has one.
        currency: the amount's currency.
        cause_id: the enrollment that triggered it.
        depth: how many events lead from an event from outside to this one, by triggering.
    """

    id: UUID
    contact_id: UUID | None
    name: str
    properties: Mapping[str, Any]
    decisions: Mapping[str, Any]
    occurred_at: datetime
    received_at: datetime
    source: str
    value: float | None
    currency: str | None
    cause_id: UUID | None
    depth: int

    @property
    def enrollments(self) -> Sequence[Mapping[str, Any]]:
        """The decision for each journey that the event can start."""
        return self.decisions.get("enrollments", ())

    @property
    def exits(self) -> Sequence[Mapping[str, Any]]:
        """The enrollments with exit rules that the event reached."""
        return self.decisions.get("exits", ())

    @property
    def waits(self) -> Sequence[Mapping[str, Any]]:
        """The enrollments whose wait the event ended."""
        return self.decisions.get("waits", ())

    @property
    def money(self) -> str:
        """The amount and its currency; empty when there is none."""
        return "" if self.value is None else f"{self.value:,.2f} {self.currency or ''}".strip()

    @property
    def enrolled(self) -> int:
        """How many journeys it started."""
        return sum(decision.get("outcome") == "enrolled" for decision in self.enrollments)

    @property
    def ended(self) -> int:
        """How many enrollments it ended."""
        return sum(bool(decision.get("exited")) for decision in self.exits)


def _show_no_decisions(_: Any) -> Mapping[str, Any]:
    return {}


_LINES = RowMapper(
    EventLine,
    EventRow,
    properties=json_object(),
    decisions=Stored(from_json, fallback=_show_no_decisions),
)


def find_newest(
    limit: int, *, name: str = "", before: UUID | None = None
) -> Query[list[EventLine]]:
    """Query events, newest first.

    Args:
        limit: how many at most.
        name: only events of this name; empty for any.
        before: only events that are older than this one.
    """
    conditions, values = list[str](), list[object]()
    if name:
        conditions.append("name = ?")
        values.append(name)
    if before is not None:
        conditions.append("id < ?")
        values.append(before)
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    return Query(
        f"SELECT {_LINES.columns} FROM events {where}ORDER BY id DESC LIMIT ?",
        [*values, limit],
        _LINES.read_all,
    )


def find_newest_by_contact(contact_id: UUID, limit: int) -> Query[list[EventLine]]:
    """Query the newest events of a contact."""
    return Query(
        f"SELECT {_LINES.columns} FROM events WHERE contact_id = ? ORDER BY seq DESC LIMIT ?",
        [contact_id, limit],
        _LINES.read_all,
    )


def find(event_id: UUID) -> Query[EventLine | None]:
    """Query one event."""
    return Query(
        f"SELECT {_LINES.columns} FROM events WHERE id = ?",
        [event_id],
        _LINES.read_first,
    )


def find_trigger(enrollment_id: UUID) -> Query[EventLine | None]:
    """Query the event that started an enrollment."""
    return Query(
        f"SELECT {_LINES.columns} FROM events WHERE id = "
        "(SELECT trigger_event_id FROM enrollments WHERE id = ?)",
        [enrollment_id],
        _LINES.read_first,
    )


async def load_contacts(database: Database, lines: Sequence[EventLine]) -> Mapping[UUID, Contact]:
    """Load the contacts of events, by contact id."""
    ids = {find.contact_id for find in lines if find.contact_id is not None}
    return await database.read_one(contacts.find_by_ids(ids)) if ids else {}
