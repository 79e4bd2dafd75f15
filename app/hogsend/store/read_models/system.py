"""The version and size of the database, for the system page."""

from __future__ import annotations

from ..db import Database, Query, sqlite_path
from ..rows import only
from .counts import Bounded, bounded


def version(database: Database) -> Query[str]:
    """Query the version of the database."""
    sql = "SELECT sqlite_version()" if database.is_sqlite else "SHOW server_version"
    return Query(sql, [], only)


def hatchet_runs() -> Query[Bounded]:
    """Query how many enrollments have a Hatchet run."""
    return bounded("SELECT enrollment_id FROM hatchet_runs", [])


def size(database: Database) -> Query[int] | int:
    """Return the size of the database in bytes, or the query for it."""
    if not database.is_sqlite:
        return Query("SELECT pg_database_size(current_database())", [], only)
    file = sqlite_path(database.url)
    parts = (file, file.with_name(file.name + "-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())


async def describe(database: Database) -> tuple[str, int]:
    """Return the database's name with its version, and its size in bytes."""
    name = "SQLite" if database.is_sqlite else "Postgres"
    number = await database.read_one(version(database))
    bytes_or_query = size(database)
    if isinstance(bytes_or_query, Query):
        bytes_or_query = await database.read_one(bytes_or_query)
    return f"{name} {number}", bytes_or_query
