"""In a journey with `key=`, an event concerns the enrollment whose key the event carries."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hogsend import days, hours
from hogsend.domain.entry_key import describe_entry_key
from hogsend.services.bulk_actions import replay_missed_triggers
from hogsend.services.enrollment_actions import run_action
from hogsend.store.db import Write
from tests.actors import OLGA
from tests.world import World

CART = """
    @journey(
        "cart",
        trigger="cart.added",
        key=prop("cart"),
        entry="unlimited",
        exit_on=["cart.ordered"],
        goal="cart.paid",
    )
    async def cart(user, ctx):
        await ctx.sleep(days(1))
        await ctx.send("nudge")
"""


async def find_states(world: World) -> dict[str, str]:
    """Return the state of each enrollment, by the key that the dashboard shows."""
    return {describe_entry_key(e.entry_key): e.state for e in await world.all_enrollments()}


async def find_checkpoints(world: World) -> dict[str, list[str]]:
    """Return the checkpoints of each enrollment, by the key that the dashboard shows."""
    return {
        describe_entry_key(enrollment.entry_key): [
            step.label for step in await world.journal(enrollment.id) if step.kind == "checkpoint"
        ]
        for enrollment in await world.all_enrollments()
    }


async def submit_together(world: World, *arrivals: tuple[str, Any]) -> None:
    """Submit events of Ada, each with its cart, in one batch."""
    await asyncio.gather(
        *(world.submit(name, user_id="ada", properties={"cart": cart}) for name, cart in arrivals)
    )


# -- exits -----------------------------------------------------------------------------------------


async def test_an_order_of_one_cart_ends_only_that_carts_enrollment(world: World):
    await world.define(CART)
    await world.emit("cart.added", cart="A")
    await world.emit("cart.added", cart="B")
    result = await world.emit("cart.ordered", cart="A")
    assert await find_states(world) == {"A": "exited", "B": "waiting"}
    assert sorted(decision["exited"] for decision in result.exits) == [False, True]
    await world.advance(days(1))
    assert await world.mailbox() == ["nudge"]
    assert await world.counter_drift() == {}


@pytest.mark.parametrize("properties", [{}, {"cart": None}, {"basket": "A"}])
async def test_an_exit_without_the_key_ends_all_enrollments_of_the_journey(
    idle_world: World, properties: dict[str, Any]
):
    await idle_world.define(CART)
    for cart in ("A", "B"):
        await idle_world.submit("cart.added", user_id="ada", properties={"cart": cart})
    await idle_world.submit("cart.ordered", user_id="ada", properties=properties)
    assert await find_states(idle_world) == {"A": "exited", "B": "exited"}


@pytest.mark.parametrize("cart", ["C", "a", "", 1, False, ["A"], {"A": 1}])
async def test_an_exit_with_a_key_that_no_enrollment_has_ends_none(idle_world: World, cart: Any):
    await idle_world.define(CART)
    for own in ("A", "B"):
        await idle_world.submit("cart.added", user_id="ada", properties={"cart": own})
    await idle_world.submit("cart.ordered", user_id="ada", properties={"cart": cart})
    assert await find_states(idle_world) == {"A": "active", "B": "active"}


async def test_a_key_may_lie_in_a_nested_object(idle_world: World):
    await idle_world.define(CART.replace('prop("cart")', 'prop("cart.id")'))
    for number in (1, 2):
        await idle_world.submit("cart.added", user_id="ada", properties={"cart": {"id": number}})
    await idle_world.submit("cart.ordered", user_id="ada", properties={"cart": {"id": 2.0}})
    assert await find_states(idle_world) == {"1": "active", "2": "exited"}
    await idle_world.submit("cart.ordered", user_id="ada", properties={"cart.id": 1})
    assert await find_states(idle_world) == {"1": "exited", "2": "exited"}


async def test_an_exit_of_one_cart_cancels_only_that_carts_queued_mail(idle_world: World):
    """Both journeys have completed; their mails wait for the morning."""
    await idle_world.define(
        CART.replace("await ctx.sleep(days(1))", "pass").replace(
            'key=prop("cart"),', 'key=prop("cart"), send_window=("03:00", "04:00"),'
        )
    )
    for cart in ("A", "B"):
        await idle_world.submit(
            "cart.added", user_id="ada", email="ada@example.com", properties={"cart": cart}
        )
    for enrollment in await idle_world.all_enrollments():
        await idle_world.turn_runner(hours(1)).run([enrollment.id])
    await idle_world.submit("cart.ordered", user_id="ada", properties={"cart": "B"})
    assert await idle_world.send_outcomes() == [
        ("nudge", "queued", None),
        ("nudge", "cancelled", "exit_on cart.ordered"),
    ]
    await idle_world.submit("cart.ordered", user_id="ada")
    assert [status for _, status, _ in await idle_world.send_outcomes()] == ["cancelled"] * 2
    assert await idle_world.counter_drift() == {}


async def test_an_exit_of_one_cart_cancels_that_carts_blocked_mail(idle_world: World):
    await idle_world.define(CART.replace("await ctx.sleep(days(1))", "pass"))
    for cart in ("A", "B"):
        await idle_world.submit(
            "cart.added", user_id="ada", email="ada@example.com", properties={"cart": cart}
        )
    for enrollment in await idle_world.all_enrollments():
        await idle_world.turn_runner(hours(1)).run([enrollment.id])
    async with idle_world.database.transaction() as tx:
        await tx.apply([Write("UPDATE sends SET status = 'blocked', due_at = NULL")])
    await idle_world.submit("cart.ordered", user_id="ada", properties={"cart": "B"})
    assert [status for _, status, _ in await idle_world.send_outcomes()] == [
        "blocked",
        "cancelled",
    ]


async def test_orders_of_two_carts_in_one_batch_end_both(idle_world: World):
    await idle_world.define(CART)
    for cart in ("A", "B", "C"):
        await idle_world.submit("cart.added", user_id="ada", properties={"cart": cart})
    await submit_together(idle_world, ("cart.ordered", "A"), ("cart.ordered", "C"))
    assert await find_states(idle_world) == {"A": "exited", "B": "active", "C": "exited"}


async def test_a_retry_is_not_ended_by_the_order_of_another_cart(world: World):
    await world.define(CART.replace("await ctx.sleep(days(1))", "raise ValueError"))
    for cart in ("A", "B"):
        await world.emit("cart.added", cart=cart)
    await world.advance(days(1))
    for _ in range(6):
        await world.advance(hours(3))
    assert await find_states(world) == {"A": "failed", "B": "failed"}
    await world.emit("cart.ordered", cart="A")
    await world.define(CART)
    for enrollment in await world.all_enrollments():
        await run_action(world.runtime, OLGA, "retry", enrollment.id)
    assert await find_states(world) | {"B": ""} == {"A": "exited", "B": ""}
    assert (await find_states(world))["B"] != "exited"


async def test_a_replayed_trigger_is_not_ended_by_the_order_of_another_cart(world: World):
    await world.define(CART)
    world.write("journeys", "def broken(:")
    await world.load()
    for cart in ("A", "B"):
        await world.emit("cart.added", cart=cart)
    await world.emit("cart.ordered", cart="A")
    await world.define(CART)
    await replay_missed_triggers(world.runtime, OLGA, "cart")
    await world.settle()
    assert await find_states(world) == {"A": "exited", "B": "waiting"}


async def test_the_stored_definition_of_a_parked_journey_keeps_its_key(world: World):
    await world.define(CART)
    for cart in ("A", "B"):
        await world.emit("cart.added", cart=cart)
    world.remove("journeys")
    await world.load()
    await world.advance(days(1))
    assert await find_states(world) == {"A": "parked", "B": "parked"}
    await world.emit("cart.ordered", cart="B")
    assert await find_states(world) == {"A": "parked", "B": "exited"}


async def test_an_enrollment_from_before_the_journey_had_a_key_is_ended_by_any_order(world: World):
    await world.define(CART.replace('key=prop("cart"),', ""))
    await world.emit("cart.added", cart="A")
    await world.define(CART)
    await world.emit("cart.ordered", cart="B")
    assert await world.states() == ["exited"]


# -- waits -----------------------------------------------------------------------------------------

WAITS = """
    @journey("cart", trigger="cart.added", key=prop("cart"), entry="unlimited")
    async def cart(user, ctx):
        {before}
        if await ctx.wait_for("cart.viewed", timeout=days(2), label="view"):
            await ctx.checkpoint("viewed")
        else:
            await ctx.checkpoint("not viewed")
"""


async def test_a_wait_is_ended_by_the_event_of_its_own_cart_only(world: World):
    await world.define(WAITS.format(before=""))
    for cart in ("A", "B", "C"):
        await world.emit("cart.added", cart=cart)
    result = await world.emit("cart.viewed", cart="B")
    assert len(result.waits) == 1
    assert await find_checkpoints(world) == {"A": [], "B": ["viewed"], "C": []}
    await world.emit("cart.viewed")
    assert await find_checkpoints(world) == {"A": ["viewed"], "B": ["viewed"], "C": ["viewed"]}


@pytest.mark.parametrize("since", ["", ", since=ctx.event.received_at"])
async def test_a_wait_looks_back_to_the_events_of_its_own_cart_only(idle_world: World, since: str):
    await idle_world.define(WAITS.format(before="").replace('label="view"', f'label="view"{since}'))
    for cart in ("A", "B"):
        await idle_world.submit("cart.added", user_id="ada", properties={"cart": cart})
    await idle_world.submit("cart.viewed", user_id="ada", properties={"cart": "B"})
    for enrollment in await idle_world.all_enrollments():
        await idle_world.turn_runner(hours(1)).run([enrollment.id])
    assert await find_checkpoints(idle_world) == {"A": [], "B": ["viewed"]}


@pytest.mark.parametrize("cart", ["A", "B"])
async def test_an_event_during_a_turn_ends_the_wait_of_its_own_cart_only(
    idle_world: World, cart: str
):
    await idle_world.define(WAITS.format(before=""))
    await idle_world.submit("cart.added", user_id="ada", properties={"cart": "A"})
    runner = idle_world.turn_runner(hours(1))
    commit = type(runner)._commit_all

    async def view_first(self: object, *args: object) -> None:
        await idle_world.submit("cart.viewed", user_id="ada", properties={"cart": cart})
        await commit(self, *args)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(runner), "_commit_all", view_first)
        await runner.run([(await idle_world.enrollment()).id])
    waiting = await idle_world.enrollment()
    assert waiting.state == "waiting"
    assert (waiting.wait_result is not None) == (cart == "A")


async def test_events_that_a_merge_brings_end_the_waits_of_their_own_cart_only(world: World):
    await world.define(WAITS.format(before=""))
    for cart in ("A", "B"):
        await world.submit("cart.added", user_id="ada", properties={"cart": cart})
    await world.settle()
    await world.submit("cart.viewed", anonymous_id="browser", properties={"cart": "B"})
    await world.submit("signed.in", user_id="ada", anonymous_id="browser")
    await world.settle()
    assert await find_checkpoints(world) == {"A": [], "B": ["viewed"]}


async def test_a_wait_for_any_keeps_to_its_cart(world: World):
    await world.define(
        WAITS.format(before="").replace(
            'wait_for("cart.viewed"', 'wait_for_any(["cart.shared", "cart.viewed"]'
        )
    )
    for cart in (1, 2):
        await world.emit("cart.added", cart=cart)
    await world.emit("cart.shared", cart=2)
    assert await find_checkpoints(world) == {"1": [], "2": ["viewed"]}


# -- digests ---------------------------------------------------------------------------------------

DIGEST = """
    @journey("cart", trigger="item.added", key=prop("cart"), entry="unlimited")
    async def cart(user, ctx):
        items = await ctx.digest(hours(1), max_events=3)
        await ctx.checkpoint(",".join(str(e.properties["item"]) for e in items))
"""


async def test_a_digest_collects_the_events_of_its_own_cart_only(world: World):
    await world.define(DIGEST)
    for item, cart in enumerate("ABA"):
        await world.emit("item.added", cart=cart, item=item)
    await world.advance(hours(1))
    assert await find_checkpoints(world) == {"A": ["0,2"], "B": ["1"]}


async def test_events_of_another_cart_do_not_fill_a_digest(world: World):
    await world.define(DIGEST)
    for item, cart in enumerate("ABBA"):
        await world.emit("item.added", cart=cart, item=item)
    assert await find_checkpoints(world) == {"A": [], "B": []}
    await world.emit("item.added", cart="B", item=4)
    assert await find_checkpoints(world) == {"A": [], "B": ["1,2,4"]}
    await world.emit("item.added", cart="A", item=5)
    assert await find_checkpoints(world) == {"A": ["0,3,5"], "B": ["1,2,4"]}


# -- goals -----------------------------------------------------------------------------------------


async def test_a_goal_counts_for_the_enrollment_whose_key_it_carries(idle_world: World):
    await idle_world.define(CART)
    for cart in ("A", "B", "C", "D"):
        await idle_world.submit("cart.added", user_id="ada", properties={"cart": cart})
    await submit_together(idle_world, ("cart.paid", "A"), ("cart.paid", "C"), ("cart.paid", "X"))

    async def find_reached() -> list[str]:
        rows = await idle_world.query(
            "SELECT entry_key FROM enrollments WHERE goal_at IS NOT NULL ORDER BY id"
        )
        return [row[0] for row in rows]

    assert await find_reached() == ["A", "C"]
    await idle_world.submit("cart.paid", user_id="ada")
    assert await find_reached() == ["A", "B", "C", "D"]
    assert await idle_world.counter_drift() == {}


# -- entries ---------------------------------------------------------------------------------------


async def test_values_of_different_types_are_different_keys(idle_world: World):
    await idle_world.define(CART)
    values: list[Any] = [True, "True", "true", 1, "1", 1.0, "=1", "=true", "", 0, False, "A"]
    outcomes = [
        (await idle_world.submit("cart.added", user_id="ada", properties={"cart": value}))
        .enrollments[0]
        .get("reason")
        for value in values
    ]
    # Only 1 and 1.0 are the same value: JSON has one kind of number.
    assert outcomes == [None] * 5 + ["already_live"] + [None] * 6
    for value in values:
        before = await idle_world.states()
        await idle_world.submit("cart.ordered", user_id="ada", properties={"cart": value})
        ended = (await idle_world.states()).count("exited") - before.count("exited")
        assert ended == (0 if value == 1.0 and isinstance(value, float) else 1), value
