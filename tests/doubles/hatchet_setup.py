"""An engine with workers and a client, for the tests of the double."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from hatchet_sdk import ClientConfig, Hatchet
from hatchet_sdk.config import ClientTLSConfig, TenacityConfig

from tests.doubles.hatchet import HatchetDouble
from tests.doubles.hatchet_worker import Nap, tasks
from tests.patience import PATIENCE

WORKER = Path(__file__).with_name("hatchet_worker.py")


def client(environment: Mapping[str, str], namespace: str = "", attempts: int = 1) -> Hatchet:
    """Create a client in this process.

    Args:
        environment: the environment variables of a client's process.
        namespace: a prefix of the names of tasks and events.
        attempts: how often a call is tried. The SDK's default of five takes half a minute to fail.
    """
    tls = ClientTLSConfig(
        strategy=environment.get("HATCHET_CLIENT_TLS_STRATEGY", "tls"),
        root_ca_file=environment.get("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"),
    )
    return Hatchet(
        config=ClientConfig(
            token=environment["HATCHET_CLIENT_TOKEN"],
            namespace=namespace,
            tls_config=tls,
            tenacity=TenacityConfig(max_attempts=attempts),
        )
    )


@dataclass
class Setup:
    """An engine with workers and a client.

    Args:
        environment: the environment variables of a client's process.
        seen: the file that the bodies of tasks write to.
        double: the engine, if it is the double.
        namespace: a prefix that separates this session's names from others on a real engine.
    """

    environment: dict[str, str]
    seen: Path
    double: HatchetDouble | None = None
    namespace: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:8]}")
    hatchet: Hatchet = field(init=False)
    tasks: dict[str, Any] = field(init=False)
    processes: dict[str, subprocess.Popen[bytes]] = field(
        default_factory=dict[str, "subprocess.Popen[bytes]"], init=False
    )

    def __post_init__(self) -> None:
        self.hatchet = client(self.environment, self.namespace)
        self.tasks = tasks(self.hatchet)

    def start_worker(self, name: str) -> None:
        """Start a worker's process."""
        # In a process group of its own, because its listener is a process too.
        self.processes[name] = subprocess.Popen(
            [sys.executable, str(WORKER), name],
            env={
                **os.environ,
                **self.environment,
                "HATCHET_CLIENT_NAMESPACE": self.namespace,
                "HATCHET_SEEN": str(self.seen),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill_worker(self, name: str) -> None:
        """Kill a worker and its listener."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        """Kill the workers, and stop the client from listening for results.

        Otherwise its listener would log an error when the engine stops.
        """
        for name in list(self.processes):
            self.kill_worker(name)
        listener = self.hatchet._client.workflow_listener
        if listener.listener_task is not None:
            listener.listener_task.cancel()
        if listener.listener is not None:
            listener.listener.cancel()

    async def active_workers(self) -> dict[str, str]:
        """Return the names of the workers that can take runs, by their ids."""
        rows = (await self.hatchet.workers.aio_list()).rows or []
        prefix = f"{self.namespace}_"
        return {
            row.metadata.id: row.name.removeprefix(prefix)
            for row in rows
            if row.status == "ACTIVE" and row.name.startswith(prefix)
        }

    async def nap(self, task: str = "sleeper", **fields: Any) -> Any:
        """Start a run that waits, with a scope of its own unless one is given."""
        fields.setdefault("scope", uuid.uuid4().hex)
        return await self.tasks[task].aio_run(Nap(**fields), wait_for_result=False)

    async def wake(self, scope: str, **payload: Any) -> None:
        """Push the event that ends a nap."""
        await self.hatchet.event.aio_push("wake", payload, scope=scope)

    async def status(self, run: Any) -> str:
        """Return a run's status."""
        return (await self.hatchet.runs.aio_get_status(run.workflow_run_id)).value

    async def result(self, run: Any) -> dict[str, Any]:
        """Wait for a run; return its results by task, an empty dictionary if it was cancelled.

        Raises:
            FailedTaskRunExceptionGroup: the run failed with an error.
        """
        return await self.hatchet.runs.get_run_ref(run.workflow_run_id).aio_result()

    async def until(self, run: Any, status: str) -> None:
        """Wait until a run has a status."""
        await until(lambda: self.has(run, status))

    async def has(self, run: Any, status: str) -> bool:
        """Return whether a run has a status. It has none for a moment after its start."""
        answer = await self.api(f"/stable/workflow-runs/{run.workflow_run_id}/status")
        return answer.status_code == httpx.codes.OK and answer.json() == status

    async def is_evicted(self, run: Any) -> bool:
        """Return whether a run waits without a worker."""
        details = await self.hatchet.runs.aio_get_details(run.workflow_run_id)
        return any(task.is_evicted for task in details.task_runs.values())

    async def has_begun_to_wait(self, run: Any) -> bool:
        """Return whether a run waits. The real engine cannot tell, so it is given a second."""
        if self.double is None:
            await asyncio.sleep(1)
            return True
        return any(entry.conditions for entry in self.double.runs[run.workflow_run_id].log)

    async def history(self, run: Any, limit: int | None = 100) -> list[dict[str, Any]]:
        """Return the history of a run, oldest first."""
        query = "" if limit is None else f"?limit={limit}"
        answer = await self.api(f"/stable/tasks/{run.workflow_run_id}/task-events{query}")
        return answer.raise_for_status().json()["rows"][::-1]

    async def has_happened(self, run: Any, kind: str) -> bool:
        """Return whether a run's history has a kind of event."""
        return any(line["eventType"] == kind for line in await self.history(run))

    async def api(self, path: str) -> httpx.Response:
        """Call the REST API."""
        config = self.hatchet.config
        async with httpx.AsyncClient(base_url=config.server_url, timeout=PATIENCE) as http:
            bearer = {"authorization": f"Bearer {config.token}"}
            return await http.get(f"/api/v1{path}", headers=bearer)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Poll a condition until it holds; fail if it does not in time."""
    deadline = time.monotonic() + PATIENCE
    while not await condition():
        assert time.monotonic() < deadline, "the condition does not come true"
        await asyncio.sleep(0.05)
