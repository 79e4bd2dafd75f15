"""Two contacts turn out to be one person: nothing is deleted, and everything follows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hogsend import hours
from tests.world import World

# A visitor is known by an address, a user by an id; the third call shows that they are one.
VISITOR: dict[str, Any] = {"email": "ada@example.com"}
USER: dict[str, Any] = {"user_id": "ada"}
BOTH = VISITOR | USER


async def test_the_survivor_has_a_user_id(idle_world: World):
    visitor = await idle_world.submit("a", **VISITOR, contact_properties={"x": "old", "y": 1})
    user = await idle_world.submit("a", **USER, contact_properties={"x": "new", "z": 2})
    login = await idle_world.submit("login", **BOTH, contact_properties={"z": 3})

    (ada,) = await idle_world.contacts()
    assert login.contact_id == ada.id == user.contact_id != visitor.contact_id
    assert ada.email == "ada@example.com"
    # Older, then survivor, then what this call says.
    assert ada.properties == {"x": "new", "y": 1, "z": 3}
    assert await idle_world.counter_drift() == {}


async def test_of_two_without_a_user_id_the_older_survives(idle_world: World):
    older = await idle_world.submit("a", email="ada@example.com")
    await idle_world.submit("a", anonymous_id="b1")
    merged = await idle_world.submit("b", email="ada@example.com", anonymous_id="b1")
    assert merged.contact_id == older.contact_id
    (ada,) = await idle_world.contacts()
    assert (ada.email, ada.anonymous_id) == ("ada@example.com", "b1")


async def test_three_can_be_one(idle_world: World):
    await idle_world.submit("a", anonymous_id="b1")
    await idle_world.submit("a", email="ada@example.com")
    await idle_world.submit("a", user_id="ada")
    await idle_world.submit("b", user_id="ada", email="ada@example.com", anonymous_id="b1")
    (ada,) = await idle_world.contacts()
    assert (ada.user_id, ada.email, ada.anonymous_id) == ("ada", "ada@example.com", "b1")
    assert await idle_world.counter_drift() == {}


async def test_a_merge_within_one_set_is_decided_in_its_place(idle_world: World):
    taken = await asyncio.gather(
        idle_world.submit("a", **VISITOR),
        idle_world.submit("a", **USER),
        idle_world.submit("b", **VISITOR, contact_properties={"b": 1}),
        idle_world.submit("c", **BOTH, contact_properties={"c": 1}),
        idle_world.submit("d", **VISITOR, contact_properties={"d": 1}),
        idle_world.submit("e", user_id="bo"),
    )
    ada, bo = await idle_world.contacts()
    assert [one.contact_id == ada.id for one in taken] == [False, True, False, True, True, False]
    assert (ada.user_id, ada.properties) == ("ada", {"b": 1, "c": 1, "d": 1})
    assert bo.user_id == "bo"
    assert len(await idle_world.events()) == 6
    assert await idle_world.counter_drift() == {}


async def test_the_events_after_a_merge_are_numbered_after_those_of_both(idle_world: World):
    for _ in range(3):
        await idle_world.submit("a", **VISITOR)
    await idle_world.submit("a", **USER)
    await idle_world.submit("login", **BOTH)
    (login,) = await idle_world.events("login")
    # One number is the merge's own: no event has it.
    assert login.seq == 5


async def test_what_comes_for_the_one_who_was_merged_reaches_the_survivor(idle_world: World):
    visitor = await idle_world.submit("a", **VISITOR)
    await idle_world.submit("a", **USER)
    await idle_world.submit("login", **BOTH)
    taken = await idle_world.submit("click", contact_id=visitor.contact_id, lists={"*": False})
    ada = await idle_world.contact()
    assert taken.contact_id == ada.id
    assert [one.contact_id for one in await idle_world.events("click")] == [ada.id]
    consents = await idle_world.query("SELECT contact_id, list_id, subscribed FROM consents")
    assert [(bytes(row[0]) if isinstance(row[0], bytes) else row[0].bytes) for row in consents] == [
        ada.id.bytes
    ]


# -- journeys follow --------------------------------------------------------------------------

WAITING = """
    @journey("waiting", trigger="go", entry="unlimited", exit_on=["stop"])
    async def waiting(user, ctx):
        came = await ctx.wait_for("used", timeout=days(7))
        await ctx.send("welcome" if came else "nudge")
"""


async def test_a_wait_does_not_time_out_because_someone_logged_in(world: World):
    await world.define(WAITING)
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


async def test_an_exit_reaches_who_was_merged(world: World):
    await world.define(WAITING)
    await world.submit("go", **VISITOR)
    await world.settle()
    await world.submit("hello", **USER)
    await world.submit("login", **BOTH)
    await world.submit("stop", **USER)
    assert await world.states() == ["exited"]


@pytest.mark.parametrize("first", [VISITOR, USER])
async def test_where_both_are_in_one_journey_the_older_continues(
    world: World, first: dict[str, Any]
):
    await world.define(WAITING)
    second = USER if first is VISITOR else VISITOR
    older = (await world.submit("go", **first)).enrollments[0]["stateId"]
    newer = (await world.submit("go", **second)).enrollments[0]["stateId"]
    await world.settle()
    await world.submit("login", **BOTH)

    ada = await world.contact()
    by_id = {str(one.id): one for one in await world.all_enrollments()}
    assert (by_id[older].state, by_id[older].contact_id) == ("waiting", ada.id)
    assert (by_id[newer].state, by_id[newer].end_reason) == ("exited", "merged")
    assert await world.counter_drift() == {}
    await world.submit("used", **USER)
    await world.settle()
    assert await world.mailbox() == ["welcome"]


async def test_side_by_side_enrollments_stay_side_by_side(idle_world: World):
    await idle_world.define(
        '@journey("j", trigger="go", key=prop("cart"))\nasync def j(u, ctx): ...'
    )
    await idle_world.submit("go", **VISITOR, properties={"cart": 1})
    await idle_world.submit("go", **USER, properties={"cart": 2})
    await idle_world.submit("login", **BOTH)
    assert await idle_world.states() == ["active", "active"]
    assert len({one.contact_id for one in await idle_world.all_enrollments()}) == 1


async def test_nothing_is_deleted(world: World):
    await world.define(WAITING)
    older = (await world.submit("go", **VISITOR)).contact_id
    newer = (await world.submit("go", **USER)).contact_id
    await world.settle()
    tables = ("contacts", "events", "enrollments", "turns", "sends", "refusals")

    async def count() -> list[int]:
        found = [await world.query(f"SELECT COUNT(*) FROM {name}") for name in tables]  # noqa: S608
        return [rows[0][0] for rows in found]

    before = await count()
    await world.submit("login", **BOTH)
    assert await count() == [before[0], before[1] + 1, *before[2:]]
    # The event of each is still theirs, and both histories are the survivor's.
    assert [one.contact_id for one in await world.events("go")] == [older, newer]


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


async def test_who_has_entered_once_does_not_enter_again_after_a_merge(world: World):
    await world.define('@journey("j", trigger="go")\nasync def j(user, ctx): ...')
    await world.submit("go", **VISITOR)
    await world.settle()
    await world.submit("hello", **USER)
    taken = await world.submit("login", **BOTH)
    taken = await world.submit("go", **USER)
    assert [one.get("reason") for one in taken.enrollments] == ["already_entered"]


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


async def test_history_is_that_of_both(world: World):
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


LATER = """
    @journey("later", trigger="go")
    async def later(user, ctx):
        await ctx.wait_for("ready")
        await ctx.wait_for("used", timeout=days(1))
"""


async def test_the_events_of_the_other_are_seen_by_the_order_in_which_they_came(idle_world: World):
    await idle_world.define(LATER)
    runner = idle_world.turn_runner(hours(1))
    for _ in range(5):
        await idle_world.submit("used", **VISITOR)
    await idle_world.advance(hours(1))
    await idle_world.submit("go", **USER)
    entered = (await idle_world.enrollment()).id
    await runner.run([entered])
    await idle_world.advance(hours(1))
    await idle_world.submit("ready", **USER)
    await idle_world.submit("login", **BOTH)
    await runner.run([entered])
    # What the other did lies before "ready" came, though its number is higher.
    assert (await idle_world.enrollment()).wait_result is None
    assert (await idle_world.journal())[-1].waiting


async def test_a_wait_finds_what_the_other_did_since_the_wait_before(idle_world: World):
    await idle_world.define(LATER)
    runner = idle_world.turn_runner(hours(1))
    for _ in range(5):
        await idle_world.submit("hello", **USER)
    await idle_world.submit("go", **USER)
    entered = (await idle_world.enrollment()).id
    await runner.run([entered])
    await idle_world.submit("ready", **USER)
    await idle_world.advance(hours(1))
    await idle_world.submit("used", **VISITOR)
    await idle_world.advance(hours(1))
    await idle_world.submit("login", **BOTH)
    await runner.run([entered])
    # Its number is lower than that of "ready", but it came later.
    (used,) = await idle_world.events("used")
    assert (await idle_world.journal())[-1].answer["id"] == str(used.id)
    assert await idle_world.states() == ["completed"]


async def test_a_moved_wait_looks_back_by_the_order_of_arrival(idle_world: World):
    await idle_world.define(LATER)
    runner = idle_world.turn_runner(hours(1))
    await idle_world.submit("go", **VISITOR)
    entered = (await idle_world.enrollment()).id
    await runner.run([entered])
    for _ in range(5):
        await idle_world.submit("used", **USER)
    await idle_world.advance(hours(1))
    await idle_world.submit("ready", **VISITOR)
    await idle_world.submit("login", **BOTH)
    await runner.run([entered])
    assert (await idle_world.journal())[-1].waiting
    await idle_world.advance(hours(1))
    await idle_world.submit("used", **USER)
    await runner.run([entered])
    assert await idle_world.states() == ["completed"]


async def test_what_came_in_the_instant_of_the_trigger_is_found_after_a_merge(idle_world: World):
    await idle_world.define(WAITING)
    # All in one instant, as in a batch that ends with a login.
    await idle_world.submit("used", **VISITOR)
    await idle_world.submit("go", **VISITOR)
    await idle_world.submit("used", **VISITOR, properties={"n": 2})
    await idle_world.submit("hello", **USER)
    await idle_world.submit("login", **BOTH)
    await idle_world.turn_runner(hours(1)).run([(await idle_world.enrollment()).id])
    (wait,) = (step for step in await idle_world.journal() if step.kind == "wait")
    assert wait.answer["properties"] == {"n": 2}


async def test_who_is_merged_when_a_wait_is_over_misses_nothing_of_the_survivor(idle_world: World):
    await idle_world.define(LATER)
    runner = idle_world.turn_runner(hours(1))
    for _ in range(5):
        await idle_world.submit("hello", **VISITOR)
    await idle_world.submit("go", **VISITOR)
    entered = (await idle_world.enrollment()).id
    await runner.run([entered])
    await idle_world.submit("ready", **VISITOR)
    # Its number is lower than that of "ready", which was another's.
    await idle_world.submit("used", **USER)
    await idle_world.submit("login", **BOTH)
    await runner.run([entered])
    assert await idle_world.states() == ["completed"]


async def test_a_digest_keeps_its_trigger_across_a_merge(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            found = await ctx.digest(hours(1))
            await ctx.checkpoint(str(len(found)))
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
    ("visitor", "user", "kept"),
    [
        (False, True, False),
        (True, False, False),
        (False, None, False),
        (None, False, False),
        (True, None, True),
        (None, True, True),
    ],
)
async def test_the_strictest_word_about_a_list_counts(
    idle_world: World, visitor: bool | None, user: bool | None, kept: bool
):
    await idle_world.define(
        'news = MailList("news", "News", default_opt_in=False)\n'
        '@journey("j", trigger="go", list="news")\nasync def j(u, ctx): ...'
    )
    for who, choice in ((VISITOR, visitor), (USER, user)):
        result = await idle_world.submit("hello", **who)
        if choice is not None:
            await idle_world.submit("say", contact_id=result.contact_id, lists={"news": choice})
    await idle_world.submit("login", **BOTH)
    taken = await idle_world.submit("go", **USER)
    assert [one["outcome"] for one in taken.enrollments] == ["enrolled" if kept else "skipped"]
