"""Erasures: people are cut off, and the hashes of their addresses stay suppressed.

`cut` makes a person unknown, in one transaction; `erased_content` then removes the content.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ..domain.erasure import ERASED, compute_address_hash
from ..domain.journey import EVERYTHING
from . import send_statuses
from .db import Query, Write
from .fields import to_micros
from .models import LIVE, ErasureRow, SendRow
from .rows import RowMapper, read_column

# The name of the installation's salt among the named values.
SALT = "erasure_salt"


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure of a contact.

    Args:
        contact_id: the contact.
        requested_at: when the contact became unknown.
        finished_at: when no personal data was left; None while the erasure runs.
    """

    contact_id: UUID
    requested_at: datetime
    finished_at: datetime | None = None


class PersonRow(NamedTuple):
    """A contact's row as an erasure needs it; see `ContactRow`."""

    id: UUID
    merged_into: UUID | None
    erased_at: datetime | None


_ERASURES = RowMapper(Erasure, ErasureRow)
_PERSONS = RowMapper(PersonRow, id="id", merged_into="merged_into", erased_at="erased_at")


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """How many rows are stored about a person.

    Args:
        identities: user ids, addresses and anonymous ids.
        events: events.
        enrollments: enrollments, of which `live` have not ended.
        live: enrollments that an erasure exits.
        sends: mails to the person, of which `queued` have not left.
        queued: mails that an erasure cancels.
        mails: rendered mails and captured ones.
    """

    identities: int
    events: int
    enrollments: int
    live: int
    sends: int
    queued: int
    mails: int


# -- addresses ------------------------------------------------------------------------------------


def find_erased(salt: str, addresses: Sequence[str]) -> Query[list[str]]:
    """Query which addresses belonged to erased contacts.

    Args:
        salt: the installation's salt.
        addresses: the addresses, in their normal form.
    """
    by_hash = {compute_address_hash(salt, address): address for address in addresses}
    read = read_column(bytes)
    return Query(
        "SELECT hash FROM erased_addresses WHERE hash IN ?",
        [list(by_hash)],
        lambda rows: [by_hash[digest] for digest in map(bytes, read(rows))],
    )


def remember_addresses(salt: str, addresses: Iterable[str], now: datetime) -> list[Write]:
    """Keep addresses suppressed by their hashes, and forget the addresses."""
    known = sorted(addresses)
    at = to_micros(now)
    return [
        Write(
            "INSERT INTO erased_addresses (hash, erased_at) VALUES (?, ?) "
            "ON CONFLICT (hash) DO NOTHING",
            [(compute_address_hash(salt, address), at) for address in known],
        ),
        Write("DELETE FROM suppressions WHERE address = ?", [(address,) for address in known]),
    ]


# -- the cut --------------------------------------------------------------------------------------


def lock_person(contact_id: UUID, lock: str) -> Query[PersonRow | None]:
    """Query a contact, and lock its row until the transaction ends.

    Args:
        contact_id: the contact.
        lock: `Transaction.dialect.lock_rows`.
    """
    return Query(
        f"SELECT {_PERSONS.columns} FROM contacts WHERE id = ?{lock}",
        [contact_id],
        _PERSONS.read_first,
    )


def lock_merged(contact_id: UUID, lock: str) -> Query[list[UUID]]:
    """Query the contacts that were merged into a locked contact, and lock their rows."""
    return Query(
        f"SELECT id FROM contacts WHERE merged_into = ? ORDER BY id{lock}",
        [contact_id],
        read_column(UUID),
    )


def find_identities(contact_ids: Sequence[UUID]) -> Query[list[str]]:
    """Query the identities of contacts, as stored."""
    return Query(
        "SELECT identity FROM identities WHERE contact_id IN ? ORDER BY identity",
        [list(contact_ids)],
        read_column(str),
    )


def has_unsubscribed(contact_ids: Sequence[UUID]) -> Query[bool]:
    """Query whether one of some contacts has unsubscribed from everything."""
    return Query(
        "SELECT id FROM consents WHERE contact_id IN ? AND list_id = ? AND subscribed = ?",
        [list(contact_ids), EVERYTHING, False],
        bool,
    )


class _Queued(NamedTuple):
    status: str


_QUEUED = RowMapper(_Queued, SendRow)


def count_queued(contact_ids: Sequence[UUID]) -> Query[int]:
    """Query how many queued and blocked mails go to contacts, or are sent on their behalf."""
    return Query(
        f"SELECT {_QUEUED.columns} FROM sends "
        f"WHERE COALESCE(status, '') IN {send_statuses.UNSENT} "
        "AND (contact_id IN ? OR on_behalf_of IN ?)",
        [list(contact_ids)] * 2,
        len,
    )


def cut(contact_ids: Sequence[UUID], now: datetime) -> list[Write]:
    """Make contacts unknown: remove what leads to them and what they are decided by.

    Mails that have not left are cancelled; one whose hand-over is running keeps its status.

    Args:
        contact_ids: the contact, and those that were merged into it.
        now: the current time.
    """
    at, ids = to_micros(now), [(contact_id,) for contact_id in contact_ids]
    return [
        Write("DELETE FROM identities WHERE contact_id = ?", ids),
        Write("DELETE FROM consents WHERE contact_id = ?", ids),
        Write("DELETE FROM opt_ins WHERE contact_id = ?", ids),
        Write("DELETE FROM merges WHERE survivor_id = ?", ids),
        Write("DELETE FROM merges WHERE merged_id = ?", ids),
        Write(
            "UPDATE sends SET status = CASE status WHEN 'sending' THEN status ELSE 'cancelled' "
            "END, reason = ?, due_at = NULL, updated_at = ? "
            f"WHERE COALESCE(status, '') IN {send_statuses.PENDING} "
            "AND (contact_id = ? OR on_behalf_of = ?)",
            [(ERASED, at, contact_id, contact_id) for contact_id in contact_ids],
        ),
        Write(
            "UPDATE contacts SET external_id = NULL, email = NULL, anonymous_id = NULL, "
            "properties = '{}', revision = revision + 1, updated_at = ?, erased_at = ? "
            "WHERE id = ?",
            [(at, at, contact_id) for contact_id in contact_ids],
        ),
    ]


_THEIRS = "IN (SELECT id FROM contacts WHERE id = ? OR merged_into = ?)"
_COUNTS = RowMapper(
    StoredCounts,
    identities=f"(SELECT COUNT(*) FROM identities WHERE contact_id {_THEIRS})",
    events=f"(SELECT COUNT(*) FROM events WHERE contact_id {_THEIRS})",
    enrollments=f"(SELECT COUNT(*) FROM enrollments WHERE contact_id {_THEIRS})",
    live=f"(SELECT COUNT(*) FROM enrollments WHERE contact_id {_THEIRS} AND {LIVE})",
    sends=f"(SELECT COUNT(*) FROM sends WHERE contact_id {_THEIRS})",
    queued=f"(SELECT COUNT(*) FROM sends WHERE contact_id {_THEIRS} "
    f"AND COALESCE(status, '') IN {send_statuses.UNSENT})",
    mails="(SELECT COUNT(*) FROM messages m JOIN sends s ON s.id = m.send_id "
    f"WHERE s.contact_id {_THEIRS})",
)


def count_stored(contact_id: UUID) -> Query[StoredCounts]:
    """Query how much is stored about a contact and those that were merged into it."""
    return Query(
        f"SELECT {_COUNTS.columns}",
        [contact_id] * _COUNTS.columns.count("?"),
        lambda rows: _COUNTS.read(*rows),
    )


# -- the job --------------------------------------------------------------------------------------


def start(contact_id: UUID, now: datetime) -> Write:
    """Record that an erasure runs."""
    return Write(
        "INSERT INTO erasures (contact_id, requested_at) VALUES (?, ?) "
        "ON CONFLICT (contact_id) DO NOTHING",
        [(contact_id, to_micros(now))],
    )


def finish(contact_id: UUID, now: datetime) -> Write:
    """Record that no personal data of a contact is left, unless one of its mails is leaving.

    The result of a running hand-over is recorded later, so the erasure has to look again.
    """
    return Write(
        "UPDATE erasures SET finished_at = ? WHERE contact_id = ? AND finished_at IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM sends s JOIN contacts c "
        "ON c.id = s.contact_id OR c.id = s.on_behalf_of "
        "WHERE s.status = 'sending' AND (c.id = ? OR c.merged_into = ?))",
        [(to_micros(now), contact_id, contact_id, contact_id)],
    )


def find(contact_id: UUID) -> Query[Erasure | None]:
    """Query the erasure of a contact; None when the contact was not erased."""
    return Query(
        f"SELECT {_ERASURES.columns} FROM erasures WHERE contact_id = ?",
        [contact_id],
        _ERASURES.read_first,
    )


def find_running(limit: int) -> Query[list[UUID]]:
    """Query the contacts whose erasure has not finished, the oldest first."""
    return Query(
        "SELECT contact_id FROM erasures WHERE finished_at IS NULL ORDER BY requested_at LIMIT ?",
        [limit],
        read_column(UUID),
    )
