"""A project folder with containers: its compose file, its `.env`, its ports."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path
from secrets import token_urlsafe

from ..config.secret import load_stored_secret
from ..config.settings import ENV_FILE, Settings, load_settings
from ..errors import ConfigError, StartError
from ..paths import find_resource
from ..services.installation import find_database_file
from .compose_ports import (
    LOOPBACK,
    PORTS,
    PortChange,
    find_free,
    find_refused,
    find_taken,
    read_ports,
)
from .docker import Docker
from .env_file import EnvFile
from .init import ENV_TEXT

COMPOSE_FILE = "compose.yaml"
# Other names that Compose reads, but not beside `compose.yaml`.
_OTHER_COMPOSE_FILES = ("compose.yml", "docker-compose.yaml", "docker-compose.yml")
SERVICES = ("postgres", "hatchet-postgres", "hatchet", "mail")
_PASSWORDS = ("POSTGRES_PASSWORD", "HATCHET_ADMIN_PASSWORD")
_HEADING = (
    "",
    "# Written by `hogsend bootstrap`: passwords and ports of the containers, and how to",
    "# reach them. Your changes are kept.",
)
_SAFE_IN_URL = re.compile(r"[\w.~-]+", re.ASCII)


class ComposeProject:
    """The folder that `hogsend bootstrap` sets up.

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
        """Return a setting as Hogsend reads it: the environment overrides `.env`."""
        return os.environ.get(name, "").strip() or self.env.get(name)

    def is_in_environment(self, name: str) -> bool:
        """Return whether a setting comes from the environment, where it cannot be changed."""
        return bool(os.environ.get(name, "").strip())

    def load_settings(self) -> Settings:
        """Return the folder's settings, with `.env` as it is on the disk."""
        return load_settings(os.environ, self.folder)

    def read_ports(self) -> dict[str, int]:
        """Return the ports of this machine that the containers and Hogsend use, by name.

        Raises:
            ConfigError: a value in `.env` is not a port.
        """
        return read_ports(self.env)

    # -- writing the files -------------------------------------------------------------------

    def write_compose_file(self) -> list[str]:
        """Write the compose file unless there is one; return the names of the files written.

        Raises:
            StartError: the file cannot be written, or another compose file would be ignored.
        """
        file = self.folder / COMPOSE_FILE
        if file.exists():
            return []
        other = next((n for n in _OTHER_COMPOSE_FILES if (self.folder / n).exists()), None)
        if other is not None:
            raise StartError(
                f"This folder has a {other} of another project, which compose.yaml would replace.",
                "Create a folder for Hogsend with `hogsend init`, and run the command there.",
            )
        try:
            file.write_bytes(find_resource(COMPOSE_FILE).read_bytes())
        except OSError as error:
            raise StartError(
                f"{file} cannot be written: {error.strerror}.",
                "Run the command in a folder that you can write to.",
            ) from None
        return [COMPOSE_FILE]

    def write_settings(self) -> list[str]:
        """Add new secrets and the addresses of the containers to `.env`.

        Returns:
            The names of the files written.

        Raises:
            ConfigError: a password that is set cannot be part of a URL.
            StartError: `.env` cannot be written.
        """
        if not self.env.path.exists():
            self.env.add_lines(*ENV_TEXT.splitlines())
        self.env.add_lines(*_HEADING)
        for name in _PASSWORDS:
            # Hatchet requires upper case, lower case and a digit.
            self.env.add(name, f"{token_urlsafe(18)}Aa1")
        if not _SAFE_IN_URL.fullmatch(self.env.get("POSTGRES_PASSWORD")):
            raise ConfigError(
                "POSTGRES_PASSWORD contains characters that have a meaning in a URL.",
                "Use letters, digits, - and _ only, or remove it from .env to get a new one.",
            )
        for name, port in PORTS.items():
            self.env.add(name, str(port))
        # All processes that share a database sign and verify links with the same secret.
        secrets = load_stored_secret(self.load_settings()).secrets
        self._add("HOGSEND_SECRET", ",".join(secrets) or token_urlsafe(32))
        addresses = self._addresses()
        if not self.has_sqlite_database():
            self._add("HOGSEND_DATABASE_URL", addresses["HOGSEND_DATABASE_URL"])
        self._add("HOGSEND_MAIL", addresses["HOGSEND_MAIL"])
        return [ENV_FILE] if self.env.save() else []

    def connect_to_hatchet(self, host_port: str) -> None:
        """Write to `.env` how workers reach the Hatchet of the containers.

        Args:
            host_port: the gRPC address that the token names.
        """
        self._add("HATCHET_CLIENT_TLS_STRATEGY", "none")
        current = f"{LOOPBACK}:{self.read_ports()['HATCHET_GRPC_PORT']}"
        former = self.get("HATCHET_CLIENT_HOST_PORT")
        is_local = former.partition(":")[0] in ("", LOOPBACK, "localhost")
        if is_local and (former or host_port) != current:
            self.env.put("HATCHET_CLIENT_HOST_PORT", current)
        self.env.save()

    def has_sqlite_database(self) -> bool:
        """Return whether the project has a SQLite file, and no setting that replaces it."""
        if self.get("HOGSEND_DATABASE_URL"):
            return False
        file = find_database_file(self.load_settings())
        return file is not None and file.exists()

    def suggest_postgres(self) -> None:
        """Write the address of Postgres to `.env` as a comment, for the operator to uncomment."""
        self.env.add_lines(f"#HOGSEND_DATABASE_URL={self._addresses()['HOGSEND_DATABASE_URL']}")
        self.env.save()

    def _add(self, name: str, text: str) -> None:
        """Add a setting to `.env`, unless it is set there or in the environment."""
        if not self.get(name):
            self.env.add(name, text)

    def _addresses(self) -> dict[str, str]:
        """Return the settings that contain a port."""
        ports, password = self.read_ports(), self.env.get("POSTGRES_PASSWORD")
        postgres = f"{LOOPBACK}:{ports['POSTGRES_PORT']}"
        return {
            "HOGSEND_DATABASE_URL": f"postgres://hogsend:{password}@{postgres}/hogsend",
            "HOGSEND_MAIL": f"smtp://{LOOPBACK}:{ports['MAIL_SMTP_PORT']}",
            "HOGSEND_BIND": f"{LOOPBACK}:{ports['APP_PORT']}",
        }

    # -- changing ports ----------------------------------------------------------------------

    def replace_taken_ports(self) -> dict[str, PortChange]:
        """Replace the ports that other programs use; return the changes by name."""
        ours = {port for container in self.docker.list_containers() for port in container.ports}
        return self._replace_ports(find_taken(self.read_ports(), ours))

    def replace_refused_ports(self, message: str) -> dict[str, PortChange]:
        """Replace the ports that Docker reports as being in use; return the changes by name."""
        return self._replace_ports(find_refused(self.read_ports(), message))

    def _replace_ports(self, names: Collection[str]) -> dict[str, PortChange]:
        """Choose other ports, and write them and the addresses that contain them to `.env`.

        Raises:
            StartError: no port is free, or `.env` cannot be written.
        """
        former_ports, former_addresses = self.read_ports(), self._addresses()
        changes: dict[str, PortChange] = {}
        for name in names:
            port = find_free(name, former_ports[name], set(self.read_ports().values()))
            self.env.put(name, str(port))
            changes[name] = PortChange(former_ports[name], port)
        for name, address in self._addresses().items():
            former = former_addresses[name]
            # HOGSEND_BIND has a default, so it may be unset. An address that differs from the
            # former one was set by a person, and stays.
            current = self.get(name) or (former if name == "HOGSEND_BIND" else "")
            if address != former and current == former:
                self.env.put(name, address)
        self.env.save()
        return changes
