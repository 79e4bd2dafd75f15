"""Hatchet engines for tests, and helpers that read and change their rows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from hogsend.engines.hatchet.engine import HatchetEngine, HatchetEventHandler
from hogsend.engines.hatchet.tasks import CronTask, EventRefused
from hogsend.store import hatchet_runs
from hogsend.store.db import Query, Write
from tests.engines.contract import TurnHarness
from tests.patience import PATIENCE


class RecordingHandlers:
    """Records the calls of the engine: ingested events, exited enrollments, cron tasks.

    With a `refusal`, it refuses every event for that reason.
    """

    refusal = ""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, Mapping[str, Any]]] = []
        self.cancelled: list[UUID] = []
        self.cron_runs = 0

    async def ingest_event(
        self, event_id: str, name: str, payload: Mapping[str, Any]
    ) -> dict[str, str]:
        if self.refusal:
            raise EventRefused(self.refusal)
        self.events.append((event_id, name, payload))
        return {"stored": "true"}

    async def exit_cancelled(self, enrollment_id: UUID) -> None:
        self.cancelled.append(enrollment_id)

    async def run_cron_task(self) -> dict[str, int]:
        self.cron_runs += 1
        return {"done": self.cron_runs}


def create_engine(
    harness: TurnHarness,
    handlers: RecordingHandlers | None = None,
    *,
    events: list[str] | None = None,
) -> HatchetEngine:
    handlers = handlers or RecordingHandlers()
    return HatchetEngine(
        harness.database,
        harness.clock,
        harness.run_turns,  # type: ignore[arg-type]
        journey_ids=["j0"],
        exit_cancelled=handlers.exit_cancelled,
        event_handler=HatchetEventHandler(events or [], handlers.ingest_event),
        cron_tasks={"tidy": CronTask(handlers.run_cron_task)},
    )


@asynccontextmanager
async def running_engine(engine: HatchetEngine) -> AsyncGenerator[HatchetEngine]:
    """Run an engine, and close it at the end; the worker's thread must end as well."""
    working = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        await engine.close()
        await working
    await poll_until(
        lambda: "hatchet worker" not in [thread.name for thread in threading.enumerate()]
    )


async def cancel_runs(engine: HatchetEngine, harness: TurnHarness) -> None:
    """Cancel the runs of a test, so that a real Hatchet keeps none of them."""
    client = engine._context.client
    runs = await harness.database.read_one(
        Query("SELECT run_id FROM hatchet_runs WHERE run_id <> ''", [], list)
    )
    if client is not None and not engine._closing.is_set():
        await client.cancel([run_id for (run_id,) in runs])


async def poll_until(condition: Callable[[], Awaitable[bool] | bool]) -> None:
    """Poll a condition until it holds."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = condition()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.05)


async def find_run_id(harness: TurnHarness, enrollment_id: UUID) -> str:
    """Return the id of an enrollment's run in Hatchet; empty while there is none."""
    sql = "SELECT run_id FROM hatchet_runs WHERE enrollment_id = ?"
    rows = await harness.database.read_one(Query(sql, [enrollment_id], list))
    return rows[0][0] if rows else ""


async def set_wake(
    harness: TurnHarness, enrollment_id: UUID, seconds: float, **columns: object
) -> None:
    """Set the wake time of an enrollment, as a turn's commit or an event would."""
    at = int((harness.clock.now() + timedelta(seconds=seconds)).timestamp() * 1_000_000)
    values = {"wake_at": at, "state": "waiting", **columns}
    named = ", ".join(f"{name} = ?" for name in values)
    sql = f"UPDATE enrollments SET {named} WHERE id = ?"  # noqa: S608
    async with harness.database.transaction() as tx:
        await tx.apply([Write(sql, [(*values.values(), enrollment_id)])])


class SleepingHarness(TurnHarness):
    """A harness whose enrollments sleep for an hour after each turn, and then are due again."""

    sleep = 3600.0

    async def clear_wakes(self, ids: Any) -> None:
        for enrollment_id in ids:
            await set_wake(
                self, enrollment_id, self.sleep, turn=self.turn_counts[enrollment_id] + 1
            )


async def load_waits(harness: TurnHarness) -> list[Any]:
    return await harness.database.read_one(Query("SELECT number FROM hatchet_waits", [], list))


async def forget_pushes(harness: TurnHarness) -> None:
    """Forget which wakes were pushed, so that runs are woken for the same turn again."""
    async with harness.database.transaction() as tx:
        await tx.apply([Write("UPDATE hatchet_runs SET pushed = 0")])


async def has_run(harness: TurnHarness, enrollment_id: UUID) -> bool:
    return (
        bool(await find_run_id(harness, enrollment_id)) and harness.turn_counts[enrollment_id] > 0
    )


async def is_waiting_in_run(harness: TurnHarness, enrollment_id: UUID) -> bool:
    """Return whether an enrollment has had a turn and its run has recorded the wait after it.

    From then on, only a wake that is pushed to Hatchet ends the wait early.
    """
    if not await has_run(harness, enrollment_id):
        return False
    run_id = await find_run_id(harness, enrollment_id)
    return bool(await harness.database.read_one(hatchet_runs.find_waits(run_id)))


async def has_no_run(harness: TurnHarness, enrollment_id: UUID) -> bool:
    return not await find_run_id(harness, enrollment_id)


async def sweep_runs_second_turn(
    engine: HatchetEngine, harness: TurnHarness, enrollment_id: UUID
) -> bool:
    """Sweep once; return whether the enrollment has run its second turn."""
    await engine._sweeper.sweep()
    return harness.turn_counts[enrollment_id] == 2


async def backdate_runs(harness: TurnHarness) -> None:
    """Make the runs look as if they had been started long ago."""
    async with harness.database.transaction() as tx:
        await tx.apply([Write("UPDATE hatchet_runs SET again_at = 0")])
