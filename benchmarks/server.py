"""Starts the program under test, on a data folder of its own, and stops it again."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READY = 60.0


@dataclass(frozen=True)
class Server:
    """A running server.

    Args:
        address: such as `http://127.0.0.1:4123`.
        key: an ingest key.
        pid: of its process.
        data: its data folder.
        ready_after: seconds from the start of the process to the ready line.
    """

    address: str
    key: str
    pid: int
    data: Path
    ready_after: float


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    folder: Path,
    *,
    settings: Mapping[str, str] | None = None,
    with_worker: bool = True,
    program: list[str] | None = None,
) -> Generator[Server]:
    """Start `hogsend serve` in a folder and wait until it is ready.

    Args:
        folder: the working folder; `data` is made in it.
        settings: further settings.
        with_worker: whether it also plays journeys.
        program: what to start instead of this checkout.
    """
    port = free_port()
    key = "hsk_" + "b" * 43
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HOGSEND_")},
        "HOGSEND_BIND": f"127.0.0.1:{port}",
        "HOGSEND_JOURNEYS": str(ROOT / "journeys"),
        "HOGSEND_API_KEY": key,
        "HOGSEND_LOG_LEVEL": "warning",
        **(settings or {}),
    }
    command = [*(program or [sys.executable, "-m", "hogsend"]), "serve"]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, *(["--with-worker"] if with_worker else [])],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if re.match("Hogsend is ready at ", line):
                break
        else:
            raise RuntimeError("the server did not start")
        ready_after = time.perf_counter() - started
        address = f"http://127.0.0.1:{port}"
        yield Server(address, key, process.pid, folder / "data", ready_after)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
