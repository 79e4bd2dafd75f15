"""What enrollments count for in the results of their journeys: goal, holdout and arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.results import ChosenArm
from .db import Query, Write
from .json_text import from_json, to_json
from .models import EnrollmentRow
from .rows import RowMapper
from .stored import Stored

Arms = tuple[ChosenArm, ...]


def _read_arms(stored: Any) -> Arms:
    try:
        chosen = from_json(stored) if stored else {}
        return tuple(ChosenArm(key, arms, arm) for key, (arms, arm) in chosen.items())
    except (ValueError, TypeError, AttributeError):
        # A count is not worth an event that cannot be stored.
        return ()


ARMS = Stored(_read_arms)


@dataclass(frozen=True, slots=True)
class MeasuredEnrollment:
    """What an enrollment counts for.

    Args:
        id: the enrollment.
        journey_id: the journey.
        measured_as: identifies the goal and the holdout; None when it does not count.
        arms: the arms that it counts for.
        goal_at: when it reached the goal.
    """

    id: UUID
    journey_id: str
    measured_as: str | None
    arms: Arms
    goal_at: datetime | None


_MEASURED = RowMapper(MeasuredEnrollment, EnrollmentRow, arms=ARMS)


def find_by_ids(ids: Sequence[UUID]) -> Query[list[MeasuredEnrollment]]:
    """Query what enrollments count for."""
    return Query(
        f"SELECT {_MEASURED.columns} FROM enrollments WHERE id IN ?",
        [list(ids)],
        _MEASURED.read_all,
    )


def record_arms(arms_by_id: Mapping[UUID, Arms]) -> Write:
    """Record the arms that enrollments count for, by enrollment."""
    return Write(
        "UPDATE enrollments SET arms = ? WHERE id = ?",
        [
            (to_json({arm.key: [arm.arms, arm.arm] for arm in arms}), enrollment_id)
            for enrollment_id, arms in arms_by_id.items()
        ],
    )
