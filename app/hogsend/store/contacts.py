"""Contacts and what they are known by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.contact import Contact
from .corrupt_rows import UNREADABLE, object_of, unreadable
from .db import Query, Row, Write
from .fields import from_micros, instant_or_none, to_id, to_micros
from .json_text import to_json

_COLUMNS = (
    "c.id, c.external_id, c.email, c.anonymous_id, c.properties, c.event_seq, "
    "c.first_seen_at, c.last_seen_at"
)


def identities_of(user_id: str | None, email: str | None, anonymous_id: str | None) -> list[str]:
    """Return what a call knows a contact by, in the form of the table, the strongest first."""
    named = (("u:", user_id), ("e:", email), ("a:", anonymous_id))
    return [prefix + value for prefix, value in named if value]


def _contact(row: Row) -> Contact:
    try:
        properties = object_of(row[4])
    except UNREADABLE as error:
        properties = unreadable("contacts", to_id(row[0]), error, {"unreadable": row[4]})
    return Contact(
        id=to_id(row[0]),
        user_id=row[1],
        email=row[2],
        anonymous_id=row[3],
        properties=properties,
        event_seq=row[5],
        first_seen_at=from_micros(row[6]),
        last_seen_at=instant_or_none(row[7]),
    )


def by_identities(identities: Sequence[str]) -> Query[dict[str, Contact]]:
    """Ask for the contacts that these identities name."""
    return Query(
        f"SELECT {_COLUMNS}, i.identity FROM identities i JOIN contacts c ON c.id = i.contact_id "
        "WHERE i.identity IN ?",
        [list(identities)],
        lambda rows: {row[8]: _contact(row) for row in rows},
    )


def by_ids(ids: Iterable[UUID], lock: str = "") -> Query[dict[UUID, Contact]]:
    """Ask for contacts by id.

    Args:
        ids: which ones.
        lock: `Transaction.dialect.lock_rows`, to hold the rows until the transaction ends; they
            are locked in the order of their ids, so that two sets never wait for each other.
    """
    return Query(
        f"SELECT {_COLUMNS} FROM contacts c WHERE c.id IN ? ORDER BY c.id{lock}",
        [list(ids)],
        lambda rows: {to_id(row[0]): _contact(row) for row in rows},
    )


@dataclass(frozen=True, slots=True)
class Locked:
    """Contacts that nobody else changes until the transaction ends.

    Args:
        people: the contacts, by id.
        moved: of those that were merged, into whom.
    """

    people: dict[UUID, Contact]
    moved: dict[UUID, UUID]


def locked(ids: Iterable[UUID], lock: str) -> Query[Locked]:
    """Ask for contacts in order to change what is theirs.

    Args:
        ids: which ones; they are locked in the order of their ids, so that two sets never wait
            for each other.
        lock: `Transaction.dialect.lock_rows`.
    """
    return Query(
        f"SELECT {_COLUMNS}, c.merged_into FROM contacts c WHERE c.id IN ? ORDER BY c.id{lock}",
        [list(ids)],
        _locked,
    )


def _locked(rows: list[Row]) -> Locked:
    return Locked(
        {to_id(row[0]): _contact(row) for row in rows},
        {to_id(row[0]): to_id(row[8]) for row in rows if row[8] is not None},
    )


def of_enrollments(ids: Sequence[UUID]) -> Query[dict[UUID, Contact]]:
    """Ask for the contacts of some enrollments."""
    return Query(
        f"SELECT {_COLUMNS} FROM contacts c WHERE c.id IN "
        "(SELECT e.contact_id FROM enrollments e WHERE e.id IN ?)",
        [list(ids)],
        lambda rows: {to_id(row[0]): _contact(row) for row in rows},
    )


def locked_of_enrollments(ids: Sequence[UUID], lock: str) -> Query[Locked]:
    """Ask for the contacts of some enrollments, in order to change what is theirs.

    Args:
        ids: whose contacts.
        lock: `Transaction.dialect.lock_rows`.
    """
    return Query(
        f"SELECT {_COLUMNS}, c.merged_into FROM contacts c WHERE c.id IN "
        f"(SELECT e.contact_id FROM enrollments e WHERE e.id IN ?) ORDER BY c.id{lock}",
        [list(ids)],
        _locked,
    )


def of_sends(ids: Sequence[UUID], lock: str = "") -> Query[dict[UUID, Contact]]:
    """Ask for the contacts of some sends.

    Args:
        ids: which sends.
        lock: `Transaction.dialect.lock_rows`, to hold the contacts until the transaction ends.
    """
    return Query(
        f"SELECT {_COLUMNS} FROM contacts c WHERE c.id IN "
        f"(SELECT s.contact_id FROM sends s WHERE s.id IN ?) ORDER BY c.id{lock}",
        [list(ids)],
        lambda rows: {to_id(row[0]): _contact(row) for row in rows},
    )


def survivor_of(contact_id: UUID) -> Query[UUID | None]:
    """Ask into whom a contact was merged, if so."""
    return Query(
        "SELECT merged_into FROM contacts WHERE id = ?",
        [contact_id],
        lambda rows: to_id(rows[0][0]) if rows and rows[0][0] is not None else None,
    )


def family_of(contact_ids: Sequence[UUID]) -> Query[dict[UUID, UUID]]:
    """Ask for those who were merged into these contacts; gives merged id → survivor."""
    return Query(
        "SELECT id, merged_into FROM contacts WHERE merged_into IN ?",
        [list(contact_ids)],
        lambda rows: {to_id(row[0]): to_id(row[1]) for row in rows},
    )


def insert(contacts: Iterable[Contact], now: datetime) -> Write:
    """Add contacts."""
    at = to_micros(now)
    return Write(
        "INSERT INTO contacts (id, external_id, email, anonymous_id, properties, event_seq, "
        "first_seen_at, last_seen_at, created_at, updated_at) VALUES (?,?,?,?,?,?,?,?,?,?)",
        [
            (
                c.id,
                c.user_id,
                c.email,
                c.anonymous_id,
                to_json(c.properties),
                c.event_seq,
                at,
                at,
                at,
                at,
            )
            for c in contacts
        ],
    )


def update(contacts: Iterable[Contact], now: datetime) -> Write:
    """Write what an event changed of contacts."""
    at = to_micros(now)
    return Write(
        "UPDATE contacts SET external_id = ?, email = ?, anonymous_id = ?, properties = ?, "
        "event_seq = ?, last_seen_at = ?, updated_at = ? WHERE id = ?",
        [
            (
                c.user_id,
                c.email,
                c.anonymous_id,
                to_json(c.properties),
                c.event_seq,
                at,
                at,
                c.id,
            )
            for c in contacts
        ],
    )


def name(pairs: Sequence[tuple[str, UUID]]) -> Write:
    """Record what contacts are known by.

    One that another process has given to somebody meanwhile is an error: it is decided anew then.
    """
    return Write("INSERT INTO identities (identity, contact_id) VALUES (?, ?)", pairs)


def merge(loser: UUID, survivor: UUID, now: datetime) -> list[Write]:
    """Point everything that names one contact to another; history rows keep their id."""
    at = to_micros(now)
    return [
        Write("UPDATE identities SET contact_id = ? WHERE contact_id = ?", [(survivor, loser)]),
        Write(
            "UPDATE contacts SET merged_into = ?, updated_at = ? WHERE id = ? OR merged_into = ?",
            [(survivor, at, loser, loser)],
        ),
        Write(
            "UPDATE sends SET contact_id = ? WHERE contact_id = ? "
            "AND status IN ('queued', 'sending')",
            [(survivor, loser)],
        ),
    ]


def read_contact(rows: list[Row]) -> Any:
    """Read at most one contact."""
    return _contact(rows[0]) if rows else None


def find(contact_id: UUID) -> Query[Contact | None]:
    """Ask for one contact."""
    return Query(
        f"SELECT {_COLUMNS} FROM contacts c WHERE c.id = ? AND c.merged_into IS NULL",
        [contact_id],
        read_contact,
    )
