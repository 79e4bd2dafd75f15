"""Contacts: found by what they are known by, and one with everything that concerns them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ...domain.contact import Contact
from ...domain.enrollment import Enrollment
from ...domain.send_policy import Send
from .. import contacts, enrollments, sends
from ..db import Database, Query, Row
from ..fields import from_micros, id_or_none, to_id, to_micros
from . import emails
from .events import EventLine, lines_of

# The end of a range of texts that begin alike: no character sorts after it.
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of contacts goes on: after this one, by when they were last seen."""

    seen: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{to_micros(self.seen)}-{self.id}"

    @staticmethod
    def read(text: str) -> Place | None:
        """Read back what `str` wrote; None for anything else."""
        micros, _, contact_id = text.partition("-")
        try:
            return Place(from_micros(int(micros)), UUID(contact_id))
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True, slots=True)
class ListWord:
    """What a contact said about a list; list `*` is everything."""

    list_id: str
    subscribed: bool
    at: datetime
    source: str
    send_id: UUID | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Why an address must not be mailed."""

    address: str
    reason: str
    at: datetime
    send_id: UUID | None


@dataclass(frozen=True, slots=True)
class Hit:
    """An open or a click of a mail."""

    send_id: UUID
    kind: str
    verdict: str
    url: str | None
    agent: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ContactPage:
    """What the screen of one contact shows.

    Args:
        contact: who.
        identities: everything they are known by, as in the table: `u:`, `e:`, `a:`.
        said: what they said about lists, by list.
        stop: why their address must not be mailed, if so.
        enrollments: newest first.
        sends: newest first, refused ones included.
        events: newest first.
    """

    contact: Contact
    identities: Sequence[str]
    said: Mapping[str, ListWord]
    stop: Stop | None
    enrollments: Sequence[Enrollment]
    sends: Sequence[Send]
    events: Sequence[EventLine]


def _ids(rows: list[Row]) -> list[UUID]:
    return list(dict.fromkeys(to_id(row[0]) for row in rows))


def newest_ids(limit: int, after: Place | None) -> Query[list[UUID]]:
    """Ask for the contacts who were seen last.

    Args:
        limit: how many at most.
        after: where the page before ended.
    """
    where, values = "merged_into IS NULL", list[object]()
    if after is not None:
        where += " AND last_seen_at <= ? AND (last_seen_at, id) < (?, ?)"
        seen = to_micros(after.seen)
        values = [seen, seen, after.id]
    return Query(
        f"SELECT id FROM contacts WHERE {where} ORDER BY last_seen_at DESC, id DESC LIMIT ?",
        [*values, limit],
        _ids,
    )


def known_as(text: str, limit: int, *, is_sqlite: bool) -> Query[list[UUID]]:
    """Ask for the contacts whose user id, address or anonymous id begins with a text.

    Args:
        text: the beginning; addresses are kept in small letters.
        limit: how many at most.
        is_sqlite: whether texts are ordered by their bytes, so that a range finds a beginning.
    """
    starts = [f"u:{text}", f"e:{text.lower()}", f"a:{text}"]
    if is_sqlite:
        part = (
            "SELECT contact_id FROM (SELECT contact_id FROM identities "
            "WHERE identity >= ? AND identity < ? LIMIT ?) f{}"
        )
        values: list[object] = [
            value for start in starts for value in (start, start + _LAST, limit)
        ]
    else:
        part = (
            "SELECT contact_id FROM (SELECT contact_id FROM identities "
            "WHERE identity LIKE ? LIMIT ?) f{}"
        )
        values = [value for start in starts for value in (_escaped(start) + "%", limit)]
    sql = " UNION ALL ".join(part.format(n) for n in range(len(starts)))
    return Query(f"SELECT contact_id FROM ({sql}) found LIMIT ?", [*values, limit], _ids)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def in_order(database: Database, ids: Sequence[UUID]) -> list[Contact]:
    """Read contacts in the order of their ids' list."""
    if not ids:
        return []
    known = await database.read_one(contacts.by_ids(ids))
    return [known[one] for one in ids if one in known]


def words_of(contact_id: UUID) -> Query[dict[str, ListWord]]:
    """Ask what a contact said about lists."""
    return Query(
        "SELECT list_id, subscribed, changed_at, source, send_id FROM consents "
        "WHERE contact_id = ?",
        [contact_id],
        lambda rows: {
            row[0]: ListWord(row[0], bool(row[1]), from_micros(row[2]), row[3], id_or_none(row[4]))
            for row in rows
        },
    )


def stop_of(address: str) -> Query[Stop | None]:
    """Ask why an address must not be mailed."""
    return Query(
        "SELECT reason, at, send_id FROM suppressions WHERE address = ?",
        [address],
        lambda rows: (
            Stop(address, rows[0][0], from_micros(rows[0][1]), id_or_none(rows[0][2]))
            if rows
            else None
        ),
    )


def hits_of(send_ids: Sequence[UUID], limit: int) -> Query[list[Hit]]:
    """Ask for the opens and clicks of mails, newest first."""
    return Query(
        "SELECT send_id, kind, verdict, url, agent, at FROM hits WHERE send_id IN ? "
        "ORDER BY id DESC LIMIT ?",
        [list(send_ids), limit],
        lambda rows: [
            Hit(to_id(row[0]), row[1], row[2], row[3], row[4], from_micros(row[5])) for row in rows
        ],
    )


async def load(database: Database, contact_id: UUID, limit: int) -> ContactPage | None:
    """Read one contact; None when there is none, or it was merged into another.

    Args:
        database: where.
        contact_id: who.
        limit: how many events, mails and enrollments at most, of each.
    """
    contact = await database.read_one(contacts.find(contact_id))
    if contact is None:
        return None
    identities, said, stop, enrolled, mailed, happened = await database.read(
        Query(
            "SELECT identity FROM identities WHERE contact_id = ? ORDER BY identity LIMIT ?",
            [contact_id, limit],
            lambda rows: [str(row[0]) for row in rows],
        ),
        words_of(contact_id),
        stop_of(contact.email or ""),
        Query(
            "SELECT id FROM enrollments WHERE contact_id = ? ORDER BY id DESC LIMIT ?",
            [contact_id, limit],
            _ids,
        ),
        Query(
            f"SELECT {emails.COLUMNS} FROM sends s WHERE s.contact_id = ? "
            "ORDER BY s.id DESC LIMIT ?",
            [contact_id, limit],
            lambda rows: [sends.read_send(row) for row in rows],
        ),
        lines_of(contact_id, limit),
    )
    found = await database.read_one(enrollments.by_ids(enrolled)) if enrolled else {}
    return ContactPage(
        contact=contact,
        identities=identities,
        said=said,
        stop=stop,
        enrollments=[found[one] for one in enrolled if one in found],
        sends=mailed,
        events=happened,
    )
