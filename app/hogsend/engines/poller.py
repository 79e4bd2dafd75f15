"""Runs a poll again and again: when its next work is due, and whenever it is notified."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

# The delay before the next poll after one that failed, in seconds.
ERROR_RETRY_DELAY = 1.0


class Poller:
    """Runs a poll whenever it is due or notified.

    Args:
        log: the logger for polls that fail.
        failure_message: what it logs then.
    """

    def __init__(self, log: logging.Logger, failure_message: str) -> None:
        self._log = log
        self._failure_message = failure_message
        self._notified = asyncio.Event()
        self._closed = False

    def notify(self) -> None:
        """Poll now, or again after the poll that is running."""
        self._notified.set()

    def close(self) -> None:
        """End `run` after the poll that is running."""
        self._closed = True
        self._notified.set()

    async def run(self, poll: Callable[[], Awaitable[float]]) -> None:
        """Poll until closed.

        Args:
            poll: does the work that is due, and returns how many seconds the next poll can wait.
                A notification that arrives meanwhile causes another poll at once.
        """
        while not self._closed:
            self._notified.clear()
            try:
                seconds = await poll()
            except Exception:
                self._log.exception(self._failure_message)
                seconds = ERROR_RETRY_DELAY
            if self._closed:
                return
            try:
                async with asyncio.timeout(seconds):
                    await self._notified.wait()
            except TimeoutError:
                continue
