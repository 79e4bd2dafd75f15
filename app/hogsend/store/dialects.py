"""How each database is spoken to: one way of writing statements, said in two dialects."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

_PLACE = re.compile(r"\bIN \?|\?")
_VALUES = re.compile(r"\bVALUES (\([^)]*\))")


def _power_of_two(n: int) -> int:
    return 1 << max(0, n - 1).bit_length()


@lru_cache(maxsize=1024)
def _for_sqlite(sql: str, sizes: tuple[int, ...]) -> str:
    lists = iter(sizes)

    def say(match: re.Match[str]) -> str:
        if match.group() == "?":
            return "?"
        return "IN (" + ",".join("?" * next(lists)) + ")"

    return _PLACE.sub(say, sql)


@lru_cache(maxsize=1024)
def _for_postgres(sql: str) -> str:
    number = 0

    def say(match: re.Match[str]) -> str:
        nonlocal number
        number += 1
        return f"${number}" if match.group() == "?" else f"= ANY(${number})"

    return _PLACE.sub(say, sql)


class SqliteDialect:
    """Lists are spread out, padded so that statements repeat."""

    name = "sqlite"
    # `FOR UPDATE` has no meaning with one writer.
    lock_rows = lock_free_rows = ""

    def say(self, sql: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
        """Return a statement and its values as the driver wants them."""
        flat: list[Any] = []
        sizes: list[int] = []
        for value in values:
            if isinstance(value, list | tuple):
                size = _power_of_two(len(value))
                sizes.append(size)
                filler = value[-1] if value else None
                flat.extend(value)
                flat.extend([filler] * (size - len(value)))
            else:
                flat.append(value)
        return _for_sqlite(sql, tuple(sizes)), flat


class PostgresDialect:
    """A list is one array value."""

    name = "postgres"
    lock_rows = " FOR UPDATE"
    # Those only that nobody else has locked.
    lock_free_rows = " FOR UPDATE SKIP LOCKED"

    def say(self, sql: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
        """Return a statement and its values as the driver wants them."""
        return _for_postgres(sql), [list(v) if isinstance(v, tuple) else v for v in values]


Said = tuple[str, list[Any]]
Writes = Sequence[tuple[str, Sequence[Sequence[Any]]]]


def ask_sqlite(connection: sqlite3.Connection, said: Sequence[Said]) -> list[list[Any]]:
    """Run queries, on the connection's thread."""
    answers: list[list[Any]] = []
    for sql, values in said:
        cursor = connection.cursor()
        cursor.row_factory = None
        answers.append(cursor.execute(sql, values).fetchall())
    return answers


def write_sqlite(connection: sqlite3.Connection, writes: Writes) -> None:
    """Run writes, on the connection's thread.

    The driver lets go of the interpreter lock at every step of a statement, and on a busy server
    waits for it again after each: so a set is inserted by few long statements, not row by row.
    """
    for sql, rows in writes:
        if len(rows) == 1:
            connection.execute(sql, *rows)
        elif (values := _VALUES.search(sql)) is None:
            connection.executemany(sql, rows)
        else:
            for statement, flat in _long_statements(sql, values.group(1), rows):
                connection.execute(statement, flat)


# The most values in one statement, well below SQLite's limit of 32,766.
_MOST_VALUES = 8192


def _long_statements(
    sql: str, group: str, rows: Sequence[Sequence[Any]]
) -> Iterator[tuple[str, list[Any]]]:
    """Yield inserts of many rows, in sizes that are powers of two, so that statements repeat."""
    largest = max(1, _MOST_VALUES // max(1, len(next(iter(rows)))))
    at = 0
    while at < len(rows):
        size = min(1 << (len(rows) - at).bit_length() - 1, 1 << largest.bit_length() - 1)
        flat = [value for row in rows[at : at + size] for value in row]
        yield _with_rows(sql, group, size), flat
        at += size


@lru_cache(maxsize=512)
def _with_rows(sql: str, group: str, size: int) -> str:
    return sql.replace(f"VALUES {group}", "VALUES " + ",".join([group] * size), 1)
