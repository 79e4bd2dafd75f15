"""What a journey brings is counted once for each person, whatever becomes of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pytest

from hogsend import days
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.journeys import count_waiting
from hogsend.services.results import JourneyResults, get_results
from hogsend.store import results
from hogsend.store.db import Query, Write
from hogsend.store.results import MeasuredEnrollment
from tests.world import World

JOURNEY = """
@journey("j", trigger="go", entry="unlimited"{more})
async def j(user, ctx):
    await ctx.send("welcome")
    await ctx.sleep(days(3), label="pause")
    {body}
"""
TWO_ARMS = 'await ctx.variant("subject", {"a": 1, "b": 1})'


async def define(world: World, more: str = ', goal="paid"', body: str = "pass") -> None:
    await world.define(JOURNEY.format(more=more, body=body))


async def read(world: World) -> JourneyResults:
    return await get_results(world.runtime, COMMAND_LINE, "j")


def count(shown: JourneyResults) -> tuple[int, int]:
    return shown.entered.entered, shown.entered.reached


def count_groups(shown: JourneyResults, key: str | None) -> dict[str, tuple[int, int]]:
    (comparison,) = (c for c in shown.comparisons if c.key == key)
    return {g.name: (g.count.entered, g.count.reached) for g in comparison.groups}


async def write(world: World, *statements: str) -> None:
    """Change rows as no part of the program does."""
    async with world.database.transaction() as tx:
        await tx.apply([Write(statement, [()]) for statement in statements])


async def test_a_person_counts_once_with_the_first_enrollment(world: World):
    await define(world)
    for _ in range(3):
        await world.emit("go")
        await world.emit("paid")
        await world.emit("paid")
        await world.advance(days(4))
    assert count(await read(world)) == (1, 1)
    assert await world.counter_drift() == {}


async def test_each_entry_key_counts_by_itself(world: World):
    await define(world, ', goal="paid", key=prop("cart")')
    for cart in ("a", "b", "a"):
        await world.emit("go", cart=cart)
    await world.emit("paid", cart="b")
    assert count(await read(world)) == (2, 1)
    await world.emit("paid")
    assert count(await read(world)) == (2, 2)


async def test_those_who_exit_or_fail_stay_in_the_count(world: World):
    await define(world, ', goal="paid", exit_on=["left"]', 'raise ValueError("no")')
    await world.emit("go", "ada")
    await world.emit("left", "ada")
    await world.emit("go", "bob")
    await world.advance(days(4))
    await world.emit("go", "eve")
    await world.emit("paid", "ada")
    assert count(await read(world)) == (3, 1)


async def test_a_goal_before_the_entry_does_not_count(world: World):
    await define(world)
    await world.emit("paid")
    await world.emit("go")
    assert count(await read(world)) == (1, 0)


async def test_held_out_people_are_counted_with_their_goals(world: World):
    await define(world, ', goal="paid", holdout=50')
    for n in range(30):
        await world.emit("go", f"u{n}")
        # Held-out people could enter at once again; they still count once.
        await world.emit("go", f"u{n}")
        await world.emit("paid", f"u{n}")
    groups = count_groups(await read(world), None)
    held_out, entered = groups["held_out"], groups["entered"]
    assert held_out[0] + entered[0] == 30
    assert 0 < held_out[0] < 30
    assert (held_out[0], entered[0]) == (held_out[1], entered[1])
    assert await world.counter_drift() == {}


async def test_a_goal_counts_while_the_journey_is_broken(world: World):
    await define(world)
    await world.emit("go")
    world.write("journeys", "broken(")
    await world.load()
    await world.emit("paid")
    assert count(await read(world)) == (1, 1)


async def test_results_begin_again_when_the_goal_changes(world: World):
    await define(world)
    await world.emit("go", "ada")
    await define(world, ', goal="renewed"')
    await world.emit("go", "bob")
    await world.emit("renewed", "ada")
    await world.emit("renewed", "bob")
    assert count(await read(world)) == (1, 1)
    await define(world)
    assert count(await read(world)) == (1, 1)


async def test_without_a_goal_nothing_is_counted(world: World):
    await define(world, "", TWO_ARMS)
    await world.emit("go")
    await world.advance(days(4))
    shown = await read(world)
    assert (shown.goal, count(shown), list(shown.comparisons)) == (None, (0, 0), [])
    rows = await world.query("SELECT name FROM counters WHERE name LIKE 'arm/%'")
    assert rows == []


async def test_arms_count_those_who_chose_them_and_then_reached_the_goal(world: World):
    await define(world, body=TWO_ARMS)
    for n in range(12):
        await world.emit("go", f"u{n}")
    # Who reaches the goal before has not been brought there by an arm.
    await world.emit("paid", "u0")
    await world.advance(days(4))
    await world.emit("paid", "u1")
    await world.emit("paid", "u2")
    shown = await read(world)
    assert count(shown) == (12, 3)
    arms = count_groups(shown, "subject")
    assert list(arms) == ["a", "b"]
    assert [sum(figure) for figure in zip(*arms.values(), strict=True)] == [11, 2]
    assert min(entered for entered, _ in arms.values()) > 0


async def test_an_arm_that_is_chosen_twice_counts_once(world: World):
    await define(world, body=f"{TWO_ARMS}; {TWO_ARMS}")
    await world.emit("go")
    await world.advance(days(4))
    arms = count_groups(await read(world), "subject")
    assert sum(entered for entered, _ in arms.values()) == 1


async def test_arms_that_the_code_no_longer_has_are_listed_and_not_compared(world: World):
    await define(world, body='await ctx.variant("subject", {"old": 1, "b": 1})')
    for n in range(12):
        await world.emit("go", f"u{n}")
    await world.advance(days(4))
    await define(world, body=TWO_ARMS)
    await world.emit("go", "new")
    await world.advance(days(4))
    (comparison,) = (await read(world)).comparisons
    current = [group for group in comparison.groups if group.is_current]
    past = [group for group in comparison.groups if not group.is_current]
    assert [group.name for group in current] == ["a", "b"]
    assert sum(group.count.entered for group in current) == 1
    assert [group.name for group in past] == ["b", "old"]
    assert sum(group.count.entered for group in past) == 12
    assert [group.verdict for group in past] == [None, None]


async def test_a_variant_without_constant_arms_has_no_control(world: World):
    await define(world, body='await ctx.variant("x", {name: 1 for name in "ab"})')
    await world.emit("go")
    await world.advance(days(4))
    (comparison,) = (await read(world)).comparisons
    assert not comparison.has_control
    assert [group.count.entered for group in comparison.groups] == [1]


async def test_arms_of_a_key_that_is_only_known_at_run_time_are_not_called_gone(world: World):
    body = 'await ctx.variant(user.properties.get("test", "x"), {"a": 1, "b": 1})'
    await define(world, body=body)
    await world.emit("go")
    await world.advance(days(4))
    (comparison,) = (await read(world)).comparisons
    assert [group.is_current for group in comparison.groups] == [True]
    await define(world, body="await ctx.checkpoint('x')")
    (comparison,) = (await read(world)).comparisons
    assert [group.is_current for group in comparison.groups] == [False]


async def test_arms_with_long_names_are_counted(world: World):
    long = "x" * 150
    await define(world, body=f'await ctx.variant("{long}", {{"{long}": 1}})')
    await world.emit("go")
    await world.advance(days(4))
    await world.emit("paid")
    assert count_groups(await read(world), long) == {long: (1, 1)}


async def test_counts_stay_when_rows_are_deleted(world: World):
    await define(world, body=TWO_ARMS)
    await world.emit("go")
    await world.advance(days(4))
    await world.emit("paid")
    before = await read(world)
    await write(world, "DELETE FROM turns", "DELETE FROM enrollments", "DELETE FROM contacts")
    assert await read(world) == before
    assert count(before) == (1, 1)


async def test_a_merge_leaves_both_enrollments_in_the_count(world: World):
    await define(world)
    await world.submit("go", user_id="p1")
    await world.submit("go", email="p1@example.com")
    await world.settle()
    await world.submit("seen", user_id="p1", email="p1@example.com")
    await world.submit("paid", user_id="p1")
    await world.settle()
    assert count(await read(world)) == (2, 2)
    assert await world.counter_drift() == {}


async def test_a_restart_is_no_second_entry(world: World):
    await define(world, ', goal="paid", on_retrigger="restart"')
    await world.emit("go")
    await world.emit("go")
    assert await world.states() == ["exited", "waiting"]
    await world.emit("paid")
    assert count(await read(world)) == (1, 1)
    assert await world.counter_drift() == {}


async def test_enrollments_of_earlier_releases_do_not_count(world: World):
    await define(world, body=TWO_ARMS)
    await world.emit("go")
    await write(
        world,
        "UPDATE enrollments SET measured_as = NULL",
        "DELETE FROM counters WHERE name LIKE 'result/%'",
    )
    await world.advance(days(4))
    await world.emit("paid")
    shown = await read(world)
    assert count(shown) == (0, 0)
    assert count_groups(shown, "subject") == {"a": (0, 0), "b": (0, 0)}


async def test_people_are_counted_at_a_wait_with_a_long_label(world: World):
    label = "long " * 34
    await world.define(f"""
        @journey("{"j" * 60}", trigger="go")
        async def j(user, ctx):
            await ctx.sleep(days(1), label={label!r})
    """)
    await world.emit("go")
    waiting = await count_waiting(world.runtime, COMMAND_LINE, "j" * 60)
    assert waiting == {f"sleep:{label}": 1}


async def test_a_turn_without_a_variant_reads_nothing_for_the_results(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
):
    asked: list[int] = []
    find_by_ids = results.find_by_ids

    def listen(ids: Sequence[UUID]) -> Query[list[MeasuredEnrollment]]:
        asked.append(len(ids))
        return find_by_ids(ids)

    monkeypatch.setattr(results, "find_by_ids", listen)
    await define(sqlite_world)
    await sqlite_world.emit("go")
    await sqlite_world.advance(days(4))
    assert asked == []
    await define(sqlite_world, body=TWO_ARMS)
    await sqlite_world.emit("go", "bob")
    await sqlite_world.advance(days(4))
    assert asked == [1]
