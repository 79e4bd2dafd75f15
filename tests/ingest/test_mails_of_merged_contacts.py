"""A person who was two contacts gets each mail of a journey once, in every order of events."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import product
from typing import Any

import pytest

from hogsend import hours
from hogsend.ingest import ActionName
from hogsend.services.enrollment_actions import run_action
from hogsend.store.counters import Tally
from hogsend.store.db import Write
from tests.actors import OLGA
from tests.world import World

VISITOR: dict[str, Any] = {"email": "ada@example.com"}
USER: dict[str, Any] = {"user_id": "ada"}
BOTH = VISITOR | USER
ONE_MAIL = """
    @journey("j", trigger="go", {entry})
    async def j(user, ctx):
        await ctx.send("welcome")
"""
THREE_MAILS = """
    @journey("j", trigger="go", {entry})
    async def j(user, ctx):
        await ctx.send("welcome")
        await ctx.trigger("welcomed")
        await ctx.sleep(days(1))
        await ctx.send("nudge")
        await ctx.sleep(days(1))
        await ctx.send("bye")
"""
ENTRIES = ['entry="once"', "entry=once_per(days(30))"]


async def run_turns(world: World, *, changing: dict[str, Any] | None = None) -> None:
    """Run the turns that are due; with `changing`, submit this trigger before the first commit."""
    runner = world.turn_runner(hours(1))
    commit = type(runner)._commit_all

    async def change_first(self: Any, *args: Any) -> None:
        nonlocal changing
        if changing is not None:
            event, changing = changing, None
            await world.submit("go", **event)
        await commit(self, *args)

    now = world.clock.now()
    ids = [
        enrollment.id
        for enrollment in await world.all_enrollments()
        if enrollment.state in ("active", "waiting")
        and enrollment.wake_at is not None
        and enrollment.wake_at <= now
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(runner), "_commit_all", change_first)
        for enrollment_id in ids:
            await runner.run([enrollment_id])
    if changing is not None:
        await world.submit("go", **changing)


async def finish(world: World) -> None:
    """Let days pass, until every journey is over."""
    for _ in range(6):
        await run_turns(world)
        await world.advance(hours(24))


async def count_mails(world: World) -> dict[Any, Counter[str]]:
    """Return how often each contact got or is going to get each mail."""
    mails: dict[Any, Counter[str]] = {}
    for send in await world.sends():
        if send.status not in ("skipped", "suppressed", "cancelled"):
            mails.setdefault(send.contact_id, Counter())[send.template] += 1
    return mails


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("is_long", [False, True], ids=["one mail", "three mails"])
async def test_each_mail_is_sent_once_in_every_order_of_posts_and_turns(
    idle_world: World, is_long: bool, entry: str
):
    await idle_world.define((THREE_MAILS if is_long else ONE_MAIL).format(entry=entry))
    expected = Counter(["welcome", "nudge", "bye"] if is_long else ["welcome"])
    orders = [(USER, VISITOR), (VISITOR, USER)]
    # Turns run after the first post, after the second, and while the third arrives, or not.
    flag = (False, True)
    for number, (order, *moments) in enumerate(product(orders, flag, flag, flag)):
        name = f"p{number}"
        posts: list[dict[str, Any]] = [
            {key: value.replace("ada", name) for key, value in post.items()} for post in order
        ]
        first, second = posts
        await idle_world.submit("go", **first)
        if moments[0]:
            await run_turns(idle_world)
        await idle_world.submit("go", **second)
        if moments[1]:
            await run_turns(idle_world)
        if moments[2]:
            await run_turns(idle_world, changing=first | second)
        else:
            await idle_world.submit("go", **first | second)
    await finish(idle_world)
    mails = await count_mails(idle_world)
    unexpected = [counter for counter in mails.values() if counter != expected]
    assert (len(mails), unexpected) == (16, [])
    assert await idle_world.counter_drift() == {}


async def test_two_mails_that_wait_for_the_morning_become_one(idle_world: World):
    await idle_world.define(ONE_MAIL.format(entry='entry="once", send_window=("09:00", "10:00")'))
    await idle_world.submit("go", anonymous_id="v", email="ada@example.com")
    await run_turns(idle_world)
    await idle_world.submit("go", **USER, email="ada@example.org")
    await run_turns(idle_world)
    await idle_world.submit("login", **USER, anonymous_id="v")
    outcomes = await idle_world.send_outcomes()
    assert sorted(status for _, status, _ in outcomes) == ["cancelled", "queued"]
    assert await idle_world.counter_drift() == {}


async def test_effects_of_the_other_contacts_enrollment_are_not_repeated(idle_world: World):
    await idle_world.define(THREE_MAILS.format(entry='entry="once"'))
    first = await idle_world.submit("go", **USER)
    await idle_world.submit("go", **VISITOR)
    older, younger = await idle_world.all_enrollments()
    await idle_world.turn_runner(hours(1)).run([younger.id])
    await idle_world.submit("login", **BOTH)
    await finish(idle_world)
    assert len(await idle_world.events("welcomed")) == 1
    by_id = {enrollment.id: enrollment for enrollment in await idle_world.all_enrollments()}
    assert (by_id[younger.id].state, by_id[younger.id].end_reason) == ("exited", "merged")
    assert (by_id[older.id].state, by_id[older.id].contact_id) == ("completed", first.contact_id)


async def test_the_enrollment_that_missed_a_mail_yields_to_the_younger_one(idle_world: World):
    await idle_world.define(THREE_MAILS.format(entry='entry="once"'))
    await idle_world.submit("go", **USER)
    await run_turns(idle_world)
    await idle_world.submit("go", **VISITOR)
    await idle_world.submit("login", **BOTH)
    older, younger = await idle_world.all_enrollments()
    assert (older.state, older.end_reason) == ("exited", "merged")
    assert younger.is_live
    await finish(idle_world)
    mails = await count_mails(idle_world)
    assert list(mails.values()) == [Counter(["welcome", "nudge", "bye"])]


# -- exits before the merge -------------------------------------------------------------------

EXITING = """
    @journey("j", trigger="go", exit_on=["paid"], send_window=("09:00", "10:00"))
    async def j(user, ctx):
        await ctx.send("welcome")
        await ctx.wait_for("never")
"""


@pytest.mark.parametrize(("entered", "paid"), [(USER, VISITOR), (VISITOR, USER)])
async def test_an_exit_event_of_the_other_contact_ends_an_enrollment_at_the_merge(
    idle_world: World, entered: dict[str, Any], paid: dict[str, Any]
):
    await idle_world.define(EXITING)
    await idle_world.submit("hello", **paid)
    await idle_world.submit("go", **entered)
    await run_turns(idle_world)
    await idle_world.submit("paid", **paid)
    assert await idle_world.states() == ["waiting"]
    await idle_world.submit("login", **BOTH)
    enrollment = await idle_world.enrollment()
    assert (enrollment.state, enrollment.end_reason) == ("exited", "exit_on paid")
    assert not await count_mails(idle_world)
    assert await idle_world.counter_drift() == {}


async def test_an_exit_event_before_the_enrollment_does_not_end_it_at_the_merge(
    idle_world: World,
):
    await idle_world.define(EXITING)
    await idle_world.submit("paid", **VISITOR)
    await idle_world.submit("go", **USER)
    await idle_world.submit("login", **BOTH)
    assert await idle_world.states() == ["active"]


async def test_an_exit_event_of_the_other_contact_cancels_a_mail_of_a_completed_journey(
    idle_world: World,
):
    await idle_world.define(
        ONE_MAIL.format(entry='exit_on=["paid"], send_window=("09:00", "10:00")')
    )
    await idle_world.submit("go", **VISITOR)
    await run_turns(idle_world)
    await idle_world.submit("paid", **USER)
    await idle_world.submit("login", **BOTH)
    assert await idle_world.send_outcomes() == [("welcome", "cancelled", "exit_on paid")]
    assert await idle_world.states() == ["completed"]


# -- exits by an operator -----------------------------------------------------------------------


@pytest.mark.parametrize("action", ["exit", "restart"])
async def test_an_operators_exit_cancels_the_mail_that_the_merged_enrollment_has_queued(
    idle_world: World, action: ActionName
):
    await idle_world.define(EXITING)
    await idle_world.submit("go", **USER)
    await run_turns(idle_world)
    await idle_world.submit("go", **VISITOR)
    await run_turns(idle_world)
    await idle_world.submit("login", **BOTH)
    older, younger = await idle_world.all_enrollments()
    assert (older.state, younger.state, younger.end_reason) == ("waiting", "exited", "merged")
    assert [outcome[1] for outcome in await idle_world.send_outcomes()] == ["skipped", "queued"]
    if action == "restart":
        rows = Write("UPDATE enrollments SET state = 'drifted' WHERE id = ?", [(older.id,)])
        tally = Tally(idle_world.clock.now())
        tally.change_state("j", "waiting", "drifted")
        async with idle_world.database.transaction() as tx:
            await tx.apply([rows, tally.to_write()])
    await run_action(idle_world.runtime, OLGA, action, older.id)
    assert [outcome[1] for outcome in await idle_world.send_outcomes()] == ["skipped", "cancelled"]
    assert await idle_world.counter_drift() == {}


async def test_a_restart_by_the_trigger_cancels_the_mail_that_the_merged_enrollment_has_queued(
    idle_world: World,
):
    entry = 'entry="unlimited", on_retrigger="restart", send_window=("09:00", "10:00")'
    await idle_world.define(THREE_MAILS.format(entry=entry))
    await idle_world.submit("go", **USER)
    await run_turns(idle_world)
    await idle_world.submit("go", **VISITOR)
    await run_turns(idle_world)
    await idle_world.submit("login", **BOTH)
    assert [outcome[1] for outcome in await idle_world.send_outcomes()] == ["skipped", "queued"]
    await idle_world.submit("go", **BOTH)
    await run_turns(idle_world)
    outcomes = [outcome[1] for outcome in await idle_world.send_outcomes()]
    assert outcomes == ["skipped", "cancelled", "queued"]
    assert await idle_world.counter_drift() == {}


async def test_an_operators_exit_cancels_no_mail_of_an_earlier_entry(idle_world: World):
    await idle_world.define(
        ONE_MAIL.format(entry='entry="unlimited", send_window=("09:00", "10:00")')
    )
    await idle_world.submit("go", **BOTH)
    await run_turns(idle_world)
    await idle_world.submit("go", **BOTH)
    completed, live = await idle_world.all_enrollments()
    await run_action(idle_world.runtime, OLGA, "exit", live.id)
    assert [outcome[1] for outcome in await idle_world.send_outcomes()] == ["queued"]
    assert completed.state == "completed"


# -- chains -----------------------------------------------------------------------------------

BROWSER: dict[str, Any] = {"anonymous_id": "b1"}


@pytest.mark.parametrize("event", ["used", "paid"])
async def test_events_count_down_a_chain_of_merges(idle_world: World, event: str):
    await idle_world.define(
        """
        @journey("j", trigger="go", exit_on=["paid"])
        async def j(user, ctx):
            await ctx.wait_for("used", timeout=days(9))
            await ctx.checkpoint(str(await ctx.history.count("used")))
        """
    )
    await idle_world.submit("go", **USER)
    await run_turns(idle_world)
    await idle_world.submit("hello", **BROWSER)
    # The older of two contacts without a user id survives.
    visitor = await idle_world.submit(event, **VISITOR)
    await idle_world.submit("login", **VISITOR, **BROWSER)
    await idle_world.submit("login", **BOTH)
    await run_turns(idle_world)
    assert await idle_world.states() == ["exited" if event == "paid" else "completed"]
    if event == "used":
        assert (await idle_world.journal())[-1].label == "1"
    # References to each of them lead to the last survivor.
    ada = await idle_world.contact()
    late = await idle_world.submit("click", contact_id=visitor.contact_id)
    assert (late.contact_id, len(await idle_world.contacts())) == (ada.id, 1)


async def test_a_chain_of_merges_within_one_batch_sends_each_mail_once(idle_world: World):
    await idle_world.define(THREE_MAILS.format(entry='entry="once"'))
    posts = [BROWSER, VISITOR, BROWSER | VISITOR, USER, BOTH]
    await asyncio.gather(*(idle_world.submit("go", **post) for post in posts))
    assert len(await idle_world.contacts()) == 1
    await finish(idle_world)
    mails = await count_mails(idle_world)
    assert list(mails.values()) == [Counter(["welcome", "nudge", "bye"])]
    assert await idle_world.counter_drift() == {}
