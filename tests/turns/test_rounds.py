"""Turns are played in sets: one query of a kind for everybody, and one commit for all."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any
from uuid import UUID

import pytest

from hogsend import hours
from hogsend.store.db import Database, Query
from tests.world import World

ASKS = """
    @journey("j", trigger="go")
    async def j(user, ctx):
        await ctx.history.count("used")
        if not user.user_id.startswith("u0"):
            await ctx.history.has_event("used")
        await ctx.throttle(3, days(1))
        await ctx.history.journey("j")
        await ctx.history.email("welcome")
        await ctx.send("welcome", to="boss@example.com")
        await ctx.send("nudge")
        await ctx.wait_for("used", timeout=days(1))
"""


# What is done for the turns alone: the server looks for others' changes meanwhile.
OF_TURNS: ContextVar[bool] = ContextVar("of_turns", default=False)


async def statements(
    idle_world: World, monkeypatch: pytest.MonkeyPatch, people: int
) -> tuple[int, int]:
    """Return how many queries and how many transactions the first turns of so many take."""
    taken = [
        await idle_world.submit("go", user_id=f"u{number}-{people}") for number in range(people)
    ]
    entered = [UUID(str(one.enrollments[0]["stateId"])) for one in taken]
    counts = {"queries": 0, "transactions": 0}
    read, transaction = Database.read, Database.transaction

    async def counting(self: Database, *queries: Query[Any]) -> Any:
        counts["queries"] += len(queries) * OF_TURNS.get()
        return await read(self, *queries)

    def begin(self: Database) -> Any:
        counts["transactions"] += OF_TURNS.get()
        return transaction(self)

    with monkeypatch.context() as patch:
        patch.setattr(Database, "read", counting)
        patch.setattr(Database, "transaction", begin)
        token = OF_TURNS.set(True)
        await idle_world.turn_runner(hours(1)).run(entered)
        OF_TURNS.reset(token)
    return counts["queries"], counts["transactions"]


async def test_the_reads_of_a_round_take_one_query_of_a_kind_however_many_ask(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
):
    # However slow the machine is, none of them is left behind by its set.
    monkeypatch.setattr("hogsend.turns.driver._SLOW_SECONDS", 60.0)
    await idle_world.define(ASKS)
    few = await statements(idle_world, monkeypatch, 2)
    await idle_world.submit("used", user_id="other")
    many = await statements(idle_world, monkeypatch, 60)
    assert many == few
    assert many[1] == 1


async def test_what_a_turn_adds_is_committed_all_or_not_at_all(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
):
    await idle_world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.send("welcome")
            await ctx.trigger("reported")
            await ctx.sleep(days(1))
        """
    )
    await idle_world.submit("go", user_id="ada", email="ada@example.com")
    entered = (await idle_world.enrollment()).id

    async def refuse(*args: Any) -> Any:
        raise RuntimeError("the last write of the commit")

    with monkeypatch.context() as patch:
        # Journal, wake time and mail are written before it.
        patch.setattr(idle_world.runtime.ingest, "submit_within", refuse)
        await idle_world.turn_runner(hours(1)).run([entered])
    failing = await idle_world.enrollment()
    assert (failing.state, failing.attempt, failing.wait) == ("active", 1, None)
    assert (
        await idle_world.journal(),
        await idle_world.sends(),
        await idle_world.events("reported"),
    ) == ([], [], [])
    assert await idle_world.counter_drift() == {}

    await idle_world.advance(hours(1))
    await idle_world.turn_runner(hours(1)).run([entered])
    assert await idle_world.states() == ["waiting"]
    assert (len(await idle_world.sends()), len(await idle_world.events("reported"))) == (1, 1)
