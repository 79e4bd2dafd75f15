"""Speaks to Docker through its command line: is it there, what runs, start it, ask inside."""

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
from .output import plain

# The first one that can do without the `.env` of `env_file`.
OLDEST_COMPOSE = (2, 24)
# Seconds that a question may take, and the start of everything, with images to be fetched.
_PATIENCE = 60
_START_PATIENCE = 1800
_HEALTH_PATIENCE = 300
_INSTALL = "https://docs.docker.com/engine/install/"
_INSTALL_COMPOSE = "https://docs.docker.com/compose/install/"


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a run of `docker` came to.

    Args:
        status: its exit status.
        out: what it printed.
        err: what it complained about.
    """

    status: int
    out: str
    err: str

    @property
    def last_words(self) -> str:
        """The last line of its complaint, or of what it printed; empty when it said nothing."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return plain(lines[-1]) if lines else ""


@dataclass(frozen=True, slots=True)
class Container:
    """A container of the folder's compose file.

    Args:
        service: what it is called there.
        state: such as `running` or `exited`.
        health: `healthy`, `unhealthy`, `starting`, or empty when it is not looked at.
        ports: those of this machine that lead to it.
    """

    service: str
    state: str
    health: str
    ports: frozenset[int]

    @property
    def is_well(self) -> bool:
        """Whether it does its work."""
        return self.state == "running" and self.health in ("", "healthy")


class Docker:
    """The `docker` of this machine, at work in one folder.

    Args:
        folder: where the compose file and its `.env` are.
        unset: names that count as they stand in `.env`, whatever the environment says of them.
    """

    def __init__(self, folder: Path, unset: Collection[str] = ()) -> None:
        self._folder = folder
        self._environ: Mapping[str, str] = {
            name: text for name, text in os.environ.items() if name not in unset
        }

    def versions(self) -> tuple[str, str]:
        """Return the versions of the engine and of Compose.

        Raises:
            StartError: Docker or its Compose is missing, too old, or does not run.
        """
        engine = self.run("version", "--format", "{{.Server.Version}}")
        if engine.status:
            raise _not_running(engine.err)
        compose = self.run("compose", "version", "--short")
        version = compose.out.strip().removeprefix("v")
        if compose.status:
            raise StartError("Docker has no Compose.", f"Install its plugin ({_INSTALL_COMPOSE}).")
        # One that somebody has built names itself otherwise, and is taken for new.
        numbers = re.match(r"(\d+)\.(\d+)", version)
        if numbers and (int(numbers[1]), int(numbers[2])) < OLDEST_COMPOSE:
            oldest = ".".join(map(str, OLDEST_COMPOSE))
            raise StartError(
                f"Docker Compose is {version}; {oldest} or newer is needed.",
                f"Update it ({_INSTALL_COMPOSE}).",
            )
        return engine.out.strip(), version

    def services(self) -> set[str]:
        """Return what the folder's compose file is made of.

        Raises:
            StartError: Compose cannot read it.
        """
        ran = self.run("compose", "config", "--services")
        if ran.status:
            raise StartError(
                f"Compose cannot use compose.yaml: {ran.last_words}.",
                "Mend the file, or move it away and let `hogsend bootstrap` write it anew.",
            )
        return set(ran.out.split())

    def containers(self) -> list[Container]:
        """Return the folder's containers, whether they run or not."""
        ran = self.run("compose", "ps", "--all", "--format", "json")
        if ran.status:
            raise StartError(
                f"Compose does not say what runs: {ran.last_words}.",
                "Try `docker compose ps` in this folder.",
            )
        return [_container(row) for row in _rows(ran.out)]

    def up(self) -> CommandResult:
        """Start what the compose file says, wait until it is healthy, and show how it goes on."""
        command = ["docker", "compose", "--progress", "plain", "up", "--detach", "--wait"]
        return self._watched([*command, "--wait-timeout", str(_HEALTH_PATIENCE)])

    def within(self, service: str, *command: str) -> CommandResult:
        """Run a command in the container of a service."""
        return self.run("compose", "exec", "-T", service, *command)

    def log(self, service: str) -> str:
        """Return the last lines of what a service has logged."""
        ran = self.run("compose", "logs", "--no-color", "--no-log-prefix", "--tail", "20", service)
        return plain(ran.out.strip())

    def run(self, *arguments: str) -> CommandResult:
        """Run `docker` with these arguments.

        Raises:
            StartError: it is not installed, or does not answer.
        """
        try:
            ran = subprocess.run(  # noqa: S603 - the arguments are ours
                ["docker", *arguments],  # noqa: S607 - whichever the person uses
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise StartError(
                f"Docker has not answered `docker {arguments[0]}` for {_PATIENCE} seconds.",
                "Start Docker anew.",
            ) from None
        except OSError as error:
            raise _not_installed(error) from None
        return CommandResult(ran.returncode, ran.stdout, ran.stderr)

    def _watched(self, command: list[str]) -> CommandResult:
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
            raise _not_installed(error) from None
        said: list[str] = []
        with process:
            reader = Thread(target=_pass_on, args=(cast("IO[str]", process.stdout), said))
            reader.start()
            try:
                status = process.wait(_START_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                status = process.wait()
            except KeyboardInterrupt:
                process.terminate()
                raise
            finally:
                reader.join()
        return CommandResult(status, "", "".join(said))


def _pass_on(stream: IO[str], said: list[str]) -> None:
    for line in stream:
        said.append(line)
        print(f"    {plain(line.rstrip())}", file=sys.stderr, flush=True)


def _not_installed(error: OSError) -> StartError:
    if isinstance(error, FileNotFoundError):
        return StartError("Docker is not installed.", f"Install it ({_INSTALL}).")
    return StartError(
        f"Docker cannot be run: {error.strerror or error}.", f"Install it again ({_INSTALL})."
    )


def _not_running(complaint: str) -> StartError:
    if "permission denied" in complaint.lower():
        return StartError(
            "Docker runs, but not for this account.",
            "Put the account into the group docker (`sudo usermod -aG docker $USER`) and sign in "
            "anew, or run the command with sudo.",
        )
    return StartError(
        "Docker is installed and does not run.",
        "Start it: `sudo systemctl start docker`, or open Docker Desktop.",
    )


def _rows(text: str) -> list[dict[str, Any]]:
    """Return what `--format json` printed: an object a line, or one list in some versions."""
    found: list[Any] = []
    for line in text.splitlines():
        if line.strip():
            row = json.loads(line)
            found += cast("list[Any]", row) if isinstance(row, list) else [row]
    return [cast("dict[str, Any]", row) for row in found if isinstance(row, dict)]


def _container(row: Mapping[str, Any]) -> Container:
    published: list[dict[str, Any]] = row.get("Publishers") or []
    ports = frozenset(int(one.get("PublishedPort") or 0) for one in published)
    return Container(
        service=str(row.get("Service", "")),
        state=str(row.get("State", "")),
        health=str(row.get("Health", "")),
        ports=ports - {0},
    )
