"""Speaks to Hatchet through its SDK. Nothing else of ours imports that: it takes seconds to import.

The SDK's calls are made on threads: they block, try again by themselves for a while, and must not
be bound to the server's loop.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from ...compat.hatchet_child import quiet_sdk
from ...compat.hatchet_sdk import EngineConnection, task_events
from ...config.hatchet_token import client_settings, read_token
from ...domain.round_robin import parts
from ...errors import HatchetApiUnavailable, HatchetUnavailable
from ...store.hatchet_runs import RunStart

log = logging.getLogger("hogsend.hatchet")

# The event that wakes a run; its scope is the enrollment, so that nobody else hears of it.
WAKE = "hogsend:wake"
# Hatchet takes a thousand in one call; smaller calls side by side are faster.
_MOST_STARTS, _MOST_WAKES, _MOST_CANCELS = 500, 50, 100
_AT_ONCE = 8
# How long Hatchet may take to say that it is there, in seconds.
_PATIENCE = 10
_CANCELLED = "CANCELLED"
_MOST_TASK_EVENTS = 200
# Runs of one answer, and how many answers are asked for at most.
_PAGE, _MOST_PAGES = 1000, 10

R = TypeVar("R")


class RunInput(BaseModel):
    """Whom a run plays, by name as Hatchet's own screens show it."""

    enrollmentId: str
    eventId: str
    contactId: str


class Client:
    """Hatchet, for this process. Make it with `connect`.

    Args:
        sdk: the SDK's module.
        hatchet: its client.
    """

    def __init__(self, sdk: Any, hatchet: Any) -> None:
        self.sdk = sdk
        self.hatchet = hatchet
        # What starts the runs of a journey, by its id, or a chore. Filled in when Hatchet knows
        # them: it answers a start of one that it does not know as if that had been taken.
        self.tasks: Mapping[str, Any] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)
        # Threads of our own: the loop would wait at its end for those of its own pool, and a call
        # that Hatchet does not answer has none. One more is for the sign of life.
        self._threads = ThreadPoolExecutor(_AT_ONCE + 1, "hatchet")
        self._engine = EngineConnection(hatchet)

    @staticmethod
    async def connect() -> Client:
        """Import the SDK, away from the loop, and make its client of the environment.

        Raises:
            HatchetAway: the token or another of its settings cannot be used.
        """

        def make() -> Client:
            # First by us: the SDK would say how the text begins, which may be another secret.
            read_token(client_settings().get("HATCHET_CLIENT_TOKEN", ""))
            sdk = importlib.import_module("hatchet_sdk")
            _log_as_we_do()
            # It would hook the root logger, and send what journeys log to Hatchet.
            return Client(sdk, sdk.Hatchet(config=sdk.ClientConfig(disable_log_capture=True)))

        try:
            return await asyncio.to_thread(make)
        except Exception as error:
            raise HatchetUnavailable(
                f"the settings of Hatchet's client do not work: {_message_of(error)}"
            ) from None

    def close(self) -> None:
        """Disconnect; a call that is under way is left to itself."""
        self._engine.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def start(self, journey_id: str, starts: Sequence[RunStart]) -> list[str]:
        """Start a run for each of some enrollments of one journey, and return the runs' ids.

        Raises:
            HatchetAway: none was started, as far as is known.
        """
        task = self.tasks[journey_id]

        def items(some: Sequence[RunStart]) -> list[Any]:
            return [
                task.create_bulk_run_item(
                    input=RunInput(
                        enrollmentId=str(one.enrollment_id),
                        eventId=str(one.event_id),
                        contactId=str(one.contact_id),
                    ),
                    additional_metadata={
                        "enrollment": str(one.enrollment_id),
                        "event": str(one.event_id),
                        "contact": str(one.contact_id),
                    },
                )
                for one in some
            ]

        runs: list[str] = []
        for some in parts(starts, _MOST_STARTS):
            refs = await self._call(
                lambda some=some: task.run_many(items(some), wait_for_result=False)
            )
            runs += [str(ref.workflow_run_id) for ref in refs]
        return runs

    async def wake(self, wakes: Sequence[tuple[UUID, int]]) -> None:
        """Wake the runs of enrollments.

        Args:
            wakes: the enrollments, each with the number of its last turn.

        Raises:
            HatchetAway: some were not woken.
        """
        push = self.sdk.BulkPushEventWithMetadata
        events = self.hatchet.event

        def call(some: Sequence[tuple[UUID, int]]) -> Callable[[], Any]:
            return lambda: events.bulk_push(
                [push(key=WAKE, payload={"turn": turn}, scope=str(one)) for one, turn in some]
            )

        await asyncio.gather(*(self._call(call(some)) for some in parts(wakes, _MOST_WAKES)))

    async def cancel(self, run_ids: Collection[str]) -> None:
        """Cancel runs by their ids; one that is over already is left alone.

        Raises:
            HatchetApiAway: some were not cancelled.
        """
        wanted = self.sdk.BulkCancelReplayOpts
        for some in parts(sorted(run_ids), _MOST_CANCELS):
            await self._ask_api(
                lambda some=some: self.hatchet.runs.bulk_cancel(wanted(ids=list(some)))
            )

    async def begin(self, name: str) -> None:
        """Start a task of the engine's own.

        Raises:
            HatchetAway: it was not started.
        """
        await self._call(lambda: self.tasks[name].run(wait_for_result=False))

    async def cancelled_since(self, since: datetime) -> list[str]:
        """Return the ids of cancelled runs, of those begun since an instant, the newest first.

        Raises:
            HatchetApiAway: it could not be asked.
        """
        status, found = self.sdk.V1TaskStatus.CANCELLED, list[str]()
        for page in range(_MOST_PAGES):
            listed = await self._ask_api(
                lambda page=page: self.hatchet.runs.list(
                    since=since,
                    statuses=[status],
                    limit=_PAGE,
                    offset=page * _PAGE,
                    include_payloads=False,
                )
            )
            found += [str(row.workflow_run_external_id) for row in listed.rows]
            if len(listed.rows) < _PAGE:
                break
        return found

    async def is_cancelled_by_operator(self, run_id: str) -> bool:
        """Return whether an operator cancelled a run: it neither timed out nor got lost.

        Raises:
            HatchetApiAway: it could not be asked.
        """

        rows = await self._ask_api(lambda: task_events(self.hatchet, run_id, _MOST_TASK_EVENTS))
        # Hatchet also cancels a run that waited in a queue for too long, with a message.
        return any(row.event_type.value == _CANCELLED and not row.message for row in rows)

    async def version(self) -> str:
        """Return the engine's version: a sign of life.

        Raises:
            HatchetAway: it does not answer.
        """
        # Not after calls that are never answered.
        return await self._call_now(lambda: self._engine.version(_PATIENCE), HatchetUnavailable)

    async def _call(
        self, call: Callable[[], R], error_type: type[HatchetUnavailable] = HatchetUnavailable
    ) -> R:
        async with self._turns:
            return await self._call_now(call, error_type)

    async def _call_now(self, call: Callable[[], R], error_type: type[HatchetUnavailable]) -> R:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, call)
        except Exception as error:
            raise error_type(_message_of(error)) from error

    async def _ask_api(self, call: Callable[[], R]) -> R:
        """Make a call that goes to Hatchet's API, not to where workers connect."""
        return await self._call(call, HatchetApiUnavailable)


def _log_as_we_do() -> None:
    """Let what the SDK logs go where our own log goes, and only what matters."""
    logger = logging.getLogger("hatchet")
    logger.handlers.clear()
    logger.propagate = True
    quiet_sdk()


def _message_of(error: BaseException) -> str:
    """Return the error in one line, without values of settings, as one may be a secret."""
    details = getattr(error, "details", None)
    text = str(details()) if callable(details) else str(error)
    if isinstance(error, ValidationError):
        found = error.errors(include_input=False, include_url=False, include_context=False)
        text = "; ".join(f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip() for one in found)
    return " ".join(text.split())[:300] or type(error).__name__
