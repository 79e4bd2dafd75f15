"""The database's schema: what it lacks, and bringing it up to date."""

from __future__ import annotations

from pathlib import PurePath

from ..config.settings import Settings
from ..errors import StartError
from ..store.migrations import apply_pending, find_pending
from .actor import Actor, Permission
from .installation import find_database_file


async def list_pending_migrations(settings: Settings) -> list[str]:
    """Return the names of the migrations that the database lacks, oldest first.

    Raises:
        StartError: the database cannot be read, or is newer than this program.
    """
    return _list_names(await find_pending(settings.database_url))


async def migrate(settings: Settings, actor: Actor) -> list[str]:
    """Apply the pending migrations; a SQLite file is copied into the data folder first.

    Args:
        settings: on a prepared data folder.
        actor: who asks for it.

    Returns:
        The names of the migrations that were applied.

    Raises:
        Forbidden: the actor may not administer.
        StartError: the database cannot be read or changed, or is newer than this program.
    """
    actor.require(Permission.ADMINISTER)
    applied = await apply_pending(settings.database_url, backups=settings.data / "backups")
    return _list_names(applied)


async def prepare_schema(settings: Settings, actor: Actor) -> None:
    """Bring the schema up to date before a server or worker starts.

    A SQLite file is migrated. A Postgres is not: other processes may work on it, so an operator
    decides when it changes.

    Raises:
        StartError: the database cannot be used, or a Postgres lacks migrations.
    """
    if find_database_file(settings) is not None:
        await migrate(settings, actor)
        return
    missing = await list_pending_migrations(settings)
    if missing:
        noun = "migration" if len(missing) == 1 else "migrations"
        raise StartError(
            f"The Postgres schema lacks {len(missing)} {noun} of this version.",
            "Run `hogsend migrate`, then start again.",
        )


def _list_names(files: list[str]) -> list[str]:
    return [PurePath(file).stem for file in files]
