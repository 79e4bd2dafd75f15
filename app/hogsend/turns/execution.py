"""One turn of one enrollment: the journey's coroutine, driven from the top by its journal."""

from __future__ import annotations

import contextlib
import contextvars
import inspect
import traceback
from collections.abc import Callable
from typing import Any

from ..compat.unawaited_coroutines import UNAWAITED, watch_coroutines
from ..domain.journey import Journey
from ..errors import JourneyCodeError
from .calls.call import IN_JOURNEY, Call, Failure, Suspension
from .calls.effect import Effect
from .context import Context
from .decorator import JourneyFunction
from .forbidden_loop import ForbiddenLoop
from .history import History
from .replay import Replay
from .turn import TurnEnvironment, TurnInput, TurnInterrupted, TurnResult, build_failed_result
from .turn_state import TurnState

# How often a coroutine is closed that awaits things in its `finally` blocks.
_MAX_CLOSINGS = 20

watch_coroutines(
    {
        method.__code__: f"{path}.{name}"
        for path, owner in (("ctx", Context), ("ctx.history", History))
        for name, method in inspect.getmembers(owner, inspect.iscoroutinefunction)
    }
)


class TurnExecution:
    """Runs one turn. `advance` runs the author's code until it needs input, or the turn is over.

    Args:
        journey: the journey's definition.
        function: its code.
        inputs: what the turn starts from.
        environment: what every turn of its batch shares.
        is_rehearsal: whether nothing is done, see `Replay`.
    """

    def __init__(
        self,
        journey: Journey,
        function: JourneyFunction,
        inputs: TurnInput,
        environment: TurnEnvironment,
        *,
        is_rehearsal: bool = False,
    ) -> None:
        self.journey = journey
        self.function = function
        self.inputs = inputs
        self.turn = TurnState(journey, inputs, environment)
        self.replay = Replay(self.turn, is_rehearsal=is_rehearsal)
        # Whether its thread did not come back in time.
        self.is_stuck = False
        # Whether it was not begun, for want of time, and another batch has to run it.
        self.is_postponed = False
        # How long it has kept a thread so far, in seconds.
        self.thread_seconds = 0.0
        self._abandoned: TurnResult | None = None
        self._loop = ForbiddenLoop()
        self._variables = contextvars.Context()
        self._unawaited: list[str] = []
        self._variables.run(IN_JOURNEY.set, True)
        self._variables.run(UNAWAITED.set, self._unawaited)
        context = Context(inputs.trigger, inputs.enrollment.id)
        contact = self.turn.enrolled_contact()
        self._coroutine: Any = self._variables.run(function, contact, context)

    @property
    def pending(self) -> Call | None:
        """The call whose read or effect has to be carried out before the turn can continue."""
        return self.replay.pending

    @property
    def effect(self) -> Effect | None:
        """The effect of the pending call, if it has one."""
        pending = self.replay.pending
        return pending.build_effect() if pending is not None else None

    @property
    def is_over(self) -> bool:
        """Whether the turn has ended."""
        return self.turn.is_over

    @property
    def result(self) -> TurnResult:
        """What the turn has come to so far; a failure once its thread was given up."""
        return self._abandoned or self.turn.result

    # -- running ------------------------------------------------------------------------------

    def advance(self, value: Any = None) -> None:
        """Run on until a call needs input (`pending` is set) or the turn `is_over`.

        Args:
            value: what the pending call's read or effect came to, see `Replay.complete`.
        """
        try:
            answer = self._complete(value) if self.pending is not None else None
            if not isinstance(answer, Suspension):
                self._run(answer)
            if self.is_over:
                self._close()
        except StopIteration:
            self.turn.leave("completed")
        except TurnInterrupted:
            raise
        except BaseException as error:
            self._fail_with(error)

    def _complete(self, value: Any) -> Any:
        try:
            return self.replay.complete(value)
        except Exception as error:
            self._throw(error)
            raise

    def _run(self, answer: Any) -> None:
        while not isinstance(answer, Suspension):
            if isinstance(answer, Failure):
                call = self._step(self._coroutine.throw, answer.error)
            else:
                call = self._step(self._coroutine.send, answer)
            try:
                answer = self.replay.answer(call)
            except Exception as error:
                self._throw(error)
                raise

    def _throw(self, error: Exception) -> None:
        """Raise an error at the author's call, so that the traceback names the line.

        The turn fails, even if the author's code catches the error.
        """
        self._loop.fault = error
        self._step(self._coroutine.throw, error)

    def _step(self, resume: Callable[[Any], Any], value: Any) -> Call:
        """Run the author's code to its next `ctx` call, under a loop that refuses everything."""
        self._loop.enter()
        try:
            call = self._variables.run(resume, value)
        except StopIteration:
            self._raise_fault()
            raise
        finally:
            self._loop.leave()
        self._raise_fault()
        if not isinstance(call, Call):
            raise JourneyCodeError(
                "A journey awaited something that is not a ctx call.",
                "Only await ctx calls in a journey.",
            )
        return call

    def _raise_fault(self) -> None:
        """Fail the turn for an error that the author's code caught, or did not notice."""
        if self._unawaited and self._loop.fault is None:
            call = self._unawaited[0]
            self._loop.fault = JourneyCodeError(
                f"{call}(…) was called and never awaited, so it had no effect.",
                f"Write `await {call}(…)`.",
            )
        if self._loop.fault is not None:
            raise self._loop.fault

    def _fail_with(self, error: BaseException) -> None:
        # Lines are cut, so that a message of megabytes does not push out where it was raised.
        lines = [line[:1000] for line in traceback.format_exception(error)]
        with contextlib.suppress(Exception):
            self._close()
        self.fail("".join(_without_own_frames(lines)))

    def fail(self, error: str) -> None:
        """End the turn as failed; nothing that it did is kept.

        Args:
            error: the traceback or the reason.
        """
        self.turn.result = build_failed_result(self.inputs.enrollment.look_back, error)
        self.turn.is_over, self.replay.pending = True, None

    def abandon(self, error: str) -> None:
        """Fail a turn whose thread is stuck in it and may still come back.

        Args:
            error: the reason.
        """
        self.is_stuck = True
        self._abandoned = build_failed_result(self.inputs.enrollment.look_back, error)

    def discard(self) -> None:
        """Release a turn that has not begun."""
        self._coroutine.close()

    def _close(self) -> None:
        """Close the coroutine: a pause that no `except Exception` of the author's can catch."""
        for _ in range(_MAX_CLOSINGS):
            self._loop.enter()
            try:
                self._variables.run(self._coroutine.close)
                break
            except RuntimeError as error:
                # A `finally` block awaited something, or a bare `except:` caught the closing.
                # Nothing after the pause counts, so the coroutine is closed again where it is now.
                if "ignored GeneratorExit" not in str(error):
                    raise
                self._note_unclosed()
            finally:
                self._loop.leave()
        # A call that is released at a pause may be awaited by a later turn.
        self._unawaited.clear()
        self._raise_fault()

    def _note_unclosed(self) -> None:
        """Record in the journal that the code ran on when it was to pause."""
        pauses = [step for step in self.turn.result.steps if step.waiting]
        if pauses and pauses[-1].detail is not None:
            pauses[-1].detail["unclosed"] = True


def _without_own_frames(lines: list[str]) -> list[str]:
    """Leave out the frames of this file, which mean nothing to authors."""
    return [line for line in lines if "/turns/execution.py" not in line or "Error" in line]
