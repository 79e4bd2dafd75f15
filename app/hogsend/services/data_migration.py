"""Moving an installation from its SQLite file to Postgres."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from ..config.settings import Settings
from ..errors import HogsendError, StartError
from ..store.data_migration import copying
from ..store.data_migration.copying import Progress, TableCopy
from .actor import Actor, Permission
from .installation import find_database_file, has_database

__all__ = ["Progress", "TableCopy", "copy_to_postgres", "find_source_file"]


def find_source_file(settings: Settings) -> Path:
    """Return the SQLite file that would be copied.

    Raises:
        StartError: there is none.
        HogsendError: the settings name a Postgres.
    """
    file = find_database_file(settings)
    if file is None:
        raise HogsendError(
            "HOGSEND_DATABASE_URL names a Postgres, so there is no SQLite file to copy.",
            "Remove that setting for the copy, and put it back afterwards.",
        )
    if not has_database(settings):
        raise StartError(f"There is no database {file}.", "Run this from the project's folder.")
    return file


async def copy_to_postgres(
    settings: Settings,
    actor: Actor,
    url: str,
    now: datetime,
    on_progress: Callable[[Progress], None],
) -> Sequence[TableCopy]:
    """Copy the SQLite file into an empty Postgres, or resume a copy that was interrupted.

    The caller keeps workers off the data folder meanwhile.

    Args:
        settings: name the SQLite file.
        actor: who asks for it.
        url: the address of the Postgres.
        now: the current time, for the audit log.
        on_progress: receives the progress.

    Raises:
        Forbidden: the actor may not administer.
        StartError: the file or the Postgres cannot be used.
        HogsendError: Postgres cannot store a value, or the copy differs.
    """
    actor.require(Permission.ADMINISTER)
    return await copying.copy(find_source_file(settings), url, now, on_progress)
