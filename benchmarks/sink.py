"""The SMTP sink of the tests, as a process of its own, and how to ask what it has got."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from server import ROOT, free_port


@dataclass(frozen=True)
class Sink:
    """A running sink; `port` is where it listens."""

    port: int

    @property
    def url(self) -> str:
        """The value of HOGSEND_MAIL."""
        return f"smtp://127.0.0.1:{self.port}"

    def count(self) -> tuple[int, float]:
        """Return how many mails came, and the monotonic instant of the last one."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as line:
            file = line.makefile("rwb")
            file.readline()
            file.write(b"XCOUNT\r\n")
            file.flush()
            _, mails, last = file.readline().split()
            return int(mails), float(last)


@contextmanager
def sinking() -> Generator[Sink]:
    """Start a sink that only counts."""
    sink = Sink(free_port())
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.sinks.smtp_sink", "--port", str(sink.port)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            try:
                sink.count()
                break
            except OSError:
                time.sleep(0.05)
        yield sink
    finally:
        process.terminate()
        process.wait()
