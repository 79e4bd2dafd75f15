"""The lock of a database that has one writer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

# How many urgent tasks in a row may overtake others that wait.
_MAX_CONSECUTIVE = 2


class WriteLock:
    """Lets one task write at a time: urgent tasks first, others in the order of arrival.

    A task that holds the lock may acquire it again.
    """

    def __init__(self) -> None:
        self._is_taken = False
        self._holder: asyncio.Task[Any] | None = None
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._in_a_row = 0

    @asynccontextmanager
    async def acquire(self, *, is_urgent: bool = False) -> AsyncGenerator[None]:
        """Hold the lock within a `with` block.

        Args:
            is_urgent: whether the task overtakes tasks that are not urgent, though only twice in a
                row while such tasks wait.
        """
        task = asyncio.current_task()
        if self._holder is task:
            yield
            return
        await self._wait(self._urgent if is_urgent else self._others)
        self._in_a_row = self._in_a_row + 1 if is_urgent else 0
        self._holder = task
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, queue: deque[asyncio.Future[None]]) -> None:
        if not self._is_taken:
            self._is_taken = True
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter in queue:
                queue.remove(waiter)
            elif not waiter.cancelled():
                # The task got the lock just before it was cancelled.
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give the lock to the next task that waits for it."""
        self._holder = None
        while self._urgent or self._others:
            is_urgent = self._urgent and (self._in_a_row < _MAX_CONSECUTIVE or not self._others)
            waiter = (self._urgent if is_urgent else self._others).popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._is_taken = False
