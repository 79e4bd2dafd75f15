"""Polls the rows and tells Hatchet to start, wake and cancel runs accordingly.

Several workers may poll one database: each claims a row before it sends a request for the row.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from ...errors import HatchetUnavailable
from ...store import hatchet_runs, hatchet_wakes
from ...store.db import Database
from ...store.hatchet_runs import RunStart
from ..poller import Poller
from .client import Client
from .engine_context import EngineContext

log = logging.getLogger("hogsend.hatchet")

# Enrollments of one poll.
LIMIT = 500
# How often the outbox polls without a notification, and during an outage, in seconds.
POLL_INTERVAL, OUTAGE_PAUSE = 2.0, 2.0
# A cron task that is requested all the time is started this often, in seconds.
TASK_PAUSE = 0.5
# The first poll for ended enrollments reaches back this far, and each later poll this far behind
# the poll before, so that no ended enrollment is missed.
_FIRST_POLL, _OVERLAP = timedelta(days=6), 2 * hatchet_runs.SELF_END_LIMIT


class Outbox:
    """Starts, wakes and cancels runs in Hatchet as the rows require.

    Args:
        context: the rows, and the connection to Hatchet.
    """

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._database = context.database
        self._clock = context.clock
        self._connectivity = context.connectivity
        message = "the rows for Hatchet could not be read; trying again"
        self._pushes, self._cancels = Poller(log, message), Poller(log, message)
        self._requested_tasks: set[str] = set()
        self._task_started_at: dict[str, float] = {}
        self._ended_since = context.clock.now() - _FIRST_POLL
        self._replaced_runs: set[str] = set()

    def poll(self) -> None:
        """Read the rows again soon."""
        self._pushes.notify()
        self._cancels.notify()

    def close(self) -> None:
        """Send nothing more."""
        self._pushes.close()
        self._cancels.close()

    def start_task(self, name: str) -> None:
        """Let Hatchet run a cron task soon."""
        self._requested_tasks.add(name)
        self._pushes.notify()

    async def run(self) -> None:
        """Send until closed. Cancels go separately, as they use Hatchet's API."""
        await asyncio.gather(self._pushes.run(self._push), self._cancels.run(self._send_cancels))

    async def _push(self) -> float:
        """Start tasks, start runs and wake runs; return the seconds until the next poll."""
        client = self._context.client
        if client is None:
            return OUTAGE_PAUSE
        try:
            pause = await self._start_requested_tasks(client)
            has_more = await self._start_runs(client)
            has_more = await self._wake_runs(client) or has_more
        except HatchetUnavailable as error:
            self._connectivity.record_failure("push", error)
            return OUTAGE_PAUSE
        self._connectivity.record_answer("push")
        if has_more:
            self._pushes.notify()
        return min(POLL_INTERVAL, pause)

    async def _start_requested_tasks(self, client: Client) -> float:
        """Start requested cron tasks, each at intervals; return the seconds until the next may."""
        pause = POLL_INTERVAL
        for name in sorted(self._requested_tasks):
            now = asyncio.get_running_loop().time()
            wait = self._task_started_at.get(name, 0.0) + TASK_PAUSE - now
            if wait > 0:
                pause = min(pause, wait)
                continue
            if name in client.tasks:
                # A request that arrives during the call is for the next start.
                self._requested_tasks.discard(name)
                self._task_started_at[name] = now
                try:
                    await client.start_task(name)
                except HatchetUnavailable:
                    self._requested_tasks.add(name)
                    raise
        return pause

    async def _start_runs(self, client: Client) -> bool:
        """Start runs for due enrollments that have none; return whether there may be more."""
        now = self._clock.now()
        journey_ids = self._context.list_registered_journeys(client)
        unstarted = await self._database.read_one(
            hatchet_runs.find_unstarted(journey_ids, client.namespace, now, LIMIT)
        )
        if not unstarted:
            return False
        async with self._database.transaction() as tx:
            claimed = await tx.fetch_one(
                hatchet_runs.claim_starts(
                    [start.enrollment_id for start in unstarted], client.namespace, now
                )
            )
        starts = [start for start in unstarted if start.enrollment_id in claimed]
        # No worker of this namespace could run these.
        self._replaced_runs |= {start.old_run_id for start in starts if start.old_run_id}
        try:
            await start_runs(self._database, client, starts)
        except BaseException:
            # Runs that did start ask for their turn, and are recorded then.
            async with self._database.transaction() as tx:
                await tx.apply([hatchet_runs.unclaim_starts(list(claimed))])
            raise
        return len(unstarted) == LIMIT

    async def _wake_runs(self, client: Client) -> bool:
        """Wake sleeping runs whose turn is due; return whether there may be more."""
        now = self._clock.now()
        journey_ids = self._context.list_registered_journeys(client)
        sleeping = await self._database.read_one(
            hatchet_wakes.find_to_wake(journey_ids, client.namespace, now, LIMIT)
        )
        if not sleeping:
            return False
        async with self._database.transaction() as tx:
            claimed = await tx.fetch_one(hatchet_wakes.claim_wakes(sleeping, now))
        try:
            await client.wake(list(claimed.items()))
        except BaseException:
            async with self._database.transaction() as tx:
                await tx.apply([hatchet_wakes.unclaim_wakes(list(claimed))])
            raise
        return len(sleeping) == LIMIT

    async def _send_cancels(self) -> float:
        """Cancel runs of ended enrollments; return the seconds until the next poll."""
        client = self._context.client
        if client is None:
            return OUTAGE_PAUSE
        try:
            await self._cancel_ended(client)
        except HatchetUnavailable as error:
            self._connectivity.record_failure("api", error)
            return OUTAGE_PAUSE
        return POLL_INTERVAL

    async def _cancel_ended(self, client: Client) -> None:
        """Cancel the runs of enrollments that ended otherwise than by their own turn."""
        now = self._clock.now()
        if self._replaced_runs:
            replaced = frozenset(self._replaced_runs)
            await client.cancel(replaced)
            async with self._database.transaction() as tx:
                await tx.apply([hatchet_runs.delete_waits(sorted(replaced))])
            self._replaced_runs -= replaced
        ended_since = hatchet_runs.find_ended(self._ended_since, now, LIMIT)
        while ended := await self._database.read_one(ended_since):
            await client.cancel({run for run in ended.values() if run})
            await self._forget(ended)
        self._ended_since = now - _OVERLAP

    async def _forget(self, runs: Mapping[UUID, str]) -> None:
        async with self._database.transaction() as tx:
            await tx.apply(hatchet_runs.delete(list(runs.items())))


async def start_runs(database: Database, client: Client, starts: Sequence[RunStart]) -> None:
    """Start runs, grouped by journey, and record the ids of the runs.

    Raises:
        HatchetUnavailable: Hatchet did not confirm the start of some runs.
    """
    by_journey: dict[str, list[RunStart]] = {}
    for start in starts:
        by_journey.setdefault(start.journey_id, []).append(start)
    for journey_id, group in by_journey.items():
        runs = await client.start(journey_id, group)
        run_ids = [(start.enrollment_id, run) for start, run in zip(group, runs, strict=True)]
        async with database.transaction() as tx:
            await tx.apply([hatchet_runs.record_run_ids(run_ids)])
