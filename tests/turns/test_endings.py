"""An ended enrollment never changes, and an enrollment can last for any time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hogsend import days
from hogsend.turns.step_attempts import RETRY_AFTER
from tests.world import World

ENDS: dict[str, dict[str, Any]] = {
    "completed": {},
    "exited": {"leave": True},
    "failed": {"fail": True},
    "held_out": {"held": True},
}
JOURNEY = """
    @journey("j", trigger="go", exit_on=["stop"], entry="unlimited"{more})
    async def j(user, ctx):
        await ctx.send("welcome")
        if ctx.event.properties.get("fail"):
            raise ValueError
        if ctx.event.properties.get("leave"):
            await ctx.exit("enough")
        await ctx.wait_for("used", timeout=days(0))
"""


async def bring_to_end(world: World, state: str) -> Any:
    """Bring an enrollment to an end state, and return it."""
    await world.define(JOURNEY.format(more=", holdout=50" if state == "held_out" else ""))
    for number in range(20):
        await world.emit("go", f"u{number}", **ENDS[state])
        for pause in RETRY_AFTER if state == "failed" else ():
            await world.advance(pause)
        ended = [
            enrollment for enrollment in await world.all_enrollments() if enrollment.state == state
        ]
        if ended:
            return ended[0]
    raise AssertionError(f"no enrollment is {state}")


@pytest.mark.parametrize("state", ENDS)
async def test_a_terminal_state_is_final(world: World, state: str):
    before = await bring_to_end(world, state)
    for name in ("used", "stop", "used"):
        await world.submit(name, contact_id=before.contact_id)
    await world.advance(days(30))
    await world.load()
    world.remove("journeys")
    await world.load()
    await world.submit("stop", contact_id=before.contact_id)
    await world.define(JOURNEY.format(more=""))
    await world.advance(days(30))
    after = next(
        enrollment for enrollment in await world.all_enrollments() if enrollment.id == before.id
    )
    assert after == before
    assert await world.counter_drift() == {}


async def test_an_ended_enrollment_does_not_run(idle_world: World):
    await idle_world.define(JOURNEY.format(more=""))
    await idle_world.submit("go", user_id="ada", email="ada@example.com")
    entered = (await idle_world.enrollment()).id
    runner = idle_world.turn_runner(days(1))
    await runner.run([entered])
    ended = await idle_world.enrollment()
    assert ended.state == "completed"
    for _ in range(3):
        await runner.run([entered])
    assert await idle_world.enrollment() == ended
    assert len(await idle_world.turns()) == 1


async def test_a_journey_can_last_for_centuries(world: World):
    await world.define(
        """
        @journey("century", trigger="go", exit_on=["stop"])
        async def century(user, ctx):
            for year in range(100):
                await ctx.sleep_until(
                    datetime(2027 + year, 3, 2, tzinfo=UTC), label="a-year"
                )
            await ctx.send("welcome")
            await ctx.sleep(days(36_525), label="another-century")
            await ctx.wait_for("used")
            await ctx.send("bye")
        """
    )
    await world.emit("go")
    for year in range(2027, 2127):
        birthday = datetime(year, 3, 2, tzinfo=UTC)
        assert (await world.enrollment()).wake_at == birthday
        world.clock.set(birthday)
        await world.advance(days(0))
    assert await world.mailbox() == ["welcome"]
    await world.advance(days(36_525))
    await world.advance(days(99_999))
    assert await world.states() == ["waiting"]
    await world.emit("used")
    assert await world.mailbox() == ["welcome", "bye"]
    assert (await world.enrollment()).turn == 103
