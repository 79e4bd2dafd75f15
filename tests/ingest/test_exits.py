"""An exit ends an enrollment immediately, and cancels its sends that are still queued."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from hogsend import days, hours
from hogsend.errors import Conflict, NotFound
from hogsend.ingest import ActionName
from hogsend.services.enrollment_actions import run_action
from tests.actors import OLGA
from tests.world import World

DUNNING = """
    @journey(
        "dunning",
        trigger="invoice.failed",
        entry="unlimited",
        exit_on=["invoice.paid", on("plan.changed", where=prop("plan") == "free")],
    )
    async def dunning(user, ctx):
        await ctx.send("welcome")
        await ctx.wait_for("card.updated", timeout=days(3))
        await ctx.send("nudge")
"""


async def test_an_exit_ends_a_wait_immediately(world: World):
    await world.define(DUNNING)
    await world.emit("invoice.failed")
    result = await world.emit("invoice.paid")

    exited = await world.enrollment()
    assert (exited.state, exited.end_reason) == ("exited", "exit_on invoice.paid")
    assert (exited.wake_at, exited.wait, exited.ended_at) == (None, None, world.clock.now())
    assert [dict(decision) for decision in result.exits] == [
        {"journeyId": "dunning", "stateId": str(exited.id), "exited": True}
    ]
    await world.advance(days(3))
    assert await world.mailbox() == ["welcome"]
    assert await world.counter_drift() == {}


@pytest.mark.parametrize(("plan", "state"), [("free", "exited"), ("pro", "waiting")])
async def test_an_exit_may_have_a_condition(world: World, plan: str, state: str):
    await world.define(DUNNING)
    await world.emit("invoice.failed")
    result = await world.emit("plan.changed", plan=plan)
    assert await world.states() == [state]
    assert [decision["exited"] for decision in result.exits] == [state == "exited"]


async def test_an_exit_ends_an_enrollment_before_its_first_turn(idle_world: World):
    await idle_world.define(DUNNING)
    await idle_world.submit("invoice.failed", user_id="ada")
    await idle_world.submit("invoice.paid", user_id="ada")
    assert await idle_world.states() == ["exited"]
    await idle_world.turn_runner(hours(1)).run([(await idle_world.enrollment()).id])
    assert await idle_world.sends() == []


async def test_a_trigger_and_its_exit_in_one_batch_are_processed_in_order(idle_world: World):
    await idle_world.define(DUNNING)
    await asyncio.gather(
        *(
            idle_world.submit(name, user_id="ada")
            for name in ("invoice.failed", "invoice.paid", "invoice.failed")
        )
    )
    assert await idle_world.states() == ["exited", "active"]
    assert await idle_world.counter_drift() == {}


async def test_an_exit_does_not_end_the_enrollment_that_the_same_event_starts(idle_world: World):
    await idle_world.define(
        '@journey("j", trigger="go", entry="unlimited", exit_on=["go"])\n'
        "async def j(user, ctx): ..."
    )
    for _ in range(3):
        await idle_world.submit("go", user_id="ada")
    assert await idle_world.states() == ["exited", "exited", "active"]


async def test_an_exit_event_that_is_also_awaited_is_an_exit(world: World):
    await world.define(
        """
        @journey("j", trigger="go", exit_on=["paid"])
        async def j(user, ctx):
            await ctx.wait_for("paid")
            await ctx.send("welcome")
        """
    )
    await world.emit("go")
    result = await world.emit("paid")
    assert await world.states() == ["exited"]
    assert result.waits == []
    assert await world.mailbox() == []


async def test_an_exit_leaves_other_people_and_other_journeys_alone(world: World):
    await world.define(DUNNING + DUNNING.replace("dunning", "other").replace("paid", "sent"))
    await world.emit("invoice.failed", "ada")
    await world.emit("invoice.failed", "bo")
    await world.emit("invoice.paid", "ada")
    ada = await world.contact("ada")
    exited = [
        enrollment for enrollment in await world.all_enrollments() if enrollment.state == "exited"
    ]
    assert [(enrollment.contact_id, enrollment.journey_id) for enrollment in exited] == [
        (ada.id, "dunning")
    ]


# -- queued mail --------------------------------------------------------------------------------


async def queue_mail(idle_world: World, source: str = DUNNING) -> None:
    """Queue a mail in a world without a worker."""
    await idle_world.define(source)
    await idle_world.submit("invoice.failed", user_id="ada", email="ada@example.com")
    (entered,) = await idle_world.all_enrollments()
    await idle_world.turn_runner(hours(1)).run([entered.id])
    assert await idle_world.send_outcomes() == [("welcome", "queued", None)]


async def test_an_exit_cancels_mail_that_has_not_left(idle_world: World):
    await queue_mail(idle_world)
    await idle_world.submit("invoice.paid", user_id="ada")
    (send,) = await idle_world.sends()
    assert (send.status, send.reason, send.due_at) == ("cancelled", "exit_on invoice.paid", None)
    assert await idle_world.counter_drift() == {}


async def test_an_exit_cancels_mail_of_a_journey_that_has_completed(idle_world: World):
    await queue_mail(
        idle_world,
        """
        @journey("last", trigger="invoice.failed", exit_on=["invoice.paid"])
        async def last(user, ctx):
            await ctx.send("welcome")
        """,
    )
    assert await idle_world.states() == ["completed"]
    result = await idle_world.submit("invoice.paid", user_id="ada")
    assert await idle_world.send_outcomes() == [("welcome", "cancelled", "exit_on invoice.paid")]
    assert await idle_world.states() == ["completed"]
    assert result.exits == []
    assert await idle_world.counter_drift() == {}


async def test_an_exit_cancels_mail_of_a_completed_journey_that_is_gone_from_the_code(
    idle_world: World,
):
    await queue_mail(
        idle_world,
        """
        @journey("last", trigger="invoice.failed", exit_on=["invoice.paid"])
        async def last(user, ctx):
            await ctx.send("welcome")
        """,
    )
    idle_world.remove("journeys")
    await idle_world.load()
    await idle_world.submit("invoice.paid", user_id="ada")
    assert await idle_world.send_outcomes() == [("welcome", "cancelled", "exit_on invoice.paid")]


async def test_mail_of_others_is_not_cancelled(idle_world: World):
    await queue_mail(idle_world)
    await idle_world.submit("invoice.paid", user_id="bo")
    assert await idle_world.send_outcomes() == [("welcome", "queued", None)]


# -- an operator -------------------------------------------------------------------------------


async def test_an_operator_exits_an_enrollment_and_cancels_its_mail(idle_world: World):
    await queue_mail(idle_world)
    enrollment = await idle_world.enrollment()
    await run_action(idle_world.runtime, OLGA, "exit", enrollment.id, note="asked on the phone")
    assert (await idle_world.enrollment()).end_reason == "by olga: asked on the phone"
    assert await idle_world.send_outcomes() == [
        ("welcome", "cancelled", "by olga: asked on the phone")
    ]
    assert await idle_world.counter_drift() == {}
    with pytest.raises(Conflict):
        await run_action(idle_world.runtime, OLGA, "exit", enrollment.id)


async def test_an_operator_can_end_waits(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.sleep(days(30))
            answer = await ctx.wait_for("never")
            await ctx.send("welcome" if answer else "nudge")
        """
    )
    await world.emit("go")
    enrollment = await world.enrollment()
    for _ in range(2):
        await run_action(world.runtime, OLGA, "wake", enrollment.id)
        await world.settle()
    assert await world.mailbox() == ["nudge"]
    assert await world.states() == ["completed"]
    with pytest.raises(Conflict):
        await run_action(world.runtime, OLGA, "wake", enrollment.id)


async def test_an_operator_cannot_wake_a_parked_enrollment(world: World):
    await world.define(DUNNING)
    await world.emit("invoice.failed")
    world.remove("journeys")
    await world.load()
    with pytest.raises(Conflict, match="parked"):
        await run_action(world.runtime, OLGA, "wake", (await world.enrollment()).id)
    await world.emit("invoice.paid")
    assert await world.states() == ["exited"]


async def test_actions_on_an_unknown_enrollment_are_refused(idle_world: World):
    unknown_id = (await idle_world.submit("go", user_id="ada")).event_id
    actions: tuple[ActionName, ...] = ("wake", "exit", "continue", "restart", "retry")
    for action in actions:
        with pytest.raises(NotFound):
            await run_action(idle_world.runtime, OLGA, action, unknown_id)


# -- another trigger while enrolled --------------------------------------------------------------

RESTART = """
    @journey(
        "j",
        trigger=on("go", where=prop("real") == True),
        key=prop("cart"),
        on_retrigger="restart",
    )
    async def j(user, ctx):
        await ctx.send("welcome")
        await ctx.sleep(days(1))
        await ctx.send("nudge")
"""


async def test_another_trigger_restarts_a_journey_with_on_retrigger_restart(world: World):
    await world.define(RESTART)
    await world.emit("go", real=True, cart=1)
    await world.advance(hours(23))
    result = await world.emit("go", real=True, cart=1)

    first, second = await world.all_enrollments()
    assert (first.state, first.end_reason) == ("exited", "restarted")
    assert (second.state, result.enrollments[0]["stateId"]) == ("waiting", str(second.id))
    await world.advance(hours(23))
    assert await world.mailbox() == ["welcome", "welcome"]
    await world.advance(hours(1))
    assert await world.mailbox() == ["welcome", "welcome", "nudge"]
    assert await world.counter_drift() == {}


async def test_a_refused_trigger_does_not_end_the_enrollment_it_would_restart(world: World):
    await world.define(RESTART)
    await world.emit("go", real=True, cart=1)
    assert [decision["reason"] for decision in (await world.emit("go", cart=1)).enrollments] == [
        "where_not_met"
    ]
    await world.switch("j", on=False)
    await world.emit("go", real=True, cart=1)
    assert await world.states() == ["waiting"]


async def test_a_restart_does_not_touch_an_enrollment_with_another_key(idle_world: World):
    await idle_world.define(RESTART)
    carts = [{"real": True, "cart": cart} for cart in (1, 2, 1)]
    for cart in carts[:2]:
        await idle_world.submit("go", user_id="ada", email="ada@example.com", properties=cart)
    for enrollment in await idle_world.all_enrollments():
        await idle_world.turn_runner(hours(1)).run([enrollment.id])
    await idle_world.submit("go", user_id="ada", properties=carts[2])
    assert [enrollment.state for enrollment in await idle_world.all_enrollments()] == [
        "exited",
        "waiting",
        "active",
    ]
    assert await idle_world.send_outcomes() == [
        ("welcome", "cancelled", "restarted"),
        ("welcome", "queued", None),
    ]


async def test_a_restart_does_not_enroll_a_contact_who_has_completed(world: World):
    await world.define(RESTART)
    await world.emit("go", real=True, cart=1)
    await world.advance(timedelta(days=1))
    result = await world.emit("go", real=True, cart=1)
    assert [decision["reason"] for decision in result.enrollments] == ["already_entered"]
