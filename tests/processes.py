"""The program in a process of its own, for promises that only a process can keep."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.patience import PATIENCE
from tests.ports import free_port
from tests.site import FILES, write_files

T = TypeVar("T")
COMMAND = (sys.executable, "-m", "hogsend")
KEY = "hsk_" + "k" * 43
READY = "Hogsend is ready at "
# How often a condition on another process is polled, in seconds.
_POLL_INTERVAL = 0.02
# How long the server takes to start on an idle machine with two cores, with room to spare.
_NORMAL_START = 3.0


@dataclass(frozen=True)
class Outcome:
    """The result of a command.

    Args:
        status: its exit status.
        out: its standard output.
        err: its standard error.
    """

    status: int
    out: str
    err: str


@dataclass
class Program:
    """A project folder, and the server that runs on it.

    Args:
        folder: the working folder.
        settings: the settings, without `HOGSEND_`.
        wrapper: a command that runs the program with fewer privileges.
        variables: more environment variables.
        command: the command that runs the program.
    """

    folder: Path
    settings: dict[str, str] = field(default_factory=dict[str, str])
    wrapper: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict[str, str])
    command: tuple[str, ...] = COMMAND
    process: Process | None = None
    printed: list[str] = field(default_factory=list[str])
    start_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.settings.setdefault("BIND", f"127.0.0.1:{free_port()}")
        self.settings.setdefault("API_KEY", KEY)

    @property
    def address(self) -> str:
        return f"http://{self.settings['BIND']}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> str:
        """The log of the server, of all its starts."""
        return (self.folder / "stderr.txt").read_text()

    @property
    def slowness(self) -> float:
        """How many times slower than an idle one this machine is, measured by the last start.

        A promise about seconds is multiplied by it: 1.0 on an idle machine.
        """
        return max(1.0, self.start_seconds / _NORMAL_START)

    def environment(self, more: Mapping[str, str] = {}) -> dict[str, str]:
        """Return the environment, without any setting but those of the test."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HOGSEND_", "HATCHET_"))}
        settings = {f"HOGSEND_{name}": text for name, text in {**self.settings, **more}.items()}
        return {**kept, **self.variables, **settings}

    async def run(self, *arguments: str, **settings: str) -> Outcome:
        """Run a command to its end.

        Args:
            arguments: of the program.
            settings: more settings, without `HOGSEND_`.
        """
        process = await asyncio.create_subprocess_exec(
            *self.wrapper,
            *self.command,
            *arguments,
            cwd=self.folder,
            env=self.environment(settings),
            stdout=PIPE,
            stderr=PIPE,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return Outcome(process.returncode, out.decode(), err.decode())

    async def start(self, *options: str) -> None:
        """Start the server and wait until it is ready.

        Args:
            options: of `hogsend serve`; `--with-worker` unless given.
        """
        begun = time.monotonic()
        with (self.folder / "stderr.txt").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                "serve",
                *(options or ("--with-worker",)),
                cwd=self.folder,
                env=self.environment(),
                stdout=PIPE,
                stderr=log,
            )
        self.printed = []
        async with asyncio.timeout(PATIENCE):
            while not (self.printed and self.printed[-1].startswith(READY)):
                assert self.process.stdout is not None
                line = (await self.process.stdout.readline()).decode()
                assert line, f"the server did not start: {self.log}"
                self.printed.append(line.rstrip("\n"))
        self.start_seconds = time.monotonic() - begun

    def signal(self, number: int) -> None:
        """Send a signal to the server."""
        assert self.process is not None
        self.process.send_signal(number)

    async def wait(self) -> int:
        """Wait until the server has ended; return its exit status."""
        assert self.process is not None and self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            rest, status = await asyncio.gather(self.process.stdout.read(), self.process.wait())
        self.printed.extend(rest.decode().splitlines())
        self.process = None
        return status

    async def stop(self) -> tuple[int, float]:
        """Stop the server; return its exit status and the seconds that it took."""
        begun = time.monotonic()
        self.signal(signal.SIGTERM)
        status = await self.wait()
        return status, time.monotonic() - begun

    async def kill(self) -> None:
        """Kill the server with SIGKILL."""
        self.signal(signal.SIGKILL)
        await self.wait()

    async def post(
        self, client: httpx.AsyncClient, body: Any, path: str = "/v1/events", key: str = ""
    ) -> httpx.Response:
        """Post JSON to the server.

        Args:
            client: sends the request.
            body: what becomes JSON.
            path: where to.
            key: an API key; one that the server knows unless given.
        """
        headers = {"Authorization": f"Bearer {key or KEY}"}
        return await client.post(f"{self.address}{path}", json=body, headers=headers)

    async def get(self, client: httpx.AsyncClient, path: str, **query: str) -> Any:
        """Return the JSON that the server answers to a question, which must succeed."""
        headers = {"Authorization": f"Bearer {KEY}"}
        answer = await client.get(f"{self.address}{path}", params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the SQLite database, also while the server runs."""
        with closing(sqlite3.connect(self.data / "hogsend.db", timeout=30)) as connection:
            return connection.execute(sql, values).fetchall()

    async def wait_until(self, condition: Callable[[], T | None], within: float = PATIENCE) -> T:
        """Poll a condition on the server; return its first true value.

        Args:
            condition: returns something false as long as it does not hold.
            within: how many seconds it may take.
        """

        async def check() -> T | None:
            return condition()

        return await self.wait_until_async(check, within)

    async def wait_until_async(
        self, condition: Callable[[], Awaitable[T | None]], within: float = PATIENCE
    ) -> T:
        """Poll an asynchronous condition on the server; return its first true value."""
        async with asyncio.timeout(within):
            # Another process cannot notify us.
            while not (value := await condition()):  # noqa: ASYNC110
                await asyncio.sleep(_POLL_INTERVAL)
            return value


@asynccontextmanager
async def program(
    folder: Path, *, files: Mapping[str, str] = FILES, **settings: str
) -> AsyncIterator[Program]:
    """Create a project, and kill what still runs of it when the block is left.

    Args:
        folder: an empty folder.
        files: the files of the journeys folder.
        settings: the settings, without `HOGSEND_`.
    """
    write_files(folder / "journeys", files)
    project = Program(folder, {"LOG_LEVEL": "warning", **settings})
    try:
        yield project
    finally:
        if project.process is not None:
            await project.kill()


def parse_json(outcome: Outcome) -> Any:
    """Return the output of a command with `--json`."""
    assert outcome.status == 0, outcome.err
    return json.loads(outcome.out)
