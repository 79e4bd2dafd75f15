"""The base of the calls that end a turn, and that a later turn answers."""

from __future__ import annotations

from typing import Any

from ...domain.enrollment import Wait
from ...domain.event import Event, to_stored_event
from ...domain.journal import Step, encode
from ..turn_state import TurnState
from .call import Call, Suspension


class WaitCall(Call):
    """A call in which a contact can wait: a turn ends in the call, and the next resumes from it."""

    __slots__ = ()

    def resume(self, turn: TurnState, key: str) -> Any:
        """Record the event that ended the wait; None when the time was up."""
        enrollment = turn.inputs.enrollment
        event, wait = enrollment.wait_result, enrollment.wait
        turn.set_look_back(event, wait.until if wait else None, enrollment.look_back)
        return self.record(turn, key, encode_event(event))

    def pause(self, turn: TurnState, key: str, wait: Wait) -> Suspension:
        """End the turn in this call.

        Args:
            turn: the turn.
            key: the journal key of this call.
            wait: the time and the events that end the wait.
        """
        detail = self.build_pause_detail(wait)
        turn.pause(Step(key, self.kind, self.label, None, detail, waiting=True), wait)
        return Suspension.TURN_OVER

    def build_pause_detail(self, wait: Wait) -> dict[str, Any]:
        """Return the particulars of a wait for the timeline."""
        detail: dict[str, Any] = {"until": wait.until.isoformat() if wait.until else None}
        if wait.events:
            detail["events"] = [str(match) for match in wait.events]
        return detail


def encode_event(event: Event | None) -> Any:
    """Return an event in the journal's form."""
    return encode(to_stored_event(event)) if event is not None else None
