"""Sends Hatchet what the rows ask for: starts, wakes and cancels runs, and restarts late ones.

Several workers may do so on one database: each claims a row before it sends anything for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from ...clock import Clock
from ...errors import HatchetApiUnavailable, HatchetUnavailable
from ...store import hatchet_runs
from ...store.db import Database
from ...store.hatchet_runs import RunStart
from ..poller import Poller
from .client import Client
from .connectivity import Connectivity

log = logging.getLogger("hogsend.hatchet")

# Enrollments of one poll.
_LIMIT = 500
# How often the outbox polls without a notification, and after Hatchet did not answer, in seconds.
POLL_EVERY, OUTAGE_PAUSE = 2.0, 2.0
SWEEP_EVERY, RECONCILE_EVERY = 60.0, 15.0
# A cron task that is requested all the time is started this often, in seconds.
TASK_PAUSE = 0.5
# A turn is late after this long when its journey makes no progress at all, and after this long when
# it does.
LATE, VERY_LATE = timedelta(minutes=1), timedelta(minutes=10)
# Each poll for ended enrollments reaches back this far behind the last, so that none is missed.
_OVERLAP = 2 * hatchet_runs.RETURNING
# Cancelled runs that began within the first are looked for every time, within the second now and
# then. Older ones are noticed when their turn is late, before the sweeper restarts it.
_RECENT, _LONG_AGO = timedelta(days=1), timedelta(days=6)
_RECENT_POLLS = 40


class Outbox:
    """Sends Hatchet what the rows ask for.

    Args:
        database: where the rows are.
        clock: the source of the present instant.
        client: returns the client, or None before the first connection.
        journey_ids: returns the journeys that this process has code for.
        exit_cancelled: exits an enrollment whose run was cancelled in Hatchet.
        pop_finished_counts: returns how many turns of each journey ended since the last call.
        connectivity: tracks whether Hatchet answers.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        client: Callable[[], Client | None],
        journey_ids: Callable[[], Collection[str]],
        exit_cancelled: Callable[[UUID], Awaitable[None]],
        pop_finished_counts: Callable[[], Counter[str]],
        connectivity: Connectivity,
    ) -> None:
        self._database = database
        self._clock = clock
        self._client = client
        self._journey_ids = journey_ids
        self._exit_cancelled = exit_cancelled
        self._pop_finished_counts = pop_finished_counts
        message = "the rows for Hatchet could not be read; trying again"
        self._pushes, self._cancels = Poller(log, message), Poller(log, message)
        self._requested_tasks: set[str] = set()
        self._task_started_at: dict[str, float] = {}
        self._ended_since = clock.now() - _LONG_AGO
        self._reconciliations = 0
        self._connectivity = connectivity

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
        client = self._client()
        if client is None:
            return OUTAGE_PAUSE
        try:
            pause = await self._start_requested_tasks(client)
            has_more = await self._start_runs(client)
            has_more = await self._wake_runs(client) or has_more
        except HatchetUnavailable as error:
            self._connectivity.failed("push", error)
            return OUTAGE_PAUSE
        self._connectivity.answered("push")
        if has_more:
            self._pushes.notify()
        return min(POLL_EVERY, pause)

    async def _start_requested_tasks(self, client: Client) -> float:
        """Start requested cron tasks, each at intervals; return the seconds until the next may."""
        pause = POLL_EVERY
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
                    await client.begin(name)
                except HatchetUnavailable:
                    self._requested_tasks.add(name)
                    raise
        return pause

    def _registered_journeys(self, client: Client) -> list[str]:
        return [journey_id for journey_id in self._journey_ids() if journey_id in client.tasks]

    async def _start_runs(self, client: Client) -> bool:
        """Start runs for due enrollments that have none; return whether there may be more."""
        now = self._clock.now()
        unstarted = await self._database.read_one(
            hatchet_runs.unstarted(self._registered_journeys(client), now, _LIMIT)
        )
        if not unstarted:
            return False
        async with self._database.transaction() as tx:
            claimed = await tx.one(
                hatchet_runs.claim_starts([start.enrollment_id for start in unstarted], now)
            )
        try:
            await self._start_all(
                client, [start for start in unstarted if start.enrollment_id in claimed]
            )
        except BaseException:
            # Runs that did start ask for their turn, and are recorded then.
            async with self._database.transaction() as tx:
                await tx.apply([hatchet_runs.unclaim(list(claimed))])
            raise
        return len(unstarted) == _LIMIT

    async def _start_all(self, client: Client, starts: Sequence[RunStart]) -> None:
        """Start runs, those of each journey together, and record their ids."""
        by_journey: dict[str, list[RunStart]] = {}
        for start in starts:
            by_journey.setdefault(start.journey_id, []).append(start)
        for journey_id, group in by_journey.items():
            runs = await client.start(journey_id, group)
            names = [(start.enrollment_id, run) for start, run in zip(group, runs, strict=True)]
            async with self._database.transaction() as tx:
                await tx.apply([hatchet_runs.name_runs(names)])

    async def _wake_runs(self, client: Client) -> bool:
        """Wake sleeping runs whose turn is due; return whether there may be more."""
        sleeping = await self._database.read_one(
            hatchet_runs.to_wake(self._registered_journeys(client), self._clock.now(), _LIMIT)
        )
        if not sleeping:
            return False
        async with self._database.transaction() as tx:
            claimed = await tx.one(hatchet_runs.claim_wakes(sleeping))
        try:
            await client.wake(list(claimed.items()))
        except BaseException:
            async with self._database.transaction() as tx:
                await tx.apply([hatchet_runs.unclaim_wakes(list(claimed))])
            raise
        return len(sleeping) == _LIMIT

    async def _send_cancels(self) -> float:
        """Cancel runs of ended enrollments; return the seconds until the next poll."""
        client = self._client()
        if client is None:
            return OUTAGE_PAUSE
        try:
            await self._cancel_ended(client)
        except HatchetUnavailable as error:
            self._connectivity.failed("api", error)
            return OUTAGE_PAUSE
        return POLL_EVERY

    async def _cancel_ended(self, client: Client) -> None:
        """Cancel the runs of enrollments that ended otherwise than by their own turn."""
        now = self._clock.now()
        ended_since = hatchet_runs.ended_since(self._ended_since, now, _LIMIT)
        while ended := await self._database.read_one(ended_since):
            await client.cancel({run for run in ended.values() if run})
            await self._forget(ended)
        self._ended_since = now - _OVERLAP

    async def _forget(self, runs: Mapping[UUID, str]) -> None:
        async with self._database.transaction() as tx:
            await tx.apply(hatchet_runs.forget(list(runs.items())))

    # -- the sweeper and the reconciler -------------------------------------------------------

    async def run_sweeper(self) -> None:
        """Sweep every minute, until cancelled."""
        await self._repeat(SWEEP_EVERY, self.sweep)

    async def run_reconciler(self) -> None:
        """Look for runs that were cancelled in Hatchet, until cancelled."""
        await self._repeat(RECONCILE_EVERY, self.reconcile)

    async def _repeat(self, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await step()
            except HatchetApiUnavailable as error:
                self._connectivity.failed("api", error)
            except HatchetUnavailable as error:
                self._connectivity.failed("push", error)
            except Exception:
                log.exception("Hatchet's runs could not be checked; trying again")

    async def sweep(self) -> None:
        """Restart enrollments whose turn is late, whatever Hatchet says about their runs.

        While a journey makes progress, its late enrollments only wait in a queue, which more runs
        would make longer. One that is very late is restarted all the same.
        """
        client = self._client()
        # No restart during an outage: the attempts would be used up when Hatchet answers again.
        if client is None or self._connectivity.outage is not None:
            return
        now, finished = self._clock.now(), self._pop_finished_counts()
        journey_ids = self._registered_journeys(client)
        stuck = [journey_id for journey_id in journey_ids if not finished[journey_id]]
        late, very_late = await self._database.read(
            hatchet_runs.stalled(stuck, now - LATE, now, _LIMIT),
            hatchet_runs.stalled(journey_ids, now - VERY_LATE, now, _LIMIT),
        )
        restarts = {start.enrollment_id: start for start in [*very_late, *late][:_LIMIT]}
        if not restarts:
            return
        async with self._database.transaction() as tx:
            claimed = await tx.one(hatchet_runs.claim_restarts(list(restarts), now))
        try:
            await self._restart(client, claimed, restarts)
        except BaseException:
            async with self._database.transaction() as tx:
                await tx.apply([hatchet_runs.unclaim_restarts(list(claimed), now)])
            raise

    async def _restart(
        self, client: Client, claimed: Mapping[UUID, str], restarts: Mapping[UUID, RunStart]
    ) -> None:
        """Start another run for enrollments, unless an operator has cancelled the first one.

        Args:
            client: Hatchet.
            claimed: the enrollments, each with its run, or an empty text.
            restarts: what to start, by enrollment.
        """
        runs = {run: enrollment_id for enrollment_id, run in claimed.items() if run}
        exited = await self._exit_cancelled_runs(client, runs)
        again = [
            restarts[enrollment_id] for enrollment_id in claimed if enrollment_id not in exited
        ]
        if not again:
            return
        log.warning(
            "%d turns are late because their runs in Hatchet did not ask for them; "
            "started other runs",
            len(again),
        )
        await self._start_all(client, again)
        lost = [run for run, enrollment_id in runs.items() if enrollment_id not in exited]
        async with self._database.transaction() as tx:
            await tx.apply([hatchet_runs.forget_waits(lost)])
        await client.cancel(lost)

    async def reconcile(self) -> None:
        """Exit the enrollments whose runs were cancelled in Hatchet's own dashboard."""
        client = self._client()
        if client is None:
            return
        is_thorough = self._reconciliations % _RECENT_POLLS == 0
        self._reconciliations += 1
        since = self._clock.now() - (_LONG_AGO if is_thorough else _RECENT)
        runs = await client.cancelled_since(since)
        self._connectivity.answered("api")
        if runs:
            await self._exit_cancelled_runs(
                client, await self._database.read_one(hatchet_runs.enrollments_of(runs))
            )

    async def _exit_cancelled_runs(self, client: Client, runs: Mapping[str, UUID]) -> set[UUID]:
        """Exit the live enrollments whose run an operator has cancelled; return them.

        Args:
            client: Hatchet.
            runs: runs, each with its enrollment. We ourselves cancel only runs of enrollments that
                have ended or have another run by now.
        """
        was_cancelled = await asyncio.gather(
            *(client.is_cancelled_by_operator(run) for run in runs)
        )
        exited = {
            enrollment_id
            for enrollment_id, cancelled in zip(runs.values(), was_cancelled, strict=True)
            if cancelled
        }
        for enrollment_id in exited:
            await self._exit_cancelled(enrollment_id)
        return exited
