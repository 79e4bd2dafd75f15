"""Unusual code affects its own journey, and no other journey."""

from __future__ import annotations

from typing import Any

import pytest

from hogsend import days, hours
from hogsend.store.db import Write
from tests.world import World

VALID_JOURNEY = """
@journey("good", trigger="good")
async def good(user, ctx):
    await ctx.send("welcome")
"""


async def test_an_instant_past_the_last_year_fails_only_its_turn(sqlite_world: World):
    await sqlite_world.define(
        """
from datetime import datetime, timedelta, timezone

@journey("far", trigger="far")
async def far(user, ctx):
    there = timezone(timedelta(hours=-5))
    await ctx.sleep_until(datetime.max.replace(tzinfo=there), label="for-good")
"""
        + VALID_JOURNEY
    )
    await sqlite_world.submit("far", user_id="ada", email="ada@example.com")
    await sqlite_world.settle()
    assert "cannot be represented in UTC" in ((await sqlite_world.enrollment()).error or "")
    await sqlite_world.submit("good", user_id="bo", email="bo@example.com")
    await sqlite_world.settle()
    assert await sqlite_world.mailbox() == ["welcome"]


async def test_a_stored_instant_past_the_last_year_blocks_no_other_turn(sqlite_world: World):
    await sqlite_world.define(VALID_JOURNEY)
    await sqlite_world.submit("good", user_id="ada", email="ada@example.com")
    await sqlite_world.settle()
    async with sqlite_world.database.transaction() as tx:
        spoil = "UPDATE enrollments SET state = 'waiting', ended_at = NULL, wake_at = ?"
        await tx.apply([Write(spoil, [(2**62,)])])
    await sqlite_world.submit("good", user_id="bo", email="bo@example.com")
    await sqlite_world.settle()
    assert await sqlite_world.mailbox() == ["welcome", "welcome"]


@pytest.mark.parametrize(
    ("effect", "tries", "message"),
    [
        ("raise StepFailed(ValueError('card declined'))", 1, "card declined"),
        ("raise StepFailed(None)", 1, "None"),
        ("asyncio.current_task().cancel()\n        await asyncio.sleep(1)", 3, "cancelled"),
        ("return 10 ** 5000", 1, "The step was done, but"),
    ],
)
async def test_an_effect_that_ends_strangely_is_counted_and_fails(
    sqlite_world: World, effect: str, tries: int, message: str
):
    await sqlite_world.define(
        f"""
import asyncio
from hogsend import StepFailed

DONE = []

@journey("j", trigger="go")
async def j(user, ctx):
    async def charge():
        DONE.append(1)
        {effect}
    try:
        await ctx.step("charge", charge, retries=2)
    except StepFailed as failed:
        await ctx.checkpoint(failed.message[:80])
"""
    )
    await sqlite_world.emit("go")
    await sqlite_world.settle()
    for _ in range(3):
        await sqlite_world.advance(hours(1))
    journey: Any = sqlite_world.runtime.registry.functions["j"]
    assert len(journey.__globals__["DONE"]) == tries
    marks = [step.label for step in await sqlite_world.journal() if step.kind == "checkpoint"]
    assert len(marks) == 1 and message in marks[0]
    await sqlite_world.advance(days(1))
    assert len(journey.__globals__["DONE"]) == tries


@pytest.mark.parametrize(
    "text",
    [
        "from decimal import Decimal\nX = Decimal('20')",
        "from datetime import date\nX = date(2026, 1, 1)",
        "X = {'a', 'b'}",
        "X = object()",
        "X = 'x\\ud800'",
    ],
)
async def test_a_condition_that_cannot_be_stored_is_reported_at_load(
    sqlite_world: World, text: str
):
    sqlite_world.write(
        "odd",
        f"""
{text}

@journey("odd", trigger=on("go", where=prop("total") == X))
async def odd(user, ctx):
    await ctx.send("welcome")
""",
    )
    sqlite_world.write("good", VALID_JOURNEY)
    await sqlite_world.load()
    assert list(sqlite_world.runtime.registry.journeys) == ["good"]
    (problem,) = sqlite_world.runtime.content.broken
    assert (problem.file, problem.line > 0) == ("odd.py", True)
    assert "a value that JSON cannot hold" in problem.problem


@pytest.mark.parametrize(
    "text",
    [
        "import asyncio\nraise asyncio.CancelledError",
        "raise GeneratorExit",
        "raise KeyboardInterrupt",
        "raise SystemExit",
    ],
)
async def test_any_exception_in_a_file_leaves_the_others_loaded(sqlite_world: World, text: str):
    sqlite_world.write("odd", text)
    sqlite_world.write("good", VALID_JOURNEY)
    await sqlite_world.load()
    assert list(sqlite_world.runtime.registry.journeys) == ["good"]
    assert [problem.file for problem in sqlite_world.runtime.content.broken] == ["odd.py"]


@pytest.mark.parametrize("name", ["__getattr__", "__class__"])
async def test_a_proxy_that_is_not_bound_yet_is_ignored(sqlite_world: World, name: str):
    answer = "property(lambda self: 1 / 0)" if name == "__class__" else "lambda self, name: 1 / 0"
    sqlite_world.write(
        "odd", f"class Lazy:\n    {name} = {answer}\n\nrequest = Lazy()\n" + VALID_JOURNEY
    )
    await sqlite_world.load()
    assert list(sqlite_world.runtime.registry.journeys) == ["good"]
    assert list(sqlite_world.runtime.content.broken) == []
