"""The turns of a contact run one after the other, and no journey delays another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from hogsend import days, hours
from tests.patience import PATIENCE
from tests.world import World

# Releases the journey that blocks its thread.
GATE = threading.Event()


@pytest.fixture(autouse=True)
def _gate() -> Iterator[None]:
    GATE.clear()
    yield
    GATE.set()


async def test_two_journeys_of_a_contact_never_both_pass_a_throttle_of_one(world: World):
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


async def test_a_contacts_next_journey_sees_the_commit_of_the_journey_before(world: World):
    """If the turns ran at the same time, none would count the events of the others."""
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


TWO_JOURNEYS = """
    from tests.turns.test_one_at_a_time import GATE

    @journey("odd", trigger="go", entry="unlimited")
    async def odd(user, ctx):
        {}

    @journey("sound", trigger="go")
    async def sound(user, ctx):
        await ctx.sleep(hours(1))
        await ctx.send("welcome")
"""


async def test_a_journey_that_blocks_its_thread_does_not_delay_other_journeys(sqlite_world: World):
    await sqlite_world.define(
        TWO_JOURNEYS.format(f"GATE.wait({PATIENCE})").replace('"go")', '"begin")')
    )
    await sqlite_world.submit("go", user_id="bo", email="bo@example.com")
    for user in ("ada", "cy"):
        await sqlite_world.submit("begin", user_id=user, email=f"{user}@example.com")

    async def list_sound_states() -> list[str]:
        enrollments = await sqlite_world.all_enrollments()
        return [row.state for row in enrollments if row.journey_id == "sound"]

    async with asyncio.timeout(PATIENCE):
        while await list_sound_states() != ["waiting", "waiting"]:
            pass
        sqlite_world.clock.set(sqlite_world.clock.now() + hours(1))
        assert sqlite_world.runtime.worker is not None
        sqlite_world.runtime.worker.poll()
        while await list_sound_states() != ["completed", "completed"]:
            pass
    # The blocking journey still has its thread.
    assert not GATE.is_set()
    assert (await sqlite_world.all_enrollments())[0].turn == 0
    GATE.set()
    await sqlite_world.settle()
    assert await sqlite_world.states() == ["completed"] * 3


async def test_a_journey_that_always_fails_does_not_delay_other_journeys(world: World):
    await world.define(TWO_JOURNEYS.format("raise ValueError"))
    users = [f"u{number}" for number in range(10)]
    for user in users:
        await world.submit("go", user_id=user, email=f"{user}@example.com")
    await world.settle()
    await world.advance(hours(1))
    assert await world.mailbox() == ["welcome"] * len(users)
    await world.advance(days(1))
    failed = [
        enrollment for enrollment in await world.all_enrollments() if enrollment.journey_id == "odd"
    ]
    assert {enrollment.attempt for enrollment in failed} == {3}
