"""What every engine promises, whatever it is made of: inherit it and say how to make one."""

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
from hogsend.engines.port import Engine, Wake
from hogsend.store import contacts, enrollments
from hogsend.store.db import Database
from tests.patience import PATIENCE

Done = Callable[[Collection[UUID]], None]


@dataclass
class Stage:
    """People with enrollments, and a player that notes whom it plays and lets them rest.

    Args:
        database: where the rows are.
        clock: what engine and test take for the time.
        played: how often each enrollment was played.
        under_way: contacts that a turn is under way for.
        hold: turns of these enrollments take until they are let go.
        one_journey: whether all are in one journey, where each has to be known beforehand.
    """

    database: Database
    clock: ManualClock
    played: Counter[UUID] = field(default_factory=Counter)
    under_way: Counter[UUID] = field(default_factory=Counter)
    hold: dict[UUID, asyncio.Event] = field(default_factory=dict)
    fail_next: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    owner: dict[UUID, UUID] = field(default_factory=dict)
    one_journey: bool = False

    async def enroll(
        self,
        count: int = 1,
        *,
        wake: datetime | None = None,
        state: State = "waiting",
        contact: UUID | None = None,
    ) -> list[UUID]:
        """Add enrollments that are due, of different people unless one is given."""
        now = self.clock.now()
        people = [Contact(new_id(now)) for _ in range(count)] if contact is None else []
        new_enrollments = [
            Enrollment(
                id=new_id(now),
                contact_id=contact or people[n].id,
                journey_id="j0" if self.one_journey else self._journey(n, contact),
                entry_key=new_id(now).hex if self.one_journey else "",
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
        self.owner |= {one.id: one.contact_id for one in new_enrollments}
        return [one.id for one in new_enrollments]

    def _journey(self, number: int, contact: UUID | None) -> str:
        """Return a journey that this contact is not in yet."""
        return f"j{number}" if contact is None else f"j{new_id(self.clock.now()).hex}"

    async def play(self, ids: Sequence[UUID], done: Done) -> Collection[UUID]:
        """Play turns: a due enrollment rests afterwards."""
        if self.fail_next:
            self.fail_next -= 1
            raise RuntimeError("this set could not be played")
        for one in ids:
            self.under_way[self.owner[one]] += 1
            assert self.under_way[self.owner[one]] == 1, "two turns of one contact at a time"
        held = [one for one in ids if one in self.hold]
        await self._commit([one for one in ids if one not in held], done)
        for one in held:
            self.changed.set()
            await self.hold[one].wait()
            await self._commit([one], done)
        return ()

    async def rest(self, ids: Sequence[UUID]) -> None:
        """Let enrollments wait for nothing."""
        async with self.database.transaction() as tx:
            present = await tx.fetch_one(enrollments.find_by_ids(ids))
            resting = [replace(one, wake_at=None) for one in present.values()]
            await tx.apply([enrollments.update(resting, self.clock.now(), freed=True)])

    async def _commit(self, ids: Sequence[UUID], done: Done) -> None:
        await self.rest(ids)
        for one in ids:
            self.played[one] += 1
            self.under_way[self.owner[one]] -= 1
        done(ids)
        self.changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


class EngineContract:
    """The promises of `engines.port.Engine`."""

    # How many people there are where it takes a crowd.
    many, others = 1000, 600

    def make(self, stage: Stage) -> Engine:
        """Make an engine that plays with `stage.play`."""
        raise NotImplementedError

    @asynccontextmanager
    async def at_work(self, stage: Stage) -> AsyncGenerator[Engine]:
        """Let an engine work, and close it at the end."""
        engine = self.make(stage)
        working = asyncio.create_task(engine.run())
        try:
            yield engine
        finally:
            await engine.close()
            await working

    async def test_an_enrollment_that_was_due_before_the_start_is_played(self, stage: Stage):
        due = await stage.enroll(3)
        async with self.at_work(stage):
            await stage.until(lambda: len(stage.played) == 3)
        assert stage.played == Counter(due)

    async def test_a_due_enrollment_is_played_at_once_when_the_engine_is_notified(
        self, stage: Stage
    ):
        async with self.at_work(stage) as engine:
            for _ in range(3):
                due = await stage.enroll(2)
                await engine.schedule([Wake(one, stage.clock.now()) for one in due])
                await stage.until(lambda due=due: all(one in stage.played for one in due))
        assert set(stage.played.values()) == {1}

    async def test_a_thousand_that_are_due_are_each_played_once(self, stage: Stage):
        due = await stage.enroll(self.many)
        async with self.at_work(stage):
            await stage.until(lambda: len(stage.played) == len(due))
        assert set(stage.played.values()) == {1}

    async def test_an_enrollment_that_is_not_due_is_not_played(self, stage: Stage):
        later = await stage.enroll(2, wake=stage.clock.now() + timedelta(hours=1))
        async with self.at_work(stage) as engine:
            await engine.schedule(
                [Wake(one, stage.clock.now() + timedelta(hours=1)) for one in later]
            )
            (due,) = await stage.enroll()
            await engine.schedule([Wake(due, stage.clock.now())])
            await stage.until(lambda: due in stage.played)
        assert stage.played == Counter([due])

    @pytest.mark.parametrize("state", ["parked", "drifted", "exited", "completed", "failed"])
    async def test_an_enrollment_that_has_stopped_is_not_played(self, stage: Stage, state: State):
        await stage.enroll(state=state)
        (due,) = await stage.enroll()
        async with self.at_work(stage):
            await stage.until(lambda: due in stage.played)
        assert stage.played == Counter([due])

    async def test_one_turn_of_a_contact_at_a_time(self, stage: Stage):
        (first,) = await stage.enroll()
        beside = await stage.enroll(3, contact=stage.owner[first])
        async with self.at_work(stage):
            await stage.until(lambda: len(stage.played) == 4)
        assert set(stage.played) == {first, *beside}

    async def test_a_long_turn_does_not_delay_other_enrollments(self, stage: Stage):
        slow = await stage.enroll(3)
        stage.hold = {one: asyncio.Event() for one in slow}
        async with self.at_work(stage) as engine:
            await stage.until(lambda: all(stage.under_way[stage.owner[one]] for one in slow[:1]))
            same_person = await stage.enroll(1, contact=stage.owner[slow[0]])
            others = await stage.enroll(self.others)
            now = stage.clock.now()
            await engine.schedule([Wake(one, now) for one in (*same_person, *others)])
            await stage.until(lambda: all(one in stage.played for one in others))
            assert not {*slow, *same_person} & set(stage.played)
            for event in stage.hold.values():
                event.set()
            await stage.until(lambda: len(stage.played) == len(others) + 4)
        assert set(stage.played.values()) == {1}

    async def test_a_set_that_fails_is_played_again(
        self, stage: Stage, caplog: pytest.LogCaptureFixture
    ):
        (due,) = await stage.enroll()
        stage.fail_next = 2
        async with self.at_work(stage):
            await stage.until(lambda: due in stage.played)
        assert "will run again" in caplog.text

    async def test_closing_waits_for_turns_under_way_and_begins_no_more(self, stage: Stage):
        (held,) = await stage.enroll()
        stage.hold[held] = asyncio.Event()
        async with self.at_work(stage) as engine:
            await stage.until(lambda: stage.under_way[stage.owner[held]] == 1)
            closing = asyncio.create_task(engine.close())
            await stage.enroll()
            stage.hold[held].set()
            await closing
            assert stage.played == Counter([held])

    async def test_a_wrong_notification_is_harmless(self, stage: Stage):
        """Wakes and exits are hints; the rows are what counts."""
        nobody = new_id(stage.clock.now())
        (due,) = await stage.enroll()
        async with self.at_work(stage) as engine:
            await engine.schedule([Wake(nobody, stage.clock.now())])
            await engine.cancel([nobody, due])
            await stage.until(lambda: due in stage.played)
        assert stage.played == Counter([due])
