"""Who is at work on a shared database, by the database's own clock."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hogsend.clock import ManualClock
from hogsend.domain.ids import new_id
from hogsend.store import workers
from hogsend.store.db import Database, Write
from hogsend.store.workers import LOST_AFTER, WorkerInfo
from tests.databases import opened


@pytest.fixture
async def shared(postgres_url: str) -> AsyncIterator[Database]:
    """An open database that workers share."""
    async with opened(postgres_url) as database:
        yield database


async def test_a_lost_worker_is_not_listed_as_working_forever(shared: Database, clock: ManualClock):
    now = clock.now()
    worker = WorkerInfo(new_id(now), "host", 7, "embedded", "1", {"j": "abc"}, now, now)
    async with shared.transaction() as tx:
        await tx.apply([workers.register(worker)])
    [seen] = await shared.read_one(workers.find_registered())
    assert (seen.id, seen.journeys) == (worker.id, {"j": "abc"})
    long = 2 * (LOST_AFTER.total_seconds()) * 1_000_000
    async with shared.transaction() as tx:
        await tx.apply([Write("UPDATE workers SET seen_at = seen_at - ?", [(int(long),)])])
    assert await shared.read_one(workers.find_registered()) == []
    assert await shared.read_one(workers.find_registered(is_sqlite=True)) != []
    async with shared.transaction() as tx:
        assert await tx.fetch_one(workers.remove_lost()) == [worker.id]
