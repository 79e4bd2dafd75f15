"""Contacts who wait in a journey whose code changes (docs/journeys.md)."""

from __future__ import annotations

import asyncio

import pytest

from hogsend import days
from tests.world import World

BEFORE = """
    @journey("j", trigger="go", exit_on=["stop"])
    async def j(user, ctx):
        await ctx.send("welcome")
        await ctx.sleep(days(2), label="pause")
        await ctx.send("nudge")
"""


async def bring_to_wait(world: World, *, source: str = BEFORE) -> None:
    """Bring a contact to the wait of a journey."""
    await world.define(source)
    await world.emit("go")
    assert await world.states() == ["waiting"]


async def test_a_wait_keeps_its_instant_even_if_its_arguments_change(world: World):
    await bring_to_wait(world)
    await world.define(BEFORE.replace("days(2)", "days(9)"))
    await world.advance(days(2))
    assert await world.mailbox() == ["welcome", "nudge"]


async def test_a_recorded_call_answers_from_the_journal_in_any_order(world: World):
    await bring_to_wait(world)
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.sleep(days(2), label="pause")
            await ctx.send("nudge")
            await ctx.send("welcome")
        """
    )
    await world.advance(days(2))
    assert await world.mailbox() == ["welcome", "nudge"]
    assert await world.states() == ["completed"]


async def test_new_calls_before_the_wait_are_skipped_except_for_reads(world: World):
    await bring_to_wait(world)
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            before = await ctx.send("offer")
            event_id = await ctx.trigger("noted")
            slept = await ctx.sleep(days(30), label="new")
            answer = await ctx.wait_for("never")
            used = await ctx.history.count("go")
            await ctx.send("welcome")
            await ctx.sleep(days(2), label="pause")
            await ctx.trigger("reported", {
                "offer": [before.status, before.reason], "came": bool(answer), "used": used,
            })
        """
    )
    await world.advance(days(2))
    assert await world.mailbox() == ["welcome"]
    assert await world.events("noted") == []
    (event,) = await world.events("reported")
    assert event.properties == {"offer": ["skipped", "passed"], "came": False, "used": 1}
    passed = {step.key: step.passed for step in await world.journal()}
    assert (passed["send:offer"], passed["trigger:noted"]) == (True, True)
    assert not passed["count:go"]
    assert await world.states() == ["completed"]


async def test_new_calls_after_the_wait_run(world: World):
    await bring_to_wait(world)
    await world.define(BEFORE + '        await ctx.send("offer")\n')
    await world.advance(days(2))
    assert await world.mailbox() == ["welcome", "nudge", "offer"]


async def test_a_skipped_call_stays_skipped_in_the_next_turn(world: World):
    await bring_to_wait(world)
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.wait_for("never", timeout=days(1))
            await ctx.send("offer")
            await ctx.sleep(days(2), label="pause")
            await ctx.sleep(days(2), label="another")
            await ctx.send("nudge")
        """
    )
    await world.advance(days(2))
    await world.advance(days(2))
    assert await world.mailbox() == ["welcome", "nudge"]


@pytest.mark.parametrize(
    "ending",
    [
        "return",
        'await ctx.sleep(days(2), label="renamed")',
        'await ctx.exit("enough")',
        'await ctx.send("offer")',
    ],
)
async def test_code_that_ends_before_the_wait_drifts_and_sends_nothing(world: World, ending: str):
    await bring_to_wait(world)
    await world.define(
        f"""
        @journey("j", trigger="go", exit_on=["stop"])
        async def j(user, ctx):
            await ctx.send("welcome")
            {ending}
        """
    )
    await world.advance(days(2))
    drifted = await world.enrollment()
    assert (drifted.state, drifted.wake_at, drifted.ended_at) == ("drifted", None, None)
    assert "sleep:pause" in (drifted.end_reason or "")
    assert drifted.wait is not None
    assert [turn.outcome for turn in await world.turns()] == ["waiting", "drifted"]
    assert await world.mailbox() == ["welcome"]
    assert await world.counter_drift() == {}

    # The drifted enrollment still counts as live, and an exit ends it.
    again = await world.emit("go")
    assert [row["reason"] for row in again.enrollments] == ["already_live"]
    await world.emit("stop")
    assert await world.states() == ["exited"]
    assert await world.counter_drift() == {}


async def test_a_recorded_call_that_the_new_code_lacks_is_ignored(world: World):
    await bring_to_wait(world)
    await world.define(BEFORE.replace('await ctx.send("welcome")', "pass"))
    await world.advance(days(2))
    assert await world.mailbox() == ["welcome", "nudge"]


async def test_each_turn_records_the_version_of_its_code(world: World):
    await bring_to_wait(world)
    first = (await world.enrollment()).code_hash
    await world.define(BEFORE + "        pass\n")
    await world.advance(days(2))
    hashes = [turn.code_hash for turn in await world.turns()]
    assert hashes[0] == first
    assert (
        hashes[1]
        == (await world.enrollment()).code_hash
        == world.runtime.registry.journeys["j"].code_hash
    )
    assert hashes[0] != hashes[1]


# -- parked -------------------------------------------------------------------------------------


@pytest.mark.parametrize("gone", ["removed", "broken"])
async def test_contacts_of_a_missing_journey_are_parked_and_continue_when_it_is_back(
    world: World, gone: str
):
    await bring_to_wait(world)
    if gone == "removed":
        world.remove("journeys")
    else:
        world.write("journeys", "async def (")
    await world.load()
    assert await world.states() == ["parked"]
    assert await world.counter_drift() == {}
    await world.advance(days(10))
    assert await world.mailbox() == ["welcome"]
    refused = await world.emit("go", "bo")
    assert [row["reason"] for row in refused.enrollments] == ["journey_broken"]

    await world.define(BEFORE)
    await world.settle()
    assert await world.states() == ["completed"]
    assert await world.mailbox() == ["welcome", "nudge"]
    assert await world.counter_drift() == {}


async def test_an_exit_ends_a_parked_enrollment(world: World):
    await bring_to_wait(world)
    world.remove("journeys")
    await world.load()
    await world.emit("stop")
    assert await world.states() == ["exited"]
    await world.define(BEFORE)
    assert await world.states() == ["exited"]
    assert await world.counter_drift() == {}


async def test_an_event_that_arrives_while_parked_is_not_lost(world: World):
    await bring_to_wait(
        world,
        source="""
        @journey("j", trigger="go")
        async def j(user, ctx):
            answer = await ctx.wait_for("used", timeout=days(2))
            await ctx.send("welcome" if answer else "nudge")
        """,
    )
    text = (world.runtime.settings.journeys / "journeys.py").read_text()
    world.remove("journeys")
    await world.load()
    await world.emit("used")
    await world.advance(days(10))
    (world.runtime.settings.journeys / "journeys.py").write_text(text)
    await world.load()
    await world.settle()
    assert await world.mailbox() == ["welcome"]


async def test_an_enrollment_in_a_journey_that_disappears_is_parked(world: World):
    """The trigger was decided before the code was removed."""
    await world.define(BEFORE)
    rules = world.runtime.ingest.rules
    world.remove("journeys")
    await world.load()
    world.runtime.ingest.rules = rules
    await world.emit("go")
    assert await world.states() == ["parked"]
    assert await world.counter_drift() == {}
    await world.define(BEFORE)
    await world.settle()
    assert await world.mailbox() == ["welcome"]


async def test_contacts_of_other_journeys_are_not_parked(world: World):
    world.write("other", BEFORE.replace('"j"', '"other"').replace("def j", "def other"))
    await world.define(BEFORE)
    await asyncio.gather(*(world.submit("go", user_id=user) for user in ("ada", "bo")))
    await world.settle()
    world.remove("journeys")
    await world.load()
    assert sorted(
        (enrollment.journey_id, enrollment.state) for enrollment in await world.all_enrollments()
    ) == [
        ("j", "parked"),
        ("j", "parked"),
        ("other", "waiting"),
        ("other", "waiting"),
    ]
