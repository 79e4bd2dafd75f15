"""Plays turns a second time from their journals: what then differs, the journal did not decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest

from ..domain.enrollment import Enrollment
from .commit import Played, after_turn
from .driver import Driver
from .execution import TurnExecution
from .turn_inputs import rehearsal_of

REMEDY = (
    "Take time and chance from ctx.now(), ctx.random() and ctx.uuid(), put other reads into "
    "ctx.step, and sort what has no order."
)


async def compare(driver: Driver, over: Sequence[TurnExecution], now: datetime) -> None:
    """Fail those turns that ask for something else when they are played from their journals.

    Args:
        driver: runs authors' code.
        over: turns that are over and not committed.
        now: the present instant.
    """
    pairs = [
        (play, rehearsal_of(play, play.answers.world, _as_left(play, now)))
        for play in over
        if play.final.outcome in ("waiting", "completed", "exited")
    ]
    kept = await driver.advance([(again, None) for _, again in pairs], all_of_them=True)
    for end in kept.values():
        await end
    for play, again in pairs:
        difference = _difference(play, again)
        if difference:
            play.fail(difference)


def _as_left(play: TurnExecution, now: datetime) -> Enrollment:
    facts = play.facts
    one = Played(play.journey, facts.enrollment, facts.contact.event_seq, play.final)
    return after_turn(one, facts.enrollment, None, now)


def _difference(play: TurnExecution, again: TurnExecution) -> str | None:
    """Say where two playings of a turn part; None when they are alike."""
    first = list(zip(play.answers.asked, play.answers.told, strict=True))
    second = list(zip(again.answers.asked, again.answers.told, strict=True))
    for n, (one, other) in enumerate(zip_longest(first, second), start=1):
        if one != other:
            return (
                f"The turn was played twice from the same journal and differed at call {n}: first "
                f"it asked for {_words(one)}, then for {_words(other)}. {REMEDY}"
            )
    if again.final.outcome == "failed" and again.final.error:
        return f"The turn failed when it was played a second time:\n{again.final.error}"
    return None


def _words(call: tuple[str, str] | None) -> str:
    if call is None:
        return "nothing more"
    key, told = call
    return f"{key} ({told})" if told else key
