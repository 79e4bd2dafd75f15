"""Enrolling a contact by hand starts one journey and has no other effect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hogsend import days
from hogsend.domain.incoming import IncomingEvent
from tests.world import World

JOURNEYS = """
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


async def enroll_by_hand(
    world: World, journey_id: str = "welcome", **properties: Any
) -> Sequence[Any]:
    """Enroll Ada in a journey, as the dashboard and the command line do."""
    result = await world.runtime.ingest.submit(
        IncomingEvent(
            "go",
            user_id="ada",
            properties=properties,
            source="dashboard",
            only_journey=journey_id,
        )
    )
    await world.settle()
    assert (result.exits, result.waits) == ([], [])
    return result.enrollments


async def find_states(world: World) -> dict[str, str]:
    """Return the state of the newest enrollment in each journey."""
    return {enrollment.journey_id: enrollment.state for enrollment in await world.all_enrollments()}


async def test_enrolling_by_hand_does_not_act_as_the_trigger_event(world: World):
    await world.define(JOURNEYS)
    await world.emit("begin")
    (decision,) = await enroll_by_hand(world, plan="pro")
    assert decision["outcome"] == "enrolled"
    # No wait has ended, no enrollment has exited, and no goal is reached.
    assert await find_states(world) == {
        "beside": "waiting",
        "leaving": "waiting",
        "welcome": "waiting",
    }
    assert await world.query("SELECT name FROM counters WHERE name LIKE 'goal/%'") == []
    assert await world.counter_drift() == {}
    # The same event from the product has all of these effects.
    await world.emit("go", plan="pro")
    assert await find_states(world) == {
        "beside": "completed",
        "leaving": "exited",
        "welcome": "completed",
    }


async def test_a_journey_entered_by_hand_sees_the_trigger_event(world: World):
    await world.define(JOURNEYS)
    (decision,) = await enroll_by_hand(world, plan="pro")
    (enrollment,) = await world.all_enrollments()
    assert decision["stateId"] == str(enrollment.id)
    assert (await world.journal())[0].label == "gopro"
    (event,) = await world.events("go")
    assert (event.id, event.source) == (enrollment.trigger_event_id, "dashboard")


async def test_a_refused_enrollment_by_hand_reports_and_stores_the_reason(world: World):
    await world.define(JOURNEYS)
    reasons = [(await enroll_by_hand(world, plan="free"))[0]["reason"]]
    await enroll_by_hand(world, plan="pro")
    reasons.append((await enroll_by_hand(world, plan="pro"))[0]["reason"])
    await world.advance(days(1))
    reasons.append((await enroll_by_hand(world, plan="pro"))[0]["reason"])
    await world.switch("welcome", on=False)
    reasons.append((await enroll_by_hand(world, plan="pro"))[0]["reason"])
    assert reasons == ["where_not_met", "already_live", "already_entered", "disabled_by_operator"]
    rows = await world.query("SELECT reason FROM refusals ORDER BY id")
    assert [row[0] for row in rows] == reasons
