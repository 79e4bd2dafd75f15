"""`play`: opens a world for some journeys, and tells what happened in it when the test fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from ..turns.decorator import JourneyFunction
from .determinism_guard import DeterminismGuard
from .environment import Mails, open_environment
from .world import World

# A Tuesday, far from every change of clocks.
START = datetime(2026, 3, 3, 9, tzinfo=UTC)
# The database's connections belong to the task that opened them.
_OPEN: ContextVar[bool] = ContextVar("world_is_open", default=False)


@asynccontextmanager
async def play(
    journey: JourneyFunction,
    *more: JourneyFunction,
    mails: Mails = None,
    start: datetime = START,
    twice: bool = True,
) -> AsyncGenerator[World]:
    """Open a world in which journeys are played by the real engine, in memory.

        async with play(activation_welcome) as world:
            ada = await world.contact("ada@example.com")
            await world.emit(ada, "user.created")
            assert world.mailbox.templates(ada) == ["activation-welcome"]

    A test that fails inside prints what happened to everyone. It also fails when a journey raises,
    when a mail cannot be made, and when a turn cannot be repeated.

    Args:
        journey: a function that `@journey` has marked, as it is imported.
        more: others that are to run beside it.
        mails: templates by their keys, for journeys that have no folder with mails: the text of
            each, with or without front matter. Or the path of a folder of journeys with `emails/`.
            Unless given, that is the folder which a journey's file is in.
        start: what the clock shows at first, with a time zone; a Tuesday at nine unless given.
        twice: whether every turn is played a second time from its journal, and must ask for the
            same: what else would go wrong only weeks later, when somebody's wait is over.

    Raises:
        JourneyCodeError: a function is no journey, or cannot be used as it is.
        RuntimeError: another world is open.
    """
    if _OPEN.get():
        raise RuntimeError(
            "A world is open already. Play all journeys of a test in one: play(a, b)."
        )
    guard = DeterminismGuard()
    _OPEN.set(True)
    try:
        async with open_environment(
            (journey, *more), mails, start, guard, twice=twice
        ) as environment:
            world = World(environment, guard, twice=twice)
            try:
                yield world
            except Exception as error:
                error.add_note(f"\n{world.timeline()}")
                raise
    finally:
        _OPEN.set(False)
