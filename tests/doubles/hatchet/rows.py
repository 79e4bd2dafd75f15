"""The state of the engine. A stop keeps it, and a snapshot copies it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})


def new_id() -> str:
    """Return a new id in the engine's format."""
    return str(uuid.uuid4())


def now() -> datetime:
    """Return the current time of the engine, which is the machine's."""
    return datetime.now(UTC)


@dataclass
class Workflow:
    """A registered workflow with one task, the only kind that the double supports.

    Args:
        id: the id, which a new registration under the same name keeps.
        version_id: the id of this registration.
        step_id: the id of the task in this registration.
        name: the name.
        task: the name of the task.
        action: the action that a worker must offer to run it.
        timeout: how many seconds one invocation may take, including waits.
        schedule_timeout: how many seconds a run may be queued.
        retries: how often a failed run is retried.
        backoff: the base of the delay in seconds, which is raised to the number of the retry; None
            for no delay.
        longest_backoff: the longest delay before a retry, in seconds.
        durable: whether its runs have a durable log.
        slots: how many slots of each type a run takes.
        events: keys of the events that start a run, with `*` as a wildcard.
        crons: cron expressions, which the double fires only on request.
        cron_input: the input of a cron's run, JSON.
    """

    id: str
    version_id: str
    step_id: str
    name: str
    task: str
    action: str
    timeout: float
    schedule_timeout: float
    retries: int
    backoff: float | None
    longest_backoff: float | None
    durable: bool
    slots: dict[str, int]
    events: list[str]
    crons: list[str]
    cron_input: str


@dataclass
class TaskEvent:
    """An entry of a run's history, as the dashboard shows it.

    Args:
        number: increases over all runs.
        kind: for example `QUEUED`, `CANCELLED`, `DURABLE_EVICTED`.
        at: when it happened.
        retry_count: the attempt that it belongs to, from 0.
        message: the engine's message.
        error: the error of the task.
        worker_id: the worker that has the run.
    """

    number: int
    kind: str
    at: datetime
    retry_count: int
    message: str = ""
    error: str = ""
    worker_id: str | None = None


@dataclass
class Condition:
    """A condition that can end a wait.

    Args:
        kind: `SLEEP` or `USER_EVENT`.
        group: the conditions of a group are alternatives.
        name: the key of its result in the answer.
        sleep_for: the duration of a sleep, as text.
        due: when the sleep is over, in seconds since 1970.
        key: the event's key.
        scope: the event's scope; None for any.
        since: events from this time on count, also before the wait.
        expression: a condition on the event's payload; empty for none.
        met_by: the results that met it; empty before.
    """

    kind: str
    group: str
    name: str
    sleep_for: str = ""
    due: float | None = None
    key: str = ""
    scope: str | None = None
    since: datetime | None = None
    expression: str = ""
    met_by: list[Any] = field(default_factory=list[Any])


@dataclass
class Entry:
    """An entry of a durable run's log: a request and its answer.

    Args:
        node_id: its position, from 1.
        kind: `MEMO`, `WAIT_FOR` or `RUN`.
        fingerprint: what a replay must repeat at this position.
        description: the request for error messages.
        satisfied: whether there is an answer.
        payload: the answer, JSON.
        conditions: the conditions that can end a wait.
        child_id: the id of the run that was started.
        error: the error of that run.
    """

    node_id: int
    kind: str
    fingerprint: tuple[str, ...]
    description: str
    satisfied: bool = False
    payload: bytes = b""
    conditions: list[Condition] = field(default_factory=list[Condition])
    child_id: str = ""
    error: str | None = None


@dataclass
class Run:
    """A workflow run and the run of its only task, which share an id.

    Args:
        id: the id.
        number: the number of earlier runs.
        workflow: its workflow.
        input: the input, JSON.
        metadata: metadata for searches.
        priority: from 1 to 3; a higher one runs earlier.
        created_at: when it was started.
        status: `QUEUED`, `RUNNING`, `COMPLETED`, `FAILED` or `CANCELLED`.
        evicted: whether it waits without a worker.
        retry_count: the attempt, from 0.
        reassigned: how often it was taken from a worker that was gone.
        invocation: how often a durable run was sent to a worker.
        position: the node of the last request in this invocation.
        worker_id: the worker that has it.
        queued_at: when it was queued last.
        not_before: when it may be retried.
        started_at: when it was sent to a worker last.
        finished_at: when it ended.
        output: its result, JSON.
        error: its error.
        history: its history, oldest first.
        log: the log of a durable run.
        event_id: the id of the event that started it.
        event_key: the key of that event.
        parent_id: the id of the run that started it.
        stranded: whether answers do not reach it any more.
        missed: whether an answer did not reach it because it was being evicted; only a restore
            brings it back.
    """

    id: str
    number: int
    workflow: Workflow
    input: str
    metadata: dict[str, Any]
    priority: int
    created_at: datetime
    status: str = "QUEUED"
    evicted: bool = False
    retry_count: int = 0
    reassigned: int = 0
    invocation: int = 0
    position: int = 0
    worker_id: str | None = None
    queued_at: datetime = field(default_factory=now)
    not_before: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    output: str = ""
    error: str = ""
    history: list[TaskEvent] = field(default_factory=list[TaskEvent])
    log: list[Entry] = field(default_factory=list[Entry])
    event_id: str | None = None
    event_key: str | None = None
    parent_id: str | None = None
    stranded: bool = False
    missed: bool = False

    @property
    def ended(self) -> bool:
        """Whether it has a final status."""
        return self.status in ENDED


@dataclass
class Worker:
    """A registered worker.

    Args:
        id: the id that it got at registration.
        name: the name.
        actions: the actions that it can run.
        slots: how many slots of each type it has.
        labels: its labels.
        created_at: when it was registered.
        heard_at: its last heartbeat.
        paused: whether it takes no new runs.
        listened: whether it has ever had a stream.
        runtime: its SDK, language and operating system.
    """

    id: str
    name: str
    actions: list[str]
    slots: dict[str, int]
    labels: dict[str, str]
    created_at: datetime
    heard_at: datetime
    paused: bool = False
    listened: bool = False
    runtime: dict[str, str] = field(default_factory=dict[str, str])


@dataclass
class Event:
    """A pushed event.

    Args:
        id: the id.
        key: the key.
        payload: the payload, JSON.
        metadata: the metadata.
        scope: the scope.
        seen_at: when it was received.
        runs: ids of the runs that it started.
    """

    id: str
    key: str
    payload: str
    metadata: dict[str, Any]
    scope: str | None
    seen_at: datetime
    runs: list[str] = field(default_factory=list[str])


@dataclass
class Rows:
    """The complete state.

    Args:
        workflows: the workflows by name.
        runs: the runs by id, oldest first.
        workers: the workers by id.
        events: the events, oldest first.
        lines: the number of entries of all histories.
    """

    workflows: dict[str, Workflow] = field(default_factory=dict[str, Workflow])
    runs: dict[str, Run] = field(default_factory=dict[str, Run])
    workers: dict[str, Worker] = field(default_factory=dict[str, Worker])
    events: list[Event] = field(default_factory=list[Event])
    lines: int = 0
