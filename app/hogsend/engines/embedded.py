"""The embedded engine: reads due rows and runs their turns in batches, in this process.

Waiting enrollments take no memory. The engine reads the rows that wake next, some of each journey,
so that no journey waits for the backlog of another one. Then it sleeps until the next row is due or
a notification arrives.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from ..clock import Clock
from ..domain.round_robin import interleave
from ..store.db import Database
from ..store.enrollments import DueEnrollment
from ..store.workers import Outage
from .due_rows import BATCH_SIZE, DueRows
from .poller import Poller
from .port import DueTurns, Leases, RunTurns, Wake

log = logging.getLogger("hogsend.engine")

# How many batches run at once: while one waits for the disk, the other uses the processor.
MAX_BATCHES = 2
# A batch that runs for longer, in seconds, probably has a journey that blocks its thread. Such a
# slow batch no longer counts towards `MAX_BATCHES`. The limit of slow batches keeps a slow disk
# from getting more and more work.
SLOW_AFTER = 1.0
MAX_SLOW_BATCHES = 8
# The longest sleep; after it the engine notices that the clock was changed or the machine slept.
MAX_SLEEP = timedelta(seconds=30)
_ERROR_RETRY_DELAY = 1.0
# The interval between batches while events arrive faster than they are written, in seconds.
INGEST_LOAD_PAUSE = 0.05
# How long until this worker tries again to lease a row that another worker holds, in seconds.
HELD_ELSEWHERE_PAUSE = 0.2


class EmbeddedEngine:
    """Runs due turns in this process.

    Args:
        database: the database with the enrollments.
        clock: the source of the current time.
        run_turns: runs one turn of each given enrollment.
        is_ingest_busy: returns whether events arrive faster than they are written.
        leases: keeps several workers from running the same turn; None if there is only one worker.
        due_turns: finds the due rows; by default the rows of all journeys.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        run_turns: RunTurns,
        is_ingest_busy: Callable[[], bool] = lambda: False,
        *,
        leases: Leases | None = None,
        due_turns: DueTurns | None = None,
    ) -> None:
        self._clock = clock
        self._run_turns = run_turns
        self._is_ingest_busy = is_ingest_busy
        self._leases = leases
        self._due_turns = due_turns or DueRows(database, holder=leases.holder if leases else None)
        # Rows that another worker holds, each with the loop time of the next attempt.
        self._retry_times_of_held: dict[UUID, float] = {}
        # The loop time from which turns need no longer wait for ingest.
        self._next_batch_loop_time = 0.0
        self._poller = Poller(log, "due turns could not be read; trying again")
        self._closing = False
        # The batches that count towards `MAX_BATCHES`; slow batches do not.
        self._counted_batches: set[asyncio.Task[None]] = set()
        self._slow_batches: set[asyncio.Task[None]] = set()
        self._in_progress: dict[UUID, DueEnrollment] = {}
        # Enrollments that were released since the last query for due rows began.
        self._released_during_fetch: set[UUID] = set()
        self._next_wake_at: datetime | None = None

    @property
    def outage(self) -> Outage | None:
        """Always None, because this engine needs only the database."""
        return None

    @property
    def is_idle(self) -> bool:
        return not self._counted_batches and not self._slow_batches and not self._in_progress

    async def schedule(self, wakes: Sequence[Wake]) -> None:
        next_wake_at = self._next_wake_at
        if next_wake_at is None or any(wake.at < next_wake_at for wake in wakes):
            self._poller.notify()

    async def cancel(self, enrollments: Sequence[UUID]) -> None:
        """Do nothing, because waiting enrollments are not kept in memory."""

    def notify_mail(self) -> None:
        """Do nothing, because the mailer polls by itself."""

    def use_code(self, journey_ids: Collection[str]) -> None:
        self._poller.notify()

    def poll(self) -> None:
        self._poller.notify()

    async def run(self) -> None:
        await self._poller.run(self._start_due_batches)
        if self._counted_batches:
            await asyncio.wait(set(self._counted_batches))

    async def close(self) -> None:
        self._closing = True
        self._poller.close()
        # A turn that blocks its thread has committed nothing, and runs again after the next start.
        for batch in self._slow_batches:
            batch.cancel()
        if self._counted_batches or self._slow_batches:
            await asyncio.wait(self._counted_batches | self._slow_batches)

    async def _start_due_batches(self) -> float:
        """Start batches until the limit is reached; return how long to wait, in seconds."""
        while len(self._counted_batches) < MAX_BATCHES and not self._closing:
            ingest_pause = self._reserve_batch_start()
            if ingest_pause > 0:
                return ingest_pause
            # A wake that is scheduled while the rows are read must cause another poll.
            self._next_wake_at = None
            self._released_during_fetch.clear()
            now = self._clock.now()
            rows = await self._due_turns.fetch_due(now, self._in_progress)
            # Not the time after the query: rows that became due during the query are picked next
            # time, in the right order.
            due_rows, next_wake_at = self._pick(rows, now)
            # The engine may have been closed while the rows were read.
            if not due_rows or self._closing:
                self._next_wake_at = next_wake_at
                wait = self._compute_sleep(next_wake_at)
                return min(wait, HELD_ELSEWHERE_PAUSE) if self._retry_times_of_held else wait
            leased_rows = await self._acquire(due_rows)
            if self._closing:
                return 0.0
            if leased_rows:
                self._start_batch(leased_rows)
        return MAX_SLEEP.total_seconds()

    async def _acquire(self, due_rows: Sequence[DueEnrollment]) -> Sequence[DueEnrollment]:
        """Lease the due rows; return the rows that no other worker holds."""
        if self._leases is None:
            return due_rows
        leased_ids = await self._leases.acquire(due_rows, self._clock.now())
        retry_loop_time = asyncio.get_running_loop().time() + HELD_ELSEWHERE_PAUSE
        self._retry_times_of_held.update(
            {row.id: retry_loop_time for row in due_rows if row.id not in leased_ids}
        )
        return [row for row in due_rows if row.id in leased_ids]

    def _reserve_batch_start(self) -> float:
        """Reserve the start of a batch, or return how long turns wait for ingest, in seconds.

        Turns wait because callers of ingest wait for an answer. In the meantime more enrollments
        become due, and one large batch is faster than many.

        Returns:
            0 if a batch may start now; the next one may then start after `INGEST_LOAD_PAUSE`.
        """
        loop_time = asyncio.get_running_loop().time()
        if self._is_ingest_busy() and loop_time < self._next_batch_loop_time:
            return self._next_batch_loop_time - loop_time
        self._next_batch_loop_time = loop_time + INGEST_LOAD_PAUSE
        return 0.0

    def _pick(
        self, rows: Sequence[Sequence[DueEnrollment]], now: datetime
    ) -> tuple[list[DueEnrollment], datetime | None]:
        """Pick due rows in a round robin over the journeys.

        Leaves out three kinds of rows: those of contacts with a running turn, those whose turn was
        released while the rows were read and may no longer be due, and those that another worker
        holds.

        Returns:
            At most one row for each contact, and the earliest later wake time among the rows.
        """
        loop_time = asyncio.get_running_loop().time()
        self._retry_times_of_held = {
            row_id: retry_loop_time
            for row_id, retry_loop_time in self._retry_times_of_held.items()
            if retry_loop_time > loop_time
        }
        excluded_ids = {
            *self._released_during_fetch,
            *self._in_progress,
            *self._retry_times_of_held,
        }
        contact_ids = {row.contact_id for row in self._in_progress.values()}
        picked: list[DueEnrollment] = []
        later_wake_times: list[datetime] = []
        for row in interleave(rows):
            if row.wake_at > now:
                later_wake_times.append(row.wake_at)
            elif not (row.id in excluded_ids or row.contact_id in contact_ids):
                contact_ids.add(row.contact_id)
                picked.append(row)
                if len(picked) == BATCH_SIZE:
                    break
        return picked, min(later_wake_times, default=None)

    def _compute_sleep(self, wake_at: datetime | None) -> float:
        """Return the seconds until a wake time, at most `MAX_SLEEP`."""
        wait = min(wake_at - self._clock.now(), MAX_SLEEP) if wake_at else MAX_SLEEP
        return max(wait.total_seconds(), 0.0)

    def _start_batch(self, rows: Sequence[DueEnrollment]) -> None:
        for row in rows:
            self._in_progress[row.id] = row
        batch = asyncio.create_task(self._run_batch([row.id for row in rows]))
        self._counted_batches.add(batch)
        batch.add_done_callback(self._forget_batch)
        asyncio.get_running_loop().call_later(SLOW_AFTER, self._mark_slow, batch)

    def _mark_slow(self, batch: asyncio.Task[None]) -> None:
        """Let another batch start beside a batch that takes too long; cancel it while closing.

        Does nothing when there are `MAX_SLOW_BATCHES` slow batches already.
        """
        if batch not in self._counted_batches or len(self._slow_batches) >= MAX_SLOW_BATCHES:
            return
        self._counted_batches.discard(batch)
        self._slow_batches.add(batch)
        self._poller.notify()
        if self._closing:
            batch.cancel()

    def _forget_batch(self, batch: asyncio.Task[None]) -> None:
        self._counted_batches.discard(batch)
        self._slow_batches.discard(batch)
        # Another batch may start.
        self._poller.notify()

    async def _run_batch(self, ids: Sequence[UUID]) -> None:
        unreleased_ids = set(ids)

        def release(enrollment_ids: Collection[UUID]) -> None:
            """Let the next turns of these contacts run, whether or not these turns committed."""
            released_ids = unreleased_ids.intersection(enrollment_ids)
            unreleased_ids.difference_update(released_ids)
            self._released_during_fetch.update(released_ids)
            for enrollment_id in released_ids:
                self._due_turns.release(self._in_progress.pop(enrollment_id))
            self._poller.notify()

        # Turns whose effects still run are released when they commit.
        still_running: Collection[UUID] = ()
        try:
            still_running = await self._run_turns(ids, release)
        except Exception:
            log.exception("a batch of %d turns failed and will run again", len(ids))
            await asyncio.sleep(_ERROR_RETRY_DELAY)
        finally:
            release(set(ids).difference(still_running))
