"""Exits the enrollments whose runs an operator has cancelled in Hatchet's own dashboard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from uuid import UUID

from ...store import hatchet_runs
from .client import Client, RunReport
from .engine_context import EngineContext

# How often the reconciler runs, in seconds.
RECONCILE_INTERVAL = 15.0
# Each poll looks for cancelled runs that began within the first period; one of `_RECENT_POLLS`
# polls within the second. Older runs are noticed when their turn is late, before the sweeper
# restarts it.
_RECENT, _LONG_AGO = timedelta(days=1), timedelta(days=6)
_RECENT_POLLS = 40


class Reconciler:
    """Exits the enrollments of cancelled runs.

    Args:
        context: the rows, and the connection to Hatchet.
        exit_cancelled: exits an enrollment whose run was cancelled in Hatchet.
    """

    def __init__(
        self, context: EngineContext, exit_cancelled: Callable[[UUID], Awaitable[None]]
    ) -> None:
        self._context = context
        self._database = context.database
        self._clock = context.clock
        self._connectivity = context.connectivity
        self._exit_cancelled = exit_cancelled
        self._polls = 0

    async def run(self) -> None:
        """Look for cancelled runs every few seconds, until cancelled."""
        await self._connectivity.repeat(RECONCILE_INTERVAL, self.reconcile)

    async def reconcile(self) -> None:
        """Look for cancelled runs once, and exit their enrollments."""
        client = self._context.client
        if client is None:
            return
        is_thorough = self._polls % _RECENT_POLLS == 0
        self._polls += 1
        since = self._clock.now() - (_LONG_AGO if is_thorough else _RECENT)
        runs = await client.list_cancelled_since(since)
        self._connectivity.record_answer("api")
        if runs:
            await self.exit_cancelled_runs(
                client, await self._database.read_one(hatchet_runs.find_live_enrollments(runs))
            )

    async def exit_cancelled_runs(self, client: Client, runs: Mapping[str, UUID]) -> set[UUID]:
        """Exit the live enrollments whose run an operator has cancelled; return them.

        Args:
            client: the connection to Hatchet.
            runs: runs, each with its enrollment. We ourselves cancel only runs of enrollments that
                have ended or have another run by now.
        """
        reports = await client.fetch_reports(runs)
        return await self.exit_reported({runs[run]: report for run, report in reports.items()})

    async def exit_reported(self, reports: Mapping[UUID, RunReport]) -> set[UUID]:
        """Exit the enrollments whose run an operator has cancelled; return them.

        Args:
            reports: live enrollments, each with the report on its run.
        """
        exited = {
            enrollment_id for enrollment_id, report in reports.items() if report.was_cancelled
        }
        for enrollment_id in exited:
            await self._exit_cancelled(enrollment_id)
        return exited
