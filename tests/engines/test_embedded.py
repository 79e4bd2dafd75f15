"""The embedded engine on both databases."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from hogsend.engines import embedded
from hogsend.engines.embedded import EmbeddedEngine
from hogsend.engines.port import Wake
from hogsend.store.db import Database
from tests.engines.contract import EngineContract, TurnHarness
from tests.patience import PATIENCE


@pytest.fixture(autouse=True)
def without_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry after an error without a delay."""
    monkeypatch.setattr(embedded, "_ERROR_RETRY_DELAY", 0.0)


@pytest.fixture
def quickly_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat a batch as slow after a short time."""
    monkeypatch.setattr(embedded, "SLOW_AFTER", 0.05)


class TestEmbeddedEngine(EngineContract):
    def create_engine(self, harness: TurnHarness) -> EmbeddedEngine:
        return EmbeddedEngine(harness.database, harness.clock, harness.run_turns)

    @pytest.mark.usefixtures("quickly_slow")
    async def test_a_long_turn_does_not_delay_other_enrollments(self, harness: TurnHarness):
        await super().test_a_long_turn_does_not_delay_other_enrollments(harness)

    async def test_passing_time_wakes_waiting_enrollments(self, harness: TurnHarness):
        (sleeper,) = await harness.enroll(wake=harness.clock.now() + timedelta(days=2))
        (due,) = await harness.enroll()
        async with self.running_engine(harness) as engine:
            assert isinstance(engine, EmbeddedEngine)
            await harness.wait_until(lambda: due in harness.turn_counts)
            harness.clock.set(harness.clock.now() + timedelta(days=2))
            engine.poll()
            await harness.wait_until(lambda: sleeper in harness.turn_counts)

    async def test_a_batch_that_ends_lets_the_next_one_start(
        self, harness: TurnHarness, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(embedded, "MAX_BATCHES", 1)
        monkeypatch.setattr(embedded, "BATCH_SIZE", 1)
        due = await harness.enroll(4)
        async with self.running_engine(harness):
            await harness.wait_until(lambda: len(harness.turn_counts) == 4)
        assert harness.turn_counts == Counter(due)

    async def test_a_notification_while_the_rows_are_read_is_not_lost(
        self, harness: TurnHarness, monkeypatch: pytest.MonkeyPatch
    ):
        """The known wake time has been removed, and the notification arrives during the read."""
        soon = harness.clock.now() + timedelta(hours=1)
        (unwoken,) = await harness.enroll(wake=soon)
        read_one = Database.read_one
        has_read, notified = asyncio.Event(), asyncio.Event()

        async def read_and_wait_for_notification(database: Database, query: Any) -> Any:
            rows = await read_one(database, query)
            has_read.set()
            if harness.clock.now() >= soon and not notified.is_set():
                notified.set()
                (due,) = await harness.enroll(wake=soon)
                await engine.schedule([Wake(due, soon)])
            return rows

        monkeypatch.setattr(Database, "read_one", read_and_wait_for_notification)
        async with self.running_engine(harness) as engine:
            assert isinstance(engine, EmbeddedEngine)
            await has_read.wait()
            await harness.clear_wakes([unwoken])
            harness.clock.set(soon)
            engine.poll()
            await harness.wait_until(lambda: len(harness.turn_counts) == 1)

    async def test_an_enrollment_that_ran_during_the_read_does_not_run_again(
        self, harness: TurnHarness, monkeypatch: pytest.MonkeyPatch
    ):
        (first,) = await harness.enroll()
        harness.held[first] = asyncio.Event()
        read_one = Database.read_one

        async def read_and_let_turn_commit(database: Database, query: Any) -> Any:
            rows = list(await read_one(database, query))
            if harness.running[harness.contact_ids[first]] and first not in harness.turn_counts:
                harness.held[first].set()
                await harness.wait_until(lambda: first in harness.turn_counts)
            return iter(rows)

        monkeypatch.setattr(Database, "read_one", read_and_let_turn_commit)
        async with self.running_engine(harness) as engine:
            await harness.wait_until(lambda: first in harness.turn_counts)
            (last,) = await harness.enroll()
            await engine.schedule([Wake(last, harness.clock.now())])
            await harness.wait_until(lambda: last in harness.turn_counts)
        assert harness.turn_counts == Counter([first, last])

    @pytest.mark.usefixtures("quickly_slow")
    async def test_closing_does_not_wait_for_a_blocked_thread(self, harness: TurnHarness):
        (stuck,) = await harness.enroll()
        harness.held[stuck] = asyncio.Event()
        async with self.running_engine(harness) as engine:
            await harness.wait_until(lambda: harness.running[harness.contact_ids[stuck]] == 1)
            async with asyncio.timeout(PATIENCE):
                await engine.close()
        assert not harness.turn_counts

    async def test_closing_while_the_rows_are_read_starts_no_turn(
        self, harness: TurnHarness, monkeypatch: pytest.MonkeyPatch
    ):
        read, closing = Database.read, list[asyncio.Task[None]]()

        async def close_and_read(database: Database, *queries: Any) -> Any:
            if not closing:
                closing.append(asyncio.create_task(engine.close()))
                await asyncio.sleep(0)
            return await read(database, *queries)

        await harness.enroll()
        monkeypatch.setattr(Database, "read", close_and_read)
        engine = self.create_engine(harness)
        await engine.run()
        await asyncio.gather(*closing)
        assert not harness.turn_counts
