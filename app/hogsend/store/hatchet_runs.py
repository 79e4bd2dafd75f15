"""What Hatchet runs for whom: each enrollment's run, and the waits that runs were told to make.

Wake times are columns of the enrollments. What is kept here only says which run is to be started,
woken or ended; all of it could be lost, and the sweeper would begin anew from the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from .db import Query, Row, Write
from .enrollments import DueEnrollment
from .fields import from_micros, instant_or_none, to_id, to_micros
from .models import DUE

# An overdue turn whose run does not come is begun by another one after a minute, then after twice
# as long each time, up to an hour.
_MINUTE = timedelta(minutes=1) // timedelta(microseconds=1)
# A run that has played the last turn ends by itself within this time.
RETURNING = timedelta(seconds=30)
_DUE_ROWS = "e.wake_at IS NOT NULL AND e.state IN ('active', 'waiting') AND e.wake_at <= ?"


@dataclass(frozen=True, slots=True)
class RunState:
    """Where an enrollment stands, for a run that asks what is next.

    Args:
        state: its state.
        turn: the number of its last turn.
        wake_at: when its next one is due.
        run_id: the run that is to play it; empty while none is known.
    """

    state: str
    turn: int
    wake_at: datetime | None
    run_id: str


@dataclass(frozen=True, slots=True)
class RunWait:
    """A wait as a run was told to make it.

    Args:
        number: the how many-th of its run it is, from 0.
        seconds: how long it sleeps at most.
        since: from when on wake events count.
        turn: of which turn or a later one they have to be.
    """

    number: int
    seconds: int
    since: datetime
    turn: int


@dataclass(frozen=True, slots=True)
class RunStart:
    """An enrollment that no run plays yet."""

    enrollment_id: UUID
    journey_id: str
    contact_id: UUID
    event_id: UUID


def standings(ids: Sequence[UUID]) -> Query[dict[UUID, RunState]]:
    """Ask where enrollments stand."""
    return Query(
        "SELECT e.id, e.state, e.turn, e.wake_at, COALESCE(r.run_id, '') FROM enrollments e "
        "LEFT JOIN hatchet_runs r ON r.enrollment_id = e.id WHERE e.id IN ?",
        [list(ids)],
        lambda rows: {
            to_id(row[0]): RunState(row[1], row[2], instant_or_none(row[3]), row[4]) for row in rows
        },
    )


def due_among(ids: Sequence[UUID], now: datetime) -> Query[list[DueEnrollment]]:
    """Ask which of some enrollments are due, those first that have been for longest."""
    return Query(
        f"SELECT id, contact_id, journey_id, wake_at FROM enrollments WHERE id IN ? AND {DUE} "
        "AND wake_at <= ? ORDER BY wake_at",
        [list(ids), to_micros(now)],
        lambda rows: [
            DueEnrollment(to_id(row[0]), to_id(row[1]), row[2], from_micros(row[3])) for row in rows
        ],
    )


def waits_of(run_id: str) -> Query[list[RunWait]]:
    """Ask for the waits that a run was told to make, in their order."""
    return Query(
        "SELECT number, seconds, since, turn FROM hatchet_waits WHERE run_id = ? ORDER BY number",
        [run_id],
        lambda rows: [RunWait(row[0], row[1], from_micros(row[2]), row[3]) for row in rows],
    )


def note_waits(waits: Sequence[tuple[str, RunWait]]) -> Write:
    """Record waits, each with its run, before they are made."""
    return Write(
        "INSERT INTO hatchet_waits (run_id, number, seconds, since, turn) VALUES (?,?,?,?,?) "
        "ON CONFLICT (run_id, number) DO NOTHING",
        [(run, w.number, w.seconds, to_micros(w.since), w.turn) for run, w in waits],
    )


def unstarted(journey_ids: Sequence[str], now: datetime, limit: int) -> Query[list[RunStart]]:
    """Ask for due enrollments of journeys that no run was started for."""
    return Query(
        "SELECT e.id, e.journey_id, e.contact_id, e.trigger_event_id FROM enrollments e "
        f"WHERE {_DUE_ROWS} AND e.journey_id IN ? AND NOT EXISTS "
        "(SELECT 1 FROM hatchet_runs r WHERE r.enrollment_id = e.id) ORDER BY e.wake_at LIMIT ?",
        [to_micros(now), list(journey_ids), limit],
        _starts,
    )


def stalled(
    journey_ids: Sequence[str], overdue: datetime, now: datetime, limit: int
) -> Query[list[RunStart]]:
    """Ask for enrollments whose run has not come although their turn has been due for a while.

    Args:
        journey_ids: of which journeys.
        overdue: due since then, or for longer.
        now: the present instant: those that were begun anew of late are left out.
        limit: how many at most.
    """
    return Query(
        "SELECT e.id, e.journey_id, e.contact_id, e.trigger_event_id FROM enrollments e "
        "JOIN hatchet_runs r ON r.enrollment_id = e.id "
        f"WHERE {_DUE_ROWS} AND e.journey_id IN ? AND e.holder IS NULL AND r.again_at <= ? "
        "ORDER BY e.wake_at LIMIT ?",
        [to_micros(overdue), list(journey_ids), to_micros(now), limit],
        _starts,
    )


def _starts(rows: list[Row]) -> list[RunStart]:
    return [RunStart(to_id(row[0]), row[1], to_id(row[2]), to_id(row[3])) for row in rows]


def claim_starts(ids: Sequence[UUID], now: datetime) -> Query[frozenset[UUID]]:
    """Note that runs are being started, and return for whom nobody else does it."""
    return Query(
        "INSERT INTO hatchet_runs (enrollment_id, run_id, pushed, tried, again_at) "
        "SELECT id, '', 0, 0, ? FROM enrollments WHERE id IN ? "
        "ON CONFLICT (enrollment_id) DO NOTHING RETURNING enrollment_id",
        [to_micros(now) + _MINUTE, list(ids)],
        lambda rows: frozenset(to_id(row[0]) for row in rows),
    )


def claim_restarts(ids: Sequence[UUID], now: datetime) -> Query[dict[UUID, str]]:
    """Note that runs are being started anew; return for whom, with the run that did not come."""
    at = to_micros(now)
    return Query(
        "UPDATE hatchet_runs SET tried = tried + 1, pushed = 0, "
        # Postgres takes a value beside a small number for a small one.
        "again_at = CAST(? AS BIGINT) + CAST(? AS BIGINT) * "
        "CASE WHEN tried >= 5 THEN 60 ELSE 1 << (tried + 1) END "
        "WHERE enrollment_id IN ? AND again_at <= ? RETURNING enrollment_id, run_id",
        [at, _MINUTE, list(ids), at],
        lambda rows: {to_id(row[0]): row[1] for row in rows},
    )


def unclaim_restarts(ids: Sequence[UUID], now: datetime) -> Write:
    """Let runs be started anew soon that could not be now; the try does not count."""
    return Write(
        "UPDATE hatchet_runs SET tried = tried - 1, again_at = ? WHERE enrollment_id = ? "
        "AND tried > 0",
        [(to_micros(now), one) for one in ids],
    )


def name_runs(runs: Sequence[tuple[UUID, str]]) -> Write:
    """Record which runs were started for enrollments."""
    return Write(
        "UPDATE hatchet_runs SET run_id = ? WHERE enrollment_id = ?",
        [(run_id, one) for one, run_id in runs],
    )


def adopt(enrollment_id: UUID, run_id: str, now: datetime) -> Write:
    """Record a run that has come before its name was known."""
    return Write(
        "INSERT INTO hatchet_runs (enrollment_id, run_id, pushed, tried, again_at) "
        "VALUES (?,?,0,0,?) ON CONFLICT (enrollment_id) DO UPDATE SET run_id = excluded.run_id "
        "WHERE hatchet_runs.run_id = ''",
        [(enrollment_id, run_id, to_micros(now) + _MINUTE)],
    )


def forget(runs: Sequence[tuple[UUID, str]]) -> list[Write]:
    """Forget runs that are over, each with its enrollment, and the waits that they made."""
    return [
        Write("DELETE FROM hatchet_runs WHERE enrollment_id = ? AND run_id = ?", list(runs)),
        forget_waits([run for _, run in runs if run]),
    ]


def forget_waits(run_ids: Sequence[str]) -> Write:
    """Forget what runs were told to wait for that will not come any more."""
    return Write("DELETE FROM hatchet_waits WHERE run_id = ?", [(run,) for run in run_ids])


def unclaim(ids: Sequence[UUID]) -> Write:
    """Let runs be started later that could not be started now."""
    return Write(
        "DELETE FROM hatchet_runs WHERE enrollment_id = ? AND run_id = ''", [(one,) for one in ids]
    )


def to_wake(journey_ids: Sequence[str], now: datetime, limit: int) -> Query[list[UUID]]:
    """Ask for due enrollments whose run sleeps and has not been woken for their next turn.

    Args:
        journey_ids: of which journeys.
        now: the present instant; whose own time has come within the last two seconds wakes by
            itself, and is left out unless an event has come.
        limit: how many at most.
    """
    return Query(
        "SELECT e.id FROM enrollments e JOIN hatchet_runs r ON r.enrollment_id = e.id "
        f"WHERE {_DUE_ROWS} AND e.journey_id IN ? AND r.pushed <= e.turn AND r.run_id <> '' "
        "AND (e.wait_result IS NOT NULL OR e.wake_at <= ?) ORDER BY e.wake_at LIMIT ?",
        [to_micros(now), list(journey_ids), to_micros(now) - 2_000_000, limit],
        lambda rows: [to_id(row[0]) for row in rows],
    )


def claim_wakes(ids: Sequence[UUID]) -> Query[dict[UUID, int]]:
    """Note that runs are being woken; return whom nobody else wakes, with their last turn."""
    return Query(
        "UPDATE hatchet_runs SET pushed = (SELECT e.turn + 1 FROM enrollments e "
        "WHERE e.id = hatchet_runs.enrollment_id) WHERE enrollment_id IN ? AND pushed <= "
        "(SELECT e.turn FROM enrollments e WHERE e.id = hatchet_runs.enrollment_id) "
        "RETURNING enrollment_id, pushed - 1",
        [list(ids)],
        lambda rows: {to_id(row[0]): row[1] for row in rows},
    )


def unclaim_wakes(ids: Sequence[UUID]) -> Write:
    """Let runs be woken later that could not be woken now."""
    return Write("UPDATE hatchet_runs SET pushed = 0 WHERE enrollment_id = ?", [(i,) for i in ids])


@dataclass(frozen=True, slots=True)
class RunLink:
    """An enrollment's run, for its screen.

    Args:
        run_id: its id; empty until Hatchet has taken it.
        tried: how often another one was begun because the turn was late.
    """

    run_id: str
    tried: int


def run_of(enrollment_id: UUID) -> Query[RunLink | None]:
    """Ask which run plays an enrollment."""
    return Query(
        "SELECT run_id, tried FROM hatchet_runs WHERE enrollment_id = ?",
        [enrollment_id],
        lambda rows: RunLink(rows[0][0], rows[0][1]) if rows else None,
    )


def ended_since(since: datetime, now: datetime, limit: int) -> Query[dict[UUID, str]]:
    """Ask for enrollments that have ended and whose run may not know it, with their runs.

    Args:
        since: ended then, or later.
        now: the present instant: a run that has just played to the end is about to say so.
        limit: how many at most.
    """
    return Query(
        "SELECT e.id, r.run_id FROM enrollments e JOIN hatchet_runs r ON r.enrollment_id = e.id "
        "WHERE e.ended_at >= ? AND e.compacted_at IS NULL AND (e.state = 'exited' "
        "OR e.ended_at <= ?) ORDER BY e.ended_at LIMIT ?",
        [to_micros(since), to_micros(now - RETURNING), limit],
        lambda rows: {to_id(row[0]): row[1] for row in rows},
    )


def enrollments_of(run_ids: Sequence[str]) -> Query[dict[str, UUID]]:
    """Ask whom runs play at present; those that play nobody are absent."""
    return Query(
        "SELECT r.run_id, r.enrollment_id FROM hatchet_runs r JOIN enrollments e "
        "ON e.id = r.enrollment_id WHERE r.run_id IN ? AND e.ended_at IS NULL",
        [list(run_ids)],
        lambda rows: {row[0]: to_id(row[1]) for row in rows},
    )
