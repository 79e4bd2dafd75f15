"""Files that only their owner may read: the database, its backups, and unfinished copies."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path

from ..errors import StartError

PRIVATE = 0o600
_SHARED = 0o077


def create_private_file(path: Path) -> None:
    """Create an empty file for its owner alone, in place of one that a crash has left.

    Raises:
        OSError: the file cannot be created, or another user's file has the name.
    """
    path.unlink(missing_ok=True)
    # Never opens a file that another user has put there meanwhile.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))


def open_read_only(file: Path) -> sqlite3.Connection:
    """Open a SQLite file that may come from elsewhere, without writing to it.

    Raises:
        sqlite3.Error: the file is missing or cannot be read.
    """
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    # What its schema computes may not call functions with side effects.
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def protect_database(file: Path) -> None:
    """Keep other users from a SQLite database, wherever it lies, and create it if it is missing.

    SQLite gives the log and the index that it creates beside the file the same mode.

    Raises:
        StartError: other users have access, and this user may not change that.
    """
    # A folder that is missing or cannot be written to is reported when SQLite opens the file.
    with suppress(OSError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
    target = file.resolve()
    for path in (target, *(target.with_name(target.name + suffix) for suffix in ("-wal", "-shm"))):
        with suppress(FileNotFoundError):
            _make_private(path)


def is_shared(path: Path) -> bool:
    """Return whether other users than the owner have any access to a file or folder."""
    return bool(stat.S_IMODE(path.stat().st_mode) & _SHARED)


def _make_private(path: Path) -> None:
    if not is_shared(path):
        return
    try:
        path.chmod(PRIVATE)
    except PermissionError:
        raise StartError(
            f"Other users can access the database file {path}, and this user may not change that.",
            f"Run `chmod 600 {path}` as its owner, or run Hogsend as its owner.",
        ) from None
