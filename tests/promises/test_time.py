"""A clock set back or forward, a laptop asleep, a machine off for a week: no wake is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hogsend.clock import ManualClock
from hogsend.engines.embedded import LONGEST_SLEEP
from hogsend.store import lag
from hogsend.store.db import Database
from tests.world import PATIENCE, World, open_world

CROWD = 40
PATIENT = """
@journey("patient", trigger="begun", list="journey")
async def patient(user, ctx):
    await ctx.sleep(hours(ctx.event.properties["hours"]), label="a while")
    await ctx.trigger("woke")
    await ctx.send("welcome")
"""
TWICE = """
@journey("twice", trigger="begun")
async def twice(user, ctx):
    await ctx.send("welcome")
    await ctx.sleep(days(2), label="two days")
    await ctx.send("nudge")
"""


async def enter(world: World, count: int = CROWD) -> list[str]:
    """Let people enter who wait the shorter, the later they came; return them by who is due."""
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


async def woken(world: World) -> list[str]:
    """Return who went on, in the order in which they did."""
    rows = await world.query(
        "SELECT c.external_id FROM events e JOIN contacts c ON c.id = e.contact_id "
        "WHERE e.name = 'woke' ORDER BY e.id"
    )
    return [row[0] for row in rows]


async def test_a_clock_set_forward_a_month_lets_the_overdue_go_on_in_the_order_they_were_due(
    world: World,
) -> None:
    await world.define(PATIENT)
    people = await enter(world)
    await world.advance(timedelta(days=30))
    assert await woken(world) == people
    assert await world.states() == ["completed"] * CROWD
    assert sorted(await world.mailbox()) == ["welcome"] * CROWD
    assert await world.counter_drift() == {}


async def test_a_machine_off_for_a_week_goes_on_where_it_stopped(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_world(sqlite_url, tmp_path, clock, with_worker=True) as world:
        await world.define(PATIENT)
        people = await enter(world)
    clock.set(clock.now() + timedelta(days=7))
    async with open_world(sqlite_url, tmp_path, clock, with_worker=True) as world:
        await world.settle()
        assert await woken(world) == people
        assert len(await world.mailbox()) == CROWD
        # Nobody is played, and nothing sent, a second time.
        await world.advance(timedelta(days=1))
        assert len(await woken(world)) == len(await world.mailbox()) == CROWD


async def test_a_clock_set_back_a_day_delays_and_loses_nothing(world: World) -> None:
    await world.define(TWICE)
    await world.emit("begun", "ada")
    noon = world.clock.now()

    await world.advance(timedelta(days=-1))
    await world.emit("begun", "bo")
    assert await world.mailbox("bo") == ["welcome"]
    # Of the events of a contact the later one stays the later, whatever the clock says.
    await world.emit("seen", "ada")
    seqs = [one.seq for one in await world.events() if one.contact_id == (await _id(world, "ada"))]
    assert sorted(seqs) == [1, 2]

    await world.advance(timedelta(days=2))
    assert await world.mailbox("bo") == ["welcome", "nudge"]
    assert await world.mailbox("ada") == ["welcome"]
    world.clock.set(noon + timedelta(days=2))
    await world.advance(timedelta())
    assert await world.mailbox("ada") == ["welcome", "nudge"]
    assert await world.states() == ["completed", "completed"]


async def _id(world: World, user: str) -> Any:
    return (await world.contact(user)).id


async def test_a_mail_that_was_queued_before_the_clock_was_set_back_still_leaves(
    sqlite_world: World,
) -> None:
    world = sqlite_world
    await world.define(TWICE)
    worker = world.runtime.worker
    assert worker is not None
    worker.mailer.fence = "until the clock is set back"
    begun = world.clock.now()
    await world.submit("begun", user_id="ada", email="ada@example.com")
    async with asyncio.timeout(PATIENCE):
        while not await world.sends():
            pass
    world.clock.set(begun - timedelta(hours=2))
    worker.mailer.fence = None
    worker.poll()
    await world.settle()
    assert await world.mailbox() == []
    world.clock.set(begun)
    await world.advance(timedelta())
    assert await world.mailbox() == ["welcome"]


class LoopTime:
    """The loop's own clock, which no one can set back, moved forward by hand.

    Args:
        loop: the running loop.
        monkeypatch: puts its own clock back at the end.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
        self._time, self._ahead = loop.time, 0.0
        monkeypatch.setattr(loop, "time", lambda: self._time() + self._ahead)

    def jump(self, duration: timedelta) -> None:
        self._ahead += duration.total_seconds()


async def until(asked: Callable[[], Awaitable[bool]], patience: LoopTime) -> None:
    """Wait for a true answer, which takes some visits to the database."""
    for _ in range(2000):
        if await asked():
            return
    raise AssertionError("it did not come to that")


async def test_after_a_sleep_of_the_machine_the_overdue_are_noticed_without_being_told(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = sqlite_world
    await world.define(PATIENT)
    people = await enter(world)
    loop_time = LoopTime(asyncio.get_running_loop(), monkeypatch)
    # The wall clock has moved on and nobody says so; the loop's stood still, but for its last
    # bit of waiting.
    world.clock.set(world.clock.now() + timedelta(days=3))
    loop_time.jump(LONGEST_SLEEP)

    async def all_there() -> bool:
        return len(await world.mailbox()) == CROWD

    await until(all_there, loop_time)
    assert await woken(world) == people


async def test_who_waits_costs_next_to_nothing(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = sqlite_world
    await world.define(PATIENT)
    await enter(world)
    reads = 0
    read = Database.read

    async def counted(database: Database, *queries: Any) -> list[Any]:
        nonlocal reads
        reads += 1
        return await read(database, *queries)

    loop_time = LoopTime(asyncio.get_running_loop(), monkeypatch)
    monkeypatch.setattr(Database, "read", counted)
    half_minutes = 100
    ours = 0
    for _ in range(half_minutes):
        world.clock.set(world.clock.now() + timedelta(seconds=30))
        loop_time.jump(timedelta(seconds=30))
        for _ in range(5):
            # Each is answered after those that were asked before it.
            await world.database.read_one(lag.alive())
            ours += 1
    assert await woken(world) == []
    # A look at turns, one at mails, one at held clicks, and the odd one at what may be removed.
    assert half_minutes <= reads - ours <= 8 * half_minutes
