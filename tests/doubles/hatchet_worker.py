"""A worker of the real SDK, for the tests of the double. It is a process, for its signal handlers.

`HATCHET_CLIENT_NAMESPACE` is a prefix of its names, which separates them from others on a real
engine. `HATCHET_SEEN` is a file that the bodies of tasks write to.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any, cast

from hatchet_sdk import (
    Context,
    DurableContext,
    Hatchet,
    NonRetryableException,
    SleepCondition,
    UserEventCondition,
    or_,
)
from hatchet_sdk.runnables.eviction import EvictionPolicy
from pydantic import BaseModel

LONG = timedelta(days=30)


class Nap(BaseModel):
    """The input of a task that waits.

    Args:
        scope: the scope of the event that ends the wait.
        seconds: how long the task waits without an event.
        look_back: how many seconds before the wait the event may come; 0 for none.
        drift: whether every replay waits longer, which is forbidden.
    """

    scope: str
    seconds: float = 60
    look_back: float = 0
    drift: bool = False


class Try(BaseModel):
    """The input of an ordinary task.

    Args:
        fail: how often the task fails before it succeeds.
        final: whether it fails without a retry.
        hang: how many seconds it takes.
    """

    fail: int = 0
    final: bool = False
    hang: float = 0


class Anything(BaseModel, extra="allow"):
    """The payload of any event."""


def tasks(hatchet: Hatchet) -> dict[str, Any]:
    """Return the tasks by name, for a worker and for a client that starts them."""

    async def sleep(nap: Nap, ctx: DurableContext) -> dict[str, Any]:
        since = await ctx.aio_now() - timedelta(seconds=nap.look_back)
        longer = ctx.invocation_count - 1 if nap.drift else 0
        try:
            ended_by = await ctx.aio_wait_for(
                "nap",
                or_(
                    SleepCondition(
                        timedelta(seconds=nap.seconds + longer), readable_data_key="sleep"
                    ),
                    UserEventCondition(
                        event_key="wake",
                        scope=nap.scope,
                        readable_data_key="wake",
                        consider_events_since=since if nap.look_back else None,
                    ),
                ),
            )
        except asyncio.CancelledError:
            note(f"cancelled {nap.scope}")
            raise
        return {"ended_by": ended_by["CREATE"], "invocation": ctx.invocation_count}

    async def attempt(input: Try, ctx: Context) -> dict[str, Any]:
        await asyncio.sleep(input.hang)
        if input.final:
            raise NonRetryableException("never again")
        if ctx.retry_count < input.fail:
            raise ValueError("not yet")
        return {"retry_count": ctx.retry_count}

    async def catch(event: Anything, ctx: Context) -> dict[str, Any]:
        return {
            "id": ctx.triggering_event_id,
            "key": ctx.triggering_event_key,
            "payload": event.model_dump(),
        }

    def sleeper(name: str, ttl: float) -> Any:
        return hatchet.durable_task(
            name=name,
            input_validator=Nap,
            execution_timeout=LONG,
            schedule_timeout=LONG,
            eviction_policy=EvictionPolicy(ttl=timedelta(seconds=ttl)),
        )(sleep)

    # The stubs do not connect `input_validator` with the type of the input.
    handle_attempt = cast("Any", attempt)
    handle_any = cast("Any", catch)
    ordinary: dict[str, Any] = {"input_validator": Try, "retries": 1}
    return {
        "sleeper": sleeper("sleeper", 60),
        "evicted": sleeper("evicted", 1),
        "attempt": hatchet.task(name="attempt", **ordinary)(handle_attempt),
        "hurried": hatchet.task(
            name="hurried", execution_timeout=timedelta(seconds=1), input_validator=Try
        )(handle_attempt),
        "catcher": hatchet.task(name="catcher", on_events=["heard:*"], input_validator=Anything)(
            handle_any
        ),
        "nightly": hatchet.task(name="nightly", on_crons=["0 3 1 1 *"])(handle_any),
    }


def note(line: str) -> None:
    """Write a line to the file that the test reads."""
    with Path(os.environ["HATCHET_SEEN"]).open("a", encoding="utf-8") as seen:
        seen.write(line + "\n")


def exit_with(parent: int) -> None:
    """Exit soon after the parent process; the listener then exits by itself."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main() -> None:
    """Work until a signal stops the process."""
    Thread(target=exit_with, args=(os.getppid(),), daemon=True).start()
    hatchet = Hatchet()
    hatchet.worker(
        sys.argv[1], slots=10, durable_slots=100, workflows=list(tasks(hatchet).values())
    ).start()


if __name__ == "__main__":
    main()
