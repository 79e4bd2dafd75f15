"""The embedded engine on Postgres, where several workers share the turns."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

import pytest

from hogsend.domain.ids import new_id
from hogsend.engines import embedded
from hogsend.engines.due_rows import DueRows
from hogsend.engines.embedded import EmbeddedEngine
from hogsend.engines.leases import RowLeases
from hogsend.process import worker_registry as registry_module
from hogsend.process.event_bus import EventBus
from hogsend.process.worker_registry import Heartbeat, WorkerRegistry
from hogsend.store import enrollments, workers
from hogsend.store.db import Database, Query, Write
from tests.databases import opened
from tests.engines.contract import EngineContract, Stage
from tests.patience import PATIENCE


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors are got over at once, and workers show themselves all the time."""
    monkeypatch.setattr(embedded, "_ERROR_RETRY_DELAY", 0.0)
    monkeypatch.setattr(embedded, "HELD_ELSEWHERE_PAUSE", 0.01)
    monkeypatch.setattr(registry_module, "HEARTBEAT_INTERVAL", 0.02)


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """An open Postgres."""
    async with opened(postgres_url) as database:
        yield database


@dataclass
class Peer:
    """A worker that is there.

    Args:
        registry: the workers, of which it is one.
        heartbeat: shows that it is there.
    """

    registry: WorkerRegistry
    heartbeat: Heartbeat

    @property
    def id(self) -> UUID:
        return self.registry.id


@pytest.fixture
async def peers(stage: Stage) -> AsyncIterator[list[Peer]]:
    """Two workers that are there."""
    now = stage.clock.now()
    registries = [
        WorkerRegistry(stage.database, new_id(now), "embedded", now, {}) for _ in range(2)
    ]
    workers = [Peer(one, Heartbeat(one, lambda: None, EventBus())) for one in registries]
    for worker in workers:
        await worker.heartbeat.start()
    yield workers
    for worker in workers:
        await worker.heartbeat.stop()


def engine_of(stage: Stage, holder: UUID) -> EmbeddedEngine:
    leases = RowLeases(stage.database, holder)
    return EmbeddedEngine(stage.database, stage.clock, stage.play, leases=leases)


async def die(peer: Peer, database: Database) -> None:
    """Let a worker end as if it had been killed long ago."""
    assert peer.heartbeat._task is not None
    peer.heartbeat._task.cancel()
    await asyncio.gather(peer.heartbeat._task, return_exceptions=True)
    async with database.transaction() as tx:
        await tx.apply([Write("UPDATE workers SET seen_at = 0 WHERE id = ?", [(peer.id,)])])


async def holders(database: Database) -> Counter[UUID]:
    """Return how many enrollments each worker has."""
    sql = "SELECT holder FROM enrollments WHERE holder IS NOT NULL"
    return Counter(row[0] for row in await database.read_one(Query(sql, [], list)))


class TestEmbeddedEngineAmongOthers(EngineContract):
    @pytest.fixture(autouse=True)
    async def here(self, peers: list[Peer]) -> None:
        """Its worker is there, and another one that does nothing."""
        self._holder = peers[0].id

    def make(self, stage: Stage) -> EmbeddedEngine:
        return engine_of(stage, self._holder)

    async def test_a_long_turn_does_not_delay_other_enrollments(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(embedded, "SLOW_AFTER", 0.05)
        await super().test_a_long_turn_does_not_delay_other_enrollments(stage)


async def test_two_workers_play_each_turn_once(stage: Stage, peers: list[Peer]):
    due = await stage.enroll(1500)
    engines = [engine_of(stage, one.id) for one in peers]
    working = [asyncio.create_task(engine.run()) for engine in engines]
    await stage.until(lambda: len(stage.played) == len(due))
    for engine in engines:
        await engine.close()
    await asyncio.gather(*working)
    assert set(stage.played.values()) == {1}
    assert await holders(stage.database) == {}


async def test_one_turn_of_a_contact_at_a_time_whichever_worker_plays_it(
    stage: Stage, peers: list[Peer]
):
    (first,) = await stage.enroll()
    stage.hold[first] = asyncio.Event()
    here, there = (engine_of(stage, one.id) for one in peers)
    working = [asyncio.create_task(here.run())]
    await stage.until(lambda: stage.under_way[stage.owner[first]] == 1)
    beside = await stage.enroll(2, contact=stage.owner[first])
    (somebody,) = await stage.enroll()
    working.append(asyncio.create_task(there.run()))
    await stage.until(lambda: somebody in stage.played)
    assert not {first, *beside} & set(stage.played)
    stage.hold[first].set()
    await stage.until(lambda: {first, *beside} <= set(stage.played))
    await asyncio.gather(here.close(), there.close(), *working)
    assert set(stage.played.values()) == {1}


async def test_another_worker_finishes_the_turns_of_a_killed_worker(
    stage: Stage, peers: list[Peer], caplog: pytest.LogCaptureFixture
):
    killed, other = peers
    due = await stage.enroll(3)
    rows = await stage.database.read_one(
        enrollments.find_due([(f"j{n}", 9) for n in range(3)], stage.clock.now())
    )
    begun = [one for row in rows for one in row]
    taken = await RowLeases(stage.database, killed.id).acquire(begun, stage.clock.now())
    assert set(taken) == set(due)
    engine = engine_of(stage, other.id)
    working = asyncio.create_task(engine.run())
    (free,) = await stage.enroll()
    engine.poll()
    await stage.until(lambda: free in stage.played)
    assert not set(due) & set(stage.played), "they are another's, who is there"

    await die(killed, stage.database)
    async with asyncio.timeout(PATIENCE):
        while await holders(stage.database):  # noqa: ASYNC110 - rows tell nobody
            await asyncio.sleep(0.01)
    engine.poll()
    await stage.until(lambda: set(due) <= set(stage.played))
    await asyncio.gather(engine.close(), working)
    assert "is lost; the other workers take over its work" in caplog.text


async def test_a_worker_that_leaves_releases_its_leases(stage: Stage, peers: list[Peer]):
    await stage.enroll()
    rows = await stage.database.read_one(enrollments.find_due([("j0", 9)], stage.clock.now()))
    await RowLeases(stage.database, peers[0].id).acquire(rows[0], stage.clock.now())
    assert await holders(stage.database) == {peers[0].id: 1}
    await peers[0].heartbeat.stop()
    assert await holders(stage.database) == {}
    assert len(await stage.database.read_one(workers.find_registered())) == 1


async def test_a_locked_enrollment_is_skipped(stage: Stage, peers: list[Peer]):
    (busy,) = await stage.enroll()
    engine = engine_of(stage, peers[0].id)
    async with AsyncExitStack() as stack:
        changing = await stack.enter_async_context(stage.database.transaction())
        sql = "SELECT id FROM contacts WHERE id IN ? FOR UPDATE"
        await changing.fetch_one(Query(sql, [[stage.owner[busy]]], list))
        working = asyncio.create_task(engine.run())
        (free,) = await stage.enroll()
        engine.poll()
        await stage.until(lambda: free in stage.played)
        assert busy not in stage.played
    await stage.until(lambda: busy in stage.played)
    await asyncio.gather(engine.close(), working)


async def test_people_of_a_journey_without_code_here_are_left_to_others(
    stage: Stage, peers: list[Peer]
):
    known, unknown = await stage.enroll(2)
    rows = DueRows(stage.database, runs_journey=lambda journey_id: journey_id == "j0")
    engine = EmbeddedEngine(stage.database, stage.clock, stage.play, due_turns=rows)
    working = asyncio.create_task(engine.run())
    await stage.until(lambda: known in stage.played)
    await asyncio.gather(engine.close(), working)
    assert unknown not in stage.played
