"""One turn of one enrollment: the journey's coroutine, driven from the top by its journal."""

from __future__ import annotations

import contextlib
import contextvars
import inspect
import traceback
from collections.abc import Callable
from typing import Any

from ..compat.unawaited_coroutines import UNAWAITED, watch_coroutines
from ..config.author_environment import mask_author_secrets
from ..domain.journey import Journey
from ..errors import JourneyCodeError
from .calls.call import IN_JOURNEY, Call, Failure, Suspension
from .calls.effect import Effect
from .context import Context
from .decorator import JourneyFunction
from .error_remedies import explain_error
from .forbidden_loop import ForbiddenLoop
from .history import History
from .replay import Replay
from .turn import TurnEnvironment, TurnInput, TurnInterrupted, TurnResult, build_failed_result
from .turn_state import TurnState

# How often a coroutine is closed that awaits in its `finally` blocks.
_MAX_CLOSINGS = 20
# How much of each part of a traceback is kept, in characters.
_MAX_PART_LENGTH = 1000

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
        function: the journey's code.
        inputs: the rows that the turn starts from.
        environment: the values that the turns of the batch share.
        is_dry_run: whether the turn has no effects, see `Replay`.
    """

    def __init__(
        self,
        journey: Journey,
        function: JourneyFunction,
        inputs: TurnInput,
        environment: TurnEnvironment,
        *,
        is_dry_run: bool = False,
    ) -> None:
        self.journey = journey
        self.function = function
        self.inputs = inputs
        self.turn = TurnState(journey, inputs, environment)
        self.replay = Replay(self.turn, is_dry_run=is_dry_run)
        # Whether the turn did not release its thread in time.
        self.is_stuck = False
        # Whether the batch ran out of time before the turn began; another batch runs the turn.
        self.is_postponed = False
        # How long the turn has occupied threads so far, in seconds.
        self.thread_seconds = 0.0
        self._abandoned: TurnResult | None = None
        self._loop = ForbiddenLoop()
        self._variables = contextvars.Context()
        self._unawaited: list[str] = []
        self._variables.run(IN_JOURNEY.set, True)
        self._variables.run(UNAWAITED.set, self._unawaited)
        context = Context(inputs.trigger, inputs.enrollment.id)
        contact = self.turn.resolve_enrolled_contact()
        self._coroutine: Any = self._variables.run(function, contact, context)

    @property
    def pending(self) -> Call | None:
        """The call whose read or effect must be done before the turn can continue."""
        return self.replay.pending

    @property
    def effect(self) -> Effect | None:
        """The effect of the pending call, if any."""
        pending = self.replay.pending
        return pending.build_effect() if pending is not None else None

    @property
    def is_over(self) -> bool:
        """Whether the turn has ended."""
        return self.turn.is_over

    @property
    def result(self) -> TurnResult:
        """The result so far; a failure when the turn was abandoned."""
        return self._abandoned or self.turn.result

    # -- running ------------------------------------------------------------------------------

    def advance(self, value: Any = None) -> None:
        """Run the author's code until a call needs input (`pending` is set) or the turn `is_over`.

        Args:
            value: the outcome of the pending call's read or effect, see `Replay.complete`.

        Raises:
            TurnInterrupted: the driver has interrupted the turn; all other errors fail the turn.
        """
        try:
            answer = self._complete(value) if self.pending is not None else None
            if not isinstance(answer, Suspension):
                self._run(answer)
            if self.is_over:
                self._close()
        except StopIteration:
            self.turn.end_journey("completed")
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
        """Raise an error at the author's call, so that the traceback has the line of the call.

        The turn fails even if the author's code catches the error.
        """
        self._loop.error = error
        self._step(self._coroutine.throw, error)

    def _step(self, resume: Callable[[Any], Any], value: Any) -> Call:
        """Run the author's code to its next `ctx` call, under the forbidden loop."""
        self._loop.enter()
        try:
            call = self._variables.run(resume, value)
        except StopIteration:
            self._raise_error()
            raise
        finally:
            self._loop.leave()
        self._raise_error()
        if not isinstance(call, Call):
            raise JourneyCodeError(
                "A journey awaited something that is not a ctx call.",
                "Only await ctx calls in a journey.",
            )
        return call

    def _raise_error(self) -> None:
        """Raise the error that the author's code has caught, or has not noticed, if any."""
        if self._unawaited and self._loop.error is None:
            call = self._unawaited[0]
            self._loop.error = JourneyCodeError(
                f"{call}(…) was called and never awaited, so it had no effect.",
                f"Write `await {call}(…)`.",
            )
        if self._loop.error is not None:
            raise self._loop.error

    def _fail_with(self, error: BaseException) -> None:
        if remedy := explain_error(error):
            error.add_note(remedy)
        # Parts are cut, so that a long message does not push out the location of the error. Secrets
        # are masked before, because what is left of them would not be recognised.
        parts = map(mask_author_secrets, traceback.format_exception(error))
        lines = [_shorten(part) for part in parts]
        with contextlib.suppress(Exception):
            self._close()
        self.fail("".join(_without_own_frames(lines)))

    def fail(self, error: str) -> None:
        """End the turn as failed, and discard its result.

        Args:
            error: the traceback or the reason.
        """
        followed = self.turn.result.followed
        self.turn.result = build_failed_result(self.inputs.enrollment.look_back, error)
        # The commit lets the turn run again when a property that it lacked has come meanwhile.
        self.turn.result.followed = followed
        self.turn.is_over, self.replay.pending = True, None

    def abandon(self, error: str) -> None:
        """Fail a turn that still occupies a thread, which may return later.

        Args:
            error: the reason.
        """
        self.is_stuck = True
        self._abandoned = build_failed_result(self.inputs.enrollment.look_back, error)

    def discard(self) -> None:
        """Close a turn that has not begun."""
        self._coroutine.close()

    def _close(self) -> None:
        """Close the coroutine, which ends the turn past every `except Exception` of the author."""
        for _ in range(_MAX_CLOSINGS):
            self._loop.enter()
            try:
                self._variables.run(self._coroutine.close)
                break
            except RuntimeError as error:
                # A `finally` block has awaited, or a bare `except:` has caught the `GeneratorExit`.
                # The turn ignores calls after the pause, so the coroutine is closed again there.
                if "ignored GeneratorExit" not in str(error):
                    raise
                self._note_unclosed()
            finally:
                self._loop.leave()
        # The next turn may await a call that this turn has created and not yet awaited.
        self._unawaited.clear()
        self._raise_error()

    def _note_unclosed(self) -> None:
        """Record in the journal that the code continued when the turn paused."""
        pauses = [step for step in self.turn.result.steps if step.waiting]
        if pauses and pauses[-1].detail is not None:
            pauses[-1].detail["unclosed"] = True


def _shorten(text: str) -> str:
    """Return the beginning and the end of a long text: the end of a step's traceback says why."""
    if len(text) <= _MAX_PART_LENGTH:
        return text
    half = _MAX_PART_LENGTH // 2
    return f"{text[:half]} … {text[-half:]}"


def _without_own_frames(lines: list[str]) -> list[str]:
    """Leave out the frames of this file, which mean nothing to authors."""
    return [line for line in lines if "/turns/execution.py" not in line or "Error" in line]
