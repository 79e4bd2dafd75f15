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


async def waiting(world: World, *users: str, source: str = BEFORE) -> None:
    """Bring people to the wait of a journey."""
    await world.define(source)
    await asyncio.gather(*(world.submit("go", user_id=user) for user in users or ("ada",)))
    await world.settle()
    assert set(await world.states()) == {"waiting"}


async def plan(world: World, source: str, limit: timedelta | None = None) -> JourneyPlan:
    """Plan other code for the journey `j`, without using it; nothing must come of that."""
    before = await everything(world)
    world.write("journeys", source)
    other = load_content(world.runtime.settings, world.runtime.tokens)
    limits = TurnLimits(limit) if limit else TurnLimits()
    code = JourneyCode(other.registry, other.template_lists)
    (found,) = await planning.plan_journeys(world.database, world.clock, code, ["j"], limits=limits)
    assert await everything(world) == before
    return found


async def everything(world: World) -> list[object]:
    """Return all that a plan must leave as it is."""
    return [
        await world.all_enrollments(),
        [await world.turns(one.id) for one in await world.all_enrollments()],
        await world.sends(),
        await world.events(),
        await world.counters(),
    ]


async def test_code_that_asks_for_the_same_is_identical(world: World):
    await waiting(world, "ada", "bo")
    found = await plan(world, BEFORE.replace('"nudge"', '"offer"'))
    assert (found.identical, found.people, found.endangered) == (2, 2, 0)


async def test_people_past_new_calls_count_as_moved_and_the_calls_are_named(world: World):
    await waiting(world, "ada", "bo")
    found = await plan(
        world,
        BEFORE.replace(
            'await ctx.send("welcome")',
            'await ctx.send("welcome")\n        await ctx.send("offer")\n'
            '        await ctx.history.count("go")',
        ),
    )
    assert (found.moved, found.endangered) == (2, 0)
    # A look at history is done all the same.
    assert found.behind == {"send:offer": 2}


async def test_calls_in_another_order_have_moved_on(world: World):
    await waiting(world)
    found = await plan(
        world,
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            used = await ctx.history.count("used")
            await ctx.send("welcome")
            await ctx.sleep(days(2), label="pause")
        """,
    )
    assert (found.moved, found.behind) == (1, {})


async def test_people_who_would_drift_are_counted_by_the_lost_wait(world: World):
    await waiting(world, "ada", "bo")
    found = await plan(world, LOST)
    assert (found.drifted, found.endangered, found.lost) == (2, 2, {"sleep:pause": 2})
    assert found.samples["drifted"] == [one.id for one in await world.all_enrollments()]
    assert found.to_json()["lost"] == {"sleep:pause": 2}


async def test_only_people_in_the_lost_wait_would_drift(world: World):
    await waiting(world, "ada")
    await world.advance(days(1))
    source = BEFORE + '        await ctx.sleep(days(9), label="late")\n'
    await world.define(source)
    await world.advance(days(1))
    await world.submit("go", user_id="bo")
    await world.settle()
    found = await plan(world, source.replace('"pause"', '"rest"'))
    assert (found.drifted, found.moved) == (1, 1)


async def test_a_step_behind_somebody_without_passed_drifts(world: World):
    await waiting(world)
    found = await plan(
        world,
        BEFORE.replace("used = await", 'await ctx.step("charge", print)\n        used = await'),
    )
    (why,) = found.reasons
    assert found.drifted == 1
    assert "charge" in why


async def test_code_that_raises_on_its_way_to_the_wait_fails(world: World):
    await waiting(world)
    found = await plan(
        world, BEFORE.replace("used = await", "raise KeyError('plan')\n        used = await")
    )
    assert (found.failing, found.endangered) == (1, 1)
    assert found.reasons == {"KeyError: 'plan'": 1}


async def test_code_that_blocks_fails_and_stops_running(idle_world: World):
    users = [f"u{number}" for number in range(6)]
    await idle_world.define(BEFORE)
    for user in users:
        await idle_world.submit("go", user_id=user)
    await idle_world.turn_runner(timedelta(seconds=5)).run(
        [one.id for one in await idle_world.all_enrollments()]
    )
    source = BEFORE.replace("used =", "while True: pass\n        used =")
    found = await plan(idle_world, source, timedelta(milliseconds=50))
    assert found.failing == 6


async def test_people_of_a_journey_that_is_gone_would_be_parked(world: World):
    await waiting(world)
    code = JourneyCode(type(world.runtime.registry)(), {})
    (found,) = await planning.plan_journeys(world.database, world.clock, code, ["j"])
    assert (found.parked, found.endangered) == (1, 1)


async def test_people_who_have_drifted_are_not_endangered_and_may_be_freed(world: World):
    await waiting(world)
    await world.define(LOST)
    await world.advance(days(2))
    assert await world.states() == ["drifted"]
    again = await plan(world, LOST)
    assert (again.stuck, again.endangered) == (1, 0)
    freed = await plan(world, BEFORE)
    assert (freed.freed, freed.stuck, freed.endangered) == (1, 0, 0)


async def test_people_without_a_turn_go_on_as_before(idle_world: World):
    await idle_world.define(BEFORE)
    await idle_world.submit("go", user_id="ada")
    found = await plan(idle_world, LOST)
    assert (found.identical, found.people) == (1, 1)


async def test_people_who_have_left_are_not_counted(world: World):
    await waiting(world)
    await world.emit("stop")
    assert (await plan(world, LOST)).people == 0


async def test_a_plan_runs_people_in_batches(world: World):
    users = [f"u{number}" for number in range(7)]
    await waiting(world, *users)
    progress: list[int] = []
    code = JourneyCode(world.runtime.registry, world.runtime.content.template_lists)
    pace = planning.PlanPace(3)
    (found,) = await planning.plan_journeys(
        world.database, world.clock, code, ["j"], pace=pace, on_progress=progress.append
    )
    assert (found.identical, progress) == (7, [3, 6, 7])
    assert len(found.samples["identical"]) == planning.SAMPLES


# -- the log ------------------------------------------------------------------------------------


async def test_changed_code_is_logged_with_what_it_means(
    world: World, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "hogsend.plan")
    await waiting(world, "ada", "bo")
    await world.runtime.plan_changes()
    await world.define(LOST)
    await world.runtime.plan_changes()
    assert world.runtime.planning is not None
    await world.runtime.planning
    (line,) = [one for one in caplog.records if one.name == "hogsend.plan"]
    assert line.levelno == logging.WARNING
    assert "j has changed: 2 would drift" in line.getMessage()
    assert "sleep:pause" in line.getMessage()


async def test_a_change_without_effect_is_logged_without_a_warning(
    world: World, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "hogsend.plan")
    await waiting(world)
    world.write("other", BEFORE.replace('"j"', '"other"').replace("def j", "def other"))
    await world.define(BEFORE + "        pass\n")
    await world.runtime.plan_changes()
    assert world.runtime.planning is not None
    await world.runtime.planning
    (line,) = [one for one in caplog.records if one.name == "hogsend.plan"]
    assert (line.levelno, line.getMessage()) == (
        logging.INFO,
        "j has changed: 1 go on as before",
    )
