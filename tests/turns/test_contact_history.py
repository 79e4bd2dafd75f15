"""`ctx.history` of journeys and emails."""

from __future__ import annotations

from hogsend import days
from tests.world import World


async def test_history_returns_whether_the_contact_was_in_another_journey(world: World):
    await world.define(
        """
        @journey("trial", trigger="trial")
        async def trial(user, ctx):
            await ctx.sleep(days(2), label="two")

        @journey("ask", trigger="ask", entry="unlimited")
        async def ask(user, ctx):
            history = await ctx.history.journey("trial")
            await ctx.trigger(
                "reported", {"was": bool(history), "live": history.live, "state": history.state,
                         "at": history.last_entered_at and history.last_entered_at.isoformat()}
            )
        """
    )
    entered = world.clock.now()
    await world.emit("ask")
    await world.emit("trial")
    await world.emit("ask")
    await world.advance(days(2))
    await world.emit("ask")
    at = entered.isoformat()
    assert [event.properties for event in await world.events("reported")] == [
        {"was": False, "live": False, "state": None, "at": None},
        {"was": True, "live": True, "state": "waiting", "at": at},
        {"was": True, "live": False, "state": "completed", "at": at},
    ]


async def test_history_returns_whether_the_contact_got_an_email(world: World):
    await world.define(
        """
        @journey("hello", trigger="hello")
        async def hello(user, ctx):
            await ctx.send("welcome")

        @journey("ask", trigger="ask", entry="unlimited")
        async def ask(user, ctx):
            history = await ctx.history.email("welcome")
            await ctx.trigger("reported", {"sent": history.sent, "opened": history.opened})
        """
    )
    await world.emit("ask")
    await world.emit("hello")
    await world.emit("ask")
    assert [event.properties for event in await world.events("reported")] == [
        {"sent": 0, "opened": False},
        {"sent": 1, "opened": False},
    ]
