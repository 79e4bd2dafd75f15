"""Events for pages, each with the enrollments that it started, ended or woke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ...domain.contact import Contact
from ...domain.ids import compute_first_id
from .. import contacts
from ..db import Database, Query
from ..json_text import from_json
from ..models import EventRow
from ..rows import RowMapper, read_first
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

    @property
    def is_selective(self) -> bool:
        """Whether an index leads to the events that match, and to no others."""
        if self.contact_ids is not None:
            return not (self.name or self.source or self.since or self.until)
        return not self.source


ALL_EVENTS = EventFilter()
# Where the numbers of events end.
_NO_BOUND = {"<": (1 << 63) - 1, ">=": 0}


def find_newest(
    limit: int,
    *,
    matching: EventFilter = ALL_EVENTS,
    before: UUID | None = None,
    down_to: UUID | None = None,
    offset: int = 0,
) -> Query[list[EventLine]]:
    """Query events, newest first.

    Args:
        limit: how many at most.
        matching: only events that match it.
        before: only events that are older than this one.
        down_to: only this event and those that are newer.
        offset: how many of the newest to leave out.
    """
    leading, values = _build_leading(matching, before, down_to)
    rest, operands = _build_rest(matching)
    conditions = [*leading, *rest]
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    return Query(
        f"SELECT {LINES.columns} FROM events {where}ORDER BY {_order(matching)} DESC "
        "LIMIT ? OFFSET ?",
        [*values, *operands, limit, offset],
        LINES.read_all,
    )


def find_bound(matching: EventFilter, before: UUID | None, budget: int) -> Query[UUID | None]:
    """Query the event that is `budget` events further in the index that serves a filter.

    Args:
        matching: which events are looked for.
        before: the event to begin before; None begins at the newest.
        budget: how many events further.
    """
    leading, values = _build_leading(matching, before, None)
    where = f"WHERE {' AND '.join(leading)} " if leading else ""
    return Query(
        f"SELECT id FROM events {where}ORDER BY {_order(matching)} DESC LIMIT 1 OFFSET ?",
        [*values, budget],
        read_first(UUID),
    )


def _order(matching: EventFilter) -> str:
    # Events of one contact have numbers in the order of arrival, for which there is an index.
    is_of_one = matching.contact_ids is not None and len(matching.contact_ids) == 1
    return "seq" if is_of_one else "id"


def _build_leading(
    matching: EventFilter, before: UUID | None, down_to: UUID | None
) -> tuple[list[str], list[object]]:
    """Return the conditions that select a part of an index."""
    if _order(matching) == "seq":
        return _build_leading_by_seq(matching, before, down_to)
    conditions, values = list[str](), list[object]()
    if matching.contact_ids is not None:
        conditions.append("contact_id IN ?")
        values.append(list(matching.contact_ids))
    elif matching.name:
        conditions.append("name = ?")
        values.append(matching.name)
    period, bounds = _build_period(matching)
    for sign, bound in (("<", before), (">=", down_to)):
        if bound is not None:
            conditions.append(f"id {sign} ?")
            values.append(bound)
    return conditions + period, values + bounds


def _build_leading_by_seq(
    matching: EventFilter, before: UUID | None, down_to: UUID | None
) -> tuple[list[str], list[object]]:
    conditions, values = ["contact_id = ?"], list[object](matching.contact_ids or ())
    for sign, bound in (("<", before), (">=", down_to)):
        if bound is not None:
            # An event of another contact is no bound of the numbers.
            conditions.append(
                f"id {sign} ? AND seq {sign} COALESCE((SELECT b.seq FROM events b "
                f"WHERE b.id = ? AND b.contact_id = ?), {_NO_BOUND[sign]})"
            )
            values += [bound, bound, *(matching.contact_ids or ())]
    return conditions, values


def _build_rest(matching: EventFilter) -> tuple[list[str], list[object]]:
    """Return the conditions on the rows of the index."""
    conditions, values = list[str](), list[object]()
    if matching.contact_ids is not None and matching.name:
        # COALESCE keeps SQLite, which has no statistics, from using the index of names.
        conditions.append("COALESCE(name, '') = ?")
        values.append(matching.name)
    if matching.source:
        conditions.append("source = ?")
        values.append(matching.source)
    period, bounds = _build_period(matching) if _order(matching) == "seq" else ([], [])
    return conditions + period, values + bounds


def _build_period(matching: EventFilter) -> tuple[list[str], list[object]]:
    conditions, values = list[str](), list[object]()
    for sign, instant in ((">=", matching.since), ("<", matching.until)):
        if instant is not None:
            conditions.append(f"id {sign} ?")
            values.append(compute_first_id(instant))
    return conditions, values


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
