"""Lists of contacts with filters, in one order of several, read in bounded steps.

A filter that few contacts match would read all of them. Each query therefore looks at a part of the
order of an index, and the page says how far it has looked (docs/decisions/0022-bounded-filters.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from ...domain.conditions import Condition
from ...domain.contact import Contact
from ...domain.ids import compute_instant
from ..contacts import CONTACTS
from ..db import Query
from ..fields import from_micros, to_micros
from ..property_conditions import PropertySql
from ..rows import read_first, read_scalar

Sort = Literal["-lastSeen", "lastSeen", "-created", "created"]
IdentityKind = Literal["all", "identified", "anonymous"]
_PRESENT = " AND c.merged_into IS NULL AND c.erased_at IS NULL"
_KINDS = {
    "all": "",
    "identified": " AND (c.external_id IS NOT NULL OR c.email IS NOT NULL)",
    "anonymous": " AND c.external_id IS NULL AND c.email IS NULL",
}


@dataclass(frozen=True, slots=True)
class ContactFilter:
    """Which contacts a list has, and in which order.

    Args:
        identity: the kinds of contacts.
        conditions: what their properties have to fulfil, all of them.
        sort: the order; `-` stands for the latest first.
    """

    identity: IdentityKind = "all"
    conditions: Sequence[Condition] = field(default_factory=tuple[Condition, ...])
    sort: Sort = "-lastSeen"


class Position(NamedTuple):
    """A place in an order: an instant, 0 in the order of ids, and the id of a contact."""

    instant: int
    id: UUID


def find_bound(contact_filter: ContactFilter, after: Position | None, budget: int) -> Query[Any]:
    """Query the instant or id that is `budget` contacts further in an order, by the index alone.

    Args:
        contact_filter: the order.
        after: the place to begin at; None begins at the first contact.
        budget: how many contacts further.
    """
    order = _Order(contact_filter.sort)
    where, values = order.build_start(after)
    return Query(
        f"SELECT {order.column} FROM contacts c WHERE {where} "
        f"ORDER BY {order.column} {order.direction} LIMIT 1 OFFSET ?",
        [*values, budget],
        read_first(UUID) if order.is_by_id else read_scalar,
    )


def find(
    contact_filter: ContactFilter,
    after: Position | None,
    bound: Any,
    *,
    limit: int,
    is_sqlite: bool,
) -> Query[list[Contact]]:
    """Query the contacts of a list that are in a part of its order.

    Args:
        contact_filter: which contacts, and in which order.
        after: the place to begin after; None begins at the first contact.
        bound: the instant or id to end with; None ends at the last contact.
        limit: how many contacts at most.
        is_sqlite: whether the database is SQLite.
    """
    order = _Order(contact_filter.sort)
    where, values = order.build_range(after, bound)
    conditions, operands = PropertySql(is_sqlite=is_sqlite).build(contact_filter.conditions)
    return Query(
        f"SELECT {CONTACTS.columns} FROM contacts c WHERE {where}{_PRESENT}"
        f"{_KINDS[contact_filter.identity]}{conditions} ORDER BY {order.sql} LIMIT ?",
        [*values, *operands, limit],
        CONTACTS.read_all,
    )


def find_by_offset(contact_filter: ContactFilter, offset: int) -> Query[Contact | None]:
    """Query the contact of a number in a list without conditions on properties, from 0."""
    order = _Order(contact_filter.sort)
    return Query(
        f"SELECT {CONTACTS.columns} FROM contacts c WHERE TRUE{_PRESENT}"
        f"{_KINDS[contact_filter.identity]} ORDER BY {order.sql} LIMIT 1 OFFSET ?",
        [offset],
        CONTACTS.read_first,
    )


def get_instant(place: Position) -> datetime:
    """Return the instant of a place: when its contact was seen last, or was created."""
    return from_micros(place.instant) if place.instant else compute_instant(place.id)


def find_place(contact_filter: ContactFilter, contact: Contact) -> Position:
    """Return the place of a contact in an order."""
    instant = 0 if _Order(contact_filter.sort).is_by_id else to_micros(contact.last_seen_at)
    return Position(instant, contact.id)


def find_place_after(contact_filter: ContactFilter, bound: Any) -> Position:
    """Return the place after all contacts of an instant, or after a contact's id."""
    order = _Order(contact_filter.sort)
    if order.is_by_id:
        return Position(0, bound)
    return Position(bound, UUID(int=0 if order.direction == "DESC" else (1 << 128) - 1))


class _Order:
    """The SQL of an order."""

    def __init__(self, sort: Sort) -> None:
        is_descending = sort.startswith("-")
        self.is_by_id = "created" in sort
        self.column = "c.id" if self.is_by_id else "c.last_seen_at"
        self.direction = "DESC" if is_descending else "ASC"
        self._sign = "<" if is_descending else ">"
        self._end_sign = ">" if is_descending else "<"
        self.sql = f"{self.column} {self.direction}"
        if not self.is_by_id:
            self.sql += f", c.id {self.direction}"

    def build_start(self, after: Position | None) -> tuple[str, list[Any]]:
        if after is None:
            return "TRUE", []
        if self.is_by_id:
            return f"c.id {self._sign} ?", [after.id]
        return f"c.last_seen_at {self._sign}= ?", [after.instant]

    def build_range(self, after: Position | None, bound: Any) -> tuple[str, list[Any]]:
        where, values = self.build_start(after)
        if after is not None and not self.is_by_id:
            where += f" AND (c.last_seen_at, c.id) {self._sign} (?, ?)"
            values += [after.instant, after.id]
        if bound is not None:
            where += f" AND {self.column} {self._end_sign}= ?"
            values.append(bound)
        return where, values
