"""Calls Hatchet through its SDK, which is imported on first use because the import takes seconds.

The SDK's calls run on threads, because they block, retry for a while, and must not be bound to the
server's event loop.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from ...compat.hatchet_child import quiet_sdk, start_quiet_tracker
from ...compat.hatchet_sdk import EngineConnection, fetch_task_events, restore_task
from ...config.hatchet_token import (
    NAMESPACE,
    parse_token,
    read_client_settings,
    select_namespace,
)
from ...domain.round_robin import split_into_chunks
from ...errors import HatchetApiUnavailable, HatchetUnavailable
from ...store.hatchet_runs import RunStart

log = logging.getLogger("hogsend.hatchet")

# The event that wakes a run; its scope is the enrollment, so that no other run receives it.
WAKE = "hogsend:wake"
# The maximum number of runs in one call. Hatchet takes a thousand, but several smaller calls at
# once are faster.
_MAX_STARTS, _MAX_WAKES, _MAX_CANCELS = 500, 50, 100
_MAX_CALLS = 8
# How long Hatchet may take to answer a ping, in seconds.
_PING_TIMEOUT = 10
_CANCELLED = "CANCELLED"
# The events after which a run waits for a worker.
_QUEUED = frozenset(
    (
        "CREATED",
        "QUEUED",
        "REQUEUED_NO_WORKER",
        "REQUEUED_RATE_LIMIT",
        "RETRYING",
        "REASSIGNED",
        "DURABLE_RESTORING",
    )
)
_MAX_TASK_EVENTS = 200
# The number of runs on one page of a list, and the maximum number of pages.
_PAGE_SIZE, _MAX_PAGES = 1000, 10

R = TypeVar("R")


class RunInput(BaseModel):
    """The input of a run; Hatchet's dashboard shows these field names."""

    enrollmentId: str
    eventId: str
    contactId: str
    # Empty in the runs of earlier releases.
    installationId: str = ""


@dataclass(frozen=True, slots=True)
class RunReport:
    """What Hatchet's API says about a run; all false when Hatchet does not know the run.

    Args:
        was_cancelled: whether an operator cancelled it, and not a timeout or Hatchet.
        is_queued: whether it waits for a worker.
    """

    was_cancelled: bool
    is_queued: bool


class Client:
    """This process's connection to Hatchet; `connect` creates it.

    Args:
        sdk: the module `hatchet_sdk`.
        hatchet: the SDK's client.
        shared: the SDK's client for what all installations in the tenant share: the events that
            other services push.
        installation_id: goes into the input of each run.

    Attributes:
        tasks: the tasks that can be started: of journeys by the journey's id, and cron tasks by
            name. Empty until Hatchet knows them, because Hatchet accepts the start of a task that
            it does not know, and never runs it.
        namespace: the prefix of the names of this installation's tasks, workers and wakes.
    """

    def __init__(self, sdk: Any, hatchet: Any, shared: Any, installation_id: str) -> None:
        self.sdk = sdk
        self.hatchet = hatchet
        self.shared = shared
        self.installation_id = installation_id
        self.namespace = str(hatchet.namespace)
        self.tasks: Mapping[str, Any] = {}
        self._call_slots = asyncio.Semaphore(_MAX_CALLS)
        # Not the loop's default pool: at its end the loop waits for the threads of that pool, and a
        # call that Hatchet does not answer never returns. The additional thread is for the ping.
        self._threads = ThreadPoolExecutor(_MAX_CALLS + 1, "hatchet")
        self._engine = EngineConnection(hatchet)

    @staticmethod
    async def connect(installation_id: str) -> Client:
        """Import the SDK in a thread, and create its client from the environment variables.

        Args:
            installation_id: the namespace is made from it, unless a setting has one.

        Raises:
            HatchetUnavailable: the token or another setting of the client is invalid.
        """

        def create() -> Client:
            # The SDK's error would quote the token, which may be a different secret by mistake.
            settings = read_client_settings()
            parse_token(settings.get("HATCHET_CLIENT_TOKEN", ""))
            # Before the import, because gRPC reads its log level when it is imported.
            quiet_sdk()
            start_quiet_tracker()
            sdk = importlib.import_module("hatchet_sdk")
            _configure_sdk_log()

            def create_sdk_client(namespace: str) -> Any:
                # The log capture would add a handler to the root logger and send logs to Hatchet.
                config = sdk.ClientConfig(disable_log_capture=True, namespace=namespace)
                return sdk.Hatchet(config=config)

            namespace = select_namespace(settings, installation_id)
            hatchet = create_sdk_client(namespace)
            # A namespace that was set is also the namespace of the services that push events.
            shared = hatchet if settings.get(NAMESPACE) else create_sdk_client("")
            return Client(sdk, hatchet, shared, installation_id)

        try:
            return await asyncio.to_thread(create)
        except Exception as error:
            raise HatchetUnavailable(
                f"the settings of Hatchet's client do not work: {_describe(error)}"
            ) from None

    def close(self) -> None:
        """Disconnect without waiting for running calls."""
        self._engine.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def start(self, journey_id: str, starts: Sequence[RunStart]) -> list[str]:
        """Start a run for each of these enrollments of one journey; return the ids of the runs.

        Raises:
            HatchetUnavailable: a call failed; some runs may have started.
        """
        task = self.tasks[journey_id]

        def build_items(part: Sequence[RunStart]) -> list[Any]:
            return [
                task.create_bulk_run_item(
                    input=RunInput(
                        enrollmentId=str(start.enrollment_id),
                        eventId=str(start.event_id),
                        contactId=str(start.contact_id),
                        installationId=self.installation_id,
                    ),
                    additional_metadata={
                        "enrollment": str(start.enrollment_id),
                        "event": str(start.event_id),
                        "contact": str(start.contact_id),
                    },
                )
                for start in part
            ]

        runs: list[str] = []
        for part in split_into_chunks(starts, _MAX_STARTS):
            refs = await self._call(
                lambda part=part: task.run_many(build_items(part), wait_for_result=False)
            )
            runs += [str(ref.workflow_run_id) for ref in refs]
        return runs

    async def wake(self, wakes: Sequence[tuple[UUID, int]]) -> None:
        """Wake the runs of enrollments.

        Args:
            wakes: the enrollments, each with the number of its last turn.

        Raises:
            HatchetUnavailable: some runs were not woken.
        """
        push = self.sdk.BulkPushEventWithMetadata
        events = self.hatchet.event

        def build_call(part: Sequence[tuple[UUID, int]]) -> Callable[[], Any]:
            return lambda: events.bulk_push(
                [
                    push(key=WAKE, payload={"turn": turn}, scope=str(enrollment_id))
                    for enrollment_id, turn in part
                ]
            )

        await asyncio.gather(
            *(self._call(build_call(part)) for part in split_into_chunks(wakes, _MAX_WAKES))
        )

    async def cancel(self, run_ids: Collection[str]) -> None:
        """Cancel runs by their ids; runs that have ended are ignored.

        Raises:
            HatchetApiUnavailable: some runs were not cancelled.
        """
        options = self.sdk.BulkCancelReplayOpts
        for part in split_into_chunks(sorted(run_ids), _MAX_CANCELS):
            await self._call_api(
                lambda part=part: self.hatchet.runs.bulk_cancel(options(ids=list(part)))
            )

    async def start_task(self, name: str) -> None:
        """Start a cron task.

        Raises:
            HatchetUnavailable: the task was not started.
        """
        await self._call(lambda: self.tasks[name].run(wait_for_result=False))

    async def list_cancelled_since(self, since: datetime) -> list[str]:
        """Return the ids of cancelled runs that began after an instant, newest first.

        Raises:
            HatchetApiUnavailable: the list could not be read.
        """
        status, run_ids = self.sdk.V1TaskStatus.CANCELLED, list[str]()
        for page in range(_MAX_PAGES):
            listed = await self._call_api(
                lambda page=page: self.hatchet.runs.list(
                    since=since,
                    statuses=[status],
                    limit=_PAGE_SIZE,
                    offset=page * _PAGE_SIZE,
                    include_payloads=False,
                )
            )
            run_ids += [str(row.workflow_run_external_id) for row in listed.rows]
            if len(listed.rows) < _PAGE_SIZE:
                break
        return run_ids

    async def restore(self, run_ids: Sequence[str]) -> None:
        """Queue evicted runs whose wait has ended; other runs are ignored.

        Raises:
            HatchetApiUnavailable: some runs were not restored.
        """
        await asyncio.gather(
            *(
                self._call_api(lambda run_id=run_id: restore_task(self.hatchet, run_id))
                for run_id in run_ids
            )
        )

    async def fetch_reports(self, run_ids: Collection[str]) -> dict[str, RunReport]:
        """Return what Hatchet knows about runs, by their ids.

        Raises:
            HatchetApiUnavailable: the events of some runs could not be read.
        """
        reports = await asyncio.gather(*map(self._fetch_report, run_ids))
        return dict(zip(run_ids, reports, strict=True))

    async def _fetch_report(self, run_id: str) -> RunReport:
        rows = await self._call_api(
            lambda: fetch_task_events(self.hatchet, run_id, _MAX_TASK_EVENTS)
        )
        # Hatchet also cancels a run that waited too long for a worker, but with a message.
        was_cancelled = any(row.event_type.value == _CANCELLED and not row.message for row in rows)
        newest = max(rows, key=lambda row: (row.timestamp, row.id), default=None)
        is_queued = newest is not None and newest.event_type.value in _QUEUED
        return RunReport(was_cancelled, is_queued)

    async def fetch_version(self) -> str:
        """Ping Hatchet; return its version.

        Raises:
            HatchetUnavailable: Hatchet does not answer.
        """
        # The ping takes no slot, because calls that are never answered may hold all slots.
        return await self._call_now(
            lambda: self._engine.fetch_version(_PING_TIMEOUT), HatchetUnavailable
        )

    async def _call(
        self, call: Callable[[], R], error_type: type[HatchetUnavailable] = HatchetUnavailable
    ) -> R:
        async with self._call_slots:
            return await self._call_now(call, error_type)

    async def _call_now(self, call: Callable[[], R], error_type: type[HatchetUnavailable]) -> R:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, call)
        except Exception as error:
            raise error_type(_describe(error)) from error

    async def _call_api(self, call: Callable[[], R]) -> R:
        """Call Hatchet's REST API, which has a different address from the engine."""
        return await self._call(call, HatchetApiUnavailable)


def _configure_sdk_log() -> None:
    """Let the SDK's records that pass the filter go to the process's log, in its format."""
    logger = logging.getLogger("hatchet")
    logger.handlers.clear()
    logger.propagate = True


def _describe(error: BaseException) -> str:
    """Return an error as one line, without the values of settings, which may be secrets."""
    details = getattr(error, "details", None)
    text = str(details()) if callable(details) else str(error)
    if isinstance(error, ValidationError):
        errors = error.errors(include_input=False, include_url=False, include_context=False)
        text = "; ".join(
            f"{'.'.join(map(str, item['loc']))} {item['msg']}".strip() for item in errors
        )
    return " ".join(text.split())[:300] or type(error).__name__
