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


async def test_the_survivor_has_a_user_id(desk: World):
    visitor = await desk.take("a", **VISITOR, contact_properties={"x": "old", "y": 1})
    user = await desk.take("a", **USER, contact_properties={"x": "new", "z": 2})
    login = await desk.take("login", **BOTH, contact_properties={"z": 3})

    (ada,) = await desk.people()
    assert login.contact_id == ada.id == user.contact_id != visitor.contact_id
    assert ada.email == "ada@example.com"
    # Older, then survivor, then what this call says.
    assert ada.properties == {"x": "new", "y": 1, "z": 3}
    assert await desk.miscounted() == {}


async def test_of_two_without_a_user_id_the_older_survives(desk: World):
    older = await desk.take("a", email="ada@example.com")
    await desk.take("a", anonymous_id="b1")
    merged = await desk.take("b", email="ada@example.com", anonymous_id="b1")
    assert merged.contact_id == older.contact_id
    (ada,) = await desk.people()
    assert (ada.email, ada.anonymous_id) == ("ada@example.com", "b1")


async def test_three_can_be_one(desk: World):
    await desk.take("a", anonymous_id="b1")
    await desk.take("a", email="ada@example.com")
    await desk.take("a", user_id="ada")
    await desk.take("b", user_id="ada", email="ada@example.com", anonymous_id="b1")
    (ada,) = await desk.people()
    assert (ada.user_id, ada.email, ada.anonymous_id) == ("ada", "ada@example.com", "b1")
    assert await desk.miscounted() == {}


async def test_a_merge_within_one_set_is_decided_in_its_place(desk: World):
    taken = await asyncio.gather(
        desk.take("a", **VISITOR),
        desk.take("a", **USER),
        desk.take("b", **VISITOR, contact_properties={"b": 1}),
        desk.take("c", **BOTH, contact_properties={"c": 1}),
        desk.take("d", **VISITOR, contact_properties={"d": 1}),
        desk.take("e", user_id="bo"),
    )
    ada, bo = await desk.people()
    assert [one.contact_id == ada.id for one in taken] == [False, True, False, True, True, False]
    assert (ada.user_id, ada.properties) == ("ada", {"b": 1, "c": 1, "d": 1})
    assert bo.user_id == "bo"
    assert len(await desk.events()) == 6
    assert await desk.miscounted() == {}


async def test_the_events_after_a_merge_are_numbered_after_those_of_both(desk: World):
    for _ in range(3):
        await desk.take("a", **VISITOR)
    await desk.take("a", **USER)
    await desk.take("login", **BOTH)
    (login,) = await desk.events("login")
    # One number is the merge's own: no event has it.
    assert login.seq == 5


async def test_what_comes_for_the_one_who_was_merged_reaches_the_survivor(desk: World):
    visitor = await desk.take("a", **VISITOR)
    await desk.take("a", **USER)
    await desk.take("login", **BOTH)
    taken = await desk.take("click", contact_id=visitor.contact_id, lists={"*": False})
    ada = await desk.person()
    assert taken.contact_id == ada.id
    assert [one.contact_id for one in await desk.events("click")] == [ada.id]
    said = await desk.ask("SELECT contact_id, list_id, subscribed FROM consents")
    assert [(bytes(row[0]) if isinstance(row[0], bytes) else row[0].bytes) for row in said] == [
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
    await world.journey(WAITING)
    await world.take("go", **VISITOR)
    await world.settle()
    await world.take("hello", **USER)
    await world.take("login", **BOTH)
    await world.take("used", **USER)
    await world.settle()
    assert await world.mailbox() == ["welcome"]
    ada = await world.person()
    assert (await world.enrollment()).contact_id == ada.id
    assert await world.miscounted() == {}


async def test_an_exit_reaches_who_was_merged(world: World):
    await world.journey(WAITING)
    await world.take("go", **VISITOR)
    await world.settle()
    await world.take("hello", **USER)
    await world.take("login", **BOTH)
    await world.take("stop", **USER)
    assert await world.states() == ["exited"]


@pytest.mark.parametrize("first", [VISITOR, USER])
async def test_where_both_are_in_one_journey_the_older_continues(
    world: World, first: dict[str, Any]
):
    await world.journey(WAITING)
    second = USER if first is VISITOR else VISITOR
    older = (await world.take("go", **first)).enrollments[0]["stateId"]
    newer = (await world.take("go", **second)).enrollments[0]["stateId"]
    await world.settle()
    await world.take("login", **BOTH)

    ada = await world.person()
    by_id = {str(one.id): one for one in await world.all_enrollments()}
    assert (by_id[older].state, by_id[older].contact_id) == ("waiting", ada.id)
    assert (by_id[newer].state, by_id[newer].end_reason) == ("exited", "merged")
    assert await world.miscounted() == {}
    await world.take("used", **USER)
    await world.settle()
    assert await world.mailbox() == ["welcome"]


async def test_side_by_side_enrollments_stay_side_by_side(desk: World):
    await desk.journey('@journey("j", trigger="go", key=prop("cart"))\nasync def j(u, ctx): ...')
    await desk.take("go", **VISITOR, properties={"cart": 1})
    await desk.take("go", **USER, properties={"cart": 2})
    await desk.take("login", **BOTH)
    assert await desk.states() == ["active", "active"]
    assert len({one.contact_id for one in await desk.all_enrollments()}) == 1


async def test_nothing_is_deleted(world: World):
    await world.journey(WAITING)
    older = (await world.take("go", **VISITOR)).contact_id
    newer = (await world.take("go", **USER)).contact_id
    await world.settle()
    tables = ("contacts", "events", "enrollments", "turns", "sends", "refusals")

    async def count() -> list[int]:
        found = [await world.ask(f"SELECT COUNT(*) FROM {name}") for name in tables]  # noqa: S608
        return [rows[0][0] for rows in found]

    before = await count()
    await world.take("login", **BOTH)
    assert await count() == [before[0], before[1] + 1, *before[2:]]
    # The event of each is still theirs, and both histories are the survivor's.
    assert [one.contact_id for one in await world.events("go")] == [older, newer]


async def test_mail_that_has_not_left_goes_to_the_survivor(desk: World):
    await desk.journey('@journey("j", trigger="go")\nasync def j(u, ctx): await ctx.send("bye")')
    player = desk.player(hours(1))
    await desk.take("go", **VISITOR)
    await player.play([(await desk.enrollment()).id])
    await desk.take("hello", **USER)
    await desk.take("login", **BOTH)
    (send,) = await desk.ledger()
    assert (send.status, send.contact_id) == ("queued", (await desk.person()).id)


async def test_who_has_entered_once_does_not_enter_again_after_a_merge(world: World):
    await world.journey('@journey("j", trigger="go")\nasync def j(user, ctx): ...')
    await world.take("go", **VISITOR)
    await world.settle()
    await world.take("hello", **USER)
    taken = await world.take("login", **BOTH)
    taken = await world.take("go", **USER)
    assert [one.get("reason") for one in taken.enrollments] == ["already_entered"]


async def test_the_gap_between_mails_is_kept_across_a_merge(world: World):
    await world.journey(
        """
        @journey("j", trigger="go", suppress=days(1))
        async def j(user, ctx):
            await ctx.send("welcome")
            await ctx.sleep(hours(1))
            await ctx.send("nudge")
        """
    )
    await world.take("go", **VISITOR)
    await world.settle()
    await world.take("hello", **USER)
    await world.take("login", **BOTH)
    await world.advance(hours(1))
    assert await world.verdicts() == [("welcome", "sent", None), ("nudge", "skipped", "too_soon")]


async def test_history_is_that_of_both(world: World):
    await world.journey(
        """
        @journey("j", trigger="check", entry="unlimited")
        async def j(user, ctx):
            await ctx.history.count("used")
            await ctx.history.has_event("used", where=prop("big") == True)
        """
    )
    await world.take("used", **VISITOR, properties={"big": True})
    await world.take("used", **USER)
    await world.take("login", **BOTH)
    await world.take("check", **USER)
    await world.settle()
    assert await world.answers() == {"count:used": 2, "has_event:used": True}


LATER = """
    @journey("later", trigger="go")
    async def later(user, ctx):
        await ctx.wait_for("ready")
        await ctx.wait_for("used", timeout=days(1))
"""


async def test_the_events_of_the_other_are_seen_by_the_order_in_which_they_came(desk: World):
    await desk.journey(LATER)
    player = desk.player(hours(1))
    for _ in range(5):
        await desk.take("used", **VISITOR)
    await desk.advance(hours(1))
    await desk.take("go", **USER)
    entered = (await desk.enrollment()).id
    await player.play([entered])
    await desk.advance(hours(1))
    await desk.take("ready", **USER)
    await desk.take("login", **BOTH)
    await player.play([entered])
    # What the other did lies before "ready" came, though its number is higher.
    assert (await desk.enrollment()).wait_result is None
    assert (await desk.journal())[-1].waiting


async def test_a_wait_finds_what_the_other_did_since_the_wait_before(desk: World):
    await desk.journey(LATER)
    player = desk.player(hours(1))
    for _ in range(5):
        await desk.take("hello", **USER)
    await desk.take("go", **USER)
    entered = (await desk.enrollment()).id
    await player.play([entered])
    await desk.take("ready", **USER)
    await desk.advance(hours(1))
    await desk.take("used", **VISITOR)
    await desk.advance(hours(1))
    await desk.take("login", **BOTH)
    await player.play([entered])
    # Its number is lower than that of "ready", but it came later.
    (used,) = await desk.events("used")
    assert (await desk.journal())[-1].answer["id"] == str(used.id)
    assert await desk.states() == ["completed"]


async def test_a_moved_wait_looks_back_by_the_order_of_arrival(desk: World):
    await desk.journey(LATER)
    player = desk.player(hours(1))
    await desk.take("go", **VISITOR)
    entered = (await desk.enrollment()).id
    await player.play([entered])
    for _ in range(5):
        await desk.take("used", **USER)
    await desk.advance(hours(1))
    await desk.take("ready", **VISITOR)
    await desk.take("login", **BOTH)
    await player.play([entered])
    assert (await desk.journal())[-1].waiting
    await desk.advance(hours(1))
    await desk.take("used", **USER)
    await player.play([entered])
    assert await desk.states() == ["completed"]


async def test_what_came_in_the_instant_of_the_trigger_is_found_after_a_merge(desk: World):
    await desk.journey(WAITING)
    # All in one instant, as in a batch that ends with a login.
    await desk.take("used", **VISITOR)
    await desk.take("go", **VISITOR)
    await desk.take("used", **VISITOR, properties={"n": 2})
    await desk.take("hello", **USER)
    await desk.take("login", **BOTH)
    await desk.player(hours(1)).play([(await desk.enrollment()).id])
    (wait,) = (step for step in await desk.journal() if step.kind == "wait")
    assert wait.answer["properties"] == {"n": 2}


async def test_who_is_merged_when_a_wait_is_over_misses_nothing_of_the_survivor(desk: World):
    await desk.journey(LATER)
    player = desk.player(hours(1))
    for _ in range(5):
        await desk.take("hello", **VISITOR)
    await desk.take("go", **VISITOR)
    entered = (await desk.enrollment()).id
    await player.play([entered])
    await desk.take("ready", **VISITOR)
    # Its number is lower than that of "ready", which was another's.
    await desk.take("used", **USER)
    await desk.take("login", **BOTH)
    await player.play([entered])
    assert await desk.states() == ["completed"]


async def test_a_digest_keeps_its_trigger_across_a_merge(world: World):
    await world.journey(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            found = await ctx.digest(hours(1))
            await ctx.checkpoint(str(len(found)))
        """
    )
    await world.take("go", **VISITOR)
    await world.settle()
    await world.take("hello", **USER)
    await world.take("login", **BOTH)
    await world.take("go", **USER)
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
    desk: World, visitor: bool | None, user: bool | None, kept: bool
):
    await desk.journey(
        'news = MailList("news", "News", default_opt_in=False)\n'
        '@journey("j", trigger="go", list="news")\nasync def j(u, ctx): ...'
    )
    for who, said in ((VISITOR, visitor), (USER, user)):
        made = await desk.take("hello", **who)
        if said is not None:
            await desk.take("say", contact_id=made.contact_id, lists={"news": said})
    await desk.take("login", **BOTH)
    taken = await desk.take("go", **USER)
    assert [one["outcome"] for one in taken.enrollments] == ["enrolled" if kept else "skipped"]
