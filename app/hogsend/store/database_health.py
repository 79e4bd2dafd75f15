"""The health of the database: which problem it has, since when, and when to probe it again.

While the disk is full, another program holds the lock or the file is read-only, writes are refused
at once. The problem is over when a write succeeds again. A damaged file, or a database that is gone
from where it was opened, is refused until the process ends.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from ..clock import Clock
from ..errors import StoreUnavailable
from .database_files import DatabaseFiles

Kind = Literal["full", "locked", "read_only", "damaged", "gone", "broken", "away"]

# While there is a problem, one transaction in so many seconds probes whether the problem is over.
PROBE_INTERVAL = 0.5


@dataclass(frozen=True, slots=True)
class DatabaseProblem:
    """A problem. Its text is public in `/readyz`, so it names no files and hosts.

    Args:
        kind: a code, for programs.
        message: what is wrong, for people.
        remedy: what to do about it.
    """

    kind: Kind
    message: str
    remedy: str

    def __str__(self) -> str:
        is_permanent = self.kind in ("damaged", "gone")
        after = "" if is_permanent else " The server then resumes on its own."
        return f"{self.message} {self.remedy}{after}"


FULL = DatabaseProblem(
    "full",
    "The database's disk is full; nothing can be stored.",
    "Free some space on it.",
)
LOCKED = DatabaseProblem(
    "locked",
    "Another program has locked the database.",
    "Close that program, such as an open database shell.",
)
READ_ONLY = DatabaseProblem(
    "read_only",
    "The database is read-only.",
    "Let the server write to the database file, its -wal and -shm files, and their folder.",
)
DAMAGED = DatabaseProblem(
    "damaged",
    "The database file is damaged; nothing more is written to it.",
    "Stop the server, keep a copy of the file, and restore a backup with `hogsend restore`.",
)
GONE = DatabaseProblem(
    "gone",
    "The database is no longer where the server opened it: it was deleted, moved or replaced.",
    "Stop the server, put the right database back or restore a backup, and restart the server.",
)
BROKEN = DatabaseProblem(
    "broken",
    "The database's disk cannot be read or written.",
    "Check that the disk is mounted and healthy.",
)
UNREACHABLE = DatabaseProblem(
    "away",
    "The database server does not answer.",
    "Check that Postgres is running and can be reached.",
)
TOO_MANY_CONNECTIONS = DatabaseProblem(
    "away",
    "The database server accepts no more connections.",
    "Raise its max_connections, or close other connections.",
)

# Primary result codes (sqlite.org/rescode.html).
_SQLITE = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_PROTOCOL: LOCKED,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_PERM: READ_ONLY,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_IOERR: BROKEN,
    sqlite3.SQLITE_CANTOPEN: BROKEN,
}
# SQLSTATE codes or their first characters (PostgreSQL, appendix A).
_POSTGRES = {
    "53100": FULL,
    "53300": TOO_MANY_CONNECTIONS,
    "55P03": LOCKED,
    "25006": READ_ONLY,
    # The database or one of its tables does not exist.
    "3D000": GONE,
    "42P01": GONE,
    "XX001": DAMAGED,
    "XX002": DAMAGED,
    "58": BROKEN,
    "57P": UNREACHABLE,
    "08": UNREACHABLE,
}


# With less free space than this the disk is full, even when the driver reports an I/O error.
_MIN_FREE_SPACE = 64 * 1024


def classify_error(error: BaseException, file: Path | None) -> DatabaseProblem | None:
    """Return the problem that a driver's error reports; None when it concerns one statement only.

    Args:
        error: the error of the driver, or one that wraps it.
        file: the SQLite file; None for Postgres, to which the connection may have failed.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, sqlite3.Error):
            code: int | None = getattr(cause, "sqlite_errorcode", None)
            problem = None if code is None else _SQLITE.get(code & 0xFF)
            return FULL if problem is BROKEN and _is_disk_full(file) else problem
        if (state := getattr(cause, "sqlstate", None)) is not None:
            return next((_POSTGRES[state[:n]] for n in (5, 3, 2) if state[:n] in _POSTGRES), None)
        if file is None and (isinstance(cause, OSError) or _is_closed(cause)):
            return UNREACHABLE
        # Tortoise raises its own errors with the driver's error as their argument.
        inner: object = cause.args[0] if cause.args else None
        cause = cause.__cause__ or (inner if isinstance(inner, Exception) else None)
    return None


def _classify_os_error(error: OSError) -> DatabaseProblem:
    return READ_ONLY if isinstance(error, PermissionError) else BROKEN


def _is_disk_full(file: Path | None) -> bool:
    with suppress(OSError):
        return file is not None and shutil.disk_usage(file.parent).free < _MIN_FREE_SPACE
    return False


def _is_closed(error: BaseException) -> bool:
    """Return whether asyncpg lost its server, by class name: SQLite users do not import asyncpg."""
    kind = type(error).__name__
    # asyncpg raises the latter when the server shuts down in the middle of a statement.
    return (kind == "InterfaceError" and "clos" in str(error)) or kind == "InternalClientError"


class DatabaseHealth:
    """The current problem of the database, if it has one.

    Args:
        clock: dates the problem.
        file: the SQLite file, whose damage is permanent until it is replaced; None for Postgres.

    Attributes:
        files: the files of SQLite; None for Postgres.
    """

    def __init__(self, clock: Clock, file: Path | None) -> None:
        self._clock = clock
        self._file = file
        self.files = DatabaseFiles(file) if file is not None else None
        self._probe_at = 0.0
        self._is_probing = False
        self.problem: DatabaseProblem | None = None
        self.since: datetime | None = None
        # The message of the driver, which may name files and hosts.
        self.detail = ""

    @property
    def is_permanent(self) -> bool:
        """Whether only a restart can end the problem."""
        if self.problem is None:
            return False
        is_damaged_file = self.problem.kind == "damaged" and self._file is not None
        return is_damaged_file or self.problem.kind == "gone"

    def check(self) -> None:
        """Raise when there is a problem.

        Raises:
            StoreUnavailable: names the problem.
        """
        self.check_files()
        if self.problem is not None:
            raise to_store_error(self.problem)

    def check_files(self) -> None:
        """Record and raise when the files of SQLite are not those that were opened.

        Raises:
            StoreUnavailable: they were deleted, moved or replaced, or cannot be checked.
        """
        if self.files is None:
            return
        try:
            path = self.files.find_lost()
        except OSError as error:
            problem, detail = _classify_os_error(error), str(error)
        else:
            if path is None:
                return
            problem, detail = GONE, f"{path} was deleted, moved or replaced"
        self._record_problem(problem, detail)
        raise to_store_error(problem)

    def admit(self) -> bool:
        """Admit a transaction, and return whether it probes if a problem is over.

        Raises:
            StoreUnavailable: there is a problem, and the time of the next probe has not come.
        """
        problem = self.problem
        if problem is None:
            return False
        if self.is_permanent or self._is_probing or time.monotonic() < self._probe_at:
            raise to_store_error(problem)
        self._is_probing = True
        return True

    def leave(self, is_probe: bool) -> None:
        """End a transaction that `admit` admitted, whether it succeeded or not."""
        if is_probe:
            self._is_probing = False
            self._probe_at = time.monotonic() + PROBE_INTERVAL

    @contextmanager
    def translate_errors(self) -> Generator[None]:
        """Record errors that concern the whole database as its problem, and translate them.

        Raises:
            StoreUnavailable: in place of the driver's error.
        """
        try:
            yield
        except StoreUnavailable:
            raise
        except Exception as error:
            problem = classify_error(error, self._file)
            if problem is None:
                raise
            self._record_problem(problem, str(error))
            raise to_store_error(problem) from error

    def _record_problem(self, problem: DatabaseProblem, detail: str) -> None:
        self._probe_at = time.monotonic() + PROBE_INTERVAL
        if self.problem is None:
            self.since = self._clock.now()
        elif self.is_permanent:
            # No other problem is as severe.
            return
        self.problem, self.detail = problem, detail

    def record_write(self) -> None:
        """Record that a write succeeded, which ends the problem."""
        if self.problem is not None and not self.is_permanent:
            self.problem = self.since = None


def to_store_error(problem: DatabaseProblem) -> StoreUnavailable:
    """Return the error that reports a problem."""
    return StoreUnavailable(problem.message, problem.remedy)
