"""Lets mails leave only while somebody asks for it, where something else says when work is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# It is open for so long at most, in seconds.
LONGEST = 60.0


class Gate:
    """Is open from when somebody drains the ledger until nothing is due."""

    def __init__(self) -> None:
        self._open = False
        self._closed = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether mails may begin."""
        return self._open

    def close(self) -> None:
        """Nothing is due any more."""
        self._closed.set()

    async def drain(self, tell: Callable[[], None]) -> None:
        """Open it, and return when nothing is due, or after a while; at once if it is open.

        Args:
            tell: lets the mailer look.
        """
        if self._open:
            tell()
            return
        self._open = True
        self._closed.clear()
        tell()
        try:
            async with asyncio.timeout(LONGEST):
                await self._closed.wait()
        except TimeoutError:
            # Whoever asks comes again.
            return
        finally:
            self._open = False
