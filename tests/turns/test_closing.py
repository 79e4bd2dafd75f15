"""A wait closes the author's function, and what ends it from outside runs none of its code."""

from __future__ import annotations

from typing import Any

import pytest

from hogsend import days
from hogsend.services.enrollment_actions import run_action
from tests.actors import OLGA
from tests.world import World

# What the functions of these tests did; each test looks at it.
SEEN: list[Any] = []
IMPORTS = "from tests.turns.test_closing import SEEN, Room\n"


class Room:
    """Something that is entered and left."""

    async def __aenter__(self) -> None:
        SEEN.append("in")

    async def __aexit__(self, *ended_by: object) -> None:
        SEEN.append("out")


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    SEEN.clear()


async def play(world: World, body: str) -> None:
    indented = "\n".join(f"    {line}" for line in body.strip().splitlines())
    await world.define(
        f'{IMPORTS}@journey("j", trigger="go", exit_on=["stop"])\n'
        f"async def j(user, ctx):\n{indented}\n"
    )
    await world.emit("go")


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (
            """
try:
    await ctx.sleep(days(1), label="one")
    await ctx.wait_for("used", timeout=days(1))
finally:
    SEEN.append("finally")
""",
            ["finally"],
        ),
        (
            """
async with Room():
    await ctx.sleep(days(1), label="one")
    await ctx.wait_for("used", timeout=days(1))
""",
            ["in", "out"],
        ),
    ],
)
async def test_finally_and_async_with_run_at_every_wait(
    sqlite_world: World, body: str, left: list[str]
):
    await play(sqlite_world, body)
    for turn in (1, 2, 3):
        assert left * turn == SEEN
        await sqlite_world.advance(days(1))
    assert await sqlite_world.states() == ["completed"]


@pytest.mark.parametrize("ended_by", ["an event", "an operator's word"])
async def test_an_exit_from_outside_runs_no_code_of_the_authors(world: World, ended_by: str):

    await play(
        world,
        """
try:
    async with Room():
        await ctx.sleep(days(1))
finally:
    SEEN.append("finally")
""",
    )
    SEEN.clear()
    if ended_by == "an event":
        await world.emit("stop")
    else:
        await run_action(world.runtime, OLGA, "exit", (await world.enrollment()).id)
    await world.advance(days(2))
    assert await world.states() == ["exited"]
    assert SEEN == []


@pytest.mark.parametrize(
    "ending",
    ["finally:\n    await ctx.send('bye')", "except:\n    pass\nawait ctx.sleep(days(9))"],
)
async def test_code_that_runs_on_when_it_is_closed_is_dropped_and_noted(
    sqlite_world: World, ending: str
):
    await play(sqlite_world, f"try:\n    await ctx.sleep(days(1), label='rest')\n{ending}")
    (rest,) = await sqlite_world.journal()
    assert (rest.key, (rest.detail or {}).get("unclosed")) == ("sleep:rest", True)
    assert (await sqlite_world.states(), await sqlite_world.mailbox()) == (["waiting"], [])


async def test_a_function_that_lets_itself_be_closed_gets_no_note(sqlite_world: World):
    await play(
        sqlite_world, "try:\n    await ctx.sleep(days(1))\nfinally:\n    SEEN.append('finally')"
    )
    (rest,) = await sqlite_world.journal()
    assert "unclosed" not in (rest.detail or {})
