"""Repeats a poll: when its next work is due, and on every notification."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

# The delay before the next poll after a failed poll, in seconds.
ERROR_RETRY_DELAY = 1.0


class Poller:
    """Repeats a poll when its next work is due, and on every notification.

    Args:
        log: the logger for failed polls.
        failure_message: the log message for a failed poll.
    """

    def __init__(self, log: logging.Logger, failure_message: str) -> None:
        self._log = log
        self._failure_message = failure_message
        self._notified = asyncio.Event()
        self._closed = False

    def notify(self) -> None:
        """Poll now; or again, if a poll is running."""
        self._notified.set()

    def close(self) -> None:
        """End `run`, after the running poll if there is one."""
        self._closed = True
        self._notified.set()

    async def run(self, poll: Callable[[], Awaitable[float]]) -> None:
        """Poll until closed.

        Args:
            poll: does the work that is due, and returns how many seconds the next poll can wait.
                A notification during the poll causes another poll immediately.
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
