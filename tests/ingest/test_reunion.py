"""Who turns out to be one person keeps what journeys knew of both."""

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
    came = await ctx.wait_for("used", timeout=days(7))
    await ctx.checkpoint("used" if came else "quiet")
    after = await ctx.wait_for("used", timeout=days(7), label="again")
    await ctx.checkpoint("again" if after else "once")
"""


async def marks(world: World) -> list[str]:
    return [step.label for step in await world.journal() if step.kind == "checkpoint"]


@pytest.mark.parametrize(("waiter", "doer"), [(VISITOR, USER), (USER, VISITOR)])
async def test_a_wait_is_over_when_the_other_identity_had_done_it(
    sqlite_world: World, waiter: dict[str, str], doer: dict[str, str]
):
    await sqlite_world.define(WAITS)
    await sqlite_world.submit("go", **waiter)
    await sqlite_world.settle()
    await sqlite_world.advance(hours(1))
    await sqlite_world.submit("used", **doer)
    await sqlite_world.advance(hours(1))
    assert await marks(sqlite_world) == []
    await sqlite_world.submit("login", **BOTH)
    await sqlite_world.settle()
    assert await marks(sqlite_world) == ["used"]
    # It counts once: the next wait begins after it.
    await sqlite_world.advance(days(8))
    assert await marks(sqlite_world) == ["used", "once"]


async def test_what_the_other_identity_did_before_the_enrollment_ends_no_wait(sqlite_world: World):
    await sqlite_world.define(WAITS)
    await sqlite_world.submit("used", **USER)
    await sqlite_world.advance(hours(1))
    await sqlite_world.submit("go", **VISITOR)
    await sqlite_world.settle()
    await sqlite_world.submit("login", **BOTH)
    await sqlite_world.settle()
    assert await marks(sqlite_world) == []


async def test_a_digest_counts_what_the_other_identity_did(sqlite_world: World):
    await sqlite_world.define(
        """
@journey("d", trigger="go")
async def d(user, ctx):
    found = await ctx.digest(days(1), "used", max_events=2)
    await ctx.checkpoint(str(len(found)))
"""
    )
    await sqlite_world.submit("go", **VISITOR)
    await sqlite_world.settle()
    await sqlite_world.submit("used", **USER)
    await sqlite_world.submit("login", **BOTH)
    await sqlite_world.settle()
    assert await marks(sqlite_world) == []
    await sqlite_world.submit("used", **USER)
    await sqlite_world.settle()
    assert await marks(sqlite_world) == ["2"]


async def test_a_merge_while_the_turn_is_played_is_seen_when_it_is_committed(idle_world: World):
    await idle_world.define(WAITS)
    await idle_world.submit("go", **USER)
    await idle_world.submit("hello", **VISITOR)
    runner = idle_world.turn_runner(hours(1))
    one = (await idle_world.enrollment()).id
    commit = type(runner)._commit_all

    async def merge_first(self: object, *args: object) -> None:
        await idle_world.submit("used", **VISITOR)
        await idle_world.submit("login", **BOTH)
        await commit(self, *args)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(runner), "_commit_all", merge_first)
        await runner.run([one])
    assert (await idle_world.enrollment()).wait_result is not None
    await runner.run([one])
    assert await marks(idle_world) == ["used"]


@pytest.mark.parametrize("holdout", [0, 50])
async def test_a_goal_counts_for_who_was_enrolled_as_another_identity(
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


async def test_who_was_held_out_stays_held_out_and_who_was_not_stays_in(idle_world: World):
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
        reasons = [one.enrollments[0].get("reason", "enrolled") for one in (first, second)]
        outcomes[reasons[0], reasons[1]] += 1
    assert set(outcomes) == {("held_out", "held_out"), ("enrolled", "already_live")}


async def test_a_key_is_read_as_conditions_read_it_and_numbers_are_numbers(idle_world: World):
    await idle_world.define(
        """
@journey("j", trigger=on("go", where=prop("cart.id") == 1), key=prop("cart.id"), entry="unlimited")
async def j(user, ctx):
    await ctx.sleep(days(1))
"""
    )
    outcomes = [
        (await idle_world.submit("go", user_id="ada", properties=given))
        .enrollments[0]
        .get("reason")
        for given in ({"cart.id": 1}, {"cart": {"id": 1}}, {"cart": {"id": 1.0}})
    ]
    assert outcomes == [None, "already_live", "already_live"]


async def test_long_keys_that_begin_alike_are_different_carts(idle_world: World):
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
