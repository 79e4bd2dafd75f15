"""The machine: data folder, disk, clock, secret, schema, port."""

from __future__ import annotations

import asyncio
import ctypes
import shutil
import socket
import stat
import sys
from pathlib import Path

from ...config.secret import SECRET_FILE, prepare_data, with_stored_secret
from ...config.settings import ENV_FILE, Settings
from ...services.installation import has_database
from ...store.db import is_sqlite
from ...store.migrations import bring_up_to_date, pending
from ..api_client import is_running
from .findings import CheckResult

_LOW_DISK, _FULL_DISK = 1 << 30, 100 << 20
# What the kernel answers when nothing keeps its clock right; `adjtimex(2)`.
_TIME_ERROR = 5
_ROOM_FOR_TIMEX = 512


def data_folder(settings: Settings) -> list[CheckResult]:
    """Look at the folder of the database."""
    part, data = "data folder", settings.data
    if not data.exists():

        def make() -> str:
            prepare_data(settings)
            return f"{data} is made, with a secret in it."

        return [CheckResult(part, "ok", f"{data} is made at the first start.", fix=make)]
    if not data.is_dir():
        remedy = "Move it away or set HOGSEND_DATA."
        return [CheckResult(part, "failure", f"{data} is no folder.", remedy)]
    mode = stat.S_IMODE(data.stat().st_mode)
    if mode & 0o077:
        text = f"Others may look into {data} (mode {mode:04o})."
        remedy = f"Run `chmod 700 {data}`, or let `hogsend doctor --fix` do so."
        return [CheckResult(part, "warning", text, remedy, fix=lambda: _close(data, 0o700))]
    return [CheckResult(part, "ok", f"{data} is its owner's alone.")]


def env_file(settings: Settings) -> list[CheckResult]:
    """Look whether everybody may read the passwords in `.env`; no line without the file."""
    file = Path.cwd() / ENV_FILE
    if not file.exists():
        return []
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o007:
        closed = mode & 0o640
        text = f"Everybody may read {file} (mode {mode:04o})."
        remedy = f"Run `chmod {closed:o} {file}`, or let `hogsend doctor --fix` do so."
        return [CheckResult(ENV_FILE, "warning", text, remedy, fix=lambda: _close(file, closed))]
    return [CheckResult(ENV_FILE, "ok", "Not everybody may read it.")]


def _close(path: Path, mode: int) -> str:
    path.chmod(mode)
    return f"{path} has mode {mode:04o}."


def disk(settings: Settings) -> list[CheckResult]:
    """Look for room on the disk."""
    place = next(p for p in (settings.data, *settings.data.parents) if p.exists())
    free = shutil.disk_usage(place).free
    text = f"{free / (1 << 30):.1f} GiB are free for {settings.data}."
    if free < _FULL_DISK:
        return [
            CheckResult("disk", "failure", text, "Free some space: events could not be stored.")
        ]
    if free < _LOW_DISK:
        return [CheckResult("disk", "warning", text, "Free some space before it runs out.")]
    return [CheckResult("disk", "ok", text)]


def clock(settings: Settings) -> list[CheckResult]:
    """Look whether something keeps the machine's clock right, where the system can say so."""
    if _kept_right():
        return [CheckResult("clock", "ok", "The system keeps it right.")]
    return [
        CheckResult(
            "clock",
            "warning",
            "Nothing keeps the machine's clock right, as far as the system knows.",
            "Switch time synchronisation on (`sudo timedatectl set-ntp true`): waits end by this "
            "clock.",
        )
    ]


def _kept_right() -> bool:
    if sys.platform != "linux":
        return True
    # Asks only: a block of zeros changes nothing.
    asked = ctypes.create_string_buffer(_ROOM_FOR_TIMEX)
    return int(ctypes.CDLL(None).adjtimex(asked)) != _TIME_ERROR


def secret(settings: Settings) -> list[CheckResult]:
    """Look at what signs links and sessions."""
    path = settings.data / SECRET_FILE
    if settings.secrets:
        return [CheckResult("secret", "ok", f"{len(settings.secrets)} from HOGSEND_SECRET.")]
    if not path.exists():
        return [CheckResult("secret", "ok", "It is made at the first start.")]
    mode = stat.S_IMODE(path.stat().st_mode)
    with_stored_secret(settings)
    if mode & 0o077:
        return [
            CheckResult("secret", "warning", f"Others could read {path}; they cannot any more.")
        ]
    return [CheckResult("secret", "ok", f"{path} is its owner's alone.")]


def schema(settings: Settings) -> list[CheckResult]:
    """Look whether the database is as this program knows it."""
    url = settings.database_url
    if not has_database(settings):
        return [CheckResult("schema", "ok", "The database is made at the first start.")]
    missing = asyncio.run(pending(url))
    if not missing:
        return [CheckResult("schema", "ok", "It is this program's.")]
    text = f"It lacks {len(missing)} migration(s)."
    if not is_sqlite(url):
        # Others may work on it: when it changes is for people to say.
        return [CheckResult("schema", "failure", text, "Run `hogsend migrate`.")]

    def migrate() -> str:
        applied = asyncio.run(bring_up_to_date(url, backups=settings.data / "backups"))
        return f"Applied {len(applied)} migration(s), after a copy."

    remedy = "`hogsend serve` applies them, after a copy; so does `hogsend doctor --fix`."
    return [CheckResult("schema", "warning", text, remedy, fix=migrate)]


def port(settings: Settings) -> list[CheckResult]:
    """Look whether the server can listen, or does so already."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        if is_running(settings.host, settings.port):
            return [CheckResult("port", "ok", f"Hogsend answers at {settings.bind}.")]
        text = f"{settings.bind} cannot be listened on: {error.strerror or error}."
        remedy = "Stop what uses it, or set HOGSEND_BIND."
        return [CheckResult("port", "failure", text, remedy)]
    return [CheckResult("port", "ok", f"{settings.bind} is free.")]
