"""The plan predicts what new code does to the contacts in a journey."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import pytest

from hogsend import days
from hogsend.services.content import load_content
from hogsend.turns import plan as planning
from hogsend.turns.plan import JourneyPlan
from hogsend.turns.turn_inputs import JourneyCode, TurnLimits
from tests.world import World

BEFORE = """
    @journey("j", trigger="go", exit_on=["stop"])
    async def j(user, ctx):
        await ctx.send("welcome")
        used = await ctx.history.count("used")
        await ctx.sleep(days(2), label="pause")
        await ctx.send("nudge")
"""
LOST = BEFORE.replace('"pause"', '"rest"')


async def bring_to_wait(world: World, *users: str, source: str = BEFORE) -> None:
    """Bring contacts to the wait of a journey."""
    await world.define(source)
    await asyncio.gather(*(world.submit("go", user_id=user) for user in users or ("ada",)))
    await world.settle()
    assert set(await world.states()) == {"waiting"}


async def make_plan(world: World, source: str, limit: timedelta | None = None) -> JourneyPlan:
    """Plan other code for the journey `j`, and check that the plan changes no rows."""
    before = await read_rows(world)
    world.write("journeys", source)
    other = load_content(world.runtime.settings, world.runtime.tokens)
    limits = TurnLimits(limit) if limit else TurnLimits()
    code = JourneyCode(other.registry, other.template_lists)
    (plan,) = await planning.plan_journeys(world.database, world.clock, code, ["j"], limits=limits)
    assert await read_rows(world) == before
    return plan


async def read_rows(world: World) -> list[object]:
    """Return the rows that a plan must not change."""
    return [
        await world.all_enrollments(),
        [await world.turns(enrollment.id) for enrollment in await world.all_enrollments()],
        await world.sends(),
        await world.events(),
        await world.counters(),
    ]


async def test_code_that_makes_the_same_calls_is_identical(world: World):
    await bring_to_wait(world, "ada", "bo")
    plan = await make_plan(world, BEFORE.replace('"nudge"', '"offer"'))
    assert (plan.identical, plan.people, plan.endangered) == (2, 2, 0)


async def test_contacts_past_new_calls_count_as_moved_with_the_calls(world: World):
    await bring_to_wait(world, "ada", "bo")
    plan = await make_plan(
        world,
        BEFORE.replace(
            'await ctx.send("welcome")',
            'await ctx.send("welcome")\n        await ctx.send("offer")\n'
            '        await ctx.history.count("go")',
        ),
    )
    assert (plan.moved, plan.endangered) == (2, 0)
    # The read of the history is not skipped.
    assert plan.behind == {"send:offer": 2}


async def test_contacts_whose_calls_are_in_another_order_count_as_moved(world: World):
    await bring_to_wait(world)
    plan = await make_plan(
        world,
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            used = await ctx.history.count("used")
            await ctx.send("welcome")
            await ctx.sleep(days(2), label="pause")
        """,
    )
    assert (plan.moved, plan.behind) == (1, {})


async def test_contacts_who_would_drift_are_counted_by_their_wait(world: World):
    await bring_to_wait(world, "ada", "bo")
    plan = await make_plan(world, LOST)
    assert (plan.drifted, plan.endangered, plan.lost) == (2, 2, {"sleep:pause": 2})
    assert plan.samples["drifted"] == [
        enrollment.id for enrollment in await world.all_enrollments()
    ]
    assert plan.to_json()["lost"] == {"sleep:pause": 2}


async def test_only_contacts_in_the_removed_wait_would_drift(world: World):
    await bring_to_wait(world, "ada")
    await world.advance(days(1))
    source = BEFORE + '        await ctx.sleep(days(9), label="late")\n'
    await world.define(source)
    await world.advance(days(1))
    await world.submit("go", user_id="bo")
    await world.settle()
    plan = await make_plan(world, source.replace('"pause"', '"rest"'))
    assert (plan.drifted, plan.moved) == (1, 1)


async def test_contacts_past_a_new_step_without_passed_would_drift(world: World):
    await bring_to_wait(world)
    plan = await make_plan(
        world,
        BEFORE.replace("used = await", 'await ctx.step("charge", print)\n        used = await'),
    )
    (why,) = plan.reasons
    assert plan.drifted == 1
    assert "charge" in why


async def test_code_that_raises_before_the_wait_counts_as_failing(world: World):
    await bring_to_wait(world)
    plan = await make_plan(
        world, BEFORE.replace("used = await", "raise KeyError('plan')\n        used = await")
    )
    assert (plan.failing, plan.endangered) == (1, 1)
    assert plan.reasons == {"KeyError: 'plan'": 1}


async def test_code_that_blocks_counts_as_failing_and_is_not_run_any_further(idle_world: World):
    users = [f"u{number}" for number in range(6)]
    await idle_world.define(BEFORE)
    for user in users:
        await idle_world.submit("go", user_id=user)
    await idle_world.turn_runner(timedelta(seconds=5)).run(
        [enrollment.id for enrollment in await idle_world.all_enrollments()]
    )
    source = BEFORE.replace("used =", "while True: pass\n        used =")
    plan = await make_plan(idle_world, source, timedelta(milliseconds=50))
    assert plan.failing == 6


async def test_contacts_of_a_removed_journey_would_be_parked(world: World):
    await bring_to_wait(world)
    code = JourneyCode(type(world.runtime.registry)(), {})
    (plan,) = await planning.plan_journeys(world.database, world.clock, code, ["j"])
    assert (plan.parked, plan.endangered) == (1, 1)


async def test_contacts_who_have_drifted_are_not_endangered_and_can_be_freed(world: World):
    await bring_to_wait(world)
    await world.define(LOST)
    await world.advance(days(2))
    assert await world.states() == ["drifted"]
    again = await make_plan(world, LOST)
    assert (again.stuck, again.endangered) == (1, 0)
    freed = await make_plan(world, BEFORE)
    assert (freed.freed, freed.stuck, freed.endangered) == (1, 0, 0)


async def test_contacts_without_a_turn_count_as_identical(idle_world: World):
    await idle_world.define(BEFORE)
    await idle_world.submit("go", user_id="ada")
    plan = await make_plan(idle_world, LOST)
    assert (plan.identical, plan.people) == (1, 1)


async def test_contacts_who_have_exited_are_not_counted(world: World):
    await bring_to_wait(world)
    await world.emit("stop")
    assert (await make_plan(world, LOST)).people == 0


async def test_a_plan_runs_journals_in_batches(world: World):
    users = [f"u{number}" for number in range(7)]
    await bring_to_wait(world, *users)
    progress: list[int] = []
    code = JourneyCode(world.runtime.registry, world.runtime.content.template_lists)
    pace = planning.PlanPace(3)
    (plan,) = await planning.plan_journeys(
        world.database, world.clock, code, ["j"], pace=pace, on_progress=progress.append
    )
    assert (plan.identical, progress) == (7, [3, 6, 7])
    assert len(plan.samples["identical"]) == planning.SAMPLES


# -- the log ------------------------------------------------------------------------------------


async def test_changed_code_is_logged_with_its_outcomes(
    world: World, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "hogsend.plan")
    await bring_to_wait(world, "ada", "bo")
    await world.runtime.plan_changes()
    await world.define(LOST)
    await world.runtime.plan_changes()
    assert world.runtime.planning is not None
    await world.runtime.planning
    (line,) = [record for record in caplog.records if record.name == "hogsend.plan"]
    assert line.levelno == logging.WARNING
    assert "j has changed: 2 would drift" in line.getMessage()
    assert "sleep:pause" in line.getMessage()


async def test_a_change_without_effect_is_logged_without_a_warning(
    world: World, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "hogsend.plan")
    await bring_to_wait(world)
    world.write("other", BEFORE.replace('"j"', '"other"').replace("def j", "def other"))
    await world.define(BEFORE + "        pass\n")
    await world.runtime.plan_changes()
    assert world.runtime.planning is not None
    await world.runtime.planning
    (line,) = [record for record in caplog.records if record.name == "hogsend.plan"]
    assert (line.levelno, line.getMessage()) == (
        logging.INFO,
        "j has changed: 1 go on as before",
    )
