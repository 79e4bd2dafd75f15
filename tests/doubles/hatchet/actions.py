"""The messages that an engine sends to a worker."""

from __future__ import annotations

import json

from hatchet_sdk.contracts.dispatcher_pb2 import START_STEP_RUN, ActionType, AssignedAction

from tests.doubles.hatchet.rows import Run
from tests.doubles.hatchet.token import TENANT


def action_for(run: Run, kind: ActionType) -> AssignedAction:
    """Return the message that starts or cancels a run on a worker."""
    workflow = run.workflow
    action = AssignedAction(
        tenant_id=TENANT,
        workflow_run_id=run.id,
        job_id=workflow.step_id,
        job_name=workflow.task,
        job_run_id=run.id,
        task_id=workflow.step_id,
        task_run_external_id=run.id,
        action_id=workflow.action,
        action_type=kind,
        action_payload=build_payload(run) if kind == START_STEP_RUN else "",
        task_name=workflow.task,
        retry_count=run.retry_count,
        additional_metadata=json.dumps(run.metadata),
        priority=run.priority,
        workflow_id=workflow.id,
        workflow_version_id=workflow.version_id,
    )
    if workflow.durable:
        action.durable_task_invocation_count = run.invocation
    if run.event_id is not None:
        action.triggering_event_external_id = run.event_id
        action.triggering_event_key = run.event_key or ""
    if run.parent_id is not None:
        action.parent_workflow_run_id = run.parent_id
    return action


def build_payload(run: Run) -> str:
    """Return a run's input in the format that the SDK expects."""
    return json.dumps(
        {
            "input": json.loads(run.input),
            "parents": {},
            "triggers": {"filter_payload": None},
            "overrides": None,
            "user_data": None,
            "triggered_by": "manual",
        }
    )
