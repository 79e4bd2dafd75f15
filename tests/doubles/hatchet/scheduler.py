"""Assigns runs to workers, and handles timeouts and lost workers."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from hatchet_sdk.contracts.dispatcher_pb2 import CANCEL_STEP_RUN, START_STEP_RUN

from tests.doubles.hatchet.actions import action_for
from tests.doubles.hatchet.engine import Engine
from tests.doubles.hatchet.rows import Run, Worker, now

# How often due runs are looked for when nothing happens, in seconds.
_POLL_INTERVAL = 0.05
# In seconds. The SDK sends a heartbeat every four seconds; a worker that misses three is lost.
_HEARTBEAT_TIMEOUT = 12.0


@dataclass
class Scheduler:
    """Assigns runs, applies their deadlines and reassigns the runs of lost workers.

    Args:
        engine: holds the rows.
        reassign_after: seconds until the runs of a lost worker are reassigned. They count from
            the end of the worker's stream, or, while its stream is open, from the moment when
            its heartbeats are overdue.
        grace: seconds after a start during which no run is reassigned, because workers need time
            to reconnect.
    """

    engine: Engine
    reassign_after: float
    grace: float
    _started_at: float = field(default=0.0, init=False)
    _disconnected_since: dict[str, float] = field(default_factory=dict[str, float], init=False)

    async def run(self) -> None:
        """Schedule after every change, and at short intervals."""
        self._started_at = time.monotonic()
        self._disconnected_since.clear()
        while True:
            self.engine.changed.clear()
            self._apply_deadlines()
            self._reassign_from_lost_workers()
            self._assign_queued()
            # `wait_for` can swallow a cancellation.
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_INTERVAL):
                    await self.engine.changed.wait()

    def _assign_queued(self) -> None:
        at = now()
        queued = [
            run
            for run in self.engine.rows.runs.values()
            if run.status == "QUEUED" and (run.not_before is None or run.not_before <= at)
        ]
        if not queued:
            return
        free_slots = {
            worker.id: self._count_free_slots(worker) for worker in self._list_ready_workers()
        }
        for run in sorted(queued, key=lambda run: (-run.priority, run.queued_at, run.number)):
            worker = self._choose_worker(run, free_slots)
            if worker is not None:
                for slot_type, units in run.workflow.slots.items():
                    free_slots[worker.id][slot_type] -= units
                self._assign(run, worker)

    def _list_ready_workers(self) -> list[Worker]:
        return [
            worker
            for worker in self.engine.rows.workers.values()
            if worker.id in self.engine.action_streams and not worker.paused
        ]

    def _count_free_slots(self, worker: Worker) -> dict[str, int]:
        free_slots = dict(worker.slots)
        for run in self.engine.rows.runs.values():
            if run.worker_id == worker.id:
                for slot_type, units in run.workflow.slots.items():
                    free_slots[slot_type] = free_slots.get(slot_type, 0) - units
        return free_slots

    def _choose_worker(self, run: Run, free_slots: dict[str, dict[str, int]]) -> Worker | None:
        able_workers = [
            self.engine.rows.workers[worker_id]
            for worker_id, slots in free_slots.items()
            if run.workflow.action in self.engine.rows.workers[worker_id].actions
            and all(
                slots.get(slot_type, 0) >= units for slot_type, units in run.workflow.slots.items()
            )
        ]
        return max(
            able_workers, key=lambda worker: sum(free_slots[worker.id].values()), default=None
        )

    def _assign(self, run: Run, worker: Worker) -> None:
        run.status, run.worker_id, run.not_before = "RUNNING", worker.id, None
        # Time spent waiting counts towards the timeout: it starts with the first invocation.
        run.started_at = run.started_at or now()
        if run.workflow.durable:
            run.invocation += 1
            run.position = 0
        self.engine.record(run, "ASSIGNED", worker_id=worker.id)
        self.engine.record(
            run,
            "SENT_TO_WORKER",
            message="Sent task run to the assigned worker",
            worker_id=worker.id,
        )
        self.engine.action_streams[worker.id].put_nowait(action_for(run, START_STEP_RUN))

    def _apply_deadlines(self) -> None:
        self.engine.end_sleeps(time.time())
        at = now()
        for run in list(self.engine.rows.runs.values()):
            if run.ended:
                continue
            workflow = run.workflow
            since = run.not_before or run.queued_at
            if run.status == "QUEUED" and at >= since + timedelta(
                seconds=workflow.schedule_timeout
            ):
                self.engine.finish(run, "FAILED", kind="SCHEDULING_TIMED_OUT")
            elif run.started_at and at >= run.started_at + timedelta(seconds=workflow.timeout):
                self._time_out(run)

    def _time_out(self, run: Run) -> None:
        stream = self.engine.action_streams.get(run.worker_id or "")
        if stream is not None:
            stream.put_nowait(action_for(run, CANCEL_STEP_RUN))
        message = f"Task exceeded timeout of {run.workflow.timeout:g}s"
        run.worker_id = None
        self.engine.fail_or_retry(run, message, final=False, kind="TIMED_OUT", message=message)

    def _reassign_from_lost_workers(self) -> None:
        if time.monotonic() < self._started_at + self.grace:
            return
        lost = {worker.id for worker in self.engine.rows.workers.values() if self._is_lost(worker)}
        if not lost:
            return
        for run in list(self.engine.rows.runs.values()):
            if run.status == "RUNNING" and run.worker_id in lost:
                self.engine.record(
                    run,
                    "REASSIGNED",
                    message="Worker did not send a heartbeat for 30 seconds",
                    worker_id=run.worker_id,
                )
                run.reassigned += 1
                run.retry_count += 1
                self.engine.requeue(run, recorded=False)

    def _is_lost(self, worker: Worker) -> bool:
        if worker.id in self.engine.action_streams:
            self._disconnected_since.pop(worker.id, None)
            return (
                now() - worker.heard_at
            ).total_seconds() > _HEARTBEAT_TIMEOUT + self.reassign_after
        disconnected_at = self._disconnected_since.setdefault(worker.id, time.monotonic())
        return time.monotonic() - disconnected_at >= self.reassign_after
