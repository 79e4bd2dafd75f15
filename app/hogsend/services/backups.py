"""Backups of a SQLite installation: created beside a running server, restored while it is stopped.

Copying files blocks the thread, also in `restore_backup`, which is async: use these functions in a
process that does nothing else meanwhile.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..config.secret import (
    SECRET_FILE,
    check_data_folder,
    is_valid_secret,
    load_stored_secret,
    prepare_data,
)
from ..config.settings import Settings
from ..errors import HogsendError, StartError
from ..store import audit
from ..store import backup as backup_files
from ..store.backup import Backup
from .actor import Actor, Permission
from .installation import find_database_file, has_database


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """The outcome of a restore.

    Args:
        backup: the backup that was restored.
        database: the database file, which now has the backup's data.
        replaced: the file that the previous database was moved to; None if there was none.
    """

    backup: Backup
    database: Path
    replaced: Path | None


def create_backup(settings: Settings, actor: Actor, file: Path, now: datetime) -> Backup:
    """Copy the database, and the secret of the data folder, into a new file.

    Args:
        settings: name the database; a server may be running on it.
        actor: who asks for the backup, which holds all data.
        file: where the copy goes; must not exist.
        now: the current time.

    Returns:
        The backup. Its `secret` is None when the secret comes from a setting.

    Raises:
        Forbidden: the actor may not administer.
        StartError: there is no database.
        HogsendError: the data is in Postgres, or the file cannot be written.
    """
    actor.require(Permission.ADMINISTER)
    settings = load_stored_secret(settings)
    database = _require_sqlite(settings)
    if not has_database(settings):
        raise StartError(f"There is no database {database} yet.", "There is nothing to back up.")
    is_secret_in_folder = settings.origins["HOGSEND_SECRET"] == str(settings.data / SECRET_FILE)
    return backup_files.back_up(
        database, file, ",".join(settings.secrets) if is_secret_in_folder else None, now
    )


async def restore_backup(
    settings: Settings, actor: Actor, file: Path, now: datetime
) -> RestoreResult:
    """Replace the database with a backup; sending stays on hold until an operator lifts the hold.

    Everything is checked before anything is written: the backup, its secret, the data folder, and
    that no server has the database open.

    Args:
        settings: name the database that is replaced.
        actor: who asks for the restore.
        file: the backup.
        now: the current time.

    Returns:
        The restored backup, and where the previous database is.

    Raises:
        Forbidden: the actor may not administer.
        StartError: a server has the database open, the backup is newer than this program, or the
            data folder cannot be used.
        HogsendError: the data is in Postgres, the file is not a sound backup, a file cannot be
            written, or the backup belongs to an installation with another secret.
    """
    actor.require(Permission.ADMINISTER)
    database = _require_sqlite(settings)
    backup = await backup_files.verify_backup(file)
    _check_secret(settings, backup)
    check_data_folder(settings.data)
    backup_files.require_unused(database)
    _restore_secret(settings, backup)
    settings = prepare_data(settings)
    after = {"file": file.name, "madeAt": backup.created_at}
    entry = audit.record(actor.name, "restore", "database", now, after=after)
    replaced = backup_files.restore(backup, database, settings.data / "backups", now, entry)
    return RestoreResult(backup, database, replaced)


def _require_sqlite(settings: Settings) -> Path:
    database = find_database_file(settings)
    if database is None:
        raise HogsendError(
            "The data is in Postgres, which has its own tools for backups.",
            "Use `pg_dump` and `pg_restore`, and keep HOGSEND_SECRET or the data folder's secret.",
        )
    return database


def _check_secret(settings: Settings, backup: Backup) -> None:
    """Refuse to combine data with another installation's secret: links in its mails would break."""
    current = load_stored_secret(settings)
    if backup.secret is not None and not is_valid_secret(backup.secret):
        raise HogsendError(
            f"{backup.file} is not a usable backup: its secret is damaged.",
            "Use another file that `hogsend backup` wrote.",
        )
    if not backup.secret and not current.secrets:
        raise HogsendError(
            "The backup does not hold the secret: it was set as HOGSEND_SECRET. Without it, links "
            "in mails that were sent stop working.",
            "Set HOGSEND_SECRET to the same value, or to a new one if it is lost, then restore "
            "again.",
        )
    # A backup has its secrets in one string, joined with commas, and so this compares with the same
    # form. The installation may have further secrets before and after them.
    if backup.secret and current.secrets and backup.secret not in ",".join(current.secrets):
        raise HogsendError(
            "The backup belongs to an installation with another secret, so links in mails that "
            "were sent would stop working.",
            f"Move {settings.data / SECRET_FILE} away, or add the old one to HOGSEND_SECRET, then "
            "restore again.",
        )


def _restore_secret(settings: Settings, backup: Backup) -> None:
    """Write the secret of a backup into the data folder, unless the folder has one."""
    path = settings.data / SECRET_FILE
    if not backup.secret or path.exists():
        return
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as secret_file:
            secret_file.write(backup.secret + "\n")
    except OSError as error:
        raise StartError(
            f"The secret cannot be written to {settings.data}: {error.strerror}.",
            "Make the server's user the owner of that folder.",
        ) from None
