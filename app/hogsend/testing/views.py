"""The views that a test has of enrollments: an event's decisions, a person's place in a journey."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.enrollment import Enrollment
from ..domain.incoming import IngestResult
from ..store.turns import Turn
from .timeline import remove_own_frames


@dataclass(frozen=True, slots=True)
class Decisions:
    """The journeys that an event started and ended.

    Args:
        entered: the journeys that the event started.
        refused: the journeys that the event did not start although it is their trigger, each with
            the reason.
        exited: the journeys that the event ended.
        event_id: the event's id.
    """

    entered: tuple[str, ...]
    refused: Mapping[str, str]
    exited: tuple[str, ...]
    event_id: UUID


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a person in a journey.

    Args:
        journey: the journey's id.
        state: `active`, `waiting`, `completed`, `exited`, `failed`, `drifted`, `held_out` or
            `parked`.
        reason: why the enrollment ended early, if it did.
        waiting_for: the label of the current wait; for a wait without `label=`, the event's name.
        wakes_at: when the journey continues by itself; None when only an event ends the wait.
        error: the traceback of the last failed turn, if any.
        entered_at: when the person entered.
        ended_at: when the enrollment ended.
    """

    journey: str
    state: str
    reason: str | None
    waiting_for: str | None
    wakes_at: datetime | None
    error: str | None
    entered_at: datetime
    ended_at: datetime | None


def build_decisions(result: IngestResult) -> Decisions:
    """Return the decisions of an event."""
    refused = {row["journeyId"]: row["reason"] for row in result.enrollments if row.get("reason")}
    return Decisions(
        entered=_list_journeys(result.enrollments, "outcome", "enrolled"),
        refused=refused,
        exited=_list_journeys(result.exits, "exited", True),
        event_id=result.event_id,
    )


def build_place(enrollment: Enrollment, turns: Sequence[Turn]) -> Place:
    """Return the place of a person in a journey.

    Args:
        enrollment: the enrollment.
        turns: the journal, which has the label of the wait.
    """
    wait = enrollment.wait if enrollment.is_live else None
    steps = (step for turn in turns for step in turn.steps)
    label = next((step.label for step in steps if wait and step.key == wait.key), None)
    return Place(
        journey=enrollment.journey_id,
        state=enrollment.state,
        reason=enrollment.end_reason,
        waiting_for=label,
        wakes_at=enrollment.wake_at,
        error=remove_own_frames(enrollment.error) if enrollment.error else None,
        entered_at=enrollment.entered_at,
        ended_at=enrollment.ended_at,
    )


def _list_journeys(rows: Iterable[Mapping[str, Any]], name: str, value: object) -> tuple[str, ...]:
    return tuple(row["journeyId"] for row in rows if row.get(name) == value)
