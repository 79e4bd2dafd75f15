"""Runs turns a second time from their journals, and fails turns that make other calls then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest

from ..domain.enrollment import Enrollment
from .commit import FinishedTurn, apply_turn
from .driver import Driver
from .execution import TurnExecution
from .turn_inputs import build_dry_run

REMEDY = (
    "Take time and chance from ctx.now(), ctx.random() and ctx.uuid(), put other reads into "
    "ctx.step, and sort what has no order."
)


async def check_determinism(
    driver: Driver, finished: Sequence[TurnExecution], now: datetime
) -> None:
    """Fail the turns that make other calls when they run again from their journals.

    Args:
        driver: runs authors' code.
        finished: turns that are over and not committed.
        now: the current time.
    """
    pairs = [
        (execution, build_dry_run(execution, _enrollment_after(execution, now)))
        for execution in finished
        if execution.result.outcome in ("waiting", "completed", "exited")
    ]
    slow = await driver.advance([(second, None) for _, second in pairs], begins_all=True)
    for task in slow.values():
        await task
    for first, second in pairs:
        difference = _find_difference(first, second)
        if difference:
            first.fail(difference)


def _enrollment_after(execution: TurnExecution, now: datetime) -> Enrollment:
    inputs = execution.inputs
    turn = FinishedTurn(
        execution.journey,
        inputs.enrollment,
        inputs.contact.revision,
        inputs.contact.event_seq,
        execution.result,
    )
    return apply_turn(turn, inputs.enrollment, None, now)


def _find_difference(first: TurnExecution, second: TurnExecution) -> str | None:
    """Return how two executions of a turn differ; None when they make the same calls."""
    pairs = zip_longest(_list_calls(first), _list_calls(second))
    for number, (call, repeated) in enumerate(pairs, start=1):
        if call != repeated:
            return (
                f"The turn ran twice from the same journal and differed at call {number}: the "
                f"first run called {_describe(call)}, the second {_describe(repeated)}. {REMEDY}"
            )
    if second.result.outcome == "failed" and second.result.error:
        return f"The turn failed when it ran a second time:\n{second.result.error}"
    return None


def _list_calls(execution: TurnExecution) -> list[tuple[str, str]]:
    replay = execution.replay
    return list(zip(replay.keys, replay.arguments, strict=True))


def _describe(call: tuple[str, str] | None) -> str:
    if call is None:
        return "nothing more"
    key, arguments = call
    return f"{key} ({arguments})" if arguments else key
