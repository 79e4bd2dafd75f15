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
# The longest sleep; after it the engine notices that the clock was set back or the machine slept.
MAX_SLEEP = timedelta(seconds=30)
_ERROR_RETRY_DELAY = 1.0
# The interval between batches while events arrive faster than they are written, in seconds.
INGEST_LOAD_PAUSE = 0.05
# How long until a row that another worker holds is read again, in seconds.
HELD_ELSEWHERE_PAUSE = 0.2


class EmbeddedEngine:
    """Runs due turns in this process.

    Args:
        database: the database with the enrollments.
        clock: the source of the present instant.
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
        # Rows that another worker holds, each with the event loop's time for the next attempt.
        self._held_elsewhere: dict[UUID, float] = {}
        self._next_batch_at = 0.0
        self._poller = Poller(log, "due turns could not be read; trying again")
        self._closing = False
        self._batches: set[asyncio.Task[None]] = set()
        self._slow_batches: set[asyncio.Task[None]] = set()
        self._in_progress: dict[UUID, DueEnrollment] = {}
        self._just_committed: set[UUID] = set()
        self._next_wake_at: datetime | None = None

    @property
    def outage(self) -> Outage | None:
        """Always None, because this engine needs only the database."""
        return None

    @property
    def is_idle(self) -> bool:
        return not self._batches and not self._slow_batches and not self._in_progress

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
        if self._batches:
            await asyncio.wait(set(self._batches))

    async def close(self) -> None:
        self._closing = True
        self._poller.close()
        # A turn that blocks its thread has committed nothing, and runs again after the next start.
        for batch in self._slow_batches:
            batch.cancel()
        if self._batches or self._slow_batches:
            await asyncio.wait(self._batches | self._slow_batches)

    async def _start_due_batches(self) -> float:
        """Start batches until the limit is reached; return how long to wait, in seconds."""
        while len(self._batches) < MAX_BATCHES and not self._closing:
            wait = self._compute_ingest_pause()
            if wait > 0:
                return wait
            # A wake that is scheduled while the rows are read must cause another poll.
            self._next_wake_at = None
            self._just_committed.clear()
            now = self._clock.now()
            rows = await self._due_turns.fetch_due(now, self._in_progress)
            # Not the time after the query: rows that became due during the query are picked next
            # time, in the right order.
            due, next_wake_at = self._pick(rows, now)
            # The engine may have been closed while the rows were read.
            if not due or self._closing:
                wait = self._set_next_wake(next_wake_at)
                return min(wait, HELD_ELSEWHERE_PAUSE) if self._held_elsewhere else wait
            leased = await self._acquire(due)
            if self._closing:
                return 0.0
            if leased:
                self._start_batch(leased)
        return MAX_SLEEP.total_seconds()

    async def _acquire(self, due: Sequence[DueEnrollment]) -> Sequence[DueEnrollment]:
        """Lease the due rows; return the rows that no other worker holds."""
        if self._leases is None:
            return due
        leased = await self._leases.acquire(due, self._clock.now())
        retry_at = asyncio.get_running_loop().time() + HELD_ELSEWHERE_PAUSE
        self._held_elsewhere.update({row.id: retry_at for row in due if row.id not in leased})
        return [row for row in due if row.id in leased]

    def _compute_ingest_pause(self) -> float:
        """Return how long turns wait for ingest, which has waiting callers, in seconds.

        In the meantime more enrollments become due, and one large batch is faster than many.
        """
        now = asyncio.get_running_loop().time()
        if self._is_ingest_busy() and now < self._next_batch_at:
            return self._next_batch_at - now
        self._next_batch_at = now + INGEST_LOAD_PAUSE
        return 0.0

    def _pick(
        self, rows: Sequence[Sequence[DueEnrollment]], now: datetime
    ) -> tuple[list[DueEnrollment], datetime | None]:
        """Pick due rows in a round robin over the journeys.

        Leaves out the rows of contacts with a running turn, and the rows whose turn was committed
        while the rows were read, because these may no longer be due.

        Returns:
            At most one row for each contact, and the earliest later wake time among the rows.
        """
        loop_time = asyncio.get_running_loop().time()
        self._held_elsewhere = {
            row_id: retry_at
            for row_id, retry_at in self._held_elsewhere.items()
            if retry_at > loop_time
        }
        excluded = {*self._just_committed, *self._in_progress, *self._held_elsewhere}
        contacts = {due.contact_id for due in self._in_progress.values()}
        picked: list[DueEnrollment] = []
        later_wake_times: list[datetime] = []
        for row in interleave(rows):
            if row.wake_at > now:
                later_wake_times.append(row.wake_at)
            elif not (row.id in excluded or row.contact_id in contacts):
                contacts.add(row.contact_id)
                picked.append(row)
                if len(picked) == BATCH_SIZE:
                    break
        return picked, min(later_wake_times, default=None)

    def _set_next_wake(self, wake_at: datetime | None) -> float:
        """Store the next wake time; return the seconds until then, at most `MAX_SLEEP`."""
        self._next_wake_at = wake_at
        wait = min(wake_at - self._clock.now(), MAX_SLEEP) if wake_at else MAX_SLEEP
        return max(wait.total_seconds(), 0.0)

    def _start_batch(self, rows: Sequence[DueEnrollment]) -> None:
        for row in rows:
            self._in_progress[row.id] = row
        batch = asyncio.create_task(self._run_batch([row.id for row in rows]))
        self._batches.add(batch)
        batch.add_done_callback(self._finish_batch)
        asyncio.get_running_loop().call_later(SLOW_AFTER, self._mark_slow, batch)

    def _mark_slow(self, batch: asyncio.Task[None]) -> None:
        """Let another batch start beside a batch that takes too long."""
        if batch not in self._batches or len(self._slow_batches) >= MAX_SLOW_BATCHES:
            return
        self._batches.discard(batch)
        self._slow_batches.add(batch)
        self._poller.notify()
        if self._closing:
            batch.cancel()

    def _finish_batch(self, batch: asyncio.Task[None]) -> None:
        self._batches.discard(batch)
        self._slow_batches.discard(batch)
        # Another batch may start.
        self._poller.notify()

    async def _run_batch(self, ids: Sequence[UUID]) -> None:
        running = set(ids)

        def on_committed(ids: Collection[UUID]) -> None:
            """Let the next turns of these contacts run."""
            committed = running.intersection(ids)
            running.difference_update(committed)
            self._just_committed.update(committed)
            for enrollment_id in committed:
                self._due_turns.release(self._in_progress.pop(enrollment_id))
            self._poller.notify()

        still_running: Collection[UUID] = ()
        try:
            still_running = await self._run_turns(ids, on_committed)
        except Exception:
            log.exception("a batch of %d turns failed and will run again", len(ids))
            await asyncio.sleep(_ERROR_RETRY_DELAY)
        finally:
            on_committed(set(ids).difference(still_running))
