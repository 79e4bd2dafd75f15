"""One turn of a person at a time, and no journey waits for another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from hogsend import days, hours
from tests.patience import PATIENCE
from tests.world import World

# Lets the journey go that keeps its thread.
GATE = threading.Event()


@pytest.fixture(autouse=True)
def _gate() -> Iterator[None]:
    GATE.clear()
    yield
    GATE.set()


async def test_two_journeys_of_one_person_never_both_count_no_mail_sent_today(world: World):
    await world.define(
        "\n".join(
            f"""
    @journey("{name}", trigger="go")
    async def {name}(user, ctx):
        if await ctx.throttle(1, days(1)):
            await ctx.send("welcome")
        else:
            await ctx.checkpoint("another day")
"""
            for name in ("one", "two", "three")
        )
    )
    users = [f"u{number}" for number in range(20)]
    await asyncio.gather(
        *(world.submit("go", user_id=user, email=f"{user}@example.com") for user in users)
    )
    await world.settle()
    assert set(await world.states()) == {"completed"}
    assert sorted(send.to_email or "" for send in await world.sends()) == sorted(
        f"{user}@example.com" for user in users
    )


async def test_the_next_journey_of_a_person_sees_what_the_one_before_has_committed(world: World):
    """Each would count the other's event, had they been played side by side."""
    await world.define(
        "\n".join(
            f"""
    @journey("{name}", trigger="go")
    async def {name}(user, ctx):
        before = await ctx.history.count("reported")
        await ctx.trigger("reported", {{"before": before}})
"""
            for name in ("one", "two", "three")
        )
    )
    await world.emit("go")
    counts = [event.properties["before"] for event in await world.events("reported")]
    assert counts == [0, 1, 2]


BESIDE = """
    from tests.turns.test_one_at_a_time import GATE

    @journey("odd", trigger="go", entry="unlimited")
    async def odd(user, ctx):
        {}

    @journey("sound", trigger="go")
    async def sound(user, ctx):
        await ctx.sleep(hours(1))
        await ctx.send("welcome")
"""


async def test_a_journey_that_keeps_its_thread_delays_no_other_journey(sqlite_world: World):
    await sqlite_world.define(BESIDE.format(f"GATE.wait({PATIENCE})").replace('"go")', '"begin")'))
    await sqlite_world.submit("go", user_id="bo", email="bo@example.com")
    for user in ("ada", "cy"):
        await sqlite_world.submit("begin", user_id=user, email=f"{user}@example.com")

    async def sound() -> list[str]:
        found = await sqlite_world.all_enrollments()
        return [one.state for one in found if one.journey_id == "sound"]

    async with asyncio.timeout(PATIENCE):
        while await sound() != ["waiting", "waiting"]:
            pass
        sqlite_world.clock.set(sqlite_world.clock.now() + hours(1))
        assert sqlite_world.runtime.worker is not None
        sqlite_world.runtime.worker.poll()
        while await sound() != ["completed", "completed"]:
            pass
    # It has had its thread all the while.
    assert not GATE.is_set()
    assert (await sqlite_world.all_enrollments())[0].turn == 0
    GATE.set()
    await sqlite_world.settle()
    assert await sqlite_world.states() == ["completed"] * 3


async def test_a_journey_that_always_fails_delays_no_other_journey(world: World):
    await world.define(BESIDE.format("raise ValueError"))
    users = [f"u{number}" for number in range(10)]
    for user in users:
        await world.submit("go", user_id=user, email=f"{user}@example.com")
    await world.settle()
    await world.advance(hours(1))
    assert await world.mailbox() == ["welcome"] * len(users)
    await world.advance(days(1))
    failed = [one for one in await world.all_enrollments() if one.journey_id == "odd"]
    assert {one.attempt for one in failed} == {3}
