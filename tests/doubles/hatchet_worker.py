"""A worker of the real SDK, for `test_hatchet_double.py`: a process, as it has signal handlers.

`HATCHET_CLIENT_NAMESPACE` keeps its names apart from those of others on a real engine;
`HATCHET_SEEN` is a file in which bodies say what they saw.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

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
    """What a sleeper is asked to do.

    Args:
        scope: whose event ends it.
        seconds: how long it sleeps without one.
        look_back: seconds by which an event may come before the wait; 0 for not at all.
        drift: sleep longer in every replay, which is forbidden.
    """

    scope: str
    seconds: float = 60
    look_back: float = 0
    drift: bool = False


class Try(BaseModel):
    """What an ordinary task is asked to do.

    Args:
        fail: how often it fails before it succeeds.
        final: whether its failure is final.
        hang: seconds that it takes.
    """

    fail: int = 0
    final: bool = False
    hang: float = 0


class Anything(BaseModel, extra="allow"):
    """Whatever an event carries."""


def tasks(hatchet: Hatchet) -> dict[str, Any]:
    """The tasks, by their names, for a worker and for those who start them."""

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
            say(f"cancelled {nap.scope}")
            raise
        return {"ended_by": ended_by["CREATE"], "invocation": ctx.invocation_count}

    async def attempt(asked: Try, ctx: Context) -> dict[str, Any]:
        await asyncio.sleep(asked.hang)
        if asked.final:
            raise NonRetryableException("never again")
        if ctx.retry_count < asked.fail:
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

    ordinary = {"input_validator": Try, "retries": 1}
    return {
        "sleeper": sleeper("sleeper", 60),
        "evicted": sleeper("evicted", 1),
        "attempt": hatchet.task(name="attempt", **ordinary)(attempt),
        "hurried": hatchet.task(
            name="hurried", execution_timeout=timedelta(seconds=1), input_validator=Try
        )(attempt),
        "catcher": hatchet.task(name="catcher", on_events=["heard:*"], input_validator=Anything)(
            catch
        ),
        "nightly": hatchet.task(name="nightly", on_crons=["0 3 1 1 *"])(catch),
    }


def say(line: str) -> None:
    """Write down what a body saw."""
    with Path(os.environ["HATCHET_SEEN"]).open("a", encoding="utf-8") as seen:
        seen.write(line + "\n")


def leave_with(parent: int) -> None:
    """Be gone soon after the process that started this one; the listener follows by itself."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main() -> None:
    """Work until it is told to stop."""
    Thread(target=leave_with, args=(os.getppid(),), daemon=True).start()
    hatchet = Hatchet()
    hatchet.worker(
        sys.argv[1], slots=10, durable_slots=100, workflows=list(tasks(hatchet).values())
    ).start()


if __name__ == "__main__":
    main()
