"""A wait closes the coroutine of a journey, and an exit from outside runs no code of it."""

from __future__ import annotations

from typing import Any

import pytest

from hogsend import days
from hogsend.services.enrollment_actions import run_action
from tests.actors import OLGA
from tests.world import World

# The actions of the journeys of these tests.
ACTIONS: list[Any] = []
IMPORTS = "from tests.turns.test_closing import ACTIONS, Room\n"


class Room:
    """A context manager that records when it is entered and left."""

    async def __aenter__(self) -> None:
        ACTIONS.append("in")

    async def __aexit__(self, *ended_by: object) -> None:
        ACTIONS.append("out")


@pytest.fixture(autouse=True)
def _clear_actions() -> None:
    ACTIONS.clear()


async def run_journey(world: World, body: str) -> None:
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
    ACTIONS.append("finally")
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
    await run_journey(sqlite_world, body)
    for turn in (1, 2, 3):
        assert left * turn == ACTIONS
        await sqlite_world.advance(days(1))
    assert await sqlite_world.states() == ["completed"]


@pytest.mark.parametrize("ended_by", ["an event", "an operator"])
async def test_an_exit_by_an_event_or_an_operator_runs_no_code_of_the_journey(
    world: World, ended_by: str
):

    await run_journey(
        world,
        """
try:
    async with Room():
        await ctx.sleep(days(1))
finally:
    ACTIONS.append("finally")
""",
    )
    ACTIONS.clear()
    if ended_by == "an event":
        await world.emit("stop")
    else:
        await run_action(world.runtime, OLGA, "exit", (await world.enrollment()).id)
    await world.advance(days(2))
    assert await world.states() == ["exited"]
    assert ACTIONS == []


@pytest.mark.parametrize(
    "ending",
    ["finally:\n    await ctx.send('bye')", "except:\n    pass\nawait ctx.sleep(days(9))"],
)
async def test_calls_of_code_that_resists_closing_are_ignored_and_recorded(
    sqlite_world: World, ending: str
):
    await run_journey(sqlite_world, f"try:\n    await ctx.sleep(days(1), label='rest')\n{ending}")
    (step,) = await sqlite_world.journal()
    assert (step.key, (step.detail or {}).get("unclosed")) == ("sleep:rest", True)
    assert (await sqlite_world.states(), await sqlite_world.mailbox()) == (["waiting"], [])


async def test_a_journey_that_closes_cleanly_is_not_recorded_as_unclosed(sqlite_world: World):
    await run_journey(
        sqlite_world, "try:\n    await ctx.sleep(days(1))\nfinally:\n    ACTIONS.append('finally')"
    )
    (step,) = await sqlite_world.journal()
    assert "unclosed" not in (step.detail or {})
