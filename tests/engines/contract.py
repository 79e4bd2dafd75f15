"""The promises that every engine keeps; a test class for each engine inherits them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.domain.contact import Contact
from hogsend.domain.enrollment import Enrollment, State
from hogsend.domain.ids import new_id
from hogsend.engines.port import Engine, OnCommitted, Wake
from hogsend.store import contacts, enrollments
from hogsend.store.db import Database
from tests.patience import PATIENCE


@dataclass
class TurnHarness:
    """Enrollments in the database, and the function that runs their turns for an engine.

    Args:
        database: the database with the enrollments.
        clock: the clock of the engine and of the test.
        turn_counts: how many turns of each enrollment were committed.
        running: how many turns of each contact are running.
        held: events that end the turns of these enrollments.
        failures_left: how many of the next batches fail.
        changed: set whenever the record changes.
        contact_ids: the contact of each enrollment.
        uses_one_journey: whether all enrollments are in one journey, for an engine that has to know
            its journeys.
    """

    database: Database
    clock: ManualClock
    turn_counts: Counter[UUID] = field(default_factory=Counter)
    running: Counter[UUID] = field(default_factory=Counter)
    held: dict[UUID, asyncio.Event] = field(default_factory=dict)
    failures_left: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    contact_ids: dict[UUID, UUID] = field(default_factory=dict)
    uses_one_journey: bool = False

    async def enroll(
        self,
        count: int = 1,
        *,
        wake: datetime | None = None,
        state: State = "waiting",
        contact: UUID | None = None,
    ) -> list[UUID]:
        """Add due enrollments, of different contacts unless a contact is named."""
        now = self.clock.now()
        people = [Contact(new_id(now)) for _ in range(count)] if contact is None else []
        new_enrollments = [
            Enrollment(
                id=new_id(now),
                contact_id=contact or people[n].id,
                journey_id="j0" if self.uses_one_journey else self._choose_journey(n, contact),
                entry_key=new_id(now).hex if self.uses_one_journey else "",
                state=state,
                trigger_event_id=new_id(now),
                code_hash="",
                entered_at=now,
                wake_at=wake or now,
            )
            for n in range(count)
        ]
        async with self.database.transaction() as tx:
            await tx.apply([contacts.insert(people, now), enrollments.insert(new_enrollments)])
        self.contact_ids |= {enrollment.id: enrollment.contact_id for enrollment in new_enrollments}
        return [enrollment.id for enrollment in new_enrollments]

    def _choose_journey(self, number: int, contact: UUID | None) -> str:
        """Return a journey that the contact is not in."""
        return f"j{number}" if contact is None else f"j{new_id(self.clock.now()).hex}"

    async def run_turns(self, ids: Sequence[UUID], on_committed: OnCommitted) -> Collection[UUID]:
        """Run turns and commit them, after which the enrollments are not due any more."""
        if self.failures_left:
            self.failures_left -= 1
            raise RuntimeError("this batch fails")
        for enrollment_id in ids:
            contact_id = self.contact_ids[enrollment_id]
            self.running[contact_id] += 1
            assert self.running[contact_id] == 1, "two turns of one contact at a time"
        held = [id for id in ids if id in self.held]
        await self._commit([id for id in ids if id not in held], on_committed)
        for enrollment_id in held:
            self.changed.set()
            await self.held[enrollment_id].wait()
            await self._commit([enrollment_id], on_committed)
        return ()

    async def clear_wakes(self, ids: Sequence[UUID]) -> None:
        """Remove the wake times of enrollments."""
        async with self.database.transaction() as tx:
            by_id = await tx.fetch_one(enrollments.find_by_ids(ids))
            without_wake = [replace(row, wake_at=None) for row in by_id.values()]
            await tx.apply([enrollments.update(without_wake, self.clock.now(), freed=True)])

    async def _commit(self, ids: Sequence[UUID], on_committed: OnCommitted) -> None:
        await self.clear_wakes(ids)
        for enrollment_id in ids:
            self.turn_counts[enrollment_id] += 1
            self.running[self.contact_ids[enrollment_id]] -= 1
        on_committed(ids)
        self.changed.set()

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on the record holds."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


class EngineContract:
    """The promises of `engines.port.Engine`."""

    # The numbers of enrollments in the tests with many.
    many, others = 1000, 600

    def create_engine(self, harness: TurnHarness) -> Engine:
        """Create an engine that runs turns with `harness.run_turns`."""
        raise NotImplementedError

    @asynccontextmanager
    async def running_engine(self, harness: TurnHarness) -> AsyncGenerator[Engine]:
        """Run an engine, and close it at the end."""
        engine = self.create_engine(harness)
        working = asyncio.create_task(engine.run())
        try:
            yield engine
        finally:
            await engine.close()
            await working

    async def test_an_enrollment_that_was_due_before_the_start_runs(self, harness: TurnHarness):
        due = await harness.enroll(3)
        async with self.running_engine(harness):
            await harness.wait_until(lambda: len(harness.turn_counts) == 3)
        assert harness.turn_counts == Counter(due)

    async def test_a_due_enrollment_runs_immediately_when_the_engine_is_notified(
        self, harness: TurnHarness
    ):
        async with self.running_engine(harness) as engine:
            for _ in range(3):
                due = await harness.enroll(2)
                await engine.schedule([Wake(id, harness.clock.now()) for id in due])
                await harness.wait_until(lambda due=due: harness.turn_counts.keys() >= {*due})
        assert set(harness.turn_counts.values()) == {1}

    async def test_each_of_many_due_enrollments_runs_once(self, harness: TurnHarness):
        due = await harness.enroll(self.many)
        async with self.running_engine(harness):
            await harness.wait_until(lambda: len(harness.turn_counts) == len(due))
        assert set(harness.turn_counts.values()) == {1}

    async def test_an_enrollment_that_is_not_due_does_not_run(self, harness: TurnHarness):
        later = await harness.enroll(2, wake=harness.clock.now() + timedelta(hours=1))
        async with self.running_engine(harness) as engine:
            in_an_hour = harness.clock.now() + timedelta(hours=1)
            await engine.schedule([Wake(id, in_an_hour) for id in later])
            (due,) = await harness.enroll()
            await engine.schedule([Wake(due, harness.clock.now())])
            await harness.wait_until(lambda: due in harness.turn_counts)
        assert harness.turn_counts == Counter([due])

    @pytest.mark.parametrize("state", ["parked", "drifted", "exited", "completed", "failed"])
    async def test_an_enrollment_that_has_stopped_does_not_run(
        self, harness: TurnHarness, state: State
    ):
        await harness.enroll(state=state)
        (due,) = await harness.enroll()
        async with self.running_engine(harness):
            await harness.wait_until(lambda: due in harness.turn_counts)
        assert harness.turn_counts == Counter([due])

    async def test_a_contact_has_only_one_turn_at_a_time(self, harness: TurnHarness):
        (first,) = await harness.enroll()
        others = await harness.enroll(3, contact=harness.contact_ids[first])
        async with self.running_engine(harness):
            await harness.wait_until(lambda: len(harness.turn_counts) == 4)
        assert set(harness.turn_counts) == {first, *others}

    async def test_a_long_turn_does_not_delay_other_enrollments(self, harness: TurnHarness):
        slow = await harness.enroll(3)
        harness.held = {enrollment_id: asyncio.Event() for enrollment_id in slow}
        async with self.running_engine(harness) as engine:
            slow_contact = harness.contact_ids[slow[0]]
            await harness.wait_until(lambda: harness.running[slow_contact] == 1)
            same_contact = await harness.enroll(1, contact=slow_contact)
            others = await harness.enroll(self.others)
            now = harness.clock.now()
            await engine.schedule([Wake(id, now) for id in (*same_contact, *others)])
            await harness.wait_until(lambda: harness.turn_counts.keys() >= {*others})
            assert not {*slow, *same_contact} & set(harness.turn_counts)
            for event in harness.held.values():
                event.set()
            await harness.wait_until(lambda: len(harness.turn_counts) == len(others) + 4)
        assert set(harness.turn_counts.values()) == {1}

    async def test_a_batch_that_fails_runs_again(
        self, harness: TurnHarness, caplog: pytest.LogCaptureFixture
    ):
        (due,) = await harness.enroll()
        harness.failures_left = 2
        async with self.running_engine(harness):
            await harness.wait_until(lambda: due in harness.turn_counts)
        assert "will run again" in caplog.text

    async def test_closing_waits_for_running_turns_and_starts_no_more(self, harness: TurnHarness):
        (held,) = await harness.enroll()
        harness.held[held] = asyncio.Event()
        async with self.running_engine(harness) as engine:
            await harness.wait_until(lambda: harness.running[harness.contact_ids[held]] == 1)
            closing = asyncio.create_task(engine.close())
            await harness.enroll()
            harness.held[held].set()
            await closing
            assert harness.turn_counts == Counter([held])

    async def test_a_wrong_notification_is_harmless(self, harness: TurnHarness):
        """Notifications of wakes and exits are only hints; the rows decide."""
        unknown_id = new_id(harness.clock.now())
        (due,) = await harness.enroll()
        async with self.running_engine(harness) as engine:
            await engine.schedule([Wake(unknown_id, harness.clock.now())])
            await engine.cancel([unknown_id, due])
            await harness.wait_until(lambda: due in harness.turn_counts)
        assert harness.turn_counts == Counter([due])
