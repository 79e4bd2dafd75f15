"""Runs Docker's command line: its version, the containers of a folder, their logs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, Any, cast

from ..errors import StartError
from .output import make_printable

# The first version in which the file named by `env_file` may be missing.
OLDEST_COMPOSE = (2, 24)
# In seconds. Starting includes the download of images.
_TIMEOUT = 60
_START_TIMEOUT = 1800
_HEALTH_TIMEOUT = 300
_INSTALL = "https://docs.docker.com/engine/install/"
_INSTALL_COMPOSE = "https://docs.docker.com/compose/install/"


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The result of a `docker` command.

    Args:
        status: its exit status.
        out: its standard output.
        err: its standard error.
    """

    status: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        """The last line of standard error, or else of standard output; empty without any."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return make_printable(lines[-1]) if lines else ""


@dataclass(frozen=True, slots=True)
class Container:
    """A container of the folder's compose file.

    Args:
        service: its name in that file.
        state: such as `running` or `exited`.
        health: `healthy`, `unhealthy`, `starting`, or empty without a health check.
        ports: the ports of this machine that it publishes.
    """

    service: str
    state: str
    health: str
    ports: frozenset[int]

    @property
    def is_healthy(self) -> bool:
        """Whether it runs, and passes its health check if it has one."""
        return self.state == "running" and self.health in ("", "healthy")


class Docker:
    """The `docker` of this machine, run in one folder.

    Args:
        folder: has the compose file and its `.env`.
        unset: environment variables to remove, so that Compose reads them from `.env`.
    """

    def __init__(self, folder: Path, unset: Collection[str] = ()) -> None:
        self._folder = folder
        self._environ: Mapping[str, str] = {
            name: text for name, text in os.environ.items() if name not in unset
        }

    def read_versions(self) -> tuple[str, str]:
        """Return the versions of the engine and of Compose.

        Raises:
            StartError: Docker or its Compose is missing, too old, or does not run.
        """
        engine = self.run("version", "--format", "{{.Server.Version}}")
        if engine.status:
            raise _explain_not_running(engine.err)
        compose = self.run("compose", "version", "--short")
        version = compose.out.strip().removeprefix("v")
        if compose.status:
            raise StartError(
                "Docker Compose is not installed.", f"Install the plugin ({_INSTALL_COMPOSE})."
            )
        # A version without numbers is a development build, and assumed to be new.
        numbers = re.match(r"(\d+)\.(\d+)", version)
        if numbers and (int(numbers[1]), int(numbers[2])) < OLDEST_COMPOSE:
            oldest = ".".join(map(str, OLDEST_COMPOSE))
            raise StartError(
                f"Docker Compose is {version}; {oldest} or newer is needed.",
                f"Update it ({_INSTALL_COMPOSE}).",
            )
        return engine.out.strip(), version

    def list_services(self) -> set[str]:
        """Return the names of the services in the folder's compose file.

        Raises:
            StartError: Compose cannot read the file.
        """
        result = self.run("compose", "config", "--services")
        if result.status:
            raise StartError(
                f"Compose cannot use compose.yaml: {result.last_line}.",
                "Fix the file, or move it away and let `hogsend bootstrap` write a new one.",
            )
        return set(result.out.split())

    def list_containers(self) -> list[Container]:
        """Return the folder's containers, running or not."""
        result = self.run("compose", "ps", "--all", "--format", "json")
        if result.status:
            raise StartError(
                f"Compose cannot list the containers: {result.last_line}.",
                "Run `docker compose ps` in this folder to see why.",
            )
        return [_parse_container(row) for row in _parse_rows(result.out)]

    def start_services(self) -> CommandResult:
        """Start all services, show Docker's output, and wait until they are healthy."""
        command = ["docker", "compose", "--progress", "plain", "up", "--detach", "--wait"]
        return self._run_visibly([*command, "--wait-timeout", str(_HEALTH_TIMEOUT)])

    def run_in(self, service: str, *command: str) -> CommandResult:
        """Run a command in the container of a service."""
        return self.run("compose", "exec", "-T", service, *command)

    def read_log(self, service: str) -> str:
        """Return the last lines of a service's log."""
        result = self.run(
            "compose", "logs", "--no-color", "--no-log-prefix", "--tail", "20", service
        )
        return make_printable(result.out.strip())

    def run(self, *arguments: str) -> CommandResult:
        """Run `docker` with these arguments.

        Raises:
            StartError: Docker is not installed, or does not answer.
        """
        try:
            process = subprocess.run(  # noqa: S603 - the arguments are ours
                ["docker", *arguments],  # noqa: S607 - the one that the user has on the path
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise StartError(
                f"`docker {arguments[0]}` has not finished in {_TIMEOUT} seconds.",
                "Restart Docker.",
            ) from None
        except OSError as error:
            raise _explain_not_installed(error) from None
        return CommandResult(process.returncode, process.stdout, process.stderr)

    def _run_visibly(self, command: list[str]) -> CommandResult:
        try:
            process = subprocess.Popen(  # noqa: S603 - the arguments are ours
                command,
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise _explain_not_installed(error) from None
        lines: list[str] = []
        with process:
            reader = Thread(target=_echo_lines, args=(cast("IO[str]", process.stdout), lines))
            reader.start()
            try:
                status = process.wait(_START_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                status = process.wait()
            except KeyboardInterrupt:
                process.terminate()
                raise
            finally:
                reader.join()
        return CommandResult(status, "", "".join(lines))


def _echo_lines(stream: IO[str], lines: list[str]) -> None:
    for line in stream:
        lines.append(line)
        print(f"    {make_printable(line.rstrip())}", file=sys.stderr, flush=True)


def _explain_not_installed(error: OSError) -> StartError:
    if isinstance(error, FileNotFoundError):
        return StartError("Docker is not installed.", f"Install it ({_INSTALL}).")
    return StartError(
        f"Docker cannot be run: {error.strerror or error}.", f"Install it again ({_INSTALL})."
    )


def _explain_not_running(message: str) -> StartError:
    if "permission denied" in message.lower():
        return StartError(
            "Docker runs, but this account may not use it.",
            "Add the account to the group docker (`sudo usermod -aG docker $USER`) and sign in "
            "again, or run the command with sudo.",
        )
    return StartError(
        "Docker is installed, but it is not running.",
        "Start it: `sudo systemctl start docker`, or open Docker Desktop.",
    )


def _parse_rows(text: str) -> list[dict[str, Any]]:
    """Parse the output of `--format json`: one object per line, or one list in some versions."""
    rows: list[Any] = []
    for line in text.splitlines():
        if line.strip():
            row = json.loads(line)
            rows += cast("list[Any]", row) if isinstance(row, list) else [row]
    return [cast("dict[str, Any]", row) for row in rows if isinstance(row, dict)]


def _parse_container(row: Mapping[str, Any]) -> Container:
    publishers: list[dict[str, Any]] = row.get("Publishers") or []
    ports = frozenset(int(publisher.get("PublishedPort") or 0) for publisher in publishers)
    return Container(
        service=str(row.get("Service", "")),
        state=str(row.get("State", "")),
        health=str(row.get("Health", "")),
        ports=ports - {0},
    )
