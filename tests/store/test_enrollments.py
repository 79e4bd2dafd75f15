"""Enrollments as rows: who is next, who holds a place, and who counts as having entered."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tortoise.fields import IntField

from hogsend.clock import ManualClock
from hogsend.domain.conditions import prop
from hogsend.domain.contact import Contact
from hogsend.domain.enrollment import LIVE_STATES, Enrollment, LookBack, Wait
from hogsend.domain.event import Event, on
from hogsend.domain.ids import new_id
from hogsend.domain.records import record
from hogsend.store import contacts, enrollments, parking
from hogsend.store.db import Database, Query, Write
from hogsend.store.models import EnrollmentRow
from tests.databases import make_enrollment

STATES = [*LIVE_STATES, "completed", "exited", "failed", "held_out"]
Make = Callable[..., Enrollment]


async def write(database: Database, *writes: Write) -> None:
    async with database.transaction() as tx:
        await tx.apply(writes)


@pytest.fixture
def make(clock: ManualClock) -> Make:
    """Make an enrollment of a person of its own."""

    def build(**given: Any) -> Enrollment:
        return make_enrollment(clock.now(), **given)

    return build


async def test_an_enrollment_comes_back_as_it_was(
    database: Database, make: Make, clock: ManualClock
):
    now = clock.now()
    event = Event(new_id(now), "used", {"n": 1}, seq=4, received_at=now)
    wait = Wait("wait:used", now + timedelta(days=1), (on("used", where=prop("n") > 0), on("x")))
    new = make(entry_key="cart-1", look_back=LookBack(3, now, new_id(now)))
    full = replace(
        new,
        state="waiting",
        turn=2,
        attempt=1,
        wait=wait,
        wait_result=event,
        look_back=LookBack(4, now + timedelta(days=1), event.id),
        sends=2,
        error="trace",
        end_reason="because",
        ended_at=now,
    )
    await write(database, enrollments.insert([new]))
    assert (await database.read_one(enrollments.find_by_ids([new.id])))[new.id] == new
    await write(database, enrollments.update([full], now))
    assert (await database.read_one(enrollments.find_by_ids([new.id])))[new.id] == full


@pytest.mark.parametrize("state", STATES)
async def test_only_the_live_hold_a_place(database: Database, make: Make, state: str):
    first = make(state=state)
    second = make(contact_id=first.contact_id)
    await write(database, enrollments.insert([first]))
    if state in LIVE_STATES:
        with pytest.raises(Exception, match=r"one_live_enrollment|UNIQUE"):
            await write(database, enrollments.insert([second]))
        beside = make(contact_id=first.contact_id, entry_key="another")
        await write(database, enrollments.insert([beside]))
    else:
        await write(database, enrollments.insert([second]))
    live = await database.read_one(enrollments.find_live([first.contact_id]))
    assert len(live) == (2 if state in LIVE_STATES else 1)


async def test_the_next_enrollment_is_the_earliest_to_wake(
    database: Database, make: Make, clock: ManualClock
):
    now = clock.now()
    later, soon, due = (make(wake_at=now + timedelta(hours=h)) for h in (2, 1, -1))
    others = [make(state=state) for state in STATES if state not in ("active", "waiting")]
    never = make(wake_at=None)
    await write(database, enrollments.insert([later, soon, due, never, *others]))
    assert await database.read_one(enrollments.find_due_journeys()) == ["j"]
    (rows,) = await database.read_one(enrollments.find_due([("j", 10)], now))
    # Those who are due, and of the others the first.
    assert [row.id for row in rows] == [due.id, soon.id]
    assert rows[0] == enrollments.DueEnrollment(
        due.id, due.contact_id, "j", now - timedelta(hours=1)
    )
    until = now + timedelta(hours=3)
    assert await database.read_one(enrollments.find_due([("j", 1), ("none", 1)], until)) == [
        [rows[0]],
        [],
    ]


async def test_only_the_live_are_in_a_wait(database: Database, make: Make, clock: ManualClock):
    enrollment = make()
    wait = Wait("sleep:a", clock.now())
    await write(database, enrollments.insert([enrollment]))
    for state, key in (("waiting", "sleep:a"), ("drifted", "sleep:a"), ("failed", None)):
        moved: Any = replace(enrollment, state=state, wait=wait)
        await write(database, enrollments.update([moved], clock.now()))
        rows = await database.read_one(Query("SELECT wait_key FROM enrollments", [], list))
        assert [row[0] for row in rows] == [key]
        # It keeps its wait, for an operator who continues it.
        by_id = await database.read_one(enrollments.find_by_ids([enrollment.id]))
        assert by_id[enrollment.id].wait == wait


async def test_parking_keeps_wake_times_and_calling_back_finds_them(
    database: Database, make: Make, clock: ManualClock
):
    active, waiting, other = make(), make(), make(journey_id="other")
    drifted, done = make(state="drifted"), make(state="completed")
    rows = [active, waiting, other, drifted, done]
    await write(database, enrollments.insert(rows))
    asleep = replace(waiting, state="waiting", wait=Wait("sleep:a", clock.now()))
    await write(database, enrollments.update([asleep], clock.now()))

    async def states() -> list[str]:
        by_id = await database.read_one(
            enrollments.find_by_ids([enrollment.id for enrollment in rows])
        )
        assert all(by_id[enrollment.id].wake_at == enrollment.wake_at for enrollment in rows)
        return [by_id[enrollment.id].state for enrollment in rows]

    await write(database, parking.park(["j"]))
    assert await states() == ["parked", "parked", "active", "drifted", "completed"]
    assert await database.read_one(parking.find_journeys_with_parked(["j", "other"])) == ["j"]
    counts = await database.read_one(parking.count_by_state(["j", "other"]))
    assert counts == {("j", "parked"): 2, ("other", "active"): 1}
    await write(database, parking.unpark(["j"]))
    assert await states() == ["active", "waiting", "active", "drifted", "completed"]
    assert await database.read_one(parking.find_journeys_with_parked(["j", "other"])) == []


async def test_the_last_entry_is_the_newest_of_the_person_and_of_those_merged_into_them(
    database: Database, make: Make, clock: ManualClock
):
    now = clock.now()
    ada, visitor = Contact(new_id(now)), Contact(new_id(now))

    def entered(who: UUID, hours: int, **given: Any) -> Enrollment:
        at = now + timedelta(hours=hours)
        return make(contact_id=who, state="completed", entered_at=at, **given)

    await write(
        database,
        contacts.insert([ada, visitor], now),
        enrollments.insert(
            [
                entered(ada.id, 1),
                entered(ada.id, 3, entry_key="cart"),
                entered(visitor.id, 2),
                entered(visitor.id, 1, entry_key="cart"),
                make(contact_id=ada.id, state="failed", entered_at=now + timedelta(hours=9)),
            ]
        ),
    )
    own = {("j", ""): now + timedelta(hours=1), ("j", "cart"): now + timedelta(hours=3)}
    last_entries = await database.read_one(enrollments.find_last_entries([ada.id]))
    assert {key: entry.at for key, entry in last_entries.items()} == {
        (ada.id, *k): at for k, at in own.items()
    }
    await write(database, *contacts.merge(visitor.id, ada.id, now))
    last_entries = await database.read_one(enrollments.find_last_entries([ada.id]))
    both = own | {("j", ""): now + timedelta(hours=2)}
    assert {key: entry.at for key, entry in last_entries.items()} == {
        (ada.id, *place): at for place, at in both.items()
    }


@record
class PrioritizedEnrollment(Enrollment):
    priority: int = 0


class PrioritizedRow(EnrollmentRow):
    priority = IntField(default=0)

    class Meta(EnrollmentRow.Meta):
        pass


def load_again(name: str) -> Any:
    """Return a second copy of a module, which sees names that were replaced since."""
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_a_new_column_needs_no_more_than_the_model_and_the_value(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hogsend.domain.enrollment.Enrollment", PrioritizedEnrollment)
    monkeypatch.setattr("hogsend.store.models.EnrollmentRow", PrioritizedRow)
    rows = load_again("hogsend.store.enrollment_rows")
    monkeypatch.setattr("hogsend.store.enrollment_rows.ENROLLMENTS", rows.ENROLLMENTS)
    extended = load_again("hogsend.store.enrollments")
    now = clock.now()
    urgent = PrioritizedEnrollment(
        id=new_id(now),
        contact_id=new_id(now),
        journey_id="j",
        entry_key="",
        state="active",
        trigger_event_id=new_id(now),
        code_hash="abc",
        entered_at=now,
        priority=7,
    )
    added = Write("ALTER TABLE enrollments ADD priority INT NOT NULL DEFAULT 0")

    await write(database, added, extended.insert([urgent]))
    assert await database.read_one(extended.find_by_ids([urgent.id])) == {urgent.id: urgent}

    calm = replace(urgent, priority=1)
    await write(database, extended.update([calm], now))
    assert await database.read_one(extended.find_by_ids([urgent.id])) == {urgent.id: calm}
