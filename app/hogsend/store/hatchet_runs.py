"""Hatchet runs: the run of each enrollment, and the waits that the engine gave to runs.

Wake times are columns of the enrollments. The tables of this module only record which runs were
started, woken and ended. If their rows were lost, the sweeper would start new runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from .db import Query, Row, Write
from .enrollments import DUE_ENROLLMENTS, DueEnrollment
from .fields import to_micros
from .models import DUE, HatchetRunRow, HatchetWaitRow
from .rows import RowMapper, read_column, read_pairs

# When no run asks for an overdue turn, another run is started after a minute, and then after twice
# as long each time, up to an hour.
_MINUTE = timedelta(minutes=1) // timedelta(microseconds=1)
# A run that has run the last turn of its enrollment ends by itself within this time.
SELF_END_LIMIT = timedelta(seconds=30)
# A run of another namespace is replaced once nobody has asked Hatchet for it for this long, so that
# two workers with different namespaces do not replace each other's runs all the time.
_FOREIGN_AFTER = timedelta(seconds=10)
DUE_ROWS = "e.wake_at IS NOT NULL AND e.state IN ('active', 'waiting') AND e.wake_at <= ?"


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of an enrollment, by which the engine answers a run.

    Args:
        state: the enrollment's state.
        turn: the number of the last turn.
        wake_at: when the next turn is due.
        run_id: the enrollment's run; empty while Hatchet has not accepted a run.
    """

    state: str
    turn: int
    wake_at: datetime | None
    run_id: str


@dataclass(frozen=True, slots=True)
class RunWait:
    """A wait that the engine gave to a run.

    Args:
        number: the wait's position among the waits of its run, from 0.
        seconds: the longest time to sleep.
        since: only wake events from this instant on end the wait.
        turn: only wake events of this turn or a later one end the wait.
    """

    number: int
    seconds: int
    since: datetime
    turn: int


@dataclass(frozen=True, slots=True)
class RunStart:
    """An enrollment that needs a run.

    Args:
        enrollment_id: the enrollment.
        journey_id: its journey.
        contact_id: its contact.
        event_id: the event that started it.
        wake_at: when its turn is due.
        old_run_id: the run that the new one replaces; empty if there is none.
    """

    enrollment_id: UUID
    journey_id: str
    contact_id: UUID
    event_id: UUID
    wake_at: datetime
    old_run_id: str


class _IdentifiedState(NamedTuple):
    id: UUID
    state: RunState


_STATES = RowMapper(
    _IdentifiedState,
    id="e.id",
    state=RowMapper(
        RunState,
        state="e.state",
        turn="e.turn",
        wake_at="e.wake_at",
        run_id="COALESCE(r.run_id, '')",
    ),
)
_WAITS = RowMapper(RunWait, HatchetWaitRow)
_NEW_WAIT = _WAITS.build_write_columns(extra=("run_id",))
_STARTS = RowMapper(
    RunStart,
    enrollment_id="e.id",
    journey_id="e.journey_id",
    contact_id="e.contact_id",
    event_id="e.trigger_event_id",
    wake_at="e.wake_at",
    old_run_id="COALESCE(r.run_id, '')",
)


def _read_ids(rows: list[Row]) -> frozenset[UUID]:
    return frozenset(read_column(UUID)(rows))


def find_states(ids: Sequence[UUID]) -> Query[dict[UUID, RunState]]:
    """Query the states of enrollments, by id."""
    return Query(
        f"SELECT {_STATES.columns} FROM enrollments e "
        "LEFT JOIN hatchet_runs r ON r.enrollment_id = e.id WHERE e.id IN ?",
        [list(ids)],
        lambda rows: {row.id: row.state for row in map(_STATES.read, rows)},
    )


def find_due(ids: Sequence[UUID], now: datetime) -> Query[list[DueEnrollment]]:
    """Query which enrollments are due, the longest overdue first."""
    return Query(
        f"SELECT {DUE_ENROLLMENTS.columns} FROM enrollments WHERE id IN ? AND {DUE} "
        "AND wake_at <= ? ORDER BY wake_at",
        [list(ids), to_micros(now)],
        DUE_ENROLLMENTS.read_all,
    )


def find_waits(run_id: str) -> Query[list[RunWait]]:
    """Query the waits that the engine gave to a run, in order."""
    return Query(
        f"SELECT {_WAITS.columns} FROM hatchet_waits WHERE run_id = ? ORDER BY number",
        [run_id],
        _WAITS.read_all,
    )


def record_waits(waits: Sequence[tuple[str, RunWait]]) -> Write:
    """Record waits, each with its run, before the engine gives them to the runs."""
    return Write(
        f"INSERT INTO hatchet_waits ({_NEW_WAIT.names}) VALUES ({_NEW_WAIT.placeholders}) "
        "ON CONFLICT (run_id, number) DO NOTHING",
        [_NEW_WAIT.values(wait, run_id) for run_id, wait in waits],
    )


def find_unstarted(
    journey_ids: Sequence[str], namespace: str, now: datetime, limit: int
) -> Query[list[RunStart]]:
    """Query due enrollments of journeys that have no run in a namespace."""
    return Query(
        f"SELECT {_STARTS.columns} FROM enrollments e "
        "LEFT JOIN hatchet_runs r ON r.enrollment_id = e.id "
        f"WHERE {DUE_ROWS} AND e.journey_id IN ? AND (r.enrollment_id IS NULL OR "
        "(r.namespace <> ? AND (r.asked_at IS NULL OR r.asked_at <= ?))) "
        "ORDER BY e.wake_at LIMIT ?",
        [to_micros(now), list(journey_ids), namespace, to_micros(now - _FOREIGN_AFTER), limit],
        _STARTS.read_all,
    )


def find_stalled(
    journey_ids: Sequence[str], namespace: str, overdue: datetime, now: datetime, limit: int
) -> Query[list[RunStart]]:
    """Query enrollments whose run has not asked for a turn that has been due for a while.

    Args:
        journey_ids: the journeys.
        namespace: only runs that were started in this namespace.
        overdue: only turns that were due at this instant or earlier.
        now: the current time; recently restarted runs are left out.
        limit: how many at most.
    """
    return Query(
        f"SELECT {_STARTS.columns} FROM enrollments e "
        "JOIN hatchet_runs r ON r.enrollment_id = e.id "
        f"WHERE {DUE_ROWS} AND e.journey_id IN ? AND r.namespace = ? AND e.holder IS NULL "
        "AND r.again_at <= ? ORDER BY e.wake_at LIMIT ?",
        [to_micros(overdue), list(journey_ids), namespace, to_micros(now), limit],
        _STARTS.read_all,
    )


def claim_starts(ids: Sequence[UUID], namespace: str, now: datetime) -> Query[frozenset[UUID]]:
    """Claim the start of runs; return the enrollments whose start no other worker has claimed."""
    at = to_micros(now)
    return Query(
        "INSERT INTO hatchet_runs "
        "(enrollment_id, run_id, pushed, tried, again_at, namespace, asked_at) "
        "SELECT id, '', 0, 0, ?, ?, ? FROM enrollments WHERE id IN ? "
        "ON CONFLICT (enrollment_id) DO UPDATE SET run_id = '', pushed = 0, tried = 0, "
        "again_at = excluded.again_at, namespace = excluded.namespace, "
        "asked_at = excluded.asked_at WHERE hatchet_runs.namespace <> excluded.namespace "
        "RETURNING enrollment_id",
        [at + _MINUTE, namespace, at, list(ids)],
        _read_ids,
    )


def claim_restarts(ids: Sequence[UUID], now: datetime) -> Query[dict[UUID, str]]:
    """Claim restarts of overdue runs; return the claimed enrollments, each with its old run."""
    at = to_micros(now)
    return Query(
        "UPDATE hatchet_runs SET tried = tried + 1, pushed = 0, "
        # Without the casts Postgres infers a type that is too small for the parameters.
        "again_at = CAST(? AS BIGINT) + CAST(? AS BIGINT) * "
        "CASE WHEN tried >= 5 THEN 60 ELSE 1 << (tried + 1) END "
        "WHERE enrollment_id IN ? AND again_at <= ? RETURNING enrollment_id, run_id",
        [at, _MINUTE, list(ids), at],
        read_pairs(UUID, str),
    )


def postpone_restarts(ids: Sequence[UUID], until: datetime) -> Write:
    """Withdraw claims of restarts, and look at these runs again at an instant."""
    return Write(
        "UPDATE hatchet_runs SET tried = tried - 1, again_at = ? WHERE enrollment_id = ? "
        "AND tried > 0",
        [(to_micros(until), enrollment_id) for enrollment_id in ids],
    )


def record_run_ids(runs: Sequence[tuple[UUID, str]]) -> Write:
    """Record the runs that were started for enrollments."""
    return Write(
        "UPDATE hatchet_runs SET run_id = ? WHERE enrollment_id = ?",
        [(run_id, enrollment_id) for enrollment_id, run_id in runs],
    )


def adopt_run(enrollment_id: UUID, run_id: str, namespace: str, now: datetime) -> Write:
    """Record a run that asks for a turn before its start was recorded."""
    at = to_micros(now)
    return Write(
        "INSERT INTO hatchet_runs "
        "(enrollment_id, run_id, pushed, tried, again_at, namespace, asked_at) "
        "VALUES (?,?,0,0,?,?,?) ON CONFLICT (enrollment_id) DO UPDATE "
        "SET run_id = excluded.run_id, namespace = excluded.namespace "
        "WHERE hatchet_runs.run_id = ''",
        [(enrollment_id, run_id, at + _MINUTE, namespace, at)],
    )


def delete(runs: Sequence[tuple[UUID, str]]) -> list[Write]:
    """Delete runs that are over, each with its enrollment, and their waits."""
    return [
        Write("DELETE FROM hatchet_runs WHERE enrollment_id = ? AND run_id = ?", list(runs)),
        delete_waits([run for _, run in runs if run]),
    ]


def delete_waits(run_ids: Sequence[str]) -> Write:
    """Delete the waits of runs that will not ask again."""
    return Write("DELETE FROM hatchet_waits WHERE run_id = ?", [(run,) for run in run_ids])


def unclaim_starts(ids: Sequence[UUID]) -> Write:
    """Withdraw claims of runs that could not be started, so that they are started again."""
    return Write(
        "DELETE FROM hatchet_runs WHERE enrollment_id = ? AND run_id = ''",
        [(enrollment_id,) for enrollment_id in ids],
    )


@dataclass(frozen=True, slots=True)
class RunLink:
    """The run of an enrollment, for its page.

    Args:
        run_id: the run's id; empty until Hatchet has accepted the run.
        tried: how often the run was restarted because a turn was late.
    """

    run_id: str
    tried: int


_LINKS = RowMapper(RunLink, HatchetRunRow)


def find_run(enrollment_id: UUID) -> Query[RunLink | None]:
    """Query the run of an enrollment."""
    return Query(
        f"SELECT {_LINKS.columns} FROM hatchet_runs WHERE enrollment_id = ?",
        [enrollment_id],
        _LINKS.read_first,
    )


def find_ended(since: datetime, now: datetime, limit: int) -> Query[dict[UUID, str]]:
    """Query ended enrollments whose run may still be sleeping, each with its run.

    Args:
        since: only enrollments that ended at this instant or later.
        now: the current time; enrollments that ended just now are left out, because a run that
            has run the last turn ends by itself. Exited enrollments are never left out.
        limit: how many at most.
    """
    return Query(
        "SELECT e.id, r.run_id FROM enrollments e JOIN hatchet_runs r ON r.enrollment_id = e.id "
        "WHERE e.ended_at >= ? AND e.compacted_at IS NULL AND (e.state = 'exited' "
        "OR e.ended_at <= ?) ORDER BY e.ended_at LIMIT ?",
        [to_micros(since), to_micros(now - SELF_END_LIMIT), limit],
        read_pairs(UUID, str),
    )


def find_live_enrollments(run_ids: Sequence[str]) -> Query[dict[str, UUID]]:
    """Query the live enrollments of runs; runs without a live enrollment are absent."""
    return Query(
        "SELECT r.run_id, r.enrollment_id FROM hatchet_runs r JOIN enrollments e "
        "ON e.id = r.enrollment_id WHERE r.run_id IN ? AND e.ended_at IS NULL",
        [list(run_ids)],
        read_pairs(str, UUID),
    )
