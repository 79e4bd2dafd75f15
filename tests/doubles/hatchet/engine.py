"""What the engine does with its rows: it starts, wakes and ends runs. See also `scheduler.py`."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from hatchet_sdk.contracts.dispatcher_pb2 import CANCEL_STEP_RUN, AssignedAction
from hatchet_sdk.contracts.v1.dispatcher_pb2 import (
    DurableEventLogEntryRef,
    DurableTaskEventLogEntryCompletedResponse,
    DurableTaskResponse,
)

from tests.doubles.hatchet.actions import action_for
from tests.doubles.hatchet.log import end_by_event, end_by_sleep
from tests.doubles.hatchet.rows import Entry, Event, Rows, Run, TaskEvent, Workflow, new_id, now


class Engine:
    """The rows and the connections.

    Args:
        version: what it says it is.
    """

    def __init__(self, version: str) -> None:
        self.version = version
        self.rows = Rows()
        # Called with every run that ends.
        self.watchers: set[Callable[[Run], None]] = set()
        # The open streams: of actions by worker, of durable answers by run.
        self.action_streams: dict[str, asyncio.Queue[AssignedAction]] = {}
        self.durable_streams: dict[str, asyncio.Queue[DurableTaskResponse]] = {}
        # Set when a run may be assigned.
        self.changed = asyncio.Event()
        # The ids and names of all requests, known or not, in order.
        self.cancels: list[str] = []
        self.unknown_workflows: list[str] = []
        self.lost: list[Event] = []
        self.pushes_to_lose = 0
        self.answers_to_miss = 0
        self.ignores_evictions = False

    def start_run(
        self,
        name: str,
        input: str,
        metadata: dict[str, Any],
        *,
        priority: int = 1,
        event: Event | None = None,
        parent_id: str | None = None,
    ) -> str:
        """Queue a run and return its id.

        Like the real one it also answers one for a workflow that nobody registered.
        """
        workflow = self.rows.workflows.get(name)
        if workflow is None:
            self.unknown_workflows.append(name)
            return new_id()
        with_trace = {
            **metadata,
            "traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01",
        }
        if event is not None:
            with_trace |= {"hatchet__event_id": event.id, "hatchet__event_key": event.key}
        run = Run(
            id=new_id(),
            number=len(self.rows.runs) + 1,
            workflow=workflow,
            input=input or "{}",
            metadata=with_trace,
            priority=priority,
            created_at=now(),
            event_id=event.id if event else None,
            event_key=event.key if event else None,
            parent_id=parent_id,
        )
        self.rows.runs[run.id] = run
        self.record(run, "QUEUED")
        self.changed.set()
        return run.id

    def push(self, key: str, payload: str, metadata: dict[str, Any], scope: str | None) -> Event:
        """Accept an event: it starts runs and ends waits."""
        event = Event(new_id(), key, payload or "{}", metadata, scope, now())
        if self.pushes_to_lose:
            self.pushes_to_lose -= 1
            self.lost.append(event)
            return event
        self.rows.events.append(event)
        for workflow in list(self.rows.workflows.values()):
            if any(_like(pattern, key) for pattern in workflow.events):
                event.runs.append(
                    self.start_run(workflow.name, event.payload, event.metadata, event=event)
                )
        for run, entry in self.waits():
            if not end_by_event(entry, event):
                continue
            if self.answers_to_miss and not run.evicted:
                self.answers_to_miss -= 1
                run.missed = True
            self.deliver_answer(run, entry)
        return event

    def waits(self) -> list[tuple[Run, Entry]]:
        """Yield the unsatisfied waits of runs that have not ended."""
        return [
            (run, entry)
            for run in self.rows.runs.values()
            if not run.ended
            for entry in run.log
            if entry.conditions and not entry.satisfied
        ]

    def end_sleeps(self, at: float) -> None:
        """End the waits whose sleeps are over at an instant, in seconds since 1970."""
        for run, entry in self.waits():
            if end_by_sleep(entry, at):
                self.deliver_answer(run, entry)

    def deliver_answer(self, run: Run, entry: Entry) -> None:
        """Deliver an answer to its run; an evicted run is queued for it."""
        if run.stranded or run.missed:
            return
        if run.evicted:
            self.restore(run, "callback satisfied while task evicted")
        elif run.status == "RUNNING":
            self._send_answer(run, entry)

    def restore(self, run: Run, reason: str) -> None:
        """Queue a run if it is evicted."""
        if not run.evicted:
            return
        run.evicted, run.missed, run.status, run.queued_at = False, False, "QUEUED", now()
        self.record(run, "DURABLE_RESTORING", message=f"Restoring evicted task: {reason}")
        self.changed.set()

    def _send_answer(self, run: Run, entry: Entry) -> None:
        """Send an answer on the stream that the run used last.

        Without one it is lost; the worker asks again for what it has been awaiting for long.
        """
        stream = self.durable_streams.get(run.id)
        if stream is None or entry.node_id > run.position:
            return
        stream.put_nowait(completed(run, entry))

    def finish(
        self,
        run: Run,
        status: str,
        *,
        kind: str,
        output: str = "",
        error: str = "",
        message: str = "",
    ) -> None:
        """End a run."""
        worker_id = None if kind == "CANCELLED" else run.worker_id
        run.status, run.output, run.error = status, output, error
        run.evicted, run.worker_id, run.finished_at = False, None, now()
        # An entry with a message has no error.
        self.record(run, kind, message=message, error="" if message else error, worker_id=worker_id)
        self.durable_streams.pop(run.id, None)
        self.changed.set()
        for watcher in list(self.watchers):
            watcher(run)
        self._notify_parent(run)

    def _notify_parent(self, run: Run) -> None:
        parent = self.rows.runs.get(run.parent_id or "")
        for entry in parent.log if parent else ():
            if parent is not None and entry.child_id == run.id and not entry.satisfied:
                entry.satisfied, entry.error = True, run.error or None
                entry.payload = (run.output or "{}").encode()
                if not parent.ended:
                    self.deliver_answer(parent, entry)

    def cancel(self, ids: Iterable[str]) -> None:
        """End runs at once, and notify their workers. Unknown ids are no error."""
        for run_id in ids:
            self.cancels.append(run_id)
            run = self.rows.runs.get(run_id)
            if run is None or run.ended:
                continue
            stream = self.action_streams.get(run.worker_id or "")
            if stream is not None:
                stream.put_nowait(action_for(run, CANCEL_STEP_RUN))
            self.finish(run, "CANCELLED", kind="CANCELLED")

    def fail_or_retry(
        self, run: Run, error: str, *, final: bool, kind: str, message: str = ""
    ) -> None:
        """Retry a failed run, or end it."""
        workflow = run.workflow
        if final or run.retry_count - run.reassigned >= workflow.retries:
            self.finish(run, "FAILED", kind=kind, error=error, message=message)
            return
        error_message = "" if message else error
        self.record(run, kind, message=message, error=error_message, worker_id=run.worker_id)
        run.retry_count += 1
        self.record(run, "RETRYING", message=f"This is retry number {run.retry_count}.")
        self.requeue(run, _backoff(workflow, run.retry_count))

    def requeue(self, run: Run, delay: float = 0.0, *, recorded: bool = True) -> None:
        """Queue a run again, at once or after seconds."""
        run.status, run.worker_id, run.queued_at, run.started_at = "QUEUED", None, now(), None
        run.not_before = now() + timedelta(seconds=delay) if delay else None
        self.durable_streams.pop(run.id, None)
        if recorded:
            self.record(run, "QUEUED")
        self.changed.set()

    def evict(self, run: Run, reason: str) -> None:
        """Take a waiting run from its worker until its wait ends.

        Like the real engine it does not notice a wait that ended after the worker's decision, and
        evicts a retried run under the number of an earlier attempt: that run is never woken.
        """
        if run.retry_count:
            run.stranded = True
            return
        run.evicted, run.worker_id = True, None
        self.record(run, "DURABLE_EVICTED", message=reason or "Task paused and evicted from worker")
        self.changed.set()

    def record(
        self,
        run: Run,
        kind: str,
        *,
        message: str = "",
        error: str = "",
        worker_id: str | None = None,
    ) -> None:
        """Add an entry to a run's history."""
        self.rows.lines += 1
        run.history.append(
            TaskEvent(self.rows.lines, kind, now(), run.retry_count, message, error, worker_id)
        )


def completed(run: Run, entry: Entry) -> DurableTaskResponse:
    """Return an answer as the message of a durable stream."""
    answer = DurableTaskEventLogEntryCompletedResponse(
        ref=DurableEventLogEntryRef(
            durable_task_external_id=run.id,
            invocation_count=run.invocation,
            branch_id=1,
            node_id=entry.node_id,
        ),
        payload=b"" if entry.error else entry.payload,
        is_failure=entry.error is not None,
    )
    if entry.error is not None:
        answer.error_message = entry.error
    return DurableTaskResponse(entry_completed=answer)


def _backoff(workflow: Workflow, retry: int) -> float:
    if workflow.backoff is None:
        return 0.0
    return min(workflow.backoff**retry, workflow.longest_backoff or float("inf"))


def _like(pattern: str, key: str) -> bool:
    # The real engine uses SQL's LIKE, in which an underscore matches any character.
    parts = (".*" if sign in "*%" else "." if sign == "_" else re.escape(sign) for sign in pattern)
    return re.fullmatch("".join(parts), key) is not None
