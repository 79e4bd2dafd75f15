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
from .tables import Table, build_unstorable_error, list_shipped_migrations

# The limits of a batch: rows, and roughly bytes.
MAX_ROWS, MAX_BYTES = 2_000, 1024 * 1024
_LOCKED_BYTES = (0x4000_0000, 512)
# The folder beside the file for a temporary copy of it.
_COPY = "migrate-data"


class SourceDatabase:
    """The open source.

    Args:
        file: the SQLite file.
        connection: a connection that reads it.
    """

    def __init__(self, file: Path, connection: sqlite3.Connection) -> None:
        self.file = file
        self._connection = connection

    def check(self) -> None:
        """Check that the file is intact and has the schema of this program.

        Raises:
            StartError: it is damaged, or its schema is older or newer.
        """
        with _translate_errors(self.file):
            (verdict,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
            has_history = self._connection.execute(
                "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'aerich'"
            ).fetchone()[0]
            sql = f"SELECT version FROM aerich WHERE app = '{APP}'" if has_history else "SELECT 1"
            applied = {name for (name,) in self._connection.execute(sql) if has_history}
        if verdict != "ok":
            raise _to_start_error(self.file, str(verdict))
        known = list_shipped_migrations("sqlite:")
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
        """Return the number of rows of a table."""
        with _translate_errors(self.file):
            return self._connection.execute(f'SELECT COUNT(*) FROM "{table.name}"').fetchone()[0]

    def read_batches(self, table: Table, after: Any = None) -> Iterator[list[Row]]:
        """Yield a table's rows in the order of their keys, in batches.

        Args:
            table: the table.
            after: the key after which to start; None for the first row.

        Raises:
            HogsendError: the file cannot be read, or names a text in it that is not UTF-8.
        """
        wide = [n for n, column in enumerate(table.columns) if column.is_wide]
        batch: list[Row] = []
        size = 0
        with _translate_errors(self.file):
            try:
                for row in self._rows(table, after):
                    batch.append(row)
                    size += sum(len(row[n]) for n in wide if isinstance(row[n], str | bytes))
                    if len(batch) == MAX_ROWS or size >= MAX_BYTES:
                        yield batch
                        batch, size = [], 0
            except sqlite3.OperationalError as error:
                if "decode" not in str(error):
                    raise
                raise self._undecodable(table) from None
        if batch:
            yield batch

    def _rows(self, table: Table, after: Any) -> sqlite3.Cursor:
        key = f'"{table.key.name}"'
        sql = f'SELECT {table.column_list} FROM "{table.name}"'
        if after is None:
            return self._connection.execute(f"{sql} ORDER BY {key}")
        return self._connection.execute(f"{sql} WHERE {key} > ? ORDER BY {key}", [after])

    def _undecodable(self, table: Table) -> HogsendError:
        """Return the error that names the row of the text; the driver's error does not."""
        self._connection.text_factory = bytes
        for row in self._rows(table, None):
            for column, value in zip(table.columns, row, strict=True):
                try:
                    # Columns of bytes may hold any bytes.
                    if column.is_text and isinstance(value, bytes):
                        value.decode()
                except UnicodeDecodeError:
                    key: Any = next(iter(row))
                    if table.key.is_text:
                        key = key.decode(errors="replace")
                    row_key = table.describe_key((key,))
                    return build_unstorable_error(
                        table.name, column.name, row_key, "is text that is not UTF-8"
                    )
        raise AssertionError("every text is UTF-8, although the driver could not decode one")


@contextmanager
def open_source(file: Path) -> Generator[SourceDatabase]:
    """Open a SQLite file that no other process has open, and lock others out until the end.

    Args:
        file: where it is.

    Raises:
        StartError: it is not there, not ours to open, or in use.
    """
    try:
        # An exclusive lock requires write permission; nothing is written.
        handle = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        raise StartError(
            f"There is no database {file}.", "Run the command from the project's folder."
        ) from None
    except OSError as error:
        raise StartError(
            f"The database {file} cannot be opened: {error.strerror}.",
            "Run the command as the same user as the server.",
        ) from None
    try:
        _lock(handle, file)
        # Closing any handle of a file releases all its locks, so this one is closed last.
        with _open_readable(file) as connection:
            yield SourceDatabase(file, connection)
    finally:
        os.close(handle)


def _lock(handle: int, file: Path) -> None:
    start, length = _LOCKED_BYTES
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
    except OSError:
        raise StartError(
            f"The database {file} is in use.",
            "Stop the server and every other program that has it open, then copy.",
        ) from None


@contextmanager
def _open_readable(file: Path) -> Generator[sqlite3.Connection]:
    """Open the file, or a temporary copy when its newest data is still in a log beside it."""
    logs = [file.with_name(file.name + suffix) for suffix in ("-wal", "-journal")]
    pending_logs = [log for log in logs if log.exists() and log.stat().st_size]
    with ExitStack() as stack:
        if pending_logs:
            folder = stack.enter_context(_temporary_folder(file.with_name(_COPY)))
            for part in (file, *pending_logs):
                shutil.copyfile(part, folder / part.name)
            # Opening the copy applies the log, as after a crash.
            connection = sqlite3.connect(folder / file.name)
        else:
            uri = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
            connection = sqlite3.connect(uri, uri=True)
        yield stack.enter_context(closing(connection))


@contextmanager
def _temporary_folder(folder: Path) -> Generator[Path]:
    """Create a temporary folder, replacing one that a killed process left."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700)
        yield folder
    except OSError as error:
        raise StartError(
            f"The newest data is in a log beside the file, and both cannot be copied to {folder}: "
            f"{error.strerror}.",
            "Free some space there, or run `hogsend migrate`, which moves the data into the file; "
            "then copy.",
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _translate_errors(file: Path) -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _to_start_error(file, str(error)) from error


def _to_start_error(file: Path, reason: str) -> StartError:
    return StartError(
        f"The database {file} cannot be read: {' '.join(reason.split())}.",
        "Restore a backup with `hogsend restore`, then copy.",
    )
