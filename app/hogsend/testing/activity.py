"""Lets a test wait for the worker's next commit instead of sleeping."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from uuid import UUID

from ..engines.port import OnCommitted, RunTurns
from ..ingest import BatchResult
from ..process.event_bus import EventBus

# How soon, in seconds, work without a commit of events or turns is noticed, such as a sent email.
POLL_INTERVAL = 0.01


class Activity:
    """Notices commits of events and of turns.

    Args:
        bus: publishes the results of batches.
    """

    def __init__(self, bus: EventBus) -> None:
        self._noticed = asyncio.Event()
        bus.subscribe(BatchResult, self._on_committed)

    def watch(self, run_turns: RunTurns) -> RunTurns:
        """Return a function that runs turns, and notices their commits."""

        async def run_and_notice(
            ids: Sequence[UUID], on_committed: OnCommitted
        ) -> Collection[UUID]:
            def notice(ids: Collection[UUID]) -> None:
                on_committed(ids)
                self._noticed.set()

            return await run_turns(ids, notice)

        return run_and_notice

    async def wait(self) -> None:
        """Return after a commit since the last call, or after `POLL_INTERVAL`."""
        try:
            async with asyncio.timeout(POLL_INTERVAL):
                await self._noticed.wait()
        except TimeoutError:
            pass
        self._noticed.clear()

    async def _on_committed(self, result: BatchResult) -> None:
        self._noticed.set()
