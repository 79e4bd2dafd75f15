"""A warm process that has imported everything and forks a worker for each life it is given.

    python -m tests.promises.crash.nursery

reads lives from its standard input, one a line, and prints of each `born PID`, and when it has
ended `ended STATUS`, negative for a signal. It ends with its input.
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


class Nursery:
    """The warm process, as its parent sees it.

    Args:
        process: it.
        log: where it and all lives write their log.
    """

    def __init__(self, process: Process, log: Path) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._lives, self._said = process.stdin, process.stdout
        self._alive: int | None = None
        self._log = log

    @property
    def last_words(self) -> str:
        """What was last written to the log."""
        return self._log.read_text()[-4000:]

    async def bear(self, line: bytes) -> None:
        """Begin a life, when the one before has been buried."""
        self._lives.write(line)
        self._alive = await self._hear("born")

    def kill(self) -> None:
        """End the life with SIGKILL, if it has not ended."""
        if self._alive is not None:
            with suppress(ProcessLookupError):
                os.kill(self._alive, signal.SIGKILL)

    async def bury(self) -> int:
        """Return how the life ended, when it has: the negative number of a signal, or a status."""
        status = await self._hear("ended")
        self._alive = None
        return status

    async def _hear(self, word: str) -> int:
        line = (await self._said.readline()).decode().split()
        assert line[:1] == [word], f"the nursery said {line} instead of {word}"
        return int(line[1])


@asynccontextmanager
async def open_nursery(log: Path) -> AsyncIterator[Nursery]:
    """Start the warm process, and end it when it is not needed any more.

    Args:
        log: where it and all lives write their log.
    """
    with log.open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, cwd=TOP, stdin=PIPE, stdout=PIPE, stderr=stderr
        )
    nursery = Nursery(process, log)
    try:
        yield nursery
    finally:
        nursery.kill()
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def _fork(line: bytes) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        from .life import Life, live

        # The life ends with its parent's socket, not with the pipes of the nursery.
        os.close(0)
        os.dup2(2, 1)
        asyncio.run(live(Life.from_line(line)))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _serve() -> None:
    from .life import Life

    assert threading.active_count() == 1, "what is forked must have one thread"
    assert Life
    gc.collect()
    gc.freeze()
    while line := sys.stdin.buffer.readline():
        child = _fork(line)
        print(f"born {child}", flush=True)
        _, status = os.waitpid(child, 0)
        print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    _serve()
