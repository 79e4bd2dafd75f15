"""Whether the process is alive, and whether each of its parts does its work."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from quart import Blueprint, Response

from ... import __version__
from ...store import lag, workers
from ...store.workers import WorkerInfo
from .. import formatting
from ..engine_status import missed_by
from ..pages import context

# Work that is due for longer than this is late.
LATE = timedelta(minutes=1)
_STARTED = time.monotonic()

blueprint = Blueprint("health", __name__)


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(
        json.dumps(body),
        status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


@blueprint.get("/healthz")
async def alive() -> Response:
    """Answer as long as the process does."""
    return _json({"status": "ok", "version": __version__})


@blueprint.get("/readyz")
async def ready() -> Response:
    """Say what each part does; 503 when requests would not be served."""
    parts = await _parts()
    down = parts["database"]["status"] != "up"
    worker: dict[str, Any] = parts["worker"]
    late = worker["status"] in ("late", "fenced", "missing") or parts["engine"]["status"] != "up"
    status = "down" if down else "degraded" if late else "ok"
    return _json({"status": status, "parts": parts}, 503 if down else 200)


@blueprint.get("/v1/health")
async def wire_health() -> Response:
    """The same in the form that existing clients read (wire, `GET /v1/health`)."""
    parts = await _parts()
    up = parts["database"]["status"] == "up"
    schema: dict[str, Any] = {"applied": __version__, "required": __version__, "inSync": True}
    schema["pending"] = []
    body: dict[str, Any] = {
        "status": "healthy" if up else "degraded",
        "uptime": round(time.monotonic() - _STARTED, 3),
        "timestamp": _text(context().clock.now()),
        "version": __version__,
        "components": {
            "database": parts["database"],
            # There is no Redis here; clients that ask for it are told what they want to hear.
            "redis": {"status": "up"},
            "worker": parts["worker"],
        },
        "schema": {"engine": schema, "client": schema},
    }
    return _json(body)


async def _parts() -> dict[str, dict[str, Any]]:
    database: dict[str, Any] = {"status": "up"}
    begun = time.perf_counter()
    try:
        asked = context().database
        _, wake, send, others = await asked.read(
            lag.alive(),
            lag.next_wake(),
            lag.next_send(),
            workers.at_work(is_sqlite=asked.is_sqlite),
        )
    except Exception:
        return {
            "database": {"status": "down"} | _trouble(),
            "worker": {"status": "unknown"},
            "engine": {"kind": context().settings.engine, "status": "unknown"},
        }
    database["latencyMs"] = round((time.perf_counter() - begun) * 1000, 2)
    return {
        "database": database | _trouble(),
        "worker": _worker(wake, send, len(others)),
        "engine": _engine(others),
    }


def _engine(others: Sequence[WorkerInfo]) -> dict[str, Any]:
    """Return whether what decides about turns is there, and since when it is not."""
    away = missed_by(others)
    told: dict[str, Any] = {"kind": context().settings.engine, "status": "up"}
    if away is not None:
        told["status"] = "away" if away.turns_wait else "partly away"
        told["since"] = _text(away.since)
        # What it said names hosts, and anybody may ask here: that is for the dashboard.
        told["message"] = formatting.away(away)
    return told


def _trouble() -> dict[str, Any]:
    """Return what is wrong with the database and since when, if anything is."""
    standing = context().database.standing
    if standing.trouble is None or standing.since is None:
        return {}
    return {
        "status": "down",
        "trouble": standing.trouble.kind,
        "since": _text(standing.since),
        "message": str(standing.trouble),
    }


def _worker(wake: datetime | None, send: datetime | None, others: int) -> dict[str, Any]:
    worker, now = context().worker_status, context().clock.now()
    oldest = min(filter(None, (wake, send)), default=None)
    overdue = max((now - oldest).total_seconds(), 0.0) if oldest else 0.0
    late = overdue > LATE.total_seconds()
    if worker is None:
        elsewhere = {"status": "late" if late else "elsewhere", "overdueSeconds": round(overdue)}
        if context().database.is_sqlite:
            return elsewhere
        return elsewhere | {"workers": others} | ({} if others else {"status": "missing"})
    told: dict[str, Any] = {"status": "up", "overdueSeconds": round(overdue)}
    if late:
        told["status"] = "late"
    if worker.provider_problem is not None:
        # What it said names hosts and users, and anybody may ask here: that is for the log.
        told["mail"] = "the provider refuses us"
        told["status"] = "late"
    if worker.send_hold is not None:
        told["mail"] = f"sending is held back: {worker.send_hold}"
        told["status"] = "fenced"
    return told


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
