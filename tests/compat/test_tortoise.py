"""What `hogsend.compat.tortoise` relies on in Tortoise ORM."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiosqlite
import asyncpg
import pytest
from tortoise.backends.base.executor import EXECUTOR_CACHE
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext
from tortoise.connection import get_connections
from tortoise.indexes import Index
from tortoise.transactions import in_transaction

from hogsend.compat.tortoise import (
    ImmediateClient,
    ImmediateTransaction,
    clear_statement_cache,
    get_connection_lock,
    get_postgres_pool,
    get_sqlite_connection,
    list_columns,
)
from hogsend.store import meta
from hogsend.store.db import WRITE_CONNECTION, Database
from hogsend.store.models import ContactRow
from tests.databases import opened


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with opened(database_url) as database:
        yield database


@pytest.fixture
async def sqlite(sqlite_url: str) -> AsyncIterator[Database]:
    async with opened(sqlite_url) as database:
        yield database


def client() -> Any:
    return get_connections().get(WRITE_CONNECTION)


def test_a_client_makes_its_transactions_in_a_method_that_can_be_replaced():
    assert list(inspect.signature(SqliteClient._in_transaction).parameters) == ["self"]
    assert list(inspect.signature(SqliteTransactionContext).parameters) == ["connection", "trxlock"]
    base: Any = ImmediateTransaction.__base__
    assert inspect.iscoroutinefunction(base.begin)


async def test_tortoise_makes_our_client_for_sqlite(sqlite: Database):
    assert type(client()) is ImmediateClient
    assert isinstance(get_sqlite_connection(client()), aiosqlite.Connection)
    assert not get_connection_lock(client()).locked()


async def test_a_transaction_holds_the_write_lock_from_its_start(sqlite: Database):
    lock = get_connection_lock(client())
    async with in_transaction(WRITE_CONNECTION):
        assert lock.locked()
        with (
            closing(sqlite3.connect(resolve_file(sqlite), timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("BEGIN IMMEDIATE")


async def test_a_script_that_fails_leaves_nothing_behind(sqlite: Database):
    with pytest.raises(Exception, match="missing"):
        async with in_transaction(WRITE_CONNECTION) as transaction:
            await transaction.execute_script("CREATE TABLE made (id); DELETE FROM missing;")
    with closing(sqlite3.connect(resolve_file(sqlite))) as other:
        assert not other.execute("SELECT 1 FROM sqlite_master WHERE name = 'made'").fetchall()


async def test_a_postgres_client_has_the_driver_s_pool(database: Database):
    if database.is_sqlite:
        return
    assert isinstance(get_postgres_pool(client()), asyncpg.Pool)


async def test_a_model_knows_its_table_and_columns(sqlite: Database):
    table, key, others = list_columns(ContactRow)
    assert (table, key.model_field_name) == ("contacts", "id")
    assert "email" in [field.model_field_name for field in others]
    assert key not in others


def test_an_index_can_be_extended_with_a_condition():
    assert list(inspect.signature(Index.get_sql).parameters) == [
        "self",
        "schema_generator",
        "model",
        "safe",
    ]
    index = Index(fields=("email",), name="by_email")
    index.extra = " WHERE 1"
    assert index.deconstruct()[2]["name"] == "by_email"
    assert index.describe()["name"] == "by_email"


async def test_a_client_in_a_transaction_neither_begins_nor_ends_it(database: Database):
    with pytest.raises(LookupError):
        async with database.transaction() as transaction:
            inside = await transaction.models()
            await inside.execute_query("INSERT INTO meta (key, value) VALUES ('a', 'b')")
            raise LookupError
    assert await database.read_one(meta.find_value("a")) is None
    async with database.transaction() as transaction:
        inside = await transaction.models()
        await inside.execute_query("INSERT INTO meta (key, value) VALUES ('a', 'b')")
    assert await database.read_one(meta.find_value("a")) == "b"


def test_remembered_statements_can_be_forgotten():
    EXECUTOR_CACHE["x", None, "y"] = ([], "", [], "", "", {})
    clear_statement_cache()
    assert not EXECUTOR_CACHE


def resolve_file(database: Database) -> Path:
    return Path(database.url.removeprefix("sqlite://"))
