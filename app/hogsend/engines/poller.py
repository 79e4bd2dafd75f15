"""Looks at rows again and again: when the next is due, and when there is news."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

# How long to wait after a look that failed, in seconds.
AFTER_ERROR = 1.0


class Poller:
    """What lets somebody look before their time.

    Args:
        log: where a look that fails is told of.
        complaint: in which words.
    """

    def __init__(self, log: logging.Logger, complaint: str) -> None:
        self._log = log
        self._complaint = complaint
        self._came = asyncio.Event()
        self._ended = False

    def tell(self) -> None:
        """Let them look."""
        self._came.set()

    def end(self) -> None:
        """Let them look no more, when the look that is under way is over."""
        self._ended = True
        self._came.set()

    async def follow(self, look: Callable[[], Awaitable[float]]) -> None:
        """Look until the end.

        Args:
            look: does what is to be done, and returns how many seconds the next look can wait.
                News that comes meanwhile leads to another at once.
        """
        while not self._ended:
            self._came.clear()
            try:
                seconds = await look()
            except Exception:
                self._log.exception(self._complaint)
                seconds = AFTER_ERROR
            if self._ended:
                return
            try:
                async with asyncio.timeout(seconds):
                    await self._came.wait()
            except TimeoutError:
                continue
