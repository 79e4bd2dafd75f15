"""The enrollments of a journey that are in one state, or whose last turn failed and is retried."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ..domain.failure_filter import ALL_FAILURES, RETRYING, FailureFilter
from .db import Query
from .fields import to_micros
from .models import RETRIED
from .rows import read_column


def build_condition(
    journey_id: str, state: str, failures: FailureFilter = ALL_FAILURES
) -> tuple[str, list[Any]]:
    """Return the condition of enrollments of a journey, and the values of its placeholders.

    Args:
        journey_id: the journey.
        state: the state, or `retrying`.
        failures: only enrollments that failed like this.
    """
    condition, values = "journey_id = ? AND ", list[Any]([journey_id])
    if state == RETRYING:
        condition += RETRIED
    else:
        condition += "state = ?"
        values.append(state)
    if failures.error:
        # Both databases have REPLACE, and it compares in the same way on both.
        condition += " AND REPLACE(error, ?, '') <> error"
        values.append(failures.error)
    if failures.since is not None:
        failed_at = "ended_at" if state == "failed" else "updated_at"
        condition += f" AND {failed_at} >= ?"
        values.append(to_micros(failures.since))
    return condition, values


def find_ids_in_state(
    journey_id: str,
    state: str,
    after: UUID | None,
    until: UUID,
    limit: int,
    *,
    failures: FailureFilter = ALL_FAILURES,
) -> Query[list[UUID]]:
    """Query the enrollments of a journey that are in one state, the oldest first.

    Args:
        journey_id: the journey.
        state: the state, or `retrying`.
        after: only enrollments with a greater id.
        until: only enrollments with an id that is not greater.
        limit: how many at most.
        failures: only enrollments that failed like this.
    """
    condition, values = build_condition(journey_id, state, failures)
    return Query(
        f"SELECT id FROM enrollments WHERE {condition} AND id > ? AND id <= ? ORDER BY id LIMIT ?",
        [*values, after or UUID(int=0), until, limit],
        read_column(UUID),
    )
