"""The database itself, as the system screen tells of it."""

from __future__ import annotations

from ..db import Database, Query, only, sqlite_path
from .counts import Bounded, bounded


def version(database: Database) -> Query[str]:
    """Ask which database this is."""
    question = "SELECT sqlite_version()" if database.is_sqlite else "SHOW server_version"
    return Query(question, [], only)


def hatchet_runs() -> Query[Bounded]:
    """Count the enrollments that a Hatchet run plays."""
    return bounded("SELECT enrollment_id FROM hatchet_runs", [])


def size(database: Database) -> Query[int] | int:
    """Say how many bytes the database takes, or how to ask it."""
    if not database.is_sqlite:
        return Query("SELECT pg_database_size(current_database())", [], only)
    file = sqlite_path(database.url)
    parts = (file, file.with_name(file.name + "-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())


async def described(database: Database) -> tuple[str, int]:
    """Return the database's name with its version, and its size in bytes."""
    name = "SQLite" if database.is_sqlite else "Postgres"
    said = await database.read_one(version(database))
    found = size(database)
    if isinstance(found, Query):
        found = await database.read_one(found)
    return f"{name} {said}", found
