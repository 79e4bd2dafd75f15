"""Statements as values, and the transactions that run several of them in one visit.

A `Query` or a `Write` is a statement with its values. The modules of this package make them, and a
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
    run_queries,
    run_writes,
)

R = TypeVar("R")
Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Query(Generic[R]):
    """A statement that gives rows.

    Args:
        sql: the statement, `?` for each value, `IN ?` for a list.
        values: one for each `?`; a list or tuple for `IN ?`.
        read: makes the result of the rows.
    """

    sql: str
    values: Sequence[Any]
    read: Callable[[list[Row]], R]


@dataclass(frozen=True, slots=True)
class Write:
    """A statement that is run once for each row of values.

    Args:
        sql: the statement, `?` for each value.
        rows: the values of each run; without any nothing is done.
    """

    sql: str
    rows: Sequence[Sequence[Any]] = field(default=((),))


class Transaction:
    """One transaction; everything in it happens or nothing does."""

    dialect: SqliteDialect | PostgresDialect
    # Whether anything was to be written.
    wrote = False

    async def fetch(self, *queries: Query[Any]) -> list[Any]:
        """Run several queries and return their answers in order; they see what was written."""
        raise NotImplementedError

    async def fetch_one(self, query: Query[R]) -> R:
        """Run one query."""
        return (await self.fetch(query))[0]

    async def apply(self, writes: Iterable[Write]) -> None:
        """Run several writes in order, at the latest when the transaction ends."""
        raise NotImplementedError

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        """Join this transaction: what opens one of its own in a database becomes part of this."""
        yield self

    async def models(self) -> Any:
        """Return the connection for Tortoise (`using_db`), which then is part of this transaction.

        Writes that were applied before are run first, and so seen by it.
        """
        raise NotImplementedError


class SqliteTransaction(Transaction):
    """A transaction on SQLite, where each visit to the connection's thread costs a round trip.

    It begins with the first visit, and writes wait for the next visit or the last one.
    """

    dialect = SqliteDialect()

    def __init__(self, connection: Any, client: Any = None) -> None:
        self._connection = connection
        self._client = client
        self._begun = False
        self._waiting: list[tuple[str, Sequence[Sequence[Any]]]] = []

    async def fetch(self, *queries: Query[Any]) -> list[Any]:
        statements = [self.dialect.translate(query.sql, query.values) for query in queries]
        answers = await self._visit(statements, commit=False)
        return [query.read(rows) for query, rows in zip(queries, answers, strict=True)]

    async def apply(self, writes: Iterable[Write]) -> None:
        self._waiting.extend((write.sql, write.rows) for write in writes if write.rows)
        self.wrote = self.wrote or bool(self._waiting)

    async def models(self) -> Any:
        self.wrote = True
        await self._visit([], commit=False)
        return join_transaction(self._client, self._connection)

    async def commit(self) -> None:
        if self._begun or self._waiting:
            await self._visit([], commit=True)

    async def roll_back(self) -> None:
        if self._begun:
            await run_in_thread(self._connection, sqlite3.Connection.rollback)

    async def _visit(self, statements: Sequence[Statement], *, commit: bool) -> list[list[Any]]:
        writes, self._waiting = self._waiting, []
        begin, self._begun = not self._begun, True
        return await run_in_thread(
            self._connection, _run_in_one_call, begin, writes, statements, commit
        )


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


class PostgresTransaction(Transaction):
    dialect = PostgresDialect()

    def __init__(self, connection: Any, client: Any = None) -> None:
        self._connection = connection
        self._client = client

    async def models(self) -> Any:
        self.wrote = True
        return join_transaction(self._client, self._connection)

    async def fetch(self, *queries: Query[Any]) -> list[Any]:
        answers: list[Any] = []
        for query in queries:
            sql, values = self.dialect.translate(query.sql, query.values)
            answers.append(query.read(await self._connection.fetch(sql, *values)))
        return answers

    async def apply(self, writes: Iterable[Write]) -> None:
        for write in writes:
            if not write.rows:
                continue
            self.wrote = True
            sql = self.dialect.translate(write.sql, ())[0]
            if len(write.rows) == 1:
                (values,) = write.rows
                await self._connection.execute(sql, *values)
            else:
                await self._connection.executemany(sql, write.rows)
