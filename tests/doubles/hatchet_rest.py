"""A double of the HTTP API of Hatchet that `hogsend doctor` and `hogsend bootstrap` call.

Its answers follow Hatchet's `api-contracts/openapi`. The gRPC of workers has another double.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class HatchetRest:
    """The answers of the double.

    Args:
        port: its port.
        version: the version of the engine.
        ahead: how much its clock is ahead.
        tenant_status: the status of the answer about the token's tenant.
        workers: for each active worker, the names of its workflows.
        workers_status: the status of the answer to the list of workers.
        ready: whether it reports that it is ready.
        dropped_path: a path whose requests get no answer: the connection closes.
        paths: the paths of the requests so far.
    """

    port: int = 0
    version: str = "v0.104.7"
    ahead: timedelta = timedelta(0)
    tenant_status: int = 200
    workers: Sequence[Sequence[str]] = ()
    workers_status: int = 200
    ready: bool = True
    dropped_path: str = ""
    paths: list[str] = field(default_factory=list[str])

    @property
    def address(self) -> str:
        """The address of the double."""
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str) -> tuple[int, Mapping[str, Any] | None]:
        """Return the status and body of the answer for a path."""
        self.paths.append(path)
        plain = path.partition("?")[0]
        if plain == "/api/ready":
            return (200 if self.ready else 500), None
        if plain == "/api/v1/version":
            return 200, {"version": self.version}
        if plain.startswith("/api/v1/tenants/") and self.tenant_status != 200:
            return self.tenant_status, {"errors": [{"description": "not permitted"}]}
        if plain.endswith("/worker"):
            rows = [_worker(number, names) for number, names in enumerate(self.workers)]
            return self.workers_status, {"rows": rows} if self.workers_status == 200 else None
        if plain.startswith("/api/v1/workers/"):
            number = int(plain.rpartition("-")[2])
            flows = [{"id": str(n), "name": name} for n, name in enumerate(self.workers[number])]
            return 200, {**_worker(number, self.workers[number]), "registeredWorkflows": flows}
        return 200, {"name": "Default"}


def _worker(number: int, workflows: Sequence[str]) -> dict[str, Any]:
    # As in a list: only the answer about a single worker has its workflows. Its name has the same
    # namespace.
    namespace = "".join(workflows[0].partition("_")[:2]) if "_" in workflows[0] else ""
    worker_id = f"5f0c2a0e-4c4e-4d0f-9a53-{number:012d}"
    return {"metadata": {"id": worker_id}, "name": f"{namespace}hogsend", "status": "ACTIVE"}


@contextmanager
def hatchet_rest(**fields: Any) -> Iterator[HatchetRest]:
    """Run a double until the block is left.

    Args:
        fields: of `HatchetRest`.
    """
    double = HatchetRest(**fields)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == double.dropped_path:
                self.close_connection = True
                return
            status, body = double.answer(self.path)
            text = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(datetime.now(UTC) + double.ahead, usegmt=True)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    double.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
