"""Problems of the database as a whole: their description, their start and when to try again.

Examples are a full disk, a lock that another program holds and a read-only file. Writes are
refused while a problem lasts; it ends when a write succeeds.
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

Kind = Literal["full", "locked", "read_only", "damaged", "broken", "away"]

# While a problem lasts, one visit in this many seconds checks whether it is over.
TRY_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class DatabaseProblem:
    """A problem, without names of files and hosts, as the public health check shows it.

    Args:
        kind: for programs.
        message: for people.
        remedy: what to do about it.
    """

    kind: Kind
    message: str
    remedy: str

    def __str__(self) -> str:
        after = "" if self.kind == "damaged" else " Then the server goes on by itself."
        return f"{self.message} {self.remedy}{after}"


FULL = DatabaseProblem(
    "full",
    "The disk of the database is full, nothing can be stored.",
    "Make room on it.",
)
LOCKED = DatabaseProblem(
    "locked",
    "Another program holds the lock of the database.",
    "End that program, such as an open database shell.",
)
READ_ONLY = DatabaseProblem(
    "read_only",
    "The database cannot be written, only read.",
    "Let the server write its file, the -wal and -shm beside it, and their folder.",
)
DAMAGED = DatabaseProblem(
    "damaged",
    "The database file is damaged, nothing more is written to it.",
    "Stop the server, keep a copy of the file, and bring back a backup with `hogsend restore`.",
)
BROKEN = DatabaseProblem(
    "broken",
    "The disk of the database does not work: it cannot be read or written.",
    "See that the disk is there, sound and mounted.",
)
AWAY = DatabaseProblem(
    "away",
    "The database server does not answer.",
    "See that Postgres runs and can be reached.",
)
CROWDED = DatabaseProblem(
    "away",
    "The database server has no room for another connection.",
    "Raise its max_connections, or close others.",
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
# SQLSTATEs, or the class that they begin with (Postgres, appendix A).
_POSTGRES = {
    "53100": FULL,
    "53300": CROWDED,
    "55P03": LOCKED,
    "25006": READ_ONLY,
    "XX001": DAMAGED,
    "XX002": DAMAGED,
    "58": BROKEN,
    "57P": AWAY,
    "08": AWAY,
}


# With less room than this nothing works, whatever the driver makes of it.
_LEAST_ROOM = 64 * 1024


def problem_of(error: BaseException, file: Path | None) -> DatabaseProblem | None:
    """Return what a driver's error says of the database as a whole; None when it says nothing.

    Args:
        error: what the driver raised, or what was made of it.
        file: the database; None for a server's, to which a connection may have failed.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, sqlite3.Error):
            code: int | None = getattr(cause, "sqlite_errorcode", None)
            problem = None if code is None else _SQLITE.get(code & 0xFF)
            return FULL if problem is BROKEN and _is_crammed(file) else problem
        if (state := getattr(cause, "sqlstate", None)) is not None:
            return next((_POSTGRES[state[:n]] for n in (5, 3, 2) if state[:n] in _POSTGRES), None)
        if file is None and (isinstance(cause, OSError) or _is_closed(cause)):
            return AWAY
        # Tortoise raises errors of its own, which have the driver's as their argument.
        inner: object = cause.args[0] if cause.args else None
        cause = cause.__cause__ or (inner if isinstance(inner, Exception) else None)
    return None


def _is_crammed(file: Path | None) -> bool:
    with suppress(OSError):
        return file is not None and shutil.disk_usage(file.parent).free < _LEAST_ROOM
    return False


def _is_closed(error: BaseException) -> bool:
    """Return whether Postgres' driver, if it is loaded, has lost its server."""
    kind = type(error).__name__
    # The latter when the server's farewell comes in the middle of a statement.
    return (kind == "InterfaceError" and "clos" in str(error)) or kind == "InternalClientError"


class DatabaseHealth:
    """Whether the database takes what it is given.

    Args:
        clock: what tells the time.
        file: the database, in which a damage stays until it is replaced; None for a server's.
    """

    def __init__(self, clock: Clock, file: Path | None) -> None:
        self._clock = clock
        self._file = file
        self._try_at = 0.0
        self._trying = False
        self.problem: DatabaseProblem | None = None
        self.since: datetime | None = None
        # The driver's message, which may name files and hosts.
        self.detail = ""

    def check(self) -> None:
        """Refuse when a problem stands.

        Raises:
            StoreUnavailable: it says which.
        """
        if self.problem is not None:
            raise unavailable(self.problem)

    def admit(self) -> bool:
        """Admit a visit; during a problem only one at intervals, for which this returns True.

        Raises:
            StoreUnavailable: a problem stands, and it is not time to try again.
        """
        problem = self.problem
        if problem is None:
            return False
        forever = problem.kind == "damaged" and self._file
        if forever or self._trying or time.monotonic() < self._try_at:
            raise unavailable(problem)
        self._trying = True
        return True

    def leave(self, trial: bool) -> None:
        """End a visit, with or without success."""
        if trial:
            self._trying = False
            self._try_at = time.monotonic() + TRY_EVERY

    @contextmanager
    def translate_errors(self) -> Generator[None]:
        """Translate errors that concern the whole database, and record the problem.

        Raises:
            StoreUnavailable: in place of the driver's error.
        """
        try:
            yield
        except StoreUnavailable:
            raise
        except Exception as error:
            problem = problem_of(error, self._file)
            if problem is None:
                raise
            self._met(problem, error)
            raise unavailable(problem) from error

    def _met(self, problem: DatabaseProblem, error: Exception) -> None:
        self._try_at = time.monotonic() + TRY_EVERY
        if self.problem is None:
            self.since = self._clock.now()
        elif self.problem.kind == "damaged":
            # Nothing else that may come is as grave.
            return
        self.problem, self.detail = problem, str(error)

    def record_write(self) -> None:
        """Record a successful write, which ends the problem."""
        if self.problem is not None and not (self.problem.kind == "damaged" and self._file):
            self.problem = self.since = None


def unavailable(problem: DatabaseProblem) -> StoreUnavailable:
    """Return the error that tells of a problem."""
    return StoreUnavailable(problem.message, problem.remedy)
