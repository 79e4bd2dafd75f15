"""What becomes of a journey whose template is broken when it sends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.world import World

HELLO = """
    @journey("hello", trigger="go")
    async def hello(user, ctx):
        await ctx.send(ctx.event.properties["template"])
        await ctx.checkpoint("went on")
"""
WHOLE = "---\nsubject: hello\nlist: tips\n---\n<p>hello</p>\n"


def find_template(world: World, name: str = "nudge") -> Path:
    return world.runtime.settings.journeys / "emails" / f"{name}.html"


@pytest.mark.parametrize("broken", ["{% if %}", "{% extends '_gone.html' %}", "{{ who }}"])
async def test_a_mail_of_a_broken_template_is_blocked_and_the_journey_goes_on(
    world: World, broken: str
):
    await world.define("tips = MailList(id='tips', name='Tips')", "lists")
    await world.define(HELLO)
    find_template(world).write_text(WHOLE + broken)
    await world.load()

    await world.emit("go", template="nudge")

    (send,) = await world.sends()
    assert (send.status, send.list_id) == ("blocked", "tips")
    assert (send.reason or "").startswith("template nudge is broken: ")
    assert await world.states() == ["completed"]

    find_template(world).write_text(WHOLE)
    await world.load()
    async with asyncio.timeout(PATIENCE):
        while await world.mailbox("ada") != ["nudge"]:
            await world.settle()


async def test_a_template_without_front_matter_fails_the_turn_because_its_list_is_unknown(
    world: World,
):
    await world.define(HELLO)
    find_template(world).write_text("<p>hello</p>")
    await world.load()

    await world.emit("go", template="nudge")

    assert await world.sends() == []
    assert "`hogsend journeys check` names what is wrong" in (
        (await world.enrollment()).error or ""
    )
