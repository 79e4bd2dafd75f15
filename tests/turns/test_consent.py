"""A contact's choices about lists count from the moment when the contact makes them."""

from __future__ import annotations

import pytest

from hogsend import days
from tests.world import World

ASKS = """
    news = MailList("news", "News")
    owed = MailList("owed", "Owed", transactional=True)

    @journey("j", trigger="go", list="news")
    async def j(user, ctx):
        for day in range(2):
            answers = [
                await ctx.is_subscribed(),
                await ctx.is_subscribed("news", label="by-name"),
                await ctx.is_subscribed(list="journey"),
                await ctx.is_subscribed("owed"),
            ]
            await ctx.checkpoint(str([int(answer) for answer in answers]))
            await ctx.sleep(days(1), label="a-day")
"""


@pytest.mark.parametrize(
    ("choices", "answers"),
    [
        ({}, [1, 1, 1, 1]),
        ({"news": False}, [0, 0, 1, 1]),
        ({"*": False}, [0, 0, 0, 1]),
        ({"*": False, "news": True}, [0, 0, 0, 1]),
    ],
)
async def test_is_subscribed_returns_the_present_consent(
    world: World, choices: dict[str, bool], answers: list[int]
):
    await world.define(ASKS)
    await world.emit("go")
    await world.submit("chosen", user_id="ada", lists=choices)
    await world.advance(days(1))
    marks = [step.label for step in await world.journal() if step.kind == "checkpoint"]
    assert marks == ["[1, 1, 1, 1]", str(answers)]
