"""An enrollment that could send nothing for want of an address does not keep a contact out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.world import World

USER: dict[str, Any] = {"user_id": "ada"}
BOTH: dict[str, Any] = {**USER, "email": "ada@example.com"}
SHORT = """
    @journey("j", trigger="go", {entry})
    async def j(user, ctx):
        await ctx.send("welcome")
"""
LONG = """
    @journey("j", trigger="go")
    async def j(user, ctx):
        await ctx.send("welcome")
        await ctx.sleep(days(2))
        await ctx.send("nudge")
"""


@pytest.mark.parametrize("entry", ['entry="once"', "entry=once_per(days(7))"])
async def test_a_contact_whose_address_becomes_known_enters_again(world: World, entry: str):
    await world.define(SHORT.format(entry=entry))
    await world.submit("go", **USER)
    await world.settle()
    again = await world.submit("go", **USER)
    assert again.enrollments[0]["reason"] == ("too_soon" if "days" in entry else "already_entered")
    await world.submit("go", **BOTH)
    await world.settle()
    assert await world.mailbox() == ["welcome"]
    # Only once.
    await world.submit("go", **BOTH)
    await world.settle()
    assert await world.mailbox() == ["welcome"]
    assert await world.counter_drift() == {}


async def test_a_contact_in_a_journey_that_could_send_nothing_begins_it_again(world: World):
    await world.define(LONG)
    await world.submit("go", **USER)
    await world.settle()
    await world.submit("go", **BOTH)
    await world.settle()
    assert await world.mailbox() == ["welcome"]
    first, second = await world.all_enrollments()
    assert (first.state, first.end_reason) == ("exited", "address_known")
    assert second.state == "waiting"
    # The new enrollment has sent, so that it stays.
    await world.submit("go", **BOTH)
    assert await world.states() == ["exited", "waiting"]
    assert await world.counter_drift() == {}


async def test_an_address_alone_does_not_begin_a_journey_again(world: World):
    await world.define(LONG)
    await world.submit("go", **USER)
    await world.settle()
    await world.submit("hello", **BOTH)
    assert await world.states() == ["waiting"]


async def test_a_contact_who_was_unsubscribed_does_not_enter_again(world: World):
    await world.define(SHORT.format(entry='entry="once"'))
    await world.submit("go", **BOTH)
    await world.submit("no", **BOTH, lists={"*": False})
    await world.settle()
    await world.submit("yes", **BOTH, lists={"*": True})
    result = await world.submit("go", **BOTH)
    assert result.enrollments[0]["reason"] == "already_entered"
