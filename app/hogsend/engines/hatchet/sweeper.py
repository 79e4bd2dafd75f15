"""Restarts enrollments whose turn is late, whatever Hatchet says about their runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from ...store import hatchet_runs
from ...store.hatchet_runs import RunStart
from .client import Client, RunReport
from .engine_context import EngineContext
from .outbox import LIMIT, start_runs
from .reconciler import Reconciler

log = logging.getLogger("hogsend.hatchet")

# How often the sweeper runs, in seconds.
SWEEP_INTERVAL = 60.0
# A turn is late after the first period, unless its run waits for a worker in Hatchet's queue. After
# the second it is late in any case.
LATE, VERY_LATE = timedelta(minutes=1), timedelta(minutes=10)
# How long a late run that waits in the queue is left alone.
_QUEUED_PAUSE = timedelta(minutes=3)


class Sweeper:
    """Restarts late enrollments.

    Args:
        context: the rows, and the connection to Hatchet.
        is_requested: returns whether an enrollment's turn was requested here and has not ended.
        reconciler: exits the enrollments whose run was cancelled in Hatchet.
    """

    def __init__(
        self,
        context: EngineContext,
        is_requested: Callable[[UUID], bool],
        reconciler: Reconciler,
    ) -> None:
        self._context = context
        self._database = context.database
        self._clock = context.clock
        self._connectivity = context.connectivity
        self._is_requested = is_requested
        self._reconciler = reconciler

    async def run(self) -> None:
        """Sweep every minute, until cancelled."""
        await self._connectivity.repeat(SWEEP_INTERVAL, self.sweep)

    async def sweep(self) -> None:
        """Restart enrollments whose turn is late.

        Each enrollment is judged by its own run: a run in Hatchet's queue is left alone, because
        another run would only make the queue longer. What other enrollments do says nothing.
        """
        client = self._context.client
        # No restart during an outage: the attempts would be used up when Hatchet answers again.
        if client is None or self._connectivity.outage is not None:
            return
        now = self._clock.now()
        journey_ids = self._context.list_registered_journeys(client)
        late = await self._database.read_one(
            hatchet_runs.find_stalled(journey_ids, client.namespace, now - LATE, now, LIMIT)
        )
        restarts = {
            start.enrollment_id: start
            for start in late
            if not self._is_requested(start.enrollment_id)
        }
        if not restarts:
            return
        async with self._database.transaction() as tx:
            claimed = await tx.fetch_one(hatchet_runs.claim_restarts(list(restarts), now))
        try:
            queued = await self._restart(client, claimed, restarts)
        except BaseException:
            async with self._database.transaction() as tx:
                await tx.apply([hatchet_runs.postpone_restarts(list(claimed), now)])
            raise
        if queued:
            async with self._database.transaction() as tx:
                await tx.apply([hatchet_runs.postpone_restarts(queued, now + _QUEUED_PAUSE)])

    async def _restart(
        self, client: Client, claimed: Mapping[UUID, str], restarts: Mapping[UUID, RunStart]
    ) -> list[UUID]:
        """Start another run for enrollments, unless an operator has cancelled the first one.

        Args:
            client: the connection to Hatchet.
            claimed: the enrollments, each with its run, or an empty string.
            restarts: the runs to start, by enrollment.

        Returns:
            The enrollments whose run waits in Hatchet's queue, which were left alone.
        """
        runs = {run: enrollment_id for enrollment_id, run in claimed.items() if run}
        reports = {runs[run]: report for run, report in (await client.fetch_reports(runs)).items()}
        exited = await self._reconciler.exit_reported(reports)
        queued = self._find_queued(reports, restarts)
        again = [
            restarts[enrollment_id]
            for enrollment_id in claimed
            if enrollment_id not in exited and enrollment_id not in queued
        ]
        if again:
            log.warning(
                "%d turns are late because their runs in Hatchet did not ask for them; "
                "started other runs",
                len(again),
            )
            await start_runs(self._database, client, again)
            lost = [start.old_run_id for start in again if start.old_run_id]
            async with self._database.transaction() as tx:
                await tx.apply([hatchet_runs.delete_waits(lost)])
            await client.cancel(lost)
        return sorted(queued - exited)

    def _find_queued(
        self, reports: Mapping[UUID, RunReport], restarts: Mapping[UUID, RunStart]
    ) -> set[UUID]:
        """Return the enrollments that only wait in Hatchet's queue, unless they are very late."""
        very_late = self._clock.now() - VERY_LATE
        return {
            enrollment_id
            for enrollment_id, report in reports.items()
            if report.is_queued and restarts[enrollment_id].wake_at > very_late
        }
