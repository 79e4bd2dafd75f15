"""Runs that were woken and have not come are restored, without slowing down a burst of wakes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.engines.hatchet.connectivity import Connectivity
from hogsend.engines.hatchet.engine_context import EngineContext
from hogsend.engines.hatchet.restorer import UNANSWERED_AFTER, Restorer
from hogsend.store import enrollments, hatchet_runs, hatchet_wakes
from hogsend.store.db import Database
from tests.databases import make_enrollment, opened


class RecordingClient:
    """Records the runs that it is asked to restore."""

    namespace = "hogsend_"
    tasks = ("j",)

    def __init__(self) -> None:
        self.restored: list[str] = []

    async def restore(self, run_ids: Sequence[str]) -> None:
        self.restored += run_ids

    async def wake(self, turns: Sequence[tuple[UUID, int]]) -> None:
        assert not turns


@pytest.mark.parametrize(("count", "restored"), [(30, 10), (60, 1)])
async def test_a_burst_of_wakes_is_not_slowed_down_by_restoring_the_runs_in_its_queue(
    sqlite_url: str, clock: ManualClock, count: int, restored: int
):
    async with opened(sqlite_url) as database:
        await _wake_runs(database, clock, count)
        clock.set(clock.now() + UNANSWERED_AFTER)
        client: Any = RecordingClient()
        connectivity = Connectivity(clock, lambda: None)
        connectivity.record_answer("ping")
        context = EngineContext(database, clock, connectivity, ["j"], client)
        await Restorer(context, lambda _: False).restore()
        first = [f"run {number}" for number in range(restored)]
        assert client.restored == first, "the runs that were woken first"


async def _wake_runs(database: Database, clock: ManualClock, count: int) -> None:
    for number in range(count):
        clock.set(clock.now() + timedelta(milliseconds=1))
        enrollment = make_enrollment(clock.now(), state="waiting")
        async with database.transaction() as tx:
            await tx.apply(
                [
                    enrollments.insert([enrollment]),
                    enrollments.update([enrollment], clock.now(), freed=True),
                ]
            )
            await tx.fetch_one(
                hatchet_runs.claim_starts([enrollment.id], RecordingClient.namespace, clock.now())
            )
            await tx.apply([hatchet_runs.record_run_ids([(enrollment.id, f"run {number}")])])
            await tx.fetch_one(hatchet_wakes.claim_wakes([enrollment.id], clock.now()))
