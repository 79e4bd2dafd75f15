"""The drain gate: with an engine such as Hatchet, mails leave only while it drains the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# The maximum duration of a drain, in seconds.
MAX_DRAIN_SECONDS = 60.0


class DrainGate:
    """A gate that is open from the beginning of a drain until no mail is due."""

    def __init__(self) -> None:
        self._closing: asyncio.Event | None = None

    @property
    def is_open(self) -> bool:
        """Whether the delivery of mails may begin."""
        return self._closing is not None

    def close(self) -> None:
        """End the drain because no mail is due; the next drain opens the gate again."""
        if self._closing is not None:
            self._closing.set()
            self._closing = None

    async def drain(self, poll: Callable[[], None]) -> None:
        """Open the gate and wait until no mail is due, for at most `MAX_DRAIN_SECONDS`.

        Returns immediately if another drain has opened the gate.

        Args:
            poll: called to make the mailer read the ledger.
        """
        if self._closing is not None:
            poll()
            return
        closing = self._closing = asyncio.Event()
        poll()
        try:
            async with asyncio.timeout(MAX_DRAIN_SECONDS):
                await closing.wait()
        except TimeoutError:
            # Mails are still due, and the engine starts another drain.
            return
        finally:
            if self._closing is closing:
                self._closing = None
