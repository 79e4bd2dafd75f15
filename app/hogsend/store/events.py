"""Events, idempotency keys, and the reasons why events did not enroll their contact."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from ..domain.event import Event
from ..domain.records import record
from .corrupt_rows import CORRUPTION_ERRORS, parse_object
from .db import Query, Write
from .fields import micros_or_none, to_micros
from .json_text import to_json, to_json_unchecked
from .models import EventRow, RefusalRow
from .rows import RowMapper, read_column
from .stored import Stored, json_object

EVENTS = RowMapper(Event, EventRow, "e", properties=json_object())
_NEW = EVENTS.build_write_columns(
    without=("depth",), extra=("decisions", "value", "currency", "cause_id", "depth")
)


@record
class NewEvent:
    """An event that is to be stored.

    Args:
        event: the event.
        decisions: the enrollments that the event started, ended and did not start.
        value: an amount of money, if the sender gave an amount.
        currency: the amount's currency, three letters.
        cause_id: the enrollment that triggered the event, if any.
        depth: how many journeys triggered one another before this event.
    """

    event: Event
    decisions: Mapping[str, Any]
    value: float | None = None
    currency: str | None = None
    cause_id: UUID | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class KnownKey:
    """An idempotency key that was used before, and the event that it was used for."""

    event_id: UUID
    digest: bytes
    contact_id: UUID | None
    decisions: Mapping[str, Any]


@record
class Refusal:
    """The reason why an event did not enroll its contact in a journey."""

    id: UUID
    journey_id: str
    reason: str
    contact_id: UUID
    event_id: UUID


def _read_or_ignore(stored: Any) -> Mapping[str, Any]:
    """Read a JSON object, or return an empty one when it is corrupt."""
    try:
        return parse_object(stored)
    except CORRUPTION_ERRORS:
        return {}


class _UsedKey(NamedTuple):
    key: str
    known: KnownKey


_USED_KEYS = RowMapper(
    _UsedKey,
    key="k.key",
    known=RowMapper(
        KnownKey,
        event_id="k.event_id",
        digest="k.digest",
        contact_id="e.contact_id",
        # Corrupt decisions must not make a used key look new.
        decisions=Stored(_read_or_ignore, columns=("e.decisions",)),
    ),
)
_REFUSALS = RowMapper(Refusal, RefusalRow).build_write_columns(extra=("at",))


def find_used_keys(keys: Sequence[str]) -> Query[dict[str, KnownKey]]:
    """Query which idempotency keys were used before, with the event of each."""
    return Query(
        f"SELECT {_USED_KEYS.columns} FROM idempotency_keys k "
        "JOIN events e ON e.id = k.event_id WHERE k.key IN ?",
        [list(keys)],
        lambda rows: {row.key: row.known for row in map(_USED_KEYS.read, rows)},
    )


@record
class Cause:
    """An event that started an enrollment, and how many journeys triggered one another before."""

    event: Event
    depth: int


class _SendTrigger(NamedTuple):
    send_id: UUID
    event: Event


class _NameCount(NamedTuple):
    contact_id: UUID
    name: str
    count: int


_CAUSES = RowMapper(Cause, event=EVENTS, depth="e.depth")
_SEND_TRIGGERS = RowMapper(_SendTrigger, send_id="s.id", event=EVENTS)
_NAME_COUNTS = RowMapper(_NameCount, count="COUNT(*)")


def find_triggers(enrollment_ids: Sequence[UUID]) -> Query[dict[UUID, Cause]]:
    """Query the trigger events of enrollments, by event id."""
    return Query(
        f"SELECT {_CAUSES.columns} FROM events e WHERE e.id IN "
        "(SELECT n.trigger_event_id FROM enrollments n WHERE n.id IN ?)",
        [list(enrollment_ids)],
        _CAUSES.read_by("event.id"),
    )


def find_triggers_by_sends(send_ids: Sequence[UUID]) -> Query[dict[UUID, Event]]:
    """Query the trigger events of the enrollments of sends, by send id."""
    return Query(
        f"SELECT {_SEND_TRIGGERS.columns} FROM sends s "
        "JOIN enrollments n ON n.id = s.enrollment_id "
        "JOIN events e ON e.id = n.trigger_event_id WHERE s.id IN ?",
        [list(send_ids)],
        lambda rows: {row.send_id: row.event for row in map(_SEND_TRIGGERS.read, rows)},
    )


# Events of a few contacts are read through the index of the contacts. COALESCE around the name
# keeps SQLite, which has no statistics, from using the index of the names instead.


def find_by_names(
    contact_ids: Sequence[UUID], names: Sequence[str], after: int = 0
) -> Query[list[Event]]:
    """Query the events of contacts by name, in order of arrival.

    Args:
        contact_ids: the contacts.
        names: the events' names.
        after: only events whose number is greater.
    """
    return Query(
        f"SELECT {EVENTS.columns} FROM events e WHERE e.contact_id IN ? AND e.seq > ? "
        "AND COALESCE(e.name, '') IN ? "
        "ORDER BY e.id",
        [list(contact_ids), after, list(names)],
        EVENTS.read_all,
    )


def count_by_names(
    contact_ids: Sequence[UUID], names: Sequence[str], since: datetime | None
) -> Query[dict[tuple[UUID, str], int]]:
    """Query how many events of some names contacts had since an instant, by contact and name."""
    return Query(
        f"SELECT {_NAME_COUNTS.columns} FROM events WHERE contact_id IN ? "
        "AND COALESCE(name, '') IN ? "
        "AND occurred_at >= ? GROUP BY contact_id, name",
        [list(contact_ids), list(names), micros_or_none(since) or 0],
        lambda rows: {
            (row.contact_id, row.name): row.count for row in map(_NAME_COUNTS.read, rows)
        },
    )


class _Properties(NamedTuple):
    id: UUID
    properties: Mapping[str, Any]


_PROPERTIES = RowMapper(_Properties, properties=Stored(_read_or_ignore))


def find_properties(event_ids: Collection[UUID]) -> Query[dict[UUID, Mapping[str, Any]]]:
    """Query the properties of events, by event id; corrupt properties count as none."""
    return Query(
        f"SELECT {_PROPERTIES.columns} FROM events WHERE id IN ?",
        [list(event_ids)],
        lambda rows: {row.id: row.properties for row in map(_PROPERTIES.read, rows)},
    )


def find(event_id: UUID) -> Query[Event | None]:
    """Query one event."""
    return Query(
        f"SELECT {EVENTS.columns} FROM events e WHERE e.id = ?", [event_id], EVENTS.read_first
    )


def insert(events: Iterable[NewEvent]) -> Write:
    """Add events."""
    return Write(
        f"INSERT INTO events ({_NEW.names}) VALUES ({_NEW.placeholders})",
        [
            _NEW.values(
                new.event,
                to_json_unchecked(new.decisions) if new.decisions else "{}",
                new.value,
                new.currency,
                new.cause_id,
                new.depth,
            )
            for new in events
        ],
    )


_WITHOUT_CONTACT = EVENTS.build_write_columns(
    without=("contact_id", "depth"), extra=("anonymous_id", "decisions", "depth")
)


class WaitingEvent(NamedTuple):
    """An event that has no contact yet."""

    id: UUID
    anonymous_id: str
    received_at: datetime


_WAITING = RowMapper(WaitingEvent, EventRow)


def insert_without_contact(events: Sequence[tuple[Event, str]]) -> Write:
    """Add events of unknown browsers, each with the browser's id."""
    return Write(
        f"INSERT INTO events ({_WITHOUT_CONTACT.names}) VALUES ({_WITHOUT_CONTACT.placeholders})",
        [_WITHOUT_CONTACT.values(event, anonymous_id, "{}", 0) for event, anonymous_id in events],
    )


def find_without_contact(anonymous_ids: Sequence[str]) -> Query[list[WaitingEvent]]:
    """Query the events of browsers that have no contact yet, in the order of arrival."""
    return Query(
        f"SELECT {_WAITING.columns} FROM events WHERE contact_id IS NULL AND anonymous_id IN ? "
        "ORDER BY id",
        [list(anonymous_ids)],
        _WAITING.read_all,
    )


def adopt(events: Iterable[tuple[UUID, UUID, int]]) -> Write:
    """Give events that had none a contact.

    Args:
        events: (event, contact, number among the contact's events).
    """
    return Write(
        "UPDATE events SET contact_id = ?, seq = ?, anonymous_id = NULL WHERE id = ?",
        [(contact_id, seq, event_id) for event_id, contact_id, seq in events],
    )


def insert_keys(keys: Sequence[tuple[str, UUID, bytes]], now: datetime) -> Write:
    """Add idempotency keys, each with its event and the digest of the request's body."""
    at = to_micros(now)
    return Write(
        "INSERT INTO idempotency_keys (key, event_id, digest, created_at) VALUES (?,?,?,?)",
        [(key, event_id, digest, at) for key, event_id, digest in keys],
    )


def insert_refusals(refusals: Iterable[Refusal], now: datetime) -> Write:
    """Record why events did not enroll their contact."""
    at = to_micros(now)
    return Write(
        f"INSERT INTO refusals ({_REFUSALS.names}) VALUES ({_REFUSALS.placeholders})",
        [_REFUSALS.values(refusal, at) for refusal in refusals],
    )


@dataclass(frozen=True, slots=True)
class MissedTrigger:
    """A trigger that started nothing because its journey was gone or broken.

    Args:
        refusal_id: the row of its refusal.
        at: when it was refused.
        contact_id: the contact that was not enrolled.
        cause: the trigger.
        decisions: the other enrollments that the trigger started, ended and did not start.
    """

    refusal_id: UUID
    at: datetime
    contact_id: UUID
    cause: Cause
    decisions: Mapping[str, Any]


_MISSED = RowMapper(
    MissedTrigger,
    refusal_id="r.id",
    at="r.at",
    contact_id="r.contact_id",
    cause=_CAUSES,
    decisions=json_object("e.decisions"),
    row_id=("refusal_id",),
)


def find_missed_ids(
    journey_id: str, reason: str, after: UUID | None, until: UUID, limit: int
) -> Query[list[UUID]]:
    """Query the refusals of a journey that have one reason, the oldest first.

    Args:
        journey_id: the journey.
        reason: the reason.
        after: only refusals with a greater id.
        until: only refusals with an id that is not greater.
        limit: how many at most.
    """
    return Query(
        "SELECT id FROM refusals WHERE journey_id = ? AND reason = ? AND id > ? AND id <= ? "
        "ORDER BY id LIMIT ?",
        [journey_id, reason, after or UUID(int=0), until, limit],
        read_column(UUID),
    )


def find_missed(refusal_ids: Sequence[UUID], reason: str) -> Query[list[MissedTrigger]]:
    """Query the triggers of refusals that still have a reason, the oldest first."""
    return Query(
        f"SELECT {_MISSED.columns} FROM refusals r "
        "JOIN events e ON e.id = r.event_id WHERE r.id IN ? AND r.reason = ? ORDER BY r.id",
        [list(refusal_ids), reason],
        _MISSED.read_all,
    )


def delete_refusals(ids: Iterable[UUID]) -> Write:
    """Delete refusals whose event has enrolled its contact later."""
    return Write("DELETE FROM refusals WHERE id = ?", [(refusal_id,) for refusal_id in ids])


def correct_refusals(reasons: Mapping[UUID, str]) -> Write:
    """Replace the reasons of refusals, by refusal id."""
    return Write(
        "UPDATE refusals SET reason = ? WHERE id = ?",
        [(reason, refusal_id) for refusal_id, reason in reasons.items()],
    )


def correct_decisions(decisions: Mapping[UUID, Mapping[str, Any]]) -> Write:
    """Replace the decisions of events, by event id."""
    return Write(
        "UPDATE events SET decisions = ? WHERE id = ?",
        [(to_json(decision), event_id) for event_id, decision in decisions.items()],
    )
