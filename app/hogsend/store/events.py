"""Events, idempotency keys, and why events did not enroll people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.event import Event
from .corrupt_rows import UNREADABLE, object_of, unreadable
from .db import Query, Row, Write
from .fields import from_micros, id_or_none, micros_or_none, to_id, to_micros
from .json_text import from_json, to_json

_COLUMNS = (
    "e.id, e.name, e.properties, e.seq, e.occurred_at, e.received_at, e.source, e.contact_id, "
    "e.depth"
)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as it is written.

    Args:
        event: what happened.
        decisions: what it started, ended and did not start.
        value: an amount of money, if the sender gave one.
        currency: three letters.
        cause_id: the enrollment that triggered it, if one did.
        depth: how many causes it is away from the outside.
    """

    event: Event
    decisions: Mapping[str, Any]
    value: float | None = None
    currency: str | None = None
    cause_id: UUID | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class KnownKey:
    """An idempotency key that was used before."""

    event_id: UUID
    digest: bytes
    contact_id: UUID | None
    decisions: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an event did not enroll a contact."""

    id: UUID
    journey_id: str
    reason: str
    contact_id: UUID
    event_id: UUID


def _event(row: Row) -> Event:
    try:
        properties = object_of(row[2])
    except UNREADABLE as error:
        properties = unreadable("events", to_id(row[0]), error, {"unreadable": row[2]})
    return Event(
        id=to_id(row[0]),
        name=row[1],
        properties=properties,
        seq=row[3],
        occurred_at=from_micros(row[4]),
        received_at=from_micros(row[5]),
        source=row[6],
        contact_id=id_or_none(row[7]),
        depth=row[8],
    )


def known_keys(keys: Sequence[str]) -> Query[dict[str, KnownKey]]:
    """Ask which idempotency keys were used before, and what came of it."""
    return Query(
        "SELECT k.key, k.event_id, k.digest, e.contact_id, e.decisions FROM idempotency_keys k "
        "JOIN events e ON e.id = k.event_id WHERE k.key IN ?",
        [list(keys)],
        lambda rows: {
            row[0]: KnownKey(to_id(row[1]), bytes(row[2]), id_or_none(row[3]), _decisions(row))
            for row in rows
        },
    )


def _decisions(row: Row) -> Mapping[str, Any]:
    """Read what came of a repeated key; where it cannot be read, that it came is still known."""
    try:
        return object_of(row[4])
    except UNREADABLE:
        return {}


@dataclass(frozen=True, slots=True)
class Cause:
    """An event that started something, and how many causes it is away from the outside."""

    event: Event
    depth: int


def triggers_of(enrollment_ids: Sequence[UUID]) -> Query[dict[UUID, Cause]]:
    """Ask for the trigger events of some enrollments, by event id."""
    return Query(
        f"SELECT {_COLUMNS} FROM events e WHERE e.id IN "
        "(SELECT n.trigger_event_id FROM enrollments n WHERE n.id IN ?)",
        [list(enrollment_ids)],
        lambda rows: {to_id(row[0]): Cause(_event(row), row[8]) for row in rows},
    )


def triggers_of_sends(send_ids: Sequence[UUID]) -> Query[dict[UUID, Event]]:
    """Ask for the trigger events of the enrollments of some sends, by send id."""
    return Query(
        f"SELECT {_COLUMNS}, s.id FROM sends s JOIN enrollments n ON n.id = s.enrollment_id "
        "JOIN events e ON e.id = n.trigger_event_id WHERE s.id IN ?",
        [list(send_ids)],
        lambda rows: {to_id(row[9]): _event(row) for row in rows},
    )


# Who asks for events of a few people by name is answered by the people's index: a name in COALESCE
# keeps SQLite, which has no statistics, from walking through everybody's events of that name.


def named(contact_ids: Sequence[UUID], names: Sequence[str], after: int = 0) -> Query[list[Event]]:
    """Ask for the events of contacts by name, numbered after `after`, in order of arrival."""
    return Query(
        f"SELECT {_COLUMNS} FROM events e WHERE e.contact_id IN ? AND e.seq > ? "
        "AND COALESCE(e.name, '') IN ? "
        "ORDER BY e.id",
        [list(contact_ids), after, list(names)],
        lambda rows: [_event(row) for row in rows],
    )


def counts(
    contact_ids: Sequence[UUID], names: Sequence[str], since: datetime | None
) -> Query[dict[tuple[UUID, str], int]]:
    """Ask how many events of these names contacts had, since an instant."""
    return Query(
        "SELECT contact_id, name, COUNT(*) FROM events WHERE contact_id IN ? "
        "AND COALESCE(name, '') IN ? "
        "AND occurred_at >= ? GROUP BY contact_id, name",
        [list(contact_ids), list(names), micros_or_none(since) or 0],
        lambda rows: {(to_id(row[0]), row[1]): row[2] for row in rows},
    )


def find(event_id: UUID) -> Query[Event | None]:
    """Ask for one event."""
    return Query(
        f"SELECT {_COLUMNS} FROM events e WHERE e.id = ?",
        [event_id],
        lambda rows: _event(rows[0]) if rows else None,
    )


def insert(events: Iterable[NewEvent]) -> Write:
    """Add events."""
    return Write(
        "INSERT INTO events (id, contact_id, seq, name, properties, decisions, occurred_at, "
        "received_at, source, value, currency, cause_id, depth) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        [
            (
                new.event.id,
                new.event.contact_id,
                new.event.seq,
                new.event.name,
                to_json(new.event.properties),
                to_json(new.decisions),
                micros_or_none(new.event.occurred_at),
                micros_or_none(new.event.received_at),
                new.event.source,
                new.value,
                new.currency,
                new.cause_id,
                new.depth,
            )
            for new in events
        ],
    )


def remember_keys(rows: Sequence[tuple[str, UUID, bytes]], now: datetime) -> Write:
    """Record the idempotency keys of new events."""
    at = to_micros(now)
    return Write(
        "INSERT INTO idempotency_keys (key, event_id, digest, created_at) VALUES (?,?,?,?)",
        [(key, event_id, digest, at) for key, event_id, digest in rows],
    )


def record_refusals(refusals: Iterable[Refusal], now: datetime) -> Write:
    """Record why events did not enroll people."""
    at = to_micros(now)
    return Write(
        "INSERT INTO refusals (id, journey_id, reason, contact_id, event_id, at) "
        "VALUES (?,?,?,?,?,?)",
        [(r.id, r.journey_id, r.reason, r.contact_id, r.event_id, at) for r in refusals],
    )


@dataclass(frozen=True, slots=True)
class Missed:
    """A trigger that started nothing because its journey was gone or broken.

    Args:
        refusal_id: the row that says so.
        at: when it was refused.
        contact_id: whom it concerns.
        cause: the trigger.
        decisions: what else it started, ended and did not start.
    """

    refusal_id: UUID
    at: datetime
    contact_id: UUID
    cause: Cause
    decisions: Mapping[str, Any]


def missed_ids(
    journey_id: str, reason: str, after: UUID | None, until: UUID, limit: int
) -> Query[list[UUID]]:
    """Ask for refusals of a journey with one reason, the oldest first.

    Args:
        journey_id: which journey.
        reason: why.
        after: only those younger than this one.
        until: only those at most as young as this id.
        limit: how many at most.
    """
    return Query(
        "SELECT id FROM refusals WHERE journey_id = ? AND reason = ? AND id > ? AND id <= ? "
        "ORDER BY id LIMIT ?",
        [journey_id, reason, after or UUID(int=0), until, limit],
        lambda rows: [to_id(row[0]) for row in rows],
    )


def missed(refusal_ids: Sequence[UUID], reason: str) -> Query[list[Missed]]:
    """Ask for the triggers of refusals that still have this reason, the oldest first."""
    return Query(
        f"SELECT {_COLUMNS}, e.decisions, r.id, r.at, r.contact_id FROM refusals r "
        "JOIN events e ON e.id = r.event_id WHERE r.id IN ? AND r.reason = ? ORDER BY r.id",
        [list(refusal_ids), reason],
        lambda rows: [
            Missed(
                refusal_id=to_id(row[10]),
                at=from_micros(row[11]),
                contact_id=to_id(row[12]),
                cause=Cause(_event(row), row[8]),
                decisions=from_json(row[9]) or {},
            )
            for row in rows
        ],
    )


def drop_refusals(ids: Iterable[UUID]) -> Write:
    """Forget refusals whose event has enrolled its contact after all."""
    return Write("DELETE FROM refusals WHERE id = ?", [(one,) for one in ids])


def correct_refusals(reasons: Mapping[UUID, str]) -> Write:
    """Write another reason into refusals."""
    return Write(
        "UPDATE refusals SET reason = ? WHERE id = ?",
        [(reason, one) for one, reason in reasons.items()],
    )


def correct_decisions(decisions: Mapping[UUID, Mapping[str, Any]]) -> Write:
    """Write anew what events started, ended and did not start."""
    return Write(
        "UPDATE events SET decisions = ? WHERE id = ?",
        [(to_json(decided), one) for one, decided in decisions.items()],
    )


def to_stored_event(event: Event) -> dict[str, Any]:
    """Return an event as the JSON that a satisfied wait keeps."""
    stored: dict[str, Any] = {
        "id": str(event.id),
        "name": event.name,
        "properties": dict(event.properties),
        "seq": event.seq,
        "receivedAt": event.received_at.isoformat() if event.received_at else None,
    }
    return stored | ({"depth": event.depth} if event.depth else {})


def from_stored_event(stored: Mapping[str, Any]) -> Event:
    """Read back what `to_stored_event` wrote."""
    received = stored.get("receivedAt")
    return Event(
        id=UUID(stored["id"]),
        name=stored["name"],
        properties=stored["properties"],
        seq=stored["seq"],
        received_at=datetime.fromisoformat(received) if received else None,
        depth=stored.get("depth", 0),
    )
