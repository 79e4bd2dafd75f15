"""Migrations of the schema: finding and applying the pending ones.

The applied migrations are read directly from aerich's table. Aerich itself is imported only to
migrate, to keep an ordinary start fast.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from ..clock import SystemClock
from ..errors import StartError
from ..paths import find_resource
from .database_health import classify_error
from .db import WRITE_CONNECTION, build_tortoise_config, is_sqlite, parse_sqlite_path
from .models import MODULES
from .private_files import create_private_file, open_read_only, protect_database
from .schema_objects import build_schema_objects, describe_difference, list_schema_objects

# Aerich keeps one folder of migrations for each "app" of Tortoise's configuration.
APP = "models"
_APPLIED = f"SELECT version FROM aerich WHERE app = '{APP}' ORDER BY id"
# The key of our advisory lock, which must differ from the keys of other programs.
_POSTGRES_LOCK = 0x486F6773656E64


async def find_schema_difference(file: Path) -> str | None:
    """Return how a SQLite file's schema differs from that of its version; None when it does not.

    Raises:
        sqlite3.Error: the file cannot be read.
        StartError: the file is newer than the program.
    """
    folder = find_folder(f"sqlite://{file}")
    with closing(open_read_only(file)) as connection:
        actual = list_schema_objects(connection)
        if ("table", "aerich") not in {(kind, name) for kind, name, _, _ in actual}:
            return "it is not Hogsend's database"
        applied = [version for (version,) in connection.execute(_APPLIED)]
    known = _list_shipped(folder)
    _require_known(applied, known)
    if not applied or applied != known[: len(applied)]:
        return "its migrations are incomplete"
    expected = await build_schema_objects([folder / APP / name for name in applied])
    return describe_difference(actual, expected)


async def find_pending(url: str) -> list[str]:
    """Return the names of the migrations that are not yet applied to a database, oldest first.

    Args:
        url: the database's address, as in `HOGSEND_DATABASE_URL`.

    Raises:
        StartError: the database cannot be read, or is newer than the program.
    """
    known = _list_shipped(find_folder(url))
    applied = await _list_applied(url)
    _require_known(applied, known)
    return [version for version in known if version not in applied]


def _require_known(applied: Sequence[str], known: Sequence[str]) -> None:
    foreign = [version for version in applied if version not in known]
    if foreign:
        raise StartError(
            f"The database is newer than this program: it has the migration "
            f"{Path(foreign[-1]).stem}, which this version does not know.",
            "Start the newer version again, or restore a backup from before its upgrade.",
        )


async def apply_pending(url: str, *, backups: Path | None) -> list[str]:
    """Apply the pending migrations, each in a transaction of its own.

    Args:
        url: the database's address.
        backups: the folder for a copy of the SQLite file from before; None makes no copy.

    Returns:
        The names of the migrations that were applied.

    Raises:
        StartError: the database cannot be read or changed, or is newer than the program.
    """
    if not await find_pending(url):
        return []
    async with _hold_migration_lock(url):
        # Another process may have migrated while this one waited.
        names = await find_pending(url)
        if not names:
            return []
        if is_sqlite(url):
            protect_database(parse_sqlite_path(url))
            if backups is not None:
                _back_up(parse_sqlite_path(url), backups)
        await _upgrade(url)
    return names


def find_folder(url: str) -> Path:
    """Return the folder whose `models/` holds the migrations for a database's kind."""
    return find_resource("migrations/sqlite" if is_sqlite(url) else "migrations/postgres")


def build_migration_config(url: str) -> dict[str, Any]:
    """Return Tortoise's configuration for migrating: one connection, and aerich's own table."""
    config = build_tortoise_config(url)
    # Tortoise caches statements by the name of the connection, and each dialect needs its own.
    name = find_folder(url).name
    config["connections"] = {name: config["connections"][WRITE_CONNECTION]}
    config["apps"] = {APP: {"models": [*MODULES, "aerich.models"], "default_connection": name}}
    return config


def _list_shipped(folder: Path) -> list[str]:
    files = [file.name for file in (folder / APP).glob("[0-9]*_*.py")]
    if not files:
        raise StartError(
            f"The program's migrations are missing from {folder}.", "Reinstall Hogsend."
        )
    return sorted(files, key=lambda name: int(name.split("_", 1)[0]))


async def _list_applied(url: str) -> list[str]:
    if is_sqlite(url):
        return _list_applied_on_sqlite(parse_sqlite_path(url))
    return await _list_applied_on_postgres(url)


def _list_applied_on_sqlite(file: Path) -> list[str]:
    if not file.exists():
        return []
    try:
        with closing(sqlite3.connect(file, timeout=10)) as connection:
            return [version for (version,) in connection.execute(_APPLIED)]
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise _to_start_error(file, error) from error
    except sqlite3.DatabaseError as error:
        raise _to_start_error(file, error) from error


def _to_start_error(file: Path, error: sqlite3.Error) -> StartError:
    problem = classify_error(error, file)
    if problem is not None and error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
        return StartError(f"{problem.message} It is {file}.", problem.remedy)
    return StartError(
        f"The database {file} cannot be read: {error}.",
        "Check that it is Hogsend's database and that this account may write to it and its folder.",
    )


async def _list_applied_on_postgres(url: str) -> list[str]:
    async with _connect_to_postgres(url) as connection:
        if await connection.fetchval("SELECT to_regclass('aerich')") is None:
            return []
        return [version for (version,) in await connection.fetch(_APPLIED)]


@asynccontextmanager
async def _connect_to_postgres(url: str) -> AsyncGenerator[Any]:
    import asyncpg

    credentials = dict(build_tortoise_config(url)["connections"][WRITE_CONNECTION]["credentials"])
    del credentials["minsize"], credentials["maxsize"]
    try:
        connection = await asyncpg.connect(**credentials, timeout=10)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartError(
            f"The connection to Postgres failed: {str(error).rstrip('.') or type(error).__name__}.",
            "Check HOGSEND_DATABASE_URL, that the server is running, and that the database exists.",
        ) from error
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _hold_migration_lock(url: str) -> AsyncGenerator[None]:
    """Hold the lock that keeps other processes from migrating the same database."""
    if is_sqlite(url):
        folder = parse_sqlite_path(url).resolve().parent
        try:
            handle = os.open(folder, os.O_RDONLY)
        except OSError as error:
            raise StartError(
                f"The database's folder {folder} cannot be opened: {error.strerror}.",
                "Create the folder, or set HOGSEND_DATA or HOGSEND_DATABASE_URL to another folder.",
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
    else:
        async with _connect_to_postgres(url) as connection:
            await connection.execute("SELECT pg_advisory_lock($1)", _POSTGRES_LOCK)
            yield


def _back_up(file: Path, backups: Path) -> None:
    """Copy a SQLite file that is not empty, so that an upgrade can be undone."""
    if not file.exists() or file.stat().st_size == 0:
        return
    moment = SystemClock().now().strftime("%Y%m%dT%H%M%S.%fZ")
    copy = backups / f"{file.stem}-{moment}.db"
    unfinished = copy.with_suffix(".part")
    try:
        backups.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_private_file(unfinished)
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(unfinished)) as to:
            source.backup(to)
        os.replace(unfinished, copy)
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        raise StartError(
            f"The database could not be copied to {backups} before its upgrade: {error}.",
            "Nothing was changed. Free space or fix the folder's permissions, then start again.",
        ) from error


async def _upgrade(url: str) -> None:
    from aerich import Command
    from tortoise.context import TortoiseContext
    from tortoise.exceptions import BaseORMException

    folder = str(find_folder(url))
    try:
        async with TortoiseContext(), Command(build_migration_config(url), APP, folder) as command:
            await command.upgrade(run_in_transaction=True)
    except (BaseORMException, sqlite3.Error, OSError) as error:
        raise StartError(
            f"The database could not be migrated: {error}.",
            "The failed migration changed nothing. Fix its cause and start again.",
        ) from error
