"""The part of the REST API that the SDK and Hogsend use."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.doubles.hatchet import views
from tests.doubles.hatchet.engine import Engine
from tests.doubles.hatchet.interceptor import Interceptor
from tests.doubles.hatchet.rows import Run, now

_MAX_HEAD_BYTES = 64 * 1024
_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 503: "Unavailable"}


@dataclass(frozen=True, slots=True)
class Request:
    """A request.

    Args:
        method: for example `GET`.
        path: the path without the query.
        query: the values of the query by name.
        body: the decoded JSON; an empty object if there is none.
    """

    method: str
    path: str
    query: dict[str, list[str]]
    body: dict[str, Any]

    def get_parameter(self, name: str, default: str = "") -> str:
        """Return the first value of a query parameter."""
        return self.query.get(name, [default])[0]

    def page(self, rows: list[dict[str, Any]], limit: int) -> dict[str, Any]:
        """Return the requested page of rows."""
        return views.page(
            rows,
            int(self.get_parameter("offset", "0")),
            int(self.get_parameter("limit", str(limit))),
        )


class RequestError(Exception):
    """The answer is an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Rest:
    """A server on loopback.

    Args:
        engine: holds the rows.
        interceptor: counts and authenticates requests.
    """

    def __init__(self, engine: Engine, interceptor: Interceptor) -> None:
        self._engine = engine
        self._interceptor = interceptor
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Any]]] = [
            (method, re.compile(path), answer) for method, path, answer in self._table()
        ]

    async def start(self, port: int, tls: ssl.SSLContext | None) -> int:
        """Listen on a port, with 0 on a free one; return the port."""
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", port, limit=_MAX_HEAD_BYTES, ssl=tls
        )
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening, and close connections that still wait for an answer."""
        if self._server is not None:
            self._server.close()
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)
            await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.ensure_future(self._serve(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        try:
            await asyncio.wait([serving])
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client may be killed during its request.
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            status, answer = await self._answer(reader)
            body = json.dumps(answer).encode() if answer is not None else b""
            head = (
                f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            writer.write(head.encode() + body)
            await writer.drain()

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, Any]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in head[1:] if ": " in line)
        headers = {name.lower(): value for name, value in pairs}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = head[0].split(" ", 2)
        split = urlsplit(target)
        request = Request(
            method, unquote(split.path), parse_qs(split.query), json.loads(content or b"{}")
        )
        refusal = await self._interceptor.http(request.path, headers.get("authorization", ""))
        if refusal is not None:
            return refusal
        try:
            return 200, self._route(request)
        except RequestError as error:
            return error.status, {"message": str(error)}

    def _route(self, request: Request) -> Any:
        for method, path, answer in self._routes:
            match = path.fullmatch(request.path)
            if match is not None and method == request.method:
                return answer(request, *match.groups())
        raise RequestError(404, "not found")

    def _table(self) -> list[tuple[str, str, Callable[..., Any]]]:
        tenant = r"/api/v1/tenants/[^/]+"
        stable = r"/api/v1/stable"
        ours = stable + r"/tenants/[^/]+"
        return [
            ("GET", r"/api/(?:ready|live)", lambda request: None),
            ("GET", r"/api/v1/version", lambda request: {"version": self._engine.version}),
            ("GET", tenant + r"/worker", self._workers),
            ("GET", r"/api/v1/workers/([^/]+)", self._worker),
            ("PATCH", r"/api/v1/workers/([^/]+)", self._pause),
            ("GET", ours + r"/workflow-runs", self._runs),
            ("GET", ours + r"/workflow-runs/external-ids", self._run_ids),
            ("GET", stable + r"/workflow-runs/([^/]+)", self._details),
            ("GET", stable + r"/workflow-runs/([^/]+)/status", self._status),
            # Empty for a run with one task.
            ("GET", stable + r"/workflow-runs/[^/]+/task-events", _no_history),
            ("GET", stable + r"/tasks/([^/]+)", self._task),
            ("GET", stable + r"/tasks/([^/]+)/task-events", self._history),
            ("POST", ours + r"/tasks/cancel", self._cancel),
            ("POST", stable + r"/tasks/([^/]+)/restore", self._restore),
            ("GET", ours + r"/events", self._events),
            ("GET", ours + r"/events/([^/]+)", self._event),
        ]

    def _workers(self, request: Request) -> Any:
        rows = [views.worker(self._engine, row) for row in self._engine.rows.workers.values()]
        rows.reverse()
        return views.page(rows, 0, max(1, len(rows)))

    def _worker(self, request: Request, worker_id: str) -> Any:
        row = self._engine.rows.workers.get(worker_id)
        if row is None:
            raise RequestError(404, "worker not found")
        return views.worker(self._engine, row)

    def _pause(self, request: Request, worker_id: str) -> Any:
        row = self._engine.rows.workers.get(worker_id)
        if row is None:
            raise RequestError(404, "worker not found")
        row.paused = bool(request.body.get("isPaused", row.paused))
        self._engine.changed.set()
        return views.worker(self._engine, row)

    def _runs(self, request: Request) -> Any:
        if "only_tasks" not in request.query:
            raise RequestError(
                400,
                "Invalid format for parameter only_tasks: query parameter 'only_tasks' is required",
            )
        payloads = request.get_parameter("include_payloads", "true") == "true"
        rows = [views.describe_run(run, payloads=payloads) for run in self._find_runs(request)]
        return request.page(rows, 50)

    def _run_ids(self, request: Request) -> Any:
        return [run.id for run in self._find_runs(request)]

    def _find_runs(self, request: Request) -> list[Run]:
        since = _instant(request.get_parameter("since"))
        until = _instant(request.get_parameter("until")) if "until" in request.query else now()
        statuses = request.query.get("statuses", [])
        workflows = request.query.get("workflow_ids", [])
        metadata = [pair.split(":", 1) for pair in request.query.get("additional_metadata", [])]
        return [
            run
            for run in reversed(self._engine.rows.runs.values())
            if since <= run.created_at <= until
            and (not statuses or run.status in statuses)
            and (not workflows or run.workflow.id in workflows)
            and all(str(run.metadata.get(key)) == value for key, value in metadata)
        ]

    def _run(self, run_id: str) -> Run:
        run = self._engine.rows.runs.get(run_id)
        if run is None:
            raise RequestError(404, "not found")
        return run

    def _details(self, request: Request, run_id: str) -> Any:
        return views.details(self._run(run_id))

    def _status(self, request: Request, run_id: str) -> Any:
        return self._run(run_id).status

    def _task(self, request: Request, run_id: str) -> Any:
        return views.task(self._run(run_id))

    def _history(self, request: Request, run_id: str) -> Any:
        # Without a limit the page is empty.
        page = request.page(views.history(self._run(run_id)), 0)
        return {"pagination": {}, "rows": page["rows"]}

    def _cancel(self, request: Request) -> Any:
        ids = request.body.get("externalIds") or []
        filters = request.body.get("filter")
        if filters:
            query = {
                "since": [filters["since"]],
                "statuses": filters.get("statuses") or [],
                "workflow_ids": filters.get("workflowIds") or [],
                "additional_metadata": filters.get("additionalMetadata") or [],
            }
            runs = self._find_runs(Request("GET", request.path, query, {}))
            # A filter does not match evicted runs.
            ids = [run.id for run in runs if not run.evicted]
        self._engine.cancel(ids)
        return {"ids": ids}

    def _restore(self, request: Request, run_id: str) -> Any:
        run = self._engine.rows.runs.get(run_id)
        if run is None:
            raise RequestError(404, "task not found")
        self._engine.restore(run, "Restore via REST API")
        # The real engine says so of every run, evicted or not.
        return {"requeued": True}

    def _events(self, request: Request) -> Any:
        keys, scopes = request.query.get("keys", []), request.query.get("scopes", [])
        rows = [
            views.event(self._engine, row)
            for row in reversed(self._engine.rows.events)
            if (not keys or row.key in keys) and (not scopes or row.scope in scopes)
        ]
        return request.page(rows, 50)

    def _event(self, request: Request, event_id: str) -> Any:
        for row in self._engine.rows.events:
            if row.id == event_id:
                return views.event(self._engine, row)
        raise RequestError(404, "event not found")


def _no_history(request: Request) -> Any:
    return {"pagination": {}, "rows": []}


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise RequestError(400, f"Invalid format for parameter since: {text}") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
