"""The tables and indexes that a SQLite database must have, and no others.

A database from elsewhere can bring triggers and views that run with every statement of ours.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

# Type, name and table of an object, and the statement that created it.
SchemaObject = tuple[str, str, str, str]
_LIST = "SELECT type, name, tbl_name, sql FROM sqlite_master"
# SQLite keeps statistics for its planner in tables of its own.
_STATISTICS = ("sqlite_stat1", "sqlite_stat4")


def list_schema_objects(connection: sqlite3.Connection) -> frozenset[SchemaObject]:
    """Return the tables, indexes, views and triggers of a database, without statistics."""
    return frozenset(
        (kind, name, table, " ".join((sql or "").split()))
        for kind, name, table, sql in connection.execute(_LIST)
        if name not in _STATISTICS
    )


async def build_schema_objects(files: Sequence[Path]) -> frozenset[SchemaObject]:
    """Return the objects that migrations create.

    Args:
        files: the migrations for SQLite, oldest first.
    """
    with closing(sqlite3.connect(":memory:")) as connection:
        for file in files:
            connection.executescript(await _read_migration(file))
        return list_schema_objects(connection)


async def _read_migration(file: Path) -> str:
    spec = spec_from_file_location(f"hogsend_migration_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python module.")
    module: Any = module_from_spec(spec)
    spec.loader.exec_module(module)
    return await module.upgrade(None)


def describe_difference(
    actual: frozenset[SchemaObject], expected: frozenset[SchemaObject]
) -> str | None:
    """Return the first difference between two schemas in words; None when they are equal."""
    names = {(kind, name) for kind, name, _, _ in expected}
    for kind, name, _, _ in sorted(actual - expected):
        if (kind, name) in names:
            return f"its {kind} {name} is not the one of any version"
        return f"it has a {kind} {name}, which no version has"
    for kind, name, _, _ in sorted(expected - actual):
        return f"it lacks the {kind} {name}"
    return None
