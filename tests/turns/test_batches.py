"""Turns run in batches, with one query for each kind of read and one commit."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any
from uuid import UUID

import pytest

from hogsend import hours
from hogsend.store.db import Database, Query
from tests.world import World

READS = """
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


# Whether the task runs turns; the server reads the database at the same time.
IS_RUNNING_TURNS: ContextVar[bool] = ContextVar("is_running_turns", default=False)


async def count_statements(
    idle_world: World, monkeypatch: pytest.MonkeyPatch, people: int
) -> tuple[int, int]:
    """Return the number of queries and of transactions for the first turns of new contacts."""
    results = [
        await idle_world.submit("go", user_id=f"u{number}-{people}") for number in range(people)
    ]
    entered = [UUID(str(result.enrollments[0]["stateId"])) for result in results]
    counts = {"queries": 0, "transactions": 0}
    read, transaction = Database.read, Database.transaction

    async def count_and_read(self: Database, *queries: Query[Any]) -> Any:
        counts["queries"] += len(queries) * IS_RUNNING_TURNS.get()
        return await read(self, *queries)

    def count_and_begin(self: Database) -> Any:
        counts["transactions"] += IS_RUNNING_TURNS.get()
        return transaction(self)

    with monkeypatch.context() as patch:
        patch.setattr(Database, "read", count_and_read)
        patch.setattr(Database, "transaction", count_and_begin)
        token = IS_RUNNING_TURNS.set(True)
        await idle_world.turn_runner(hours(1)).run(entered)
        IS_RUNNING_TURNS.reset(token)
    return counts["queries"], counts["transactions"]


async def test_the_reads_of_a_batch_take_one_query_for_each_kind(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
):
    # Even on a slow machine, no turn leaves its batch.
    monkeypatch.setattr("hogsend.turns.driver._SLOW_SECONDS", 60.0)
    await idle_world.define(READS)
    of_two = await count_statements(idle_world, monkeypatch, 2)
    await idle_world.submit("used", user_id="other")
    of_sixty = await count_statements(idle_world, monkeypatch, 60)
    assert of_sixty == of_two
    assert of_sixty[1] == 1


async def test_a_turn_is_committed_completely_or_not_at_all(
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
        # The commit writes the journal, the wake time and the send before.
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
