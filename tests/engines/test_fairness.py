"""The backlog of one journey does not delay the turns of another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
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
from hogsend.engines.port import OnCommitted, Wake
from hogsend.store import contacts, enrollments
from hogsend.store.db import Database
from tests.engines.contract import TurnHarness

CROWD = 2000
# The batches that begin before the new enrollment exists, and the batch that contains it.
QUEUED_BATCHES = embedded.MAX_BATCHES + 1


@dataclass
class OrderedHarness(TurnHarness):
    """A harness that records the order in which turns begin.

    Args:
        order: the enrollments whose turns have begun, in order.
    """

    order: list[UUID] = field(default_factory=list[UUID])

    async def enroll_crowd(self, journey_id: str, count: int) -> list[UUID]:
        """Add overdue enrollments of different contacts in one journey."""
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
        self.contact_ids |= {enrollment.id: enrollment.contact_id for enrollment in new_enrollments}
        return [enrollment.id for enrollment in new_enrollments]

    async def run_turns(self, ids: Sequence[UUID], on_committed: OnCommitted) -> Collection[UUID]:
        self.order.extend(ids)
        return await super().run_turns(ids, on_committed)


@pytest.fixture
def harness(database: Database, clock: ManualClock) -> OrderedHarness:
    return OrderedHarness(database, clock)


async def work_until(
    harness: OrderedHarness, engine: EmbeddedEngine, condition: Callable[[], bool]
) -> None:
    working = asyncio.create_task(engine.run())
    try:
        await harness.wait_until(condition)
    finally:
        await engine.close()
        await working


async def test_a_new_enrollment_runs_before_the_backlog_of_another_journey_ends(
    harness: OrderedHarness,
):
    crowd = await harness.enroll_crowd("crowd", CROWD)
    engine = EmbeddedEngine(harness.database, harness.clock, harness.run_turns)
    working = asyncio.create_task(engine.run())
    await harness.wait_until(lambda: len(harness.turn_counts) >= 2 * embedded.BATCH_SIZE)
    (new_enrollment,) = await harness.enroll_crowd("welcome", 1)
    begun_count = len(harness.order)
    await engine.schedule([Wake(new_enrollment, harness.clock.now())])
    await harness.wait_until(lambda: len(harness.turn_counts) == CROWD + 1)
    await engine.close()
    await working

    index = harness.order.index(new_enrollment)
    assert index - begun_count <= QUEUED_BATCHES * embedded.BATCH_SIZE, "waited for the backlog"
    assert index < CROWD - embedded.BATCH_SIZE
    assert set(harness.turn_counts) == {*crowd, new_enrollment}


async def test_journeys_with_due_enrollments_share_the_batches(harness: OrderedHarness):
    await harness.enroll_crowd("crowd", CROWD)
    small = [await harness.enroll_crowd(f"small-{number}", 3) for number in range(5)]
    engine = EmbeddedEngine(harness.database, harness.clock, harness.run_turns)
    await work_until(harness, engine, lambda: len(harness.turn_counts) == CROWD + 15)
    indexes = [harness.order.index(enrollment_id) for group in small for enrollment_id in group]
    assert max(indexes) < embedded.MAX_BATCHES * embedded.BATCH_SIZE
