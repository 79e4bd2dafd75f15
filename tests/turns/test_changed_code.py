"""Every kind of call in changed code: recorded, new behind the contact, or new ahead."""

from __future__ import annotations

from typing import Any

import pytest

from hogsend import days, seconds
from tests.world import World

# The actions of the effects of these tests.
DONE: list[str] = []
HEAD = """
from tests.turns.test_changed_code import DONE
@journey("j", trigger="go")
async def j(user, ctx):
"""
# Calls whose answers differ from day to day.
READS = [
    "ctx.contact()",
    "ctx.is_subscribed()",
    "ctx.history.count('used')",
    "ctx.history.has_event('used')",
    "ctx.history.events('used')",
    "ctx.history.last_event('used')",
    "ctx.history.journey('other')",
    "ctx.history.email('nudge')",
    "ctx.throttle(1, days(30))",
    "ctx.now()",
    "ctx.random()",
    "ctx.uuid()",
    "ctx.variant('colour', {'red': 1, 'blue': 1})",
    "ctx.when.tomorrow().at('09:00')",
    "ctx.checkpoint('here')",
]
EFFECTS = [
    "ctx.send('welcome')",
    "ctx.trigger('reported')",
    "ctx.step('charge', lambda: DONE.append('charged') or len(DONE))",
]
WAITS = [
    "ctx.sleep(days(1), label='first')",
    "ctx.sleep_until(ctx.when.tomorrow().at('09:00'), label='first')",
    "ctx.wait_for('never', timeout=days(1))",
    "ctx.wait_for_any(['never', 'no more'], timeout=days(1))",
    "ctx.digest(days(1), 'used')",
]


@pytest.fixture(autouse=True)
def _clear_actions() -> None:
    DONE.clear()


def build_source(*lines: str) -> str:
    return HEAD + "".join(f"    {line}\n" for line in lines)


REST = "await ctx.sleep(days(2), label='rest')"


async def read_shown_answer(world: World) -> Any:
    """Return the answer that the journey added to the timeline."""
    return (await world.journal())[-1].label


async def change_everything(world: World) -> None:
    """Submit events that change the answer of every read."""
    await world.submit("used", user_id="ada", contact_properties={"plan": "pro"})
    await world.submit("left", user_id="ada", lists={"*": False})


@pytest.mark.parametrize("call", READS + EFFECTS + WAITS)
async def test_a_recorded_call_answers_from_the_journal_after_it_was_moved(
    sqlite_world: World, call: str
):
    """The changed code moves the call from before the wait to after it."""
    show = "await ctx.checkpoint(str(answer).replace(' ', '')[:150])"
    await sqlite_world.define(build_source(f"answer = await {call}", REST, show))
    await sqlite_world.emit("go", "bo")
    await sqlite_world.advance(days(1))
    await sqlite_world.advance(days(2))
    expected = await read_shown_answer(sqlite_world)

    await sqlite_world.emit("go", "ada")
    await sqlite_world.advance(days(1))
    mails, done = await sqlite_world.mailbox(), list(DONE)
    reports = len(await sqlite_world.events("reported"))
    ada = (await sqlite_world.all_enrollments())[1].id
    assert (await sqlite_world.states())[1] == "waiting"
    recorded = [step for step in await sqlite_world.journal(ada) if not step.waiting]

    await change_everything(sqlite_world)
    await sqlite_world.define(
        build_source(
            "if await ctx.history.count('go'):", f"    {REST}", f"answer = await {call}", show
        )
    )
    await sqlite_world.advance(days(2))

    assert (await sqlite_world.states())[1] == "completed"
    journal = await sqlite_world.journal(ada)
    assert [step for step in journal if step in recorded] == recorded
    # No call was recorded twice, and no step ran twice.
    keys = [step.key for step in journal if not step.waiting]
    assert len(keys) == len(set(keys))
    assert (await sqlite_world.mailbox(), DONE) == (mails, done)
    assert len(await sqlite_world.events("reported")) == reports
    if call in WAITS or "history" in call or "sub" in call:
        assert journal[-1].label == expected


@pytest.mark.parametrize("call", READS)
async def test_a_new_read_that_lies_behind_runs_and_is_recorded(sqlite_world: World, call: str):
    await sqlite_world.define(build_source(REST))
    await sqlite_world.emit("go")
    await sqlite_world.define(build_source(f"await {call}", REST))
    await sqlite_world.advance(days(2))
    assert await sqlite_world.states() == ["completed"]
    journal = await sqlite_world.journal()
    (read,) = [step for step in journal if step.kind not in ("sleep", "zone")]
    assert not read.passed
    assert journal[-1].key == "sleep:rest"


@pytest.mark.parametrize(
    "call",
    [
        "ctx.sleep(days(9), label='new')",
        "ctx.sleep_until(await ctx.now() + days(9), label='new')",
        "ctx.wait_for('never')",
        "ctx.wait_for_any(['never', 'no more'], timeout=days(9))",
        "ctx.digest(days(9), 'used')",
    ],
)
async def test_a_new_wait_that_lies_behind_returns_immediately_and_is_falsy(
    sqlite_world: World, call: str
):
    await sqlite_world.define(build_source(REST))
    await sqlite_world.emit("go")
    await sqlite_world.submit("used", user_id="ada")
    await sqlite_world.define(
        build_source(f"answer = await {call}", REST, "await ctx.checkpoint(str(bool(answer)))")
    )
    await sqlite_world.advance(days(2))
    assert await sqlite_world.states() == ["completed"]
    assert await read_shown_answer(sqlite_world) == "False"


@pytest.mark.parametrize("wait", [*WAITS, "ctx.step('call', lambda: 1 / 0)"])
async def test_an_enrollment_that_loses_its_wait_drifts(world: World, wait: str):
    await world.define(build_source(f"await {wait}"))
    await world.emit("go")
    assert await world.states() == ["waiting"]
    lost = (await world.enrollment()).wait
    await world.define(build_source("await ctx.send('welcome')", "await ctx.trigger('reported')"))
    await world.advance(days(1))
    drifted = await world.enrollment()
    assert (drifted.state, drifted.wait) == ("drifted", lost)
    assert (await world.sends(), await world.events("reported")) == ([], [])


@pytest.mark.parametrize("wait", WAITS)
async def test_every_kind_of_wait_keeps_its_recorded_instant(sqlite_world: World, wait: str):
    await sqlite_world.define(build_source(f"await {wait}", "await ctx.send('welcome')"))
    await sqlite_world.emit("go")
    longer = wait.replace("days(1)", "days(9)").replace("09:00", "23:00")
    assert longer != wait
    await sqlite_world.define(build_source(f"await {longer}", "await ctx.send('welcome')"))
    await sqlite_world.advance(days(1))
    assert await sqlite_world.mailbox() == ["welcome"]


async def test_no_call_lies_behind_a_contact_without_a_wait(world: World):
    """The first turn has failed, and the fixed code has new calls."""
    await world.define(build_source("raise ValueError"))
    await world.emit("go")
    await world.define(
        build_source(
            "await ctx.send('welcome')",
            "await ctx.trigger('reported')",
            "await ctx.step('new', lambda: DONE.append('done'))",
            REST,
        )
    )
    await world.advance(seconds(10))
    assert await world.states() == ["waiting"]
    assert (await world.mailbox(), DONE) == (["welcome"], ["done"])
    assert len(await world.events("reported")) == 1


async def test_the_result_of_a_step_of_a_discarded_turn_need_not_be_used(world: World):
    """Only a step with the same key uses the stored result."""
    await world.define(
        build_source("await ctx.step('new', lambda: DONE.append('done'))", "raise KeyError")
    )
    await world.emit("go")
    assert await world.journal() == []
    await world.define(build_source("await ctx.step('other', lambda: DONE.append('other'))"))
    await world.advance(seconds(10))
    assert await world.states() == ["completed"]
    assert [step.key for step in await world.journal()] == ["step:other"]
    assert DONE == ["done", "other"]
