"""A journey is ordinary code of any shape, and its exceptions fail only its own turn."""

from __future__ import annotations

import asyncio

import pytest

from hogsend import days
from tests.world import World

SHAPES = {
    "a loop": """
for n in (1, 2):
    await send_and_sleep(n)
""",
    "a nested function": """
async def inner(n):
    await send_and_sleep(n)
await inner(1)
await inner(2)
""",
    "a function that calls itself": """
async def down(n):
    if n < 3:
        await send_and_sleep(n)
        await down(n + 1)
await down(1)
""",
    "an async generator": """
async def each():
    for n in (1, 2):
        yield await send_and_sleep(n)
async for number in each():
    pass
""",
    "an async comprehension": """
async def each():
    for n in (1, 2):
        yield n
numbers = [await send_and_sleep(n) async for n in each()]
""",
    "an async context manager": """
@asynccontextmanager
async def around(n):
    await ctx.checkpoint(f"before {n}")
    yield
async with around(1):
    pass
await send_and_sleep(1)
await send_and_sleep(2)
""",
    "an exception that is caught": """
try:
    await send_and_sleep(1)
    raise KeyError
except KeyError:
    await send_and_sleep(2)
""",
    "finally at the end": """
try:
    await send_and_sleep(1)
    await send_and_sleep(2)
finally:
    done = True
""",
    "an awaitable of one's own": """
class Later:
    def __init__(self, n):
        self.n = n
    def __await__(self):
        return send_and_sleep(self.n).__await__()
await Later(1)
await Later(2)
""",
    "a method": """
class Plan:
    async def run(self):
        await send_and_sleep(1)
        await send_and_sleep(2)
await Plan().run()
""",
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_code_of_any_shape_runs(sqlite_world: World, shape: str):
    body = "\n".join(f"    {line}" for line in SHAPES[shape].strip().splitlines())
    await sqlite_world.define(
        "from contextlib import asynccontextmanager\n"
        '@journey("j", trigger="go")\nasync def j(user, ctx):\n'
        "    async def send_and_sleep(n):\n"
        "        await ctx.send('welcome')\n"
        "        await ctx.sleep(days(1), label=f'rest-{n}')\n"
        f"{body}\n    await ctx.send('bye')\n"
    )
    await sqlite_world.emit("go")
    for mails in (["welcome"], ["welcome"] * 2, ["welcome", "welcome", "bye"]):
        assert await sqlite_world.mailbox() == mails
        await sqlite_world.advance(days(1))
    assert await sqlite_world.states() == ["completed"]
    # A pause that does not close the coroutine is recorded as unclosed.
    assert not [step for step in await sqlite_world.journal() if "unclosed" in (step.detail or {})]


RAISED = [
    "SystemExit(1)",
    "KeyboardInterrupt()",
    "GeneratorExit()",
    "StopIteration()",
    "StopAsyncIteration()",
    "asyncio.CancelledError()",
    "RecursionError()",
    "MemoryError()",
    "BaseExceptionGroup('many', [ValueError()])",
]


@pytest.mark.parametrize("raised", RAISED)
@pytest.mark.parametrize("before", ["pass", "await ctx.history.count('go')"])
async def test_any_exception_in_a_journey_fails_only_its_own_turn(
    sqlite_world: World, raised: str, before: str
):
    await sqlite_world.define(
        f"""
        import asyncio
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.send("welcome")
            if user.user_id == "bo":
                {before}
                raise {raised}
        """
    )
    users = ("ada", "bo", "cy")
    await asyncio.gather(
        *(sqlite_world.submit("go", user_id=user, email=f"{user}@example.com") for user in users)
    )
    await sqlite_world.settle()
    assert sorted(await sqlite_world.states()) == ["active", "completed", "completed"]
    assert sorted(await sqlite_world.mailbox()) == ["welcome", "welcome"]
    bo = next(
        enrollment
        for enrollment in await sqlite_world.all_enrollments()
        if enrollment.state == "active"
    )
    assert raised.partition("(")[0].rpartition(".")[2] in (bo.error or "")


@pytest.mark.parametrize("raised", RAISED)
@pytest.mark.parametrize("how", ["def", "async def"])
async def test_any_exception_in_the_function_of_a_step_fails_the_step(
    sqlite_world: World, raised: str, how: str
):
    await sqlite_world.define(
        f"""
        import asyncio
        @journey("j", trigger="go")
        async def j(user, ctx):
            {how} call():
                raise {raised}
            try:
                await ctx.step("call", call, retries=0)
            except StepFailed as error:
                await ctx.checkpoint("failed")
        """
    )
    await sqlite_world.emit("go")
    assert await sqlite_world.states() == ["completed"]
    assert (await sqlite_world.journal())[-1].label == "failed"


async def test_a_step_that_ends_its_event_loop_does_not_break_later_steps(sqlite_world: World):
    await sqlite_world.define(
        """
        import asyncio
        @journey("j", trigger="go", entry="unlimited")
        async def j(user, ctx):
            async def leave():
                raise SystemExit
            async def leave_in_a_task():
                await asyncio.create_task(leave())
            try:
                await ctx.step("leave", leave_in_a_task, retries=0)
            except StepFailed:
                await ctx.step("later", lambda: asyncio.sleep(0, "done"))
                await ctx.checkpoint("went on")
        """
    )
    for _ in range(2):
        await sqlite_world.emit("go")
    assert await sqlite_world.states() == ["completed"] * 2
    for enrollment in await sqlite_world.all_enrollments():
        assert (await sqlite_world.journal(enrollment.id))[-1].label == "went on"
