"""The limits of a turn's time and calls, and of the concurrent effects of a journey."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from hogsend import hours
from hogsend.config.settings import load_settings
from hogsend.process.worker_factory import read_turn_limits
from hogsend.turns import step_runner
from hogsend.turns.calls.effect import Effect
from hogsend.turns.daemon_threads import DaemonThreads
from hogsend.turns.driver import _TurnThread
from hogsend.turns.step_runner import StepRunner
from hogsend.turns.turn_inputs import TurnLimits
from tests.patience import PATIENCE
from tests.world import World


def test_a_turn_is_limited_to_a_minute_and_ten_thousand_calls_by_default(tmp_path: Path):
    assert read_turn_limits(load_settings({}, tmp_path)) == TurnLimits(
        timedelta(seconds=60), 10_000
    )
    configured = {"HOGSEND_TURN_TIME_LIMIT": "5", "HOGSEND_TURN_STEP_LIMIT": "77"}
    assert read_turn_limits(load_settings(configured, tmp_path)) == TurnLimits(
        timedelta(seconds=5), 77
    )


async def test_the_time_limit_of_a_turn_covers_all_its_advances(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
):
    """Each advance is within the limit; the journey moves the clock of the machine."""
    passed = [0.0]
    clock = time.monotonic
    monkeypatch.setattr("hogsend.turns.driver.time.monotonic", lambda: clock() + passed[0])
    monkeypatch.setattr("tests.turns.test_limits.PASSED", passed, raising=False)
    await idle_world.define(
        """
        from tests.turns import test_limits

        @journey("j", trigger="go")
        async def j(user, ctx):
            for number in range(int(user.user_id)):
                test_limits.PASSED[0] += 1200
                await ctx.history.count(f"read-{number}")
            await ctx.send("welcome")
        """
    )
    entered: list[UUID] = []
    for reads in (2, 4):
        await idle_world.submit("go", user_id=str(reads), email=f"{reads}@example.com")
        entered = [enrollment.id for enrollment in await idle_world.all_enrollments()]
        await idle_world.turn_runner(hours(1)).run([entered[-1]])
    within, beyond = await idle_world.all_enrollments()
    assert (within.state, beyond.state, beyond.attempt) == ("completed", "active", 1)
    assert "kept its thread for" in (beyond.error or "")
    assert [send.to_email for send in await idle_world.sends()] == ["2@example.com"]


async def test_the_concurrent_effects_of_a_journey_are_limited(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(step_runner, "MAX_CONCURRENT_STEPS", 2)
    begun: list[int] = []
    gate, effects = threading.Event(), StepRunner()

    def wait(number: int) -> Any:
        def effect(step_id: UUID) -> None:
            begun.append(number)
            gate.wait(PATIENCE)

        return effect

    def nothing(step_id: UUID) -> None: ...

    def run(journey_id: str, effect: Any) -> asyncio.Task[Any]:
        call = Effect(effect, 0, timedelta(seconds=PATIENCE))
        return asyncio.create_task(effects.run(journey_id, call, uuid4(), 1))

    crowd = [run("crowd", wait(number)) for number in range(5)]
    # Another journey has slots of its own.
    await run("other", nothing)
    async with asyncio.timeout(PATIENCE):
        while len(begun) < 2:
            await run("other", nothing)
    await run("other", nothing)
    assert len(begun) == 2
    gate.set()
    await asyncio.gather(*crowd)
    assert sorted(begun) == [0, 1, 2, 3, 4]
    effects.close()


class BlockingTurn:
    """A turn that occupies its thread until the test releases it."""

    thread_seconds, is_over = 0.0, True

    def __init__(self) -> None:
        self.begun, self.released = threading.Event(), threading.Event()

    def advance(self, answer: object) -> None:
        self.begun.set()
        self.released.wait(PATIENCE)


async def test_a_late_interruption_does_not_hit_the_next_turn_of_the_thread():
    first_turn, second_turn = BlockingTurn(), BlockingTurn()
    threads = DaemonThreads("limits")

    def start(turn: Any) -> _TurnThread:
        thread = _TurnThread(deque([(turn, None)]), PATIENCE)
        threads.run(thread.run)
        return thread

    first = start(first_turn)
    await asyncio.to_thread(first_turn.begun.wait, PATIENCE)
    assert first.retire_if_slow(0.0) is first_turn
    first_turn.released.set()
    await first.ended
    async with asyncio.timeout(PATIENCE):
        while not threads._idle:
            await asyncio.to_thread(time.monotonic)
    second = start(second_turn)
    await asyncio.to_thread(second_turn.begun.wait, PATIENCE)
    first.interrupt()
    second_turn.released.set()
    async with asyncio.timeout(PATIENCE):
        await second.ended
    assert first._thread_id == second._thread_id
    assert second_turn.thread_seconds > 0
