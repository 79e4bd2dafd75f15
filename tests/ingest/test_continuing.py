"""A drifted enrollment that an operator continues replays its journal first."""

from __future__ import annotations

from uuid import UUID

from hogsend import days
from hogsend.ingest import ActionName
from hogsend.services.enrollment_actions import run_action
from tests.actors import OLGA
from tests.world import World


async def run_and_settle(world: World, action: ActionName) -> UUID:
    """Run an action of Olga on the only enrollment, and wait for its effects."""
    enrollment_id = (await world.enrollment()).id
    current_id = await run_action(world.runtime, OLGA, action, enrollment_id)
    await world.settle()
    return current_id


async def test_continuing_past_a_lost_digest_gives_an_empty_digest(world: World):
    source = """
        @journey("j", trigger="go")
        async def j(user, ctx):
            events = await ctx.digest(days(2), label="{}")
            await ctx.send("welcome" if events else "nudge")
    """
    await world.define(source.format("all"))
    await world.emit("go")
    await world.define(source.format("every"))
    await world.advance(days(2))
    assert await world.states() == ["drifted"]
    # The code with the wait is restored, but this enrollment has drifted already.
    await world.define(source.format("all"))
    await run_and_settle(world, "continue")
    assert await world.mailbox() == ["nudge"]


async def test_continuing_retries_a_step_that_was_due_for_a_retry(world: World):
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
    await run_and_settle(world, "continue")
    assert (await world.answers())["step:book"] == {"value": 7}
    assert await world.mailbox() == ["welcome"]


async def test_a_restart_after_a_merge_looks_back_to_the_trigger(world: World):
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
    restarted_id = await run_and_settle(world, "restart")
    assert (await world.all_enrollments())[-1].state == "waiting"
    await world.emit("paid")
    states_by_id = {enrollment.id: enrollment.state for enrollment in await world.all_enrollments()}
    assert states_by_id[restarted_id] == "completed"
