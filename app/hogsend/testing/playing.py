"""`play`: opens a world for journeys, and adds its timeline to the error of a failing test."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from ..turns.decorator import JourneyFunction
from .determinism_guard import DeterminismGuard
from .environment import Mails, open_environment
from .world import World

# A Tuesday, far from every change to or from daylight saving time.
START = datetime(2026, 3, 3, 9, tzinfo=UTC)
# Whether this context has a world open: its database connections belong to the task that opened it.
_OPEN: ContextVar[bool] = ContextVar("world_is_open", default=False)


@asynccontextmanager
async def play(
    journey: JourneyFunction,
    *more: JourneyFunction,
    mails: Mails = None,
    start: datetime = START,
    twice: bool = True,
) -> AsyncGenerator[World]:
    """Open a world in which the real engine runs journeys, in memory.

        async with play(activation_welcome) as world:
            ada = await world.contact("ada@example.com")
            await world.emit(ada, "user.created")
            assert world.mailbox.templates(ada) == ["activation-welcome"]

    A test that fails inside prints the history of every person. It also fails when a journey
    raises, when a mail cannot be rendered, and when a turn cannot be replayed.

    Args:
        journey: a function with the decorator `@journey`.
        more: journeys that run beside it.
        mails: templates by their keys, for journeys that have no folder with mails: the text of
            each, with or without front matter. Or the path of a folder of journeys with `emails/`;
            by default the folder of a journey's file.
        start: the instant that the clock shows at first, with a time zone; by default a Tuesday at
            nine, UTC.
        twice: whether every turn runs a second time from its journal and must make the same calls.
            This finds errors that production would meet only weeks later, when a wait ends.

    Raises:
        JourneyCodeError: a function is not a journey, or cannot be used.
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
