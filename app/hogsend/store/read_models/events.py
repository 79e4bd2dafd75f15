"""Events for pages, each with the enrollments that it started, ended or woke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ...domain.contact import Contact
from ...domain.ids import build_first_id
from .. import contacts
from ..db import Database, Query
from ..json_text import from_json
from ..models import EventRow
from ..rows import RowMapper, read_column
from ..stored import Stored, json_object

# How many events one page of a filter without an index reads.
MAX_SCANNED = 20_000


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
    def conflict(self) -> str:
        """Which identity of the event belongs to another contact; empty when none does."""
        return self.decisions.get("conflict", "")

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


LINES = RowMapper(
    EventLine,
    EventRow,
    properties=json_object(),
    decisions=Stored(from_json, fallback=_show_no_decisions),
)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to list; an empty field is no restriction.

    Args:
        name: of this name.
        contact_ids: of one of these contacts; None for any contact.
        source: of this sender.
        since: that arrived at this instant or later.
        until: that arrived before this instant.
    """

    name: str = ""
    contact_ids: Sequence[UUID] | None = None
    source: str = ""
    since: datetime | None = None
    until: datetime | None = None


ALL_EVENTS = EventFilter()


def find_newest(
    limit: int, *, matching: EventFilter = ALL_EVENTS, before: UUID | None = None
) -> Query[list[EventLine]]:
    """Query events, newest first.

    A filter by source reads at most `MAX_SCANNED` events, because no index has the source.

    Args:
        limit: how many at most.
        matching: only events that match it.
        before: only events that are older than this one.
    """
    where, values = _build_conditions(matching, before)
    if not matching.source:
        return Query(
            f"SELECT {LINES.columns} FROM events {where}ORDER BY id DESC LIMIT ?",
            [*values, limit],
            LINES.read_all,
        )
    return Query(
        f"SELECT {LINES.columns} FROM (SELECT * FROM events {where}ORDER BY id DESC LIMIT ?) e "
        "WHERE source = ? ORDER BY id DESC LIMIT ?",
        [*values, MAX_SCANNED, matching.source, limit],
        LINES.read_all,
    )


def find_last_scanned(matching: EventFilter, before: UUID | None) -> Query[UUID | None]:
    """Query the oldest event that `find_newest` reads of those before a filter by source."""
    where, values = _build_conditions(matching, before)
    return Query(
        f"SELECT id FROM events {where}ORDER BY id DESC LIMIT 1 OFFSET ?",
        [*values, MAX_SCANNED - 1],
        lambda rows: next(iter(read_column(UUID)(rows)), None),
    )


def _build_conditions(matching: EventFilter, before: UUID | None) -> tuple[str, list[object]]:
    conditions, values = list[str](), list[object]()
    if matching.contact_ids is not None:
        conditions.append("contact_id IN ?")
        values.append(list(matching.contact_ids))
    if matching.name:
        conditions.append("name = ?")
        values.append(matching.name)
    if matching.since is not None:
        conditions.append("id >= ?")
        values.append(build_first_id(matching.since))
    bounds = [before] if before else []
    if matching.until is not None:
        bounds.append(build_first_id(matching.until))
    if bounds:
        conditions.append("id < ?")
        values.append(min(bounds))
    return f"WHERE {' AND '.join(conditions)} " if conditions else "", values


def find(event_id: UUID) -> Query[EventLine | None]:
    """Query one event."""
    return Query(
        f"SELECT {LINES.columns} FROM events WHERE id = ?",
        [event_id],
        LINES.read_first,
    )


def find_trigger(enrollment_id: UUID) -> Query[EventLine | None]:
    """Query the event that started an enrollment."""
    return Query(
        f"SELECT {LINES.columns} FROM events WHERE id = "
        "(SELECT trigger_event_id FROM enrollments WHERE id = ?)",
        [enrollment_id],
        LINES.read_first,
    )


async def load_contacts(database: Database, lines: Sequence[EventLine]) -> Mapping[UUID, Contact]:
    """Load the contacts of events, by contact id."""
    ids = {find.contact_id for find in lines if find.contact_id is not None}
    return await database.read_one(contacts.find_by_ids(ids)) if ids else {}
