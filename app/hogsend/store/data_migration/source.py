"""The SQLite file that is copied: nothing else opens it during the copy, and no byte changes.

Opened as *immutable*, SQLite neither locks it nor makes files beside it. What it leaves undone is
done here: an exclusive lock on the bytes that SQLite itself locks (sqlite.org/lockingv3.html). A
server holds a shared lock there as long as it runs, with a worker or without; one that is
started during the copy fails, as the database is locked. After a crash the newest data is in a log
beside the file, which only SQLite can put together: it does so in a copy of both.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from ...errors import HogsendError, StartError
from ..db import Row
from ..migrations import APP
from .tables import Table, shipped_migrations, unfit

# A portion of rows has at most so many, and about so many bytes.
MOST_ROWS, MOST_BYTES = 2_000, 1024 * 1024
_LOCKED_BYTES = (0x4000_0000, 512)
# The folder beside the file for a copy of it, when one is needed.
_COPY = "migrate-data"


class SourceDatabase:
    """The open file.

    Args:
        file: where it is.
        connection: reads it.
    """

    def __init__(self, file: Path, connection: sqlite3.Connection) -> None:
        self.file = file
        self._connection = connection

    def check(self) -> None:
        """Check that the file is sound, and that its schema is this program's.

        Raises:
            StartError: it is not.
        """
        with _saying(self.file):
            (verdict,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
            has_history = self._connection.execute(
                "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'aerich'"
            ).fetchone()[0]
            asked = f"SELECT version FROM aerich WHERE app = '{APP}'" if has_history else "SELECT 1"
            applied = {name for (name,) in self._connection.execute(asked) if has_history}
        if verdict != "ok":
            raise _unsound(self.file, str(verdict))
        known = shipped_migrations("sqlite:")
        if applied - known:
            raise StartError(
                f"The database {self.file} is newer than this program.",
                "Use the version of Hogsend that it was last started with.",
            )
        if known - applied:
            raise StartError(
                f"The schema of {self.file} is older than this program.",
                "Run `hogsend migrate` first, then copy.",
            )

    def count(self, table: Table) -> int:
        """Return how many rows a table has."""
        with _saying(self.file):
            return self._connection.execute(f'SELECT COUNT(*) FROM "{table.name}"').fetchone()[0]

    def portions(self, table: Table, after: Any = None) -> Iterator[list[Row]]:
        """Yield a table's rows in the order of their keys, a limited amount at a time.

        Args:
            table: which one.
            after: the key that they come after; None for all rows.

        Raises:
            HogsendError: the file cannot be read, or a text in it is not UTF-8; says which.
        """
        wide = [n for n, column in enumerate(table.columns) if column.is_wide]
        portion: list[Row] = []
        size = 0
        with _saying(self.file):
            try:
                for row in self._rows(table, after):
                    portion.append(row)
                    size += sum(len(row[n]) for n in wide if isinstance(row[n], str | bytes))
                    if len(portion) == MOST_ROWS or size >= MOST_BYTES:
                        yield portion
                        portion, size = [], 0
            except sqlite3.OperationalError as error:
                if "decode" not in str(error):
                    raise
                raise self._undecodable(table) from None
        if portion:
            yield portion

    def _rows(self, table: Table, after: Any) -> sqlite3.Cursor:
        key = f'"{table.key.name}"'
        sql = f'SELECT {table.listed} FROM "{table.name}"'
        if after is None:
            return self._connection.execute(f"{sql} ORDER BY {key}")
        return self._connection.execute(f"{sql} WHERE {key} > ? ORDER BY {key}", [after])

    def _undecodable(self, table: Table) -> HogsendError:
        """Return which text is not UTF-8; the driver says it without the row."""
        self._connection.text_factory = bytes
        for row in self._rows(table, None):
            for column, value in zip(table.columns, row, strict=True):
                try:
                    # What is no text is no matter here: any bytes are good for it.
                    if column.is_text and isinstance(value, bytes):
                        value.decode()
                except UnicodeDecodeError:
                    key: Any = next(iter(row))
                    if table.key.is_text:
                        key = key.decode(errors="replace")
                    shown = table.shown_key((key,))
                    return unfit(table.name, column.name, shown, "is text that is not UTF-8")
        raise AssertionError("a text that was not UTF-8 is")


@contextmanager
def opened(file: Path) -> Generator[SourceDatabase]:
    """Open a SQLite file that no other process has open, and lock others out until the end.

    Args:
        file: where it is.

    Raises:
        StartError: it is not there, not ours to open, or in use.
    """
    try:
        # Only who may write a file may keep others off it; nothing is written.
        held = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        raise StartError(
            f"There is no database {file}.", "Run the command from the project's folder."
        ) from None
    except OSError as error:
        raise StartError(
            f"The database {file} cannot be opened: {error.strerror}.",
            "Run the command as the user that the server runs as.",
        ) from None
    try:
        _keep_others_off(held, file)
        # Closing a file gives up all locks of the process on it: this one is closed last.
        with _readable(file) as connection:
            yield SourceDatabase(file, connection)
    finally:
        os.close(held)


def _keep_others_off(held: int, file: Path) -> None:
    start, length = _LOCKED_BYTES
    try:
        fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
    except OSError:
        raise StartError(
            f"The database {file} is in use.",
            "Stop the server, and end whatever else has it open, then copy.",
        ) from None


@contextmanager
def _readable(file: Path) -> Generator[sqlite3.Connection]:
    """Open the file as it is; where newest data is still in the log beside it, a copy of both."""
    logs = [file.with_name(file.name + suffix) for suffix in ("-wal", "-journal")]
    unfolded = [log for log in logs if log.exists() and log.stat().st_size]
    with ExitStack() as stack:
        if unfolded:
            folder = stack.enter_context(_folder(file.with_name(_COPY)))
            for part in (file, *unfolded):
                shutil.copyfile(part, folder / part.name)
            # Opened, it does what a server does after a crash.
            connection = sqlite3.connect(folder / file.name)
        else:
            uri = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
            connection = sqlite3.connect(uri, uri=True)
        yield stack.enter_context(closing(connection))


@contextmanager
def _folder(folder: Path) -> Generator[Path]:
    """Make a folder for the time being, in the place of one that was left when we were killed."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700)
        yield folder
    except OSError as error:
        raise StartError(
            f"The last stop left data beside the file, and both cannot be copied to {folder}: "
            f"{error.strerror}.",
            "Make room there, or run `hogsend migrate`, which puts it into the file and starts "
            "nothing; then copy.",
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _saying(file: Path) -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _unsound(file, str(error)) from error


def _unsound(file: Path, why: str) -> StartError:
    return StartError(
        f"The database {file} cannot be read: {' '.join(why.split())}.",
        "Bring back a backup with `hogsend restore`, then copy.",
    )
