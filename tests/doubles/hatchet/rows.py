"""What the engine remembers: it outlives a stop, and a snapshot of it is a copy."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})


def new_id() -> str:
    """An id as the engine gives them."""
    return str(uuid.uuid4())


def now() -> datetime:
    """The present instant; the engine's clock is the machine's."""
    return datetime.now(UTC)


@dataclass
class Workflow:
    """A registered workflow of one task, which is the only kind the double knows.

    Args:
        id: its id; a new registration under the same name keeps it.
        version_id: the id of this registration.
        step_id: the id of its task in this registration.
        name: its name.
        task: its task's name.
        action: what a worker must offer to run it.
        timeout: seconds that one invocation may take, sleeping included.
        schedule_timeout: seconds that a run may be queued.
        retries: how often a failed run is tried again.
        backoff: seconds before try n, to the power of n; none tries again at once.
        longest_backoff: the most seconds between two tries.
        durable: whether its runs keep a log.
        slots: units of each kind of slot that a run takes.
        events: keys of the events that start a run, `*` for anything.
        crons: expressions; the double fires them only when told to.
        cron_input: JSON, what a cron's run is given.
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
    """A line of a run's history, as the dashboard shows it.

    Args:
        number: larger for later lines, over all runs.
        kind: such as `QUEUED`, `CANCELLED`, `DURABLE_EVICTED`.
        at: when.
        retry_count: the try that it is about, from 0.
        message: what the engine says about it.
        error: what the task failed with.
        worker_id: who has the run.
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
    """One thing that a wait can end by.

    Args:
        kind: `SLEEP` or `USER_EVENT`.
        group: conditions of one group are alternatives.
        name: under which what ended it is handed over.
        sleep_for: how long, as it was written.
        due: when the sleep is over, in seconds since 1970.
        key: the event's key.
        scope: the event's scope; none lets any pass.
        since: earlier events count too, from this instant on.
        expression: what holds of the event's payload; empty for anything.
        met_by: what ended it, or nothing yet.
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
    """A line of a durable run's log: what it asked for, and the answer.

    Args:
        node_id: its position, from 1.
        kind: `MEMO`, `WAIT_FOR` or `RUN`.
        fingerprint: what a replay must ask for again at this position.
        says: the same for people.
        satisfied: whether there is an answer.
        payload: the answer, JSON.
        conditions: what a wait can end by.
        child_id: the run that was started.
        error: what that run failed with.
    """

    node_id: int
    kind: str
    fingerprint: tuple[str, ...]
    says: str
    satisfied: bool = False
    payload: bytes = b""
    conditions: list[Condition] = field(default_factory=list[Condition])
    child_id: str = ""
    error: str | None = None


@dataclass
class Run:
    """A workflow run, and its only task's run, which have one id.

    Args:
        id: its id.
        number: how many were before it.
        workflow: what it runs.
        input: JSON.
        metadata: what it was started with, for searching.
        priority: the higher the sooner, 1 to 3.
        created_at: when it was started.
        status: `QUEUED`, `RUNNING`, `COMPLETED`, `FAILED` or `CANCELLED`.
        evicted: it waits, and no worker has it.
        retry_count: the try, from 0.
        reassigned: how often it was taken from a worker that went away.
        invocation: how often a worker was given a durable run.
        position: the node that was asked for last in this invocation.
        worker_id: who has it.
        queued_at: when it was queued for the last time.
        not_before: when it may be tried again.
        started_at: when a worker got it last.
        finished_at: when it ended.
        output: JSON, what it returned.
        error: what it failed with.
        history: its lines in the dashboard, oldest first.
        log: what it asked for.
        event_id: the event that started it.
        event_key: that event's key.
        parent_id: the run that started it.
        stranded: what it waits for is not handed over any more.
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

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status in ENDED


@dataclass
class Worker:
    """A worker that registered.

    Args:
        id: its id, given at registration.
        name: its name.
        actions: what it can run.
        slots: how many units of each kind it has.
        labels: what it says of itself.
        created_at: when it registered.
        heard_at: its last heartbeat.
        paused: whether it wants nothing new.
        listened: whether it has ever had a stream.
        runtime: its SDK, language and system.
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
    """An event that was pushed.

    Args:
        id: its id.
        key: its key.
        payload: JSON.
        metadata: what came with it.
        scope: what it is about.
        seen_at: when it came.
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
    """All of it.

    Args:
        workflows: by name.
        runs: by id, oldest first.
        workers: by id.
        events: oldest first.
        lines: how many lines all histories have.
    """

    workflows: dict[str, Workflow] = field(default_factory=dict[str, Workflow])
    runs: dict[str, Run] = field(default_factory=dict[str, Run])
    workers: dict[str, Worker] = field(default_factory=dict[str, Worker])
    events: list[Event] = field(default_factory=list[Event])
    lines: int = 0
