"""Copies of the data in one file, and putting them back. SQLite only.

A backup is a SQLite file: the database as of one moment, with the instance's secret among its
facts (`meta`). It is fenced, so that a server started on it sends nothing until an operator says
so: what was still to be sent when the copy was made has left from the original by now.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..errors import HogsendError, StartError
from .meta import FENCE

SECRET, CREATED_AT = "backup.secret", "backup.made_at"
_PUT = (
    "INSERT INTO meta (key, value) VALUES (?, ?)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was opened and checked.

    Args:
        file: where it is.
        created_at: when it was taken, in ISO form.
        secret: the secret of the data folder, None when it came from a setting.
        contacts: how many contacts it has.
        events: how many events.
    """

    file: Path
    created_at: str
    secret: str | None
    contacts: int
    events: int


def back_up(database: Path, file: Path, secret: str | None, now: datetime) -> Backup:
    """Copy a database into a new file, while others read and write it.

    Args:
        database: the SQLite file.
        file: where the copy goes; must not exist.
        secret: the text of the data folder's secret, None when it comes from a setting.
        now: the present instant.

    Raises:
        HogsendError: the copy cannot be written, or is not sound; there is no file then.
    """
    if file.exists():
        raise HogsendError(f"{file} exists already.", "Name a new file; none is overwritten.")
    draft = file.with_name(f"{file.name}.part")
    facts = {CREATED_AT: now.isoformat(), FENCE: f"restored copy of {now.isoformat()}"}
    with _saying(f"The backup {file} cannot be written"), _draft(draft):
        draft.touch(mode=0o600)
        with closing(_reading(database)) as live, closing(sqlite3.connect(draft)) as copy:
            live.backup(copy)
        with closing(sqlite3.connect(draft)) as copy:
            # One file that needs no companions, wherever it is carried.
            copy.execute("PRAGMA journal_mode = DELETE")
            with copy:
                copy.executemany(_PUT, [*facts.items(), *([(SECRET, secret)] if secret else [])])
        backup = read_backup(draft)
        _sync(draft)
        # Unlike a rename, a link never replaces a file that has appeared meanwhile.
        os.link(draft, file)
        _sync(file.absolute().parent)
    return Backup(file, backup.created_at, backup.secret, backup.contacts, backup.events)


def read_backup(file: Path) -> Backup:
    """Open a backup and check that it is whole.

    Raises:
        HogsendError: it is none, or is damaged.
    """
    if not file.is_file():
        raise HogsendError(f"There is no file {file}.", "Name a file that `hogsend backup` wrote.")
    try:
        with closing(_reading(file)) as copy:
            (verdict,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
            facts = dict(copy.execute("SELECT key, value FROM meta"))
            (contacts,) = copy.execute("SELECT COUNT(*) FROM contacts").fetchone()
            (events,) = copy.execute("SELECT COUNT(*) FROM events").fetchone()
    except sqlite3.Error as error:
        raise _no_backup(file, str(error)) from error
    if verdict != "ok" or CREATED_AT not in facts:
        raise _no_backup(file, verdict if verdict != "ok" else "it was not written by a backup")
    return Backup(file, facts[CREATED_AT], facts.get(SECRET), contacts, events)


def restore(backup: Backup, database: Path, aside: Path, now: datetime) -> Path | None:
    """Put a backup in the place of a database that nobody has open.

    Args:
        backup: what `read_backup` gave.
        database: the SQLite file, which may be missing.
        aside: the folder that the replaced database is moved to.
        now: the present instant, for its name.

    Returns:
        Where the replaced database is now, if there was one.

    Raises:
        StartError: a server or another program has the database open.
        HogsendError: a file cannot be written; the database is as it was then.
    """
    moved: Path | None = None
    draft = database.with_name(f"{database.name}.part")
    with _saying(f"The backup cannot be put into {database.parent}"), _draft(draft):
        draft.touch(mode=0o600)
        with closing(_reading(backup.file)) as copy, closing(sqlite3.connect(draft)) as fresh:
            copy.backup(fresh)
        with closing(sqlite3.connect(draft)) as fresh, fresh:
            fresh.execute("DELETE FROM meta WHERE key = ?", (SECRET,))
        _sync(draft)
        if database.exists():
            _leave_alone(database)
            aside.mkdir(mode=0o700, parents=True, exist_ok=True)
            moved = aside / f"replaced-{now:%Y%m%dT%H%M%S.%fZ}.db"
            os.replace(database, moved)
        for leftover in ("-wal", "-shm"):
            # The log of a database that is gone must not be taken for the new one's.
            database.with_name(database.name + leftover).unlink(missing_ok=True)
        os.replace(draft, database)
        _sync(database.parent)
    return moved


def _leave_alone(database: Path) -> None:
    """Fold the write-ahead log into the file, unless another process has it open."""
    try:
        with closing(sqlite3.connect(database, timeout=1)) as connection:
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError:
        mode = "wal"
    if mode != "delete":
        raise StartError(
            f"The database {database} is in use.", "Stop the server first, then restore."
        )


def _reading(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)


def _no_backup(file: Path, why: str) -> HogsendError:
    return HogsendError(
        f"{file} is no sound backup: {why}.", "Take another file that `hogsend backup` wrote."
    )


@contextmanager
def _draft(draft: Path) -> Generator[None]:
    """Remove an unfinished file and its companions, whatever happens."""
    try:
        yield
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                draft.with_name(draft.name + suffix).unlink()


@contextmanager
def _saying(what: str) -> Generator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise HogsendError(
            f"{what}: {why}.", "Check the folder's rights and the space that is left."
        ) from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
