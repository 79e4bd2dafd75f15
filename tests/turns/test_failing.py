"""An error of a journey fails the turn, which is retried, and affects no other enrollment."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from hogsend import days, hours, minutes, seconds
from hogsend.turns import driver
from hogsend.turns.driver import Driver
from hogsend.turns.turn_inputs import TurnLimits
from tests.patience import PATIENCE
from tests.world import World

SCHEDULE = [seconds(10), minutes(1), minutes(5), minutes(30), hours(2)]

RAISING_JOURNEY = """
    @journey("j", trigger="go", exit_on=["stop"])
    async def j(user, ctx):
        await ctx.send("welcome")
        await ctx.trigger("noted")
        raise ValueError("the author's mistake")
"""


async def test_a_turn_that_raises_is_discarded_and_retried_on_a_schedule(world: World):
    await world.define(RAISING_JOURNEY)
    await world.emit("go")
    for attempt, pause in enumerate(SCHEDULE, 1):
        failing = await world.enrollment()
        assert (failing.state, failing.attempt, failing.turn) == ("active", attempt, attempt)
        assert failing.wake_at == world.clock.now() + pause
        await world.advance(pause - timedelta(microseconds=1))
        assert (await world.enrollment()).attempt == attempt
        await world.advance(timedelta(microseconds=1))

    failed = await world.enrollment()
    assert (failed.state, failed.wake_at, failed.ended_at) == ("failed", None, world.clock.now())
    assert [turn.outcome for turn in await world.turns()] == ["retrying"] * 5 + ["failed"]
    assert all(turn.steps == [] for turn in await world.turns())
    assert (await world.sends(), await world.events("noted")) == ([], [])
    assert await world.counter_drift() == {}


async def test_the_traceback_contains_the_authors_line(sqlite_world: World):
    await sqlite_world.define(RAISING_JOURNEY)
    await sqlite_world.emit("go")
    error = (await sqlite_world.enrollment()).error or ""
    assert "journeys.py" in error
    assert 'raise ValueError("the author\'s mistake")' in error
    assert error.strip().endswith("ValueError: the author's mistake")
    assert "turns/execution.py" not in error


async def test_fixed_code_continues_failing_enrollments(world: World):
    await world.define(RAISING_JOURNEY)
    await world.emit("go")
    await world.define(RAISING_JOURNEY.replace('raise ValueError("the author\'s mistake")', "pass"))
    await world.advance(seconds(10))
    mended = await world.enrollment()
    assert (mended.state, mended.attempt, mended.error) == ("completed", 0, None)
    assert await world.mailbox() == ["welcome"]
    assert [turn.outcome for turn in await world.turns()] == ["retrying", "completed"]


async def test_a_failure_after_a_wait_keeps_the_wait_and_what_ended_it(world: World):
    source = """
        @journey("j", trigger="go")
        async def j(user, ctx):
            answer = await ctx.wait_for("used")
            assert answer.event.properties["n"] == 2
            {}
            await ctx.send("welcome")
        """
    await world.define(source.format("raise KeyError(1)"))
    await world.emit("go")
    await world.emit("used", n=2)
    failing = await world.enrollment()
    assert (failing.state, failing.attempt) == ("waiting", 1)
    await world.emit("used", n=3)
    await world.define(source.format("pass"))
    await world.advance(seconds(10))
    assert await world.mailbox() == ["welcome"]


async def test_a_failed_enrollment_does_not_count_as_waiting(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.sleep(days(1))
            raise ValueError
        """
    )
    await world.emit("go")
    await world.advance(days(1))
    for pause in SCHEDULE:
        await world.advance(pause)
    assert await world.states() == ["failed"]
    assert await world.counter_drift() == {}
    assert not [name for name, _ in await world.counters() if name.startswith("waiting/")]


@pytest.mark.parametrize(("sends", "reason"), [(False, None), (True, "already_entered")])
async def test_a_failed_enrollment_counts_as_an_entry_only_if_it_has_sent_an_email(
    world: World, sends: bool, reason: str | None
):
    await world.define(
        f"""
        @journey("j", trigger="go")
        async def j(user, ctx):
            if {sends}:
                await ctx.send("welcome")
            await ctx.sleep(days(1))
            raise ValueError
        """
    )
    await world.emit("go")
    await world.advance(days(1))
    for pause in SCHEDULE:
        await world.advance(pause)
    again = await world.emit("go")
    assert [row.get("reason") for row in again.enrollments] == [reason]


async def test_an_exit_ends_an_enrollment_that_waits_for_a_retry(world: World):
    await world.define(RAISING_JOURNEY)
    await world.emit("go")
    await world.emit("stop")
    assert await world.states() == ["exited"]
    await world.advance(days(1))
    assert len(await world.turns()) == 1


async def test_a_failing_turn_does_not_fail_other_turns_of_its_batch(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            if user.user_id == "bo":
                raise ValueError("only bo")
            await ctx.send("welcome")
        """
    )
    await asyncio.gather(
        *(
            world.submit("go", user_id=user, email=f"{user}@example.com")
            for user in ("ada", "bo", "cy")
        )
    )
    await world.settle()
    assert sorted(await world.states()) == ["active", "completed", "completed"]
    assert await world.mailbox() == ["welcome", "welcome"]


async def test_a_turn_that_cannot_be_written_fails(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.send("welcome", subject="\\ud800" if user.user_id == "bo" else None)
        """
    )
    await asyncio.gather(
        *(
            world.submit("go", user_id=user, email=f"{user}@example.com")
            for user in ("ada", "bo", "cy")
        )
    )
    await world.settle()
    assert sorted(await world.states()) == ["active", "completed", "completed"]
    bo = next(
        enrollment for enrollment in await world.all_enrollments() if enrollment.state == "active"
    )
    assert "surrogates not allowed" in (bo.error or "")


# -- what a journey must not do ------------------------------------------------------------------


async def run_failing(world: World, body: str, *, before: str = "") -> str:
    """Run a journey with this body, which must fail; return the error."""
    indented = "\n".join(f"            {line}" for line in body.strip().splitlines())
    await world.define(
        f"""
        import asyncio, types
        {before}
        @journey("j", trigger="go")
        async def j(user, ctx):
{indented}
        """
    )
    await world.submit("used", user_id="ada", email="ada@example.com")
    await world.emit("go")
    only = await world.enrollment()
    assert only.attempt == 1, only
    assert await world.sends() == []
    return only.error or ""


@pytest.mark.parametrize(
    "body",
    [
        "await asyncio.sleep(1)",
        "asyncio.get_running_loop().create_task(None)",
        "asyncio.get_running_loop().run_in_executor(None, print)",
        "async with asyncio.timeout(1):\n    await ctx.send('welcome')",
        "await asyncio.to_thread(print)",
        "await asyncio.gather()",
    ],
)
@pytest.mark.parametrize("swallowed", ["", "return", "await ctx.send('nudge')"])
async def test_asyncio_in_a_journey_fails_the_turn_even_if_the_error_is_swallowed(
    sqlite_world: World, body: str, swallowed: str
):
    if swallowed:
        inner = "\n".join(f"    {line}" for line in body.splitlines())
        body = f"try:\n{inner}\nexcept Exception:\n    pass\n{swallowed}"
    assert "used asyncio directly" in await run_failing(sqlite_world, body)


@pytest.mark.parametrize(
    "body",
    [
        "await asyncio.sleep(0)",
        "@types.coroutine\ndef other():\n    yield 5\nawait other()",
    ],
)
async def test_only_the_context_may_be_awaited(sqlite_world: World, body: str):
    assert "Only await ctx calls" in await run_failing(
        sqlite_world, body + "\nawait ctx.send('welcome')"
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("ctx.send(str('nothing'))", "no template 'nothing'"),
        ("ctx.send('welcome', list=str('nothing'))", "no list 'nothing'"),
        ("ctx.send('welcome', props={'x': object()})", "cannot keep a object"),
        ("ctx.send('welcome', props={'x': float('nan')})", "cannot keep a nan"),
        ("ctx.is_subscribed(str('nothing'))", "no list 'nothing'"),
        ("ctx.sleep(5)", "given int"),
        ("ctx.sleep_until(datetime(2027, 1, 1))", "with a time zone"),
        ("ctx.wait_for('x', timeout=5)", "given int"),
        ("ctx.wait_for('x', since=datetime(2027, 1, 1))", "with a time zone"),
        ("ctx.wait_for('x', where=prop('plan'))", "where= takes a condition"),
        ("ctx.sleep('2 days')", "A property is no duration"),
        ("ctx.sleep_until(ctx.when.tomorrow())", 'add a time, such as .at("09:00")'),
        ("ctx.sleep_until('2027-01-01')", "datetime.fromisoformat(text)"),
        ("ctx.sleep_until(date(2027, 1, 1))", "A date is a whole day"),
        ("ctx.sleep_until(None)", "given None. Test for None before"),
        ("ctx.wait_for('x', since=ctx.when.today().at('09:00'))", "Await it"),
        ("ctx.wait_for(5)", "ctx.wait_for takes the name of an event"),
        ("ctx.digest(days(1), 5)", "ctx.digest takes the name of an event"),
        ("ctx.send('welcome', props=['a'])", "props= takes a mapping"),
        ("ctx.sleep(__import__('absent').SPAN)", "_packages absent`"),
        ("ctx.send('welcome', props={'plan': user.plan})", '.properties["plan"]`'),
        ("ctx.send(ctx.event.proprties['x'])", "Did you mean `properties`?"),
        ("ctx.snooze(days(1))", "The context has no `snooze`. It has checkpoint"),
        ("ctx.step('a', lambda: user.emial, retries=0)", "Did you mean `email`?"),
        ("ctx.wait_for_any([])", "needs at least one event"),
        ("ctx.wait_for_any(name for name in ())", "needs at least one event"),
        ("ctx.history.count('used', since=datetime(2027, 1, 1))", "with a time zone"),
        ("ctx.history.events('used', limit=0)", "at least 1"),
        ("ctx.history.has_event(on('used'))", "named by text"),
        ("ctx.variant('x', {'a': 0})", "not all of them zero"),
        ("ctx.trigger('x', {'y': object()})", "cannot keep a object"),
    ],
)
async def test_an_invalid_call_fails_at_its_line(sqlite_world: World, call: str, message: str):
    error = await run_failing(sqlite_world, f"await {call}")
    assert message in error
    assert f"await {call}" in error


async def test_a_long_error_keeps_its_end(sqlite_world: World):
    error = await run_failing(sqlite_world, "raise ValueError('x' * 5000 + 'the reason')")
    assert error.rstrip().endswith("the reason") and len(error) < 2500


async def test_an_error_of_a_call_cannot_be_swallowed(sqlite_world: World):
    body = (
        "try:\n    await ctx.send(str('nothing'))\nexcept Exception:\n    await ctx.send('welcome')"
    )
    assert "no template 'nothing'" in await run_failing(sqlite_world, body)


async def test_a_read_that_raises_fails_only_its_own_turn(world: World):
    """The author's own condition raises."""
    await world.define(
        """
        class Odd:
            def matches(self, properties, now):
                raise ZeroDivisionError("an odd condition")

        @journey("j", trigger="go")
        async def j(user, ctx):
            odd = Odd() if user.user_id == "bo" else prop("n") == 1
            await ctx.history.count("used", where=odd)
        """
    )
    for user in ("ada", "bo", "cy"):
        await world.submit("used", user_id=user)
    await asyncio.gather(*(world.submit("go", user_id=user) for user in ("ada", "bo", "cy")))
    await world.settle()
    assert sorted(await world.states()) == ["active", "completed", "completed"]
    failing = next(
        enrollment for enrollment in await world.all_enrollments() if enrollment.state == "active"
    )
    assert "an odd condition" in (failing.error or "")


@pytest.mark.parametrize(
    "call", ["ctx.random()", "ctx.send('welcome')", "ctx.wait_for('x', timeout=days(0))"]
)
async def test_a_journey_that_makes_too_many_calls_fails(sqlite_world: World, call: str):
    sqlite_world.set_turn_limits(TurnLimits(calls=50))
    assert "has made 50 ctx calls" in await run_failing(
        sqlite_world, f"while True:\n    await {call}"
    )


# -- closing ------------------------------------------------------------------------------------


async def test_a_pause_cannot_be_swallowed(sqlite_world: World):
    await sqlite_world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            try:
                await ctx.sleep(days(1))
            except Exception:
                await ctx.send("bye")
            await ctx.send("welcome")
        """
    )
    await sqlite_world.emit("go")
    assert await sqlite_world.mailbox() == []
    await sqlite_world.advance(days(1))
    assert await sqlite_world.mailbox() == ["welcome"]


@pytest.mark.parametrize(
    "ending",
    [
        "finally:\n                await ctx.send('bye')",
        "except:\n                await ctx.send('bye')",
    ],
)
async def test_calls_that_are_awaited_while_pausing_are_ignored(sqlite_world: World, ending: str):
    await sqlite_world.define(
        f"""
        @journey("j", trigger="go")
        async def j(user, ctx):
            try:
                await ctx.sleep(days(1))
            {ending}
        """
    )
    await sqlite_world.emit("go")
    assert (await sqlite_world.states(), await sqlite_world.mailbox()) == (["waiting"], [])


@pytest.mark.parametrize("wait", ["ctx.sleep(days(1))", "ctx.wait_for('x')"])
async def test_a_finally_block_that_raises_while_pausing_fails_the_turn(
    sqlite_world: World, wait: str
):
    body = f"try:\n    await {wait}\nfinally:\n    raise RuntimeError('while pausing')"
    assert "while pausing" in await run_failing(sqlite_world, body)


async def test_context_variables_are_not_shared_between_enrollments(sqlite_world: World):
    await sqlite_world.define(
        """
        from contextvars import ContextVar
        whose = ContextVar("whose", default=None)

        @journey("j", trigger="go")
        async def j(user, ctx):
            before = whose.get()
            whose.set(user.user_id)
            await ctx.history.count("go")
            await ctx.trigger("reported", {"before": before, "after": whose.get()})
        """
    )
    users = ["ada", "bo", "cy"]
    await asyncio.gather(*(sqlite_world.submit("go", user_id=user) for user in users))
    await sqlite_world.settle()
    reports = [event.properties for event in await sqlite_world.events("reported")]
    assert sorted(reports, key=str) == [{"before": None, "after": user} for user in users]


# -- time ---------------------------------------------------------------------------------------

BLOCKING_JOURNEY = """
    import os, time

    def deaf(path):
        while not os.path.exists(path):
            try:
                time.sleep(0.005)
            except BaseException:
                pass

    @journey("stuck", trigger="go", entry="unlimited")
    async def stuck(user, ctx):
        if user.user_id.startswith("bo"):
            {}
        await ctx.send("welcome")
"""
# Long enough for the other turns of a batch on a busy machine.
LIMIT = timedelta(milliseconds=400)


async def enroll(idle_world: World, *users: str) -> list[UUID]:
    """Enroll users in an installation without a worker; return the enrollments."""
    results = [
        await idle_world.submit("go", user_id=user, email=f"{user}@example.com") for user in users
    ]
    return [UUID(str(result.enrollments[0]["stateId"])) for result in results]


@pytest.mark.parametrize(
    "loop", ["while True: pass", "while True: time.monotonic()", "time.sleep(1.5)"]
)
async def test_an_endless_loop_fails_only_its_own_enrollment(idle_world: World, loop: str):
    await idle_world.define(BLOCKING_JOURNEY.format(loop))
    ada, bo, cy = await enroll(idle_world, "ada", "bo", "cy")
    committed: list[list[UUID]] = []
    await idle_world.turn_runner(LIMIT).run(
        [ada, bo, cy], lambda done: committed.append(sorted(done))
    )

    # The other turns are committed before the slow turn.
    assert committed == [[ada, cy], [bo]]
    (turn,) = await idle_world.turns(bo)
    assert turn.outcome == "retrying"
    assert "kept its thread" in (turn.error or "")
    assert [send.template for send in await idle_world.sends()] == ["welcome", "welcome"]
    assert await idle_world.counter_drift() == {}


async def test_a_batch_with_stuck_turns_begins_no_further_turns(idle_world: World):
    await idle_world.define(BLOCKING_JOURNEY.format("while True: pass"))
    entered = await enroll(idle_world, *(f"bo{n}" for n in range(40)))
    runner = idle_world.turn_runner(LIMIT)
    await runner.run(entered)
    played = [enrollment.id for enrollment in await idle_world.all_enrollments() if enrollment.turn]
    assert 3 <= len(played) <= 8
    # Enrollments that are still due stay as they are, and the next run parks them.
    await runner.run([entered_id for entered_id in entered if entered_id not in played])
    assert {
        enrollment.state for enrollment in await idle_world.all_enrollments() if not enrollment.turn
    } == {"parked"}


@pytest.fixture
def released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that ends the loops of `deaf`; created at the latest when the test is over."""
    monkeypatch.setattr("hogsend.turns.driver._GRACE_SECONDS", 0.03)
    path = tmp_path / "released"
    yield path
    path.touch()


async def test_a_turn_that_ignores_its_interruption_is_abandoned_for_good(
    idle_world: World, released: Path, monkeypatch: pytest.MonkeyPatch
):
    ended: asyncio.Queue[None] = asyncio.Queue()
    end = driver._TurnThread._end
    monkeypatch.setattr(
        driver._TurnThread, "_end", lambda thread: (end(thread), ended.put_nowait(None))
    )
    await idle_world.define(BLOCKING_JOURNEY.format(f"deaf({str(released)!r})"))
    (bo,) = await enroll(idle_world, "bo")
    await idle_world.turn_runner(LIMIT).run([bo])
    (turn,) = await idle_world.turns(bo)
    assert "kept its thread" in (turn.error or "")
    assert "in deaf" in (turn.error or "")
    assert ended.empty()

    await asyncio.to_thread(released.touch)
    await ended.get()
    assert await idle_world.sends() == []
    assert await idle_world.turns(bo) == [turn]


async def test_threads_are_reused_and_end_with_their_runner(idle_world: World):
    def threads() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name == "journeys"}

    await idle_world.define(BLOCKING_JOURNEY.format("pass"))
    before, runner = threads(), idle_world.turn_runner(LIMIT)
    for number in range(5):
        await runner.run(await enroll(idle_world, f"u{number}"))
    (ours,) = threads() - before
    del runner
    gc.collect()
    await asyncio.to_thread(ours.join, PATIENCE)
    assert not ours.is_alive()


async def test_a_journey_that_blocks_three_times_is_stopped_until_its_code_changes(
    idle_world: World, released: Path, caplog: pytest.LogCaptureFixture
):
    await idle_world.define(BLOCKING_JOURNEY.format(f"deaf({str(released)!r})"))
    stuck = await enroll(idle_world, "bo1", "bo2", "bo3")
    runner = idle_world.turn_runner(LIMIT)
    await runner.run(stuck)
    assert "stuck has blocked its thread 3 times" in caplog.text
    (ada,) = await enroll(idle_world, "ada")
    await runner.run([ada])
    assert await idle_world.states() == ["active", "active", "active", "parked"]
    assert await idle_world.counter_drift() == {}

    await idle_world.define(BLOCKING_JOURNEY.format("pass"))
    assert await idle_world.states() == ["active"] * 4
    runner.code = idle_world.turn_runner(LIMIT).code
    await idle_world.advance(SCHEDULE[0])
    await runner.run([ada, *stuck])
    assert await idle_world.states() == ["completed"] * 4


async def test_a_worker_parks_contacts_of_a_blocking_journey_until_it_is_edited(
    world: World, caplog: pytest.LogCaptureFixture
):
    assert world.runtime.worker is not None
    world.runtime.worker.turn_runner._driver = Driver(LIMIT)
    await world.define(BLOCKING_JOURNEY.format("while True: pass"))
    for user in ("bo1", "bo2", "bo3"):
        await world.emit("go", user)
    assert await world.states() == ["active"] * 3
    await world.emit("go", "ada")
    await world.emit("go", "cy")
    assert await world.states() == ["active"] * 3 + ["parked"] * 2
    await world.advance(SCHEDULE[0])
    assert await world.states() == ["parked"] * 5
    assert caplog.text.count("stuck has blocked its thread 3 times and is stopped") == 1
    assert await world.mailbox() == []

    # An edit of another file does not release the journey.
    await world.define(RAISING_JOURNEY, name="others")
    await world.advance(SCHEDULE[0])
    assert await world.states() == ["parked"] * 5

    await world.define(BLOCKING_JOURNEY.format("pass"))
    await world.settle()
    assert await world.states() == ["completed"] * 5
    assert sorted(await world.mailbox()) == ["welcome"] * 5
    assert await world.counter_drift() == {}


async def test_a_slow_turn_within_its_time_limit_is_committed(world: World):
    await world.define(
        BLOCKING_JOURNEY.format("time.sleep(0.3)\n            await ctx.history.count('go')")
    )
    users = ("ada", "bo1", "bo2", "cy")
    await asyncio.gather(
        *(world.submit("go", user_id=user, email=f"{user}@example.com") for user in users)
    )
    await world.settle()
    assert await world.mailbox() == ["welcome"] * 4
    assert set(await world.states()) == {"completed"}


async def test_a_turn_that_is_retried_later_does_not_run_now(idle_world: World):
    await idle_world.define(RAISING_JOURNEY)
    (entered,) = await enroll(idle_world, "ada")
    runner = idle_world.turn_runner(hours(1))
    for _ in range(3):
        await runner.run([entered])
    assert (await idle_world.enrollment()).attempt == 1
