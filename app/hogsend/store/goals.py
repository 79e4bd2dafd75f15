"""Goals: which enrollments have reached their journey's goal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from .db import Query, Row, Write
from .fields import to_micros
from .results import ARMS, Arms
from .rows import RowMapper


@dataclass(frozen=True, slots=True)
class GoalCandidate:
    """An enrollment that has not reached its journey's goal.

    Args:
        id: the enrollment.
        contact_id: the contact; for a merged contact its survivor.
        journey_id: the journey.
        state: the state.
        trigger_event_id: the event that started the enrollment.
        entry_key: the entry key.
        measured_as: identifies the goal and the holdout that the enrollment counts for; None when
            it does not count.
        arms: the arms that it counts for.
    """

    id: UUID
    contact_id: UUID
    journey_id: str
    state: str
    trigger_event_id: UUID
    entry_key: str
    measured_as: str | None
    arms: Arms


_CANDIDATES = RowMapper(GoalCandidate, arms=ARMS)
_COLUMNS = "n.journey_id, n.state, n.trigger_event_id, n.entry_key, n.measured_as, n.arms"


def find_candidates(pairs: Sequence[tuple[UUID, str]]) -> Query[list[GoalCandidate]]:
    """Query the enrollments of contacts in journeys that have not reached the goal.

    The result includes ended and held-out enrollments, and enrollments of contacts that were merged
    into these.

    Args:
        pairs: pairs of contact and journey.
    """
    wanted = set(pairs)

    def read(rows: list[Row]) -> list[GoalCandidate]:
        return [
            candidate
            for candidate in map(_CANDIDATES.read, rows)
            if (candidate.contact_id, candidate.journey_id) in wanted
        ]

    # COALESCE keeps SQLite, which has no statistics, from using the journey's index.
    condition = "COALESCE(n.journey_id, '') IN ? AND n.goal_at IS NULL"
    return Query(
        f"SELECT n.id, n.contact_id, {_COLUMNS} FROM enrollments n "
        f"WHERE n.contact_id IN ? AND {condition} UNION ALL "
        f"SELECT n.id, c.merged_into, {_COLUMNS} "
        "FROM contacts c CROSS JOIN enrollments n WHERE n.contact_id = c.id AND c.merged_into IN ? "
        f"AND {condition}",
        [list({contact for contact, _ in pairs}), sorted({journey for _, journey in pairs})] * 2,
        read,
    )


def record_reached(ids: Sequence[UUID], now: datetime) -> Write:
    """Record that enrollments have reached their journey's goal."""
    at = to_micros(now)
    return Write(
        "UPDATE enrollments SET goal_at = ? WHERE id = ?",
        [(at, enrollment_id) for enrollment_id in ids],
    )
