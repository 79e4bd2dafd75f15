"""Moves a test's clock from one due instant to the next, and waits until each is done with."""

from __future__ import annotations

import asyncio
from datetime import datetime

from ..store import engagement, lag, snapshot
from .environment import KitEnvironment

# Nothing in a test waits for real time to pass; what takes longer than this never ends.
PATIENCE = 30.0


class TimeDriver:
    """The time of a test.

    Args:
        environment: what it passes for.
    """

    def __init__(self, environment: KitEnvironment) -> None:
        self._environment = environment
        self._failures = 0

    @property
    def now(self) -> datetime:
        """The instant that the clock shows."""
        return self._environment.clock.now()

    async def move(self, target: datetime, *, through_failures: bool = False) -> None:
        """Step from one due instant to the next, until the target.

        Args:
            target: until when.
            through_failures: whether to go on after a turn that failed; else the clock stands
                at the instant of the first.

        Raises:
            AssertionError: what is due at an instant never ends.
        """
        await self.settle()
        failed_before = self._failures
        while (due := await self._next_due()) is not None and due <= target:
            await self._stand_at(due)
            if self._failures > failed_before and not through_failures:
                return
        await self._stand_at(target)

    async def _stand_at(self, instant: datetime) -> None:
        self._environment.clock.set(instant)
        await self._environment.tracker.judge_due()
        self._environment.worker.poll()
        await self.settle()

    async def settle(self) -> None:
        """Return when nothing is due any more at this instant.

        Raises:
            AssertionError: that never comes.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                while await self._busy():
                    await self._environment.activity.wait()
        except TimeoutError:
            raise AssertionError(
                f"The journeys are still at work after {PATIENCE:.0f} seconds: does one block, "
                "or go round without a wait?"
            ) from None

    async def _busy(self) -> bool:
        due = await self._next_due()
        return not self._environment.worker.is_idle or (due is not None and due <= self.now)

    async def _next_due(self) -> datetime | None:
        """Return when the next wake, mail or judgement of a click is due."""
        wake, send, held, self._failures = await self._environment.database.read(
            lag.next_wake(), lag.next_send(), engagement.held(1), snapshot.failures()
        )
        judged = held[0].hit.held_until if held else None
        return min((at for at in (wake, send, judged) if at is not None), default=None)
