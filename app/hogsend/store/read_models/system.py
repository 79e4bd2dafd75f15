"""The version and size of the database, for the system page."""

from __future__ import annotations

from ..db import Database, Query, parse_sqlite_path
from ..rows import read_scalar
from .counts import BoundedCount, count_up_to_limit


def find_version(database: Database) -> Query[str]:
    """Query the version of the database."""
    sql = "SELECT sqlite_version()" if database.is_sqlite else "SHOW server_version"
    return Query(sql, [], read_scalar)


def count_hatchet_runs() -> Query[BoundedCount]:
    """Query how many enrollments have a Hatchet run."""
    return count_up_to_limit("SELECT 1 FROM hatchet_runs", [])


def measure_size(database: Database) -> Query[int] | int:
    """Return the size of the database in bytes, or the query for it."""
    if not database.is_sqlite:
        return Query("SELECT pg_database_size(current_database())", [], read_scalar)
    file = parse_sqlite_path(database.url)
    parts = (file, file.with_name(file.name + "-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())


async def describe(database: Database) -> tuple[str, int]:
    """Return the database's name with its version, and its size in bytes."""
    name = "SQLite" if database.is_sqlite else "Postgres"
    number = await database.read_one(find_version(database))
    bytes_or_query = measure_size(database)
    if isinstance(bytes_or_query, Query):
        bytes_or_query = await database.read_one(bytes_or_query)
    return f"{name} {number}", bytes_or_query
