"""Lets mails leave only while an engine drains the ledger, for engines that wait for the work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# How long one drain keeps the gate open at most, in seconds.
LONGEST = 60.0


class DrainGate:
    """Is open from the beginning of a drain until no mail is due."""

    def __init__(self) -> None:
        self._closing: asyncio.Event | None = None

    @property
    def is_open(self) -> bool:
        """Whether mails may begin."""
        return self._closing is not None

    def close(self) -> None:
        """End the drain because no mail is due; the next drain opens the gate again."""
        if self._closing is not None:
            self._closing.set()
            self._closing = None

    async def drain(self, poll: Callable[[], None]) -> None:
        """Open the gate and wait until no mail is due, or for `LONGEST`.

        Returns at once if another drain has opened the gate.

        Args:
            poll: lets the mailer read the ledger.
        """
        if self._closing is not None:
            poll()
            return
        closing = self._closing = asyncio.Event()
        poll()
        try:
            async with asyncio.timeout(LONGEST):
                await closing.wait()
        except TimeoutError:
            # The engine drains again as long as mails are due.
            return
        finally:
            if self._closing is closing:
                self._closing = None
