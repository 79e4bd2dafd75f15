"""Moves a test's clock from one due instant to the next, and waits until the work is done."""

from __future__ import annotations

import asyncio
from datetime import datetime

from ..store import engagement, lag, snapshot
from .environment import KitEnvironment

# Work that takes longer than this, in real seconds, counts as endless.
MAX_WORK_SECONDS = 30.0


class TimeDriver:
    """Moves the clock of a test.

    Args:
        environment: the environment whose clock it is.
    """

    def __init__(self, environment: KitEnvironment) -> None:
        self._environment = environment
        self._failures = 0

    @property
    def now(self) -> datetime:
        """The instant that the clock shows."""
        return self._environment.clock.now()

    async def move(self, target: datetime, *, through_failures: bool = False) -> None:
        """Move the clock from one due instant to the next, until the target.

        Args:
            target: the instant to reach.
            through_failures: whether to continue after a failed turn; otherwise the clock stops at
                the instant of the first failure.

        Raises:
            AssertionError: the work that is due at an instant does not end.
        """
        await self.wait_until_idle()
        failed_before = self._failures
        while (due := await self._next_due()) is not None and due <= target:
            await self._set_clock(due)
            if self._failures > failed_before and not through_failures:
                return
        await self._set_clock(target)

    async def _set_clock(self, instant: datetime) -> None:
        self._environment.clock.set(instant)
        await self._environment.tracker.judge_due()
        self._environment.worker.poll()
        await self.wait_until_idle()

    async def wait_until_idle(self) -> None:
        """Return when all work that is due at this instant is done.

        Raises:
            AssertionError: the work does not end.
        """
        try:
            async with asyncio.timeout(MAX_WORK_SECONDS):
                while await self._is_busy():
                    await self._environment.activity.wait()
        except TimeoutError:
            raise AssertionError(
                f"The journeys are still at work after {MAX_WORK_SECONDS:.0f} seconds. "
                "Look for code that blocks, or for a loop without a wait."
            ) from None

    async def _is_busy(self) -> bool:
        due = await self._next_due()
        return not self._environment.worker.is_idle or (due is not None and due <= self.now)

    async def _next_due(self) -> datetime | None:
        """Return when the next turn, email or verdict about a click is due."""
        wake_at, send_at, held, self._failures = await self._environment.database.read(
            lag.find_next_wake(),
            lag.find_next_send(),
            engagement.find_held(1),
            snapshot.count_failed_turns(),
        )
        verdict_at = held[0].click.held_until if held else None
        return min((at for at in (wake_at, send_at, verdict_at) if at is not None), default=None)
