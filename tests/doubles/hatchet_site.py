"""An engine with workers and a client, for `test_hatchet_double.py`."""

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

WORKER = Path(__file__).with_name("hatchet_worker.py")


def client(environment: Mapping[str, str], namespace: str = "", attempts: int = 1) -> Hatchet:
    """A client in this process.

    Args:
        environment: what one in another process would need.
        namespace: put before the names of tasks and events.
        attempts: how often it tries; the SDK's own five take half a minute to fail.
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
class Site:
    """An engine with workers and a client.

    Args:
        environment: what a client's process needs.
        seen: the file that bodies write to.
        double: the engine, when it is the double.
        namespace: what keeps this session's names apart from others' on a real engine.
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
        # In a group of its own, as its listener is a process too.
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
        """End a worker's processes at once."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def leave(self) -> None:
        """Kill the workers, and have the client listen for results no more.

        Its reading, which nobody then awaits, would complain of the engine's end at any time.
        """
        for name in list(self.processes):
            self.kill_worker(name)
        listener = self.hatchet._client.workflow_listener
        if listener.listener_task is not None:
            listener.listener_task.cancel()
        if listener.listener is not None:
            listener.listener.cancel()

    async def active_workers(self) -> dict[str, str]:
        """Names of the workers that may be given runs, by their ids."""
        rows = (await self.hatchet.workers.aio_list()).rows or []
        ours = f"{self.namespace}_"
        return {
            row.metadata.id: row.name.removeprefix(ours)
            for row in rows
            if row.status == "ACTIVE" and row.name.startswith(ours)
        }

    async def nap(self, task: str = "sleeper", **asked: Any) -> Any:
        """Start a sleeper, under a scope of its own unless one is given."""
        asked.setdefault("scope", uuid.uuid4().hex)
        return await self.tasks[task].aio_run(Nap(**asked), wait_for_result=False)

    async def wake(self, scope: str, **payload: Any) -> None:
        """Push the event that ends a nap."""
        await self.hatchet.event.aio_push("wake", payload, scope=scope)

    async def status(self, run: Any) -> str:
        """A run's status."""
        return (await self.hatchet.runs.aio_get_status(run.workflow_run_id)).value

    async def result(self, run: Any) -> dict[str, Any]:
        """What a run came to, by its task's name; nothing of one that was cancelled.

        Raises:
            FailedTaskRunExceptionGroup: it failed, and there is an error.
        """
        return await self.hatchet.runs.get_run_ref(run.workflow_run_id).aio_result()

    async def until(self, run: Any, status: str) -> None:
        """Wait until a run has a status."""
        await until(lambda: self.has(run, status))

    async def has(self, run: Any, status: str) -> bool:
        """Whether a run is known and has a status; it is a moment after its start."""
        answer = await self.api(f"/stable/workflow-runs/{run.workflow_run_id}/status")
        return answer.status_code == httpx.codes.OK and answer.json() == status

    async def is_evicted(self, run: Any) -> bool:
        """Whether a run waits and no worker has it."""
        details = await self.hatchet.runs.aio_get_details(run.workflow_run_id)
        return any(task.is_evicted for task in details.task_runs.values())

    async def has_begun_to_wait(self, run: Any) -> bool:
        """Whether a run's wait is in its log: the double says, the real one is given time."""
        if self.double is None:
            await asyncio.sleep(1)
            return True
        return any(entry.conditions for entry in self.double.runs[run.workflow_run_id].log)

    async def history(self, run: Any, limit: int | None = 100) -> list[dict[str, Any]]:
        """What happened to a run, oldest first."""
        query = "" if limit is None else f"?limit={limit}"
        answer = await self.api(f"/stable/tasks/{run.workflow_run_id}/task-events{query}")
        return answer.raise_for_status().json()["rows"][::-1]

    async def has_happened(self, run: Any, kind: str) -> bool:
        """Whether a kind of line is in a run's history."""
        return any(line["eventType"] == kind for line in await self.history(run))

    async def api(self, path: str) -> httpx.Response:
        """Ask the dashboard's API."""
        config = self.hatchet.config
        async with httpx.AsyncClient(base_url=config.server_url) as asking:
            bearer = {"authorization": f"Bearer {config.token}"}
            return await asking.get(f"/api/v1{path}", headers=bearer)


async def until(holds: Callable[[], Awaitable[bool]], patience: float = 30.0) -> None:
    """Wait until something holds; fail when it does not come to it."""
    end = time.monotonic() + patience
    while not await holds():
        assert time.monotonic() < end, "it did not come to it"
        await asyncio.sleep(0.05)
