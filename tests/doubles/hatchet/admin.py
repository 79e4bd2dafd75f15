"""The services that register workflows, start runs and accept events."""

from __future__ import annotations

import json
from typing import Any

import grpc
from hatchet_sdk.contracts import events_pb2, workflows_pb2
from hatchet_sdk.contracts.events_pb2_grpc import EventsServiceServicer
from hatchet_sdk.contracts.v1 import workflows_pb2 as v1
from hatchet_sdk.contracts.v1.shared.trigger_pb2 import TriggerWorkflowRequest
from hatchet_sdk.contracts.v1.workflows_pb2_grpc import AdminServiceServicer
from hatchet_sdk.contracts.workflows_pb2_grpc import WorkflowServiceServicer

from tests.doubles.hatchet.engine import Engine
from tests.doubles.hatchet.log import seconds
from tests.doubles.hatchet.metadata import decoded
from tests.doubles.hatchet.rows import Event, Workflow, new_id
from tests.doubles.hatchet.token import TENANT

MAX_EVENTS = 1000
Context = grpc.aio.ServicerContext[Any, Any]


class Workflows(WorkflowServiceServicer):
    """Starts runs.

    Args:
        engine: holds the rows.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def TriggerWorkflow(
        self, request: TriggerWorkflowRequest, context: Context
    ) -> workflows_pb2.TriggerWorkflowResponse:
        return workflows_pb2.TriggerWorkflowResponse(workflow_run_id=self._start(request))

    async def BulkTriggerWorkflow(
        self, request: workflows_pb2.BulkTriggerWorkflowRequest, context: Context
    ) -> workflows_pb2.BulkTriggerWorkflowResponse:
        ids = [self._start(workflow) for workflow in request.workflows]
        return workflows_pb2.BulkTriggerWorkflowResponse(workflow_run_ids=ids)

    def _start(self, request: TriggerWorkflowRequest) -> str:
        return self._engine.start_run(
            request.name,
            request.input,
            decoded(request.additional_metadata),
            priority=request.priority or 1,
            parent_id=request.parent_id or None,
        )


class Admin(AdminServiceServicer):
    """Registers workflows, cancels runs and returns their details.

    Args:
        engine: holds the rows.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def PutWorkflow(
        self, request: v1.CreateWorkflowVersionRequest, context: Context
    ) -> v1.CreateWorkflowVersionResponse:
        if len(request.tasks) != 1 or request.HasField("on_failure_task"):
            await context.abort(
                grpc.StatusCode.UNIMPLEMENTED, "the double supports only workflows with one task"
            )
        existing = self._engine.rows.workflows.get(request.name)
        workflow = build_workflow(request, existing.id if existing else new_id())
        self._engine.rows.workflows[workflow.name] = workflow
        return v1.CreateWorkflowVersionResponse(id=workflow.version_id, workflow_id=workflow.id)

    async def CancelTasks(
        self, request: v1.CancelTasksRequest, context: Context
    ) -> v1.CancelTasksResponse:
        self._engine.cancel(request.external_ids)
        return v1.CancelTasksResponse(cancelled_tasks=request.external_ids)

    async def GetRunDetails(
        self, request: v1.GetRunDetailsRequest, context: Context
    ) -> v1.GetRunDetailsResponse:
        run = self._engine.rows.runs.get(request.external_id)
        if run is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "workflow run not found")
        status: Any = v1.RunStatus.Value(run.status)
        task = v1.TaskRunDetail(
            external_id=run.id,
            status=status,
            error=run.error,
            readable_id=run.workflow.task,
            is_evicted=run.evicted,
        )
        if run.output:
            task.output = run.output.encode()
        return v1.GetRunDetailsResponse(
            input=run.input.encode(),
            status=status,
            task_runs={run.workflow.task: task},
            done=run.ended,
            additional_metadata=json.dumps(run.metadata).encode(),
            is_evicted=run.evicted,
        )


class Events(EventsServiceServicer):
    """Accepts events.

    Args:
        engine: holds the rows.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def Push(
        self, request: events_pb2.PushEventRequest, context: Context
    ) -> events_pb2.Event:
        await self._check([request], context)
        return self._take(request)

    async def BulkPush(
        self, request: events_pb2.BulkPushEventRequest, context: Context
    ) -> events_pb2.Events:
        if len(request.events) > MAX_EVENTS:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"Invalid request: too many events - {len(request.events)}"
                f" is over maximum ({MAX_EVENTS})",
            )
        await self._check(list(request.events), context)
        return events_pb2.Events(events=[self._take(event) for event in request.events])

    async def PutLog(
        self, request: events_pb2.PutLogRequest, context: Context
    ) -> events_pb2.PutLogResponse:
        return events_pb2.PutLogResponse()

    async def PutStreamEvent(
        self, request: events_pb2.PutStreamEventRequest, context: Context
    ) -> events_pb2.PutStreamEventResponse:
        return events_pb2.PutStreamEventResponse()

    async def _check(self, pushed: list[events_pb2.PushEventRequest], context: Context) -> None:
        for event in pushed:
            try:
                json.loads(event.payload or "{}")
            except ValueError:
                await context.abort(
                    grpc.StatusCode.INVALID_ARGUMENT,
                    "Invalid request: invalid json in field `payload`",
                )

    def _take(self, pushed: events_pb2.PushEventRequest) -> events_pb2.Event:
        event = self._engine.push(
            pushed.key,
            pushed.payload,
            decoded(pushed.additional_metadata),
            pushed.scope if pushed.HasField("scope") else None,
        )
        return _answer(event, pushed)


def _answer(event: Event, pushed: events_pb2.PushEventRequest) -> events_pb2.Event:
    # Like the real engine, which does not return the scope.
    answer = events_pb2.Event(
        tenant_id=TENANT, event_id=event.id, key=event.key, payload=event.payload
    )
    if pushed.HasField("additional_metadata"):
        answer.additional_metadata = pushed.additional_metadata
    answer.event_timestamp.FromDatetime(event.seen_at)
    return answer


def build_workflow(request: v1.CreateWorkflowVersionRequest, workflow_id: str) -> Workflow:
    """Return the row of a registration.

    Args:
        request: the worker's registration.
        workflow_id: the id of the workflow with that name.
    """
    task = request.tasks[0]
    return Workflow(
        id=workflow_id,
        version_id=new_id(),
        step_id=new_id(),
        name=request.name,
        task=task.readable_id,
        action=task.action,
        timeout=seconds(task.timeout or "60s"),
        schedule_timeout=seconds(task.schedule_timeout or "5m"),
        retries=task.retries,
        backoff=task.backoff_factor if task.HasField("backoff_factor") else None,
        longest_backoff=float(task.backoff_max_seconds)
        if task.HasField("backoff_max_seconds")
        else None,
        durable=task.is_durable,
        slots=dict(task.slot_requests) or {"durable" if task.is_durable else "default": 1},
        events=list(request.event_triggers),
        crons=list(request.cron_triggers),
        cron_input=request.cron_input or "{}",
    )
