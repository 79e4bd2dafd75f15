"""A process that has imported the program and forks a worker for each line it reads.

    python -m tests.promises.crash.fork_server

Each line of standard input is the JSON of a `WorkerSettings`. For each worker the server prints
`started PID` and, when the worker has ended, `ended STATUS`; the status is negative for a signal.
The server ends when its standard input is closed. Forking takes milliseconds, and an import of the
program takes more than half a second.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
import traceback
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

TOP = Path(__file__).parents[3]


class ForkServer:
    """The test's side of the fork server. One worker runs at a time.

    Args:
        process: the server's process.
        log: the file that receives the log of the server and of every worker.
    """

    def __init__(self, process: Process, log: Path) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._requests, self._replies = process.stdin, process.stdout
        self._worker_pid: int | None = None
        self._log = log

    @property
    def log_tail(self) -> str:
        """The last lines of the log."""
        return self._log.read_text()[-4000:]

    async def start_worker(self, line: bytes) -> None:
        """Fork a worker. The previous one must have been waited for.

        Args:
            line: the worker's settings as a line of JSON.
        """
        self._requests.write(line)
        self._worker_pid = await self._read_reply("started")

    def kill_worker(self) -> None:
        """Send SIGKILL to the worker, if it is still running."""
        if self._worker_pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._worker_pid, signal.SIGKILL)

    async def wait(self) -> int:
        """Wait for the worker to end; return its exit status, negative for a signal."""
        status = await self._read_reply("ended")
        self._worker_pid = None
        return status

    async def _read_reply(self, expected: str) -> int:
        words = (await self._replies.readline()).decode().split()
        assert words[:1] == [expected], f"expected {expected!r} from the fork server, got {words}"
        return int(words[1])


@asynccontextmanager
async def open_fork_server(log: Path) -> AsyncIterator[ForkServer]:
    """Start a fork server, and end it and its worker when the block is left.

    Args:
        log: the file that receives the log of the server and of every worker.
    """
    with log.open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, cwd=TOP, stdin=PIPE, stdout=PIPE, stderr=stderr
        )
    server = ForkServer(process, log)
    try:
        yield server
    finally:
        server.kill_worker()
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def _fork_worker(line: bytes) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        from .worker import WorkerSettings, run_worker

        # The worker must not hold the server's pipes: it ends when the test's socket closes.
        os.close(0)
        os.dup2(2, 1)
        asyncio.run(run_worker(WorkerSettings.from_json(line)))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _serve() -> None:
    from .worker import WorkerSettings

    assert threading.active_count() == 1, "a process with several threads cannot be forked safely"
    assert WorkerSettings
    gc.collect()
    gc.freeze()
    while line := sys.stdin.buffer.readline():
        child = _fork_worker(line)
        print(f"started {child}", flush=True)
        _, status = os.waitpid(child, 0)
        print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    _serve()
