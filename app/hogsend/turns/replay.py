"""Answers the `ctx` calls of one turn from the journal, and starts the new calls.

The *frontier* is the wait that the contact is in. A new call before the frontier lies behind the
contact: a read runs and is recorded, every other call is skipped (docs/journeys.md, "Editing a
journey that people are in").
"""

from __future__ import annotations

from typing import Any

from ..domain.journal import build_key
from ..errors import JourneyCodeError
from .calls.call import Call, Suspension
from .turn_state import TurnState


class Replay:
    """The answers of one turn.

    Args:
        turn: the state of the turn.
        is_dry_run: whether the turn has no effects, and ends at the contact's wait, or at the first
            new call of a contact without a wait.
    """

    def __init__(self, turn: TurnState, *, is_dry_run: bool = False) -> None:
        self.turn = turn
        # The call whose read or effect comes next, and its journal key.
        self.pending: Call | None = None
        self.pending_key = ""
        # The keys of all calls in order, the keys without a recorded answer, and the arguments of
        # all calls as text, when they are to be compared.
        self.keys: list[str] = []
        self.new_keys: list[str] = []
        self.arguments: list[str] = []
        self._is_dry_run = is_dry_run
        # The numbers of calls so far, by the key that the calls have, and by a key that they had.
        self._occurrences: dict[str, int] = {}
        self._former_occurrences: dict[str, int] = {}

    def answer(self, call: Call) -> Any:
        """Answer a call.

        Returns:
            The answer as the author sees it, a `Failure` to raise, or a `Suspension`.

        Raises:
            JourneyCodeError: the call is invalid, or the turn has made too many calls.
            ValueNotStorable: the journal cannot keep the answer.
        """
        turn = self.turn
        if not call.is_journalled:
            return call.start(turn, "")
        if len(self.keys) >= turn.environment.max_calls and self._has_too_many_calls():
            return Suspension.TURN_OVER
        key = self._find_key(call)
        self.keys.append(key)
        if turn.environment.checks_determinism:
            self.arguments.append(call.describe())
        if key == turn.frontier and not turn.has_reached_frontier:
            return self._resume(key, call)
        step = turn.recorded.get(key)
        if step is not None:
            return call.replay(step.answer)
        self.new_keys.append(key)
        return self._start(key, call)

    def complete(self, value: Any) -> Any:
        """Answer the pending call, whose read or effect is done.

        Args:
            value: the answer of the read, or the effect's `StepAttempt`.

        Returns:
            As `answer`.
        """
        call, key = self.pending, self.pending_key
        assert call is not None  # noqa: S101 (the caller has run its read or effect)
        self.pending = None
        return call.complete(self.turn, key, value)

    def _find_key(self, call: Call) -> str:
        """Return the journal key of a call: a former key when the journal has only that one."""
        key = _count(self._occurrences, call.build_base_key())
        if not call.former_labels:
            return key
        former = [_count(self._former_occurrences, base) for base in call.list_former_keys()]
        return next(filter(self.turn.has_entry, [key, *former]), key)

    def _start(self, key: str, call: Call) -> Any:
        """Answer a call that is not in the journal."""
        turn = self.turn
        if self._is_dry_run and turn.has_reached_frontier:
            turn.end("reached")
            return Suspension.TURN_OVER
        if turn.has_reached_frontier or call.runs_behind:
            return self._note_pending(key, call, call.start(turn, key))
        return call.skip(turn, key)

    def _resume(self, key: str, call: Call) -> Any:
        """Answer the wait that the contact is in; end the turn when the wait is not over."""
        turn = self.turn
        if self._is_dry_run:
            turn.end("reached")
            return Suspension.TURN_OVER
        wait, event = turn.inputs.enrollment.wait, turn.inputs.enrollment.wait_result
        assert wait is not None  # noqa: S101 (the frontier is this wait's key)
        if event is None and (wait.until is None or wait.until > turn.now):
            turn.end("early")
            return Suspension.TURN_OVER
        turn.has_reached_frontier = True
        return self._note_pending(key, call, call.resume(turn, key))

    def _note_pending(self, key: str, call: Call, answer: Any) -> Any:
        if answer is Suspension.NEEDS_INPUT:
            self.pending, self.pending_key = call, key
        return answer

    def _has_too_many_calls(self) -> bool:
        """Let the turn drift when it has not reached its wait; fail it after the wait.

        Before the wait, the loop may be new code above the wait, which an operator can undo.

        Raises:
            JourneyCodeError: the turn has made too many calls after its wait.
        """
        max_calls = self.turn.environment.max_calls
        if not self.turn.has_reached_frontier:
            calls = f"the code made {max_calls:,} ctx calls without coming to"
            self.turn.drift(f"{calls} {self.turn.frontier}, such as in a new loop above it")
            return True
        raise JourneyCodeError(
            f"This journey has made {max_calls:,} ctx calls.",
            "A loop that never ends? End it, start over with entry='unlimited', or raise "
            "HOGSEND_TURN_STEP_LIMIT.",
        )


def _count(occurrences: dict[str, int], base: str) -> str:
    """Count a call under its key without the number, and return the key with the number."""
    occurrences[base] = number = occurrences.get(base, 0) + 1
    return build_key(base, number)
