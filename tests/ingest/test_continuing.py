"""Drifted enrollments that an operator continues replay their journal as far as it goes."""

from __future__ import annotations

from uuid import UUID

from hogsend import days
from hogsend.ingest import ActionName
from hogsend.services.enrollment_actions import run_action
from tests.actors import OLGA
from tests.world import World


async def give(world: World, act: ActionName) -> UUID:
    """Let olga do something to the only enrollment, and wait for it."""
    only = (await world.enrollment()).id
    done = await run_action(world.runtime, OLGA, act, only)
    await world.settle()
    return done


async def test_a_digest_that_somebody_is_let_go_on_without_has_collected_nothing(world: World):
    source = """
        @journey("j", trigger="go")
        async def j(user, ctx):
            found = await ctx.digest(days(2), label="{}")
            await ctx.send("welcome" if found else "nudge")
    """
    await world.define(source.format("all"))
    await world.emit("go")
    await world.define(source.format("every"))
    await world.advance(days(2))
    assert await world.states() == ["drifted"]
    # The code that has the wait comes back, too late for this person.
    await world.define(source.format("all"))
    await give(world, "continue")
    assert await world.mailbox() == ["nudge"]


async def test_a_step_that_was_to_be_tried_again_is_tried_when_somebody_is_continued(world: World):
    source = """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.step("{}", lambda: {})
            await ctx.send("welcome")
    """
    await world.define(source.format("book", "1 / 0"))
    await world.emit("go")
    await world.define("@journey('j', trigger='go')\nasync def j(user, ctx): ...")
    await world.advance(days(1))
    assert await world.states() == ["drifted"]
    await world.define(source.format("book", "7"))
    await give(world, "continue")
    assert (await world.answers())["step:book"] == {"value": 7}
    assert await world.mailbox() == ["welcome"]


async def test_who_is_restarted_after_a_merge_looks_back_to_their_trigger(world: World):
    source = """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.sleep(days(2), label="pause")
    """
    await world.define(source)
    await world.submit("paid", email="ada@example.com")
    await world.submit("go", email="ada@example.com")
    await world.settle()
    await world.define(source.replace("ctx.sleep(days(2), label", "ctx.wait_for('paid', label"))
    await world.advance(days(2))
    assert await world.states() == ["drifted"]
    await world.submit("hello", user_id="ada")
    await world.submit("hello", user_id="ada", email="ada@example.com")
    begun = await give(world, "restart")
    assert (await world.all_enrollments())[-1].state == "waiting"
    await world.emit("paid")
    found = {one.id: one.state for one in await world.all_enrollments()}
    assert found[begun] == "completed"
