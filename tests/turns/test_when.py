"""`ctx.when`: the time zone, the recorded instant, and invalid arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hogsend import JourneyCodeError, days, hours
from hogsend.turns.calls.when import When
from tests.world import World


async def ask(world: World, call: str, *, time_zone: str = "None", **properties: Any) -> object:
    """Return the instant that a journey of Ada gets, as text."""
    await world.define(
        f"""
        @journey("ask", trigger="ask", time_zone={time_zone})
        async def ask(user, ctx):
            instant = await ctx.when.{call}
            await ctx.trigger("reported", {{"answer": instant.strftime("%a %F %H:%M %z")}})
        """
    )
    await world.submit("known", user_id="ada", contact_properties=properties)
    await world.emit("ask")
    return (await world.events("reported"))[-1].properties["answer"]


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("next('monday').at('09:00')", "Mon 2026-03-09 09:00 -0500"),
        ("tomorrow().at('08:30')", "Tue 2026-03-03 08:30 -0600"),
        ("today().at('01:00')", "Mon 2026-03-02 01:00 -0600"),
        ("at('03:30')", "Mon 2026-03-02 03:30 -0600"),
        ("at('01:00')", "Tue 2026-03-03 01:00 -0600"),
        ("in_(days(3))", "Thu 2026-03-05 03:00 -0600"),
        ("in_(days(3)).at('09:00')", "Thu 2026-03-05 09:00 -0600"),
        ("window('09:00', '17:00', days=['tue'])", "Tue 2026-03-03 09:00 -0600"),
        ("next('sat').window('09:00', '17:00')", "Sat 2026-03-07 09:00 -0600"),
        ("tomorrow().at('09:00').tz('Asia/Tokyo')", "Tue 2026-03-03 09:00 +0900"),
        ("tz('+05:30').tomorrow().at('09:00')", "Tue 2026-03-03 09:00 +0530"),
        ("at('09:00', days=WEEKDAYS)", "Mon 2026-03-02 09:00 -0600"),
        ("next('sat').at('09:00', days=WEEKDAYS)", "Mon 2026-03-09 09:00 -0500"),
        ("tomorrow().at('09:00', days=WEEKEND)", "Sat 2026-03-07 09:00 -0600"),
        ("in_(days(1)).at('09:00', days=['thu', 'friday'])", "Thu 2026-03-05 09:00 -0600"),
    ],
)
async def test_an_instant_is_in_the_contacts_time_zone(sqlite_world: World, call: str, answer: str):
    # The test starts at three in the night in Chicago; on 8 March the clocks go forward.
    assert await ask(sqlite_world, call, timezone="America/Chicago") == answer


async def test_a_contact_without_a_time_zone_uses_that_of_the_journey(sqlite_world: World):
    answer = await ask(sqlite_world, "tomorrow().at('09:00')", time_zone="'Asia/Tokyo'")
    assert answer == "Tue 2026-03-03 09:00 +0900"


async def test_an_unknown_time_zone_falls_back_to_the_journeys_with_a_note(sqlite_world: World):
    answer = await ask(
        sqlite_world, "tomorrow().at('09:00')", time_zone="'Asia/Tokyo'", tz="Mars/Base"
    )
    assert answer == "Tue 2026-03-03 09:00 +0900"
    journal = await sqlite_world.journal()
    notes = [step.answer for step in journal if step.kind == "zone"]
    assert notes == [{"zone": "Asia/Tokyo", "note": "unknown zone 'Mars/Base'"}]


async def test_a_contact_sleeps_until_the_time_in_their_own_time_zone(world: World):
    await world.define(
        """
        @journey("morning", trigger="go")
        async def morning(user, ctx):
            await ctx.sleep_until(ctx.when.tomorrow().at("08:30"))
            await ctx.send("welcome")
        """
    )
    await world.submit("known", user_id="ada", contact_properties={"timezone": "Asia/Tokyo"})
    await world.submit("known", user_id="bo", contact_properties={"timezone": "Europe/Berlin"})
    await world.emit("go", "ada")
    await world.emit("go", "bo")
    await world.advance(hours(14.4))
    assert await world.mailbox() == []
    await world.advance(hours(0.1))
    assert await world.mailbox("ada") == ["welcome"], "it is 08:30 in Tokyo"
    await world.advance(hours(7.9))
    assert await world.mailbox("bo") == []
    await world.advance(hours(0.1))
    assert await world.mailbox("bo") == ["welcome"], "it is 08:30 in Berlin"


async def test_the_time_zone_is_recorded_once_for_an_enrollment(world: World):
    await world.define(
        """
        @journey("moving", trigger="go")
        async def moving(user, ctx):
            first = await ctx.when.tomorrow().at("09:00")
            await ctx.sleep(days(7), label="week")
            second = await ctx.when.tomorrow().at("09:00")
            moments = {"first": first.isoformat(), "second": second.isoformat()}
            await ctx.trigger("reported", moments)
        """
    )
    await world.submit("known", user_id="ada", contact_properties={"timezone": "Asia/Tokyo"})
    await world.emit("go")
    await world.submit("moved", user_id="ada", contact_properties={"timezone": "Europe/Berlin"})
    await world.advance(days(7))
    assert [event.properties for event in await world.events("reported")] == [
        {"first": "2026-03-03T09:00:00+09:00", "second": "2026-03-10T09:00:00+09:00"}
    ]


async def test_a_past_time_of_today_does_not_wait(sqlite_world: World):
    await sqlite_world.define(
        """
        @journey("late", trigger="go")
        async def late(user, ctx):
            await ctx.sleep_until(ctx.when.today().at("08:00"))
            await ctx.send("welcome")
        """
    )
    await sqlite_world.emit("go")
    assert await sqlite_world.mailbox() == ["welcome"]


async def test_a_day_without_a_time_fails_with_the_remedy(sqlite_world: World):
    await sqlite_world.define(
        """
        @journey("vague", trigger="go")
        async def vague(user, ctx):
            await ctx.when.tomorrow()
        """
    )
    await sqlite_world.emit("go")
    error = (await sqlite_world.enrollment()).error
    assert error is not None
    assert "'tomorrow' is a day, not an instant. Add a time: .at(\"09:00\")" in error


async def test_a_moment_on_weekdays_is_the_same_wait_in_the_graph_and_in_the_journal(
    sqlite_world: World,
):
    await sqlite_world.define(
        """
        @journey("work", trigger="go")
        async def work(user, ctx):
            await ctx.sleep_until(ctx.when.next("fri").at("18:00", days=WEEKEND))
        """
    )
    await sqlite_world.emit("go")
    (step,) = [step for step in await sqlite_world.journal() if step.kind == "sleep"]
    graph = sqlite_world.runtime.content.registry.graphs["work"]
    assert step.key in [node.key for node in graph.walk_steps()]
    assert step.label == "next friday at 18:00 on weekends"


REFUSED: list[tuple[Callable[[Any], object], str]] = [
    (lambda when: when.next("moonday"), "'moonday' is no weekday: write one of monday"),
    (lambda when: when.next(1), "1 is not text"),
    (lambda when: when.tomorrow().at("9am"), "'9am' is no time of day: write it as HH:MM"),
    (lambda when: when.at(9), "9 is not text"),
    (lambda when: when.at("09:00").at("10:00"), "called twice"),
    (lambda when: when.in_(3), r"takes a duration such as days\(3\)"),
    (lambda when: when.in_(days(-1)), "up to 100 years"),
    (lambda when: when.in_(days(99_999)), "up to 100 years"),
    (lambda when: when.in_(days(1)).tomorrow(), "'in 1 day' already has a day"),
    (lambda when: when.at("09:00").tomorrow(), "already has a day"),
    (lambda when: when.at("09:00", days="mon"), "takes days as a list, such as days="),
    (lambda when: when.at("09:00", days=[]), "needs a weekday"),
    (lambda when: when.at("09:00", days=["moonday"]), "'moonday' is no weekday"),
    (lambda when: when.at("09:00", days=[1]), "is not text"),
    (lambda when: when.tz("Mars/Base"), "'Mars/Base' is not a time zone"),
    (lambda when: when.tz(None), "None is not a time zone"),
    (lambda when: when.window("09:00", "09:00"), "cannot begin and end at 09:00"),
    (lambda when: when.window("09:00", "17:00", days="mon"), "takes days as a list"),
    (lambda when: when.window("09:00", "17:00", days=[]), "needs a day"),
    (lambda when: when.window("09:00", "17:00", days=[1]), "is not text"),
    (lambda when: when.window(9, 17), "is not text"),
]


@pytest.mark.parametrize(("build", "problem"), REFUSED)
def test_invalid_arguments_are_rejected_immediately(build: Any, problem: str):
    with pytest.raises(JourneyCodeError, match=problem):
        build(When())


def test_a_moment_does_not_change_when_another_is_built_from_it():
    when = When()
    morning = when.tomorrow().at("09:00")
    morning.tz("Asia/Tokyo")
    morning.window("10:00", "12:00")
    assert morning.moment.describe() == "tomorrow at 09:00"
    assert when == When()
