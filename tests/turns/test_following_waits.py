"""`ctx.sleep_until(prop(…))`: the wake moves with the property that the wait follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hogsend import days, hours
from hogsend.domain.enrollment import Enrollment
from hogsend.domain.following import MAX_MOVES, Move, MoveCause
from hogsend.ingest.operator_action import OperatorAction, run_operator_action
from hogsend.store.counters import Tally
from tests.turns.test_changes_during_a_turn import run_turn_during
from tests.turns.test_plan import make_plan
from tests.world import World

TRIAL = """
    @journey("j", trigger="go", exit_on=["stop"])
    async def j(user, ctx):
        if await ctx.sleep_until(prop("trial.ends") - days(2), label="end"ARGUMENTS):
            await ctx.send("welcome")
        else:
            await ctx.send("nudge")
"""
TEN_DAYS = days(10)
STRICT, LENIENT = (TRIAL.replace("ARGUMENTS", text) for text in ("", ", timeout=days(7)"))


async def tell(world: World, ends: Any, name: str = "told", **more: Any) -> Any:
    """Submit an event that changes the property, and wait until nothing is due."""
    result = await world.submit(
        name,
        user_id="ada",
        email="ada@example.com",
        contact_properties={"trial": None if ends is None else {"ends": ends}, **more},
    )
    await world.settle()
    return result


def show(instant: datetime) -> str:
    return instant.isoformat()


async def wait_for_end(world: World, source: str = STRICT, after: timedelta = TEN_DAYS) -> datetime:
    """Bring a contact into the wait; return the end of the trial."""
    await world.define(source)
    ends = world.clock.now() + after
    await tell(world, show(ends), "go")
    assert (await world.enrollment()).wake_at == ends - days(2)
    return ends


async def moves(world: World) -> list[Move]:
    enrollment = await world.enrollment()
    assert enrollment.wait is not None
    assert enrollment.wait.following is not None
    return list(enrollment.wait.following.moves.latest)


async def act(world: World, name: Any) -> Enrollment:
    """Run an operator's action on the only enrollment."""
    enrollment_id, now = (await world.enrollment()).id, world.clock.now()
    tally = Tally(now)
    async with world.database.transaction() as tx:
        result = await run_operator_action(
            tx,
            OperatorAction(name, "olga@example.com"),
            [enrollment_id],
            rules=world.runtime.ingest.rules,
            tally=tally,
            now=now,
        )
        await tx.apply([tally.to_write()])
    assert result.errors == {}
    await world.runtime.ingest.publish_result(result.batch)
    await world.settle()
    return await world.enrollment()


# -- moving -----------------------------------------------------------------------------------


async def test_the_wake_moves_with_the_property_and_the_wait_says_from_what_to_what_and_why(
    world: World,
):
    ends = await wait_for_end(world)
    result = await tell(world, show(ends + days(20)), "trial.extended")
    enrollment = await world.enrollment()
    assert enrollment.wake_at == ends + days(18)
    assert await moves(world) == [
        Move(
            world.clock.now(),
            ends - days(2),
            ends + days(18),
            MoveCause("trial.extended", result.event_id),
        )
    ]
    await world.advance(days(27))
    assert await world.mailbox() == []
    await world.advance(days(1))
    assert await world.mailbox() == ["welcome"]
    assert await world.counter_drift() == {}


async def test_a_wake_that_moves_closer_is_earlier(world: World):
    ends = await wait_for_end(world, after=days(30))
    await tell(world, show(ends - days(20)))
    await world.advance(days(8))
    assert await world.mailbox() == ["welcome"]


async def test_a_wake_that_moves_to_the_past_wakes_at_once(world: World):
    ends = await wait_for_end(world)
    await tell(world, show(ends - days(100)))
    assert await world.mailbox() == ["welcome"]
    (step,) = [
        step for step in await world.journal() if step.key == "sleep:end" and not step.waiting
    ]
    assert step.answer is True


async def test_an_instant_in_the_past_waits_for_nothing(world: World):
    await world.define(STRICT)
    await tell(world, show(world.clock.now()), "go")
    assert await world.mailbox() == ["welcome"]


async def test_events_without_the_property_move_nothing(world: World):
    ends = await wait_for_end(world)
    before = await world.enrollment()
    await world.emit("hello")
    await tell(world, show(ends), plan="pro")
    assert await world.enrollment() == before


async def test_the_end_of_a_wait_is_final_whatever_the_property_becomes(world: World):
    ends = await wait_for_end(
        world,
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            came = await ctx.sleep_until(prop("trial.ends") - days(2), label="end")
            await ctx.sleep(days(1), label="pause")
            await ctx.trigger("reported", {"came": came})
        """,
    )
    await world.advance(days(8))
    await tell(world, show(ends + days(50)))
    await tell(world, None)
    await world.advance(days(1))
    (event,) = await world.events("reported")
    assert event.properties == {"came": True}


async def test_each_of_several_waits_of_a_contact_follows_its_own_property(world: World):
    await world.define(
        """
        @journey("a", trigger="go")
        async def a(user, ctx):
            await ctx.sleep_until(prop("first"))
            await ctx.send("welcome")

        @journey("b", trigger="go")
        async def b(user, ctx):
            await ctx.sleep_until(prop("second") + hours(1))
            await ctx.send("nudge")
        """
    )
    now = world.clock.now()
    dates = {"first": show(now + days(5)), "second": show(now + days(5))}
    await world.submit("go", user_id="ada", email="ada@example.com", contact_properties=dates)
    await world.settle()
    await tell(world, None, first=show(now + days(1)))
    await world.advance(days(1))
    assert await world.mailbox() == ["welcome"]
    wakes = [enrollment.wake_at for enrollment in await world.all_enrollments()]
    assert wakes == [None, now + days(5) + hours(1)]


async def test_a_plain_date_is_midnight_in_the_zone_that_the_enrollment_has_recorded(world: World):
    await world.define(STRICT)
    await tell(world, "2026-08-10", "go", timezone="America/New_York")
    assert (await world.enrollment()).wake_at == datetime(2026, 8, 8, 4, tzinfo=UTC)
    # A contact who moves keeps the zone of the enrollment, as with `ctx.when`.
    await tell(world, "2026-08-20", timezone="Asia/Tokyo")
    assert (await world.enrollment()).wake_at == datetime(2026, 8, 18, 4, tzinfo=UTC)


async def test_a_property_that_changes_with_every_event_keeps_few_moves(sqlite_world: World):
    ends = await wait_for_end(sqlite_world)
    for number in range(MAX_MOVES + 5):
        await tell(sqlite_world, show(ends + hours(number + 1)))
    latest = await moves(sqlite_world)
    enrollment = await sqlite_world.enrollment()
    assert enrollment.wait is not None
    assert enrollment.wait.following is not None
    assert (len(latest), enrollment.wait.following.moves.count) == (MAX_MOVES, MAX_MOVES + 5)
    assert latest[-1].after == enrollment.wake_at
    assert len(await sqlite_world.turns()) == 1


# -- without an instant -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "trial.ends is missing"),
        ("next week", "which is neither a date nor an instant"),
        ("2026-08-10T09:00:00", "which names no time zone"),
    ],
)
async def test_a_wait_without_an_instant_says_why_and_ends_falsy_by_its_timeout(
    world: World, value: Any, problem: str
):
    await world.define(LENIENT)
    await tell(world, value, "go")
    enrollment = await world.enrollment()
    assert enrollment.wait is not None
    assert enrollment.wait.following is not None
    assert (enrollment.wait.following.problem or "").endswith(problem)
    await world.advance(days(6))
    assert await world.mailbox() == []
    await world.advance(days(1))
    assert await world.mailbox() == ["nudge"]


async def test_without_a_timeout_a_missing_property_is_an_error_of_the_turn(world: World):
    await world.define(STRICT)
    await tell(world, None, "go")
    enrollment = await world.enrollment()
    assert "ctx.sleep_until(trial.ends - 2 days): trial.ends is missing." in (
        enrollment.error or ""
    )
    assert "Give timeout=" in (enrollment.error or "")
    # The turn is repeated, and finds the property.
    await tell(world, show(world.clock.now() + days(3)))
    await world.advance(timedelta(seconds=10))
    assert (await world.enrollment()).state == "waiting"


async def test_a_property_that_comes_later_is_followed_again(world: World):
    await world.define(LENIENT)
    await tell(world, None, "go")
    await world.advance(days(6))
    ends = world.clock.now() + days(60)
    await tell(world, show(ends))
    assert (await world.enrollment()).wake_at == ends - days(2)
    await world.advance(days(58))
    assert await world.mailbox() == ["welcome"]


async def test_the_timeout_begins_when_the_property_goes_missing(world: World):
    await wait_for_end(world, LENIENT, after=days(30))
    await world.advance(days(20))
    await tell(world, None)
    enrollment = await world.enrollment()
    assert enrollment.wake_at == world.clock.now() + days(7)
    (move,) = await moves(world)
    assert move.problem == "trial.ends is missing"
    # Another reason is no other deadline.
    await world.advance(days(1))
    await tell(world, "soon")
    assert (await world.enrollment()).wake_at == enrollment.wake_at
    await world.advance(days(6))
    assert await world.mailbox() == ["nudge"]


async def test_a_property_that_goes_missing_without_a_timeout_fails_the_turn_until_it_is_back(
    world: World,
):
    ends = await wait_for_end(world)
    await tell(world, None)
    failing = await world.enrollment()
    assert (failing.state, failing.attempt) == ("waiting", 1)
    assert "trial.ends is missing" in (failing.error or "")
    await tell(world, show(ends))
    back = await world.enrollment()
    assert (back.wake_at, back.attempt, back.error) == (ends - days(2), 0, None)
    await world.advance(days(8))
    assert await world.mailbox() == ["welcome"]


async def test_a_property_that_is_back_in_the_past_wakes_a_failing_turn_at_once(world: World):
    ends = await wait_for_end(world)
    await tell(world, None)
    await tell(world, show(ends - days(300)))
    assert await world.mailbox() == ["welcome"]


async def test_a_failed_enrollment_that_is_retried_follows_what_has_changed_since(world: World):
    await wait_for_end(world)
    await tell(world, None)
    for _ in range(6):
        await world.advance(hours(3))
    assert await world.states() == ["failed"]
    ends = world.clock.now() + days(30)
    await tell(world, show(ends))
    assert await world.states() == ["failed"]
    retried = await act(world, "retry")
    assert (retried.state, retried.wake_at) == ("waiting", ends - days(2))
    await world.advance(days(28))
    assert await world.mailbox() == ["welcome"]


async def test_a_timeout_that_is_added_later_ends_the_wait_of_a_failing_turn(world: World):
    await wait_for_end(world)
    await tell(world, None)
    await world.define(LENIENT)
    await world.advance(timedelta(minutes=1))
    assert await world.mailbox() == ["nudge"]


# -- merging ----------------------------------------------------------------------------------


async def test_a_merge_moves_the_wait_of_the_contact_that_is_merged(world: World):
    await world.define(STRICT)
    now = world.clock.now()
    early, late = show(now + days(10)), show(now + days(40))
    await world.submit("hi", user_id="ada", contact_properties={"trial": {"ends": late}})
    visitor = {"email": "ada@example.com"}
    await world.submit("go", **visitor, contact_properties={"trial": {"ends": early}})
    await world.settle()
    assert (await world.enrollment()).wake_at == now + days(8)
    await world.submit("login", user_id="ada", **visitor)
    await world.settle()
    assert (await world.enrollment()).wake_at == now + days(38)
    (move,) = await moves(world)
    assert move.cause == MoveCause("merge")
    await world.advance(days(38))
    assert await world.mailbox() == ["welcome"]
    assert await world.counter_drift() == {}


async def test_a_merge_gives_the_wait_of_the_survivor_the_property_that_it_lacked(world: World):
    await world.define(LENIENT)
    await world.submit("go", user_id="ada")
    now = world.clock.now()
    past = {"trial": {"ends": show(now - days(1))}}
    await world.submit("hi", email="ada@example.com", contact_properties=past)
    await world.settle()
    assert await world.states() == ["waiting"]
    await world.submit("login", user_id="ada", email="ada@example.com")
    await world.settle()
    assert await world.mailbox() == ["welcome"]


# -- a change while a turn is played ----------------------------------------------------------


@pytest.mark.parametrize("ends_in", [days(30), days(1)])
async def test_a_change_during_the_turn_that_begins_the_wait_is_not_lost(
    idle_world: World, ends_in: timedelta
):
    await idle_world.define(STRICT)
    now = idle_world.clock.now()
    await tell(idle_world, show(now + ends_in), "go")
    entered = (await idle_world.enrollment()).id
    later = now + days(50)
    await run_turn_during(idle_world, entered, lambda world: tell(world, show(later)))
    assert (await idle_world.turns(entered), await idle_world.sends()) == ([], [])
    await idle_world.turn_runner(hours(1)).run([entered])
    enrollment = await idle_world.enrollment()
    assert (enrollment.wake_at, await idle_world.sends()) == (later - days(2), [])


async def test_a_change_during_the_turn_that_ends_the_wait_lets_the_wait_go_on(idle_world: World):
    await idle_world.define(STRICT)
    ends = idle_world.clock.now() + days(10)
    await tell(idle_world, show(ends), "go")
    entered = (await idle_world.enrollment()).id
    await idle_world.turn_runner(hours(1)).run([entered])
    await idle_world.advance(days(8))
    await run_turn_during(idle_world, entered, lambda world: tell(world, show(ends + days(5))))
    enrollment = await idle_world.enrollment()
    assert (enrollment.state, enrollment.wake_at) == ("waiting", ends + days(3))
    assert await idle_world.sends() == []


async def test_another_property_that_changes_during_the_turn_repeats_nothing(idle_world: World):
    await idle_world.define(STRICT)
    ends = idle_world.clock.now() + days(10)
    await tell(idle_world, show(ends), "go")
    entered = (await idle_world.enrollment()).id
    await run_turn_during(idle_world, entered, lambda world: tell(world, show(ends), plan="pro"))
    assert (await idle_world.enrollment()).wake_at == ends - days(2)


# -- operators, exits, changed code -----------------------------------------------------------


async def test_an_operator_wakes_a_following_wait_and_later_events_do_not_undo_it(
    idle_world: World,
):
    await idle_world.define(STRICT)
    ends = idle_world.clock.now() + days(10)
    await tell(idle_world, show(ends), "go")
    entered = (await idle_world.enrollment()).id
    await idle_world.turn_runner(hours(1)).run([entered])
    woken = await act(idle_world, "wake")
    assert woken.wake_at == idle_world.clock.now()
    await tell(idle_world, show(ends), plan="pro")
    await idle_world.turn_runner(hours(1)).run([entered])
    assert [send.template for send in await idle_world.sends()] == ["welcome"]


async def test_an_exit_ends_a_following_wait_and_its_timeline_keeps_the_moves(world: World):
    ends = await wait_for_end(world)
    await tell(world, show(ends + days(5)))
    await world.emit("stop")
    assert (await world.enrollment()).state == "exited"
    await tell(world, show(ends - days(50)))
    assert await world.mailbox() == []
    assert [move.after for move in await moves(world)] == [ends + days(3)]
    assert await world.counter_drift() == {}


async def test_parked_people_follow_and_wake_when_their_code_is_back(world: World):
    ends = await wait_for_end(world)
    world.remove("journeys")
    await world.load()
    await tell(world, show(ends - days(5)))
    await world.advance(days(4))
    assert await world.states() == ["parked"]
    await tell(world, show(ends + days(30)))
    await world.define(STRICT)
    await world.settle()
    assert (await world.states(), await world.mailbox()) == (["waiting"], [])
    await world.advance(days(40))
    assert await world.mailbox() == ["welcome"]


async def test_a_sleep_becomes_a_wait_that_follows_and_back_without_losing_anyone(world: World):
    fixed = STRICT.replace('sleep_until(prop("trial.ends") - days(2), ', "sleep(days(8), ")
    await world.define(fixed)
    await tell(world, show(world.clock.now() + days(50)), "go")
    plan = await make_plan(world, STRICT)
    assert (plan.identical, plan.endangered) == (1, 0)
    await world.define(STRICT)
    # Rule 1: a wait keeps its recorded instant.
    await world.advance(days(8))
    assert await world.mailbox() == ["welcome"]


async def test_a_wait_that_follows_keeps_following_under_code_that_sleeps(world: World):
    ends = await wait_for_end(world)
    await world.define(
        STRICT.replace(
            'if await ctx.sleep_until(prop("trial.ends") - days(2), label="end")',
            'if not await ctx.sleep(days(1), label="end")',
        )
    )
    await tell(world, show(ends + days(5)))
    await world.advance(days(8))
    assert await world.mailbox() == []
    await world.advance(days(5))
    assert await world.mailbox() == ["welcome"]


async def test_a_new_following_wait_behind_a_contact_returns_at_once_and_is_falsy(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.sleep(days(1), label="pause")
        """
    )
    await world.emit("go")
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            came = await ctx.sleep_until(prop("trial.ends"))
            await ctx.sleep(days(1), label="pause")
            await ctx.trigger("reported", {"came": came})
        """
    )
    await world.advance(days(1))
    (event,) = await world.events("reported")
    assert event.properties == {"came": False}


async def test_the_wait_after_a_moved_one_sees_events_only_from_its_end_on(world: World):
    await wait_for_end(
        world,
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.sleep_until(prop("trial.ends") - days(2), label="end")
            used = await ctx.wait_for("used", timeout=days(1))
            await ctx.send("welcome" if used else "nudge")
        """,
    )
    await world.advance(days(1))
    await world.emit("used")
    await world.advance(days(1))
    await tell(world, show(world.clock.now() - days(300)))
    await world.advance(days(1))
    assert await world.mailbox() == ["nudge"]


async def test_a_timeout_for_an_instant_is_refused(sqlite_world: World):
    await sqlite_world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.sleep_until(datetime(2030, 1, 1, tzinfo=UTC), timeout=days(1))
        """
    )
    await sqlite_world.emit("go")
    error = (await sqlite_world.enrollment()).error or ""
    assert "takes timeout= only with a property" in error
