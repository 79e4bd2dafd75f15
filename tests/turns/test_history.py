"""`ctx.history` of events."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from hogsend import days, hours
from tests.world import World


async def ask(world: World, call: str) -> object:
    """Return the answer of a history call in a journey of Ada."""
    await world.define(
        f"""
        @journey("ask", trigger="ask", entry="unlimited")
        async def ask(user, ctx):
            old = datetime(2020, 1, 1, tzinfo=UTC)
            answer = await ctx.history.{call}
            if isinstance(answer, list):
                answer = [event.properties.get("n") for event in answer]
            elif not isinstance(answer, int | None):
                answer = answer.properties.get("n")
            await ctx.trigger("reported", {{"answer": answer}})
        """
    )
    await world.emit("ask")
    return (await world.events("reported"))[-1].properties["answer"]


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("has_event('used')", True),
        ("has_event('never')", False),
        ("has_event('used', where=prop('n') == 3)", True),
        ("has_event('used', where=prop('n') == 4)", False),
        ("has_event('used', since=hours(1))", True),
        ("has_event('used', since=minutes(59))", False),
        ("has_event('used', since=minutes(59), where=prop('n') > 0)", False),
        ("count('used')", 3),
        ("count('used', where=prop('n') > 1)", 2),
        ("count('used', since=hours(24))", 2),
        ("count('used', since=hours(24), where=prop('n') == 1)", 0),
        ("count('used', since=old)", 3),
        ("events('used')", [3, 2, 1]),
        ("events('used', limit=2)", [3, 2]),
        ("events('used', since=hours(24), limit=1)", [3]),
        ("events('used', where=prop('n') < 3)", [2, 1]),
        ("events('never')", []),
        ("last_event('used')", 3),
        ("last_event('used', where=prop('n') < 3)", 2),
        ("last_event('never')", None),
    ],
)
async def test_history_returns_the_matching_events(world: World, call: str, answer: object):
    for n, pause in ((1, days(1)), (2, hours(1)), (3, hours(1))):
        await world.submit("used", user_id="ada", properties={"n": n})
        await world.submit("used", user_id="bo", properties={"n": 9})
        await world.advance(pause)
    assert await ask(world, call) == answer


async def test_since_compares_the_times_at_which_events_happened(world: World):
    happened = world.clock.now() - days(2)
    await world.submit("used", user_id="ada", timestamp=happened)
    assert await ask(world, "count('used', since=days(1))") == 0
    assert await ask(world, "count('used', since=days(3))") == 1


async def test_every_contact_of_a_batch_gets_its_own_answer(world: World):
    await world.define(
        """
        @journey("ask", trigger="ask")
        async def ask(user, ctx):
            used = await ctx.history.count("used")
            lately = await ctx.history.count("used", since=days(int(user.user_id[1:])))
            last = await ctx.history.last_event("used")
            counts = [user.user_id, used, lately, last is not None]
            await ctx.trigger("reported", {"counts": counts})
        """
    )
    users = [f"u{n}" for n in range(5)]
    for n, user in enumerate(users):
        for _ in range(n):
            await world.submit(
                "used", user_id=user, timestamp=world.clock.now() - timedelta(hours=30)
            )
    await asyncio.gather(*(world.submit("ask", user_id=user) for user in users))
    await world.settle()
    reports = [event.properties["counts"] for event in await world.events("reported")]
    assert sorted(reports) == [[user, n, n if n > 1 else 0, n > 0] for n, user in enumerate(users)]
