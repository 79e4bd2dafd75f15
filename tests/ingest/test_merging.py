"""Merging two contacts that are one person keeps everything of both."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hogsend import hours
from tests.world import World

# A visitor has an address and a user has a user id; an event with both merges them.
VISITOR: dict[str, Any] = {"email": "ada@example.com"}
USER: dict[str, Any] = {"user_id": "ada"}
BOTH = VISITOR | USER


async def test_the_contact_with_a_user_id_survives_a_merge(idle_world: World):
    visitor = await idle_world.submit("a", **VISITOR, contact_properties={"x": "old", "y": 1})
    user = await idle_world.submit("a", **USER, contact_properties={"x": "new", "z": 2})
    login = await idle_world.submit("login", **BOTH, contact_properties={"z": 3})

    (ada,) = await idle_world.contacts()
    assert login.contact_id == ada.id == user.contact_id != visitor.contact_id
    assert ada.email == "ada@example.com"
    # The properties of the older contact, then of the survivor, then of this event.
    assert ada.properties == {"x": "new", "y": 1, "z": 3}
    assert await idle_world.counter_drift() == {}


async def test_the_older_of_two_contacts_without_a_user_id_survives(idle_world: World):
    older = await idle_world.submit("a", email="ada@example.com")
    await idle_world.submit("a", anonymous_id="b1")
    merged = await idle_world.submit("b", email="ada@example.com", anonymous_id="b1")
    assert merged.contact_id == older.contact_id
    (ada,) = await idle_world.contacts()
    assert (ada.email, ada.anonymous_id) == ("ada@example.com", "b1")


async def test_three_contacts_can_be_merged_at_once(idle_world: World):
    await idle_world.submit("a", anonymous_id="b1")
    await idle_world.submit("a", email="ada@example.com")
    await idle_world.submit("a", user_id="ada")
    await idle_world.submit("b", user_id="ada", email="ada@example.com", anonymous_id="b1")
    (ada,) = await idle_world.contacts()
    assert (ada.user_id, ada.email, ada.anonymous_id) == ("ada", "ada@example.com", "b1")
    assert await idle_world.counter_drift() == {}


async def test_a_merge_in_the_middle_of_a_batch_keeps_the_order_of_events(idle_world: World):
    results = await asyncio.gather(
        idle_world.submit("a", **VISITOR),
        idle_world.submit("a", **USER),
        idle_world.submit("b", **VISITOR, contact_properties={"b": 1}),
        idle_world.submit("c", **BOTH, contact_properties={"c": 1}),
        idle_world.submit("d", **VISITOR, contact_properties={"d": 1}),
        idle_world.submit("e", user_id="bo"),
    )
    ada, bo = await idle_world.contacts()
    assert [result.contact_id == ada.id for result in results] == [
        False,
        True,
        False,
        True,
        True,
        False,
    ]
    assert (ada.user_id, ada.properties) == ("ada", {"b": 1, "c": 1, "d": 1})
    assert bo.user_id == "bo"
    assert len(await idle_world.events()) == 6
    assert await idle_world.counter_drift() == {}


async def test_events_after_a_merge_have_higher_numbers_than_the_events_of_both(idle_world: World):
    for _ in range(3):
        await idle_world.submit("a", **VISITOR)
    await idle_world.submit("a", **USER)
    await idle_world.submit("login", **BOTH)
    (login,) = await idle_world.events("login")
    # The merge takes a number that no event has.
    assert login.seq == 5


async def test_an_event_for_a_merged_contact_reaches_the_survivor(idle_world: World):
    visitor = await idle_world.submit("a", **VISITOR)
    await idle_world.submit("a", **USER)
    await idle_world.submit("login", **BOTH)
    result = await idle_world.submit("click", contact_id=visitor.contact_id, lists={"*": False})
    ada = await idle_world.contact()
    assert result.contact_id == ada.id
    assert [event.contact_id for event in await idle_world.events("click")] == [ada.id]
    consents = await idle_world.query("SELECT contact_id, list_id, subscribed FROM consents")
    assert [(bytes(row[0]) if isinstance(row[0], bytes) else row[0].bytes) for row in consents] == [
        ada.id.bytes
    ]


# -- enrollments ------------------------------------------------------------------------------

WAITING_JOURNEY = """
    @journey("waiting", trigger="go", entry="unlimited", exit_on=["stop"])
    async def waiting(user, ctx):
        answer = await ctx.wait_for("used", timeout=days(7))
        await ctx.send("welcome" if answer else "nudge")
"""


async def test_a_wait_does_not_time_out_because_someone_logged_in(world: World):
    await world.define(WAITING_JOURNEY)
    await world.submit("go", **VISITOR)
    await world.settle()
    await world.submit("hello", **USER)
    await world.submit("login", **BOTH)
    await world.submit("used", **USER)
    await world.settle()
    assert await world.mailbox() == ["welcome"]
    ada = await world.contact()
    assert (await world.enrollment()).contact_id == ada.id
    assert await world.counter_drift() == {}


async def test_an_exit_event_ends_the_enrollment_of_a_merged_contact(world: World):
    await world.define(WAITING_JOURNEY)
    await world.submit("go", **VISITOR)
    await world.settle()
    await world.submit("hello", **USER)
    await world.submit("login", **BOTH)
    await world.submit("stop", **USER)
    assert await world.states() == ["exited"]


@pytest.mark.parametrize("first", [VISITOR, USER])
async def test_the_older_of_two_enrollments_in_one_journey_continues(
    world: World, first: dict[str, Any]
):
    await world.define(WAITING_JOURNEY)
    second = USER if first is VISITOR else VISITOR
    older = (await world.submit("go", **first)).enrollments[0]["stateId"]
    newer = (await world.submit("go", **second)).enrollments[0]["stateId"]
    await world.settle()
    await world.submit("login", **BOTH)

    ada = await world.contact()
    by_id = {str(enrollment.id): enrollment for enrollment in await world.all_enrollments()}
    assert (by_id[older].state, by_id[older].contact_id) == ("waiting", ada.id)
    assert (by_id[newer].state, by_id[newer].end_reason) == ("exited", "merged")
    assert await world.counter_drift() == {}
    await world.submit("used", **USER)
    await world.settle()
    assert await world.mailbox() == ["welcome"]


async def test_enrollments_with_different_entry_keys_both_continue(idle_world: World):
    await idle_world.define(
        '@journey("j", trigger="go", key=prop("cart"))\nasync def j(u, ctx): ...'
    )
    await idle_world.submit("go", **VISITOR, properties={"cart": 1})
    await idle_world.submit("go", **USER, properties={"cart": 2})
    await idle_world.submit("login", **BOTH)
    assert await idle_world.states() == ["active", "active"]
    assert len({enrollment.contact_id for enrollment in await idle_world.all_enrollments()}) == 1


async def test_a_merge_deletes_nothing(world: World):
    await world.define(WAITING_JOURNEY)
    older = (await world.submit("go", **VISITOR)).contact_id
    newer = (await world.submit("go", **USER)).contact_id
    await world.settle()
    tables = ("contacts", "events", "enrollments", "turns", "sends", "refusals")

    async def count() -> list[int]:
        results = [await world.query(f"SELECT COUNT(*) FROM {name}") for name in tables]  # noqa: S608
        return [rows[0][0] for rows in results]

    counts_before = await count()
    await world.submit("login", **BOTH)
    assert await count() == [counts_before[0], counts_before[1] + 1, *counts_before[2:]]
    # Each event keeps its contact, and the survivor's history includes both.
    assert [event.contact_id for event in await world.events("go")] == [older, newer]


async def test_mail_that_has_not_left_goes_to_the_survivor(idle_world: World):
    await idle_world.define(
        '@journey("j", trigger="go")\nasync def j(u, ctx): await ctx.send("bye")'
    )
    runner = idle_world.turn_runner(hours(1))
    await idle_world.submit("go", **VISITOR)
    await runner.run([(await idle_world.enrollment()).id])
    await idle_world.submit("hello", **USER)
    await idle_world.submit("login", **BOTH)
    (send,) = await idle_world.sends()
    assert (send.status, send.contact_id) == ("queued", (await idle_world.contact()).id)


async def test_a_contact_who_entered_before_a_merge_does_not_enter_again(world: World):
    await world.define('@journey("j", trigger="go")\nasync def j(user, ctx): ...')
    await world.submit("go", **VISITOR)
    await world.settle()
    await world.submit("hello", **USER)
    result = await world.submit("login", **BOTH)
    result = await world.submit("go", **USER)
    assert [decision.get("reason") for decision in result.enrollments] == ["already_entered"]


async def test_the_gap_between_mails_is_kept_across_a_merge(world: World):
    await world.define(
        """
        @journey("j", trigger="go", suppress=days(1))
        async def j(user, ctx):
            await ctx.send("welcome")
            await ctx.sleep(hours(1))
            await ctx.send("nudge")
        """
    )
    await world.submit("go", **VISITOR)
    await world.settle()
    await world.submit("hello", **USER)
    await world.submit("login", **BOTH)
    await world.advance(hours(1))
    assert await world.send_outcomes() == [
        ("welcome", "sent", None),
        ("nudge", "skipped", "too_soon"),
    ]


async def test_history_contains_the_events_of_both_contacts(world: World):
    await world.define(
        """
        @journey("j", trigger="check", entry="unlimited")
        async def j(user, ctx):
            await ctx.history.count("used")
            await ctx.history.has_event("used", where=prop("big") == True)
        """
    )
    await world.submit("used", **VISITOR, properties={"big": True})
    await world.submit("used", **USER)
    await world.submit("login", **BOTH)
    await world.submit("check", **USER)
    await world.settle()
    assert await world.answers() == {"count:used": 2, "has_event:used": True}


LATER_JOURNEY = """
    @journey("later", trigger="go")
    async def later(user, ctx):
        await ctx.wait_for("ready")
        await ctx.wait_for("used", timeout=days(1))
"""


async def test_a_wait_ignores_earlier_events_of_the_other_contact(idle_world: World):
    await idle_world.define(LATER_JOURNEY)
    runner = idle_world.turn_runner(hours(1))
    for _ in range(5):
        await idle_world.submit("used", **VISITOR)
    await idle_world.advance(hours(1))
    await idle_world.submit("go", **USER)
    enrollment_id = (await idle_world.enrollment()).id
    await runner.run([enrollment_id])
    await idle_world.advance(hours(1))
    await idle_world.submit("ready", **USER)
    await idle_world.submit("login", **BOTH)
    await runner.run([enrollment_id])
    # The event of the other contact arrived before "ready", although its number is higher.
    assert (await idle_world.enrollment()).wait_result is None
    assert (await idle_world.journal())[-1].waiting


async def test_a_wait_finds_events_of_the_other_contact_since_the_last_wait(idle_world: World):
    await idle_world.define(LATER_JOURNEY)
    runner = idle_world.turn_runner(hours(1))
    for _ in range(5):
        await idle_world.submit("hello", **USER)
    await idle_world.submit("go", **USER)
    enrollment_id = (await idle_world.enrollment()).id
    await runner.run([enrollment_id])
    await idle_world.submit("ready", **USER)
    await idle_world.advance(hours(1))
    await idle_world.submit("used", **VISITOR)
    await idle_world.advance(hours(1))
    await idle_world.submit("login", **BOTH)
    await runner.run([enrollment_id])
    # "used" has a lower number than "ready", but arrived later.
    (used,) = await idle_world.events("used")
    assert (await idle_world.journal())[-1].answer["id"] == str(used.id)
    assert await idle_world.states() == ["completed"]


async def test_a_moved_wait_looks_back_by_the_order_of_arrival(idle_world: World):
    await idle_world.define(LATER_JOURNEY)
    runner = idle_world.turn_runner(hours(1))
    await idle_world.submit("go", **VISITOR)
    enrollment_id = (await idle_world.enrollment()).id
    await runner.run([enrollment_id])
    for _ in range(5):
        await idle_world.submit("used", **USER)
    await idle_world.advance(hours(1))
    await idle_world.submit("ready", **VISITOR)
    await idle_world.submit("login", **BOTH)
    await runner.run([enrollment_id])
    assert (await idle_world.journal())[-1].waiting
    await idle_world.advance(hours(1))
    await idle_world.submit("used", **USER)
    await runner.run([enrollment_id])
    assert await idle_world.states() == ["completed"]


async def test_events_in_the_instant_of_the_trigger_are_found_after_a_merge(idle_world: World):
    await idle_world.define(WAITING_JOURNEY)
    # All events arrive in one instant, as in a batch that ends with a login.
    await idle_world.submit("used", **VISITOR)
    await idle_world.submit("go", **VISITOR)
    await idle_world.submit("used", **VISITOR, properties={"n": 2})
    await idle_world.submit("hello", **USER)
    await idle_world.submit("login", **BOTH)
    await idle_world.turn_runner(hours(1)).run([(await idle_world.enrollment()).id])
    (wait,) = (step for step in await idle_world.journal() if step.kind == "wait")
    assert wait.answer["properties"] == {"n": 2}


async def test_a_merge_at_the_end_of_a_wait_misses_no_event_of_the_survivor(idle_world: World):
    await idle_world.define(LATER_JOURNEY)
    runner = idle_world.turn_runner(hours(1))
    for _ in range(5):
        await idle_world.submit("hello", **VISITOR)
    await idle_world.submit("go", **VISITOR)
    enrollment_id = (await idle_world.enrollment()).id
    await runner.run([enrollment_id])
    await idle_world.submit("ready", **VISITOR)
    # "used" has a lower number than "ready", which belonged to the other contact.
    await idle_world.submit("used", **USER)
    await idle_world.submit("login", **BOTH)
    await runner.run([enrollment_id])
    assert await idle_world.states() == ["completed"]


async def test_a_digest_keeps_its_trigger_across_a_merge(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            events = await ctx.digest(hours(1))
            await ctx.checkpoint(str(len(events)))
        """
    )
    await world.submit("go", **VISITOR)
    await world.settle()
    await world.submit("hello", **USER)
    await world.submit("login", **BOTH)
    await world.submit("go", **USER)
    await world.advance(hours(1))
    assert (await world.journal())[-1].label == "2"


@pytest.mark.parametrize(
    ("visitor", "user", "subscribed"),
    [
        (False, True, False),
        (True, False, False),
        (False, None, False),
        (None, False, False),
        (True, None, True),
        (None, True, True),
    ],
)
async def test_the_strictest_choice_for_a_list_counts(
    idle_world: World, visitor: bool | None, user: bool | None, subscribed: bool
):
    await idle_world.define(
        'news = MailList("news", "News", default_opt_in=False)\n'
        '@journey("j", trigger="go", list="news")\nasync def j(u, ctx): ...'
    )
    for contact, choice in ((VISITOR, visitor), (USER, user)):
        result = await idle_world.submit("hello", **contact)
        if choice is not None:
            await idle_world.submit("say", contact_id=result.contact_id, lists={"news": choice})
    await idle_world.submit("login", **BOTH)
    result = await idle_world.submit("go", **USER)
    assert [decision["outcome"] for decision in result.enrollments] == [
        "enrolled" if subscribed else "skipped"
    ]
