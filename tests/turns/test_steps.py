"""`ctx.step`: effects that run at least once, and whose answers are recorded immediately."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from hogsend import minutes, seconds
from hogsend.turns import step_runner
from hogsend.turns.calls.effect import Effect
from hogsend.turns.step_runner import StepRunner
from tests.patience import PATIENCE
from tests.world import World

# The actions of the effects of these tests.
DONE: list[Any] = []
IMPORTS = "from tests.turns.test_steps import DONE, fail_until, GATE\n"
GATE = threading.Event()
REST = """
@journey("j", trigger="go")
async def j(user, ctx):
    await ctx.sleep(days(1), label="r")
"""


def fail_until(count: int, answer: Any = "ok") -> Any:
    """Return a function that raises until it has been called `count` times."""

    def call() -> Any:
        DONE.append("call")
        if len(DONE) < count:
            raise OSError(f"no answer the {len(DONE)}. time")
        return answer

    return call


@pytest.fixture(autouse=True)
def _clear_actions() -> None:
    DONE.clear()
    GATE.clear()


async def run_journey(world: World, body: str) -> None:
    indented = "\n".join(f"    {line}" for line in body.strip().splitlines())
    await world.define(
        f"{IMPORTS}import asyncio\n"
        f'@journey("j", trigger="go")\nasync def j(user, ctx):\n{indented}\n'
    )
    await world.emit("go")


async def test_a_step_runs_once_and_answers_from_the_journal_afterwards(world: World):
    await run_journey(
        world,
        """
result = await ctx.step("charge", lambda: DONE.append("done") or {"paid": (1, 2)})
await ctx.sleep(days(1), label="rest")
await ctx.checkpoint(f"{result}")
""",
    )
    assert DONE == ["done"]
    await world.advance(minutes(24 * 60))
    assert await world.states() == ["completed"]
    assert DONE == ["done"]
    assert [step.label for step in await world.journal()][-1] == "{'paid': [1, 2]}"
    assert await world.query("SELECT COUNT(*) FROM steps") == [(0,)]


async def test_a_step_can_be_async_and_use_asyncio(sqlite_world: World):
    await run_journey(
        sqlite_world,
        """
async def both():
    return await asyncio.gather(asyncio.sleep(0, "a"), asyncio.sleep(0, "b"))
one = await ctx.step("async", both)
two = await ctx.step("lambda", lambda: asyncio.sleep(0, one))
await ctx.checkpoint("".join(two))
""",
    )
    assert (await sqlite_world.journal())[-1].label == "ab"


async def test_a_step_gets_the_same_id_at_every_attempt(sqlite_world: World):
    await run_journey(
        sqlite_world,
        """
def charge(id):
    DONE.append(id)
    if len(DONE) < 3:
        raise OSError("away")
await ctx.step("charge", charge)
""",
    )
    for _ in range(2):
        await sqlite_world.advance(minutes(1))
    assert await sqlite_world.states() == ["completed"]
    assert len(DONE) == 3
    assert len(set(DONE)) == 1


async def test_a_step_that_fails_ends_the_turn_and_is_retried_later(world: World):
    await run_journey(world, 'await ctx.checkpoint(await ctx.step("call", fail_until(3)))')
    only = await world.enrollment()
    assert (only.state, only.attempt, only.wait and only.wait.key) == ("waiting", 0, "step:call")
    assert DONE == ["call"]
    await world.advance(seconds(9))
    assert DONE == ["call"]
    await world.advance(seconds(1))
    assert DONE == ["call"] * 2
    await world.advance(minutes(1))
    assert await world.states() == ["completed"]
    last = [step for step in await world.journal() if step.kind == "step"][-1]
    assert (last.answer, last.detail) == ({"value": "ok"}, {"attempt": 3})


async def test_a_step_that_fails_for_good_raises_at_every_replay(world: World):
    await run_journey(
        world,
        """
try:
    await ctx.step("call", fail_until(99), retries=1)
except StepFailed as error:
    await ctx.sleep(days(1), label="rest")
    await ctx.checkpoint("gave up" if "no answer the 2. time" in str(error) else str(error))
""",
    )
    await world.advance(minutes(1))
    assert len(DONE) == 2
    await world.advance(minutes(24 * 60))
    assert (await world.journal())[-1].label == "gave up"
    assert len(DONE) == 2


async def test_an_uncaught_failed_step_fails_the_turn(sqlite_world: World):
    await run_journey(sqlite_world, 'await ctx.step("call", fail_until(99), retries=0)')
    only = await sqlite_world.enrollment()
    assert only.attempt == 1
    assert "no answer the 1. time" in (only.error or "")


async def test_a_step_that_raises_step_failed_is_not_retried(sqlite_world: World):
    await run_journey(
        sqlite_world,
        """
def refuse():
    DONE.append("refused")
    raise StepFailed("the card is stolen")
try:
    await ctx.step("charge", refuse)
except StepFailed as error:
    await ctx.checkpoint(str(error))
""",
    )
    assert DONE == ["refused"]
    assert (await sqlite_world.journal())[-1].label == "the card is stolen"


async def test_a_step_that_exceeds_its_timeout_fails(sqlite_world: World):
    await run_journey(
        sqlite_world,
        """
try:
    await ctx.step("wait", lambda: asyncio.sleep(30), retries=0, timeout=timedelta(seconds=0.05))
except StepFailed as error:
    await ctx.checkpoint(str(error))
""",
    )
    assert "longer than 0.05 seconds" in (await sqlite_world.journal())[-1].label


async def test_an_effect_is_not_repeated_when_the_turn_fails_after_it(world: World):
    await run_journey(
        world,
        """
await ctx.step("charge", lambda: DONE.append("charged"))
if len(DONE) == 1:
    DONE.append("raised")
    raise ValueError("the author's mistake")
""",
    )
    assert (await world.enrollment()).attempt == 1
    await world.advance(seconds(10))
    assert await world.states() == ["completed"]
    assert DONE == ["charged", "raised"]


async def test_the_context_is_refused_inside_a_step(sqlite_world: World):
    await run_journey(
        sqlite_world,
        """
async def sends():
    await ctx.send("welcome")
try:
    await ctx.step("sends", sends, retries=0)
except StepFailed as error:
    is_refused = "return a value from that function" in str(error)
    await ctx.checkpoint("refused" if is_refused else str(error))
""",
    )
    assert (await sqlite_world.journal())[-1].label == "refused"
    assert await sqlite_world.sends() == []


async def test_a_step_whose_answer_cannot_be_stored_is_not_repeated(sqlite_world: World):
    await run_journey(
        sqlite_world,
        """
try:
    await ctx.step("odd", lambda: DONE.append("done") or {1, 2})
except StepFailed as error:
    await ctx.checkpoint("reported" if "cannot keep a set" in str(error) else str(error))
""",
    )
    assert DONE == ["done"]
    assert (await sqlite_world.journal())[-1].label == "reported"


async def test_a_long_step_does_not_delay_other_turns(sqlite_world: World):
    await sqlite_world.define(
        f"""{IMPORTS}
@journey("slow", trigger="go")
async def slow(user, ctx):
    await ctx.step("wait", lambda: GATE.wait(20) and None)
    await ctx.checkpoint("slow")

@journey("quick", trigger="hurry")
async def quick(user, ctx):
    await ctx.checkpoint("quick")
"""
    )
    await sqlite_world.submit("go", user_id="ada")
    await sqlite_world.submit("hurry", user_id="bo")
    async with asyncio.timeout(PATIENCE):
        while await sqlite_world.states() != ["active", "completed"]:
            pass
    GATE.set()
    await sqlite_world.settle()
    assert await sqlite_world.states() == ["completed", "completed"]


async def test_an_exit_while_a_step_runs_ends_the_enrollment(sqlite_world: World):
    await sqlite_world.define(
        f"""{IMPORTS}
@journey("j", trigger="go", exit_on=["stop"])
async def j(user, ctx):
    await ctx.step("wait", lambda: DONE.append("begun") or GATE.wait(20) and None)
    await ctx.send("welcome")
"""
    )
    await sqlite_world.submit("go", user_id="ada", email="ada@example.com")
    async with asyncio.timeout(PATIENCE):
        while not DONE:
            await sqlite_world.states()
    await sqlite_world.submit("stop", user_id="ada")
    GATE.set()
    await sqlite_world.settle()
    assert await sqlite_world.states() == ["exited"]
    assert await sqlite_world.sends() == []


async def test_a_new_step_that_lies_behind_returns_the_answer_of_passed(sqlite_world: World):
    await sqlite_world.define(REST)
    await sqlite_world.emit("go")
    await sqlite_world.define(
        f"""{IMPORTS}
@journey("j", trigger="go")
async def j(user, ctx):
    result = await ctx.step("new", lambda: DONE.append("done"), passed=lambda: "before")
    await ctx.sleep(days(1), label="r")
    await ctx.checkpoint(result)
"""
    )
    await sqlite_world.advance(minutes(24 * 60))
    assert (await sqlite_world.journal())[-1].label == "before"
    assert DONE == []


async def test_a_new_step_that_lies_behind_without_passed_drifts(sqlite_world: World):
    await sqlite_world.define(REST)
    await sqlite_world.emit("go")
    await sqlite_world.define(
        f"""{IMPORTS}
@journey("j", trigger="go")
async def j(user, ctx):
    await ctx.step("new", lambda: DONE.append("done"))
    await ctx.sleep(days(1), label="r")
"""
    )
    await sqlite_world.advance(minutes(24 * 60))
    only = await sqlite_world.enrollment()
    assert only.state == "drifted"
    assert "has no passed=" in (only.end_reason or "")
    assert DONE == []


@pytest.mark.parametrize(
    "answer",
    ["'caf\\ud83d'", "(lambda l: l.append(l) or l)([])", "{1: 2}"],
    ids=["half", "ring", "key"],
)
async def test_a_result_that_the_journal_cannot_store_fails_the_step_without_a_retry(
    world: World, answer: str
):
    await run_journey(
        world,
        f"""
try:
    await ctx.step("odd", lambda: DONE.append("done") or {answer})
except StepFailed as error:
    await ctx.checkpoint("reported" if "The step was done, but" in str(error) else str(error))
""",
    )
    assert DONE == ["done"]
    assert (await world.journal())[-1].label == "reported"


async def test_an_error_message_that_the_database_cannot_store_is_recorded_in_part(world: World):
    await run_journey(
        world,
        """
def fail():
    DONE.append("done")
    raise ValueError("half \\ud800 and nothing \\0")
try:
    await ctx.step("odd", fail, retries=0)
except StepFailed as error:
    await ctx.checkpoint("reported" if "ValueError: half" in str(error) else str(error))
""",
    )
    assert DONE == ["done"]
    assert (await world.journal())[-1].label == "reported"


async def test_an_async_step_that_blocks_does_not_delay_steps_of_other_journeys(
    sqlite_world: World,
):
    await sqlite_world.define(
        f"""{IMPORTS}
import asyncio
@journey("blocking", trigger="go")
async def blocking(user, ctx):
    async def block():
        GATE.wait(20)
    await ctx.step("block", block, timeout=timedelta(seconds=0.1), retries=0)

@journey("other", trigger="hurry")
async def other(user, ctx):
    await ctx.step("rest", lambda: asyncio.sleep(0))
    await ctx.checkpoint("done")
"""
    )
    await sqlite_world.submit("go", user_id="ada")
    await sqlite_world.emit("hurry", "bo")
    GATE.set()
    assert (await sqlite_world.all_enrollments())[1].state == "completed"


HANGING_STEPS = """
try:
    await ctx.step("hang", {}, timeout=timedelta(seconds=0.05))
except StepFailed as error:
    await ctx.checkpoint(str(error))
"""
BLOCKED_STEP_JOURNEY = """
async def block():
    DONE.append("begun")
    GATE.wait(20)
"""


@pytest.mark.parametrize("blocked", [False, True], ids=["on a thread", "on the loop"])
async def test_functions_that_never_return_occupy_only_slots_of_their_own_journey(
    sqlite_world: World,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    blocked: bool,
):
    monkeypatch.setattr(step_runner, "MAX_CONCURRENT_STEPS", 2)
    monkeypatch.setattr(step_runner, "_LOOP_TIMEOUT", 0.05)
    hang = "block" if blocked else 'lambda: DONE.append("begun") or GATE.wait(20)'
    await run_journey(
        sqlite_world, (BLOCKED_STEP_JOURNEY if blocked else "") + HANGING_STEPS.format(hang)
    )
    for _ in range(4):
        await sqlite_world.advance(minutes(120))
    assert DONE == ["begun"] * 2
    assert caplog.text.count("steps of j are no longer started: 2 functions of this") == 1
    await sqlite_world.advance(minutes(120))
    label = (await sqlite_world.journal())[-1].label
    assert "The step was not started" in label and "restart the server" in label


async def test_threads_that_return_release_their_slots(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(step_runner, "MAX_CONCURRENT_STEPS", 2)
    effects, gates = StepRunner(), [threading.Event() for _ in range(3)]

    async def run(effect: Any, seconds: float = 0.05, journey: str = "j") -> str:
        call = Effect(lambda _: effect(), 0, timedelta(seconds=seconds))
        attempt = await effects.run(journey, call, uuid4(), 1)
        return (attempt.error or "done").split(":")[0]

    assert await run(lambda: gates[0].wait(20)) == "The step took longer than 0.05 seconds."
    # A step that waits for a slot fails as well when the last slot is lost.
    outcomes = await asyncio.gather(*(run(lambda: gates[1].wait(20)) for _ in range(3)))
    assert (
        outcomes == ["The step took longer than 0.05 seconds."] + ["The step was not started"] * 2
    )

    gates[0].set()
    async with asyncio.timeout(PATIENCE):
        while await run(lambda: None, 15) != "done":
            await run(int, 15, "other")
    # One thread has returned, so one step can run.
    begun: list[str] = []
    ahead = asyncio.create_task(run(lambda: begun.append("ahead") or gates[2].wait(20), 15))
    after = asyncio.create_task(run(lambda: begun.append("after"), 15))
    async with asyncio.timeout(PATIENCE):
        while not begun:
            await run(int, 15, "other")
    await run(int, 15, "other")
    assert begun == ["ahead"]
    gates[2].set()
    assert await asyncio.gather(ahead, after) == ["done"] * 2
    assert begun == ["ahead", "after"]
    gates[1].set()
    effects.close()


async def test_labels_that_look_numbered_stay_distinct(sqlite_world: World):
    await sqlite_world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.send("welcome")
            await ctx.send("nudge", label="welcome#2")
            await ctx.sleep(days(1), label="s")
            await ctx.send("welcome")
        """
    )
    await sqlite_world.emit("go")
    await sqlite_world.advance(minutes(24 * 60))
    assert await sqlite_world.mailbox() == ["welcome", "nudge", "welcome"]
