"""An operator who enrolls somebody starts one journey, and nothing else happens to the person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hogsend import days
from hogsend.domain.incoming import IncomingEvent
from tests.world import World

TWO = """
    @journey("welcome", trigger=on("go", where=prop("plan") == "pro"), holdout=0)
    async def welcome(user, ctx):
        await ctx.checkpoint(ctx.event.name + ctx.event.properties["plan"])
        await ctx.wait_for("go", timeout=days(1))

    @journey("beside", trigger="begin", exit_on=["stop"], goal="go")
    async def beside(user, ctx):
        await ctx.send("welcome")
        await ctx.wait_for("go", timeout=days(1))

    @journey("leaving", trigger="begin", exit_on=["go"])
    async def leaving(user, ctx):
        await ctx.sleep(days(1))
"""


async def by_hand(world: World, journey_id: str = "welcome", **properties: Any) -> Sequence[Any]:
    """Enroll Ada in a journey, as the dashboard and the command line do."""
    taken = await world.runtime.ingest.submit(
        IncomingEvent(
            "go",
            user_id="ada",
            properties=properties,
            source="dashboard",
            only_journey=journey_id,
        )
    )
    await world.settle()
    assert (taken.exits, taken.waits) == ([], [])
    return taken.enrollments


async def states(world: World) -> dict[str, str]:
    """Return the state of the newest enrollment in each journey."""
    return {one.journey_id: one.state for one in await world.all_enrollments()}


async def test_enrolling_by_hand_never_fires_the_trigger_event(world: World):
    await world.define(TWO)
    await world.emit("begin")
    (decided,) = await by_hand(world, plan="pro")
    assert decided["outcome"] == "enrolled"
    # No wait is over, nobody has left, and no goal is reached.
    assert await states(world) == {
        "beside": "waiting",
        "leaving": "waiting",
        "welcome": "waiting",
    }
    assert await world.query("SELECT name FROM counters WHERE name LIKE 'goal/%'") == []
    assert await world.counter_drift() == {}
    # The same event from the product does all of that.
    await world.emit("go", plan="pro")
    assert await states(world) == {
        "beside": "completed",
        "leaving": "exited",
        "welcome": "completed",
    }


async def test_who_is_enrolled_by_hand_sees_the_event_that_would_have_done_it(world: World):
    await world.define(TWO)
    (decided,) = await by_hand(world, plan="pro")
    (entered,) = await world.all_enrollments()
    assert decided["stateId"] == str(entered.id)
    assert (await world.journal())[0].label == "gopro"
    (event,) = await world.events("go")
    assert (event.id, event.source) == (entered.trigger_event_id, "dashboard")


async def test_enrolling_by_hand_says_the_true_reason_and_keeps_it(world: World):
    await world.define(TWO)
    reasons = [(await by_hand(world, plan="free"))[0]["reason"]]
    await by_hand(world, plan="pro")
    reasons.append((await by_hand(world, plan="pro"))[0]["reason"])
    await world.advance(days(1))
    reasons.append((await by_hand(world, plan="pro"))[0]["reason"])
    await world.switch("welcome", on=False)
    reasons.append((await by_hand(world, plan="pro"))[0]["reason"])
    assert reasons == ["where_not_met", "already_live", "already_entered", "disabled_by_operator"]
    kept = await world.query("SELECT reason FROM refusals ORDER BY id")
    assert [row[0] for row in kept] == reasons
