"""Statements as values, and the transactions that run several statements in one call of the driver.

A `Query` or a `Write` is a statement with its values. The modules of this package build them, and a
`Transaction` runs them. Statements are written once, with `?` for a value and `IN ?` for a list,
and are translated to the dialect of the connected database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ..compat.aiosqlite import run_in_thread
from ..compat.tortoise import join_transaction
from .dialects import (
    PostgresDialect,
    SqliteDialect,
    Statement,
    Writes,
    join_inserts,
    join_updates,
    run_queries,
    run_writes,
)

R = TypeVar("R")
Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Query(Generic[R]):
    """A statement that returns rows.

    Args:
        sql: the statement, `?` for each value, `IN ?` for a list.
        values: a value for each `?`, and a list or tuple for each `IN ?`.
        read: converts the rows to the result.
    """

    sql: str
    values: Sequence[Any]
    read: Callable[[list[Row]], R]


@dataclass(frozen=True, slots=True)
class Write:
    """A statement that is run once for each row of values.

    Args:
        sql: the statement, `?` for each value.
        rows: the values of each run; when empty, the statement is not run.
        in_any_order: whether the runs may take place in any order, or at once. Then the statement
            is `UPDATE table SET column = ?, … WHERE id = ?`, and each row has another id.
    """

    sql: str
    rows: Sequence[Sequence[Any]] = field(default=((),))
    in_any_order: bool = False


class Transaction:
    """A transaction: all its writes are committed, or none."""

    dialect: SqliteDialect | PostgresDialect
    # Whether the transaction has applied writes.
    wrote = False

    async def fetch(self, *queries: Query[Any]) -> list[Any]:
        """Run queries and return their results in order; applied writes are visible to them."""
        raise NotImplementedError

    async def fetch_one(self, query: Query[R]) -> R:
        """Run one query."""
        return (await self.fetch(query))[0]

    async def apply(self, writes: Iterable[Write]) -> None:
        """Run writes in order, immediately or at the latest when the transaction ends."""
        raise NotImplementedError

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        """Join this transaction, so that a function can take it in place of the database."""
        yield self

    async def models(self) -> Any:
        """Return a connection for Tortoise (`using_db`) that is part of this transaction.

        Writes that were applied before are run first, and are visible to Tortoise.
        """
        raise NotImplementedError


class SqliteTransaction(Transaction):
    """A transaction on SQLite, where each call in the connection's thread costs a round trip.

    The first call also begins the transaction; writes are buffered until the next call, and at the
    latest run with the commit.
    """

    dialect = SqliteDialect()

    def __init__(self, connection: Any, client: Any = None) -> None:
        self._connection = connection
        self._client = client
        self._begun = False
        self._waiting: list[tuple[str, Sequence[Sequence[Any]]]] = []

    async def fetch(self, *queries: Query[Any]) -> list[Any]:
        statements = [self.dialect.translate(query.sql, query.values) for query in queries]
        answers = await self._call(statements, commit=False)
        return [query.read(rows) for query, rows in zip(queries, answers, strict=True)]

    async def apply(self, writes: Iterable[Write]) -> None:
        self._waiting.extend((_get_statement(write), write.rows) for write in writes if write.rows)
        self.wrote = self.wrote or bool(self._waiting)

    async def models(self) -> Any:
        self.wrote = True
        await self._call([], commit=False)
        return join_transaction(self._client, self._connection)

    async def commit(self) -> None:
        if self._begun or self._waiting:
            await self._call([], commit=True)

    async def roll_back(self) -> None:
        if self._begun:
            await run_in_thread(self._connection, sqlite3.Connection.rollback)

    async def _call(self, statements: Sequence[Statement], *, commit: bool) -> list[list[Any]]:
        writes, self._waiting = self._waiting, []
        begin, self._begun = not self._begun, True
        return await run_in_thread(
            self._connection, _run_in_one_call, begin, writes, statements, commit
        )


def _get_statement(write: Write) -> str:
    is_joined = write.in_any_order and len(write.rows) > 1
    return join_updates(write.sql) if is_joined else write.sql


def _run_in_one_call(
    connection: sqlite3.Connection,
    begin: bool,
    writes: Writes,
    statements: Sequence[Statement],
    commit: bool,
) -> list[list[Any]]:
    if begin:
        connection.execute("BEGIN IMMEDIATE")
    run_writes(connection, writes)
    answers = run_queries(connection, statements)
    if commit:
        connection.execute("COMMIT")
    return answers


# Longer lists are of batches, which can wait for a plan.
_LONG_LIST = 50


class PostgresTransaction(Transaction):
    dialect = PostgresDialect()

    def __init__(self, connection: Any, client: Any = None) -> None:
        self._connection = connection
        self._client = client
        self._plans_each_time = False

    async def models(self) -> Any:
        self.wrote = True
        return join_transaction(self._client, self._connection)

    async def _plan_each_time(self, each_time: bool) -> None:
        """Set whether Postgres makes a plan for each run of a statement, or keeps one.

        A plan that was made for a few ids in a small table reads the whole table, and is kept until
        the table is analyzed. Making a plan takes longer than inserting a row by a kept one.
        """
        if each_time != self._plans_each_time and self._connection.is_in_transaction():
            mode = "force_custom_plan" if each_time else "auto"
            await self._connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
            self._plans_each_time = each_time

    async def fetch(self, *queries: Query[Any]) -> list[Any]:
        answers: list[Any] = []
        for query in queries:
            sql, values = self.dialect.translate(query.sql, query.values)
            if any(isinstance(v, list) and len(v) >= _LONG_LIST for v in values):
                await self._plan_each_time(True)
            answers.append(query.read(await self._connection.fetch(sql, *values)))
        return answers

    async def apply(self, writes: Iterable[Write]) -> None:
        for write in writes:
            if not write.rows:
                continue
            self.wrote = True
            await self._plan_each_time(False)
            if len(write.rows) == 1:
                (values,) = write.rows
                await self._connection.execute(self.dialect.translate(write.sql, ())[0], *values)
                continue
            for statement, values in join_inserts(write.sql, write.rows):
                sql = self.dialect.translate(statement, ())[0]
                if values is None:
                    await self._connection.executemany(sql, write.rows)
                else:
                    await self._connection.execute(sql, *values)
