"""What people say about lists comes in by the one door, and is the last word."""

from __future__ import annotations

from typing import Any

import pytest

from hogsend import days
from tests.world import World

LISTS = """
    news = MailList("news", "News")
    receipts = MailList("receipts", "Receipts", transactional=True)

    @journey("j", trigger="go", list="news")
    async def j(user, ctx):
        await ctx.is_subscribed()
        await ctx.sleep(days(1))
        await ctx.send("welcome")
        await ctx.send("bye", list="receipts")
        await ctx.is_subscribed(label="later")
"""


async def choices(world: World) -> dict[str, bool]:
    rows = await world.query("SELECT list_id, subscribed FROM consents")
    return {row[0]: bool(row[1]) for row in rows}


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ({"news": False}, "unsubscribed_from_list"),
        ({"*": False}, "unsubscribed_from_everything"),
    ],
)
async def test_leaving_a_list_stops_its_mail_and_not_what_is_owed(
    world: World, word: dict[str, bool], reason: str
):
    await world.define(LISTS)
    await world.emit("go")
    await world.submit("left", user_id="ada", lists=word)
    await world.advance(days(1))
    assert await world.send_outcomes() == [("welcome", "skipped", reason), ("bye", "sent", None)]
    answers = await world.answers()
    assert answers["is_subscribed:journey's list"] is True
    assert answers["is_subscribed:later"] is False


async def test_the_newest_word_counts(idle_world: World):
    await idle_world.define(LISTS)
    for word in (True, False, True):
        await idle_world.submit("say", user_id="ada", email="a@example.com", lists={"news": word})
    assert await choices(idle_world) == {"news": True}


async def test_stopping_everything_and_coming_back_lifts_just_that(idle_world: World):
    await idle_world.define(LISTS)
    contact: dict[str, Any] = {"user_id": "ada", "email": "a@example.com"}
    await idle_world.submit("say", **contact, lists={"news": False, "*": False})
    await idle_world.submit("say", **contact, lists={"*": True})
    assert await choices(idle_world) == {"news": False, "*": True}


async def test_an_unknown_list_is_named_and_the_known_ones_are_kept(idle_world: World):
    await idle_world.define(LISTS)
    taken = await idle_world.submit(
        "say", user_id="ada", email="a@example.com", lists={"news": False, "nope": True}
    )
    assert taken.lists_error == "Unknown list: nope"
    assert taken.stored
    assert await choices(idle_world) == {"news": False}


async def test_a_contact_without_an_address_is_on_no_list(idle_world: World):
    await idle_world.define(LISTS)
    taken = await idle_world.submit("say", user_id="ada", lists={"news": False})
    assert taken.lists_error == "Contact has no email; cannot manage list membership"
    assert await choices(idle_world) == {}


async def test_each_leaving_is_counted_once(idle_world: World):
    await idle_world.define(LISTS)
    for word in (False, False, True, False):
        await idle_world.submit("say", user_id="ada", email="a@example.com", lists={"news": word})
    kept = await idle_world.query("SELECT value FROM counters WHERE name = 'unsubscribes'")
    assert [row[0] for row in kept] == [2]
