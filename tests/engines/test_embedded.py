"""The engine in this process, on both kinds of database."""

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
from tests.engines.contract import EngineContract, Stage
from tests.patience import PATIENCE


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error is got over at once."""
    monkeypatch.setattr(embedded, "_ERROR_RETRY_DELAY", 0.0)


@pytest.fixture
def soon_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a set that takes its time."""
    monkeypatch.setattr(embedded, "SLOW_AFTER", 0.05)


class TestEmbeddedEngine(EngineContract):
    def make(self, stage: Stage) -> EmbeddedEngine:
        return EmbeddedEngine(stage.database, stage.clock, stage.play)

    @pytest.mark.usefixtures("soon_late")
    async def test_a_long_turn_does_not_delay_other_enrollments(self, stage: Stage):
        await super().test_a_long_turn_does_not_delay_other_enrollments(stage)

    async def test_passing_time_wakes_waiting_enrollments(self, stage: Stage):
        (sleeper,) = await stage.enroll(wake=stage.clock.now() + timedelta(days=2))
        (due,) = await stage.enroll()
        async with self.at_work(stage) as engine:
            assert isinstance(engine, EmbeddedEngine)
            await stage.until(lambda: due in stage.played)
            stage.clock.set(stage.clock.now() + timedelta(days=2))
            engine.poll()
            await stage.until(lambda: sleeper in stage.played)

    async def test_a_set_that_ends_makes_room_for_the_next(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(embedded, "MAX_BATCHES", 1)
        monkeypatch.setattr(embedded, "BATCH_SIZE", 1)
        due = await stage.enroll(4)
        async with self.at_work(stage):
            await stage.until(lambda: len(stage.played) == 4)
        assert stage.played == Counter(due)

    async def test_news_that_comes_while_the_rows_are_read_is_not_lost(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ):
        """A wake that the engine knew of is gone, and it reads on while another one is told."""
        soon = stage.clock.now() + timedelta(hours=1)
        (gone,) = await stage.enroll(wake=soon)
        reading = Database.read_one
        has_read, notified = asyncio.Event(), asyncio.Event()

        async def read_and_wait_for_notification(database: Database, query: Any) -> Any:
            rows = await reading(database, query)
            has_read.set()
            if stage.clock.now() >= soon and not notified.is_set():
                notified.set()
                (due,) = await stage.enroll(wake=soon)
                await engine.schedule([Wake(due, soon)])
            return rows

        monkeypatch.setattr(Database, "read_one", read_and_wait_for_notification)
        async with self.at_work(stage) as engine:
            assert isinstance(engine, EmbeddedEngine)
            await has_read.wait()
            await stage.rest([gone])
            stage.clock.set(soon)
            engine.poll()
            await stage.until(lambda: len(stage.played) == 1)

    async def test_an_enrollment_played_during_the_read_is_not_played_again(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ):
        (first,) = await stage.enroll()
        stage.hold[first] = asyncio.Event()
        reading = Database.read_one

        async def read_and_be_overtaken(database: Database, query: Any) -> Any:
            rows = list(await reading(database, query))
            if stage.under_way[stage.owner[first]] and first not in stage.played:
                stage.hold[first].set()
                await stage.until(lambda: first in stage.played)
            return iter(rows)

        monkeypatch.setattr(Database, "read_one", read_and_be_overtaken)
        async with self.at_work(stage) as engine:
            await stage.until(lambda: first in stage.played)
            (last,) = await stage.enroll()
            await engine.schedule([Wake(last, stage.clock.now())])
            await stage.until(lambda: last in stage.played)
        assert stage.played == Counter([first, last])

    @pytest.mark.usefixtures("soon_late")
    async def test_closing_does_not_wait_for_a_blocked_thread(self, stage: Stage):
        (stuck,) = await stage.enroll()
        stage.hold[stuck] = asyncio.Event()
        async with self.at_work(stage) as engine:
            await stage.until(lambda: stage.under_way[stage.owner[stuck]] == 1)
            async with asyncio.timeout(PATIENCE):
                await engine.close()
        assert not stage.played

    async def test_closing_while_the_rows_are_read_begins_nothing(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ):
        reading, closing = Database.read, list[asyncio.Task[None]]()

        async def be_closed_and_read(database: Database, *queries: Any) -> Any:
            if not closing:
                closing.append(asyncio.create_task(engine.close()))
                await asyncio.sleep(0)
            return await reading(database, *queries)

        await stage.enroll()
        monkeypatch.setattr(Database, "read", be_closed_and_read)
        engine = self.make(stage)
        await engine.run()
        await asyncio.gather(*closing)
        assert not stage.played
