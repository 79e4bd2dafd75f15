"""Parking: enrollments whose journey's code is gone wait until the code is back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .db import Query, Write
from .models import EnrollmentRow
from .rows import RowMapper, read_column


class _StateCount(NamedTuple):
    journey_id: str
    state: str
    count: int


_STATE_COUNTS = RowMapper(_StateCount, EnrollmentRow, count="COUNT(*)")


def find_journeys_with_parked(journey_ids: Sequence[str]) -> Query[list[str]]:
    """Query which journeys have parked enrollments."""
    return Query(
        "SELECT DISTINCT journey_id FROM enrollments WHERE journey_id IN ? AND state = 'parked'",
        [list(journey_ids)],
        read_column(str),
    )


def park(journey_ids: Sequence[str]) -> Write:
    """Park the enrollments of journeys whose code is gone; they keep their wake times."""
    return Write(
        "UPDATE enrollments SET state = 'parked' WHERE journey_id = ? "
        "AND state IN ('active', 'waiting')",
        [(journey_id,) for journey_id in journey_ids],
    )


def unpark(journey_ids: Sequence[str]) -> Write:
    """Continue parked enrollments when they are due, once the code of their journeys is back."""
    return Write(
        "UPDATE enrollments SET state = CASE WHEN wait_key IS NULL THEN 'active' "
        "ELSE 'waiting' END WHERE journey_id = ? AND state = 'parked'",
        [(journey_id,) for journey_id in journey_ids],
    )


def count_by_state(journey_ids: Sequence[str]) -> Query[dict[tuple[str, str], int]]:
    """Query how many enrollments are active, waiting or parked, by journey and state."""
    return Query(
        f"SELECT {_STATE_COUNTS.columns} FROM enrollments WHERE journey_id IN ? "
        "AND state IN ('active', 'waiting', 'parked') GROUP BY journey_id, state",
        [list(journey_ids)],
        lambda rows: {
            (row.journey_id, row.state): row.count for row in map(_STATE_COUNTS.read, rows)
        },
    )
