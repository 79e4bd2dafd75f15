"""Health checks: whether the process is alive, and whether each of its parts does its work."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any, Literal

from pydantic import Field
from quart import Response

from ... import __version__
from ...services.health import Health, check_health
from ...services.outages import Outage
from .. import formatting
from ..pages import get_context
from .routes import Answer, ApiCall, RouteTable
from .schemas import NoQuery, View

_STARTED = time.monotonic()

routes = RouteTable("Health")


class LivenessView(View):
    """The process runs."""

    status: Literal["ok"]
    version: str


class ReadinessView(View):
    """The state of each part, by name."""

    status: Literal["ok", "degraded", "down"]
    parts: dict[str, dict[str, Any]]


class HealthView(View):
    """The state of the server in the form that existing clients read."""

    status: Literal["healthy", "degraded", "migration_pending"]
    uptime: float
    timestamp: str
    version: str
    components: dict[str, dict[str, Any]]
    # Named like the wire's field, which the base class has a retired method of.
    schema_: dict[str, dict[str, Any]] = Field(alias="schema")


_PARTS: dict[str, Any] = {
    "database": {"status": "up", "latencyMs": 0.21},
    "worker": {"status": "up", "overdueSeconds": 0},
    "engine": {"kind": "embedded", "status": "up"},
}
_SCHEMA: dict[str, Any] = {"applied": "0.2.0", "required": "0.2.0", "inSync": True, "pending": []}
_HEALTH_EXAMPLE = {
    "status": "healthy",
    "uptime": 3600.5,
    "timestamp": "2026-01-02T03:04:05.678Z",
    "version": "0.2.0",
    "components": {**_PARTS, "redis": {"status": "up"}},
    "schema": {"engine": _SCHEMA, "client": _SCHEMA},
}
_READINESS = {"status": "ok", "parts": _PARTS}


def _build_response(body: dict[str, Any], status: int = 200) -> Response:
    return Response(
        json.dumps(body),
        status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


@routes.route(
    "GET",
    "/healthz",
    scope=None,
    answers={200: Answer(LivenessView, "It runs.", {"status": "ok", "version": "0.2.0"})},
)
async def report_liveness(call: ApiCall[NoQuery, None]) -> Response:
    """Respond as long as the process runs."""
    return _build_response({"status": "ok", "version": __version__})


@routes.route(
    "GET",
    "/readyz",
    scope=None,
    answers={
        200: Answer(ReadinessView, "Requests can be served.", _READINESS),
        503: Answer(ReadinessView, "They cannot.", {**_READINESS, "status": "down"}),
    },
)
async def report_readiness(call: ApiCall[NoQuery, None]) -> Response:
    """Report the state of each part; with 503 when requests cannot be served."""
    parts = await _describe_parts()
    down = parts["database"]["status"] != "up"
    worker: dict[str, Any] = parts["worker"]
    late = (
        worker["status"] in ("late", "fenced", "missing", "stopped")
        or parts["engine"]["status"] != "up"
        or parts.get("mails", {}).get("status") == "blocked"
    )
    status = "down" if down else "degraded" if late else "ok"
    return _build_response({"status": status, "parts": parts}, 503 if down else 200)


@routes.route(
    "GET",
    "/v1/health",
    scope=None,
    answers={200: Answer(HealthView, "The state of each part.", _HEALTH_EXAMPLE)},
)
async def report_health(call: ApiCall[NoQuery, None]) -> Response:
    """Report the same in the form that existing clients read."""
    parts = await _describe_parts()
    up = parts["database"]["status"] == "up"
    schema: dict[str, Any] = {"applied": __version__, "required": __version__, "inSync": True}
    schema["pending"] = []
    body: dict[str, Any] = {
        "status": "healthy" if up else "degraded",
        "uptime": round(time.monotonic() - _STARTED, 3),
        "timestamp": _format_instant(get_context().clock.now()),
        "version": __version__,
        "components": {
            "database": parts["database"],
            # There is no Redis here; clients that check it need it to be up.
            "redis": {"status": "up"},
            "worker": parts["worker"],
        },
        "schema": {"engine": schema, "client": schema},
    }
    return _build_response(body)


async def _describe_parts() -> dict[str, dict[str, Any]]:
    health = await check_health(get_context())
    if not health.is_reachable:
        return {
            "database": {"status": "down"} | _describe_database_problem(health),
            "worker": {"status": "unknown"},
            "engine": {"kind": get_context().settings.engine, "status": "unknown"},
        }
    latency = round(health.latency.total_seconds() * 1000, 2)
    return {
        "database": {"status": "up", "latencyMs": latency} | _describe_database_problem(health),
        "mails": _describe_mails(health),
        "worker": _describe_worker(health),
        "engine": _describe_engine(health.outage),
    }


def _describe_mails(health: Health) -> dict[str, Any]:
    """Return how many mails cannot be made; the endpoint is public, so it names none."""
    if not health.blocked:
        return {"status": "up", "blocked": 0}
    return {
        "status": "blocked",
        "blocked": health.blocked,
        "message": "mails cannot be made; `hogsend emails blocked` shows why",
    }


def _describe_engine(outage: Outage | None) -> dict[str, Any]:
    """Return whether the engine is reachable, and since when it is not."""
    engine: dict[str, Any] = {"kind": get_context().settings.engine, "status": "up"}
    if outage is not None:
        engine["status"] = "away" if outage.turns_wait else "partly away"
        engine["since"] = _format_instant(outage.since)
        # The engine's own message names hosts; anyone may read this one.
        engine["message"] = formatting.describe_outage(outage)
    return engine


def _describe_database_problem(health: Health) -> dict[str, Any]:
    """Return what is wrong with the database and since when, if anything is."""
    if health.problem is None or health.problem_since is None:
        return {}
    return {
        "status": "down",
        "trouble": health.problem.kind,
        "since": _format_instant(health.problem_since),
        "message": str(health.problem),
    }


def _describe_worker(health: Health) -> dict[str, Any]:
    worker: dict[str, Any] = {
        "status": "late" if health.is_late else "up" if health.has_worker else "elsewhere",
        "overdueSeconds": round(health.overdue.total_seconds()),
    }
    if not health.has_worker:
        if health.is_alone:
            return worker
        worker["workers"] = health.workers
        return worker if health.workers else worker | {"status": "missing"}
    if health.provider_problem is not None:
        # The provider's own message names hosts and users; anyone may read this one.
        worker["mail"] = "the mail provider rejects our messages"
        worker["status"] = "late"
    if health.bounce_problem is not None:
        worker["bounces"] = "bounces cannot be received; the log says why"
        worker["status"] = "late"
    if health.is_stopped:
        worker["status"] = "stopped"
    if health.send_hold is not None:
        worker["mail"] = f"sending is on hold: {health.send_hold}"
        worker["status"] = "fenced"
    return worker


def _format_instant(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
