"""Hatchet runs that sleep or do not come: which to wake, and which to restore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from .db import Query, Write
from .fields import to_micros
from .hatchet_runs import DUE_ROWS
from .rows import RowMapper, read_column, read_pairs

# After a restore, Hatchet may take longer to run the turn than after a wake.
_NEXT_RESTORE = timedelta(seconds=10)


def find_to_wake(
    journey_ids: Sequence[str], namespace: str, now: datetime, limit: int
) -> Query[list[UUID]]:
    """Query due enrollments whose run sleeps and has not been woken for the next turn.

    Args:
        journey_ids: the journeys.
        namespace: only runs that were started in this namespace.
        now: the current time. A run whose sleep ended within the last two seconds wakes by
            itself, and is left out unless an event has ended the wait.
        limit: how many at most.
    """
    return Query(
        "SELECT e.id FROM enrollments e JOIN hatchet_runs r ON r.enrollment_id = e.id "
        f"WHERE {DUE_ROWS} AND e.journey_id IN ? AND r.namespace = ? AND r.pushed <= e.turn "
        "AND r.run_id <> '' AND (e.wait_result IS NOT NULL OR e.wake_at <= ?) "
        "ORDER BY e.wake_at LIMIT ?",
        [to_micros(now), list(journey_ids), namespace, to_micros(now) - 2_000_000, limit],
        read_column(UUID),
    )


def claim_wakes(ids: Sequence[UUID], now: datetime) -> Query[dict[UUID, int]]:
    """Claim the waking of runs.

    A turn that was committed since `find_to_wake` leaves nothing to wake: marked as woken, its run
    would not be woken for the next turn.

    Args:
        ids: the enrollments that `find_to_wake` returned.
        now: the current time.

    Returns:
        The enrollments whose waking no other worker has claimed, with the number of the last turn.
    """
    return Query(
        "UPDATE hatchet_runs SET asked_at = ?, pushed = (SELECT e.turn + 1 FROM enrollments e "
        "WHERE e.id = hatchet_runs.enrollment_id) WHERE enrollment_id IN ? AND EXISTS "
        "(SELECT 1 FROM enrollments e WHERE e.id = hatchet_runs.enrollment_id "
        f"AND hatchet_runs.pushed <= e.turn AND {DUE_ROWS}) RETURNING enrollment_id, pushed - 1",
        [to_micros(now), list(ids), to_micros(now)],
        read_pairs(UUID, int),
    )


def unclaim_wakes(ids: Sequence[UUID]) -> Write:
    """Withdraw claims of runs that could not be woken, so that they are woken again."""
    return Write(
        "UPDATE hatchet_runs SET pushed = 0 WHERE enrollment_id = ?",
        [(enrollment_id,) for enrollment_id in ids],
    )


def find_unanswered(
    journey_ids: Sequence[str], namespace: str, asked_before: datetime, now: datetime, limit: int
) -> Query[dict[UUID, datetime]]:
    """Query due enrollments whose woken run has not requested its turn, oldest wake first.

    The query returns when the turn of each enrollment became due.

    Args:
        journey_ids: the journeys.
        namespace: only runs that were started in this namespace.
        asked_before: only runs that Hatchet was last asked to continue at this instant or earlier.
        now: the current time.
        limit: how many at most.
    """
    return Query(
        "SELECT e.id, e.wake_at FROM enrollments e "
        "JOIN hatchet_runs r ON r.enrollment_id = e.id "
        f"WHERE {DUE_ROWS} AND e.journey_id IN ? AND r.namespace = ? AND r.pushed > e.turn "
        "AND r.run_id <> '' AND r.asked_at <= ? AND e.holder IS NULL ORDER BY r.asked_at LIMIT ?",
        [to_micros(now), list(journey_ids), namespace, to_micros(asked_before), limit],
        read_pairs(UUID, datetime),
    )


@dataclass(frozen=True, slots=True)
class WokenRun:
    """A run that was woken and has not requested its turn.

    Args:
        enrollment_id: the enrollment.
        run_id: its run.
        turn: the number of the last turn.
    """

    enrollment_id: UUID
    run_id: str
    turn: int


_WOKEN = RowMapper(WokenRun, enrollment_id="enrollment_id", run_id="run_id", turn="pushed - 1")


def claim_restores(
    ids: Sequence[UUID], asked_before: datetime, now: datetime
) -> Query[list[WokenRun]]:
    """Claim restores of woken runs; return those that no other worker has claimed.

    Args:
        ids: the enrollments that `find_unanswered` returned.
        asked_before: only runs that Hatchet was last asked to continue at this instant or earlier.
        now: the current time.
    """
    return Query(
        "UPDATE hatchet_runs SET asked_at = ? WHERE enrollment_id IN ? AND run_id <> '' "
        "AND asked_at <= ? AND EXISTS (SELECT 1 FROM enrollments e "
        "WHERE e.id = hatchet_runs.enrollment_id AND hatchet_runs.pushed > e.turn "
        f"AND {DUE_ROWS}) RETURNING {_WOKEN.columns}",
        [
            to_micros(now + _NEXT_RESTORE),
            list(ids),
            to_micros(asked_before),
            to_micros(now),
        ],
        _WOKEN.read_all,
    )
