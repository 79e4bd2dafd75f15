"""Events: the newest, those of a name, those of a contact, and what each caused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ...domain.contact import Contact
from .. import contacts
from ..corrupt_rows import UNREADABLE, object_of, unreadable
from ..db import Database, Query, Row
from ..fields import from_micros, id_or_none, to_id
from ..json_text import from_json

_COLUMNS = (
    "id, contact_id, name, properties, decisions, occurred_at, received_at, source, value, "
    "currency, cause_id, depth"
)


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event as screens show it.

    Args:
        id: our id.
        contact_id: whom it concerns; None while nobody is known.
        name: what happened.
        properties: the particulars.
        enrollments: for each journey that listened, what was decided.
        exits: the enrollments with exit rules that it reached.
        waits: the enrollments whose wait it ended.
        occurred_at: when it happened, by the sender's word.
        received_at: when it arrived.
        source: who told us.
        money: the amount and its currency, if given.
        cause_id: the enrollment that triggered it.
        depth: how many causes it is away from the outside.
    """

    id: UUID
    contact_id: UUID | None
    name: str
    properties: Mapping[str, Any]
    enrollments: Sequence[Mapping[str, Any]]
    exits: Sequence[Mapping[str, Any]]
    waits: Sequence[Mapping[str, Any]]
    occurred_at: datetime
    received_at: datetime
    source: str
    money: str
    cause_id: UUID | None
    depth: int

    @property
    def enrolled(self) -> int:
        """How many journeys it started."""
        return sum(one.get("outcome") == "enrolled" for one in self.enrollments)

    @property
    def ended(self) -> int:
        """How many enrollments it ended."""
        return sum(bool(one.get("exited")) for one in self.exits)


def _line(row: Row) -> EventLine:
    try:
        decisions, properties = from_json(row[4]) or {}, object_of(row[3])
    except UNREADABLE as error:
        left: Any = {}, {"unreadable": row[3]}
        decisions, properties = unreadable("events", to_id(row[0]), error, left)
    return EventLine(
        id=to_id(row[0]),
        contact_id=id_or_none(row[1]),
        name=row[2],
        properties=properties,
        enrollments=decisions.get("enrollments", ()),
        exits=decisions.get("exits", ()),
        waits=decisions.get("waits", ()),
        occurred_at=from_micros(row[5]),
        received_at=from_micros(row[6]),
        source=row[7],
        money=f"{row[8]:,.2f} {row[9] or ''}".strip() if row[8] is not None else "",
        cause_id=id_or_none(row[10]),
        depth=row[11],
    )


def _lines(rows: list[Row]) -> list[EventLine]:
    return [_line(row) for row in rows]


def newest(limit: int, *, name: str = "", before: UUID | None = None) -> Query[list[EventLine]]:
    """Ask for events, newest first.

    Args:
        limit: how many at most.
        name: only those of this name; empty for any.
        before: only those older than this one.
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
        f"SELECT {_COLUMNS} FROM events {where}ORDER BY id DESC LIMIT ?", [*values, limit], _lines
    )


def lines_of(contact_id: UUID, limit: int) -> Query[list[EventLine]]:
    """Ask for the newest events of a contact."""
    return Query(
        f"SELECT {_COLUMNS} FROM events WHERE contact_id = ? ORDER BY seq DESC LIMIT ?",
        [contact_id, limit],
        _lines,
    )


def line(event_id: UUID) -> Query[EventLine | None]:
    """Ask for one event."""
    return Query(
        f"SELECT {_COLUMNS} FROM events WHERE id = ?",
        [event_id],
        lambda rows: _line(rows[0]) if rows else None,
    )


def trigger_of(enrollment_id: UUID) -> Query[EventLine | None]:
    """Ask for the event that started an enrollment."""
    return Query(
        f"SELECT {_COLUMNS} FROM events WHERE id = "
        "(SELECT trigger_event_id FROM enrollments WHERE id = ?)",
        [enrollment_id],
        lambda rows: _line(rows[0]) if rows else None,
    )


async def people_of(database: Database, lines: Sequence[EventLine]) -> Mapping[UUID, Contact]:
    """Read whom events concern, by contact id."""
    ids = {one.contact_id for one in lines if one.contact_id is not None}
    if not ids:
        return {}
    found: Mapping[UUID, Contact] = await database.read_one(contacts.by_ids(ids))
    return found
