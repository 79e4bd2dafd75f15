"""A journey runs without an event loop: code that needs one fails with a remedy."""

from __future__ import annotations

import asyncio
import gc
import inspect
from uuid import UUID

import pytest

from hogsend import Context, JourneyCodeError
from hogsend.domain.event import Event
from hogsend.turns.forbidden_loop import ForbiddenLoop
from tests.world import World

REMEDY = "put everything else into ctx.step(key, fn)"
METHODS = sorted(
    name
    for name, _ in inspect.getmembers(asyncio.AbstractEventLoop, inspect.isfunction)
    if not name.startswith("_")
)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_the_loop_raises_the_remedy(method: str):
    loop = ForbiddenLoop()
    with pytest.raises(JourneyCodeError) as caught:
        getattr(loop, method)()
    assert REMEDY in str(caught.value)
    assert loop.error is caught.value


@pytest.mark.parametrize(
    "body",
    [
        "await asyncio.gather(*[function() for function in (call, other)])",
        "async with asyncio.TaskGroup() as group:\n    group.create_task(call())",
        "await asyncio.create_task(call())",
        "await asyncio.wait_for(call(), 1)",
        "async with asyncio.Lock():\n    await asyncio.Event().wait()",
        "async with httpx.AsyncClient() as client:\n    await client.get('http://127.0.0.1:9/')",
    ],
)
@pytest.mark.parametrize("swallowed", [False, True])
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
async def test_code_that_needs_an_event_loop_fails_the_turn_with_the_remedy(
    sqlite_world: World, body: str, swallowed: bool
):
    if swallowed:
        inner = "\n".join(f"    {line}" for line in body.splitlines())
        body = f"try:\n{inner}\nexcept Exception:\n    pass\nawait ctx.send('nudge')"
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    await sqlite_world.define(
        "import asyncio, httpx\n"
        '@journey("j", trigger="go")\nasync def j(user, ctx):\n'
        "    call = other = lambda: ctx.random()\n"
        f"{indented}\n"
    )
    await sqlite_world.emit("go")
    only = await sqlite_world.enrollment()
    assert (only.state, only.attempt) == ("active", 1)
    assert REMEDY in (only.error or "")
    assert await sqlite_world.sends() == []
    # Collects the coroutine of the rejected call here, where its warning is expected.
    gc.collect()


async def test_the_context_is_refused_outside_of_a_journey():
    context = Context(Event(UUID(int=1), "go"), UUID(int=2))
    with pytest.raises(JourneyCodeError, match="outside of a running journey"):
        await context.send("welcome")
    with pytest.raises(JourneyCodeError, match="outside of a running journey"):
        await context.when.tomorrow().at("09:00")


async def test_the_context_is_refused_in_a_plain_function_of_a_step(sqlite_world: World):
    await sqlite_world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            def sends():
                ctx.send("welcome").send(None)
            try:
                await ctx.step("sends", sends, retries=0)
            except StepFailed as error:
                is_refused = "outside of a running journey" in str(error)
                await ctx.checkpoint("refused" if is_refused else str(error))
        """
    )
    await sqlite_world.emit("go")
    assert (await sqlite_world.journal())[-1].label == "refused"
    assert await sqlite_world.sends() == []
