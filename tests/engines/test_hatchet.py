"""The engine on Hatchet: the real SDK, its worker's thread and its listener, on a double.

What every engine promises is tried on a real Hatchet too when there is a `HATCHET_CLIENT_TOKEN`.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from hogsend.clock import SystemClock
from hogsend.engines import embedded
from hogsend.engines.hatchet import engine as engine_module
from hogsend.engines.hatchet import host as host_module
from hogsend.engines.hatchet import outbox as outbox_module
from hogsend.engines.hatchet import reconciler as reconciler_module
from hogsend.engines.hatchet import sweeper as sweeper_module
from hogsend.engines.hatchet.client import WAKE, Client
from hogsend.engines.hatchet.engine import HatchetEngine, HatchetEventHandler
from hogsend.engines.hatchet.tasks import CronTask
from hogsend.engines.port import Wake
from hogsend.errors import HatchetUnavailable
from hogsend.store.db import Database, Query, Write
from hogsend.store.hatchet_runs import find_run as run_shown
from tests.databases import opened
from tests.doubles.hatchet import TENANT, HatchetDouble, hatchet_double
from tests.engines.contract import EngineContract, Stage
from tests.patience import PATIENCE

# The SDK leaves sockets and threads of a worker to the garbage collector.
pytestmark = [
    # Its own parts use what it deprecates, and here a warning would be an error.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
TOKEN = "HATCHET_CLIENT_TOKEN"
RUNS_LIST = f"/api/v1/stable/tenants/{TENANT}/workflow-runs"
on_both = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors are got over at once, and Hatchet is looked for often."""
    monkeypatch.setattr(embedded, "_ERROR_RETRY_DELAY", 0.0)
    monkeypatch.setattr(host_module, "FIRST_PAUSE", 0.2)
    monkeypatch.setattr(engine_module, "PING_INTERVAL", 0.2)
    monkeypatch.setattr(outbox_module, "POLL_INTERVAL", 0.2)
    monkeypatch.setattr(sweeper_module, "SWEEP_INTERVAL", 0.5)
    monkeypatch.setattr(reconciler_module, "RECONCILE_INTERVAL", 0.2)
    monkeypatch.setattr(outbox_module, "OUTAGE_PAUSE", 0.2)


@pytest.fixture
async def database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """An open database: a SQLite file, unless a test is told to try both kinds."""
    async with opened(
        request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url")
    ) as database:
        yield database


@pytest.fixture
async def double(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HatchetDouble]:
    """Hatchet's double, whose token this process has."""
    async with hatchet_double() as opened:
        for name in [one for one in os.environ if one.startswith("HATCHET_CLIENT_")]:
            monkeypatch.delenv(name)
        for name, value in opened.environment.items():
            monkeypatch.setenv(name, value)
        yield opened


@pytest.fixture(params=["double", "real"])
def hatchet(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Hatchet that this process has the token of, and in which nobody knows our journeys yet."""
    if request.param == "double":
        request.getfixturevalue("double")
    elif TOKEN not in os.environ:
        pytest.skip(f"no real engine: {TOKEN} is not set")
    else:
        monkeypatch.setenv("HATCHET_CLIENT_NAMESPACE", f"t{uuid4().hex[:12]}")


@pytest.fixture
def stage(database: Database) -> Stage:
    """People in one journey, by the machine's own clock: Hatchet knows no other."""
    return Stage(database, SystemClock(), one_journey=True)  # type: ignore[arg-type]


class Taken:
    """What a test sees of the engine's doors: events, cancelled people, chores."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, Mapping[str, Any]]] = []
        self.cancelled: list[UUID] = []
        self.chores = 0

    async def take(self, event_id: str, name: str, given: Mapping[str, Any]) -> dict[str, str]:
        self.events.append((event_id, name, given))
        return {"stored": "true"}

    async def cancel(self, enrollment_id: UUID) -> None:
        self.cancelled.append(enrollment_id)

    async def chore(self) -> dict[str, int]:
        self.chores += 1
        return {"done": self.chores}


def make(
    stage: Stage, taken: Taken | None = None, *, events: list[str] | None = None
) -> HatchetEngine:
    taken = taken or Taken()
    return HatchetEngine(
        stage.database,
        stage.clock,
        stage.play,  # type: ignore[arg-type]
        journey_ids=["j0"],
        exit_cancelled=taken.cancel,
        event_handler=HatchetEventHandler(events or [], taken.take),
        cron_tasks={"tidy": CronTask(taken.chore)},
    )


@asynccontextmanager
async def at_work(engine: HatchetEngine) -> AsyncGenerator[HatchetEngine]:
    """Let an engine work, and close it at the end; it leaves no thread that would keep us."""
    working = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        await engine.close()
        await working
    await until(lambda: "hatchet worker" not in [one.name for one in threading.enumerate()])


async def until(asked: Callable[[], Awaitable[bool] | bool]) -> None:
    """Wait until something is so that nobody tells of."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = asked()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.05)


async def run_of(stage: Stage, enrollment_id: UUID) -> str:
    """Return the Hatchet run that plays an enrollment; empty while there is none."""
    sql = "SELECT run_id FROM hatchet_runs WHERE enrollment_id = ?"
    rows = await stage.database.read_one(Query(sql, [enrollment_id], list))
    return rows[0][0] if rows else ""


async def wait_for(stage: Stage, enrollment_id: UUID, seconds: float, **columns: object) -> None:
    """Let an enrollment wake after a time, as a turn's commit or an event would."""
    at = int((stage.clock.now() + timedelta(seconds=seconds)).timestamp() * 1_000_000)
    values = {"wake_at": at, "state": "waiting", **columns}
    named = ", ".join(f"{name} = ?" for name in values)
    sql = f"UPDATE enrollments SET {named} WHERE id = ?"  # noqa: S608
    async with stage.database.transaction() as tx:
        await tx.apply([Write(sql, [(*values.values(), enrollment_id)])])


class Sleeper(Stage):
    """A stage whose people sleep on after their first turn, instead of resting for ever."""

    sleep = 3600.0

    async def rest(self, ids: Any) -> None:
        for one in ids:
            await wait_for(self, one, self.sleep, turn=self.played[one] + 1)


@pytest.fixture
def sleeper(database: Database) -> Sleeper:
    """People who sleep for an hour after each turn."""
    return Sleeper(database, SystemClock(), one_journey=True)  # type: ignore[arg-type]


@pytest.mark.usefixtures("hatchet")
class TestHatchetEngine(EngineContract):
    many, others = 60, 40

    def make(self, stage: Stage) -> HatchetEngine:
        return make(stage)

    async def test_an_enrollment_that_has_stopped_is_not_played(self, stage: Stage):
        """All of them at once: each start of a worker takes seconds."""
        for state in ("parked", "drifted", "exited", "completed", "failed"):
            await stage.enroll(state=state)
        (due,) = await stage.enroll()
        async with self.at_work(stage):
            await stage.until(lambda: due in stage.played)
        assert stage.played == Counter([due])


async def test_a_sleep_is_over_by_its_time_and_the_run_goes_on(
    double: HatchetDouble, sleeper: Sleeper
):
    sleeper.sleep = 1.0
    (one,) = await sleeper.enroll()
    async with at_work(make(sleeper)):
        await sleeper.until(lambda: sleeper.played[one] == 3)
    assert len(double.runs) == 1


async def test_an_event_wakes_a_sleeping_enrollment_and_counts_once(
    double: HatchetDouble, sleeper: Sleeper
):
    (one,) = await sleeper.enroll()
    async with at_work(make(sleeper)) as engine:
        await sleeper.until(lambda: sleeper.played[one] == 1)
        run = await run_of(sleeper, one)
        await until(lambda: double.runs[run].status == "RUNNING")
        await wait_for(sleeper, one, 0, wait_result='{"id": "x"}')
        await engine.schedule([Wake(one, sleeper.clock.now())])
        await sleeper.until(lambda: sleeper.played[one] == 2)
        # The same event is behind it: the run sleeps, and does not go round and round.
        asked = len(await waits(sleeper))
        await asyncio.sleep(1.0)
        assert len(await waits(sleeper)) <= asked + 1
    assert sleeper.played[one] == 2


async def waits(stage: Stage) -> list[Any]:
    return await stage.database.read_one(Query("SELECT number FROM hatchet_waits", [], list))


async def test_a_wake_that_nothing_comes_of_ends_one_wait_and_no_more(
    double: HatchetDouble, stage: Stage
):
    one, other = await stage.enroll(2)
    async with at_work(make(stage)) as engine:
        # The played enrollments rest, at the same turn as before.
        await stage.until(lambda: one in stage.played and other in stage.played)
        await until(lambda: is_named(stage, one))
        run = await run_of(stage, one)
        await forget_wakes(stage)
        await wait_for(stage, one, 0)
        engine.poll()
        await stage.until(lambda: stage.played[one] == 2)
        for _ in range(5):
            many = len(stage.played)
            await stage.enroll()
            engine.poll()
            await stage.until(lambda many=many: len(stage.played) > many)
        assert len(await engine.load_recorded_waits(run)) <= 4


async def forget_wakes(stage: Stage) -> None:
    """Let runs be woken for the same turn again, even if the first turn was late."""
    async with stage.database.transaction() as tx:
        await tx.apply([Write("UPDATE hatchet_runs SET pushed = 0")])


async def test_a_run_can_be_found_by_its_enrollment(double: HatchetDouble, sleeper: Sleeper):
    (one,) = await sleeper.enroll()
    async with at_work(make(sleeper)):
        await sleeper.until(lambda: sleeper.played[one] == 1)
    (run,) = double.runs.values()
    assert run.workflow.name.endswith("journey-j0")
    assert run.metadata["enrollment"] == str(one)
    assert run.metadata["contact"] == str(sleeper.owner[one])
    assert {"enrollment", "contact", "event"} <= set(run.metadata)


async def test_an_exit_cancels_the_run_by_its_id(double: HatchetDouble, sleeper: Sleeper):
    (one,) = await sleeper.enroll()
    async with at_work(make(sleeper)) as engine:
        await until(lambda: is_named(sleeper, one))
        run = await run_of(sleeper, one)
        now = int(sleeper.clock.now().timestamp() * 1_000_000)
        await wait_for(sleeper, one, 0, state="exited", ended_at=now)
        await engine.cancel([one])
        await until(lambda: double.runs[run].status == "CANCELLED")
        await until(lambda: is_forgotten(sleeper, one))


async def is_named(stage: Stage, one: UUID) -> bool:
    return bool(await run_of(stage, one)) and stage.played[one] > 0


async def is_forgotten(stage: Stage, one: UUID) -> bool:
    return not await run_of(stage, one)


async def test_a_cancel_in_hatchet_ends_the_enrollment_and_nothing_else_does(
    double: HatchetDouble, sleeper: Sleeper
):
    taken = Taken()
    cancelled, kept = await sleeper.enroll(2)
    async with at_work(make(sleeper, taken)):
        await until(lambda: is_named(sleeper, cancelled))
        await until(lambda: is_named(sleeper, kept))
        double.cancel(await run_of(sleeper, cancelled))
        assert double.runs[await run_of(sleeper, kept)].status == "RUNNING"
        await until(lambda: bool(taken.cancelled))
    assert set(taken.cancelled) == {cancelled}


async def test_closing_the_engine_is_no_cancel(double: HatchetDouble, sleeper: Sleeper):
    taken = Taken()
    (one,) = await sleeper.enroll()
    async with at_work(make(sleeper, taken)):
        await until(lambda: is_named(sleeper, one))
    before = double.calls[RUNS_LIST]
    async with at_work(make(sleeper, taken)):
        await until(lambda: double.calls[RUNS_LIST] > before + 2)
    assert taken.cancelled == []


async def test_a_sleeping_enrollment_wakes_on_another_worker(
    double: HatchetDouble, sleeper: Sleeper
):
    (one,) = await sleeper.enroll()
    async with at_work(make(sleeper)):
        await until(lambda: is_named(sleeper, one))
    await wait_for(sleeper, one, 0, wait_result='{"id": "x"}')
    async with at_work(make(sleeper)):
        await sleeper.until(lambda: sleeper.played[one] == 2)


@on_both
async def test_a_lost_push_is_healed_by_the_sweeper(
    double: HatchetDouble, sleeper: Sleeper, monkeypatch: pytest.MonkeyPatch
):
    # The test sweeps: a sweep before the push would start another run, and no push would be lost.
    monkeypatch.setattr(sweeper_module, "SWEEP_INTERVAL", 3600.0)
    (one,) = await sleeper.enroll()
    async with at_work(make(sleeper)) as engine:
        await until(lambda: is_named(sleeper, one))
        before = await run_of(sleeper, one)
        double.lose_next_pushes(1)
        await wait_for(sleeper, one, -70, wait_result='{"id": "x"}')
        engine.poll()
        await until(lambda: bool(double.lost))
        await long_ago(sleeper)
        # The turn before the lost push may count as progress in the first sweep.
        await until(lambda: sweep_heals(engine, sleeper, one))
        assert await run_of(sleeper, one) != before
        await until(lambda: double.runs[before].status == "CANCELLED")


async def sweep_heals(engine: HatchetEngine, stage: Stage, enrollment_id: UUID) -> bool:
    """Sweep once; return whether the enrollment has had its second turn."""
    await engine._sweeper.sweep()
    return stage.played[enrollment_id] == 2


async def long_ago(stage: Stage) -> None:
    """Let the runs have been started long ago."""
    async with stage.database.transaction() as tx:
        await tx.apply([Write("UPDATE hatchet_runs SET again_at = 0")])


async def test_the_sweeper_ignores_enrollments_that_make_progress(
    double: HatchetDouble, sleeper: Sleeper, monkeypatch: pytest.MonkeyPatch
):
    # The test sweeps, so that there is a turn between any two sweeps.
    monkeypatch.setattr(sweeper_module, "SWEEP_INTERVAL", 3600.0)
    one, busy = await sleeper.enroll(2)
    async with at_work(make(sleeper)) as engine:
        await until(lambda: is_named(sleeper, one))
        await until(lambda: is_named(sleeper, busy))
        double.lose_next_pushes(1)
        sleeper.sleep = 1.0
        await wait_for(sleeper, one, -70, wait_result='{"id": "x"}')
        engine.poll()
        await until(lambda: bool(double.lost))
        await wait_for(sleeper, busy, 0, wait_result='{"id": "x"}')
        engine.poll()
        await long_ago(sleeper)
        for _ in range(3):
            # The engine counts a turn after the test has noted it: one of these two is counted.
            turns = sleeper.played[busy] + 2
            await sleeper.until(lambda turns=turns: sleeper.played[busy] >= turns)
            await engine._sweeper.sweep()
        assert sleeper.played[one] == 1
        assert len(double.runs) == 2
        sleeper.sleep = 3600.0
        await until(lambda: sweep_heals(engine, sleeper, one))


async def test_hatchet_away_at_the_start_is_waited_for(double: HatchetDouble, stage: Stage):
    await double.stop()
    (due,) = await stage.enroll()
    async with at_work(make(stage)) as engine:
        await until(lambda: engine.outage is not None and "yet" not in engine.outage.message)
        assert not stage.played
        await double.start()
        await stage.until(lambda: due in stage.played)
        await until(lambda: engine.outage is None)
    assert stage.played[due] == 1


async def test_an_outage_of_hatchet_loses_no_enrollment(double: HatchetDouble, sleeper: Sleeper):
    (one,) = await sleeper.enroll()
    async with at_work(make(sleeper)) as engine:
        await until(lambda: is_named(sleeper, one))
        await double.stop()
        await until(lambda: engine.outage is not None)
        (meanwhile,) = await sleeper.enroll()
        await wait_for(sleeper, one, 0, wait_result='{"id": "x"}')
        engine.poll()
        await double.start()
        await sleeper.until(lambda: meanwhile in sleeper.played and sleeper.played[one] == 2)
        await until(lambda: engine.outage is None)


async def test_the_sweepers_tries_are_for_when_hatchet_is_there(
    double: HatchetDouble, sleeper: Sleeper
):
    (one,) = await sleeper.enroll()
    async with at_work(make(sleeper)) as engine:
        await until(lambda: is_named(sleeper, one))
        await double.stop()
        await until(lambda: engine.outage is not None)
        await wait_for(sleeper, one, -70)
        await long_ago(sleeper)
        for _ in range(3):
            await engine._sweeper.sweep()
        shown = await sleeper.database.read_one(run_shown(one))
        assert shown is not None and shown.tried == 0
        await double.start()
        await sleeper.until(lambda: sleeper.played[one] == 2)


@on_both
async def test_runs_are_started_again_after_hatchet_lost_its_data(
    double: HatchetDouble, sleeper: Sleeper
):
    (one,) = await sleeper.enroll()
    async with at_work(make(sleeper)):
        await until(lambda: is_named(sleeper, one))
    double.forget()
    await wait_for(sleeper, one, -70)
    await long_ago(sleeper)
    async with at_work(make(sleeper)):
        await sleeper.until(lambda: sleeper.played[one] == 2)


async def test_a_listener_that_is_killed_is_replaced(double: HatchetDouble, stage: Stage):
    async with at_work(make(stage)) as engine:
        (first,) = await stage.enroll()
        engine.poll()
        await stage.until(lambda: first in stage.played)
        assert engine._host is not None
        assert engine._host._worker is not None
        engine._host._worker.kill_listener()
        (second,) = await stage.enroll()
        engine.poll()
        await until(lambda: second in stage.played)
    assert stage.played[second] == 1


async def test_events_of_others_come_in_with_their_id(double: HatchetDouble, stage: Stage):
    taken = Taken()
    async with at_work(make(stage, taken, events=["order:*", "hogsend:*"])) as engine:
        await until(lambda: engine.outage is None and bool(double.workers))
        await until(lambda: any("take-events" in name for name in double.workflows))
        double.push("other:thing", {"userId": "ada"})
        # What wakes our own runs is nobody's event.
        double.push(WAKE, {"turn": 1})
        double.push("order:paid", {"userId": "ada", "total": 3})
        await until(lambda: bool(taken.events))
    ((event_id, name, given),) = taken.events
    assert UUID(event_id)
    assert (name, given) == ("order:paid", {"userId": "ada", "total": 3})


async def test_a_secret_that_was_pasted_for_the_token_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv(TOKEN, "hunter2-and-more")
    with pytest.raises(HatchetUnavailable) as refused:
        await Client.connect()
    assert "HATCHET_CLIENT_TOKEN" in refused.value.message
    assert "hunte" not in refused.value.message


async def test_chores_run_as_tasks_of_hatchet(double: HatchetDouble, stage: Stage):
    taken = Taken()
    async with at_work(make(stage, taken)) as engine:
        engine.start_task("tidy")
        await until(lambda: taken.chores == 1)
    assert any(run.workflow.name.endswith("tidy") for run in double.runs.values())
