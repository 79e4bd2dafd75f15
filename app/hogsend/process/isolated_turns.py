"""Runs turns so that a corrupt row fails only the enrollment that needs it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from ..clock import Clock
from ..engines.port import OnCommitted
from ..errors import CorruptRow
from ..store.change_feed import ChangeFeed
from ..store.corrupt_row_failures import fail_enrollment
from ..store.db import Database
from ..turns.runner import TurnRunner


class IsolatedTurns:
    """Runs batches of turns; after a corrupt row it runs each turn of the batch by itself.

    Args:
        runner: runs turns.
        database: where the enrollments are.
        clock: the source of the current time.
        change_feed: notified of enrollments that fail.
    """

    def __init__(
        self, runner: TurnRunner, database: Database, clock: Clock, change_feed: ChangeFeed
    ) -> None:
        self._runner = runner
        self._database = database
        self._clock = clock
        self._change_feed = change_feed

    async def run(self, ids: Sequence[UUID], on_committed: OnCommitted) -> Collection[UUID]:
        """Run one turn of each enrollment, as `engines.port.RunTurns` says.

        Raises:
            StoreUnavailable: the database accepts no writes. No turn has run: the effect of a step
                must not happen when its result cannot be stored.
        """
        self._database.health.check()
        try:
            return await self._runner.run(ids, on_committed)
        except CorruptRow:
            still_running = [
                await self._run_one(enrollment_id, on_committed) for enrollment_id in ids
            ]
            return [enrollment_id for batch in still_running for enrollment_id in batch]

    async def _run_one(self, enrollment_id: UUID, on_committed: OnCommitted) -> Collection[UUID]:
        try:
            return await self._runner.run([enrollment_id], on_committed)
        except CorruptRow as error:
            await fail_enrollment(self._database, enrollment_id, error, self._clock.now())
            self._change_feed.publish("enrollments")
            return ()
