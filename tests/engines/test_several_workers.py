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
from tests.engines.contract import EngineContract, TurnHarness
from tests.patience import PATIENCE


@pytest.fixture(autouse=True)
def without_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry after an error without a delay, and send heartbeats frequently."""
    monkeypatch.setattr(embedded, "_ERROR_RETRY_DELAY", 0.0)
    monkeypatch.setattr(embedded, "HELD_ELSEWHERE_PAUSE", 0.01)
    monkeypatch.setattr(registry_module, "HEARTBEAT_INTERVAL", 0.02)


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """An open Postgres database."""
    async with opened(postgres_url) as database:
        yield database


@dataclass
class Peer:
    """A registered worker.

    Args:
        registry: the worker's entry in the registry.
        heartbeat: keeps the entry fresh.
    """

    registry: WorkerRegistry
    heartbeat: Heartbeat

    @property
    def id(self) -> UUID:
        return self.registry.id


@pytest.fixture
async def peers(harness: TurnHarness) -> AsyncIterator[list[Peer]]:
    """Two registered workers."""
    now = harness.clock.now()
    registries = [
        WorkerRegistry(harness.database, new_id(now), "embedded", now, {}) for _ in range(2)
    ]
    workers = [
        Peer(registry, Heartbeat(registry, lambda: None, EventBus())) for registry in registries
    ]
    for worker in workers:
        await worker.heartbeat.start()
    yield workers
    for worker in workers:
        await worker.heartbeat.stop()


def create_engine(harness: TurnHarness, holder: UUID) -> EmbeddedEngine:
    leases = RowLeases(harness.database, holder)
    return EmbeddedEngine(harness.database, harness.clock, harness.run_turns, leases=leases)


async def kill(peer: Peer, database: Database) -> None:
    """Make a worker look as if it had been killed long ago."""
    assert peer.heartbeat._task is not None
    peer.heartbeat._task.cancel()
    await asyncio.gather(peer.heartbeat._task, return_exceptions=True)
    async with database.transaction() as tx:
        await tx.apply([Write("UPDATE workers SET seen_at = 0 WHERE id = ?", [(peer.id,)])])


async def count_held_enrollments(database: Database) -> Counter[UUID]:
    """Return how many enrollments each worker holds."""
    sql = "SELECT holder FROM enrollments WHERE holder IS NOT NULL"
    return Counter(row[0] for row in await database.read_one(Query(sql, [], list)))


class TestEmbeddedEngineAmongOthers(EngineContract):
    @pytest.fixture(autouse=True)
    async def select_worker(self, peers: list[Peer]) -> None:
        """Run the engine as the first worker; the second one does nothing."""
        self._holder = peers[0].id

    def create_engine(self, harness: TurnHarness) -> EmbeddedEngine:
        return create_engine(harness, self._holder)

    async def test_a_long_turn_does_not_delay_other_enrollments(
        self, harness: TurnHarness, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(embedded, "SLOW_AFTER", 0.05)
        await super().test_a_long_turn_does_not_delay_other_enrollments(harness)


async def test_two_workers_run_each_turn_once(harness: TurnHarness, peers: list[Peer]):
    due = await harness.enroll(1500)
    engines = [create_engine(harness, peer.id) for peer in peers]
    working = [asyncio.create_task(engine.run()) for engine in engines]
    await harness.wait_until(lambda: len(harness.turn_counts) == len(due))
    for engine in engines:
        await engine.close()
    await asyncio.gather(*working)
    assert set(harness.turn_counts.values()) == {1}
    assert await count_held_enrollments(harness.database) == {}


async def test_a_contact_has_only_one_turn_at_a_time_across_workers(
    harness: TurnHarness, peers: list[Peer]
):
    (first,) = await harness.enroll()
    harness.held[first] = asyncio.Event()
    first_engine, second_engine = (create_engine(harness, peer.id) for peer in peers)
    working = [asyncio.create_task(first_engine.run())]
    await harness.wait_until(lambda: harness.running[harness.contact_ids[first]] == 1)
    others = await harness.enroll(2, contact=harness.contact_ids[first])
    (free,) = await harness.enroll()
    working.append(asyncio.create_task(second_engine.run()))
    await harness.wait_until(lambda: free in harness.turn_counts)
    assert not {first, *others} & set(harness.turn_counts)
    harness.held[first].set()
    await harness.wait_until(lambda: {first, *others} <= set(harness.turn_counts))
    await asyncio.gather(first_engine.close(), second_engine.close(), *working)
    assert set(harness.turn_counts.values()) == {1}


async def test_another_worker_finishes_the_turns_of_a_killed_worker(
    harness: TurnHarness, peers: list[Peer], caplog: pytest.LogCaptureFixture
):
    killed, other = peers
    due = await harness.enroll(3)
    rows = await harness.database.read_one(
        enrollments.find_due([(f"j{n}", 9) for n in range(3)], harness.clock.now())
    )
    due_rows = [due for row in rows for due in row]
    leased_ids = await RowLeases(harness.database, killed.id).acquire(due_rows, harness.clock.now())
    assert set(leased_ids) == set(due)
    engine = create_engine(harness, other.id)
    working = asyncio.create_task(engine.run())
    (free,) = await harness.enroll()
    engine.poll()
    await harness.wait_until(lambda: free in harness.turn_counts)
    assert not set(due) & set(harness.turn_counts), "another live worker holds them"

    await kill(killed, harness.database)
    async with asyncio.timeout(PATIENCE):
        while await count_held_enrollments(harness.database):  # noqa: ASYNC110 - a query must be polled
            await asyncio.sleep(0.01)
    engine.poll()
    await harness.wait_until(lambda: set(due) <= set(harness.turn_counts))
    await asyncio.gather(engine.close(), working)
    assert "is lost; the other workers take over its work" in caplog.text


async def test_a_worker_that_leaves_releases_its_leases(harness: TurnHarness, peers: list[Peer]):
    await harness.enroll()
    rows = await harness.database.read_one(enrollments.find_due([("j0", 9)], harness.clock.now()))
    await RowLeases(harness.database, peers[0].id).acquire(rows[0], harness.clock.now())
    assert await count_held_enrollments(harness.database) == {peers[0].id: 1}
    await peers[0].heartbeat.stop()
    assert await count_held_enrollments(harness.database) == {}
    assert len(await harness.database.read_one(workers.find_registered())) == 1


async def test_a_locked_enrollment_is_skipped(harness: TurnHarness, peers: list[Peer]):
    (busy,) = await harness.enroll()
    engine = create_engine(harness, peers[0].id)
    async with AsyncExitStack() as stack:
        changing = await stack.enter_async_context(harness.database.transaction())
        sql = "SELECT id FROM contacts WHERE id IN ? FOR UPDATE"
        await changing.fetch_one(Query(sql, [[harness.contact_ids[busy]]], list))
        working = asyncio.create_task(engine.run())
        (free,) = await harness.enroll()
        engine.poll()
        await harness.wait_until(lambda: free in harness.turn_counts)
        assert busy not in harness.turn_counts
    await harness.wait_until(lambda: busy in harness.turn_counts)
    await asyncio.gather(engine.close(), working)


async def test_a_worker_does_not_run_journeys_that_it_has_no_code_for(
    harness: TurnHarness, peers: list[Peer]
):
    with_code, without_code = await harness.enroll(2)
    rows = DueRows(harness.database, runs_journey=lambda journey_id: journey_id == "j0")
    engine = EmbeddedEngine(harness.database, harness.clock, harness.run_turns, due_turns=rows)
    working = asyncio.create_task(engine.run())
    await harness.wait_until(lambda: with_code in harness.turn_counts)
    await asyncio.gather(engine.close(), working)
    assert without_code not in harness.turn_counts


async def test_the_oldest_worker_takes_over_from_one_that_left_in_order(harness: TurnHarness):
    now = harness.clock.now()
    oldest, other, leaving = (
        WorkerRegistry(harness.database, new_id(now), "embedded", now, {}) for _ in range(3)
    )
    for registry in (oldest, other, leaving, oldest, other):
        assert await registry.heartbeat(None) == []
    await leaving.leave()
    assert await other.heartbeat(None) == []
    assert await oldest.heartbeat(None) == [leaving.id]
    assert await oldest.heartbeat(None) == []
    await other.leave()
    await oldest.leave()
