"""One turn of one enrollment: the journey's coroutine, driven from the top by its journal."""

from __future__ import annotations

import contextlib
import contextvars
import traceback
from collections.abc import Callable
from typing import Any

from ..domain.journey import Journey
from ..errors import JourneyCodeError
from .context import Context
from .decorator import JourneyFunction
from .forbidden_loop import InertLoop
from .replay import Needs, Replay
from .requests import DRIVEN, Leave, Request
from .step_attempts import Raised
from .turn import TurnEnvironment, TurnInput, TurnInterrupted, TurnResult, failed
from .unawaited import FORGOTTEN

# How often a coroutine is closed that goes on awaiting things in its `finally` blocks.
_MOST_CLOSINGS = 20


class TurnExecution:
    """Drives one turn. `advance` runs the author's code until it needs something, or is over.

    Args:
        journey: what is played.
        function: its code.
        facts: what the turn starts from.
        world: what every turn of its set shares.
        rehearsal: whether nothing is to be done, see `Replay`.
    """

    def __init__(
        self,
        journey: Journey,
        function: JourneyFunction,
        facts: TurnInput,
        world: TurnEnvironment,
        *,
        rehearsal: bool = False,
    ) -> None:
        self.journey = journey
        self.function = function
        self.facts = facts
        self.answers = Replay(journey, facts, world, rehearsal=rehearsal)
        self.stuck = False
        # Whether it was not begun, for want of time, and is to be played by another set.
        self.left = False
        # The seconds that it has kept a thread so far.
        self.spent = 0.0
        self._abandoned: TurnResult | None = None
        self._inert = InertLoop()
        self._variables = contextvars.Context()
        self._forgotten: list[str] = []
        self._variables.run(DRIVEN.set, True)
        self._variables.run(FORGOTTEN.set, self._forgotten)
        context = Context(facts.trigger, facts.enrollment.id)
        self._coroutine: Any = self._variables.run(function, self.answers.user(), context)

    @property
    def need(self) -> Needs | None:
        """What must be read or run before the turn can go on."""
        return self.answers.need

    @property
    def over(self) -> bool:
        """Whether the turn has ended."""
        return self.answers.over

    @property
    def result(self) -> TurnResult:
        """What the turn has come to so far."""
        return self.answers.result

    @property
    def final(self) -> TurnResult:
        """What the turn came to; for one whose thread was given up, that it failed."""
        return self._abandoned or self.result

    # -- driving ------------------------------------------------------------------------------

    def advance(self, answer: Any = None) -> None:
        """Run on until something is needed (`need` is set) or the turn is over (`over` is set).

        Args:
            answer: what the last `need` came to, see `Replay.settle`.
        """
        try:
            ready = True
            if self.need is not None:
                ready, answer = self._settle(answer)
            if ready:
                self._run(answer)
            if self.over:
                self._close()
        except StopIteration:
            self.answers.leave("completed")
        except TurnInterrupted:
            raise
        except BaseException as error:
            self._failed(error)

    def _settle(self, answer: Any) -> tuple[bool, Any]:
        try:
            return self.answers.settle(answer)
        except Exception as fault:
            self._throw(fault)
            raise

    def _run(self, answer: Any) -> None:
        while True:
            if isinstance(answer, Raised):
                request = self._step(self._coroutine.throw, answer.error)
            else:
                request = self._step(self._coroutine.send, answer)
            if isinstance(request, Leave):
                self.answers.leave("exited", request.label)
                return
            try:
                ready, answer = self.answers.answer(request)
            except Exception as fault:
                self._throw(fault)
                raise
            if self.over or not ready:
                return

    def _throw(self, fault: Exception) -> None:
        """Raise a fault where the author's call stands, so that the traceback names the line.

        What the author does about it does not matter.
        """
        self._inert.fault = fault
        self._step(self._coroutine.throw, fault)

    def _step(self, drive: Callable[[Any], Any], value: Any) -> Request:
        """Let the author's code run to its next `ctx` call, under a loop that does nothing."""
        self._inert.enter()
        try:
            request = self._variables.run(drive, value)
        except StopIteration:
            self._raise_fault()
            raise
        finally:
            self._inert.leave()
        self._raise_fault()
        if not isinstance(request, Request):
            raise JourneyCodeError(
                "A journey awaited something that is not a ctx call.",
                "Only await ctx calls in a journey.",
            )
        return request

    def _raise_fault(self) -> None:
        """Fail the turn for what the author's code swallowed, or did not notice."""
        if self._forgotten and self._inert.fault is None:
            call = self._forgotten[0]
            self._inert.fault = JourneyCodeError(
                f"{call}(…) was called and never awaited, so that nothing came of it.",
                f"Write `await {call}(…)`.",
            )
        if self._inert.fault is not None:
            raise self._inert.fault

    def _failed(self, error: BaseException) -> None:
        # Each line is cut, so that a message of megabytes does not push out where it was raised.
        lines = [line[:1000] for line in traceback.format_exception(error)]
        with contextlib.suppress(Exception):
            self._close()
        self.fail("".join(_own_frames(lines)))

    def fail(self, error: str) -> None:
        """End the turn as failed; nothing it did is kept.

        Args:
            error: the traceback or the reason.
        """
        self.answers.result = failed(self.facts.enrollment.look_back, error)
        self.answers.need, self.answers.over = None, True

    def abandon(self, error: str) -> None:
        """Fail a turn whose thread is stuck in it and may still come back.

        Args:
            error: the reason.
        """
        self.stuck = True
        self._abandoned = failed(self.facts.enrollment.look_back, error)

    def _close(self) -> None:
        """Close the coroutine: a pause that no `except Exception` can swallow."""
        for _ in range(_MOST_CLOSINGS):
            self._inert.enter()
            try:
                self._variables.run(self._coroutine.close)
                break
            except RuntimeError as error:
                # A `finally` block awaited something, or a bare `except:` swallowed the closing:
                # nothing after the pause counts, and it is closed again where it stands now.
                if "ignored GeneratorExit" not in str(error):
                    raise
                self._note_unclosed()
            finally:
                self._inert.leave()
        # What is let go at a pause may be awaited by the turn after it.
        self._forgotten.clear()
        self._raise_fault()

    def drop(self) -> None:
        """Let go of a turn that has not begun."""
        self._coroutine.close()

    def _note_unclosed(self) -> None:
        """Let the journal say that the code went on when it was to pause."""
        pauses = [step for step in self.result.steps if step.waiting]
        if pauses and pauses[-1].detail is not None:
            pauses[-1].detail["unclosed"] = True


def _own_frames(lines: list[str]) -> list[str]:
    """Leave out the player's own frames, which tell an author nothing."""
    return [line for line in lines if "/turns/execution.py" not in line or "Error" in line]
