"""The tasks that Hatchet runs: a durable task for each journey, cron tasks, and an event handler.

A journey's task is a loop. Each pass asks the server to run the due turn and to return the next
wait, and then makes that wait. The server records each wait before the run makes it, and a replayed
run makes the recorded waits. Hatchet's durable log identifies calls by position and checks their
arguments, so it sees the same calls in every replay, even if the journey's code has changed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from ...store.hatchet_runs import RunWait
from .client import WAKE, Client, RunInput

log = logging.getLogger("hogsend.hatchet")

R = TypeVar("R")

# Hatchet counts the time that a run sleeps, so its time limit is longer than any wait.
_EXECUTION_TIMEOUT = timedelta(days=3650)
# How long a run may wait for a worker, at its start and when it wakes. A month without workers
# loses no run.
_QUEUE_TIMEOUT = timedelta(days=30)
# A run that waits for longer gives up its slot in the worker, and gets another one when it wakes.
_EVICT_AFTER = timedelta(seconds=5)
# A retried run only hands over to a new one, so the backoff spaces attempts while the database
# cannot be reached, in seconds. It is short so that turns resume soon when the database is back.
_MAX_BACKOFF = 30
_CRON_TIMEOUT = timedelta(minutes=10)
INGEST_EVENTS_TASK = "take-events"


class RunHandler(Protocol):
    """Serves the runs; its coroutines run on the server's event loop."""

    async def load_recorded_waits(self, run_id: str) -> Sequence[RunWait]:
        """Return the waits that a run has made so far."""
        ...

    async def run_until_wait(
        self, run_id: str, enrollment_id: UUID, number: int, before: RunWait | None
    ) -> RunWait | str:
        """Run the turn that is due; return the next wait, or the status with which the run ends."""
        ...

    async def hand_over(self, run_id: str, enrollment_id: UUID) -> str:
        """Let another run continue; return the status with which this run ends."""
        ...

    async def refuse_foreign_run(self, run_id: str, installation_id: str) -> str:
        """Log that a run belongs to another installation; return the reason to refuse it."""
        ...


class EventRefused(Exception):
    """An event that another service pushed cannot be ingested, now or later.

    Args:
        reason: why, for the run's page in Hatchet.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ForeignRunError(Exception):
    """A run belongs to another installation, whose worker gets it when Hatchet tries again."""


@dataclass(frozen=True, slots=True)
class CronTask:
    """A task besides the journeys that Hatchet starts.

    Args:
        run: does the work on the server's event loop, and returns the result that Hatchet shows.
        crons: the cron expressions of its schedule; empty if it only starts on request.
    """

    run: Callable[[], Awaitable[Mapping[str, Any]]]
    crons: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """The tasks of a Hatchet worker, and the server's event loop that they call.

    Args:
        loop: the server's event loop.
        context: the server's context variables.
        run_handler: serves the runs of journeys.
        journey_ids: the journeys that the worker has tasks for.
        cron_tasks: the cron tasks, by name.
        event_names: the Hatchet events to ingest, wildcards allowed.
        ingest_event: ingests an event by its id, name and payload.
    """

    loop: asyncio.AbstractEventLoop
    context: Context
    run_handler: RunHandler
    journey_ids: Sequence[str]
    cron_tasks: Mapping[str, CronTask]
    event_names: Sequence[str]
    ingest_event: Callable[[str, str, Mapping[str, Any]], Awaitable[Mapping[str, str]]]

    async def run_on_server(self, coroutine: Coroutine[Any, Any, R]) -> R:
        """Run a coroutine on the server's event loop; called on the Hatchet worker's event loop."""
        # The database connections are in variables of the server's context.
        submit = asyncio.run_coroutine_threadsafe
        try:
            return await asyncio.wrap_future(self.context.copy().run(submit, coroutine, self.loop))
        except EventRefused:
            raise
        except Exception:
            # The SDK's own log is filtered.
            log.exception("a task of Hatchet has failed; Hatchet runs it again")
            raise


@dataclass(frozen=True, slots=True)
class WorkerTasks:
    """The tasks of a Hatchet worker.

    Args:
        startable: the tasks that Hogsend can start, by the journey's id or the cron task's name.
        all: all tasks, including those that only Hatchet starts.
    """

    startable: Mapping[str, Any]
    all: Sequence[Any]


def define_tasks(client: Client, spec: WorkerSpec) -> WorkerTasks:
    """Define the tasks of a Hatchet worker."""
    startable = {
        journey_id: _define_journey_task(client, spec, journey_id)
        for journey_id in spec.journey_ids
    }
    startable |= {
        name: _define_cron_task(client, spec, name, task) for name, task in spec.cron_tasks.items()
    }
    tasks = list(startable.values())
    if spec.event_names:
        tasks.append(_define_event_task(client, spec))
    return WorkerTasks(startable, tasks)


def build_task_name(journey_id: str) -> str:
    """Return the name of a journey's task in Hatchet."""
    return f"journey-{journey_id}"


def _define_journey_task(client: Client, spec: WorkerSpec, journey_id: str) -> Any:
    sdk = client.sdk

    async def run_journey(input: RunInput, ctx: Any) -> dict[str, str]:
        run_id, enrollment_id = str(ctx.workflow_run_id), UUID(input.enrollmentId)
        if input.installationId not in ("", client.installation_id):
            raise ForeignRunError(
                await spec.run_on_server(
                    _refuse_foreign_run(spec.run_handler, run_id, input.installationId)
                )
            )
        if ctx.retry_count > 0:
            # Hatchet evicts a run with the number of an earlier attempt, and then never wakes it.
            return {
                "status": await spec.run_on_server(
                    _hand_over(spec.run_handler, run_id, enrollment_id)
                )
            }
        recorded = await spec.run_on_server(_load_recorded_waits(spec.run_handler, run_id))
        number = 0
        before: RunWait | None = None
        while True:
            if number < len(recorded):
                wait: RunWait | str = recorded[number]
            else:
                wait = await spec.run_on_server(
                    _run_until_wait(spec.run_handler, run_id, enrollment_id, number, before)
                )
            if isinstance(wait, str):
                return {"status": wait}
            await ctx.aio_wait_for(
                f"wait-{number}",
                _build_conditions(sdk, enrollment_id, wait),
                label=f"wait {number}",
            )
            number, before = number + 1, wait

    return client.hatchet.durable_task(
        name=build_task_name(journey_id),
        input_validator=RunInput,
        execution_timeout=_EXECUTION_TIMEOUT,
        schedule_timeout=_QUEUE_TIMEOUT,
        retries=20,
        backoff_factor=2.0,
        backoff_max_seconds=_MAX_BACKOFF,
        eviction_policy=sdk.EvictionPolicy(ttl=_EVICT_AFTER),
    )(run_journey)


async def _load_recorded_waits(run_handler: RunHandler, run_id: str) -> Sequence[RunWait]:
    return await run_handler.load_recorded_waits(run_id)


async def _run_until_wait(
    run_handler: RunHandler, run_id: str, enrollment_id: UUID, number: int, before: RunWait | None
) -> RunWait | str:
    return await run_handler.run_until_wait(run_id, enrollment_id, number, before)


async def _hand_over(run_handler: RunHandler, run_id: str, enrollment_id: UUID) -> str:
    return await run_handler.hand_over(run_id, enrollment_id)


async def _refuse_foreign_run(run_handler: RunHandler, run_id: str, installation_id: str) -> str:
    return await run_handler.refuse_foreign_run(run_id, installation_id)


def _build_conditions(sdk: Any, enrollment_id: UUID, wait: RunWait) -> Any:
    return sdk.or_(
        sdk.SleepCondition(timedelta(seconds=wait.seconds), readable_data_key="time"),
        sdk.UserEventCondition(
            event_key=WAKE,
            # A wake for an earlier turn has already woken the run and must not count again.
            expression=f"input.turn >= {wait.turn}",
            scope=str(enrollment_id),
            consider_events_since=wait.since,
            readable_data_key="wake",
        ),
    )


def _define_cron_task(client: Client, spec: WorkerSpec, name: str, task: CronTask) -> Any:
    async def run_cron_task(input: Any, ctx: Any) -> dict[str, Any]:
        async def run() -> Mapping[str, Any]:
            return await task.run()

        return dict(await spec.run_on_server(run()))

    return client.hatchet.task(
        name=name,
        on_crons=list(task.crons) or None,
        execution_timeout=_CRON_TIMEOUT,
        schedule_timeout=_CRON_TIMEOUT,
        retries=2,
    )(run_cron_task)


def _define_event_task(client: Client, spec: WorkerSpec) -> Any:
    async def ingest_event(input: Any, ctx: Any) -> dict[str, str]:
        event_id, name = str(ctx.triggering_event_id), str(ctx.triggering_event_key)
        if name.endswith(WAKE):
            # A wildcard may match the events with which Hogsend wakes its own runs.
            return {"stored": "false"}
        payload = input.model_dump()

        async def run() -> Mapping[str, str]:
            return await spec.ingest_event(event_id, name, payload)

        try:
            return dict(await spec.run_on_server(run()))
        except EventRefused as error:
            raise client.sdk.NonRetryableException(error.reason) from None

    # Hatchet's SDK puts the namespace before the names of events too, but other services push
    # events without it.
    is_shared = client.shared is not client.hatchet
    return client.shared.task(
        name=f"{client.namespace}{INGEST_EVENTS_TASK}" if is_shared else INGEST_EVENTS_TASK,
        on_events=list(spec.event_names),
        execution_timeout=_CRON_TIMEOUT,
        schedule_timeout=_QUEUE_TIMEOUT,
        retries=10,
        backoff_factor=2.0,
        backoff_max_seconds=600,
    )(ingest_event)
