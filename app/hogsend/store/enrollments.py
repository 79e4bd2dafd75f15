"""Enrollments: who is where in which journey, and when they wake."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.enrollment import Enrollment, LookBack, Wait
from ..domain.event import EventMatch
from .corrupt_rows import UNREADABLE, object_of, unreadable
from .db import Query, Row, Write
from .distinct import distinct
from .events import from_stored_event, to_stored_event
from .fields import (
    from_micros,
    id_or_none,
    instant_or_none,
    micros_or_none,
    to_id,
    to_micros,
)
from .json_text import from_json, to_json
from .models import DUE, LIVE

_COLUMNS = (
    "n.id, n.contact_id, n.journey_id, n.entry_key, n.state, n.trigger_event_id, n.code_hash, "
    "n.entered_at, n.turn, n.attempt, n.wake_at, n.wait, n.wait_result, n.since_seq, n.since_at, "
    "n.sends, n.error, n.end_reason, n.ended_at, n.fence, n.since_event, n.person"
)


@dataclass(frozen=True, slots=True)
class DueEnrollment:
    """An enrollment whose next turn is due, or will be.

    Args:
        id: the enrollment.
        contact_id: whose it is; one turn per contact at a time.
        journey_id: in which journey.
        wake_at: when it is due.
    """

    id: UUID
    contact_id: UUID
    journey_id: str
    wake_at: datetime


def _wait(stored: str | None) -> Wait | None:
    if not stored:
        return None
    value = from_json(stored)
    until = value.get("until")
    return Wait(
        key=value["key"],
        until=datetime.fromisoformat(until) if until else None,
        events=tuple(EventMatch.from_json(match) for match in value.get("events", ())),
        more=value.get("more", 1),
    )


def _stored_wait(wait: Wait | None) -> str | None:
    if wait is None:
        return None
    stored: dict[str, Any] = {
        "key": wait.key,
        "until": wait.until.isoformat() if wait.until else None,
    }
    if wait.events:
        stored["events"] = [match.to_json() for match in wait.events]
    if wait.more > 1:
        stored["more"] = wait.more
    return to_json(stored)


def _enrollment(row: Row) -> Enrollment:
    wait, result, person = None, None, None
    try:
        wait = _wait(row[11])
        person = object_of(row[21]) if row[21] else None
        result = from_stored_event(from_json(row[12])) if row[12] else None
    except UNREADABLE as error:
        unreadable("enrollments", to_id(row[0]), error, None)
    return Enrollment(
        id=to_id(row[0]),
        contact_id=to_id(row[1]),
        journey_id=row[2],
        entry_key=row[3],
        state=row[4],
        trigger_event_id=to_id(row[5]),
        code_hash=row[6],
        entered_at=from_micros(row[7]),
        turn=row[8],
        attempt=row[9],
        wake_at=instant_or_none(row[10]),
        wait=wait,
        wait_result=result,
        look_back=LookBack(row[13], instant_or_none(row[14] or None), id_or_none(row[20])),
        sends=row[15],
        error=row[16],
        end_reason=row[17],
        ended_at=instant_or_none(row[18]),
        fence=row[19],
        person=person,
    )


def by_ids(ids: Sequence[UUID]) -> Query[dict[UUID, Enrollment]]:
    """Ask for enrollments by id, in the order of the ids."""

    def read(rows: list[Row]) -> dict[UUID, Enrollment]:
        found = {to_id(row[0]): _enrollment(row) for row in rows}
        return {one: found[one] for one in ids if one in found}

    return Query(f"SELECT {_COLUMNS} FROM enrollments n WHERE n.id IN ?", [list(ids)], read)


def live_of(contact_ids: Sequence[UUID]) -> Query[list[Enrollment]]:
    """Ask for the live enrollments of contacts, the oldest first."""
    return Query(
        f"SELECT {_COLUMNS} FROM enrollments n WHERE n.contact_id IN ? AND n.{LIVE} ORDER BY n.id",
        [list(contact_ids)],
        lambda rows: [_enrollment(row) for row in rows],
    )


@dataclass(frozen=True, slots=True)
class LastEntry:
    """That a contact has entered a journey.

    Args:
        at: when it last did.
        held_out: whether it was held out, once or always.
    """

    at: datetime
    held_out: bool


def entries_of(contact_ids: Sequence[UUID]) -> Query[dict[tuple[UUID, str, str], LastEntry]]:
    """Ask when contacts last entered which journey with which key.

    A failed enrollment counts only if it has sent something (journeys, "Turns and the journal");
    those of contacts that were merged count for the survivor.
    """
    entries = (
        "n.journey_id, n.entry_key, MAX(n.entered_at), "
        "MAX(CASE n.state WHEN 'held_out' THEN 1 ELSE 0 END) FROM {} WHERE {} IN ? "
        "AND (n.state <> 'failed' OR n.sends > 0) GROUP BY {}, n.journey_id, n.entry_key"
    )
    own = entries.format("enrollments n", *["n.contact_id"] * 2)
    merged = entries.format(
        "contacts c JOIN enrollments n ON n.contact_id = c.id", *["c.merged_into"] * 2
    )
    return Query(
        f"SELECT n.contact_id, {own} UNION ALL SELECT c.merged_into, {merged} ORDER BY 4",
        [list(contact_ids)] * 2,
        lambda rows: _entries(rows),
    )


def _entries(rows: list[Row]) -> dict[tuple[UUID, str, str], LastEntry]:
    found: dict[tuple[UUID, str, str], LastEntry] = {}
    for row in rows:
        place = to_id(row[0]), row[1], row[2]
        before = found.get(place)
        held_out = bool(row[4]) or (before is not None and before.held_out)
        found[place] = LastEntry(from_micros(row[3]), held_out)
    return found


def due_journeys() -> Query[list[str]]:
    """Ask which journeys have enrollments that wake, now or later."""
    return Query(
        distinct("enrollments", "journey_id", DUE), [], lambda rows: [row[0] for row in rows]
    )


def next_due(
    limits: Sequence[tuple[str, int]], now: datetime, holder: UUID | None = None
) -> Query[list[list[DueEnrollment]]]:
    """Ask for the enrollments of journeys that are due, and for the next that is not.

    Args:
        limits: the journeys, with how many of each at most.
        now: the present instant.
        holder: the worker that asks, where several are at work: those of others are left out.

    Returns:
        The enrollments of each journey, in the order of their wake times.
    """
    of_one = (
        "SELECT * FROM (SELECT id, contact_id, journey_id, wake_at FROM enrollments "
        f"WHERE journey_id = ? AND {DUE} AND wake_at {{}} ?{{}} ORDER BY wake_at LIMIT ?) AS {{}}"
    )
    free, mine = ("", []) if holder is None else (" AND (holder IS NULL OR holder = ?)", [holder])
    parts: list[str] = []
    values: list[Any] = []
    for n, (journey_id, limit) in enumerate(limits):
        parts += [of_one.format("<=", free, f"due_{n}"), of_one.format(">", "", f"later_{n}")]
        values += [journey_id, to_micros(now), *mine, limit, journey_id, to_micros(now), 1]

    def read(rows: list[Row]) -> list[list[DueEnrollment]]:
        found: dict[str, list[DueEnrollment]] = {journey_id: [] for journey_id, _ in limits}
        for row in rows:
            found[row[2]].append(
                DueEnrollment(to_id(row[0]), to_id(row[1]), row[2], from_micros(row[3]))
            )
        return list(found.values())

    return Query(" UNION ALL ".join(parts) + " ORDER BY wake_at", values, read)


def ids_in(
    journey_id: str, state: str, after: UUID | None, until: UUID, limit: int
) -> Query[list[UUID]]:
    """Ask for the enrollments of a journey in one state, the oldest first.

    Args:
        journey_id: which journey.
        state: which state.
        after: only those younger than this one.
        until: only those at most as young as this id.
        limit: how many at most.
    """
    return Query(
        "SELECT id FROM enrollments WHERE journey_id = ? AND state = ? AND id > ? AND id <= ? "
        "ORDER BY id LIMIT ?",
        [journey_id, state, after or UUID(int=0), until, limit],
        lambda rows: [to_id(row[0]) for row in rows],
    )


def live_counts() -> Query[dict[str, int]]:
    """Count the live enrollments of each journey; those without any are absent."""
    return Query(
        f"SELECT journey_id, COUNT(*) FROM enrollments WHERE {LIVE} GROUP BY journey_id",
        [],
        lambda rows: {row[0]: row[1] for row in rows},
    )


def compacted(ids: Sequence[UUID]) -> Query[frozenset[UUID]]:
    """Ask of which enrollments a summary stands for the journal, or for a part of it."""
    return Query(
        "SELECT id FROM enrollments WHERE id IN ? AND summary IS NOT NULL",
        [list(ids)],
        lambda rows: frozenset(to_id(row[0]) for row in rows),
    )


def insert(enrollments: Iterable[Enrollment]) -> Write:
    """Add enrollments."""
    return Write(
        "INSERT INTO enrollments (id, contact_id, journey_id, entry_key, state, "
        "trigger_event_id, code_hash, turn, attempt, wake_at, since_seq, since_at, since_event, "
        "sends, fence, person, entered_at, updated_at) "
        "VALUES (?,?,?,?,?,?,?,0,0,?,?,?,?,0,0,?,?,?)",
        [
            (
                n.id,
                n.contact_id,
                n.journey_id,
                n.entry_key,
                n.state,
                n.trigger_event_id,
                n.code_hash,
                micros_or_none(n.wake_at),
                n.look_back.seq,
                micros_or_none(n.look_back.at) or 0,
                n.look_back.event,
                to_json(n.person) if n.person is not None else None,
                to_micros(n.entered_at),
                to_micros(n.entered_at),
            )
            for n in enrollments
        ],
    )


def update(enrollments: Iterable[Enrollment], now: datetime, *, freed: bool = False) -> Write:
    """Write the present state of enrollments; only those who are live are in a wait.

    Args:
        enrollments: as they become.
        now: the present instant.
        freed: whether the worker that has taken them for a turn has done with them.
    """
    at = to_micros(now)
    return Write(
        "UPDATE enrollments SET contact_id = ?, state = ?, code_hash = ?, turn = ?, attempt = ?, "
        "wake_at = ?, wait_key = ?, wait = ?, wait_result = ?, since_seq = ?, since_at = ?, "
        "since_event = ?, sends = ?, error = ?, end_reason = ?, ended_at = ?, person = ?, "
        "updated_at = ?"
        f"{', holder = NULL' if freed else ''} WHERE id = ?",
        [
            (
                n.contact_id,
                n.state,
                n.code_hash,
                n.turn,
                n.attempt,
                micros_or_none(n.wake_at),
                n.wait.key if n.wait and n.is_live else None,
                _stored_wait(n.wait),
                to_json(to_stored_event(n.wait_result)) if n.wait_result else None,
                n.look_back.seq,
                micros_or_none(n.look_back.at) or 0,
                n.look_back.event,
                n.sends,
                n.error,
                n.end_reason,
                micros_or_none(n.ended_at),
                to_json(n.person) if n.person is not None else None,
                at,
                n.id,
            )
            for n in enrollments
        ],
    )


def free(turns: Iterable[tuple[UUID, int]]) -> Write:
    """Free enrollments whose turn came to nothing, unless another worker has them by now.

    Args:
        turns: (enrollment, its fence when the turn was begun).
    """
    return Write(
        "UPDATE enrollments SET holder = NULL WHERE id = ? AND fence = ? AND holder IS NOT NULL",
        list(turns),
    )


@dataclass(frozen=True, slots=True)
class GoalCandidate:
    """An enrollment that has not seen its journey's goal yet; `begun_by` is its trigger."""

    id: UUID
    contact_id: UUID
    journey_id: str
    state: str
    begun_by: UUID


def aiming(places: Sequence[tuple[UUID, str]]) -> Query[list[GoalCandidate]]:
    """Ask for the enrollments of contacts in journeys that have not seen the goal yet.

    Those that have ended and those who are held out are among them, also of contacts that were
    merged into these.

    Args:
        places: (contact, journey).
    """
    wanted = set(places)

    def read(rows: list[Row]) -> list[GoalCandidate]:
        found = [
            GoalCandidate(to_id(row[0]), to_id(row[1]), row[2], row[3], to_id(row[4]))
            for row in rows
        ]
        return [one for one in found if (one.contact_id, one.journey_id) in wanted]

    # Of a few people: COALESCE keeps SQLite, which has no statistics, from the journey's index.
    wanted_ones = "COALESCE(n.journey_id, '') IN ? AND n.goal_at IS NULL"
    return Query(
        "SELECT n.id, n.contact_id, n.journey_id, n.state, n.trigger_event_id FROM enrollments n "
        f"WHERE n.contact_id IN ? AND {wanted_ones} UNION ALL "
        "SELECT n.id, c.merged_into, n.journey_id, n.state, n.trigger_event_id FROM contacts c "
        "CROSS JOIN enrollments n WHERE n.contact_id = c.id AND c.merged_into IN ? "
        f"AND {wanted_ones}",
        [list({one for one, _ in places}), sorted({one for _, one in places})] * 2,
        read,
    )


def reach(ids: Sequence[UUID], now: datetime) -> Write:
    """Record that enrollments have seen their journey's goal."""
    at = to_micros(now)
    return Write("UPDATE enrollments SET goal_at = ? WHERE id = ?", [(at, one) for one in ids])


def with_parked(journey_ids: Sequence[str]) -> Query[list[str]]:
    """Ask which of some journeys have parked people."""
    return Query(
        "SELECT DISTINCT journey_id FROM enrollments WHERE journey_id IN ? AND state = 'parked'",
        [list(journey_ids)],
        lambda rows: [row[0] for row in rows],
    )


def park(journey_ids: Sequence[str]) -> Write:
    """Park the people of journeys that are gone; their wake times stay for when it comes back."""
    return Write(
        "UPDATE enrollments SET state = 'parked' WHERE journey_id = ? "
        "AND state IN ('active', 'waiting')",
        [(one,) for one in journey_ids],
    )


def call_back(journey_ids: Sequence[str]) -> Write:
    """Let the parked people of journeys that are there again go on when they are due."""
    return Write(
        "UPDATE enrollments SET state = CASE WHEN wait_key IS NULL THEN 'active' "
        "ELSE 'waiting' END WHERE journey_id = ? AND state = 'parked'",
        [(one,) for one in journey_ids],
    )


def states_of(journey_ids: Sequence[str]) -> Query[dict[tuple[str, str], int]]:
    """Ask how many enrollments are active, waiting or parked, by journey and state."""
    return Query(
        "SELECT journey_id, state, COUNT(*) FROM enrollments WHERE journey_id IN ? "
        "AND state IN ('active', 'waiting', 'parked') GROUP BY journey_id, state",
        [list(journey_ids)],
        lambda rows: {(row[0], row[1]): row[2] for row in rows},
    )
