"""Translates statements, which are written once, to the dialects of SQLite and Postgres.

A statement has `?` for a value and `IN ?` for a list of values.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

_PLACEHOLDER = re.compile(r"\bIN \?|\?")
_VALUES = re.compile(r"\bVALUES (\([^()]*\))")
_BY_ID = " WHERE id = ?"
# The most values in one statement, well below SQLite's limit of 32,766.
_MAX_VALUES = 8192
# The driver of Postgres keeps no statement that is longer than 15 KiB.
_MAX_KEPT_VALUES = 1024


def _round_up_to_power_of_two(n: int) -> int:
    return 1 << max(0, n - 1).bit_length()


@lru_cache(maxsize=1024)
def _translate_for_sqlite(sql: str, sizes: tuple[int, ...]) -> str:
    lists = iter(sizes)

    def replace(match: re.Match[str]) -> str:
        if match.group() == "?":
            return "?"
        return "IN (" + ",".join("?" * next(lists)) + ")"

    return _PLACEHOLDER.sub(replace, sql)


@lru_cache(maxsize=1024)
def _translate_for_postgres(sql: str) -> str:
    number = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal number
        number += 1
        return f"${number}" if match.group() == "?" else f"= ANY(${number})"

    return _PLACEHOLDER.sub(replace, sql)


class SqliteDialect:
    """Gives each value of a list a placeholder, as SQLite has no arrays.

    Lists are padded to powers of two by repeating a value, so that few different statements have to
    be prepared.
    """

    name = "sqlite"
    # The ends of queries that lock their rows; with one writer, nothing needs to be locked.
    lock_rows = lock_skipping_locked = ""

    def translate(self, sql: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
        """Return a statement and its values in the form that the driver takes."""
        flat: list[Any] = []
        sizes: list[int] = []
        for value in values:
            if isinstance(value, list | tuple):
                size = _round_up_to_power_of_two(len(value))
                sizes.append(size)
                filler = value[-1] if value else None
                flat.extend(value)
                flat.extend([filler] * (size - len(value)))
            else:
                flat.append(value)
        return _translate_for_sqlite(sql, tuple(sizes)), flat


class PostgresDialect:
    """Passes a list as one array."""

    name = "postgres"
    lock_rows = " FOR UPDATE"
    # Leaves out the rows that another transaction has locked.
    lock_skipping_locked = " FOR UPDATE SKIP LOCKED"

    def translate(self, sql: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
        """Return a statement and its values in the form that the driver takes."""
        return _translate_for_postgres(sql), [
            list(v) if isinstance(v, tuple) else v for v in values
        ]


Statement = tuple[str, list[Any]]
Writes = Sequence[tuple[str, Sequence[Sequence[Any]]]]


def run_queries(connection: sqlite3.Connection, statements: Sequence[Statement]) -> list[list[Any]]:
    """Run queries, on the connection's thread; return the rows of each, as tuples."""
    answers: list[list[Any]] = []
    for sql, values in statements:
        cursor = connection.cursor()
        # That of the connection, which the ORM sets, makes rows with names and takes longer.
        cursor.row_factory = None
        answers.append(cursor.execute(sql, values).fetchall())
    return answers


def run_writes(connection: sqlite3.Connection, writes: Writes) -> None:
    """Run writes, on the connection's thread.

    The driver releases the interpreter lock whenever it runs a statement, and on a busy server
    waits to get it back. So the rows of a statement with `VALUES (…)` are written by a few long
    statements, not one by one.
    """
    for sql, rows in writes:
        if len(rows) == 1:
            connection.execute(sql, *rows)
        elif (values := _VALUES.search(sql)) is None:
            connection.executemany(sql, rows)
        else:
            for statement, flat in _build_long_statements(sql, values.group(1), rows):
                connection.execute(statement, flat)


def join_inserts(sql: str, rows: Sequence[Sequence[Any]]) -> Iterator[tuple[str, list[Any] | None]]:
    """Yield statements that write rows on Postgres: long inserts, or the statement as it is.

    An insert that replaces conflicting rows stays as it is, because one statement must not write a
    row twice.

    Returns:
        Pairs of a statement and its values; None for the statement that each row is written by.
    """
    values = _VALUES.search(sql)
    if values is None or "ON CONFLICT" in sql:
        yield sql, None
    else:
        yield from _build_long_statements(sql, values.group(1), rows, _MAX_KEPT_VALUES)


@lru_cache(maxsize=64)
def join_updates(sql: str) -> str:
    """Return an update of one row in a form with `VALUES (…)`, which can update many rows.

    Args:
        sql: `UPDATE table SET column = ?, … WHERE id = ?`.
    """
    table, _, rest = sql.removeprefix("UPDATE ").partition(" SET ")
    columns = [part.removesuffix(" = ?") for part in rest.removesuffix(_BY_ID).split(", ")]
    assignments = ", ".join(f"{column} = changes.{column}" for column in columns)
    return (
        f"WITH changes ({', '.join(columns)}, id) AS (VALUES ({'?,' * len(columns)}?)) "
        f"UPDATE {table} SET {assignments} FROM changes WHERE {table}.id = changes.id"
    )


def _build_long_statements(
    sql: str, group: str, rows: Sequence[Sequence[Any]], most_values: int = _MAX_VALUES
) -> Iterator[tuple[str, list[Any]]]:
    """Yield statements that write many rows each, with their values.

    The numbers of rows are powers of two, so that few different statements have to be prepared.

    Args:
        sql: a statement that writes one row.
        group: its placeholders, as in `VALUES (…)`.
        rows: the values of each row.
        most_values: how many values a statement has at most.
    """
    largest = max(1, most_values // max(1, len(next(iter(rows)))))
    at = 0
    while at < len(rows):
        size = min(1 << (len(rows) - at).bit_length() - 1, 1 << largest.bit_length() - 1)
        flat = [value for row in rows[at : at + size] for value in row]
        yield _repeat_values(sql, group, size), flat
        at += size


@lru_cache(maxsize=512)
def _repeat_values(sql: str, group: str, size: int) -> str:
    return sql.replace(f"VALUES {group}", "VALUES " + ",".join([group] * size), 1)
