"""The folder that is set up with containers: its compose file, its `.env`, its ports."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Collection, Mapping
from pathlib import Path
from secrets import token_urlsafe

from ..config.secret import with_stored_secret
from ..config.settings import ENV_FILE, Settings, load_settings
from ..errors import ConfigError, StartError
from ..paths import resource
from ..store.db import is_sqlite, sqlite_path
from .api_client import is_running
from .docker import Docker
from .env_file import EnvFile
from .init import ENV_TEXT

COMPOSE_FILE = "compose.yaml"
# Others that Compose would take, and that ours would hide.
_OTHER_COMPOSE_FILES = ("compose.yml", "docker-compose.yaml", "docker-compose.yml")
SERVICES = ("postgres", "hatchet-postgres", "hatchet", "mail")
PORTS: Mapping[str, int] = {
    "POSTGRES_PORT": 5432,
    "HATCHET_GRPC_PORT": 7077,
    "HATCHET_DASHBOARD_PORT": 8888,
    "MAIL_SMTP_PORT": 1025,
    "MAIL_DASHBOARD_PORT": 8025,
    # Hogsend's own, in a container or without one.
    "APP_PORT": 3002,
}
_PASSWORDS = ("POSTGRES_PASSWORD", "HATCHET_ADMIN_PASSWORD")
_HEADING = "# Written by `hogsend bootstrap`: passwords and ports of the containers, and how to"
_HEADING_ON = "# reach them. What is changed here stays."
_IN_ADDRESS = re.compile(r"[\w.~-]+", re.ASCII)
_LAST_PORT = 65535
_LOOPBACK = "127.0.0.1"
_TAKEN = re.compile(r"port is already allocated|address already in use", re.IGNORECASE)


class ComposeProject:
    """What `hogsend bootstrap` works on.

    Args:
        folder: the project's folder.

    Raises:
        ConfigError: its `.env` cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = EnvFile(folder / ENV_FILE)
        self.docker = Docker(folder, unset=(*PORTS, *_PASSWORDS))

    def get(self, name: str) -> str:
        """Return a setting as Hogsend sees it: the environment wins over `.env`."""
        return os.environ.get(name, "").strip() or self.env.get(name)

    def is_in_environment(self, name: str) -> bool:
        """Say whether a setting comes from the environment, where it cannot be written to."""
        return bool(os.environ.get(name, "").strip())

    def settings(self) -> Settings:
        """Return the folder's settings, as `.env` is on the disk now."""
        return load_settings(os.environ, self.folder)

    # -- what is written ---------------------------------------------------------------------

    def write_compose_file(self) -> list[str]:
        """Write the compose file, unless there is one; return what was written.

        Raises:
            StartError: it cannot be written, or another one would be hidden by it.
        """
        file = self.folder / COMPOSE_FILE
        if file.exists():
            return []
        if other := next((n for n in _OTHER_COMPOSE_FILES if (self.folder / n).exists()), None):
            raise StartError(
                f"This folder has a {other} of something else, which compose.yaml would hide.",
                "Make a folder of its own with `hogsend init`, and go there.",
            )
        try:
            file.write_bytes(resource(COMPOSE_FILE).read_bytes())
        except OSError as error:
            raise StartError(
                f"{file} cannot be written: {error.strerror}.",
                "Run the command in a folder that you may write to.",
            ) from None
        return [COMPOSE_FILE]

    def write_settings(self) -> list[str]:
        """Complete `.env` with fresh secrets and with where the containers are reached.

        Returns:
            What was written.

        Raises:
            ConfigError: the password cannot stand in an address.
            StartError: `.env` cannot be written.
        """
        if not self.env.path.exists():
            self.env.note(*ENV_TEXT.splitlines())
        self.env.note("", _HEADING, _HEADING_ON)
        for name in _PASSWORDS:
            # Hatchet wants each kind of character in one.
            self.env.add(name, f"{token_urlsafe(18)}Aa1")
        if not _IN_ADDRESS.fullmatch(self.env.get("POSTGRES_PASSWORD")):
            raise ConfigError(
                "POSTGRES_PASSWORD has characters that mean something in an address.",
                "Use letters, digits, - and _ only, or take it out of .env to have one made.",
            )
        for name, port in PORTS.items():
            self.env.add(name, str(port))
        kept = with_stored_secret(self.settings()).secrets
        # Everyone who shares the database signs and verifies links with the same secret.
        self._give("HOGSEND_SECRET", ",".join(kept) or token_urlsafe(32))
        addresses = self._addresses()
        if not self.has_people_in_sqlite():
            self._give("HOGSEND_DATABASE_URL", addresses["HOGSEND_DATABASE_URL"])
        self._give("HOGSEND_MAIL", addresses["HOGSEND_MAIL"])
        return [ENV_FILE] if self.env.save() else []

    def connect_to_hatchet(self, told: str) -> None:
        """Write how workers reach the Hatchet of the containers.

        Args:
            told: the address that is in the token.
        """
        self._give("HATCHET_CLIENT_TLS_STRATEGY", "none")
        here = f"{_LOOPBACK}:{self.ports()['HATCHET_GRPC_PORT']}"
        given = self.get("HATCHET_CLIENT_HOST_PORT")
        is_ours = given.partition(":")[0] in ("", _LOOPBACK, "localhost")
        if is_ours and (given or told) != here:
            self.env.put("HATCHET_CLIENT_HOST_PORT", here)
        self.env.save()

    def has_people_in_sqlite(self) -> bool:
        """Say whether this is an installation on a SQLite file that nobody has decided to leave."""
        if self.get("HOGSEND_DATABASE_URL"):
            return False
        url = self.settings().database_url
        return is_sqlite(url) and sqlite_path(url).exists()

    def offer_postgres(self) -> None:
        """Write where Postgres is as a remark, to be made a setting when it is wanted."""
        self.env.note(f"#HOGSEND_DATABASE_URL={self._addresses()['HOGSEND_DATABASE_URL']}")
        self.env.save()

    def _give(self, name: str, text: str) -> None:
        if not self.get(name):
            self.env.add(name, text)

    def _addresses(self) -> dict[str, str]:
        """Return the settings that a port is part of."""
        ports, password = self.ports(), self.env.get("POSTGRES_PASSWORD")
        place = f"{_LOOPBACK}:{ports['POSTGRES_PORT']}"
        return {
            "HOGSEND_DATABASE_URL": f"postgres://hogsend:{password}@{place}/hogsend",
            "HOGSEND_MAIL": f"smtp://{_LOOPBACK}:{ports['MAIL_SMTP_PORT']}",
            "HOGSEND_BIND": f"{_LOOPBACK}:{ports['APP_PORT']}",
        }

    # -- ports -------------------------------------------------------------------------------

    def ports(self) -> dict[str, int]:
        """Return the ports of this machine that are the containers' and Hogsend's.

        Raises:
            ConfigError: one of them is no port.
        """
        found: dict[str, int] = {}
        for name, default in PORTS.items():
            text = self.env.get(name) or str(default)
            if not text.isdecimal() or not 0 < int(text) <= _LAST_PORT:
                raise ConfigError(
                    f"{name} is {text!r}, which is no port.", f"Use a number up to {_LAST_PORT}."
                )
            found[name] = int(text)
        return found

    def find_ports(self) -> dict[str, tuple[int, int]]:
        """Leave the ports that others use; return those that changed, before and after."""
        ours = {port for one in self.docker.containers() for port in one.ports}
        seen: set[int] = set()
        taken: list[str] = []
        for name, port in self.ports().items():
            if port in seen or not (port in ours or self._is_free(name, port)):
                taken.append(name)
            seen.add(port)
        return self.leave_ports(taken)

    def leave_ports(self, names: Collection[str]) -> dict[str, tuple[int, int]]:
        """Choose other ports, and write them and what they are part of into `.env`.

        Args:
            names: those that are taken, as in `.env`.

        Returns:
            The ports before and after, by those names.

        Raises:
            StartError: none is free, or `.env` cannot be written.
        """
        before, addresses = self.ports(), self._addresses()
        moved: dict[str, tuple[int, int]] = {}
        for name in names:
            port = self._next_free(name, before[name], set(self.ports().values()))
            self.env.put(name, str(port))
            moved[name] = (before[name], port)
        for name, address in self._addresses().items():
            # What people have set themselves is another address, and is theirs.
            was = self.get(name) or (addresses[name] if name == "HOGSEND_BIND" else "")
            if address != addresses[name] and was == addresses[name]:
                self.env.put(name, address)
        self.env.save()
        return moved

    def ports_refused(self, complaint: str) -> list[str]:
        """Return which ports Docker could not have, by what it says."""
        told = " ".join(line for line in complaint.splitlines() if _TAKEN.search(line))
        numbers = {int(number) for number in re.findall(r":(\d{1,5})\b", told)}
        return [name for name, port in self.ports().items() if port in numbers]

    def _next_free(self, name: str, port: int, not_these: Collection[int]) -> int:
        for candidate in range(port + 1, min(port + 1000, _LAST_PORT + 1)):
            if candidate not in not_these and self._is_free(name, candidate):
                return candidate
        raise StartError(
            f"{name} is {port}, which is taken, as are the next thousand.",
            f"Stop what uses {port}, or set {name} in .env.",
        )

    def _is_free(self, name: str, port: int) -> bool:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_LOOPBACK, port))
            except OSError:
                # The server of this project may be at work while it is set up again.
                return name == "APP_PORT" and is_running(_LOOPBACK, port)
        return True
