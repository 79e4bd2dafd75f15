"""Says that this worker is at work, and takes over from those that are not any more.

On Postgres several workers share the turns and the mails. Each writes itself down and shows every
few seconds that it is still there; what a worker held that has not been seen for a while is freed,
and mails in the middle of their hand-over are settled. One file of SQLite has one worker, which a
lock on its folder keeps alone, and none of this.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from .. import __version__
from ..errors import StoreUnavailable
from ..store import workers
from ..store.db import Database
from ..store.workers import Outage, WorkerInfo

log = logging.getLogger("hogsend.workers")

# How often a worker shows itself, in seconds: well within the time after which it counts as gone.
SHOWN_EVERY = 3.0


class WorkerRegistry:
    """The workers on one database, and this one among them.

    Args:
        database: where they are written down.
        worker_id: what this worker names itself by.
        engine: which engine it plays with.
        now: when it begins.
    """

    def __init__(self, database: Database, worker_id: UUID, engine: str, now: datetime) -> None:
        self._database = database
        self._me = WorkerInfo(
            worker_id, socket.gethostname()[:200], os.getpid(), engine, __version__, {}, now, now
        )
        self._showing: asyncio.Task[None] | None = None
        # The journeys that other workers have code for, as of the last time.
        self.elsewhere: frozenset[str] = frozenset()
        # Set by whoever knows what the engine misses.
        self.away: Callable[[], Outage | None] = lambda: None
        # Set by whoever can settle what a worker that is gone has left in its hands.
        self.settle: Callable[[], Awaitable[None]] | None = None

    @property
    def id(self) -> UUID:
        """What this worker names itself by."""
        return self._me.id

    def knows(self, journeys: Mapping[str, str]) -> None:
        """Note which journeys there is code for, each with the code's hash."""
        self._me = replace(self._me, journeys=journeys)

    async def start(self) -> None:
        """Take over from those that are gone, and show this worker from now on."""
        await self._show()
        self._showing = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """Leave: what this worker holds is free for the others at once."""
        if self._showing is not None:
            self._showing.cancel()
            await asyncio.gather(self._showing, return_exceptions=True)
        with suppress(StoreUnavailable):
            async with self._database.transaction() as tx:
                await tx.one(workers.leave(self._me.id))
                await tx.apply(workers.free_what_is_left())

    async def is_first(self) -> bool:
        """Whether this worker does what only one has to do."""
        return await self._database.read_one(workers.first()) == self._me.id

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(SHOWN_EVERY)
            try:
                await self._show()
            except StoreUnavailable:
                continue
            except Exception:
                log.exception("this worker could not show that it is at work; trying again")

    async def _show(self) -> None:
        async with self._database.transaction() as tx:
            await tx.apply([workers.here(replace(self._me, away=self.away()))])
            gone = await tx.one(workers.forget_gone())
            await tx.apply(workers.free_what_is_left())
            others = [one for one in await tx.one(workers.at_work()) if one.id != self._me.id]
        self.elsewhere = frozenset(journey for one in others for journey in one.journeys)
        for one in gone:
            log.warning("worker %s is gone; what it had begun is taken over", one)
        if gone and self.settle is not None:
            await self.settle()
