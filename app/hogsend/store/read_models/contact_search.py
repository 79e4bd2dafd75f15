"""Lists of contacts with filters, in one order of several, read in bounded steps.

A filter that few contacts match would read all of them. Each query therefore looks at a part of the
order of an index, and the page says how far it has looked (docs/decisions/0023-bounded-filters.md).
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
from ..db import Query, Row
from ..fields import from_micros, to_micros
from ..property_conditions import PropertySql
from ..rows import RowMapper, read_first, read_scalar
from ..stored import Stored

Sort = Literal[
    "-lastSeen", "lastSeen", "-firstSeen", "firstSeen", "-created", "created", "-email", "email"
]
IdentityKind = Literal["all", "identified", "anonymous"]
_PRESENT = "c.merged_into IS NULL AND c.erased_at IS NULL"
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
    """A place in an order: what contacts are sorted by, and the id of a contact.

    Args:
        key: an instant in microseconds; 0 in the order of ids; an identity in that of addresses.
        id: the contact; it does not matter in the order of addresses, of which no two are equal.
    """

    key: int | str
    id: UUID


def find_bound(
    contact_filter: ContactFilter, after: Position | None, budget: int
) -> Query[Position | None]:
    """Query the place that is `budget` contacts further in an order, by the index alone.

    Args:
        contact_filter: the order.
        after: the place to begin after; None begins at the first contact.
        budget: how many contacts further.
    """
    order = _build_order(contact_filter.sort)
    where, values = order.build_start(after)

    return Query(
        f"SELECT {', '.join(order.index)} FROM {order.table} WHERE {where} "
        f"ORDER BY {order.sort(order.index)} LIMIT 1 OFFSET ?",
        [*values, budget],
        order.read_place,
    )


def find(
    contact_filter: ContactFilter,
    after: Position | None,
    bound: Position | None,
    *,
    limit: int,
    is_sqlite: bool,
) -> Query[list[Contact]]:
    """Query the contacts of a list that are in a part of its order.

    Args:
        contact_filter: which contacts, and in which order.
        after: the place to begin after; None begins at the first contact.
        bound: the place to end with; None ends at the last contact.
        limit: how many contacts at most.
        is_sqlite: whether the database is SQLite.
    """
    order = _build_order(contact_filter.sort)
    where, values = order.build_range(after, bound)
    conditions, operands = PropertySql(is_sqlite=is_sqlite).build(contact_filter.conditions)
    return Query(
        f"SELECT {CONTACTS.columns} FROM {order.tables} WHERE {where}{order.join} AND {_PRESENT}"
        f"{_KINDS[contact_filter.identity]}{conditions} "
        f"ORDER BY {order.sort(order.columns)} LIMIT ?",
        [*values, *operands, limit],
        CONTACTS.read_all,
    )


def find_by_offset(
    contact_filter: ContactFilter, bound: Position | None, offset: int
) -> Query[Contact | None]:
    """Query the contact of a number in a list without conditions on properties, from 0.

    Args:
        contact_filter: which contacts, and in which order.
        bound: the last place that is looked at; None for all.
        offset: the number.
    """
    order = _build_order(contact_filter.sort)
    where, values = order.build_range(None, bound)
    return Query(
        f"SELECT {CONTACTS.columns} FROM {order.tables} WHERE {where}{order.join} AND {_PRESENT}"
        f"{_KINDS[contact_filter.identity]} ORDER BY {order.sort(order.columns)} LIMIT 1 OFFSET ?",
        [*values, offset],
        CONTACTS.read_first,
    )


def describe_place(place: Position) -> datetime | str:
    """Return what the contacts at a place have: when they were seen or created, or the address."""
    if isinstance(place.key, str):
        return place.key.removeprefix(_ADDRESS)
    return from_micros(place.key) if place.key else compute_instant(place.id)


def find_place(contact_filter: ContactFilter, contact: Contact) -> Position:
    """Return the place of a contact in an order."""
    match contact_filter.sort.removeprefix("-"):
        case "email":
            return Position(_ADDRESS + (contact.email or ""), contact.id)
        case "created":
            return Position(0, contact.id)
        case "firstSeen":
            return Position(to_micros(contact.first_seen_at), contact.id)
        case _:
            return Position(to_micros(contact.last_seen_at), contact.id)


_ADDRESS = "e:"


@dataclass(frozen=True, slots=True)
class _Order:
    """The SQL of an order.

    Args:
        columns: what contacts are sorted by.
        index: what the index has of it: all of it, or nothing but the instant.
        is_descending: whether the order is turned around.
        table: the table of the index.
        condition: the condition of the rows of the index.
        ends: where the index begins and ends, unless a place says so.
        tables: the tables that have the contacts.
        join: the condition that joins them.
    """

    columns: Sequence[str]
    index: Sequence[str]
    is_descending: bool
    table: str = "contacts c"
    condition: str = "TRUE"
    ends: tuple[str, str] = ("TRUE", "TRUE")
    tables: str = "contacts c"
    join: str = ""

    def sort(self, columns: Sequence[str]) -> str:
        """Return columns as ORDER BY has them."""
        direction = "DESC" if self.is_descending else "ASC"
        return ", ".join(f"{column} {direction}" for column in columns)

    def build_start(self, after: Position | None) -> tuple[str, list[Any]]:
        """Return the condition of the part of the index that begins at a place."""
        where, values = self._begin(after)
        return f"{where} AND {self.ends[not self.is_descending]}", values

    def build_range(self, after: Position | None, bound: Position | None) -> tuple[str, list[Any]]:
        """Return the condition of the places after one, up to another one.

        Each end is given once: of two, SQLite would use the wider one.
        """
        where, values = self._begin(after)
        if after is not None and self.index != self.columns:
            rest, operands = _compare(after, self.columns, "<" if self.is_descending else ">")
            where, values = f"{where} AND {rest}", values + operands
        if bound is None:
            return f"{where} AND {self.ends[not self.is_descending]}", values
        end, operands = _compare(bound, self.index, ">=" if self.is_descending else "<=")
        return f"{where} AND {self.condition} AND {end}", values + operands

    def _begin(self, after: Position | None) -> tuple[str, list[Any]]:
        if after is None:
            return f"{self.condition} AND {self.ends[self.is_descending]}", []
        # Contacts of the same instant follow in the order of their ids.
        sign = ("<" if self.is_descending else ">") + ("=" if self.index != self.columns else "")
        where, values = _compare(after, self.index, sign)
        return f"{self.condition} AND {where}", values

    def read_place(self, rows: list[Row]) -> Position | None:
        """Read the place of a row of the index: after all contacts of the same instant."""
        if self.index == ("c.id",):
            contact_id = read_first(UUID)(rows)
            return contact_id and Position(0, contact_id)
        if self.index == self.columns and len(self.index) > 1:
            return _PLACES.read_first(rows)
        key = read_scalar(rows)
        last_id = UUID(int=0 if self.is_descending else (1 << 128) - 1)
        return None if key is None else Position(key, last_id)


def _compare(place: Position, columns: Sequence[str], sign: str) -> tuple[str, list[Any]]:
    values = [place.id if column == "c.id" else place.key for column in columns]
    return f"({', '.join(columns)}) {sign} ({', '.join('?' * len(columns))})", values


_PLACES = RowMapper(Position, key=Stored())


def _build_order(sort: Sort) -> _Order:
    is_descending, name = sort.startswith("-"), sort.removeprefix("-")
    if name == "email":
        columns = ("i.identity",)
        return _Order(
            columns,
            columns,
            is_descending,
            "identities i",
            ends=(f"i.identity >= '{_ADDRESS}'", "i.identity < 'e;'"),
            # CROSS JOIN keeps SQLite, which has no statistics, from reading all contacts first.
            tables="identities i CROSS JOIN contacts c",
            # A contact may have several addresses; it is sorted by the one that mail goes to.
            join=f" AND c.id = i.contact_id AND i.identity = '{_ADDRESS}' || c.email",
        )
    if name == "created":
        return _Order(("c.id",), ("c.id",), is_descending)
    if name == "firstSeen":
        columns = ("c.first_seen_at", "c.id")
        return _Order(columns, columns, is_descending, condition=_PRESENT)
    # An event changes the index, so it has nothing but the instant.
    return _Order(
        ("c.last_seen_at", "c.id"),
        ("c.last_seen_at",),
        is_descending,
        # Without an end, SQLite would sort what the index of the first instants has.
        ends=("c.last_seen_at >= -9000000000000000000", "c.last_seen_at <= 9000000000000000000"),
    )
