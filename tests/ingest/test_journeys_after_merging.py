"""After a merge, journeys know the events and entries of both contacts."""

from __future__ import annotations

from collections import Counter

import pytest

from hogsend import days, hours
from tests.world import World

VISITOR = {"anonymous_id": "v-1"}
USER = {"user_id": "ada", "email": "ada@example.com"}
BOTH = {**VISITOR, **USER}
WAITS = """
@journey("w", trigger="go", entry="unlimited")
async def w(user, ctx):
    answer = await ctx.wait_for("used", timeout=days(7))
    await ctx.checkpoint("used" if answer else "quiet")
    after = await ctx.wait_for("used", timeout=days(7), label="again")
    await ctx.checkpoint("again" if after else "once")
"""


async def load_checkpoints(world: World) -> list[str]:
    return [step.label for step in await world.journal() if step.kind == "checkpoint"]


@pytest.mark.parametrize(("waiter", "doer"), [(VISITOR, USER), (USER, VISITOR)])
async def test_a_merge_ends_a_wait_for_an_event_of_the_other_contact(
    sqlite_world: World, waiter: dict[str, str], doer: dict[str, str]
):
    await sqlite_world.define(WAITS)
    await sqlite_world.submit("go", **waiter)
    await sqlite_world.settle()
    await sqlite_world.advance(hours(1))
    await sqlite_world.submit("used", **doer)
    await sqlite_world.advance(hours(1))
    assert await load_checkpoints(sqlite_world) == []
    await sqlite_world.submit("login", **BOTH)
    await sqlite_world.settle()
    assert await load_checkpoints(sqlite_world) == ["used"]
    # The event counts once: the next wait begins after the event.
    await sqlite_world.advance(days(8))
    assert await load_checkpoints(sqlite_world) == ["used", "once"]


async def test_events_of_the_other_contact_before_the_enrollment_end_no_wait(sqlite_world: World):
    await sqlite_world.define(WAITS)
    await sqlite_world.submit("used", **USER)
    await sqlite_world.advance(hours(1))
    await sqlite_world.submit("go", **VISITOR)
    await sqlite_world.settle()
    await sqlite_world.submit("login", **BOTH)
    await sqlite_world.settle()
    assert await load_checkpoints(sqlite_world) == []


async def test_a_digest_counts_events_of_the_other_contact(sqlite_world: World):
    await sqlite_world.define(
        """
@journey("d", trigger="go")
async def d(user, ctx):
    events = await ctx.digest(days(1), "used", max_events=2)
    await ctx.checkpoint(str(len(events)))
"""
    )
    await sqlite_world.submit("go", **VISITOR)
    await sqlite_world.settle()
    await sqlite_world.submit("used", **USER)
    await sqlite_world.submit("login", **BOTH)
    await sqlite_world.settle()
    assert await load_checkpoints(sqlite_world) == []
    await sqlite_world.submit("used", **USER)
    await sqlite_world.settle()
    assert await load_checkpoints(sqlite_world) == ["2"]


async def test_a_commit_notices_a_merge_during_the_turn(idle_world: World):
    await idle_world.define(WAITS)
    await idle_world.submit("go", **USER)
    await idle_world.submit("hello", **VISITOR)
    runner = idle_world.turn_runner(hours(1))
    enrollment_id = (await idle_world.enrollment()).id
    commit = type(runner)._commit_all

    async def merge_first(self: object, *args: object) -> None:
        await idle_world.submit("used", **VISITOR)
        await idle_world.submit("login", **BOTH)
        await commit(self, *args)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(runner), "_commit_all", merge_first)
        await runner.run([enrollment_id])
    assert await idle_world.turns() == []
    await runner.run([enrollment_id])
    assert await load_checkpoints(idle_world) == ["used"]


@pytest.mark.parametrize("holdout", [0, 50])
async def test_a_goal_counts_for_an_enrollment_of_the_merged_contact(
    idle_world: World, holdout: int
):
    await idle_world.define(
        f"""
@journey("j", trigger="go", goal="paid", holdout={holdout})
async def j(user, ctx):
    await ctx.checkpoint("x")
"""
    )
    for n in range(8):
        await idle_world.submit("go", anonymous_id=f"v{n}")
        await idle_world.submit("hello", user_id=f"u{n}", email=f"u{n}@example.com")
        await idle_world.submit("login", user_id=f"u{n}", anonymous_id=f"v{n}")
        await idle_world.submit("paid", user_id=f"u{n}")
    ((reached,),) = await idle_world.query(
        "SELECT COUNT(*) FROM enrollments WHERE goal_at IS NOT NULL"
    )
    assert reached == 8
    counted = {
        n: v for (n, _), v in (await idle_world.counters()).items() if n.startswith("goal/j/")
    }
    assert sum(counted.values()) == 8


async def test_a_merge_does_not_change_the_control_group(idle_world: World):
    await idle_world.define(
        """
@journey("j", trigger="go", entry="unlimited", holdout=50)
async def j(user, ctx):
    await ctx.sleep(days(1))
"""
    )
    outcomes: Counter[tuple[str, str]] = Counter()
    for n in range(16):
        first = await idle_world.submit("go", anonymous_id=f"v{n}")
        await idle_world.submit("hello", user_id=f"u{n}", email=f"u{n}@example.com")
        await idle_world.submit("login", user_id=f"u{n}", anonymous_id=f"v{n}")
        second = await idle_world.submit("go", user_id=f"u{n}")
        reasons = [result.enrollments[0].get("reason", "enrolled") for result in (first, second)]
        outcomes[reasons[0], reasons[1]] += 1
    assert set(outcomes) == {("held_out", "held_out"), ("enrolled", "already_live")}


async def test_an_entry_key_treats_equal_numbers_as_equal(idle_world: World):
    await idle_world.define(
        """
@journey("j", trigger=on("go", where=prop("cart.id") == 1), key=prop("cart.id"), entry="unlimited")
async def j(user, ctx):
    await ctx.sleep(days(1))
"""
    )
    outcomes = [
        (await idle_world.submit("go", user_id="ada", properties=properties))
        .enrollments[0]
        .get("reason")
        for properties in ({"cart.id": 1}, {"cart": {"id": 1}}, {"cart": {"id": 1.0}})
    ]
    assert outcomes == [None, "already_live", "already_live"]


async def test_long_entry_keys_with_the_same_beginning_differ(idle_world: World):
    await idle_world.define(
        """
@journey("j", trigger="go", key=prop("cart"), entry="unlimited")
async def j(user, ctx):
    await ctx.sleep(days(1))
"""
    )
    for end in ("a", "b", "a"):
        await idle_world.submit("go", user_id="ada", properties={"cart": "c" * 300 + end})
    assert await idle_world.states() == ["active", "active"]
