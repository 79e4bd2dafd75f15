"""A project as a user creates it: with `hogsend init` in an empty folder."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE
from tests.ports import free_port

CHECKOUT = [sys.executable, "-m", "hogsend"]


@dataclass
class Project:
    """A project created by `hogsend init`, and the server that runs on it.

    Args:
        command: the command that runs the program: `CHECKOUT`, or the binary.
        folder: an empty folder, in which the project is created.
        settings: further settings.
    """

    command: list[str]
    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    port: int = 0
    process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        """The address of the dashboard."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def path(self) -> Path:
        """The folder that `init` created."""
        return self.folder / "demo"

    def environment(self) -> dict[str, str]:
        """Return the environment, without any setting but those of the test."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HOGSEND_", "HATCHET_"))}
        return {**kept, "HOGSEND_BIND": f"127.0.0.1:{self.port}", **self.settings}

    def run(self, *arguments: str, folder: Path | None = None) -> str:
        """Run a command to its end and return its standard output."""
        result = subprocess.run(
            [*self.command, *arguments],
            cwd=folder or self.path,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def init(self) -> None:
        """Create the project."""
        self.port = free_port()
        self.run("init", "demo", folder=self.folder)

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        with (self.folder / "stderr.txt").open("a") as log:
            self.process = subprocess.Popen(
                [*self.command, "serve", "--with-worker"],
                cwd=self.path,
                env=self.environment(),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        begun = time.monotonic()
        for line in self.process.stdout:
            if line.startswith("Hogsend is ready at "):
                assert line.split()[-1] == self.address
                return
            assert time.monotonic() - begun < PATIENCE
        raise AssertionError((self.folder / "stderr.txt").read_text())

    def stop(self) -> int:
        """Stop the server; return its exit status."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return status

    def kill(self) -> None:
        """Kill the server with SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None

    def first_run(self) -> tuple[str, str]:
        """Return the sign-in link and the ingest key of the first start."""
        # The file is written right after the ready line.
        file = self.path / "data" / "first-run.txt"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            text = file.read_text() if file.exists() else ""
            link, key = re.search(r"http\S+", text), re.search(r"hsk_\S+", text)
            if link and key:
                return link.group(), key.group()
            time.sleep(0.02)
        raise AssertionError("no sign-in link")

    def send(self, key: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Send an event to the API and return the answer."""
        request = urllib.request.Request(
            f"{self.address}/v1/events",
            json.dumps(event).encode(),
            {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            assert answer.status == 202
            body: dict[str, Any] = json.loads(answer.read())
            return body
