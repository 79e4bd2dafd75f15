"""Enrollments as the API returns them, where they are called states."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ...services.enrollments import CountedEnrollment, EnrollmentPage
from .schemas import InstantView, View

# What clients call our states; they know no others.
STATUSES = {"drifted": "waiting", "parked": "waiting", "held_out": "exited"}


class StateView(View):
    """An enrollment: one contact in one journey."""

    id: UUID
    user_id: str
    user_email: str | None
    journey_id: str
    current_node_id: str | None
    status: str
    detail: str
    hatchet_run_id: str | None
    context: dict[str, Any]
    error_message: str | None
    entry_count: int
    wake_at: InstantView | None
    end_reason: str | None
    completed_at: InstantView | None
    exited_at: InstantView | None
    created_at: InstantView
    updated_at: InstantView


class LogView(View):
    """A recorded call of a turn, or the error that a turn failed with."""

    turn: int
    at: InstantView
    outcome: str
    node_id: str | None = None
    action: str | None = None
    label: str | None = None
    result: Any = None
    error: str | None = None


EXAMPLE_STATE: dict[str, Any] = {
    "id": "01a20364-0b6e-72a7-b294-d14dbb994441",
    "userId": "ada",
    "userEmail": "ada@example.com",
    "journeyId": "trial-conversion",
    "currentNodeId": "sleep:day-3",
    "status": "waiting",
    "detail": "waiting",
    "hatchetRunId": None,
    "context": {},
    "errorMessage": None,
    "entryCount": 1,
    "wakeAt": "2026-01-05T03:04:05.678Z",
    "endReason": None,
    "completedAt": None,
    "exitedAt": None,
    "createdAt": "2026-01-02T03:04:05.678Z",
    "updatedAt": "2026-01-02T03:04:05.678Z",
}


def build_state(counted: CountedEnrollment, run_id: str | None = None) -> StateView:
    """Return an enrollment as the API returns it.

    Args:
        counted: the enrollment with its contact.
        run_id: its Hatchet run, if it has one.
    """
    enrollment, contact = counted.enrollment, counted.contact
    is_completed = enrollment.state == "completed"
    return StateView(
        id=enrollment.id,
        user_id=contact.key,
        user_email=contact.email,
        journey_id=enrollment.journey_id,
        current_node_id=enrollment.wait.key if enrollment.wait else None,
        status=STATUSES.get(enrollment.state, enrollment.state),
        detail=enrollment.state,
        hatchet_run_id=run_id,
        context={"entryKey": enrollment.entry_key} if enrollment.entry_key else {},
        error_message=enrollment.error,
        entry_count=counted.entry_number,
        wake_at=enrollment.wake_at,
        end_reason=enrollment.end_reason,
        completed_at=enrollment.ended_at if is_completed else None,
        exited_at=None if is_completed else enrollment.ended_at,
        created_at=enrollment.entered_at,
        updated_at=enrollment.ended_at or enrollment.entered_at,
    )


def build_logs(page: EnrollmentPage) -> list[LogView]:
    """Return the journal of an enrollment, oldest first."""
    logs: list[LogView] = []
    for turn in page.turns:
        head: dict[str, Any] = {"turn": turn.number, "at": turn.played_at, "outcome": turn.outcome}
        logs += [
            LogView(
                **head,
                node_id=step.key,
                action=step.kind,
                label=step.label,
                result=step.answer,
            )
            for step in turn.steps
        ]
        if turn.error:
            logs.append(LogView(**head, error=turn.error))
    return logs
