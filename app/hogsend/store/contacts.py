"""Contacts and their identities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ..domain.contact import Contact
from . import send_statuses
from .db import Query, Row, Write
from .fields import to_micros
from .models import ContactRow
from .rows import RowMapper, read_column, read_first, read_pairs
from .stored import Stored, json_object

CONTACTS = RowMapper(
    Contact,
    ContactRow,
    "c",
    user_id=Stored(columns=("external_id",)),
    properties=json_object(),
)
_SEEN = ("first_seen_at", "last_seen_at")
_NEW = CONTACTS.build_write_columns(without=_SEEN, extra=(*_SEEN, "created_at", "updated_at"))
_CHANGED = CONTACTS.build_write_columns(
    without=("id", *_SEEN), extra=("last_seen_at", "updated_at")
)
_IMPORTED = CONTACTS.build_write_columns(
    without=("properties",), extra=("properties", "created_at", "updated_at")
)
_CHANGED_BY_IMPORT = CONTACTS.build_write_columns(
    without=("id", "event_seq", *_SEEN), extra=("updated_at",)
)


class _Identified(NamedTuple):
    contact: Contact
    identity: str


class _Merged(NamedTuple):
    contact: Contact
    merged_into: UUID | None
    erased_at: datetime | None


_IDENTIFIED = RowMapper(_Identified, contact=CONTACTS, identity="i.identity")
_MERGED = RowMapper(_Merged, contact=CONTACTS, merged_into="c.merged_into", erased_at="c.erased_at")


def to_identities(user_id: str | None, email: str | None, anonymous_id: str | None) -> list[str]:
    """Return identities in their stored form, the user id first, the anonymous id last."""
    values = (("u:", user_id), ("e:", email), ("a:", anonymous_id))
    return [prefix + value for prefix, value in values if value]


def find_by_identities(identities: Sequence[str]) -> Query[dict[str, Contact]]:
    """Query contacts by their identities."""
    return Query(
        f"SELECT {_IDENTIFIED.columns} FROM identities i JOIN contacts c ON c.id = i.contact_id "
        "WHERE i.identity IN ?",
        [list(identities)],
        lambda rows: {row.identity: row.contact for row in map(_IDENTIFIED.read, rows)},
    )


def find_owners(identities: Sequence[str]) -> Query[dict[str, UUID]]:
    """Query the ids of the contacts that have some identities, by identity."""
    return Query(
        "SELECT identity, contact_id FROM identities WHERE identity IN ?",
        [list(identities)],
        read_pairs(str, UUID),
    )


def find_by_ids(ids: Iterable[UUID], lock: str = "") -> Query[dict[UUID, Contact]]:
    """Query contacts by id.

    Args:
        ids: the contacts' ids.
        lock: `Transaction.dialect.lock_rows`, to lock the rows until the transaction ends. Rows are
            locked in the order of their ids, so that two transactions cannot deadlock.
    """
    return Query(
        f"SELECT {CONTACTS.columns} FROM contacts c WHERE c.id IN ? ORDER BY c.id{lock}",
        [list(ids)],
        CONTACTS.read_by("id"),
    )


@dataclass(frozen=True, slots=True)
class LockedContacts:
    """Contacts whose rows this transaction has locked until it ends; erased ones are left out.

    Args:
        by_id: the contacts, by id.
        survivors: the contact that each merged contact was merged into, by id.
    """

    by_id: dict[UUID, Contact]
    survivors: dict[UUID, UUID]


def _read_locked(rows: list[Row]) -> LockedContacts:
    locked = [row for row in _MERGED.read_all(rows) if row.erased_at is None]
    return LockedContacts(
        {row.contact.id: row.contact for row in locked},
        {row.contact.id: row.merged_into for row in locked if row.merged_into is not None},
    )


def lock(ids: Iterable[UUID], lock: str) -> Query[LockedContacts]:
    """Query contacts and lock their rows until the transaction ends.

    Args:
        ids: the contacts' ids. Rows are locked in the order of their ids, so that two
            transactions cannot deadlock.
        lock: `Transaction.dialect.lock_rows`.
    """
    return Query(
        f"SELECT {_MERGED.columns} FROM contacts c WHERE c.id IN ? ORDER BY c.id{lock}",
        [list(ids)],
        _read_locked,
    )


def find_by_enrollments(ids: Sequence[UUID]) -> Query[dict[UUID, Contact]]:
    """Query the contacts of enrollments, by contact id."""
    return Query(
        f"SELECT {CONTACTS.columns} FROM contacts c WHERE c.id IN "
        "(SELECT e.contact_id FROM enrollments e WHERE e.id IN ?)",
        [list(ids)],
        CONTACTS.read_by("id"),
    )


def lock_by_enrollments(ids: Sequence[UUID], lock: str) -> Query[LockedContacts]:
    """Query the contacts of enrollments and lock their rows.

    Args:
        ids: the enrollments' ids.
        lock: `Transaction.dialect.lock_rows`.
    """
    return Query(
        f"SELECT {_MERGED.columns} FROM contacts c WHERE c.id IN "
        f"(SELECT e.contact_id FROM enrollments e WHERE e.id IN ?) ORDER BY c.id{lock}",
        [list(ids)],
        _read_locked,
    )


def find_by_sends(ids: Sequence[UUID], lock: str = "") -> Query[dict[UUID, Contact]]:
    """Query the contacts of sends, by contact id.

    Args:
        ids: the sends' ids.
        lock: `Transaction.dialect.lock_rows`, to lock the contacts until the transaction ends.
    """
    return Query(
        f"SELECT {CONTACTS.columns} FROM contacts c WHERE c.id IN "
        f"(SELECT s.contact_id FROM sends s WHERE s.id IN ?) ORDER BY c.id{lock}",
        [list(ids)],
        CONTACTS.read_by("id"),
    )


def find_survivor(contact_id: UUID) -> Query[UUID | None]:
    """Query the contact that a contact was merged into; None when it was not merged."""
    return Query("SELECT merged_into FROM contacts WHERE id = ?", [contact_id], read_first(UUID))


def find_merged(contact_ids: Sequence[UUID]) -> Query[dict[UUID, UUID]]:
    """Query the ids of contacts that were merged into these, each with its survivor's id."""
    return Query(
        "SELECT id, merged_into FROM contacts WHERE merged_into IN ?",
        [list(contact_ids)],
        read_pairs(UUID, UUID),
    )


def insert(contacts: Iterable[Contact], now: datetime) -> Write:
    """Add contacts."""
    at = to_micros(now)
    return Write(
        f"INSERT INTO contacts ({_NEW.names}) VALUES ({_NEW.placeholders})",
        [_NEW.values(contact, at, at, at, at) for contact in contacts],
    )


def update(contacts: Iterable[Contact], now: datetime) -> Write:
    """Update contacts that an event changed."""
    at = to_micros(now)
    return Write(
        f"UPDATE contacts SET {_CHANGED.assignments} WHERE id = ?",
        [_CHANGED.values(contact, at, at, contact.id) for contact in contacts],
        in_any_order=True,
    )


def record_last_events(contacts: Iterable[Contact], now: datetime) -> Write:
    """Record the number and the instant of contacts' last events, which often change no more."""
    at = to_micros(now)
    return Write(
        "UPDATE contacts SET event_seq = ?, last_seen_at = ?, updated_at = ? WHERE id = ?",
        [(contact.event_seq, at, at, contact.id) for contact in contacts],
        in_any_order=True,
    )


def insert_imported(pairs: Iterable[tuple[Contact, str]], now: datetime) -> Write:
    """Add contacts with the instants at which they were first and last seen elsewhere.

    Args:
        pairs: the contacts, each with its properties as JSON.
        now: the current time.
    """
    at = to_micros(now)
    return Write(
        f"INSERT INTO contacts ({_IMPORTED.names}) VALUES ({_IMPORTED.placeholders})",
        [_IMPORTED.values(contact, text, at, at) for contact, text in pairs],
    )


def update_imported(contacts: Iterable[Contact], now: datetime) -> Write:
    """Update contacts that an import changed, who have not been seen thereby."""
    at = to_micros(now)
    return Write(
        f"UPDATE contacts SET {_CHANGED_BY_IMPORT.assignments} WHERE id = ?",
        [_CHANGED_BY_IMPORT.values(contact, at, contact.id) for contact in contacts],
    )


def set_first_seen(instants: Sequence[tuple[UUID, datetime]]) -> Write:
    """Note that contacts were first seen at these instants, unless they were seen earlier."""
    return Write(
        "UPDATE contacts SET first_seen_at = ? WHERE id = ? AND first_seen_at > ?",
        [(to_micros(at), contact_id, to_micros(at)) for contact_id, at in instants],
    )


def raise_revision(address: str) -> Write:
    """Note that the suppression of an address has changed, at the contact whose address it is."""
    return Write(
        "UPDATE contacts SET revision = revision + 1 WHERE id = "
        "(SELECT i.contact_id FROM identities i WHERE i.identity = ?)",
        [("e:" + address,)],
    )


def raise_revisions(contact_ids: Iterable[UUID]) -> Write:
    """Let the turns that are run for contacts at this moment run again."""
    return Write(
        "UPDATE contacts SET revision = revision + 1 WHERE id = ?",
        [(contact_id,) for contact_id in sorted(contact_ids)],
    )


def add_identities(pairs: Sequence[tuple[str, UUID]]) -> Write:
    """Add identities, each with the id of its contact.

    When another process has added the same identity in the meantime, the transaction fails on the
    primary key, and the caller resolves the contacts again.
    """
    return Write("INSERT INTO identities (identity, contact_id) VALUES (?, ?)", pairs)


def merge(merged_id: UUID, survivor_id: UUID, now: datetime) -> list[Write]:
    """Merge a contact into a survivor; past events, enrollments and sends keep their contact."""
    at = to_micros(now)
    return [
        Write(
            "UPDATE identities SET contact_id = ? WHERE contact_id = ?", [(survivor_id, merged_id)]
        ),
        Write(
            "UPDATE contacts SET first_seen_at = (SELECT MIN(c.first_seen_at) FROM contacts c "
            "WHERE c.id IN (?, ?)) WHERE id = ?",
            [(merged_id, survivor_id, survivor_id)],
        ),
        Write(
            "UPDATE contacts SET merged_into = ?, updated_at = ? WHERE id = ? OR merged_into = ?",
            [(survivor_id, at, merged_id, merged_id)],
        ),
        Write(
            "UPDATE sends SET contact_id = ? WHERE contact_id = ? "
            f"AND status IN {send_statuses.PENDING}",
            [(survivor_id, merged_id)],
        ),
        Write(
            "UPDATE sends SET on_behalf_of = ? WHERE on_behalf_of = ? "
            "AND COALESCE(status, '') IN ('queued', 'sending')",
            [(survivor_id, merged_id)],
        ),
    ]


def find(contact_id: UUID) -> Query[Contact | None]:
    """Query one contact; None when it does not exist, was merged or was erased."""
    return Query(
        f"SELECT {CONTACTS.columns} FROM contacts c "
        "WHERE c.id = ? AND c.merged_into IS NULL AND c.erased_at IS NULL",
        [contact_id],
        CONTACTS.read_first,
    )


def find_merged_ids(contact_id: UUID) -> Query[list[UUID]]:
    """Query the contacts that were merged into a contact."""
    return Query("SELECT id FROM contacts WHERE merged_into = ?", [contact_id], read_column(UUID))
