"""Checks the machine: data folder, `.env`, disk, clock, secret, schema, port."""

from __future__ import annotations

import asyncio
import ctypes
import shutil
import socket
import stat
import sys
from pathlib import Path

from ...config import secret as config_secret
from ...config.secret import SECRET_FILE, load_stored_secret, prepare_data
from ...config.settings import ENV_FILE, Settings
from ...errors import StartError
from ...services.actor import COMMAND_LINE
from ...services.installation import find_database_file, has_database
from ..api_client import is_running
from ..output import format_count
from .check_result import CheckResult

_LOW_DISK, _FULL_DISK = 1 << 30, 100 << 20
# The kernel's answer when nothing synchronises its clock; see `adjtimex(2)`.
_TIME_ERROR = 5
_SIZE_OF_TIMEX = 512


def check_data_folder(settings: Settings) -> list[CheckResult]:
    """Check that the data folder is its owner's alone."""
    part, data = "data folder", settings.data
    if not data.exists():

        def create() -> str:
            prepare_data(settings)
            return f"Created {data}, with a secret in it."

        return [CheckResult(part, "ok", f"The first start creates {data}.", fix=create)]
    if not data.is_dir():
        remedy = "Move that file away, or set HOGSEND_DATA."
        return [CheckResult(part, "failure", f"{data} is not a folder.", remedy)]
    try:
        config_secret.check_data_folder(data)
    except StartError as error:
        return [CheckResult(part, "failure", error.message, error.remedy)]
    mode = stat.S_IMODE(data.stat().st_mode)
    if mode & 0o077:
        text = f"Other users can access {data} (mode {mode:04o})."
        remedy = f"Run `chmod 700 {data}` or `hogsend doctor --fix`."
        return [CheckResult(part, "warning", text, remedy, fix=lambda: _change_mode(data, 0o700))]
    return [CheckResult(part, "ok", f"Only the owner can access {data}.")]


def check_env_file(settings: Settings) -> list[CheckResult]:
    """Check that not every user can read the passwords in `.env`; no result without the file."""
    file = Path.cwd() / ENV_FILE
    if not file.exists():
        return []
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o007:
        new_mode = mode & 0o640
        text = f"Every user can read {file} (mode {mode:04o})."
        remedy = f"Run `chmod {new_mode:o} {file}` or `hogsend doctor --fix`."
        return [
            CheckResult(ENV_FILE, "warning", text, remedy, fix=lambda: _change_mode(file, new_mode))
        ]
    return [CheckResult(ENV_FILE, "ok", f"Only the owner and the group can read {file}.")]


def _change_mode(path: Path, mode: int) -> str:
    path.chmod(mode)
    return f"Changed the mode of {path} to {mode:04o}."


def check_disk(settings: Settings) -> list[CheckResult]:
    """Check that the disk of the data folder has free space."""
    folder = next(path for path in (settings.data, *settings.data.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    text = f"{free / (1 << 30):.1f} GiB free for {settings.data}."
    if free < _FULL_DISK:
        remedy = "Free some space: new events cannot be stored without it."
        return [CheckResult("disk", "failure", text, remedy)]
    if free < _LOW_DISK:
        return [CheckResult("disk", "warning", text, "Free some space before it runs out.")]
    return [CheckResult("disk", "ok", text)]


def check_clock(settings: Settings) -> list[CheckResult]:
    """Check that the machine's clock is synchronised, where the system can tell."""
    if _is_synchronised():
        return [CheckResult("clock", "ok", "The system synchronises the machine's clock.")]
    return [
        CheckResult(
            "clock",
            "warning",
            "The system reports that the machine's clock is not synchronised.",
            "Turn on time synchronisation (`sudo timedatectl set-ntp true`): waits end by this "
            "clock.",
        )
    ]


def _is_synchronised() -> bool:
    if sys.platform != "linux":
        return True
    # A block of zeros changes nothing.
    request = ctypes.create_string_buffer(_SIZE_OF_TIMEX)
    return int(ctypes.CDLL(None).adjtimex(request)) != _TIME_ERROR


def check_secret(settings: Settings) -> list[CheckResult]:
    """Check the secret that signs links and sessions."""
    path = settings.data / SECRET_FILE
    if settings.secrets:
        text = f"HOGSEND_SECRET has {format_count(len(settings.secrets), 'secret')}."
        return [CheckResult("secret", "ok", text)]
    if not path.exists():
        return [CheckResult("secret", "ok", "The first start creates the secret.")]
    mode = stat.S_IMODE(path.stat().st_mode)
    load_stored_secret(settings)
    if mode & 0o077:
        text = f"Other users could read {path}. Only the owner can now."
        return [CheckResult("secret", "warning", text)]
    return [CheckResult("secret", "ok", f"Only the owner can read {path}.")]


def check_schema(settings: Settings) -> list[CheckResult]:
    """Check that the database has the schema of this program."""
    from ...services import schema

    if not has_database(settings):
        return [CheckResult("schema", "ok", "The first start creates the database.")]
    pending = asyncio.run(schema.list_pending_migrations(settings))
    if not pending:
        return [CheckResult("schema", "ok", "The schema is up to date.")]
    text = f"The database lacks {format_count(len(pending), 'migration')}."
    if find_database_file(settings) is None:
        # Other processes may work on it, so an operator decides when it changes.
        return [CheckResult("schema", "failure", text, "Run `hogsend migrate`.")]

    def migrate() -> str:
        applied = asyncio.run(schema.migrate(settings, COMMAND_LINE))
        return f"Applied {format_count(len(applied), 'migration')}, after copying the database."

    remedy = "Run `hogsend serve` or `hogsend doctor --fix`, which copy the database first."
    return [CheckResult("schema", "warning", text, remedy, fix=migrate)]


def has_current_schema(settings: Settings) -> bool:
    """Return whether there is a database that this program can read."""
    from ...services import schema

    return has_database(settings) and not asyncio.run(schema.list_pending_migrations(settings))


def check_port(settings: Settings) -> list[CheckResult]:
    """Check that the server can listen, or already does."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        if is_running(settings.host, settings.port):
            return [CheckResult("port", "ok", f"Hogsend answers at {settings.bind}.")]
        text = f"The server cannot listen on {settings.bind}: {error.strerror or error}."
        remedy = "Stop the program that uses the port, or set HOGSEND_BIND."
        return [CheckResult("port", "failure", text, remedy)]
    return [CheckResult("port", "ok", f"{settings.bind} is free.")]
