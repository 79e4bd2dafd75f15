"""What a test is told of enrollments: what an event decided, and where people are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.enrollment import Enrollment
from ..domain.incoming import IngestResult
from ..store.turns import Turn
from .timeline import authors_part


@dataclass(frozen=True, slots=True)
class Decisions:
    """What an event started and ended.

    Args:
        entered: the journeys that it started.
        refused: the journeys that listen for it and were not started, each with the reason.
        exited: the journeys that it ended.
        event_id: the event's id.
    """

    entered: tuple[str, ...]
    refused: Mapping[str, str]
    exited: tuple[str, ...]
    event_id: UUID


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person is in a journey.

    Args:
        journey: the journey's id.
        state: `active`, `waiting`, `completed`, `exited`, `failed`, `drifted`, `held_out` or
            `parked`.
        reason: why it ended before its end, if it did.
        waiting_for: the label of the wait that the person is in; of a wait for an event that is
            the event's name, unless it was given another.
        wakes_at: when the person goes on if nothing happens; None when only an event ends the wait.
        error: the traceback of the turn that failed last, if one did.
        entered_at: when they entered.
        ended_at: when it ended.
    """

    journey: str
    state: str
    reason: str | None
    waiting_for: str | None
    wakes_at: datetime | None
    error: str | None
    entered_at: datetime
    ended_at: datetime | None


def decisions_of(taken: IngestResult) -> Decisions:
    """Return what an event decided."""
    refused = {one["journeyId"]: one["reason"] for one in taken.enrollments if one.get("reason")}
    return Decisions(
        entered=_journeys(taken.enrollments, "outcome", "enrolled"),
        refused=refused,
        exited=_journeys(taken.exits, "exited", True),
        event_id=taken.event_id,
    )


def place_of(enrollment: Enrollment, turns: Sequence[Turn]) -> Place:
    """Return where the person of an enrollment is.

    Args:
        enrollment: as stored.
        turns: its journal, which knows what the wait is called.
    """
    wait = enrollment.wait if enrollment.is_live else None
    steps = (step for turn in turns for step in turn.steps)
    called = next((step.label for step in steps if wait and step.key == wait.key), None)
    return Place(
        journey=enrollment.journey_id,
        state=enrollment.state,
        reason=enrollment.end_reason,
        waiting_for=called,
        wakes_at=enrollment.wake_at,
        error=authors_part(enrollment.error) if enrollment.error else None,
        entered_at=enrollment.entered_at,
        ended_at=enrollment.ended_at,
    )


def _journeys(rows: Iterable[Mapping[str, Any]], name: str, value: object) -> tuple[str, ...]:
    return tuple(row["journeyId"] for row in rows if row.get(name) == value)
