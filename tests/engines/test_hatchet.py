"""The Hatchet engine with the real SDK, its worker thread and its listener, against a double.

With `HATCHET_CLIENT_TOKEN`, the promises of every engine are tested against a real Hatchet too.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from hogsend.clock import SystemClock
from hogsend.domain.event import EventMatch
from hogsend.domain.journey import Entry, Journey
from hogsend.engines import embedded
from hogsend.engines.hatchet import engine as engine_module
from hogsend.engines.hatchet import host as host_module
from hogsend.engines.hatchet import outbox as outbox_module
from hogsend.engines.hatchet import reconciler as reconciler_module
from hogsend.engines.hatchet import restorer as restorer_module
from hogsend.engines.hatchet import sweeper as sweeper_module
from hogsend.engines.hatchet import tasks as tasks_module
from hogsend.engines.hatchet.client import WAKE, Client
from hogsend.engines.hatchet.engine import HatchetEngine
from hogsend.engines.port import Wake
from hogsend.errors import HatchetUnavailable, StoreUnavailable
from hogsend.ingest.operator_action import OperatorAction, run_operator_action
from hogsend.ingest.rules import IngestRules
from hogsend.store.counters import Tally
from hogsend.store.db import Database, Write
from hogsend.store.hatchet_runs import find_run as query_run
from tests.databases import opened
from tests.doubles.hatchet import TENANT, HatchetDouble, hatchet_double
from tests.engines.contract import EngineContract, TurnHarness
from tests.engines.hatchet_harness import (
    RecordingHandlers,
    SleepingHarness,
    backdate_runs,
    cancel_runs,
    create_engine,
    find_run_id,
    forget_pushes,
    has_no_run,
    has_run,
    is_waiting_in_run,
    load_waits,
    poll_until,
    running_engine,
    set_wake,
    sweep_runs_second_turn,
)

# The SDK leaves sockets and threads of a worker to the garbage collector.
pytestmark = [
    # The SDK uses its own deprecated functions, and warnings are errors in tests.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
TOKEN = "HATCHET_CLIENT_TOKEN"
RUNS_LIST = f"/api/v1/stable/tenants/{TENANT}/workflow-runs"
on_both = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)


@pytest.fixture(autouse=True)
def without_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry after errors without a delay, and poll Hatchet frequently."""
    monkeypatch.setattr(embedded, "_ERROR_RETRY_DELAY", 0.0)
    monkeypatch.setattr(host_module, "FIRST_PAUSE", 0.2)
    monkeypatch.setattr(engine_module, "PING_INTERVAL", 0.2)
    monkeypatch.setattr(outbox_module, "POLL_INTERVAL", 0.2)
    monkeypatch.setattr(sweeper_module, "SWEEP_INTERVAL", 0.5)
    monkeypatch.setattr(reconciler_module, "RECONCILE_INTERVAL", 0.2)
    monkeypatch.setattr(outbox_module, "OUTAGE_PAUSE", 0.2)


@pytest.fixture
async def database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """An open database: a SQLite file, unless the test is parametrized for both databases."""
    async with opened(
        request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url")
    ) as database:
        yield database


@pytest.fixture
async def double(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HatchetDouble]:
    """A running double of Hatchet, with its token in this process's environment."""
    async with hatchet_double() as opened:
        for name in [name for name in os.environ if name.startswith("HATCHET_CLIENT_")]:
            monkeypatch.delenv(name)
        for name, value in opened.environment.items():
            monkeypatch.setenv(name, value)
        yield opened


@pytest.fixture(params=["double", "real"])
def hatchet(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Hatchet whose token this process has, and that does not know our journeys yet."""
    if request.param == "double":
        request.getfixturevalue("double")
    elif TOKEN not in os.environ:
        pytest.skip(f"no real engine: {TOKEN} is not set")
    else:
        monkeypatch.setenv("HATCHET_CLIENT_NAMESPACE", f"t{uuid4().hex[:12]}")


@pytest.fixture
def harness(database: Database) -> TurnHarness:
    """Enrollments in one journey, with the machine's clock, which Hatchet uses as well."""
    return TurnHarness(database, SystemClock(), uses_one_journey=True)  # type: ignore[arg-type]


@pytest.fixture
def sleeping(database: Database) -> SleepingHarness:
    """Enrollments that sleep for an hour after each turn."""
    return SleepingHarness(database, SystemClock(), uses_one_journey=True)  # type: ignore[arg-type]


@pytest.mark.usefixtures("hatchet")
class TestHatchetEngine(EngineContract):
    many, others = 60, 40

    def create_engine(self, harness: TurnHarness) -> HatchetEngine:
        return create_engine(harness)

    @asynccontextmanager
    async def running_engine(self, harness: TurnHarness) -> AsyncGenerator[HatchetEngine]:
        async with running_engine(self.create_engine(harness)) as engine:
            try:
                yield engine
            finally:
                await cancel_runs(engine, harness)

    async def test_an_enrollment_that_has_stopped_does_not_run(self, harness: TurnHarness):
        """All states in one test, because each start of a worker takes seconds."""
        for state in ("parked", "drifted", "exited", "completed", "failed"):
            await harness.enroll(state=state)
        (due,) = await harness.enroll()
        async with self.running_engine(harness):
            await harness.wait_until(lambda: due in harness.turn_counts)
        assert harness.turn_counts == Counter([due])


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real Hatchet, without the sweeper."""
    if TOKEN not in os.environ:
        pytest.skip(f"no real engine: {TOKEN} is not set")
    monkeypatch.setenv("HATCHET_CLIENT_NAMESPACE", f"t{uuid4().hex[:12]}")
    monkeypatch.setattr(sweeper_module, "SWEEP_INTERVAL", 3600.0)


@pytest.mark.usefixtures("real")
async def test_events_at_each_instant_around_the_eviction_are_answered_in_time(
    sleeping: SleepingHarness,
):
    people = await sleeping.enroll(100)
    async with running_engine(create_engine(sleeping)) as engine:
        try:
            await sleeping.wait_until(lambda: sleeping.turn_counts.keys() >= {*people})
            loop = asyncio.get_running_loop()
            begun = loop.time()
            for number, enrollment_id in enumerate(people):
                # From 4.5 to 6.5 seconds into the wait.
                instant = begun + 4.5 + 2.0 * number / len(people)
                await asyncio.sleep(max(0.0, instant - loop.time()))
                await set_wake(sleeping, enrollment_id, 0, wait_result='{"id": "x"}')
                engine.poll()
            async with asyncio.timeout(30):
                await sleeping.wait_until(
                    lambda: all(sleeping.turn_counts[person] == 2 for person in people)
                )
        finally:
            await cancel_runs(engine, sleeping)


@pytest.mark.usefixtures("real")
async def test_a_killed_worker_delays_nobody_by_more_than_a_minute_while_others_enter(
    sleeping: SleepingHarness,
):
    people = await sleeping.enroll(50)
    async with running_engine(create_engine(sleeping)) as engine:

        async def enter() -> None:
            while True:
                await sleeping.enroll()
                engine.poll()
                await asyncio.sleep(0.5)

        entering = asyncio.create_task(enter())
        try:
            await sleeping.wait_until(lambda: sleeping.turn_counts.keys() >= {*people})
            assert engine._host is not None
            assert engine._host._worker is not None
            engine._host._worker.kill_listener()
            # Hatchet hands the runs over after 30 s, and evicts those that go on to wait.
            await asyncio.sleep(50)
            for person in people:
                await set_wake(sleeping, person, 0, wait_result='{"id": "x"}')
            engine.poll()
            async with asyncio.timeout(60):
                await sleeping.wait_until(
                    lambda: all(sleeping.turn_counts[person] == 2 for person in people)
                )
        finally:
            entering.cancel()
            await cancel_runs(engine, sleeping)


async def test_a_run_goes_on_when_its_sleep_ends(double: HatchetDouble, sleeping: SleepingHarness):
    sleeping.sleep = 1.0
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping)):
        await sleeping.wait_until(lambda: sleeping.turn_counts[enrollment_id] == 3)
    assert len(double.runs) == 1


async def test_an_event_wakes_a_sleeping_enrollment_and_counts_once(
    double: HatchetDouble, sleeping: SleepingHarness
):
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping)) as engine:
        await sleeping.wait_until(lambda: sleeping.turn_counts[enrollment_id] == 1)
        run = await find_run_id(sleeping, enrollment_id)
        await poll_until(lambda: double.runs[run].status == "RUNNING")
        await set_wake(sleeping, enrollment_id, 0, wait_result='{"id": "x"}')
        await engine.schedule([Wake(enrollment_id, sleeping.clock.now())])
        await sleeping.wait_until(lambda: sleeping.turn_counts[enrollment_id] == 2)
        # The same event must not wake the run again and again.
        wait_count = len(await load_waits(sleeping))
        await asyncio.sleep(1.0)
        assert len(await load_waits(sleeping)) <= wait_count + 1
    assert sleeping.turn_counts[enrollment_id] == 2


async def test_a_wait_that_moves_closer_wakes_the_sleeping_run_at_its_new_end(
    double: HatchetDouble, sleeping: SleepingHarness
):
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping)) as engine:
        await poll_until(lambda: is_waiting_in_run(sleeping, enrollment_id))
        # As when the property that the wait follows has changed: no event ends the wait.
        await set_wake(sleeping, enrollment_id, 1)
        await engine.schedule([Wake(enrollment_id, sleeping.clock.now() + timedelta(seconds=1))])
        await sleeping.wait_until(lambda: sleeping.turn_counts[enrollment_id] == 2)
    assert len(double.runs) == 1


async def test_a_wait_that_moves_away_does_not_end_when_the_run_wakes(
    double: HatchetDouble, sleeping: SleepingHarness
):
    sleeping.sleep = 2.0
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping)):
        await poll_until(lambda: is_waiting_in_run(sleeping, enrollment_id))
        await set_wake(sleeping, enrollment_id, 3600)

        async def has_asked_again() -> bool:
            return len(await load_waits(sleeping)) == 2

        await poll_until(has_asked_again)
    assert sleeping.turn_counts[enrollment_id] == 1
    assert len(double.runs) == 1


async def test_a_wake_without_a_turn_ends_only_one_wait(
    double: HatchetDouble, harness: TurnHarness
):
    first, second = await harness.enroll(2)
    async with running_engine(create_engine(harness)) as engine:
        # The enrollments are not due any more, at the same turn number as before.
        await harness.wait_until(
            lambda: first in harness.turn_counts and second in harness.turn_counts
        )
        await poll_until(lambda: has_run(harness, first))
        run = await find_run_id(harness, first)
        await forget_pushes(harness)
        await set_wake(harness, first, 0)
        engine.poll()
        await harness.wait_until(lambda: harness.turn_counts[first] == 2)
        for _ in range(5):
            turns = len(harness.turn_counts)
            await harness.enroll()
            engine.poll()
            await harness.wait_until(lambda turns=turns: len(harness.turn_counts) > turns)
        assert len(await engine.load_recorded_waits(run)) <= 4


async def test_a_run_can_be_found_by_its_enrollment(
    double: HatchetDouble, sleeping: SleepingHarness
):
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping)):
        await sleeping.wait_until(lambda: sleeping.turn_counts[enrollment_id] == 1)
    (run,) = double.runs.values()
    assert run.workflow.name.endswith("journey-j0")
    assert run.metadata["enrollment"] == str(enrollment_id)
    assert run.metadata["contact"] == str(sleeping.contact_ids[enrollment_id])
    assert {"enrollment", "contact", "event"} <= set(run.metadata)


@pytest.mark.parametrize("state", ["waiting", "failed"])
async def test_a_bulk_retry_runs_the_turns_of_all_now(
    double: HatchetDouble, sleeping: SleepingHarness, state: str
):
    people = await sleeping.enroll(12)
    journey = Journey("j0", "j0", "", EventMatch("go"), Entry("unlimited"))
    rules, now = IngestRules(journeys={"j0": journey}), sleeping.clock.now()
    async with running_engine(create_engine(sleeping)) as engine:
        for person in people:
            await poll_until(lambda person=person: is_waiting_in_run(sleeping, person))
            # The turn has failed: it is retried in two hours, or never.
            ended_at = int(now.timestamp() * 1_000_000) - 40_000_000
            failed = {"wake_at": None, "ended_at": ended_at} if state == "failed" else {}
            await set_wake(sleeping, person, 7200, **{"attempt": 5, "state": state, **failed})
        if state == "failed":
            engine.poll()
            for person in people:
                await poll_until(lambda person=person: has_no_run(sleeping, person))
        async with sleeping.database.transaction() as tx:
            result = await run_operator_action(
                tx,
                OperatorAction("retry", "olga"),
                people,
                rules=rules,
                tally=Tally(now),
                now=sleeping.clock.now(),
            )
        assert not result.errors
        await engine.schedule([Wake(person, at) for person, at in result.batch.wakes.items()])
        await sleeping.wait_until(
            lambda: all(sleeping.turn_counts[person] == 2 for person in people)
        )


async def test_an_exit_cancels_the_run_by_its_id(double: HatchetDouble, sleeping: SleepingHarness):
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping)) as engine:
        await poll_until(lambda: is_waiting_in_run(sleeping, enrollment_id))
        run = await find_run_id(sleeping, enrollment_id)
        now = int(sleeping.clock.now().timestamp() * 1_000_000)
        await set_wake(sleeping, enrollment_id, 0, state="exited", ended_at=now)
        await engine.cancel([enrollment_id])
        await poll_until(lambda: double.runs[run].status == "CANCELLED")
        await poll_until(lambda: has_no_run(sleeping, enrollment_id))


async def test_only_a_cancellation_in_hatchet_exits_the_enrollment(
    double: HatchetDouble, sleeping: SleepingHarness
):
    handlers = RecordingHandlers()
    cancelled, other = await sleeping.enroll(2)
    async with running_engine(create_engine(sleeping, handlers)):
        await poll_until(lambda: is_waiting_in_run(sleeping, cancelled))
        await poll_until(lambda: is_waiting_in_run(sleeping, other))
        double.cancel(await find_run_id(sleeping, cancelled))
        assert double.runs[await find_run_id(sleeping, other)].status == "RUNNING"
        await poll_until(lambda: bool(handlers.cancelled))
    assert set(handlers.cancelled) == {cancelled}


async def test_closing_the_engine_cancels_no_run(double: HatchetDouble, sleeping: SleepingHarness):
    handlers = RecordingHandlers()
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping, handlers)):
        await poll_until(lambda: is_waiting_in_run(sleeping, enrollment_id))
    calls_before = double.calls[RUNS_LIST]
    async with running_engine(create_engine(sleeping, handlers)):
        await poll_until(lambda: double.calls[RUNS_LIST] > calls_before + 2)
    assert handlers.cancelled == []


async def test_a_sleeping_enrollment_wakes_on_another_worker(
    double: HatchetDouble, sleeping: SleepingHarness
):
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping)):
        await poll_until(lambda: is_waiting_in_run(sleeping, enrollment_id))
    await set_wake(sleeping, enrollment_id, 0, wait_result='{"id": "x"}')
    async with running_engine(create_engine(sleeping)):
        await sleeping.wait_until(lambda: sleeping.turn_counts[enrollment_id] == 2)


@on_both
async def test_the_sweeper_restarts_a_run_whose_wake_was_lost(
    double: HatchetDouble, sleeping: SleepingHarness, monkeypatch: pytest.MonkeyPatch
):
    # Only the test sweeps: an earlier sweep would start another run, and no push would be lost.
    monkeypatch.setattr(sweeper_module, "SWEEP_INTERVAL", 3600.0)
    monkeypatch.setattr(restorer_module, "RESTORE_INTERVAL", 3600.0)
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping)) as engine:
        await poll_until(lambda: is_waiting_in_run(sleeping, enrollment_id))
        old_run = await find_run_id(sleeping, enrollment_id)
        double.lose_next_pushes(1)
        await set_wake(sleeping, enrollment_id, -70, wait_result='{"id": "x"}')
        engine.poll()
        await poll_until(lambda: bool(double.lost))
        await backdate_runs(sleeping)
        await poll_until(lambda: sweep_runs_second_turn(engine, sleeping, enrollment_id))
        assert await find_run_id(sleeping, enrollment_id) != old_run
        await poll_until(lambda: double.runs[old_run].status == "CANCELLED")


@on_both
async def test_a_late_enrollment_is_restarted_although_its_journey_makes_progress(
    double: HatchetDouble, sleeping: SleepingHarness, monkeypatch: pytest.MonkeyPatch
):
    # Only the test sweeps, and only it repairs the lost push.
    monkeypatch.setattr(sweeper_module, "SWEEP_INTERVAL", 3600.0)
    monkeypatch.setattr(restorer_module, "RESTORE_INTERVAL", 3600.0)
    stuck, busy = await sleeping.enroll(2)
    async with running_engine(create_engine(sleeping)) as engine:
        await poll_until(lambda: is_waiting_in_run(sleeping, stuck))
        await poll_until(lambda: is_waiting_in_run(sleeping, busy))
        double.lose_next_pushes(1)
        await set_wake(sleeping, stuck, -70, wait_result='{"id": "x"}')
        engine.poll()
        await poll_until(lambda: bool(double.lost))
        await set_wake(sleeping, busy, 0, wait_result='{"id": "x"}')
        engine.poll()
        await sleeping.wait_until(lambda: sleeping.turn_counts[busy] == 2)
        await backdate_runs(sleeping)
        await engine._sweeper.sweep()
        await sleeping.wait_until(lambda: sleeping.turn_counts[stuck] == 2)


async def test_a_late_run_that_waits_for_a_worker_gets_no_second_run(
    double: HatchetDouble, sleeping: SleepingHarness, monkeypatch: pytest.MonkeyPatch
):
    """More runs would make the queue longer. After ten minutes the run counts as lost."""
    monkeypatch.setattr(sweeper_module, "SWEEP_INTERVAL", 3600.0)
    monkeypatch.setattr(restorer_module, "RESTORE_INTERVAL", 3600.0)
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping)) as engine:
        await poll_until(lambda: is_waiting_in_run(sleeping, enrollment_id))
        run = await find_run_id(sleeping, enrollment_id)
        double.queue_without_worker(run)
        await set_wake(sleeping, enrollment_id, -70, wait_result='{"id": "x"}')
        await backdate_runs(sleeping)
        await engine._sweeper.sweep()
        assert await find_run_id(sleeping, enrollment_id) == run
        stored_run = await sleeping.database.read_one(query_run(enrollment_id))
        assert stored_run is not None and stored_run.tried == 0
        await set_wake(sleeping, enrollment_id, -700, wait_result='{"id": "x"}')
        await backdate_runs(sleeping)
        await engine._sweeper.sweep()
        await sleeping.wait_until(lambda: sleeping.turn_counts[enrollment_id] == 2)
        assert await find_run_id(sleeping, enrollment_id) != run


@on_both
async def test_a_run_that_was_evicted_as_its_event_came_is_restored(
    double: HatchetDouble, sleeping: SleepingHarness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tasks_module, "_EVICT_AFTER", timedelta(seconds=1))
    monkeypatch.setattr(sweeper_module, "SWEEP_INTERVAL", 3600.0)
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping)) as engine:
        await poll_until(lambda: is_waiting_in_run(sleeping, enrollment_id))
        run = await find_run_id(sleeping, enrollment_id)
        double.miss_next_answers(1)
        await set_wake(sleeping, enrollment_id, 0, wait_result='{"id": "x"}')
        engine.poll()
        await sleeping.wait_until(lambda: sleeping.turn_counts[enrollment_id] == 2)
        assert await find_run_id(sleeping, enrollment_id) == run


async def test_a_lost_wake_is_repeated(
    double: HatchetDouble, sleeping: SleepingHarness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(restorer_module, "UNANSWERED_AFTER", timedelta(seconds=1))
    monkeypatch.setattr(restorer_module, "REPEAT_AFTER", timedelta(seconds=1))
    monkeypatch.setattr(sweeper_module, "SWEEP_INTERVAL", 3600.0)
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping)) as engine:
        await poll_until(lambda: is_waiting_in_run(sleeping, enrollment_id))
        double.lose_next_pushes(1)
        await set_wake(sleeping, enrollment_id, 0, wait_result='{"id": "x"}')
        engine.poll()
        await sleeping.wait_until(lambda: sleeping.turn_counts[enrollment_id] == 2)
    assert len(double.lost) == 1
    assert len(double.runs) == 1


@on_both
async def test_an_enrollment_whose_worker_was_killed_continues_in_a_new_run(
    double: HatchetDouble, sleeping: SleepingHarness, monkeypatch: pytest.MonkeyPatch
):
    """A retried run would be evicted under a wrong number, and never wake again."""
    monkeypatch.setattr(sweeper_module, "SWEEP_INTERVAL", 3600.0)
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping)) as engine:
        await poll_until(lambda: is_waiting_in_run(sleeping, enrollment_id))
        run = await find_run_id(sleeping, enrollment_id)
        assert engine._host is not None
        assert engine._host._worker is not None
        # The SDK notices the end of its listener, and would evict the run.
        double.ignore_evictions()
        engine._host._worker.kill_listener()
        await poll_until(lambda: double.runs[run].status == "COMPLETED")
        assert json.loads(double.runs[run].output) == {"status": "restarted"}
        await set_wake(sleeping, enrollment_id, 0, wait_result='{"id": "x"}')
        engine.poll()
        await sleeping.wait_until(lambda: sleeping.turn_counts[enrollment_id] == 2)
        assert await find_run_id(sleeping, enrollment_id) not in ("", run)


async def test_a_run_that_failed_is_continued_by_a_new_run(
    double: HatchetDouble, sleeping: SleepingHarness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sweeper_module, "SWEEP_INTERVAL", 3600.0)
    engine = create_engine(sleeping)
    load = engine.load_recorded_waits
    failures = [StoreUnavailable("the database is away")]

    async def fail_once(run_id: str) -> Any:
        if failures:
            raise failures.pop()
        return await load(run_id)

    monkeypatch.setattr(engine, "load_recorded_waits", fail_once)
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(engine):
        await sleeping.wait_until(lambda: sleeping.turn_counts[enrollment_id] == 1)
        await poll_until(lambda: is_waiting_in_run(sleeping, enrollment_id))
    assert [run.retry_count for run in double.runs.values()] == [1, 0]


@on_both
async def test_runs_of_a_release_without_namespaces_are_replaced_when_they_are_due(
    double: HatchetDouble, sleeping: SleepingHarness
):
    """Their task is not registered any more, so nothing would run them."""
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping)):
        await poll_until(lambda: is_waiting_in_run(sleeping, enrollment_id))
    old_run = await find_run_id(sleeping, enrollment_id)
    double.rename_workflow(double.runs[old_run].workflow.name, "journey-j0")
    async with sleeping.database.transaction() as tx:
        await tx.apply([Write("UPDATE hatchet_runs SET namespace = '', asked_at = NULL")])
    await set_wake(sleeping, enrollment_id, 0, wait_result='{"id": "x"}')
    async with running_engine(create_engine(sleeping)):
        await sleeping.wait_until(lambda: sleeping.turn_counts[enrollment_id] == 2)
        await poll_until(lambda: double.runs[old_run].status == "CANCELLED")
        new_run = await find_run_id(sleeping, enrollment_id)
        assert new_run not in ("", old_run)
        assert double.runs[new_run].workflow.name.startswith("hogsend-")


async def test_two_installations_on_one_tenant_do_not_touch_each_others_runs_and_events(
    double: HatchetDouble, sqlite_template: Path, tmp_path: Path
):
    handlers = [RecordingHandlers(), RecordingHandlers()]
    ready, done = asyncio.Barrier(2), asyncio.Barrier(2)

    async def run_installation(number: int) -> None:
        file = tmp_path / f"{number}.db"
        shutil.copy(sqlite_template, file)
        async with opened(f"sqlite://{file}") as database:
            harness = SleepingHarness(database, SystemClock(), uses_one_journey=True)  # type: ignore[arg-type]
            engine = create_engine(harness, handlers[number], events=["order:*"])
            async with running_engine(engine):
                await poll_until(lambda: len(double.workers) == 2)
                await ready.wait()
                people = await harness.enroll(10)
                engine.poll()
                await harness.wait_until(lambda: harness.turn_counts.keys() >= {*people})
                double.push("order:paid", {"userId": "ada"})
                await poll_until(lambda: len(handlers[number].events) == 2)
                await done.wait()

    # Each in a task: the connections to a database are in the context of the task.
    await asyncio.gather(*(asyncio.create_task(run_installation(number)) for number in range(2)))
    assert {*map(len, ({*map(str, handler.events)} for handler in handlers))} == {2}
    assert all(run.retry_count == 0 and not run.error for run in double.runs.values())


async def test_a_run_of_another_installation_in_our_namespace_is_refused_and_logged_once(
    double: HatchetDouble, sleeping: SleepingHarness, caplog: pytest.LogCaptureFixture
):
    async with running_engine(create_engine(sleeping)):
        await poll_until(lambda: any("journey-j0" in name for name in double.workflows))
        (workflow,) = (name for name in double.workflows if name.endswith("journey-j0"))
        input = {"enrollmentId": str(uuid4()), "eventId": "", "contactId": ""}
        foreign = [
            double.start_run(workflow, {**input, "installationId": "another"}) for _ in range(3)
        ]
        unknown = double.start_run(workflow, input)
        await poll_until(lambda: all(double.runs[run].retry_count for run in foreign))
        await poll_until(lambda: double.runs[unknown].status == "COMPLETED")
    failures = [line.error for line in double.runs[foreign[0]].history if line.error]
    assert "HATCHET_CLIENT_NAMESPACE" in failures[0]
    lines = [line for line in caplog.messages if "belongs to another installation" in line]
    assert len(lines) == 1


async def test_an_event_that_is_refused_fails_its_run_at_once_with_the_reason(
    double: HatchetDouble, harness: TurnHarness
):
    handlers = RecordingHandlers()
    handlers.refusal = "email or userId is required"
    async with running_engine(create_engine(harness, handlers, events=["order:*"])):
        await poll_until(lambda: any("take-events" in name for name in double.workflows))
        double.push("order:paid", {"total": 3})
        await poll_until(lambda: any(run.ended for run in double.runs.values()))
    (run,) = double.runs.values()
    assert (run.status, run.retry_count) == ("FAILED", 0)
    assert "email or userId is required" in run.error


async def test_an_engine_waits_for_hatchet_at_the_start(
    double: HatchetDouble, harness: TurnHarness
):
    await double.stop()
    (due,) = await harness.enroll()
    async with running_engine(create_engine(harness)) as engine:
        await poll_until(lambda: engine.outage is not None and "yet" not in engine.outage.message)
        assert not harness.turn_counts
        await double.start()
        await harness.wait_until(lambda: due in harness.turn_counts)
        await poll_until(lambda: engine.outage is None)
    assert harness.turn_counts[due] == 1


async def test_an_outage_of_hatchet_loses_no_enrollment(
    double: HatchetDouble, sleeping: SleepingHarness
):
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping)) as engine:
        await poll_until(lambda: is_waiting_in_run(sleeping, enrollment_id))
        await double.stop()
        await poll_until(lambda: engine.outage is not None)
        (new_enrollment,) = await sleeping.enroll()
        await set_wake(sleeping, enrollment_id, 0, wait_result='{"id": "x"}')
        engine.poll()
        await double.start()
        await sleeping.wait_until(
            lambda: (
                new_enrollment in sleeping.turn_counts and sleeping.turn_counts[enrollment_id] == 2
            )
        )
        await poll_until(lambda: engine.outage is None)


async def test_sweeps_during_an_outage_do_not_count_as_tries(
    double: HatchetDouble, sleeping: SleepingHarness
):
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping)) as engine:
        await poll_until(lambda: is_waiting_in_run(sleeping, enrollment_id))
        await double.stop()
        await poll_until(lambda: engine.outage is not None)
        await set_wake(sleeping, enrollment_id, -70)
        await backdate_runs(sleeping)
        for _ in range(3):
            await engine._sweeper.sweep()
        stored_run = await sleeping.database.read_one(query_run(enrollment_id))
        assert stored_run is not None and stored_run.tried == 0
        await double.start()
        await sleeping.wait_until(lambda: sleeping.turn_counts[enrollment_id] == 2)


@on_both
async def test_runs_are_started_again_after_hatchet_lost_its_data(
    double: HatchetDouble, sleeping: SleepingHarness
):
    (enrollment_id,) = await sleeping.enroll()
    async with running_engine(create_engine(sleeping)):
        await poll_until(lambda: is_waiting_in_run(sleeping, enrollment_id))
    double.forget()
    await set_wake(sleeping, enrollment_id, -70)
    await backdate_runs(sleeping)
    async with running_engine(create_engine(sleeping)):
        await sleeping.wait_until(lambda: sleeping.turn_counts[enrollment_id] == 2)


async def test_a_listener_that_is_killed_is_replaced(double: HatchetDouble, harness: TurnHarness):
    async with running_engine(create_engine(harness)) as engine:
        (first,) = await harness.enroll()
        engine.poll()
        await harness.wait_until(lambda: first in harness.turn_counts)
        assert engine._host is not None
        assert engine._host._worker is not None
        engine._host._worker.kill_listener()
        (second,) = await harness.enroll()
        engine.poll()
        await poll_until(lambda: second in harness.turn_counts)
    assert harness.turn_counts[second] == 1


async def test_events_pushed_to_hatchet_are_ingested_with_their_id(
    double: HatchetDouble, harness: TurnHarness
):
    handlers = RecordingHandlers()
    async with running_engine(
        create_engine(harness, handlers, events=["order:*", "hogsend:*"])
    ) as engine:
        await poll_until(lambda: engine.outage is None and bool(double.workers))
        await poll_until(lambda: any("take-events" in name for name in double.workflows))
        double.push("other:thing", {"userId": "ada"})
        # The event that wakes our own runs is not ingested.
        double.push(WAKE, {"turn": 1})
        double.push("order:paid", {"userId": "ada", "total": 3})
        await poll_until(lambda: bool(handlers.events))
    ((event_id, name, payload),) = handlers.events
    assert UUID(event_id)
    assert (name, payload) == ("order:paid", {"userId": "ada", "total": 3})


async def test_an_invalid_token_is_not_quoted_in_the_error(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv(TOKEN, "hunter2-and-more")
    with pytest.raises(HatchetUnavailable) as refused:
        await Client.connect("1a2b3c4d")
    assert "HATCHET_CLIENT_TOKEN" in refused.value.message
    assert "hunte" not in refused.value.message


async def test_cron_tasks_run_as_tasks_of_hatchet(double: HatchetDouble, harness: TurnHarness):
    handlers = RecordingHandlers()
    async with running_engine(create_engine(harness, handlers)) as engine:
        engine.start_task("tidy")
        await poll_until(lambda: handlers.cron_runs == 1)
    assert any(run.workflow.name.endswith("tidy") for run in double.runs.values())
