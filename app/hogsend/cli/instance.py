"""The installation that a command works on: its settings, its open database, the clock."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..clock import Clock, SystemClock
from ..config.settings import Settings, load_settings
from ..errors import StartError

if TYPE_CHECKING:
    from ..store.db import Database

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Instance:
    """What a command works on."""

    settings: Settings
    database: Database
    clock: Clock


def current_settings(options: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of the environment and the working folder.

    Args:
        options: values given on the command line, by the setting's name.

    Raises:
        ConfigError: a setting is unknown or its value not allowed.
    """
    return load_settings(os.environ, Path.cwd(), options)


def on_instance(work: Callable[[Instance], Awaitable[Answer]]) -> Answer:
    """Open the database, do something with it, and close it again.

    Args:
        work: gets the instance; what it returns comes back.

    Raises:
        StartError: there is no database yet, or its schema is not this program's.
    """

    async def run() -> Answer:
        async with open_instance(current_settings()) as instance:
            return await work(instance)

    return asyncio.run(run())


def has_database(settings: Settings) -> bool:
    """Say whether there is a database to open; one on a server is taken to be there.

    Raises:
        StartError: the folder cannot be looked into.
    """
    from ..store.db import is_sqlite, sqlite_path

    if not is_sqlite(settings.database_url):
        return True
    try:
        return sqlite_path(settings.database_url).exists()
    except PermissionError as error:
        raise StartError(
            f"The data folder {settings.data} cannot be looked into: {error.strerror}.",
            "Run the command as the user that the server runs as.",
        ) from None


async def note(
    instance: Instance, action: str, subject: str, after: Mapping[str, object] | None = None
) -> None:
    """Put what a command changed into the audit log.

    Args:
        instance: where.
        action: what was done.
        subject: to what, as the path of its screen where it has one.
        after: what it is now, if that says anything.
    """
    from ..store import audit

    change = audit.record("cli", action, subject, instance.clock.now(), after=after)
    async with instance.database.transaction() as transaction:
        await transaction.apply([change])


@asynccontextmanager
async def open_instance(settings: Settings) -> AsyncGenerator[Instance]:
    """Open the database that the settings name, when its schema is this program's."""
    # Half a second of imports, which commands without a database are spared.
    from ..store.db import Database, sqlite_path
    from ..store.migrations import pending

    url = settings.database_url
    if not has_database(settings):
        raise StartError(
            f"There is no database {sqlite_path(url)} yet.",
            "Run `hogsend migrate` or start `hogsend serve` once, from the project's folder.",
        )
    if await pending(url):
        raise StartError(
            "The database's schema is older than this program.", "Run `hogsend migrate` first."
        )
    database = Database(url)
    await database.open()
    try:
        yield Instance(settings, database, SystemClock())
    finally:
        await database.close()
