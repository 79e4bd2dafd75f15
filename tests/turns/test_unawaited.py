"""A `ctx` call without `await` fails the turn, in every form of code."""

from __future__ import annotations

import pytest

from hogsend import days
from tests.world import World

FORMS = {
    "returned by a plain function": "def h(c): return c.send('welcome')\nh(ctx)",
    "returned by a lambda": "h = lambda: ctx.send('welcome')\nh()",
    "returned by a partial function": "import functools\nfunctools.partial(ctx.send, 'welcome')()",
    "of a method that is found by name": "getattr(ctx, 'send')('welcome')",
    "in a list": "list(map(ctx.send, ['welcome']))",
    "bound to a name": "mail = {'x': ctx}['x'].send('welcome')",
    "of the history": "for look in (ctx.history.count,): look('used')",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
async def test_a_missing_await_fails_the_turn(sqlite_world: World, form: str):
    body = "\n".join(f"            {line}" for line in form.splitlines())
    await sqlite_world.define(
        f"""
        @journey("j", trigger="go")
        async def j(user, ctx):
{body}
        """
    )
    await sqlite_world.emit("go")
    error = (await sqlite_world.enrollment()).error or ""
    assert "was called and never awaited" in error
    assert await sqlite_world.sends() == []


async def test_a_call_that_is_awaited_after_a_wait_is_accepted(sqlite_world: World):
    await sqlite_world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            later = ctx.send("welcome")
            await ctx.sleep(days(1), label="r")
            await later
        """
    )
    await sqlite_world.emit("go")
    await sqlite_world.advance(days(1))
    assert await sqlite_world.mailbox() == ["welcome"]
