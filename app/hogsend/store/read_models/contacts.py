"""Contacts for pages: searches by identity, and the details of one contact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ...domain.contact import Contact
from ...domain.enrollment import Enrollment
from ...domain.merge_record import MergeRecord
from ...domain.send_policy import Send
from .. import contacts, enrollments, merges
from ..db import Database, Query, Row
from ..fields import from_micros
from ..models import ConsentRow, EngagementRow, SuppressionRow
from ..rows import RowMapper, read_column
from ..stored import Stored
from . import emails

# The upper bound of a range of texts with the same prefix: no character sorts after it.
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """A contact's choice about a list; the list `*` stands for every list."""

    list_id: str
    subscribed: bool
    at: datetime
    source: str
    send_id: UUID | None


@dataclass(frozen=True, slots=True)
class SuppressionRecord:
    """The suppression of an address: no mail is sent to it."""

    address: str
    reason: str
    at: datetime
    send_id: UUID | None


@dataclass(frozen=True, slots=True)
class EngagementRecord:
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
        identities: all its identities, as stored: `u:` user id, `e:` email, `a:` anonymous id.
        consents: its choices about lists, by list.
        suppression: the suppression of its address, if there is one.
        enrollments: newest first, those of contacts that were merged into it included.
        sends: newest first, refused ones included, as well.
        sends_for_others: what its enrollments sent to others, newest first.
        others: those others, the contacts on whose behalf its sends were sent, and those that were
            merged into it, by id.
        merges: the merges into it that hold, the oldest first.
    """

    contact: Contact
    identities: Sequence[str]
    consents: Mapping[str, ConsentRecord]
    suppression: SuppressionRecord | None
    enrollments: Sequence[Enrollment]
    sends: Sequence[Send]
    sends_for_others: Sequence[Send]
    others: Mapping[UUID, Contact]
    merges: Sequence[MergeRecord]


CONSENTS = RowMapper(ConsentRecord, ConsentRow, at=Stored(from_micros, columns=("changed_at",)))
SUPPRESSIONS = RowMapper(SuppressionRecord, SuppressionRow)
ENGAGEMENT = RowMapper(EngagementRecord, EngagementRow)


def _read_unique_ids(rows: list[Row]) -> list[UUID]:
    return list(dict.fromkeys(read_column(UUID)(rows)))


def find_ids_by_identity_prefix(text: str, limit: int, *, is_sqlite: bool) -> Query[list[UUID]]:
    """Query the contacts whose user id, address or anonymous id starts with a text.

    Args:
        text: the prefix, case-sensitive except for addresses, which are stored in lower case.
        limit: how many at most.
        is_sqlite: whether text is ordered by its bytes, so that a range of the index is a prefix.
    """
    prefixes = [f"u:{text}", f"e:{text.lower()}", f"a:{text}"]
    if is_sqlite:
        part = (
            "SELECT contact_id FROM (SELECT contact_id FROM identities "
            "WHERE identity >= ? AND identity < ? LIMIT ?) f{}"
        )
        values: list[object] = [
            value for prefix in prefixes for value in (prefix, prefix + _LAST, limit)
        ]
    else:
        part = (
            "SELECT contact_id FROM (SELECT contact_id FROM identities "
            "WHERE identity LIKE ? LIMIT ?) f{}"
        )
        values = [value for prefix in prefixes for value in (_escape_like(prefix) + "%", limit)]
    sql = " UNION ALL ".join(part.format(n) for n in range(len(prefixes)))
    return Query(
        f"SELECT contact_id FROM ({sql}) matches LIMIT ?", [*values, limit], _read_unique_ids
    )


def _escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def load_in_order(database: Database, ids: Sequence[UUID]) -> list[Contact]:
    """Load contacts in the order of their ids in `ids`; unknown ids are left out."""
    if not ids:
        return []
    by_id = await database.read_one(contacts.find_by_ids(ids))
    return [by_id[contact_id] for contact_id in ids if contact_id in by_id]


def find_consents(contact_id: UUID) -> Query[dict[str, ConsentRecord]]:
    """Query the choices of a contact about lists, by list."""
    return Query(
        f"SELECT {CONSENTS.columns} FROM consents WHERE contact_id = ?",
        [contact_id],
        CONSENTS.read_by("list_id"),
    )


def find_suppression(address: str) -> Query[SuppressionRecord | None]:
    """Query the suppression of an address."""
    return Query(
        f"SELECT {SUPPRESSIONS.columns} FROM suppressions WHERE address = ?",
        [address],
        SUPPRESSIONS.read_first,
    )


def find_engagement(send_ids: Sequence[UUID], limit: int) -> Query[list[EngagementRecord]]:
    """Query the opens and clicks of mails, newest first."""
    return Query(
        f"SELECT {ENGAGEMENT.columns} FROM hits WHERE send_id IN ? ORDER BY id DESC LIMIT ?",
        [list(send_ids), limit],
        ENGAGEMENT.read_all,
    )


async def load(database: Database, contact_id: UUID, limit: int) -> ContactPage | None:
    """Load one contact; return None when it does not exist or was merged into another.

    Args:
        database: the open database.
        contact_id: the contact.
        limit: how many events, mails and enrollments at most, for each kind.
    """
    contact, merged = await database.read(
        contacts.find(contact_id), contacts.find_merged([contact_id])
    )
    if contact is None:
        return None
    family = [contact_id, *merged]
    (
        identities,
        consents,
        suppression,
        enrollment_ids,
        sends,
        sends_for_others,
        records,
    ) = await database.read(
        merges.find_identities(contact_id),
        find_consents(contact_id),
        find_suppression(contact.email or ""),
        Query(
            "SELECT id FROM enrollments WHERE contact_id IN ? ORDER BY id DESC LIMIT ?",
            [family, limit],
            _read_unique_ids,
        ),
        _find_sends("s.contact_id IN ?", family, limit),
        _find_sends("s.on_behalf_of IN ? AND s.contact_id <> s.on_behalf_of", family, limit),
        merges.find_by_survivor(contact_id),
    )
    by_id: dict[UUID, Enrollment] = {}
    if enrollment_ids:
        by_id = await database.read_one(enrollments.find_by_ids(enrollment_ids))
    return ContactPage(
        contact=contact,
        identities=identities,
        consents=consents,
        suppression=suppression,
        enrollments=list(by_id.values()),
        sends=sends,
        sends_for_others=sends_for_others,
        others=await _load_others(database, sends, sends_for_others, merged),
        merges=records,
    )


def _find_sends(condition: str, family: Sequence[UUID], limit: int) -> Query[list[Send]]:
    """Query sends of contacts, newest first, with the condition on the contacts as SQL."""
    return Query(
        f"SELECT {emails.SENDS.columns} FROM sends s WHERE {condition} ORDER BY s.id DESC LIMIT ?",
        [list(family), limit],
        emails.SENDS.read_all,
    )


async def _load_others(
    database: Database,
    sends: Sequence[Send],
    sends_for_others: Sequence[Send],
    merged: Iterable[UUID],
) -> Mapping[UUID, Contact]:
    """Load the other people who have a part in the sends of a contact, and those merged, by id."""
    ids = set(merged) | {send.on_behalf_of for send in sends if send.on_behalf_of is not None}
    ids |= {send.contact_id for send in sends_for_others}
    return await database.read_one(contacts.find_by_ids(ids)) if ids else {}
