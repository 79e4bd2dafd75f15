"""A wait misses no event after a send, and no event ends a wait that is over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hogsend import days, hours
from hogsend.turns import runner as runner_module
from hogsend.turns.execution import TurnExecution
from hogsend.turns.turn_inputs import load_turns
from tests.world import World

JOURNEY_WITH_A_WAIT = """
    @journey("j", trigger="go")
    async def j(user, ctx):
        answer = await ctx.wait_for("used", timeout=days(2), where=prop("n") > 1)
        await ctx.send("welcome" if answer else "nudge")
"""


async def read_report(world: World) -> Any:
    (event,) = await world.events("reported")
    return event.properties


async def test_the_event_ends_the_wait(world: World):
    await world.define(JOURNEY_WITH_A_WAIT)
    await world.emit("go")
    assert (await world.emit("used", n=1)).waits == []
    assert (await world.emit("used", "bo", n=2)).waits == []
    result = await world.emit("used", n=2)
    (ended,) = [
        enrollment
        for enrollment in await world.all_enrollments()
        if enrollment.state == "completed"
    ]
    assert result.waits == [{"journeyId": "j", "stateId": str(ended.id)}]
    assert await world.mailbox() == ["welcome"]


@pytest.mark.parametrize(
    ("after", "mail"), [(days(2), "welcome"), (days(2) + timedelta(microseconds=1), "nudge")]
)
async def test_an_event_by_the_deadline_counts_and_a_later_one_does_not(
    idle_world: World, after: timedelta, mail: str
):
    """The turn runs late, because the worker was stopped."""
    await idle_world.define(JOURNEY_WITH_A_WAIT)
    await idle_world.submit("go", user_id="ada", email="ada@example.com")
    entered = (await idle_world.enrollment()).id
    await idle_world.turn_runner(hours(1)).run([entered])
    idle_world.clock.set(idle_world.clock.now() + after)
    await idle_world.submit("used", user_id="ada", properties={"n": 2})
    idle_world.clock.set(idle_world.clock.now() + days(1))
    await idle_world.turn_runner(hours(1)).run([entered])
    assert [send.template for send in await idle_world.sends()] == [mail]


async def test_a_wait_without_a_timeout_never_ends_by_itself(world: World):
    await world.define(JOURNEY_WITH_A_WAIT.replace("timeout=days(2), ", ""))
    await world.emit("go")
    await world.advance(days(5000))
    waiting = await world.enrollment()
    assert (waiting.state, waiting.wake_at, waiting.attempt) == ("waiting", None, 0)
    await world.emit("used", n=2)
    assert await world.mailbox() == ["welcome"]


async def test_a_wait_with_a_timeout_of_zero_only_looks_back(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            first = await ctx.wait_for("used", timeout=days(0))
            await ctx.sleep(days(1))
            await ctx.trigger("reported", {"first": bool(first)})
        """
    )
    await world.emit("go")
    await world.advance(days(1))
    assert await read_report(world) == {"first": False}


async def test_the_first_of_several_events_ends_the_wait(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            which = await ctx.wait_for_any(["a", on("b", where=prop("n") == 1)], timeout=days(1))
            await ctx.trigger("reported", {"which": which.event.name})
        """
    )
    await world.emit("go")
    await world.emit("b", n=0)
    await world.emit("b", n=1)
    assert await read_report(world) == {"which": "b"}
    assert "wait:a or b" in await world.answers()


async def test_both_conditions_of_a_wait_must_hold(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            answer = await ctx.wait_for(on("used", where=prop("n") > 1), where=prop("n") < 5)
            await ctx.trigger("reported", {"n": answer.event.properties["n"]})
        """
    )
    await world.emit("go")
    for n in (9, 1, 3):
        await world.emit("used", n=n)
    assert await read_report(world) == {"n": 3}


# -- looking back -------------------------------------------------------------------------------


async def test_a_wait_looks_back_to_the_trigger_and_not_further(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.wait_for("go", timeout=days(1))
            await ctx.send("welcome")
        """
    )
    await world.submit("go", user_id="bo")
    await world.emit("before")
    await world.emit("go")
    assert {enrollment.state for enrollment in await world.all_enrollments()} == {"waiting"}


async def test_an_event_between_a_send_and_its_wait_is_found(idle_world: World):
    await idle_world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.send("welcome")
            answer = await ctx.wait_for("used", timeout=days(1))
            await ctx.trigger("reported", {"n": answer.event.properties["n"]})
        """
    )
    await idle_world.submit("go", user_id="ada")
    for n in (1, 2):
        await idle_world.submit("used", user_id="ada", properties={"n": n})
    await idle_world.turn_runner(hours(1)).run([(await idle_world.enrollment()).id])
    assert await read_report(idle_world) == {"n": 1}


JOURNEY_WITH_THREE_WAITS = """
    @journey("j", trigger="go")
    async def j(user, ctx):
        seen = []
        for round in range(3):
            answer = await ctx.wait_for("used", timeout=days(1))
            seen.append(answer.event.properties["n"] if answer else None)
        await ctx.trigger("reported", {"seen": seen})
"""


async def test_each_event_ends_one_wait(idle_world: World):
    await idle_world.define(JOURNEY_WITH_THREE_WAITS)
    await idle_world.submit("go", user_id="ada")
    for n in (1, 2, 3):
        await idle_world.submit("used", user_id="ada", properties={"n": n})
    await idle_world.turn_runner(hours(1)).run([(await idle_world.enrollment()).id])
    assert await read_report(idle_world) == {"seen": [1, 2, 3]}


async def test_an_event_that_has_ended_a_wait_does_not_end_the_next(idle_world: World):
    await idle_world.define(JOURNEY_WITH_THREE_WAITS)
    await idle_world.submit("go", user_id="ada")
    entered = (await idle_world.enrollment()).id
    for n in (1, 2, 3):
        await idle_world.turn_runner(hours(1)).run([entered])
        assert (await idle_world.enrollment()).wait_result is None
        await idle_world.submit("used", user_id="ada", properties={"n": n})
    await idle_world.turn_runner(hours(1)).run([entered])
    assert await read_report(idle_world) == {"seen": [1, 2, 3]}


@pytest.mark.parametrize("pause", ['ctx.wait_for("other", timeout=days(1))', "ctx.sleep(days(1))"])
async def test_a_wait_does_not_look_back_into_the_wait_before(world: World, pause: str):
    await world.define(
        f"""
        @journey("j", trigger="go")
        async def j(user, ctx):
            await {pause}
            answer = await ctx.wait_for("used", timeout=days(1))
            await ctx.trigger("reported", {{"n": answer.event.properties["n"]}})
        """
    )
    await world.emit("go")
    await world.emit("used", n=1)
    await world.advance(days(1))
    await world.emit("used", n=2)
    assert await read_report(world) == {"n": 2}


async def test_after_a_timeout_the_next_wait_looks_back_to_the_deadline(idle_world: World):
    await idle_world.define(JOURNEY_WITH_THREE_WAITS)
    await idle_world.submit("go", user_id="ada")
    entered = (await idle_world.enrollment()).id
    runner = idle_world.turn_runner(hours(1))
    await runner.run([entered])
    # The turn runs hours after the deadline; events in between belong to the next wait.
    idle_world.clock.set(idle_world.clock.now() + days(1) + hours(1))
    await idle_world.submit("used", user_id="ada", properties={"n": 1})
    idle_world.clock.set(idle_world.clock.now() + hours(1))
    await runner.run([entered])
    await idle_world.submit("used", user_id="ada", properties={"n": 2})
    await runner.run([entered])
    assert await read_report(idle_world) == {"seen": [None, 1, 2]}


async def test_since_lets_a_wait_look_back_further(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            since = (await ctx.now()) - days(1)
            answer = await ctx.wait_for("used", since=since)
            await ctx.trigger("reported", {"n": answer.event.properties["n"]})
        """
    )
    await world.emit("used", n=1)
    await world.advance(hours(30))
    await world.emit("used", n=2)
    await world.emit("go")
    assert await read_report(world) == {"n": 2}


# -- at the same moment ---------------------------------------------------------------------------

Between = Callable[[], Awaitable[None]]


async def run_with(
    idle_world: World, monkeypatch: pytest.MonkeyPatch, entered: UUID, meanwhile: dict[str, Between]
) -> None:
    """Run one turn, and call functions right before it reads or commits."""
    read, commit = runner_module.answer_reads, runner_module.TurnRunner._commit_all

    async def read_later(*args: Any) -> Any:
        if "read" in meanwhile:
            await meanwhile.pop("read")()
        return await read(*args)

    async def commit_later(self: Any, *args: Any) -> Any:
        if "commit" in meanwhile:
            await meanwhile.pop("commit")()
        return await commit(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(runner_module, "answer_reads", read_later)
        patch.setattr(runner_module.TurnRunner, "_commit_all", commit_later)
        await idle_world.turn_runner(hours(1)).run([entered])
    assert not meanwhile


@pytest.mark.parametrize("moment", ["read", "commit"])
async def test_an_event_that_arrives_while_the_turn_runs_is_not_missed(
    idle_world: World, monkeypatch: pytest.MonkeyPatch, moment: str
):
    await idle_world.define(JOURNEY_WITH_A_WAIT)
    await idle_world.submit("go", user_id="ada")
    entered = (await idle_world.enrollment()).id

    async def use() -> None:
        await idle_world.submit("used", user_id="ada", properties={"n": 1})
        await idle_world.submit("used", user_id="ada", properties={"n": 2})

    await run_with(idle_world, monkeypatch, entered, {moment: use})
    if moment == "commit":
        waiting = await idle_world.enrollment()
        assert waiting.wait_result is not None
        assert (waiting.wait_result.seq, waiting.wake_at) == (3, idle_world.clock.now())
        await idle_world.turn_runner(hours(1)).run([entered])
    assert [send.template for send in await idle_world.sends()] == ["welcome"]


async def test_an_event_found_by_one_wait_is_not_found_again_when_the_next_is_committed(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
):
    await idle_world.define(JOURNEY_WITH_THREE_WAITS)
    await idle_world.submit("go", user_id="ada")
    entered = (await idle_world.enrollment()).id

    async def use() -> None:
        await idle_world.submit("used", user_id="ada", properties={"n": 1})

    await run_with(idle_world, monkeypatch, entered, {"read": use})
    waiting = await idle_world.enrollment()
    assert waiting.wait is not None
    assert (waiting.wait.key, waiting.wait_result) == ("wait:used#2", None)


async def test_an_event_in_time_ends_the_wait_although_the_timeout_turn_is_running(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
):
    await idle_world.define(JOURNEY_WITH_A_WAIT)
    await idle_world.submit("go", user_id="ada")
    entered = (await idle_world.enrollment()).id
    await idle_world.turn_runner(hours(1)).run([entered])
    idle_world.clock.set(idle_world.clock.now() + days(2))

    async def use() -> None:
        await idle_world.submit("used", user_id="ada", properties={"n": 2})

    await run_with(idle_world, monkeypatch, entered, {"commit": use})
    assert (await idle_world.enrollment()).turn == 1
    await idle_world.turn_runner(hours(1)).run([entered])
    assert [send.template for send in await idle_world.sends()] == ["welcome"]


async def test_a_turn_whose_enrollment_has_ended_meanwhile_writes_nothing(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
):
    await idle_world.define(
        """
        @journey("j", trigger="go", exit_on=["stop"])
        async def j(user, ctx):
            await ctx.send("welcome")
            await ctx.trigger("reported")
        """
    )
    await idle_world.submit("go", user_id="ada")

    async def stop() -> None:
        await idle_world.submit("stop", user_id="ada")

    await run_with(idle_world, monkeypatch, (await idle_world.enrollment()).id, {"commit": stop})
    ended = await idle_world.enrollment()
    assert (ended.state, ended.turn, ended.sends) == ("exited", 0, 0)
    assert (
        await idle_world.turns(),
        await idle_world.sends(),
        await idle_world.events("reported"),
    ) == ([], [], [])
    assert await idle_world.counter_drift() == {}


async def test_a_turn_runs_again_when_its_contact_is_merged(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
):
    await idle_world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.send("welcome")
            await ctx.trigger("reported")
        """
    )
    await idle_world.submit("go", email="ada@example.com")
    await idle_world.submit("hello", user_id="ada")
    entered = (await idle_world.enrollment()).id

    async def login() -> None:
        await idle_world.submit("login", user_id="ada", email="ada@example.com")

    await run_with(idle_world, monkeypatch, entered, {"commit": login})
    assert await idle_world.sends() == []
    await idle_world.turn_runner(hours(1)).run([entered])
    ada = await idle_world.contact()
    assert [send.contact_id for send in await idle_world.sends()] == [ada.id]
    assert [event.contact_id for event in await idle_world.events("reported")] == [ada.id]


async def test_a_turn_that_runs_twice_at_the_same_time_is_committed_once(idle_world: World):
    await idle_world.define(
        JOURNEY_WITH_A_WAIT.replace("answer = ", 'await ctx.send("bye")\n        answer = ')
    )
    await idle_world.submit("go", user_id="ada")
    entered = (await idle_world.enrollment()).id
    runners = [idle_world.turn_runner(hours(1)) for _ in range(2)]
    code, now = runners[0].code, idle_world.clock.now()
    environment = code.build_environment(now, runners[0].limits)
    executions: list[TurnExecution] = []
    for _ in runners:
        loaded = await load_turns(
            idle_world.database, [entered], code, environment, is_selected=lambda _: True
        )
        executions += loaded.executions
    for runner, execution in zip(runners, executions, strict=True):
        await runner._drive([(execution, None)], [], now, lambda ids: None)
    assert [turn.number for turn in await idle_world.turns()] == [1]
    assert [send.template for send in await idle_world.sends()] == ["bye"]
