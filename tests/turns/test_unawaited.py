"""A `ctx` call that nobody awaits fails the turn, however it was forgotten."""

from __future__ import annotations

import pytest

from hogsend import days
from tests.world import World

FORMS = {
    "handed on by a plain function": "def h(c): return c.send('welcome')\nh(ctx)",
    "made by a lambda": "h = lambda: ctx.send('welcome')\nh()",
    "made by a partial function": "import functools\nfunctools.partial(ctx.send, 'welcome')()",
    "found by its name": "getattr(ctx, 'send')('welcome')",
    "in a list": "list(map(ctx.send, ['welcome']))",
    "kept in a name": "mail = {'x': ctx}['x'].send('welcome')",
    "of the history": "for look in (ctx.history.count,): look('used')",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
async def test_a_forgotten_await_fails_the_turn(small_world: World, form: str):
    body = "\n".join(f"            {line}" for line in form.splitlines())
    await small_world.journey(
        f"""
        @journey("j", trigger="go")
        async def j(user, ctx):
{body}
        """
    )
    await small_world.emit("go")
    error = (await small_world.enrollment()).error or ""
    assert "was called and never awaited" in error
    assert await small_world.ledger() == []


async def test_a_call_that_is_awaited_after_a_wait_is_not_forgotten(small_world: World):
    await small_world.journey(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            later = ctx.send("welcome")
            await ctx.sleep(days(1), label="r")
            await later
        """
    )
    await small_world.emit("go")
    await small_world.advance(days(1))
    assert await small_world.mailbox() == ["welcome"]
