"""The data folder and the secret in it, which the first start generates."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from secrets import token_hex, token_urlsafe

from ..errors import StartError
from . import parsing
from .settings import Settings

SECRET_FILE = "secret"  # noqa: S105 - the file's name
# Any of these shows that a folder is Hogsend's own.
_OWN_FILES = frozenset({SECRET_FILE, "hogsend.db", "backups", "first-run.txt", "worker.lock"})
# The permissions of other users.
_OTHERS = 0o077


def prepare_data(settings: Settings) -> Settings:
    """Create the data folder and the secret if they are missing, readable by their owner only.

    Returns:
        The settings, with the secret.

    Raises:
        StartError: the folder is shared, or the folder or the secret cannot be created, written
            or read.
    """
    data = settings.data
    check_data_folder(data)
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(data.stat().st_mode) & _OTHERS:
            data.chmod(0o700)
        if not os.access(data, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "Permission denied", str(data))
        if not settings.secrets and not (data / SECRET_FILE).exists():
            _create_secret(data / SECRET_FILE)
        return load_stored_secret(settings)
    except OSError as error:
        raise StartError(
            f"The data folder {data} cannot be used: {error.strerror or error}.",
            "Let the server's user own it and write to it, or set HOGSEND_DATA to another folder.",
        ) from None


def check_data_folder(data: Path) -> None:
    """Refuse a data folder that other users or programs share, and change nothing.

    Raises:
        StartError: names why the folder is refused.
    """
    reason = _find_sharing(data)
    if reason is not None:
        raise StartError(
            f"The data folder {data} {reason}.",
            "Set HOGSEND_DATA to a folder that only Hogsend uses; the first start creates it. If "
            f"only Hogsend uses this one, make the server's user its owner and run `chmod 700 "
            f"{data}`.",
        )


def _find_sharing(data: Path) -> str | None:
    """Return in what way a folder is shared; None when it is private, missing or unreadable."""
    try:
        status = data.stat()
        names = {path.name for path in data.iterdir()} if data.is_dir() else set[str]()
    except OSError:
        return None
    mode = stat.S_IMODE(status.st_mode)
    if mode & stat.S_ISVTX:
        return "is shared by all users, such as /tmp"
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"can be written to by other users (mode {mode:04o})"
    if mode & _OTHERS and status.st_uid != os.geteuid():
        return "belongs to another user"
    if mode & _OTHERS and names and names.isdisjoint(_OWN_FILES):
        return "can be read by other users, and holds files of other programs"
    return None


def is_valid_secret(text: str) -> bool:
    """Return whether a text can be the content of the secret's file."""
    try:
        return bool(parsing.parse_secrets(text)) and text.isascii() and text.isprintable()
    except ValueError:
        return False


def load_stored_secret(settings: Settings) -> Settings:
    """Return the settings with the data folder's secret, if no secret is set and the file exists.

    Raises:
        StartError: the file is damaged or cannot be read.
    """
    path = settings.data / SECRET_FILE
    if settings.secrets:
        return settings
    try:
        if not path.exists():
            return settings
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
        stored = parsing.parse_secrets(path.read_text("ascii").strip())
    except ValueError:
        raise StartError(
            f"The secret in {path} is empty or damaged.",
            "Put it back from a backup. If there is none, remove the file; links in mails that "
            "were already sent stop working.",
        ) from None
    except OSError as error:
        raise StartError(
            f"The secret in {path} cannot be read: {error.strerror}.",
            "Run the command as the user that the server runs as.",
        ) from None
    origins = {**settings.origins, "HOGSEND_SECRET": str(path)}
    return replace(settings, secrets=stored, origins=origins)


def _create_secret(path: Path) -> None:
    """Write a new secret. The file is never visible half-written, and never replaces another."""
    draft = path.with_name(f"{path.name}.{token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
