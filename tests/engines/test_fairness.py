"""A crowd of one journey does not delay the first turn of another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.domain.contact import Contact
from hogsend.domain.enrollment import Enrollment
from hogsend.domain.ids import new_id
from hogsend.engines import embedded
from hogsend.engines.embedded import EmbeddedEngine
from hogsend.engines.port import Wake
from hogsend.store import contacts, enrollments
from hogsend.store.db import Database
from tests.engines.contract import Done, Stage

CROWD = 2000
# Sets that were begun before the newcomer was there, and the set that has the newcomer in it.
QUEUED_BATCHES = embedded.MAX_BATCHES + 1


@dataclass
class Order(Stage):
    """A stage that keeps the order in which turns begin.

    Args:
        order: the enrollments whose turns have begun.
    """

    order: list[UUID] = field(default_factory=list[UUID])

    async def crowd(self, journey_id: str, count: int) -> list[UUID]:
        """Enroll so many people in one journey, all of them long overdue."""
        now = self.clock.now()
        people = [Contact(new_id(now)) for _ in range(count)]
        new_enrollments = [
            Enrollment(
                id=new_id(now),
                contact_id=person.id,
                journey_id=journey_id,
                entry_key="",
                state="waiting",
                trigger_event_id=new_id(now),
                code_hash="",
                entered_at=now,
                wake_at=now - timedelta(days=1),
            )
            for person in people
        ]
        async with self.database.transaction() as tx:
            await tx.apply([contacts.insert(people, now), enrollments.insert(new_enrollments)])
        self.owner |= {one.id: one.contact_id for one in new_enrollments}
        return [one.id for one in new_enrollments]

    async def play(self, ids: Sequence[UUID], done: Done) -> None:
        self.order.extend(ids)
        await super().play(ids, done)


@pytest.fixture
def stage(database: Database, clock: ManualClock) -> Order:
    return Order(database, clock)


async def work_until(stage: Order, engine: EmbeddedEngine, condition: Callable[[], bool]) -> None:
    working = asyncio.create_task(engine.run())
    try:
        await stage.until(condition)
    finally:
        await engine.close()
        await working


async def test_a_newcomer_is_played_before_a_crowd_of_another_journey_is_through(stage: Order):
    crowd = await stage.crowd("crowd", CROWD)
    engine = EmbeddedEngine(stage.database, stage.clock, stage.play)
    working = asyncio.create_task(engine.run())
    await stage.until(lambda: len(stage.played) >= 2 * embedded.BATCH_SIZE)
    (newcomer,) = await stage.crowd("welcome", 1)
    before = len(stage.order)
    await engine.schedule([Wake(newcomer, stage.clock.now())])
    await stage.until(lambda: len(stage.played) == CROWD + 1)
    await engine.close()
    await working

    place = stage.order.index(newcomer)
    assert place - before <= QUEUED_BATCHES * embedded.BATCH_SIZE, "it waited for the crowd"
    assert place < CROWD - embedded.BATCH_SIZE
    assert set(stage.played) == {*crowd, newcomer}


async def test_journeys_that_are_due_together_take_turns(stage: Order):
    await stage.crowd("crowd", CROWD)
    small = [await stage.crowd(f"small-{number}", 3) for number in range(5)]
    engine = EmbeddedEngine(stage.database, stage.clock, stage.play)
    await work_until(stage, engine, lambda: len(stage.played) == CROWD + 15)
    places = [stage.order.index(one) for group in small for one in group]
    assert max(places) < embedded.MAX_BATCHES * embedded.BATCH_SIZE
