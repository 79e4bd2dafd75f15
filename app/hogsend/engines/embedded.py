"""The engine without a server: reads due rows and runs them in batches, in this process.

Nothing is kept in memory for enrollments that wait. The engine reads the rows that wake next, some
of each journey, so that none waits for the backlog of another; it sleeps until the first is due, or
until it is notified of a new one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from ..clock import Clock
from ..domain.round_robin import in_turns
from ..store.db import Database
from ..store.enrollments import DueEnrollment
from ..store.workers import Outage
from .due_rows import BATCH_SIZE, DueRows
from .poller import Poller
from .port import DueTurns, Leases, RunTurns, Wake

log = logging.getLogger("hogsend.engine")

# Batches at once: while one waits for the disk, another uses the processor.
BATCHES = 2
# A batch that takes longer, in seconds, has a journey that blocks its thread: other batches start
# beside it. At most `MAX_SLOW_BATCHES` do, so that a slow disk is not given ever more work.
SLOW_AFTER = 1.0
MAX_SLOW_BATCHES = 8
# A clock that was set back or a laptop that slept is noticed after this long.
MAX_SLEEP = timedelta(seconds=30)
_ERROR_RETRY_DELAY = 1.0
# While events arrive faster than they are written, a batch starts this often, in seconds.
BUSY_PAUSE = 0.05
# A row that another worker holds is read again after this long, in seconds.
HELD_ELSEWHERE_PAUSE = 0.2


class EmbeddedEngine:
    """Runs due turns in this process.

    Args:
        database: where the wake times are.
        clock: the source of the present instant.
        run_turns: runs one turn of each given enrollment.
        is_ingest_busy: returns whether events arrive faster than they are written.
        leases: keeps several workers from running the same turn; None where there is one worker.
        due_turns: finds the due rows; by default those of every journey.
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
        # Rows that another worker holds, each with when they are read again.
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
        """None: this engine needs nothing but the database."""
        return None

    @property
    def is_idle(self) -> bool:
        return not self._batches and not self._slow_batches and not self._in_progress

    async def schedule(self, wakes: Sequence[Wake]) -> None:
        known = self._next_wake_at
        if known is None or any(wake.at < known for wake in wakes):
            self._poller.notify()

    async def cancel(self, enrollments: Sequence[UUID]) -> None:
        """Do nothing: nothing is kept in memory for enrollments that wait."""

    def notify_mail(self) -> None:
        """Do nothing: the mailer polls by itself."""

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
        # A turn that blocks its thread has committed nothing: it runs again after the start.
        for batch in self._slow_batches:
            batch.cancel()
        if self._batches or self._slow_batches:
            await asyncio.wait(self._batches | self._slow_batches)

    async def _start_due_batches(self) -> float:
        """Start as many batches as there is room for; return how long to wait, in seconds."""
        while len(self._batches) < BATCHES and not self._closing:
            wait = self._pause_for_ingest()
            if wait > 0:
                return wait
            # A wake that is scheduled while the rows are read must cause another poll.
            self._next_wake_at = None
            self._just_committed.clear()
            now = self._clock.now()
            rows = await self._due_turns.fetch_due(now, self._in_progress)
            # `now` stays: rows that became due during the query are picked in order next time.
            due, next_wake_at = self._pick(rows, now)
            # The engine may have been closed while the rows were read.
            if not due or self._closing:
                wait = self._seconds_until(next_wake_at)
                return min(wait, HELD_ELSEWHERE_PAUSE) if self._held_elsewhere else wait
            leased = await self._acquire(due)
            if self._closing:
                return 0.0
            if leased:
                self._start_batch(leased)
        return MAX_SLEEP.total_seconds()

    async def _acquire(self, due: Sequence[DueEnrollment]) -> Sequence[DueEnrollment]:
        """Return those of the due rows that no other worker holds."""
        if self._leases is None:
            return due
        leased = await self._leases.acquire(due, self._clock.now())
        retry_at = asyncio.get_running_loop().time() + HELD_ELSEWHERE_PAUSE
        self._held_elsewhere.update({row.id: retry_at for row in due if row.id not in leased})
        return [row for row in due if row.id in leased]

    def _pause_for_ingest(self) -> float:
        """Return how long to wait so that ingest, whose callers wait, goes first, in seconds.

        Meanwhile more enrollments become due, and one large batch takes less time than many.
        """
        now = asyncio.get_running_loop().time()
        if self._is_ingest_busy() and now < self._next_batch_at:
            return self._next_batch_at - now
        self._next_batch_at = now + BUSY_PAUSE
        return 0.0

    def _pick(
        self, rows: Sequence[Sequence[DueEnrollment]], now: datetime
    ) -> tuple[list[DueEnrollment], datetime | None]:
        """Pick due rows in a round robin over the journeys, without contacts that have a turn now.

        Rows whose turn was committed while the rows were read may not be due any more.

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
        later: list[datetime] = []
        for row in in_turns(rows):
            if row.wake_at > now:
                later.append(row.wake_at)
            elif not (row.id in excluded or row.contact_id in contacts):
                contacts.add(row.contact_id)
                picked.append(row)
                if len(picked) == BATCH_SIZE:
                    break
        return picked, min(later, default=None)

    def _seconds_until(self, wake_at: datetime | None) -> float:
        """Remember the next wake time; return the seconds until it, at most the longest sleep."""
        self._next_wake_at = wake_at
        wait = min(wake_at - self._clock.now(), MAX_SLEEP) if wake_at else MAX_SLEEP
        return max(wait.total_seconds(), 0.0)

    def _start_batch(self, rows: Sequence[DueEnrollment]) -> None:
        for row in rows:
            self._in_progress[row.id] = row
        batch = asyncio.create_task(self._run_batch([row.id for row in rows]))
        self._batches.add(batch)
        batch.add_done_callback(self._on_batch_done)
        asyncio.get_running_loop().call_later(SLOW_AFTER, self._mark_slow, batch)

    def _mark_slow(self, batch: asyncio.Task[None]) -> None:
        """Make room for another batch beside one that takes too long."""
        if batch not in self._batches or len(self._slow_batches) >= MAX_SLOW_BATCHES:
            return
        self._batches.discard(batch)
        self._slow_batches.add(batch)
        self._poller.notify()
        if self._closing:
            batch.cancel()

    def _on_batch_done(self, batch: asyncio.Task[None]) -> None:
        self._batches.discard(batch)
        self._slow_batches.discard(batch)
        # Only now is there room for another batch.
        self._poller.notify()

    async def _run_batch(self, ids: Sequence[UUID]) -> None:
        running = set(ids)

        def on_committed(ids: Collection[UUID]) -> None:
            """Let the contacts of committed turns have their next one."""
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
            on_committed([one for one in ids if one not in still_running])
