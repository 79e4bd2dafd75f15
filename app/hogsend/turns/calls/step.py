"""`ctx.step`: run an author's function outside of the journey."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from ...domain.enrollment import Wait
from ...domain.journal import Step, decode, encode
from ...errors import StepFailed
from ..argument_checks import ArgumentCheck, check_count, check_function, check_span, check_text
from ..step_attempts import StepAttempt, compute_retry_delay
from ..turn_state import TurnState
from .call import Call, Failure, Suspension
from .description import Description, RecordedCall, Wording, format_answer, read_object
from .effect import Effect
from .registry import register

if TYPE_CHECKING:
    from ...domain.graph import GraphStep
    from ..static_analysis.call_site import CallSite


@register
@dataclass(frozen=True, slots=True)
class RunStep(Call):
    """Run a function of the author's; the label is the step's key.

    Args:
        run: the function; it gets the step's id.
        retries: how often a failed attempt is repeated.
        timeout: how long one attempt may take.
        passed: returns the answer for contacts who are past this step; None when they drift.
    """

    kind: ClassVar[str] = "step"
    paths: ClassVar[tuple[tuple[str, ...], ...]] = (("step",),)
    argument_checks: ClassVar[Mapping[str, ArgumentCheck]] = {
        "key": check_text,
        "fn": check_function,
        "retries": check_count,
        "timeout": check_span,
    }

    run: Callable[..., Any]
    retries: int
    timeout: timedelta
    passed: Callable[[], Any] | None

    def build_effect(self) -> Effect:
        return Effect(self.run, self.retries, self.timeout)

    def replay(self, answer: Any) -> Any:
        if "failed" in answer:
            return Failure(StepFailed(answer["failed"]))
        return decode(answer["value"])

    def start(self, turn: TurnState, key: str) -> Any:
        pending = turn.inputs.pending_steps.get(key)
        if pending is None or not pending.over:
            return Suspension.NEEDS_INPUT
        # An earlier turn ran the effect, and was not committed.
        attempt = StepAttempt(pending.answer, pending.error, final=True, attempt=pending.attempts)
        return self.complete(turn, key, attempt)

    def skip(self, turn: TurnState, key: str) -> Any:
        if self.passed is None:
            turn.drift(f"the new step {self.label!r} lies behind and has no passed=")
            return Suspension.TURN_OVER
        return self.record_skipped(turn, key, {"value": encode(self.passed())})

    def complete(self, turn: TurnState, key: str, value: StepAttempt) -> Any:
        if value.error is not None and not value.final and value.attempt <= self.retries:
            until = turn.now + compute_retry_delay(value.attempt)
            detail = value.to_detail(until.isoformat())
            step = Step(key, self.kind, self.label, None, detail, waiting=True)
            turn.pause(step, Wait(key, until))
            return Suspension.TURN_OVER
        turn.result.done_steps.append(key)
        return self.record(turn, key, value.to_answer(), {"attempt": value.attempt})

    @classmethod
    def describe_record(cls, record: RecordedCall, wording: Wording) -> Iterator[Description]:
        step = record.step
        if step.waiting:
            attempt = f"attempt {(step.detail or {}).get('attempt', 1)}"
            error = _last_line((step.detail or {}).get("error"))
            yield Description(f"{step.label} failed", "no", "retrying", "odd", (attempt, error))
        elif "failed" in read_object(step.answer):
            error = _last_line(step.answer["failed"])
            yield Description(f"{step.label} failed", "bad", notes=(error, "not tried again"))
        else:
            yield Description(f"Ran {step.label}", "act", format_answer(step.answer, wording))

    @classmethod
    def build_graph_step(cls, site: CallSite) -> GraphStep:
        step = site.build_step(
            cls.kind, site.format_argument(0, "key"), site.evaluate_text(0, "key")
        )
        return replace(step, ends_turn=True)

    @classmethod
    def list_evaluated_arguments(cls, site: CallSite) -> list[ast.expr]:
        # The function runs outside of the journey.
        return list(site.call.args[:1])


def _last_line(error: object) -> str:
    return str(error or "").strip().rpartition("\n")[2]


def accept_step_id(function: Callable[..., Any]) -> Callable[[UUID], Any]:
    """Return the author's function, wrapped when it does not accept the step's id."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return lambda step_id: function()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [p for p in parameters if p.kind in positional and p.default is p.empty]
    return function if required else lambda step_id: function()
