"""Contacts for pages: found by their identities, and one with everything that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ...domain.contact import Contact
from ...domain.enrollment import Enrollment
from ...domain.send_policy import Send
from .. import contacts, enrollments
from ..db import Database, Query, Row
from ..fields import from_micros, to_micros
from ..models import ConsentRow, EngagementRow, SuppressionRow
from ..rows import RowMapper, column
from ..stored import Stored
from . import emails
from .events import EventLine, lines_of

# Ends a range of texts that begin alike: no character sorts after it.
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class PageCursor:
    """The end of a page of contacts, which are in the order in which they were last seen."""

    seen: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{to_micros(self.seen)}-{self.id}"

    @staticmethod
    def read(text: str) -> PageCursor | None:
        """Read what `str` wrote; return None for any other text."""
        micros, _, contact_id = text.partition("-")
        try:
            return PageCursor(from_micros(int(micros)), UUID(contact_id))
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True, slots=True)
class ListWord:
    """A contact's decision about a list; the list `*` stands for every list."""

    list_id: str
    subscribed: bool
    at: datetime
    source: str
    send_id: UUID | None


@dataclass(frozen=True, slots=True)
class Stop:
    """The suppression of an address: no mail goes to it."""

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
    """Everything that the page of one contact shows.

    Args:
        contact: the contact.
        identities: all its identities, as the table has them: `u:`, `e:`, `a:`.
        decisions: its decisions about lists, by list.
        stop: the suppression of its address, if there is one.
        enrollments: newest first.
        sends: newest first, refused ones included.
        events: newest first.
    """

    contact: Contact
    identities: Sequence[str]
    decisions: Mapping[str, ListWord]
    stop: Stop | None
    enrollments: Sequence[Enrollment]
    sends: Sequence[Send]
    events: Sequence[EventLine]


_DECISIONS = RowMapper(ListWord, ConsentRow, at=Stored(from_micros, columns=("changed_at",)))
_SUPPRESSIONS = RowMapper(Stop, SuppressionRow)
_ENGAGEMENT = RowMapper(Hit, EngagementRow)


def _ids(rows: list[Row]) -> list[UUID]:
    return list(dict.fromkeys(column(UUID)(rows)))


def newest_ids(limit: int, after: PageCursor | None) -> Query[list[UUID]]:
    """Query the contacts that were seen last.

    Args:
        limit: how many at most.
        after: the end of the page before.
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
    """Query the contacts whose user id, address or anonymous id begins with a text.

    Args:
        text: the beginning; addresses are stored in lower case.
        limit: how many at most.
        is_sqlite: whether text is ordered by its bytes, so that a range of the index has it.
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
    """Read contacts in the order of the ids."""
    if not ids:
        return []
    known = await database.read_one(contacts.by_ids(ids))
    return [known[one] for one in ids if one in known]


def words_of(contact_id: UUID) -> Query[dict[str, ListWord]]:
    """Query the decisions of a contact about lists, by list."""
    return Query(
        f"SELECT {_DECISIONS.columns} FROM consents WHERE contact_id = ?",
        [contact_id],
        _DECISIONS.by("list_id"),
    )


def stop_of(address: str) -> Query[Stop | None]:
    """Query the suppression of an address."""
    return Query(
        f"SELECT {_SUPPRESSIONS.columns} FROM suppressions WHERE address = ?",
        [address],
        _SUPPRESSIONS.first,
    )


def hits_of(send_ids: Sequence[UUID], limit: int) -> Query[list[Hit]]:
    """Query the opens and clicks of mails, newest first."""
    return Query(
        f"SELECT {_ENGAGEMENT.columns} FROM hits WHERE send_id IN ? ORDER BY id DESC LIMIT ?",
        [list(send_ids), limit],
        _ENGAGEMENT.all,
    )


async def load(database: Database, contact_id: UUID, limit: int) -> ContactPage | None:
    """Read one contact; None when it does not exist or was merged into another.

    Args:
        database: the open database.
        contact_id: the contact.
        limit: how many events, mails and enrollments at most, of each.
    """
    contact = await database.read_one(contacts.find(contact_id))
    if contact is None:
        return None
    identities, decisions, suppression, enrollment_ids, mails, history = await database.read(
        Query(
            "SELECT identity FROM identities WHERE contact_id = ? ORDER BY identity LIMIT ?",
            [contact_id, limit],
            column(str),
        ),
        words_of(contact_id),
        stop_of(contact.email or ""),
        Query(
            "SELECT id FROM enrollments WHERE contact_id = ? ORDER BY id DESC LIMIT ?",
            [contact_id, limit],
            _ids,
        ),
        Query(
            f"SELECT {emails.SENDS.columns} FROM sends s WHERE s.contact_id = ? "
            "ORDER BY s.id DESC LIMIT ?",
            [contact_id, limit],
            emails.SENDS.all,
        ),
        lines_of(contact_id, limit),
    )
    by_id: dict[UUID, Enrollment] = {}
    if enrollment_ids:
        by_id = await database.read_one(enrollments.by_ids(enrollment_ids))
    return ContactPage(
        contact=contact,
        identities=identities,
        decisions=decisions,
        stop=suppression,
        enrollments=list(by_id.values()),
        sends=mails,
        events=history,
    )
