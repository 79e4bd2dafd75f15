"""A turn whose contact changes while it runs is played again at once, and loses no mail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from hogsend import hours
from hogsend.services.contacts import unsuppress_address
from tests.actors import OLGA
from tests.world import World

VISITOR: dict[str, Any] = {"email": "ada@example.com"}
USER: dict[str, Any] = {"user_id": "ada"}
BOTH = VISITOR | USER
Change = Callable[[World], Awaitable[Any]]

WELCOME = """
    @journey("j", trigger="go")
    async def j(user, ctx):
        await ctx.send("welcome")
"""
ASKING = """
    @journey("j", trigger="go")
    async def j(user, ctx):
        if await ctx.is_subscribed():
            await ctx.send("welcome")
"""


async def run_turn_during(world: World, enrollment_id: UUID, change: Change) -> None:
    """Run a turn, and make the change after the turn has ended and before it is committed."""
    runner = world.turn_runner(hours(1))
    commit = type(runner)._commit_all

    async def change_first(self: Any, *args: Any) -> None:
        await change(world)
        await commit(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(runner), "_commit_all", change_first)
        await runner.run([enrollment_id])


async def expect_only_mail(world: World, enrollment_id: UUID, change: Change) -> None:
    """Expect that a turn during the change writes nothing, and that the next one sends."""
    await run_turn_during(world, enrollment_id, change)
    assert (await world.turns(enrollment_id), await world.sends()) == ([], [])
    enrollment = next(e for e in await world.all_enrollments() if e.id == enrollment_id)
    assert (enrollment.state, enrollment.attempt, enrollment.wake_at) == (
        "active",
        0,
        world.clock.now(),
    )
    await world.turn_runner(hours(1)).run([enrollment_id])
    assert await world.send_outcomes() == [("welcome", "queued", None)]
    assert await world.counter_drift() == {}


async def test_a_turn_is_played_again_when_an_address_became_known_meanwhile(idle_world: World):
    await idle_world.define(WELCOME)
    await idle_world.submit("go", **USER)
    entered = await idle_world.enrollment()
    await expect_only_mail(idle_world, entered.id, lambda world: world.submit("hello", **BOTH))


@pytest.mark.parametrize("journey", [WELCOME, ASKING])
async def test_a_turn_is_played_again_when_the_contact_subscribed_meanwhile(
    idle_world: World, journey: str
):
    await idle_world.define(journey)
    await idle_world.submit("go", **BOTH)
    await idle_world.submit("no", **BOTH, lists={"journey": False})
    entered = await idle_world.enrollment()
    await expect_only_mail(
        idle_world, entered.id, lambda world: world.submit("yes", **BOTH, lists={"journey": True})
    )


async def test_a_turn_is_played_again_when_the_suppression_was_lifted_meanwhile(idle_world: World):
    await idle_world.define(WELCOME)
    await idle_world.submit("go", **BOTH)
    await idle_world.suppress("ada@example.com")
    entered = await idle_world.enrollment()
    await expect_only_mail(
        idle_world,
        entered.id,
        lambda world: unsuppress_address(world.runtime, OLGA, entered.contact_id),
    )


async def test_a_turn_is_played_again_when_its_contact_absorbed_another_meanwhile(
    idle_world: World,
):
    await idle_world.define(WELCOME)
    await idle_world.submit("go", **USER)
    entered = await idle_world.enrollment()
    await idle_world.submit("hello", **VISITOR)
    await expect_only_mail(idle_world, entered.id, lambda world: world.submit("login", **BOTH))


async def test_a_turn_that_asks_the_history_sees_the_events_of_a_merge_during_the_turn(
    idle_world: World,
):
    await idle_world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            if await ctx.history.has_event("used"):
                await ctx.send("welcome")
        """
    )
    await idle_world.submit("used", **VISITOR, anonymous_id="v1")
    await idle_world.submit("go", **BOTH | {"email": "ada@example.org"}, anonymous_id="v2")
    entered = await idle_world.enrollment()
    await expect_only_mail(
        idle_world, entered.id, lambda world: world.submit("login", **USER, anonymous_id="v1")
    )


async def test_a_turn_that_fails_during_a_change_is_not_counted_as_an_attempt(idle_world: World):
    await idle_world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            assert (await ctx.contact()).email, "no address"
            await ctx.send("welcome")
        """
    )
    await idle_world.submit("go", **USER)
    entered = await idle_world.enrollment()
    await expect_only_mail(idle_world, entered.id, lambda world: world.submit("hello", **BOTH))


async def test_an_ordinary_event_does_not_repeat_a_turn(idle_world: World):
    await idle_world.define(WELCOME)
    await idle_world.submit("go", **BOTH)
    entered = await idle_world.enrollment()
    await run_turn_during(idle_world, entered.id, lambda world: world.submit("used", **BOTH))
    assert await idle_world.states() == ["completed"]


async def test_a_turn_is_repeated_without_waiting_for_the_next_poll(world: World):
    await world.define(WELCOME)
    worker = world.runtime.worker
    assert worker is not None
    commit, changed = worker.turn_runner._commit_all, False

    async def change_first(*args: Any) -> None:
        nonlocal changed
        if not changed:
            changed = True
            await world.submit("hello", **BOTH)
        await commit(*args)

    worker.turn_runner._commit_all = change_first  # type: ignore[method-assign]
    await world.submit("go", **USER)
    await world.settle()
    assert await world.mailbox() == ["welcome"]
