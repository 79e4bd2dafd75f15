"""The double as tests use it: start, stop, faults, and records of the calls."""

from __future__ import annotations

import asyncio
import copy
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
from hatchet_sdk.contracts.dispatcher_pb2_grpc import (
    add_DispatcherServicer_to_server,  # pyright: ignore[reportAttributeAccessIssue]
)
from hatchet_sdk.contracts.events_pb2_grpc import add_EventsServiceServicer_to_server
from hatchet_sdk.contracts.v1.dispatcher_pb2_grpc import add_V1DispatcherServicer_to_server
from hatchet_sdk.contracts.v1.workflows_pb2_grpc import add_AdminServiceServicer_to_server
from hatchet_sdk.contracts.workflows_pb2_grpc import add_WorkflowServiceServicer_to_server

from tests.doubles.hatchet.admin import Admin, Events, Workflows
from tests.doubles.hatchet.dispatcher import Dispatcher
from tests.doubles.hatchet.durable import Durable
from tests.doubles.hatchet.engine import Engine
from tests.doubles.hatchet.interceptor import Interceptor
from tests.doubles.hatchet.rest import Rest
from tests.doubles.hatchet.rows import Event, Rows, Run, Worker, now
from tests.doubles.hatchet.scheduler import Scheduler
from tests.doubles.hatchet.token import TENANT, mint

# For localhost, its key beside it.
CERTIFICATE = Path(__file__).parents[2] / "sinks" / "localhost.pem"
# The version that the double was compared with.
VERSION = "v0.104.7"
# A worker that was connected before a restart reconnects within this many seconds.
_GRACE = 15.0
# The SDK pings every ten seconds. By default gRPC disconnects an idle client that pings more often
# than every five minutes; the real engine allows it.
_PINGS = (
    ("grpc.http2.min_ping_interval_without_data_ms", 5000),
    ("grpc.keepalive_permit_without_calls", 1),
)


class HatchetDouble:
    """A Hatchet on loopback that keeps its state while it is stopped.

    Args:
        tls: whether both ports use TLS, as a hosted Hatchet does.
        reassign_after: seconds after which the run of a worker that is gone goes to another; the
            real engine takes about 30.
        version: the version that it reports.
    """

    def __init__(self, *, tls: bool, reassign_after: float, version: str) -> None:
        self.tls = tls
        self.token = ""
        self.certificate = CERTIFICATE
        self._engine = Engine(version)
        self._interceptor = Interceptor()
        self._rest = Rest(self._engine, self._interceptor)
        self._scheduler = Scheduler(self._engine, reassign_after, 0.0)
        self._server: grpc.aio.Server | None = None
        self._scheduler_task: asyncio.Task[None] | None = None
        self._grpc_port = 0
        self._rest_port = 0

    @property
    def host_port(self) -> str:
        """The address of its gRPC."""
        return f"{self._host}:{self._grpc_port}"

    @property
    def server_url(self) -> str:
        """The address of its dashboard and API."""
        return f"{'https' if self.tls else 'http'}://{self._host}:{self._rest_port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of a client's process.

        With TLS only the token is Hatchet's own. The other two make the process trust the
        certificate; they are read once, so a client in this process needs
        `HATCHET_CLIENT_TLS_ROOT_CA_FILE` instead.
        """
        if self.tls:
            return {
                "HATCHET_CLIENT_TOKEN": self.token,
                "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(self.certificate),
                "SSL_CERT_FILE": str(self.certificate),
            }
        return {"HATCHET_CLIENT_TOKEN": self.token, "HATCHET_CLIENT_TLS_STRATEGY": "none"}

    @property
    def _host(self) -> str:
        return "localhost" if self.tls else "127.0.0.1"

    @property
    def is_running(self) -> bool:
        """Whether it is started."""
        return self._server is not None

    async def start(self) -> None:
        """Listen; after a stop, on the same ports as before."""
        is_restart = bool(self._grpc_port)
        server = grpc.aio.server(interceptors=[self._interceptor], options=_PINGS)
        add_DispatcherServicer_to_server(Dispatcher(self._engine), server)
        add_V1DispatcherServicer_to_server(Durable(self._engine), server)
        add_WorkflowServiceServicer_to_server(Workflows(self._engine), server)
        add_AdminServiceServicer_to_server(Admin(self._engine), server)
        add_EventsServiceServicer_to_server(Events(self._engine), server)
        address = f"127.0.0.1:{self._grpc_port}"
        if self.tls:
            self._grpc_port = server.add_secure_port(address, _credentials())
        else:
            self._grpc_port = server.add_insecure_port(address)
        self._rest_port = await self._rest.start(self._rest_port, self._tls_context())
        if not is_restart:
            self.token = self._interceptor.token = mint(self.host_port, self.server_url)
        await server.start()
        self._server = server
        self._scheduler.grace = _GRACE if is_restart else 0.0
        self._scheduler_task = asyncio.create_task(self._scheduler.run())

    async def stop(self) -> None:
        """Close every connection and stop listening; the state is kept."""
        if self._server is None or self._scheduler_task is None:
            return
        self._scheduler_task.cancel()
        with suppress(asyncio.CancelledError):
            await self._scheduler_task
        server, self._server = self._server, None
        await server.stop(None)
        await self._rest.stop()
        self._engine.action_streams.clear()
        self._engine.durable_streams.clear()

    def _tls_context(self) -> ssl.SSLContext | None:
        if not self.tls:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        return context

    def snapshot(self) -> Rows:
        """Return a copy of the state, for `restore`."""
        return copy.deepcopy(self._engine.rows)

    async def restore(self, rows: Rows) -> None:
        """Restart with an earlier state: later runs, workers and events are unknown."""
        was_running = self.is_running
        await self.stop()
        self._engine.rows = copy.deepcopy(rows)
        if was_running:
            await self.start()

    def forget(self, *run_ids: str) -> None:
        """Delete runs, as retention does; all of them without ids."""
        for run_id in run_ids or tuple(self._engine.rows.runs):
            self._engine.rows.runs.pop(run_id, None)

    def strand(self, run_id: str) -> None:
        """Let a run wait for ever, whatever wakes it."""
        self._engine.rows.runs[run_id].stranded = True

    def lose_next_pushes(self, count: int) -> None:
        """Accept the next pushed events and lose them."""
        self._engine.pushes_to_lose = count

    def miss_next_answers(self, count: int) -> None:
        """Let the next events that end waits miss runs that are not evicted yet.

        This happens in the real engine when an event comes while the run is being evicted.
        """
        self._engine.answers_to_miss = count

    def ignore_evictions(self) -> None:
        """Let workers evict no runs from now on, as if they were killed before they could ask."""
        self._engine.ignores_evictions = True

    def queue_without_worker(self, run_id: str) -> None:
        """Take a run from its worker into the queue, and never assign it."""
        run = self._engine.rows.runs[run_id]
        self._engine.requeue(run)
        run.not_before = now() + timedelta(days=1)

    def rename_workflow(self, name: str, new_name: str) -> None:
        """Move a workflow and its runs to another name, as another release registered it."""
        workflows = self._engine.rows.workflows
        workflow = workflows[new_name] = workflows.pop(name)
        workflow.name, workflow.action = new_name, f"{new_name}:{new_name}"

    def start_run(self, workflow: str, input: Mapping[str, Any]) -> str:
        """Start a run, as another program does; return its id."""
        return self._engine.start_run(workflow, json.dumps(dict(input)), {})

    @property
    def refuse(self) -> bool:
        """Whether every call is refused as unavailable; open streams stay open."""
        return self._interceptor.refuse

    @refuse.setter
    def refuse(self, refuse: bool) -> None:
        self._interceptor.refuse = refuse

    @property
    def delay(self) -> float:
        """How long every call is delayed, in seconds."""
        return self._interceptor.delay

    @delay.setter
    def delay(self, delay: float) -> None:
        self._interceptor.delay = delay

    def cancel(self, *run_ids: str) -> None:
        """Cancel runs, as a person does in the dashboard."""
        self._engine.cancel(run_ids)

    def push(self, key: str, payload: Mapping[str, Any]) -> str:
        """Push an event, as another service does; return its id."""
        return self._engine.push(key, json.dumps(dict(payload)), {}, None).id

    def fire_cron(self, workflow: str) -> str:
        """Start a run of a workflow, as its first cron does; return the run's id."""
        row = self._engine.rows.workflows[workflow]
        metadata = {
            "hatchet__cron_expression": row.crons[0],
            "hatchet__cron_scheduled_at": now().isoformat(timespec="seconds"),
        }
        return self._engine.start_run(workflow, row.cron_input, metadata)

    @property
    def crons(self) -> Mapping[str, list[str]]:
        """The cron expressions of each workflow that has any."""
        rows = self._engine.rows.workflows.values()
        return {row.name: list(row.crons) for row in rows if row.crons}

    @property
    def workflows(self) -> list[str]:
        """The names of the registered workflows."""
        return list(self._engine.rows.workflows)

    @property
    def runs(self) -> Mapping[str, Run]:
        """The runs by id, oldest first."""
        return self._engine.rows.runs

    @property
    def events(self) -> list[Event]:
        """The events that were pushed and kept, oldest first."""
        return self._engine.rows.events

    @property
    def lost(self) -> list[Event]:
        """The events that were pushed and lost."""
        return self._engine.lost

    @property
    def cancelled(self) -> list[str]:
        """The ids of cancel requests, including those of unknown runs."""
        return self._engine.cancels

    @property
    def unknown_workflows(self) -> list[str]:
        """The names in requests to start runs of workflows that are not registered."""
        return self._engine.unknown_workflows

    @property
    def calls(self) -> Counter[str]:
        """How often each gRPC method and each path of the API was called."""
        return self._interceptor.calls

    @property
    def workers(self) -> list[Worker]:
        """The connected workers."""
        rows = self._engine.rows.workers
        return [rows[worker_id] for worker_id in self._engine.action_streams]


def _credentials() -> grpc.ServerCredentials:
    content = CERTIFICATE.read_bytes()
    return grpc.ssl_server_credentials([(content, content)])


@asynccontextmanager
async def hatchet_double(
    *, tls: bool = False, reassign_after: float = 1.0, version: str = VERSION
) -> AsyncIterator[HatchetDouble]:
    """Run a double until the block is left."""
    double = HatchetDouble(tls=tls, reassign_after=reassign_after, version=version)
    await double.start()
    try:
        yield double
    finally:
        await double.stop()


__all__ = ["TENANT", "VERSION", "HatchetDouble", "hatchet_double"]
