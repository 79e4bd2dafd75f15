"""The real program in a process of its own, for what only a process can show."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
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

from tests.site import FILES, write_files

T = TypeVar("T")
COMMAND = (sys.executable, "-m", "hogsend")
KEY = "hsk_" + "k" * 43
READY = "Hogsend is ready at "
PATIENCE = 60.0
# How often what another process does is looked at.
_LOOK_EVERY = 0.02


@dataclass(frozen=True)
class Outcome:
    """What a command came to.

    Args:
        status: its exit status.
        out: what it printed.
        err: what it complained of.
    """

    status: int
    out: str
    err: str


@dataclass
class Program:
    """A project's folder, and the server on it.

    Args:
        folder: the working folder.
        settings: the settings, without `HOGSEND_`.
        through: a command that runs the program, with less than our own rights.
        beside: further variables of the environment.
        command: the program itself.
    """

    folder: Path
    settings: dict[str, str] = field(default_factory=dict[str, str])
    through: tuple[str, ...] = ()
    beside: dict[str, str] = field(default_factory=dict[str, str])
    command: tuple[str, ...] = COMMAND
    process: Process | None = None
    printed: list[str] = field(default_factory=list[str])

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
    def complaints(self) -> str:
        """What the server wrote to its log, over all its lives."""
        return (self.folder / "stderr.txt").read_text()

    def environment(self, more: Mapping[str, str] = {}) -> dict[str, str]:
        """Return the environment: nothing of ours but what the test sets."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HOGSEND_", "HATCHET_"))}
        given = {f"HOGSEND_{name}": text for name, text in {**self.settings, **more}.items()}
        return {**kept, **self.beside, **given}

    async def run(self, *arguments: str, **more: str) -> Outcome:
        """Run a command to its end."""
        process = await asyncio.create_subprocess_exec(
            *self.through,
            *self.command,
            *arguments,
            cwd=self.folder,
            env=self.environment(more),
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
        """Start the server, with a worker unless options say otherwise, and wait for it."""
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
                assert line, f"it did not start: {self.complaints}"
                self.printed.append(line.rstrip("\n"))

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self, within: float = 15.0) -> int:
        """Return the exit status of the server, once it has ended; note what it printed last."""
        assert self.process is not None and self.process.stdout is not None
        async with asyncio.timeout(within):
            rest, status = await asyncio.gather(self.process.stdout.read(), self.process.wait())
        self.printed.extend(rest.decode().splitlines())
        self.process = None
        return status

    async def stop(self) -> tuple[int, float]:
        """Ask the server to leave; return its exit status and how many seconds it took."""
        asked = time.monotonic()
        self.signal(signal.SIGTERM)
        status = await self.ended()
        return status, time.monotonic() - asked

    async def kill(self) -> None:
        """End the server as a power cut would."""
        self.signal(signal.SIGKILL)
        await self.ended()

    async def post(
        self, client: httpx.AsyncClient, body: Any, path: str = "/v1/events", key: str = ""
    ) -> httpx.Response:
        """Post JSON with the key that the server knows, or another one."""
        headers = {"Authorization": f"Bearer {key or KEY}"}
        return await client.post(f"{self.address}{path}", json=body, headers=headers)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database, beside the server or after it."""
        with closing(sqlite3.connect(self.data / "hogsend.db", timeout=10)) as connection:
            return connection.execute(sql, values).fetchall()

    async def until(self, asked: Callable[[], T | None], within: float = PATIENCE) -> T:
        """Return the first true answer about the server."""

        async def answered() -> T | None:
            return asked()

        return await self.until_told(answered, within)

    async def until_told(
        self, asked: Callable[[], Awaitable[T | None]], within: float = PATIENCE
    ) -> T:
        """Return the first true answer of the server."""
        async with asyncio.timeout(within):
            # Another process has no way to tell us.
            while not (answer := await asked()):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_EVERY)
            return answer


@asynccontextmanager
async def program(
    folder: Path, *, files: Mapping[str, str] = FILES, **settings: str
) -> AsyncIterator[Program]:
    """Make a project and, at the end, make sure that nothing of it runs on.

    Args:
        folder: an empty folder.
        files: the author's.
        settings: the settings, without `HOGSEND_`.
    """
    write_files(folder / "journeys", files)
    made = Program(folder, {"LOG_LEVEL": "warning", **settings})
    try:
        yield made
    finally:
        if made.process is not None:
            await made.kill()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def parsed(outcome: Outcome) -> Any:
    """Return what a command with `--json` printed."""
    assert outcome.status == 0, outcome.err
    return json.loads(outcome.out)
