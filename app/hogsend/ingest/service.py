"""Ingests events: callers submit events one by one, and ingest writes them in batches."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from ..clock import Clock
from ..domain.incoming import IncomingEvent, IngestResult
from ..errors import CorruptRow
from ..store.batcher import Batcher
from ..store.change_feed import ChangeFeed
from ..store.corrupt_row_failures import fail_enrollment
from ..store.counters import Tally
from ..store.db import Database, Transaction, Write
from .batch_passes import ingest_batch
from .batch_result import BatchResult
from .rules import IngestRules

log = logging.getLogger("hogsend.ingest")

# Returns further rows to write with an event, such as its entry in the audit log, from its result.
RelatedWrites = Callable[[IngestResult], Sequence[Write]]


@dataclass(frozen=True, slots=True)
class _EventWithRows:
    """An event, and the rows that commit with it."""

    event: IncomingEvent
    related_writes: RelatedWrites


class Ingest:
    """Ingests events of the product, of recipients, of journeys and of operators.

    Args:
        database: the database that the events are written to.
        clock: the source of the current time.
        rules: the journeys, lists and switches that decide; may be replaced at any time.
        changes: notifies open dashboards.
        on_commit: awaited with the result of each committed batch.
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
            self._write, max_size=500, lock=partial(database.write_lock, client_waits=True)
        )
        self._batcher_with_rows: Batcher[_EventWithRows, IngestResult] = Batcher(
            self._write_with_rows, lock=partial(database.write_lock, client_waits=True)
        )
        self._on_commit = on_commit
        self.rules = rules

    @property
    def is_under_load(self) -> bool:
        """Whether events arrive faster than they are written."""
        return self._batcher.is_under_load

    async def submit(self, incoming: IncomingEvent) -> IngestResult:
        """Ingest an event; return once the event and its effects are committed.

        Raises:
            NotFound: the event has a `contact_id` that no contact has.
            StoreUnavailable: the database accepts no writes at present.
        """
        return await self._batcher.submit(incoming)

    async def submit_all(
        self, incoming: Sequence[IncomingEvent | Exception]
    ) -> Sequence[IngestResult | Exception]:
        """Ingest events in their order; return once they and their effects are committed.

        Args:
            incoming: the events; an error stands for an event that was refused before.

        Returns:
            For each event its result, or the error that `submit` would raise; for an error itself.
        """
        events = [event for event in incoming if isinstance(event, IncomingEvent)]
        results = iter(await self._batcher.submit_all(events))
        return [next(results) if isinstance(item, IncomingEvent) else item for item in incoming]

    async def submit_with_rows(
        self, incoming: IncomingEvent, related_writes: RelatedWrites
    ) -> IngestResult:
        """Ingest an event, and write further rows in the transaction that stores it.

        Apart from `submit`, whose batches are larger and need not look for such rows.

        Args:
            incoming: the event.
            related_writes: is called with the event's result, before the transaction commits.

        Raises:
            NotFound: the event has a `contact_id` that no contact has; no row is written.
            StoreUnavailable: the database accepts no writes at present.
        """
        return await self._batcher_with_rows.submit(_EventWithRows(incoming, related_writes))

    async def submit_within(
        self, tx: Transaction, incoming: Sequence[IncomingEvent], tally: Tally, now: datetime
    ) -> BatchResult:
        """Ingest events inside the caller's transaction, such as the commit of a turn.

        The caller passes the result to `publish_result` after the commit.
        """
        return await ingest_batch(tx, incoming, self.rules, tally, now)

    async def publish_result(self, result: BatchResult) -> None:
        """Notify dashboards and the engine of the changes of a committed transaction.

        Never raises: the events are stored, and the engine finds the due rows by polling.
        """
        self._changes.publish(*result.topics)
        try:
            if self._on_commit is not None:
                await self._on_commit(result)
        except Exception:
            log.exception(
                "the engine could not be notified of a commit; it finds the due rows later"
            )

    async def _write_with_rows(
        self, items: Sequence[_EventWithRows]
    ) -> Sequence[IngestResult | Exception]:
        return await self._write(
            [item.event for item in items], [item.related_writes for item in items]
        )

    async def _write(
        self, incoming: Sequence[IncomingEvent], related_writes: Sequence[RelatedWrites] = ()
    ) -> Sequence[IngestResult | Exception]:
        while True:
            try:
                return await self._write_once(incoming, related_writes)
            except CorruptRow as error:
                # The enrollment with the corrupt row fails; its contact's events are ingested.
                enrollment_id = UUID(error.row) if error.table == "enrollments" else None
                now = self._clock.now()
                if enrollment_id is None or not await fail_enrollment(
                    self._database, enrollment_id, error, now
                ):
                    raise

    async def _write_once(
        self, incoming: Sequence[IncomingEvent], related_writes: Sequence[RelatedWrites]
    ) -> Sequence[IngestResult | Exception]:
        now = self._clock.now()
        tally = Tally(now)
        async with self._database.transaction() as tx:
            result = await ingest_batch(tx, incoming, self.rules, tally, now)
            writes = [tally.to_write()]
            for build_writes, event_result in zip(related_writes, result.results, strict=False):
                if isinstance(event_result, IngestResult):
                    writes += build_writes(event_result)
            await tx.apply(writes)
        await self.publish_result(result)
        return result.results
