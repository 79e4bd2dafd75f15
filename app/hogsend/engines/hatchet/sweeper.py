"""Restarts enrollments whose turn is late, whatever Hatchet says about their runs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from ...store import hatchet_runs
from ...store.hatchet_runs import RunStart
from .client import Client
from .engine_context import EngineContext
from .outbox import LIMIT, start_runs
from .reconciler import Reconciler

log = logging.getLogger("hogsend.hatchet")

# How often the sweeper runs, in seconds.
SWEEP_INTERVAL = 60.0
# A turn is late after this long when its journey makes no progress at all, and after this long when
# it does.
LATE, VERY_LATE = timedelta(minutes=1), timedelta(minutes=10)


class Sweeper:
    """Restarts late enrollments.

    Args:
        context: the rows, and the connection to Hatchet.
        pop_finished_counts: returns how many turns of each journey ended since the last call.
        reconciler: exits the enrollments whose run was cancelled in Hatchet.
    """

    def __init__(
        self,
        context: EngineContext,
        pop_finished_counts: Callable[[], Counter[str]],
        reconciler: Reconciler,
    ) -> None:
        self._context = context
        self._database = context.database
        self._clock = context.clock
        self._connectivity = context.connectivity
        self._pop_finished_counts = pop_finished_counts
        self._reconciler = reconciler

    async def run(self) -> None:
        """Sweep every minute, until cancelled."""
        await self._connectivity.repeat(SWEEP_INTERVAL, self.sweep)

    async def sweep(self) -> None:
        """Restart enrollments whose turn is late.

        While a journey makes progress, its late enrollments only wait in a queue, which more runs
        would make longer. An enrollment that is very late is restarted all the same.
        """
        client = self._context.client
        # No restart during an outage: the attempts would be used up when Hatchet answers again.
        if client is None or self._connectivity.outage is not None:
            return
        now, finished = self._clock.now(), self._pop_finished_counts()
        journey_ids = self._context.list_registered_journeys(client)
        stuck = [journey_id for journey_id in journey_ids if not finished[journey_id]]
        late, very_late = await self._database.read(
            hatchet_runs.find_stalled(stuck, now - LATE, now, LIMIT),
            hatchet_runs.find_stalled(journey_ids, now - VERY_LATE, now, LIMIT),
        )
        restarts = {start.enrollment_id: start for start in [*very_late, *late][:LIMIT]}
        if not restarts:
            return
        async with self._database.transaction() as tx:
            claimed = await tx.fetch_one(hatchet_runs.claim_restarts(list(restarts), now))
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
            client: the connection to Hatchet.
            claimed: the enrollments, each with its run, or an empty string.
            restarts: the runs to start, by enrollment.
        """
        runs = {run: enrollment_id for enrollment_id, run in claimed.items() if run}
        exited = await self._reconciler.exit_cancelled_runs(client, runs)
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
        await start_runs(self._database, client, again)
        lost = [run for run, enrollment_id in runs.items() if enrollment_id not in exited]
        async with self._database.transaction() as tx:
            await tx.apply([hatchet_runs.delete_waits(lost)])
        await client.cancel(lost)
