"""The ports of this machine that the containers and Hogsend listen on."""

from __future__ import annotations

import re
import socket
from collections.abc import Collection, Mapping
from typing import NamedTuple

from ..errors import ConfigError, StartError
from .api_client import is_running
from .env_file import EnvFile

PORTS: Mapping[str, int] = {
    "POSTGRES_PORT": 5432,
    "HATCHET_GRPC_PORT": 7077,
    "HATCHET_DASHBOARD_PORT": 8888,
    "MAIL_SMTP_PORT": 1025,
    "MAIL_DASHBOARD_PORT": 8025,
    # Hogsend's own, in a container or without one.
    "APP_PORT": 3002,
}
LOOPBACK = "127.0.0.1"
_LAST_PORT = 65535
_PORTS_TO_TRY = 1000
_IN_USE = re.compile(r"port is already allocated|address already in use", re.IGNORECASE)


class PortChange(NamedTuple):
    """A port before and after it was replaced."""

    before: int
    after: int


def read_ports(env: EnvFile) -> dict[str, int]:
    """Return the ports that `.env` sets, or their defaults, by name.

    Raises:
        ConfigError: a value is not a port.
    """
    ports: dict[str, int] = {}
    for name, default in PORTS.items():
        text = env.get(name) or str(default)
        if not text.isdecimal() or not 0 < int(text) <= _LAST_PORT:
            raise ConfigError(
                f"{name} is {text!r}, which is not a port.", f"Use a number up to {_LAST_PORT}."
            )
        ports[name] = int(text)
    return ports


def find_taken(ports: Mapping[str, int], ours: Collection[int]) -> list[str]:
    """Return the names of the ports that something else uses, or that are set twice.

    Args:
        ports: all ports, by name.
        ours: the ports that the folder's containers publish already.
    """
    seen: set[int] = set()
    taken: list[str] = []
    for name, port in ports.items():
        if port in seen or not (port in ours or _is_free(name, port)):
            taken.append(name)
        seen.add(port)
    return taken


def find_refused(ports: Mapping[str, int], message: str) -> list[str]:
    """Return the names of the ports that Docker reports as being in use.

    Args:
        ports: all ports, by name.
        message: Docker's error.
    """
    lines = " ".join(line for line in message.splitlines() if _IN_USE.search(line))
    numbers = {int(number) for number in re.findall(r":(\d{1,5})\b", lines)}
    return [name for name, port in ports.items() if port in numbers]


def find_free(name: str, port: int, excluded: Collection[int]) -> int:
    """Return the next free port.

    Args:
        name: the port's name in `.env`.
        port: its number so far.
        excluded: ports that are not to be used.

    Raises:
        StartError: none of the next thousand ports is free.
    """
    for candidate in range(port + 1, min(port + _PORTS_TO_TRY, _LAST_PORT + 1)):
        if candidate not in excluded and _is_free(name, candidate):
            return candidate
    raise StartError(
        f"{name} is {port}, which is in use, and so are the next {_PORTS_TO_TRY:,} ports.",
        f"Stop the program that uses {port}, or set {name} in .env.",
    )


def _is_free(name: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            # The server of this project may be running while it is set up again.
            return name == "APP_PORT" and is_running(LOOPBACK, port)
    return True
