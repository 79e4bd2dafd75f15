"""The rows as the REST API returns them, with the same fields as the real one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from tests.doubles.hatchet.actions import build_payload
from tests.doubles.hatchet.engine import Engine
from tests.doubles.hatchet.rows import Event, Run, TaskEvent, Worker, now
from tests.doubles.hatchet.token import TENANT

# A worker without a heartbeat for so long is inactive.
_FRESH = timedelta(seconds=5)


def format_time(at: datetime) -> str:
    """Return a time in the API's format."""
    return at.isoformat().replace("+00:00", "Z")


def page(rows: Iterable[dict[str, Any]], offset: int, limit: int) -> dict[str, Any]:
    """Return a page of rows. Pages are counted from 1."""
    every = list(rows)
    pages = -(-len(every) // limit) if limit else 0
    current = offset // limit + 1 if limit else 1
    return {
        "pagination": {
            "current_page": current,
            "next_page": min(current + 1, pages),
            "num_pages": pages,
        },
        "rows": every[offset : offset + limit],
    }


def worker(engine: Engine, row: Worker) -> dict[str, Any]:
    """Return a worker."""
    used = {slot_type: 0 for slot_type in row.slots}
    for run in engine.rows.runs.values():
        if run.worker_id == row.id:
            for slot_type, units in run.workflow.slots.items():
                used[slot_type] = used.get(slot_type, 0) + units
    silent = now() - row.heard_at > _FRESH
    return {
        "metadata": _metadata(row.id, row.created_at, row.heard_at),
        "name": row.name,
        "type": "SELFHOSTED",
        "status": "INACTIVE" if silent else "PAUSED" if row.paused else "ACTIVE",
        "actions": row.actions,
        "labels": [{"key": key, "value": value} for key, value in row.labels.items()],
        "lastHeartbeatAt": format_time(row.heard_at),
        "runtimeInfo": row.runtime,
        "slotConfig": {
            slot_type: {"available": limit - used.get(slot_type, 0), "limit": limit}
            for slot_type, limit in row.slots.items()
        },
    }


def describe_run(run: Run, *, payloads: bool) -> dict[str, Any]:
    """Return a run as in a list."""
    line = {
        "metadata": _metadata(run.id, run.created_at, run.created_at),
        "actionId": "",
        "additionalMetadata": run.metadata,
        "attempt": run.retry_count + 1,
        "createdAt": format_time(run.created_at),
        "displayName": _name(run),
        "errorMessage": run.error,
        "input": json.loads(build_payload(run)) if payloads else {},
        "numSpawnedChildren": 0,
        "output": json.loads(run.output or "{}") if payloads else {},
        "retryCount": run.retry_count,
        "status": run.status,
        "stepId": run.workflow.step_id,
        "taskExternalId": run.id,
        "taskId": run.number,
        "taskInsertedAt": format_time(run.created_at),
        "tenantId": TENANT,
        "type": "DAG",
        "workflowId": run.workflow.id,
        "workflowName": run.workflow.name,
        "workflowRunExternalId": run.id,
        "workflowVersionId": run.workflow.version_id,
    }
    return line | _times(run)


def task(run: Run) -> dict[str, Any]:
    """Return the only task of a run."""
    line = describe_run(run, payloads=True)
    del line["workflowName"]
    return line | {
        "actionId": run.workflow.action,
        "type": "TASK",
        "isDurable": run.workflow.durable,
        "isEvicted": run.evicted,
        "createdAt": "0001-01-01T00:00:00Z",
    }


def details(run: Run) -> dict[str, Any]:
    """Return a run in detail. Its history is empty: that of its task is another request."""
    keys = (
        "metadata", "additionalMetadata", "createdAt", "displayName", "errorMessage", "input",
        "output", "status", "tenantId", "workflowId", "workflowVersionId", "startedAt",
        "finishedAt", "duration",
    )  # fmt: skip
    line = describe_run(run, payloads=True)
    shape = {
        "childrenStepIds": [],
        "stepId": run.workflow.step_id,
        "taskExternalId": run.id,
        "taskName": run.workflow.task,
    }
    return {
        "run": {key: line[key] for key in keys if key in line},
        "shape": [shape],
        "taskEvents": [],
        "tasks": [task(run)],
        "workflowConfig": {},
    }


def history(run: Run) -> list[dict[str, Any]]:
    """Return the history of a run, newest first."""
    return [_line(run, line) for line in reversed(run.history)]


def _line(run: Run, line: TaskEvent) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": line.number,
        "attempt": line.retry_count + 1,
        "errorMessage": line.error,
        "eventType": line.kind,
        "message": line.message,
        "retryCount": line.retry_count,
        "taskDisplayName": _name(run),
        "taskId": run.id,
        "timestamp": format_time(line.at),
    }
    if line.worker_id is not None:
        view["workerId"] = line.worker_id
    return view


def event(engine: Engine, row: Event) -> dict[str, Any]:
    """Return an event with a summary of the runs that it started."""
    statuses = [
        engine.rows.runs[run_id].status for run_id in row.runs if run_id in engine.rows.runs
    ]
    view: dict[str, Any] = {
        "metadata": _metadata(row.id, row.seen_at, row.seen_at),
        "additionalMetadata": row.metadata,
        "key": row.key,
        "payload": json.loads(row.payload),
        "seenAt": format_time(row.seen_at),
        "tenantId": "",
        "triggeredRuns": [{"workflowRunId": run_id} for run_id in row.runs] or None,
        "workflowRunSummary": {
            "cancelled": statuses.count("CANCELLED"),
            "failed": statuses.count("FAILED"),
            "queued": statuses.count("QUEUED"),
            "running": statuses.count("RUNNING"),
            "succeeded": statuses.count("COMPLETED"),
        },
    }
    if row.scope is not None:
        view["scope"] = row.scope
    return view


def _metadata(row_id: str, created_at: datetime, updated_at: datetime) -> dict[str, str]:
    return {
        "id": row_id,
        "createdAt": format_time(created_at),
        "updatedAt": format_time(updated_at),
    }


def _name(run: Run) -> str:
    return f"{run.workflow.task}-{int(run.created_at.timestamp() * 1000)}"


def _times(run: Run) -> dict[str, Any]:
    view: dict[str, Any] = {}
    if run.started_at is not None:
        view["startedAt"] = format_time(run.started_at)
    if run.finished_at is not None:
        view["finishedAt"] = format_time(run.finished_at)
        if run.started_at is not None:
            took = run.finished_at - run.started_at
            view["duration"] = int(took.total_seconds() * 1000)
    return view
