"""What Hatchet runs: a durable task for each journey, and the engine's own chores.

The body of a journey's task is a loop of turns. Each pass asks the server, which plays what is due,
what to wait for, and then makes just that wait. Waits are recorded before they are made, and made
again as they were recorded: Hatchet's log, which goes by position and checks the arguments, sees
the same calls at every replay, whatever has become of the journey's code meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from ...store.hatchet_runs import RunWait
from .client import WAKE, Client, RunInput

R = TypeVar("R")

# Hatchet counts the time asleep, and would end whoever takes longer: longer than any wait.
_FOR_EVER = timedelta(days=3650)
# How long a run may wait for a worker, also when it wakes: a week without workers loses nobody.
_LONGEST_QUEUE = timedelta(days=30)
# Who waits for longer is put away by the worker, and has its slot again when it wakes.
_PUT_AWAY_AFTER = timedelta(seconds=5)
_CHORE_TIME = timedelta(minutes=10)
TAKE_EVENTS = "take-events"


class Passes(Protocol):
    """What the server does for runs; all of it on the server's loop."""

    async def recorded(self, run_id: str) -> Sequence[RunWait]:
        """Return the waits that a run was told to make so far."""
        ...

    async def next(
        self, run_id: str, enrollment_id: UUID, number: int, before: RunWait | None
    ) -> RunWait | str:
        """Play what is due, and return the next wait, or how the run ends."""
        ...


@dataclass(frozen=True, slots=True)
class Chore:
    """Something that the engine lets Hatchet run beside the journeys.

    Args:
        work: does it, on the server's loop, and returns what is to be seen of it.
        crons: when it is begun by itself.
    """

    work: Callable[[], Awaitable[Mapping[str, Any]]]
    crons: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker is to run.

    Args:
        loop: the server's loop.
        context: what is known where the server runs.
        passes: plays turns.
        journeys: the journeys' ids.
        chores: by name.
        events: the names of Hatchet's events that are taken in, wildcards allowed.
        take: takes an event in: its id, its name, and what it says.
    """

    loop: asyncio.AbstractEventLoop
    context: Context
    passes: Passes
    journeys: Sequence[str]
    chores: Mapping[str, Chore]
    events: Sequence[str]
    take: Callable[[str, str, Mapping[str, Any]], Awaitable[Mapping[str, str]]]

    async def there(self, work: Coroutine[Any, Any, R]) -> R:
        """Let the server's loop do something, from the worker's own."""
        # In the server's context, where its database is known.
        begin = asyncio.run_coroutine_threadsafe
        return await asyncio.wrap_future(self.context.copy().run(begin, work, self.loop))


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks of a worker.

    Args:
        begun: those that we start, by the journey's id or the chore's name.
        all: these, and what Hatchet starts by itself.
    """

    begun: Mapping[str, Any]
    all: Sequence[Any]


def define(client: Client, work: Work) -> Tasks:
    """Define the tasks of a worker."""
    begun = {one: _journey(client, work, one) for one in work.journeys}
    begun |= {name: _chore(client, work, name, one) for name, one in work.chores.items()}
    made = list(begun.values())
    return Tasks(begun, [*made, _events(client, work)] if work.events else made)


def name_of(journey_id: str) -> str:
    """Return what Hatchet calls a journey's task."""
    return f"journey-{journey_id}"


def _journey(client: Client, work: Work, journey_id: str) -> Any:
    sdk = client.sdk

    async def play(input: RunInput, ctx: Any) -> dict[str, str]:
        run_id, enrollment_id = str(ctx.workflow_run_id), UUID(input.enrollmentId)
        recorded = await work.there(_recorded(work.passes, run_id))
        number = 0
        before: RunWait | None = None
        while True:
            if number < len(recorded):
                wait: RunWait | str = recorded[number]
            else:
                wait = await work.there(_next(work.passes, run_id, enrollment_id, number, before))
            if isinstance(wait, str):
                return {"status": wait}
            await ctx.aio_wait_for(
                f"wait-{number}", _conditions(sdk, enrollment_id, wait), label=f"wait {number}"
            )
            number, before = number + 1, wait

    return client.hatchet.durable_task(
        name=name_of(journey_id),
        input_validator=RunInput,
        execution_timeout=_FOR_EVER,
        schedule_timeout=_LONGEST_QUEUE,
        retries=20,
        backoff_factor=2.0,
        backoff_max_seconds=300,
        eviction_policy=sdk.EvictionPolicy(ttl=_PUT_AWAY_AFTER),
    )(play)


async def _recorded(passes: Passes, run_id: str) -> Sequence[RunWait]:
    return await passes.recorded(run_id)


async def _next(
    passes: Passes, run_id: str, enrollment_id: UUID, number: int, before: RunWait | None
) -> RunWait | str:
    return await passes.next(run_id, enrollment_id, number, before)


def _conditions(sdk: Any, enrollment_id: UUID, wait: RunWait) -> Any:
    return sdk.or_(
        sdk.SleepCondition(timedelta(seconds=wait.seconds), readable_data_key="time"),
        sdk.UserEventCondition(
            event_key=WAKE,
            # One that woke the run for an earlier turn does not count again.
            expression=f"input.turn >= {wait.turn}",
            scope=str(enrollment_id),
            consider_events_since=wait.since,
            readable_data_key="wake",
        ),
    )


def _chore(client: Client, work: Work, name: str, chore: Chore) -> Any:
    async def run(input: Any, ctx: Any) -> dict[str, Any]:
        async def there() -> Mapping[str, Any]:
            return await chore.work()

        return dict(await work.there(there()))

    return client.hatchet.task(
        name=name,
        on_crons=list(chore.crons) or None,
        execution_timeout=_CHORE_TIME,
        schedule_timeout=_CHORE_TIME,
        retries=2,
    )(run)


def _events(client: Client, work: Work) -> Any:
    async def take(input: Any, ctx: Any) -> dict[str, str]:
        event_id, name = str(ctx.triggering_event_id), str(ctx.triggering_event_key)
        if name.endswith(WAKE):
            # A wildcard may match what wakes our own runs.
            return {"stored": "false"}
        given = input.model_dump()

        async def there() -> Mapping[str, str]:
            return await work.take(event_id, name, given)

        return dict(await work.there(there()))

    return client.hatchet.task(
        name=TAKE_EVENTS,
        on_events=list(work.events),
        execution_timeout=_CHORE_TIME,
        schedule_timeout=_LONGEST_QUEUE,
        retries=10,
        backoff_factor=2.0,
        backoff_max_seconds=600,
    )(take)
