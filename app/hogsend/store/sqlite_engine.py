"""Tortoise's SQLite engine with transactions that take the write lock when they begin.

Tortoise begins a deferred transaction; one that reads first and then writes fails at once with
"database is locked" when the command line has written in between, however long it would wait.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionContext,
    SqliteTransactionWrapper,
    TransactionContext,
)


class ImmediateTransaction(SqliteTransactionWrapper):
    """A transaction that begins with the write lock held."""

    async def begin(self) -> None:
        await self._connection.execute("BEGIN IMMEDIATE")

    async def execute_script(self, query: str) -> None:
        # The driver's own way to run a script commits what came before it; a migration that stops
        # half-way must leave nothing behind.
        for statement in _statements(query):
            await self._connection.execute(statement)


def _statements(script: str) -> Iterator[str]:
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


client_class = ImmediateClient
