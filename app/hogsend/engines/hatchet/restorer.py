"""Asks Hatchet to continue runs that were woken and have not requested their turn.

Hatchet can miss an event that arrives while the run is being evicted: the run's wait has ended, but
nothing queues the run. A wake can also be lost on its way.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from ...store import hatchet_wakes
from .engine_context import EngineContext

# How often to read which runs these are, in seconds.
RESTORE_INTERVAL = 1.0
# How long a woken run may take to request its turn until Hatchet is asked again.
UNANSWERED_AFTER = timedelta(seconds=5)
# When a turn is this late and its run was restored, the wake may have been lost and is repeated.
REPEAT_AFTER = timedelta(seconds=12)
# The maximum number of runs that are restored at a time.
_LIMIT = 10
# When more runs than this are unanswered, most of them are in Hatchet's queue. Then only the run
# that was woken first is restored, as calls for the others would only be more work for Hatchet.
_QUEUE_LENGTH = 50
_LIMIT_WHEN_QUEUED = 1


class Restorer:
    """Restores runs that were woken and have not requested their turn.

    Args:
        context: the rows, and the connection to Hatchet.
        is_requested: returns whether the turn of an enrollment was requested from this worker and
            has not ended.
    """

    def __init__(self, context: EngineContext, is_requested: Callable[[UUID], bool]) -> None:
        self._context = context
        self._database = context.database
        self._clock = context.clock
        self._connectivity = context.connectivity
        self._is_requested = is_requested

    async def run(self) -> None:
        """Restore runs every second, until cancelled."""
        await self._connectivity.repeat(RESTORE_INTERVAL, self.restore)

    async def restore(self) -> None:
        """Restore unanswered runs; wake a run again when its turn stays late after a restore."""
        client = self._context.client
        if client is None or self._connectivity.outage is not None:
            return
        now = self._clock.now()
        asked_before = now - UNANSWERED_AFTER
        unanswered = await self._database.read_one(
            hatchet_wakes.find_unanswered(
                self._context.list_registered_journeys(client),
                client.namespace,
                asked_before,
                now,
                _QUEUE_LENGTH + 1,
            )
        )
        limit = _LIMIT_WHEN_QUEUED if len(unanswered) > _QUEUE_LENGTH else _LIMIT
        ids = [
            enrollment_id for enrollment_id in unanswered if not self._is_requested(enrollment_id)
        ][:limit]
        if not ids:
            return
        async with self._database.transaction() as tx:
            woken = await tx.fetch_one(hatchet_wakes.claim_restores(ids, asked_before, now))
        await client.restore([run.run_id for run in woken])
        await client.wake(
            [
                (run.enrollment_id, run.turn)
                for run in woken
                if unanswered[run.enrollment_id] <= now - REPEAT_AFTER
            ]
        )
