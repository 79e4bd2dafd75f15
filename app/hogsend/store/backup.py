"""Backups in one file, and restoring them. SQLite only.

A backup is a SQLite file: the database at one instant, with the installation's secret in its table
`meta`. A backup is on send hold: a server that starts on it sends nothing until an operator lifts
the hold, because the original has probably sent the mails that were queued at the backup.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ..errors import HogsendError, StartError
from .meta import INSTALLATION, SEND_HOLD
from .migrations import find_schema_difference
from .private_files import PRIVATE, create_private_file, open_read_only
from .transactions import Write

SECRET, CREATED_AT = "backup.secret", "backup.made_at"
_UPSERT = (
    "INSERT INTO meta (key, value) VALUES (?, ?)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was opened and verified.

    Args:
        file: the file of the backup.
        created_at: when the backup was created, in ISO form.
        secret: the secret of the data folder; None when the secret came from a setting.
        contacts: the number of contacts.
        events: the number of events.
    """

    file: Path
    created_at: str
    secret: str | None
    contacts: int
    events: int


def back_up(database: Path, file: Path, secret: str | None, now: datetime) -> Backup:
    """Copy a database into a new file, while other connections read and write it.

    Args:
        database: the SQLite file.
        file: the new file; it must not exist.
        secret: the data folder's secret; None when the secret comes from a setting.
        now: the current time.

    Raises:
        HogsendError: the copy cannot be written or is damaged; no file is left.
    """
    if file.exists():
        raise HogsendError(f"{file} exists already.", "Choose another name for the backup.")
    draft = file.with_name(f"{file.name}.part")
    values = {CREATED_AT: now.isoformat(), SEND_HOLD: f"restored copy of {now:%Y-%m-%d %H:%M} UTC"}
    with _translate_errors(f"The backup {file} cannot be written"), _remove_at_end(draft):
        create_private_file(draft)
        with closing(open_read_only(database)) as live, closing(sqlite3.connect(draft)) as copy:
            live.backup(copy)
        with closing(sqlite3.connect(draft)) as copy:
            # Without a write-ahead log, the backup is a single file that can be moved.
            copy.execute("PRAGMA journal_mode = DELETE")
            with copy:
                # A copy that runs beside the original must not take the original's Hatchet runs.
                copy.execute("DELETE FROM meta WHERE key = ?", (INSTALLATION,))
                copy.executemany(
                    _UPSERT, [*values.items(), *([(SECRET, secret)] if secret else [])]
                )
        verified = read_backup(draft)
        _sync(draft)
        # Unlike a rename, a link never replaces a file that was created meanwhile.
        os.link(draft, file)
        _sync(file.absolute().parent)
    return replace(verified, file=file)


async def verify_backup(file: Path) -> Backup:
    """Verify a backup that may come from elsewhere, down to each object of its schema.

    Raises:
        HogsendError: the file is missing, damaged or not a backup.
        StartError: the backup is newer than this program.
    """
    _require_file(file)
    try:
        difference = await find_schema_difference(file)
    except sqlite3.Error as error:
        raise _build_unusable_error(file, str(error)) from error
    if difference is not None:
        raise _build_unusable_error(file, difference)
    return read_backup(file)


def _require_file(file: Path) -> None:
    if not file.is_file():
        raise HogsendError(f"There is no file {file}.", "Use a file that `hogsend backup` wrote.")


def read_backup(file: Path) -> Backup:
    """Read what a backup holds.

    Raises:
        HogsendError: the file is damaged or not a backup.
    """
    try:
        with closing(open_read_only(file)) as copy:
            (verdict,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
            values = dict(copy.execute("SELECT key, value FROM meta"))
            (contacts,) = copy.execute("SELECT COUNT(*) FROM contacts").fetchone()
            (events,) = copy.execute("SELECT COUNT(*) FROM events").fetchone()
    except sqlite3.Error as error:
        raise _build_unusable_error(file, str(error)) from error
    if verdict != "ok" or CREATED_AT not in values:
        raise _build_unusable_error(
            file, verdict if verdict != "ok" else "`hogsend backup` did not write it"
        )
    return Backup(file, values[CREATED_AT], values.get(SECRET), contacts, events)


def restore(
    backup: Backup, database: Path, aside: Path, now: datetime, entry: Write
) -> Path | None:
    """Replace a database that no process has open by a backup.

    Args:
        backup: the verified backup.
        database: the SQLite file, which may be missing.
        aside: the folder that the replaced database is moved to.
        now: the current time, for the name of the moved file.
        entry: what the audit log of the restored database says about the restore.

    Returns:
        The file that the replaced database was moved to; None when there was none.

    Raises:
        StartError: a server or another program has the database open.
        HogsendError: a file cannot be written; the database is unchanged.
    """
    moved: Path | None = None
    draft = database.with_name(f"{database.name}.part")
    with (
        _translate_errors(f"The backup cannot be restored into {database.parent}"),
        _remove_at_end(draft),
    ):
        create_private_file(draft)
        with (
            closing(open_read_only(backup.file)) as copy,
            closing(sqlite3.connect(draft)) as fresh,
        ):
            copy.backup(fresh)
        with closing(sqlite3.connect(draft)) as fresh, fresh:
            fresh.execute("DELETE FROM meta WHERE key = ?", (SECRET,))
            fresh.executemany(entry.sql, entry.rows)
        _sync(draft)
        require_unused(database)
        if database.exists():
            aside.mkdir(mode=0o700, parents=True, exist_ok=True)
            moved = aside / f"replaced-{now:%Y%m%dT%H%M%S.%fZ}.db"
            os.replace(database, moved)
            moved.chmod(PRIVATE)
        for leftover in ("-wal", "-shm"):
            # SQLite would apply the replaced database's log to the new one.
            database.with_name(database.name + leftover).unlink(missing_ok=True)
        os.replace(draft, database)
        _sync(database.parent)
    return moved


def require_unused(database: Path) -> None:
    """Merge the write-ahead log into the file, which fails while another process has it open.

    A database that is missing is not in use.

    Raises:
        StartError: another process has the file open.
    """
    if not database.exists():
        return
    try:
        with closing(sqlite3.connect(database, timeout=1)) as connection:
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError:
        mode = "wal"
    if mode != "delete":
        raise StartError(
            f"The database {database} is in use.", "Stop the server first, then restore."
        )


def _build_unusable_error(file: Path, reason: str) -> HogsendError:
    return HogsendError(
        f"{file} is not a usable backup: {reason}.", "Use another file that `hogsend backup` wrote."
    )


@contextmanager
def _remove_at_end(draft: Path) -> Generator[None]:
    """Remove an unfinished file and its journals at the end."""
    try:
        yield
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                draft.with_name(draft.name + suffix).unlink()


@contextmanager
def _translate_errors(problem: str) -> Generator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise HogsendError(
            f"{problem}: {reason}.", "Check the folder's permissions and its free disk space."
        ) from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
