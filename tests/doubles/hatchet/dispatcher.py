"""The service that workers connect to, and that reports the results of runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
from hatchet_sdk.contracts import dispatcher_pb2 as messages
from hatchet_sdk.contracts.dispatcher_pb2_grpc import (
    DispatcherServicer,  # pyright: ignore[reportAttributeAccessIssue]
)

from tests.doubles.hatchet.engine import Engine
from tests.doubles.hatchet.rows import Run, Worker, new_id, now
from tests.doubles.hatchet.token import TENANT

Context = grpc.aio.ServicerContext[Any, Any]


class Dispatcher(DispatcherServicer):
    """Registers workers, sends them runs, and receives the results.

    Args:
        engine: holds the rows.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def GetVersion(
        self, request: messages.GetVersionRequest, context: Context
    ) -> messages.GetVersionResponse:
        return messages.GetVersionResponse(version=self._engine.version)

    async def Register(
        self, request: messages.WorkerRegisterRequest, context: Context
    ) -> messages.WorkerRegisterResponse:
        about = request.runtime_info
        worker = Worker(
            id=new_id(),
            name=request.worker_name,
            actions=list(request.actions),
            slots=dict(request.slot_config) or {"default": request.slots or 100},
            labels={
                key: label.str_value or str(label.int_value)
                for key, label in request.labels.items()
            },
            created_at=now(),
            heard_at=now(),
            runtime={
                "language": "PYTHON",
                "languageVersion": about.language_version,
                "os": about.os,
                "runtimeExtra": about.extra,
                "sdkVersion": about.sdk_version,
            },
        )
        self._engine.rows.workers[worker.id] = worker
        return messages.WorkerRegisterResponse(
            tenant_id=TENANT, worker_id=worker.id, worker_name=worker.name
        )

    async def Heartbeat(
        self, request: messages.HeartbeatRequest, context: Context
    ) -> messages.HeartbeatResponse:
        worker = self._engine.rows.workers.get(request.worker_id)
        if worker is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"worker not found: {request.worker_id}")
        # A heartbeat before the first stream is accepted.
        if worker.listened and worker.id not in self._engine.action_streams:
            await context.abort(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"Heartbeat rejected: worker stream is not active: {worker.id}",
            )
        worker.heard_at = now()
        return messages.HeartbeatResponse()

    async def ListenV2(
        self, request: messages.WorkerListenRequest, context: Context
    ) -> AsyncIterator[messages.AssignedAction]:
        worker = self._engine.rows.workers.get(request.worker_id)
        if worker is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "not found")
        stream: asyncio.Queue[messages.AssignedAction] = asyncio.Queue()
        self._engine.action_streams[worker.id] = stream
        worker.listened, worker.heard_at = True, now()
        self._engine.changed.set()
        sending: messages.AssignedAction | None = None
        try:
            while self._engine.action_streams.get(worker.id) is stream:
                sending = await stream.get()
                if sending.action_id:
                    yield sending
                sending = None
        finally:
            if sending is not None:
                # The stream ended before it was sent.
                stream.put_nowait(sending)
            if self._engine.action_streams.get(worker.id) is stream:
                del self._engine.action_streams[worker.id]
            self._take_back(stream)

    def _take_back(self, stream: asyncio.Queue[messages.AssignedAction]) -> None:
        while not stream.empty():
            action = stream.get_nowait()
            run = self._engine.rows.runs.get(action.task_run_external_id)
            if action.action_type == messages.START_STEP_RUN and run and run.status == "RUNNING":
                self._engine.requeue(run)

    async def Unsubscribe(
        self, request: messages.WorkerUnsubscribeRequest, context: Context
    ) -> messages.WorkerUnsubscribeResponse:
        stream = self._engine.action_streams.pop(request.worker_id, None)
        if stream is not None:
            # An action without an id ends the stream.
            stream.put_nowait(messages.AssignedAction())
        return messages.WorkerUnsubscribeResponse(tenant_id=TENANT, worker_id=request.worker_id)

    async def UpsertWorkerLabels(
        self, request: messages.UpsertWorkerLabelsRequest, context: Context
    ) -> messages.UpsertWorkerLabelsResponse:
        return messages.UpsertWorkerLabelsResponse(tenant_id=TENANT, worker_id=request.worker_id)

    async def SendStepActionEvent(
        self, request: messages.StepActionEvent, context: Context
    ) -> messages.ActionEventResponse:
        run = self._engine.rows.runs.get(request.task_run_external_id)
        if run is None:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"invalid task external run id {request.task_run_external_id}:"
                " no rows in result set",
            )
        if not run.ended and request.retry_count == run.retry_count:
            self._apply(run, request)
        return messages.ActionEventResponse(tenant_id=TENANT, worker_id=request.worker_id)

    def _apply(self, run: Run, event: messages.StepActionEvent) -> None:
        if event.event_type == messages.STEP_EVENT_TYPE_STARTED:
            # Its listener and its runner both say so.
            if run.history[-1].kind != "STARTED":
                self._engine.record(run, "STARTED", worker_id=event.worker_id)
        elif event.event_type == messages.STEP_EVENT_TYPE_COMPLETED:
            self._engine.finish(run, "COMPLETED", kind="FINISHED", output=event.event_payload)
        elif event.event_type == messages.STEP_EVENT_TYPE_FAILED:
            self._engine.fail_or_retry(
                run, event.event_payload, final=event.should_not_retry, kind="FAILED"
            )

    async def SubscribeToWorkflowRuns(
        self,
        requests: AsyncIterator[messages.SubscribeToWorkflowRunsRequest],
        context: Context,
    ) -> AsyncIterator[messages.WorkflowRunEvent]:
        wanted: set[str] = set()
        ends: asyncio.Queue[Run] = asyncio.Queue()

        def watch(run: Run) -> None:
            if run.id in wanted:
                ends.put_nowait(run)

        async def receive_requests() -> None:
            async for request in requests:
                wanted.add(request.workflow_run_id)
                run = self._engine.rows.runs.get(request.workflow_run_id)
                if run is not None and run.ended:
                    ends.put_nowait(run)

        receiving = asyncio.create_task(receive_requests())
        self._engine.watchers.add(watch)
        try:
            while True:
                run = await ends.get()
                yield build_result(run)
        finally:
            self._engine.watchers.discard(watch)
            receiving.cancel()


def build_result(run: Run) -> messages.WorkflowRunEvent:
    """Return the result of a run; a cancelled run has neither output nor error."""
    result = messages.StepRunResult(
        task_run_external_id=run.id, task_name=run.workflow.task, job_run_id=run.id
    )
    if run.error:
        result.error = run.error
    elif run.output:
        result.output = json.dumps(json.loads(run.output))
    event = messages.WorkflowRunEvent(workflow_run_id=run.id, results=[result])
    event.event_timestamp.GetCurrentTime()
    return event
