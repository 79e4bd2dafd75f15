"""The arguments of `@journey`: goal, holdout, send window, time zone, late events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hogsend import days, hours
from tests.world import World

ONE_JOURNEY = """
@journey("j", trigger="go", entry="unlimited"{more})
async def j(user, ctx):
    await ctx.send("welcome")
    await ctx.wait_for("never", timeout=days(3))
"""


async def count_goals(world: World) -> dict[str, int]:
    rows = await world.query("SELECT name, value FROM counters WHERE name LIKE 'goal/%'")
    return {name: value for name, value in rows}


async def test_a_goal_is_counted_once_for_each_enrollment_and_ends_nothing(world: World):
    await world.define(ONE_JOURNEY.format(more=', goal=on("bought", where=prop("total") > 5)'))
    await world.emit("bought", total=9)
    await world.emit("go")
    await world.emit("bought", total=3)
    assert await count_goals(world) == {}
    await world.emit("bought", total=9)
    await world.emit("bought", total=9)
    assert await count_goals(world) == {"goal/j/entered": 1}
    assert await world.states() == ["waiting"]


async def test_a_goal_reached_after_the_journey_still_counts(world: World):
    await world.define(ONE_JOURNEY.format(more=', goal="bought"'))
    await world.emit("go")
    await world.advance(days(4))
    assert await world.states() == ["completed"]
    await world.emit("bought")
    assert await count_goals(world) == {"goal/j/entered": 1}


async def test_the_event_that_starts_a_journey_is_not_its_goal(world: World):
    await world.define(ONE_JOURNEY.format(more=', goal="go"'))
    await world.emit("go")
    assert await count_goals(world) == {}


async def test_a_held_out_contact_gets_nothing_and_is_counted(world: World):
    await world.define(ONE_JOURNEY.format(more=', holdout=50, goal="bought"'))
    outcomes = {}
    for n in range(40):
        result = await world.emit("go", f"u{n}")
        outcomes[f"u{n}"] = result.enrollments[0]["outcome"], result.enrollments[0].get("reason")
    held = [user for user, outcome in outcomes.items() if outcome == ("skipped", "held_out")]
    assert 8 <= len(held) <= 32
    states = await world.states()
    assert (states.count("held_out"), states.count("waiting")) == (len(held), 40 - len(held))
    assert {send.to_email for send in await world.sends()}.isdisjoint(
        f"{user}@example.com" for user in held
    )
    # The goals of the holdout are counted too, for comparison.
    await world.emit("bought", held[0])
    assert await count_goals(world) == {"goal/j/held_out": 1}
    assert await world.counter_drift() == {}


async def test_a_contact_is_always_in_the_holdout_or_never(world: World):
    await world.define(ONE_JOURNEY.format(more=", holdout=50"))
    first = {n: (await world.emit("go", f"u{n}")).enrollments[0].get("reason") for n in range(12)}
    await world.advance(days(4))
    again = {n: (await world.emit("go", f"u{n}")).enrollments[0].get("reason") for n in range(12)}
    assert first == again
    assert set(first.values()) == {"held_out", None}


async def test_a_contact_that_would_be_refused_is_not_held_out(world: World):
    await world.define(ONE_JOURNEY.format(more=", holdout=50, enabled=False"))
    reasons = {(await world.emit("go", f"u{n}")).enrollments[0]["reason"] for n in range(12)}
    assert reasons == {"disabled"}


async def test_an_email_outside_of_the_send_window_waits_for_the_next_opening(world: World):
    await world.define(ONE_JOURNEY.format(more=', send_window=("09:00", "18:00")'))
    # 02:00 in New York.
    world.clock.set(datetime(2026, 3, 3, 7, tzinfo=UTC))
    await world.submit(
        "go",
        user_id="ada",
        email="ada@example.com",
        contact_properties={"timezone": "America/New_York"},
    )
    await world.settle()
    (send,) = await world.sends()
    assert (send.status, send.due_at) == ("queued", datetime(2026, 3, 3, 14, tzinfo=UTC))
    assert await world.mailbox() == []
    await world.advance(hours(7))
    assert await world.mailbox() == ["welcome"]


async def test_an_email_that_missed_its_send_window_waits_for_the_next_opening(world: World):
    await world.define(
        ONE_JOURNEY.format(more=', send_window=("09:00", "18:00"), time_zone="Asia/Tokyo"')
    )
    world.clock.set(datetime(2026, 3, 2, 22, tzinfo=UTC))
    await world.emit("go")
    # The machine is off during the send window, and starts in the night after.
    await world.advance(timedelta(hours=14))
    assert await world.mailbox() == []
    await world.advance(timedelta(hours=12))
    assert await world.mailbox() == ["welcome"]


async def test_an_exit_cancels_an_email_that_waits_for_its_send_window(world: World):
    await world.define(
        ONE_JOURNEY.format(more=', exit_on=["stop"], send_window=("09:00", "18:00")')
    )
    world.clock.set(datetime(2026, 3, 3, 3, tzinfo=UTC))
    await world.emit("go")
    await world.emit("stop")
    await world.advance(hours(10))
    assert await world.mailbox() == []
    assert [send.status for send in await world.sends()] == ["cancelled"]


async def test_a_late_event_starts_only_journeys_that_accept_late_events(world: World):
    await world.define(ONE_JOURNEY.format(more=""))
    long_ago = world.clock.now() - days(3)
    result = await world.submit("go", user_id="ada", timestamp=long_ago)
    assert result.enrollments[0]["reason"] == "late_event"
    await world.define(ONE_JOURNEY.format(more=", accept_late=True"))
    result = await world.submit("go", user_id="ada", timestamp=long_ago)
    assert result.enrollments[0]["outcome"] == "enrolled"


async def test_an_email_to_another_address_respects_the_suppression_of_that_address(world: World):
    await world.define(
        """
        @journey("j", trigger="go", entry="unlimited")
        async def j(user, ctx):
            await ctx.send("welcome", to=" Boss@Example.com ")
            await ctx.send("nudge")
        """
    )
    await world.emit("go")
    rows = await world.query("SELECT to_email, subject FROM inbox ORDER BY subject")
    assert [tuple(row) for row in rows] == [
        ("ada@example.com", "nudge"),
        ("boss@example.com", "welcome"),
    ]
    await world.suppress("boss@example.com")
    await world.emit("go")
    assert (await world.send_outcomes())[2:] == [
        ("welcome", "suppressed", "suppressed"),
        ("nudge", "sent", None),
    ]


async def test_history_returns_past_journeys_and_emails(world: World):
    await world.define(
        """
        @journey("other", trigger="before")
        async def other(user, ctx):
            await ctx.send("nudge")
        @journey("j", trigger="go")
        async def j(user, ctx):
            was = await ctx.history.journey("other")
            none = await ctx.history.journey("nothing")
            got = await ctx.history.email("nudge")
            await ctx.checkpoint(f"{was.entered} {was.state} {bool(none)} {got.sent} {got.opened}")
        """
    )
    await world.emit("before")
    await world.emit("go")
    journal = await world.journal((await world.all_enrollments())[1].id)
    assert journal[-1].label == "1 completed False 1 False"
