"""Lets mails leave only while somebody asks for it, where something else says when work is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# It is open for so long at most, in seconds.
LONGEST = 60.0


class DrainGate:
    """Is open from when somebody drains the ledger until nothing is due."""

    def __init__(self) -> None:
        self._closing: asyncio.Event | None = None

    @property
    def is_open(self) -> bool:
        """Whether mails may begin."""
        return self._closing is not None

    def close(self) -> None:
        """Nothing is due any more: whoever asks from now on opens it again."""
        if self._closing is not None:
            self._closing.set()
            self._closing = None

    async def drain(self, tell: Callable[[], None]) -> None:
        """Open it, and return when nothing is due, or after a while; at once if it is open.

        Args:
            tell: lets the mailer look.
        """
        if self._closing is not None:
            tell()
            return
        mine = self._closing = asyncio.Event()
        tell()
        try:
            async with asyncio.timeout(LONGEST):
                await mine.wait()
        except TimeoutError:
            # Whoever asks comes again.
            return
        finally:
            if self._closing is mine:
                self._closing = None
