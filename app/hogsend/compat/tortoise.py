"""Tortoise ORM: SQLite transactions that take the write lock first, and access to the drivers.

Tortoise begins deferred transactions on SQLite. A deferred transaction that reads before it writes
fails with "database is locked" when another process has written in between, whatever the busy
timeout. This module is Tortoise's engine for SQLite (`client_class`) with immediate transactions.
It also gives access to the private parts of Tortoise's clients, because hot paths use the drivers
directly.
"""

# pyright: reportPrivateUsage=false, reportPrivateImportUsage=false

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from typing import Any

from tortoise.backends.base.executor import (
    EXECUTOR_CACHE,  # pyright: ignore[reportUnknownVariableType]
)
from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionContext,
    SqliteTransactionWrapper,
    TransactionContext,
)
from tortoise.fields import Field
from tortoise.models import Model

REQUIREMENT = "tortoise-orm>=1.1.9,<1.2"


class ImmediateTransaction(SqliteTransactionWrapper):
    """A transaction that begins with the write lock held."""

    async def begin(self) -> None:
        await self._connection.execute("BEGIN IMMEDIATE")

    async def execute_script(self, query: str) -> None:
        # The driver's `executescript` commits the transaction first, but a migration that fails
        # half-way must be rolled back.
        for statement in _split_statements(query):
            await self._connection.execute(statement)


def _split_statements(script: str) -> Iterator[str]:
    statement = ""
    for part in script.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


class ImmediateClient(SqliteClient):
    """A connection whose transactions begin with the write lock held."""

    def _in_transaction(self) -> TransactionContext:
        return SqliteTransactionContext(ImmediateTransaction(self), self._lock)


# Tortoise looks this name up in the module that a connection's "engine" names.
client_class = ImmediateClient


def get_connection_lock(client: Any) -> asyncio.Lock:
    """Return the lock under which Tortoise runs a transaction on a SQLite client's connection."""
    return client._lock


def get_sqlite_connection(client: Any) -> Any:
    """Return the open `aiosqlite.Connection` of a SQLite client."""
    return client._connection


def get_postgres_pool(client: Any) -> Any:
    """Return the `asyncpg.Pool` of a Postgres client.

    The client's own `acquire_connection` and transactions set a context variable, which stays set
    in the task when beginning a transaction fails.
    """
    return client._pool


def list_columns(model: type[Model]) -> tuple[str, Field[Any], list[Field[Any]]]:
    """Return a model's table, its primary key, and its other columns in the order declared."""
    meta: Any = model._meta
    key = meta.fields_map[meta.pk_attr]
    return meta.db_table, key, [field for field in meta.fields_map.values() if field is not key]


def join_transaction(client: Any, connection: Any) -> Any:
    """Return a client of Tortoise whose statements run in a transaction that is already open.

    The client neither begins nor ends the transaction: transactions of the hot paths begin and end
    on the driver's connection, without Tortoise.

    Args:
        client: the client that opened the connection.
        connection: the connection that is in a transaction; on SQLite the client's only connection.
    """
    if isinstance(client, SqliteClient):
        return SqliteTransactionWrapper(client)
    from tortoise.backends.asyncpg.client import TransactionWrapper

    wrapper = TransactionWrapper(client)
    wrapper._connection = connection
    return wrapper


def clear_statement_cache() -> None:
    """Clear Tortoise's cache of INSERT statements, whose keys are names of connections.

    A cached statement is in the dialect of the database that the connection was last opened to.
    """
    EXECUTOR_CACHE.clear()
