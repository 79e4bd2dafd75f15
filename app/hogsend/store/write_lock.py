"""Whose turn it is to write, on a database that has one writer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

# How often those who go first may do so while others wait.
_MOST_FIRST = 2


class WriteLock:
    """Lets one task write at a time, in the order of asking, but those first whom somebody awaits.

    A task that has its turn may ask again within it.
    """

    def __init__(self) -> None:
        self._is_taken = False
        self._holder: asyncio.Task[Any] | None = None
        self._first: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._in_a_row = 0

    @asynccontextmanager
    async def turn(self, *, first: bool = False) -> AsyncGenerator[None]:
        """Wait for a turn, and have it.

        Args:
            first: whether to come before others, though only twice in a row while they wait.
        """
        me = asyncio.current_task()
        if self._holder is me:
            yield
            return
        await self._wait(self._first if first else self._others)
        self._in_a_row = self._in_a_row + 1 if first else 0
        self._holder = me
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, queue: deque[asyncio.Future[None]]) -> None:
        if not self._is_taken:
            self._is_taken = True
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine in queue:
                queue.remove(mine)
            elif not mine.cancelled():
                # It was given the turn in the same moment.
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give the turn to the next who waits for it."""
        self._holder = None
        while self._first or self._others:
            go_first = self._first and (self._in_a_row < _MOST_FIRST or not self._others)
            following = (self._first if go_first else self._others).popleft()
            if not following.done():
                following.set_result(None)
                return
        self._is_taken = False
