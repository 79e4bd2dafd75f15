"""A clock set back or forward, a suspended laptop, a machine off for a week: no wake is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hogsend.clock import ManualClock
from hogsend.engines.embedded import MAX_SLEEP
from hogsend.store import lag
from hogsend.store.db import Database
from tests.patience import PATIENCE
from tests.world import World, open_world

CROWD = 40
PATIENT_JOURNEY = """
@journey("patient", trigger="begun", list="journey")
async def patient(user, ctx):
    await ctx.sleep(hours(ctx.event.properties["hours"]), label="a while")
    await ctx.trigger("woke")
    await ctx.send("welcome")
"""
TWO_MAIL_JOURNEY = """
@journey("twice", trigger="begun")
async def twice(user, ctx):
    await ctx.send("welcome")
    await ctx.sleep(days(2), label="two days")
    await ctx.send("nudge")
"""


async def enroll_people(world: World, count: int = CROWD) -> list[str]:
    """Enroll people, of whom the last is due first; return them in the order of their wakes."""
    people = [f"user{number:03}" for number in range(count)]
    for number, user in enumerate(people):
        await world.submit(
            "begun",
            user_id=user,
            email=f"{user}@example.com",
            properties={"hours": count + 1 - number},
        )
    await world.settle()
    return people[::-1]


async def list_woken_people(world: World) -> list[str]:
    """Return the people who have woken, in that order."""
    rows = await world.query(
        "SELECT c.external_id FROM events e JOIN contacts c ON c.id = e.contact_id "
        "WHERE e.name = 'woke' ORDER BY e.id"
    )
    return [row[0] for row in rows]


async def test_overdue_enrollments_wake_in_order_after_the_clock_was_set_forward(
    world: World,
) -> None:
    await world.define(PATIENT_JOURNEY)
    people = await enroll_people(world)
    await world.advance(timedelta(days=30))
    assert await list_woken_people(world) == people
    assert await world.states() == ["completed"] * CROWD
    assert sorted(await world.mailbox()) == ["welcome"] * CROWD
    assert await world.counter_drift() == {}


async def test_a_machine_that_was_off_for_a_week_continues_where_it_stopped(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_world(sqlite_url, tmp_path, clock, with_worker=True) as world:
        await world.define(PATIENT_JOURNEY)
        people = await enroll_people(world)
    clock.set(clock.now() + timedelta(days=7))
    async with open_world(sqlite_url, tmp_path, clock, with_worker=True) as world:
        await world.settle()
        assert await list_woken_people(world) == people
        assert len(await world.mailbox()) == CROWD
        # No turn runs twice, and no mail is sent twice.
        await world.advance(timedelta(days=1))
        assert len(await list_woken_people(world)) == len(await world.mailbox()) == CROWD


async def test_a_clock_that_is_set_back_a_day_loses_nothing(world: World) -> None:
    await world.define(TWO_MAIL_JOURNEY)
    await world.emit("begun", "ada")
    noon = world.clock.now()

    await world.advance(timedelta(days=-1))
    await world.emit("begun", "bo")
    assert await world.mailbox("bo") == ["welcome"]
    # The events of a contact keep their order, whatever the clock says.
    await world.emit("seen", "ada")
    ada = await _contact_id(world, "ada")
    seqs = [event.seq for event in await world.events() if event.contact_id == ada]
    assert sorted(seqs) == [1, 2]

    await world.advance(timedelta(days=2))
    assert await world.mailbox("bo") == ["welcome", "nudge"]
    assert await world.mailbox("ada") == ["welcome"]
    world.clock.set(noon + timedelta(days=2))
    await world.advance(timedelta())
    assert await world.mailbox("ada") == ["welcome", "nudge"]
    assert await world.states() == ["completed", "completed"]


async def _contact_id(world: World, user: str) -> Any:
    return (await world.contact(user)).id


async def test_a_mail_queued_before_the_clock_was_set_back_is_sent(
    sqlite_world: World,
) -> None:
    world = sqlite_world
    await world.define(TWO_MAIL_JOURNEY)
    worker = world.runtime.worker
    assert worker is not None
    worker.mailer.send_hold = "until the clock is set back"
    started_at = world.clock.now()
    await world.submit("begun", user_id="ada", email="ada@example.com")
    async with asyncio.timeout(PATIENCE):
        while not await world.sends():
            pass
    world.clock.set(started_at - timedelta(hours=2))
    worker.mailer.send_hold = None
    worker.poll()
    await world.settle()
    assert await world.mailbox() == []
    world.clock.set(started_at)
    await world.advance(timedelta())
    assert await world.mailbox() == ["welcome"]


class LoopTime:
    """Moves the event loop's monotonic clock forward.

    Args:
        loop: the running loop.
        monkeypatch: restores the clock at the end.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
        self._time, self._ahead = loop.time, 0.0
        monkeypatch.setattr(loop, "time", lambda: self._time() + self._ahead)

    def jump(self, duration: timedelta) -> None:
        self._ahead += duration.total_seconds()


async def wait_until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Poll a condition by real time: the event loop's clock is moved by the test."""
    deadline = time.monotonic() + PATIENCE
    while not await condition():
        assert time.monotonic() < deadline, "the condition does not come true"


async def test_overdue_enrollments_are_noticed_after_the_machine_was_suspended(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = sqlite_world
    await world.define(PATIENT_JOURNEY)
    people = await enroll_people(world)
    loop_time = LoopTime(asyncio.get_running_loop(), monkeypatch)
    # The wall clock has moved without notice. The loop's clock stood still, except for the last
    # part of its wait.
    world.clock.set(world.clock.now() + timedelta(days=3))
    loop_time.jump(MAX_SLEEP)

    async def is_delivered() -> bool:
        return len(await world.mailbox()) == CROWD

    await wait_until(is_delivered)
    assert await list_woken_people(world) == people


async def test_waiting_enrollments_cause_few_reads(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = sqlite_world
    await world.define(PATIENT_JOURNEY)
    await enroll_people(world)
    reads = 0
    read = Database.read

    async def count_reads(database: Database, *queries: Any) -> list[Any]:
        nonlocal reads
        reads += 1
        return await read(database, *queries)

    loop_time = LoopTime(asyncio.get_running_loop(), monkeypatch)
    monkeypatch.setattr(Database, "read", count_reads)
    half_minutes = 100
    ours = 0
    for _ in range(half_minutes):
        world.clock.set(world.clock.now() + timedelta(seconds=30))
        loop_time.jump(timedelta(seconds=30))
        for _ in range(5):
            # Reads are answered in their order.
            await world.database.read_one(lag.ping())
            ours += 1
    assert await list_woken_people(world) == []
    # One read each of due turns, mails and held clicks, and sometimes one of expired rows.
    assert half_minutes <= reads - ours <= 8 * half_minutes
