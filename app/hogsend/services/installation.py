"""An open database with its settings and clock: enough for services that run no journeys.

Apart from `context`, which imports templates and journeys, because commands that need neither
start in half the time without them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..clock import Clock, SystemClock
from ..config.settings import Settings
from ..errors import StartError
from ..store.change_feed import ChangeFeed
from ..store.db import Database, is_sqlite, parse_sqlite_path
from ..store.migrations import find_pending


@dataclass
class Installation:
    """An open database and what belongs to it; enough for services that run no journeys.

    Args:
        settings: as they were when the process started.
        clock: the source of the current time.
        database: open for as long as the installation is used.
        change_feed: publishes which kinds of rows have changed.
    """

    settings: Settings
    clock: Clock
    database: Database
    change_feed: ChangeFeed = field(default_factory=ChangeFeed)


def find_database_file(settings: Settings) -> Path | None:
    """Return the SQLite file that the settings name; None when they name a Postgres.

    Raises:
        ConfigError: the database's address is neither.
    """
    return parse_sqlite_path(settings.database_url) if is_sqlite(settings.database_url) else None


def has_database(settings: Settings) -> bool:
    """Return whether there is a database to open; a Postgres is assumed to exist.

    Raises:
        ConfigError: the database's address is neither SQLite nor Postgres.
        StartError: the data folder cannot be read.
    """
    file = find_database_file(settings)
    if file is None:
        return True
    try:
        return file.exists()
    except PermissionError as error:
        raise StartError(
            f"The data folder {settings.data} cannot be read: {error.strerror}.",
            "Run the command as the user that the server runs as.",
        ) from None


async def check_database(settings: Settings) -> None:
    """Check that the database exists and has the schema of this program.

    Raises:
        StartError: it does not, or it cannot be read.
    """
    if not has_database(settings):
        raise StartError(
            f"There is no database {find_database_file(settings)} yet.",
            "Run `hogsend migrate` or start `hogsend serve` once, from the project's folder.",
        )
    if await find_pending(settings.database_url):
        raise StartError(
            "The database's schema is older than this program.", "Run `hogsend migrate` first."
        )


@asynccontextmanager
async def open_installation(settings: Settings) -> AsyncGenerator[Installation]:
    """Open the database that the settings name, and close it at the end.

    Raises:
        StartError: there is no database yet, or its schema is not the one of this program.
    """
    await check_database(settings)
    clock = SystemClock()
    database = Database(settings.database_url, clock)
    await database.open()
    change_feed = ChangeFeed()
    try:
        yield Installation(settings, clock, database, change_feed)
    finally:
        change_feed.close()
        await database.close()
