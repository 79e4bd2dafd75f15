"""Everything on a contact's timeline, one query for each kind of entry, newest first."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from ...domain.timeline import KINDS, EntryKind, TimelineItem, TimelinePlace
from .. import enrollment_rows, merges
from ..corrupt_rows import CORRUPTION_ERRORS
from ..db import Query, Row
from ..fields import from_micros
from ..rows import RowMapper, read_column
from ..stored import Stored
from . import emails, events
from .contacts import CONSENTS, ENGAGEMENT, SUPPRESSIONS


class TurnSteps(NamedTuple):
    """A turn of an enrollment, with the keys of the calls that it made."""

    enrollment_id: UUID
    journey_id: str
    number: int
    outcome: str
    steps: Sequence[str]


class RefusalEntry(NamedTuple):
    """Why an event did not start a journey."""

    journey_id: str
    reason: str
    event_id: UUID


def _read_keys(stored: Any) -> Sequence[str]:
    try:
        return [str(step["key"]) for step in json.loads(stored)]
    except (*CORRUPTION_ERRORS, TypeError, KeyError):
        return []


_TURNS = RowMapper(
    TurnSteps,
    enrollment_id="t.enrollment_id",
    journey_id="n.journey_id",
    number="t.number",
    outcome="t.outcome",
    steps=Stored(_read_keys, columns=("t.steps",)),
)
_REFUSALS = RowMapper(RefusalEntry)


@dataclass(frozen=True, slots=True)
class _Source:
    """The rows of one kind of entries.

    Args:
        mapper: reads a row.
        tables: the tables.
        of_contact: the condition on the contacts.
        at: the instant of an entry.
        key: its key.
        parse_key: reads the key of a cursor.
        order: the order, if it is not that of instants and keys.
        lists: how often the condition names the list of contacts.
    """

    mapper: RowMapper[Any]
    tables: str
    of_contact: str
    at: str
    key: str
    parse_key: Callable[[str], Any] = UUID
    order: str = ""
    lists: int = 1


_SENT_AT = "COALESCE(s.sent_at, s.created_at)"
_SOURCES: dict[EntryKind, _Source] = {
    # A contact's events have numbers in the order of arrival, for which there is an index.
    "event": _Source(
        events.LINES,
        "events e",
        "e.contact_id IN ?",
        "e.received_at",
        "e.id",
        order="e.seq DESC",
    ),
    "journey": _Source(
        enrollment_rows.ENROLLMENTS, "enrollments n", "n.contact_id IN ?", "n.entered_at", "n.id"
    ),
    "journey_ended": _Source(
        enrollment_rows.ENROLLMENTS,
        "enrollments n",
        "n.ended_at IS NOT NULL AND n.contact_id IN ?",
        "n.ended_at",
        "n.id",
    ),
    "steps": _Source(
        _TURNS,
        "enrollments n CROSS JOIN turns t",
        "t.enrollment_id = n.id AND n.contact_id IN ?",
        "t.played_at",
        "t.id",
        int,
    ),
    "email": _Source(
        emails.SENDS,
        "sends s",
        # What its enrollments sent to others is part of it.
        "s.id IN (SELECT r.id FROM sends r WHERE r.contact_id IN ? UNION "
        "SELECT b.id FROM sends b WHERE b.on_behalf_of IN ?)",
        _SENT_AT,
        "s.id",
        lists=2,
    ),
    "engagement": _Source(
        ENGAGEMENT.with_expressions(
            send_id="h.send_id", kind="h.kind", verdict="h.verdict", url="h.url", agent="h.agent",
            at="h.at",
        ),
        "sends s CROSS JOIN hits h",
        "h.send_id = s.id AND s.contact_id IN ?",
        "h.at",
        "h.id",
    ),
    "consent": _Source(CONSENTS, "consents", "contact_id IN ?", "changed_at", "id", int),
    "suppression": _Source(SUPPRESSIONS, "suppressions", "address IN ?", "at", "address", str),
    "merge": _Source(merges.MERGES, "merges m", "m.survivor_id IN ?", "m.at", "m.id"),
    "refusal": _Source(_REFUSALS, "refusals", "contact_id IN ?", "at", "id"),
}  # fmt: skip


def find(
    kind: EntryKind, owners: Sequence[Any], before: TimelinePlace | None, limit: int
) -> Query[list[TimelineItem]]:
    """Query the latest entries of a kind.

    Args:
        kind: the kind.
        owners: the contact and those merged into it, for events only one of them; for
            suppressions, its addresses.
        before: only entries after this place, which are older.
        limit: how many at most.
    """
    source = _SOURCES[kind]
    where, values = source.of_contact, list[Any]([list(owners)] * source.lists)
    if before is not None:
        rank, last_rank = KINDS.index(kind), KINDS.index(before.kind)
        if rank == last_rank:
            where += f" AND ({source.at}, {source.key}) < (?, ?)"
            values += [before.at, source.parse_key(before.key)]
        else:
            where += f" AND {source.at} {'<' if rank < last_rank else '<='} ?"
            values.append(before.at)

    default_order = f"{source.at} DESC, {source.key} DESC"

    def read(rows: list[Row]) -> list[TimelineItem]:
        return [
            TimelineItem(kind, _format_key(key), from_micros(at), source.mapper.read(columns))
            for at, key, *columns in rows
        ]

    return Query(
        f"SELECT {source.at}, {source.key}, {source.mapper.columns} FROM {source.tables} "
        f"WHERE {where} ORDER BY {source.order or default_order} LIMIT ?",
        [*values, limit],
        read,
    )


def find_addresses(contact_id: UUID) -> Query[list[str]]:
    """Query the addresses of a contact."""
    return Query(
        "SELECT substr(identity, 3) FROM identities WHERE contact_id = ? AND identity LIKE 'e:%'",
        [contact_id],
        read_column(str),
    )


def _format_key(stored: Any) -> str:
    return str(UUID(bytes=stored)) if isinstance(stored, bytes) else str(stored)


def get_order(item: TimelineItem) -> tuple[datetime, int, Any]:
    """Return what entries are ordered by, the latest first: instant, kind and key."""
    parse = _SOURCES[item.kind].parse_key
    return item.at, -KINDS.index(item.kind), parse(item.key)


def check_key(place: TimelinePlace) -> None:
    """Check that the key of a place is one of its kind.

    Raises:
        ValueError: it is not.
    """
    key = _SOURCES[place.kind].parse_key(place.key)
    if isinstance(key, int) and abs(key) >= 1 << 62:
        raise ValueError("out of range")
