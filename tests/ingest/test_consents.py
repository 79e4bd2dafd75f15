"""Choices of contacts for lists are ingested, and the newest choice counts."""

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


async def load_choices(world: World) -> dict[str, bool]:
    rows = await world.query("SELECT list_id, subscribed FROM consents")
    return {row[0]: bool(row[1]) for row in rows}


@pytest.mark.parametrize(
    ("lists", "reason"),
    [
        ({"news": False}, "unsubscribed_from_list"),
        ({"*": False}, "unsubscribed_from_everything"),
    ],
)
async def test_unsubscribing_from_a_list_does_not_stop_transactional_mail(
    world: World, lists: dict[str, bool], reason: str
):
    await world.define(LISTS)
    await world.emit("go")
    await world.submit("left", user_id="ada", lists=lists)
    await world.advance(days(1))
    assert await world.send_outcomes() == [("welcome", "skipped", reason), ("bye", "sent", None)]
    answers = await world.answers()
    assert answers["is_subscribed:journey's list"] is True
    assert answers["is_subscribed:later"] is False


async def test_the_newest_choice_counts(idle_world: World):
    await idle_world.define(LISTS)
    for subscribed in (True, False, True):
        await idle_world.submit(
            "say", user_id="ada", email="a@example.com", lists={"news": subscribed}
        )
    assert await load_choices(idle_world) == {"news": True}


async def test_resubscribing_to_all_mail_keeps_the_choices_for_single_lists(idle_world: World):
    await idle_world.define(LISTS)
    contact: dict[str, Any] = {"user_id": "ada", "email": "a@example.com"}
    await idle_world.submit("say", **contact, lists={"news": False, "*": False})
    await idle_world.submit("say", **contact, lists={"*": True})
    assert await load_choices(idle_world) == {"news": False, "*": True}


async def test_an_unknown_list_is_reported_and_choices_for_known_lists_are_stored(
    idle_world: World,
):
    await idle_world.define(LISTS)
    result = await idle_world.submit(
        "say", user_id="ada", email="a@example.com", lists={"news": False, "nope": True}
    )
    assert result.lists_error == "Unknown list: nope"
    assert result.stored
    assert await load_choices(idle_world) == {"news": False}


async def test_a_contact_without_an_address_cannot_change_lists(idle_world: World):
    await idle_world.define(LISTS)
    result = await idle_world.submit("say", user_id="ada", lists={"news": False})
    assert result.lists_error == "Contact has no email; cannot manage list membership"
    assert await load_choices(idle_world) == {}


async def test_each_unsubscription_is_counted_once(idle_world: World):
    await idle_world.define(LISTS)
    for subscribed in (False, False, True, False):
        await idle_world.submit(
            "say", user_id="ada", email="a@example.com", lists={"news": subscribed}
        )
    rows = await idle_world.query("SELECT value FROM counters WHERE name = 'unsubscribes'")
    assert [row[0] for row in rows] == [2]
