"""What acts by itself in a test: the engine with its runner, and the mailer; no retention."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from uuid import UUID

from ..clock import Clock
from ..delivery.mailer import Mailer
from ..delivery.providers.port import Provider
from ..engines.embedded import EmbeddedEngine
from ..engines.port import Done, Wake
from ..ingest import BatchResult, Ingest
from ..services.content import Content
from ..store.change_feed import ChangeFeed
from ..store.db import Database
from ..turns.runner import TurnRunner
from ..turns.turn_inputs import JourneyCode

_PATIENCE = 5.0
# What nobody tells of is seen after this long, in seconds.
_SOON = 0.01


class KitWorker:
    """Plays journeys and delivers mail.

    Args:
        database: the database.
        clock: what tells the time.
        ingest: the door; it tells of everything that was committed.
        provider: takes the mails.
        content: the author's journeys and mails.
        twice: whether every turn is played a second time.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ingest: Ingest,
        provider: Provider,
        content: Content,
        *,
        twice: bool,
    ) -> None:
        code = JourneyCode(content.registry, content.template_lists)
        self._runner = TurnRunner(database, clock, ingest, code, twice=twice)
        self._engine = EmbeddedEngine(database, clock, self._play)
        self._mailer = Mailer(
            database=database,
            clock=clock,
            ingest=ingest,
            provider=provider,
            changes=ChangeFeed(),
            renderer=content.renderer,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._news = asyncio.Event()
        ingest.on_commit = self._committed

    @property
    def idle(self) -> bool:
        """Whether no turn and no mail is under way."""
        return self._engine.idle and self._mailer.idle

    def look(self) -> None:
        """Look at every row anew: the clock has been moved."""
        self._engine.look()
        self._mailer.look()

    async def hear(self) -> None:
        """Return when something has been done since the last time, or soon in any case."""
        try:
            async with asyncio.timeout(_SOON):
                await self._news.wait()
        except TimeoutError:
            pass
        self._news.clear()

    async def start(self) -> None:
        """Begin."""
        await self._mailer.recover()
        self._tasks = [asyncio.create_task(one.work()) for one in (self._engine, self._mailer)]

    async def stop(self) -> None:
        """End, and return when nothing is under way any more."""
        await asyncio.gather(
            self._runner.close(), self._engine.close(), self._mailer.close(_PATIENCE)
        )
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _play(self, ids: Sequence[UUID], done: Done) -> Collection[UUID]:
        def told(ids: Collection[UUID]) -> None:
            done(ids)
            self._news.set()

        return await self._runner.run(ids, told)

    async def _committed(self, taking: BatchResult) -> None:
        self._news.set()
        await self._engine.schedule([Wake(one, at) for one, at in taking.wakes.items()])
        if taking.ended:
            await self._engine.cancel(taking.ended)
        self._mailer.look()
