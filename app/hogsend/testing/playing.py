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
# Whether a world is open in this context.
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

    A test that fails inside prints the history of every person. The test also fails when a journey
    raises an error, when an email cannot be rendered, and when a turn cannot be replayed.

    Args:
        journey: a function with the decorator `@journey`.
        more: further journeys that run in the same world.
        mails: the texts of templates, by key, with or without front matter; or the path of a folder
            of journeys with `emails/`. By default the folder of a journey's file.
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
            (journey, *more), mails, start, guard, checks_determinism=twice
        ) as environment:
            world = World(environment, guard, checks_determinism=twice)
            try:
                yield world
            except Exception as error:
                error.add_note(f"\n{world.timeline()}")
                raise
    finally:
        _OPEN.set(False)
