"""Changes between two turns: of the contact, of imported code, of the clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hogsend import days, hours, minutes
from hogsend.turns.turn_inputs import TurnLimits
from tests.world import World

RESTS = 'async def rest(ctx):\n    await ctx.sleep(days(1), label="{label}")\n'


async def test_the_user_is_the_contact_at_enrollment_even_if_the_first_turn_fails(
    sqlite_world: World,
):
    await sqlite_world.define(
        """
@journey("j", trigger="go")
async def j(user, ctx):
    raise ValueError("not yet")
"""
    )
    ada = {"user_id": "ada", "email": "ada@example.com"}
    await sqlite_world.submit("go", **ada, contact_properties={"plan": "pro"})
    await sqlite_world.settle()
    await sqlite_world.submit("changed", user_id="ada", contact_properties={"plan": "free"})
    await sqlite_world.define(
        """
@journey("j", trigger="go")
async def j(user, ctx):
    await ctx.checkpoint(user.properties["plan"])
    await ctx.checkpoint((await ctx.contact()).properties["plan"])
"""
    )
    await sqlite_world.advance(hours(1))
    marks = [step.label for step in await sqlite_world.journal() if step.kind == "checkpoint"]
    assert marks == ["pro", "free"]
    assert await sqlite_world.query("SELECT person FROM enrollments") == [(None,)]


async def test_the_user_is_the_contact_at_enrollment_even_if_the_first_turn_runs_late(
    idle_world: World,
):
    await idle_world.define(
        """
@journey("j", trigger="go")
async def j(user, ctx):
    await ctx.checkpoint(user.properties["plan"])
"""
    )
    await idle_world.submit("go", user_id="ada", contact_properties={"plan": "pro"})
    await idle_world.submit("changed", user_id="ada", contact_properties={"plan": "free"})
    await idle_world.turn_runner(hours(1)).run([(await idle_world.enrollment()).id])
    marks = [step.label for step in await idle_world.journal() if step.kind == "checkpoint"]
    assert marks == ["pro"]


async def test_an_edit_of_an_imported_file_changes_the_version_of_the_journey(
    sqlite_world: World, caplog: pytest.LogCaptureFixture
):
    sqlite_world.write("_rests", RESTS.format(label="a"))
    await sqlite_world.define(
        """
from ._rests import rest

@journey("j", trigger="go")
async def j(user, ctx):
    await rest(ctx)

@journey("alone", trigger="never")
async def alone(user, ctx):
    await ctx.checkpoint("x")
"""
    )
    await sqlite_world.emit("go")
    first = sqlite_world.runtime.registry.journeys["j"].code_hash
    sqlite_world.write("_rests", RESTS.format(label="b"))
    await sqlite_world.load()
    assert "j" in sqlite_world.runtime.changed_journeys
    assert sqlite_world.runtime.registry.journeys["j"].code_hash != first
    await sqlite_world.runtime.plan_changes()
    assert sqlite_world.runtime.planning is not None
    await sqlite_world.runtime.planning
    assert "drift" in caplog.text

    sqlite_world.write("_others", "x = 1\n")
    await sqlite_world.load()
    assert sqlite_world.runtime.changed_journeys == frozenset()


async def test_an_edit_of_another_file_keeps_the_version_of_a_journey(sqlite_world: World):
    source = """
@journey("j", trigger="go")
async def j(user, ctx):
    await ctx.checkpoint("x")
"""
    await sqlite_world.define(source)
    sqlite_world.write("_beside", "import journeys.journeys\n")
    before = sqlite_world.runtime.registry.journeys["j"].code_hash
    sqlite_world.write("_beside", "x = 2\n")
    await sqlite_world.load()
    assert sqlite_world.runtime.registry.journeys["j"].code_hash == before


async def test_a_later_event_ends_a_wait_even_if_the_clock_was_set_back(
    idle_world: World,
):
    await idle_world.define(
        """
@journey("j", trigger="go", entry="unlimited")
async def j(user, ctx):
    await ctx.sleep(days(1), label="a")
    await ctx.wait_for("ready", timeout=days(3))
    used = await ctx.wait_for("used", timeout=days(3))
    await ctx.checkpoint("found" if used else "missed")
"""
    )
    runner = idle_world.turn_runner(hours(1))
    await idle_world.submit("go", user_id="ada", email="ada@example.com")
    enrollment_id = (await idle_world.enrollment()).id
    await runner.run([enrollment_id])
    await idle_world.advance(days(1))
    await runner.run([enrollment_id])
    await idle_world.advance(-hours(6))
    await idle_world.submit("ready", user_id="ada")
    await idle_world.advance(minutes(1))
    await idle_world.submit("used", user_id="ada")
    await idle_world.advance(minutes(1))
    await runner.run([enrollment_id])
    assert (await idle_world.enrollment()).state == "completed"
    marks = [step.label for step in await idle_world.journal() if step.kind == "checkpoint"]
    assert marks == ["found"]


async def test_journeys_that_trigger_each_other_forever_are_stopped(sqlite_world: World):
    sqlite_world.set_turn_limits(TurnLimits(timedelta(seconds=60), 300))
    await sqlite_world.define(
        """
@journey("a", trigger="go")
async def a(user, ctx):
    while True:
        await ctx.trigger("ping")
        await ctx.wait_for("pong")

@journey("b", trigger="go")
async def b(user, ctx):
    while True:
        await ctx.wait_for("ping")
        await ctx.trigger("pong")
"""
    )
    await sqlite_world.submit("go", user_id="ada", email="ada@example.com")
    await sqlite_world.settle()
    ((count, deepest),) = await sqlite_world.query("SELECT COUNT(*), MAX(depth) FROM events")
    assert count == deepest + 1 <= 11
    assert await sqlite_world.states() == ["waiting", "waiting"]


async def test_a_new_endless_loop_above_the_wait_drifts(sqlite_world: World):
    sqlite_world.set_turn_limits(TurnLimits(timedelta(seconds=60), 300))
    source = """
@journey("j", trigger="go")
async def j(user, ctx):
    {above}
    await ctx.sleep(days(1), label="a")
    await ctx.send("welcome")
"""
    await sqlite_world.define(source.format(above="pass"))
    await sqlite_world.emit("go")
    loop = 'while not await ctx.wait_for("x", timeout=hours(1)):\n        pass'
    await sqlite_world.define(source.format(above=loop))
    await sqlite_world.advance(days(1))
    only = await sqlite_world.enrollment()
    assert only.state == "drifted"
    assert only.end_reason is not None and "such as in a new loop" in only.end_reason
    assert await sqlite_world.mailbox() == []


async def test_a_journey_that_refers_to_a_missing_template_or_list_is_not_loaded(
    sqlite_world: World,
):
    sqlite_world.write(
        "journeys",
        """
@journey("j", trigger="go")
async def j(user, ctx):
    await ctx.send("welcom")

@journey("k", trigger="go")
async def k(user, ctx):
    await ctx.send("welcome", list="nobody-has-it")

@journey("ok", trigger="go")
async def ok(user, ctx):
    await ctx.send("welcome")
""",
    )
    await sqlite_world.load()
    assert list(sqlite_world.runtime.registry.journeys) == ["ok"]
    problems = [str(problem) for problem in sqlite_world.runtime.content.broken]
    assert len(problems) == 2
    assert (
        "the journey 'j': ctx.send names the template 'welcom', which does not exist."
        in problems[0]
    )
    assert "Did you mean 'welcome'?" in problems[0]
    assert "the journey 'k'" in problems[1] and "'nobody-has-it'" in problems[1]
