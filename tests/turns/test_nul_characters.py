"""NUL characters, which Postgres does not store, are left out on both databases."""

from __future__ import annotations

from datetime import timedelta

from hogsend.services.enrollment_actions import run_action
from hogsend.services.keys import create_key
from tests.actors import OLGA, operator_named
from tests.world import World


async def test_nul_characters_in_a_journey_are_left_out(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.send("welcome", subject="a\\0b", props={"x\\0": ["y\\0"]}, label="l\\0")
            await ctx.trigger("done", {"x": "a\\0b"})
            await ctx.step("s\\0", lambda: "t\\0")
            await ctx.sleep(days(1), label="w\\0")
            await ctx.exit("r\\0")
        """
    )
    await world.emit("go")
    assert (await world.enrollment()).error is None
    await world.advance(timedelta(days=1))
    enrollment = await world.enrollment()
    assert (enrollment.state, enrollment.end_reason) == ("exited", "r")
    (send,) = await world.sends()
    assert (send.status, send.subject, send.props) == ("sent", "ab", {"x": ["y"]})
    assert (await world.events("done"))[0].properties == {"x": "ab"}


async def test_nul_characters_of_operators_are_left_out(idle_world: World):
    await idle_world.define('@journey("j", trigger="go")\nasync def j(u, ctx): ...')
    await idle_world.submit("go", user_id="ada")
    entered = await idle_world.enrollment()
    await run_action(idle_world.runtime, OLGA, "exit", entered.id, note="a\0b")
    assert (await idle_world.enrollment()).end_reason == "by olga: ab"
    admin = operator_named("olga", "owner")
    key, _ = await create_key(idle_world.runtime, admin, name="a\0b", scopes=["ingest"])
    assert key.name == "ab"
