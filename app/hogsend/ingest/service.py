"""The door itself: facts go in one by one and are written in sets."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from ..clock import Clock
from ..domain.incoming import IncomingEvent, IngestResult
from ..errors import CorruptRow
from ..store.batcher import Batcher
from ..store.change_feed import ChangeFeed
from ..store.corrupt_rows import fail_enrollment
from ..store.counters import Tally
from ..store.db import Database, Transaction
from .batch import BatchResult, take
from .rules import IngestRules

log = logging.getLogger("hogsend.ingest")


class Ingest:
    """Takes facts: events of the product, of recipients, of journeys and of operators.

    Args:
        database: where everything is stored.
        clock: what tells the time.
        rules: what decides; may be replaced at any time.
        changes: where dashboards hear of it.
        on_commit: awaited with the result of every batch that was committed.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        rules: IngestRules,
        changes: ChangeFeed,
        on_commit: Callable[[BatchResult], Awaitable[None]] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes
        self._batcher: Batcher[IncomingEvent, IngestResult] = Batcher(
            self._write, most=500, turn=partial(database.turn, first=True)
        )
        self._on_commit = on_commit
        self.rules = rules

    @property
    def is_pressed(self) -> bool:
        """Whether facts arrive faster than they are written."""
        return self._batcher.is_pressed

    async def submit(self, incoming: IncomingEvent) -> IngestResult:
        """Take one fact; return when it and all it caused are durable.

        Raises:
            NotFound: its `contact_id` is not known.
        """
        return await self._batcher.submit(incoming)

    async def submit_within(
        self, tx: Transaction, items: Sequence[IncomingEvent], tally: Tally, now: datetime
    ) -> BatchResult:
        """Take facts inside somebody else's transaction, such as the end of a turn."""
        return await take(tx, items, self.rules, tally, now)

    async def publish_result(self, taking: BatchResult) -> None:
        """Tell engine and dashboards what a transaction that took facts has changed.

        Never raises: the facts are stored, and whoever is told looks at the rows anyway.
        """
        self._changes.publish(*taking.topics)
        try:
            if self._on_commit is not None:
                await self._on_commit(taking)
        except Exception:
            log.exception("the engine could not be told of what was stored")

    async def _write(self, items: Sequence[IncomingEvent]) -> Sequence[IngestResult | Exception]:
        while True:
            try:
                return await self._write_once(items)
            except CorruptRow as error:
                # An enrollment that cannot be read fails; its contact's facts are taken.
                own = UUID(error.row) if error.table == "enrollments" else None
                now = self._clock.now()
                if own is None or not await fail_enrollment(self._database, own, error, now):
                    raise

    async def _write_once(
        self, items: Sequence[IncomingEvent]
    ) -> Sequence[IngestResult | Exception]:
        now = self._clock.now()
        tally = Tally(now)
        async with self._database.transaction() as tx:
            taking = await take(tx, items, self.rules, tally, now)
            await tx.apply([tally.write()])
        await self.publish_result(taking)
        return taking.answers
