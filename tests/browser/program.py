"""The real program, started as a user starts it: in an empty folder, from the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = [sys.executable, "-m", "hogsend"]
READY_WITHIN = 60.0


@dataclass
class Program:
    """A project made by `hogsend init`, and the server on it.

    Args:
        command: how the program is called: `CHECKOUT`, or the binary.
        folder: an empty folder, in which the project is made.
        settings: further settings.
    """

    command: list[str]
    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    port: int = 0
    process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        """Where the dashboard is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def project(self) -> Path:
        """The folder that `init` made."""
        return self.folder / "demo"

    def environment(self) -> dict[str, str]:
        """Return the environment: nothing of ours but what the test sets."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HOGSEND_", "HATCHET_"))}
        return {**kept, "HOGSEND_BIND": f"127.0.0.1:{self.port}", **self.settings}

    def run(self, *arguments: str, folder: Path | None = None) -> str:
        """Run a command to its end and return what it printed."""
        done = subprocess.run(
            [*self.command, *arguments],
            cwd=folder or self.project,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def init(self) -> None:
        """Make the project."""
        self.port = _free_port()
        self.run("init", "demo", folder=self.folder)

    def start(self) -> None:
        """Start the server and wait until it says that it is ready."""
        with (self.folder / "stderr.txt").open("a") as log:
            self.process = subprocess.Popen(
                [*self.command, "serve", "--with-worker"],
                cwd=self.project,
                env=self.environment(),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        since = time.monotonic()
        for line in self.process.stdout:
            if line.startswith("Hogsend is ready at "):
                assert line.split()[-1] == self.address
                return
            assert time.monotonic() - since < READY_WITHIN
        raise AssertionError((self.folder / "stderr.txt").read_text())

    def stop(self) -> int:
        """Ask the server to leave; return its exit status."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=15)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return status

    def kill(self) -> None:
        """End the server as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=15)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None

    def first_run(self) -> tuple[str, str]:
        """Return the sign-in link and the ingest key of the first start."""
        # The file is written right after the ready line.
        file = self.project / "data" / "first-run.txt"
        for _ in range(200):
            found = file.read_text() if file.exists() else ""
            link, key = re.search(r"http\S+", found), re.search(r"hsk_\S+", found)
            if link and key:
                return link.group(), key.group()
            time.sleep(0.02)
        raise AssertionError("no sign-in link")

    def send(self, key: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Send an event as a product would, and return the answer."""
        request = urllib.request.Request(
            f"{self.address}/v1/events",
            json.dumps(event).encode(),
            {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 202
            taken: dict[str, Any] = json.loads(answer.read())
            return taken


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
