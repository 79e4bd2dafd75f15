"""The database: a connection that writes and one that only reads; on Postgres, a pool of each."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    suppress,
)
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from tortoise import Tortoise
from tortoise.connection import get_connections

from ..clock import Clock, SystemClock
from ..compat.aiosqlite import run_in_thread
from ..compat.tortoise import (
    clear_statement_cache,
    get_connection_lock,
    get_postgres_pool,
    get_sqlite_connection,
)
from ..errors import ConfigError
from .database_health import DatabaseHealth
from .dialects import run_queries
from .models import MODULES
from .private_files import protect_database
from .rows import read_scalar
from .transactions import (
    PostgresTransaction,
    Query,
    Row,
    SqliteTransaction,
    Transaction,
    Write,
)
from .write_lock import WriteLock

R = TypeVar("R")

# The names of the two connections in Tortoise's configuration.
WRITE_CONNECTION, READ_CONNECTION = "default", "read"
# The largest sizes of the two pools on Postgres.
MAX_READ_CONNECTIONS = 4
MAX_WRITE_CONNECTIONS = 5
# Lists in one statement stay well below SQLite's limit of 32,766 variables.
MAX_LIST_LENGTH = 16_384
MAX_WAL_BYTES = 64 * 1024 * 1024
# When a write of this many bytes succeeds, the disk has space again.
PROBE_SIZE = 256 * 1024
_WRITE_PROBE = (
    "INSERT INTO meta (key, value) VALUES ('trial', ?) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
_DELETE_PROBE = "DELETE FROM meta WHERE key = 'trial'"


class Database:
    """The database, which can be used between `open` and `close`.

    SQLite has one connection that writes and one that reads; Postgres has a pool of each.

    Args:
        url: `sqlite://PATH` or `postgres://user:pass@host:port/name`.
        clock: dates the problems that `health` reports.
    """

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self.url = url
        self.is_sqlite = is_sqlite(url)
        file = parse_sqlite_path(url) if self.is_sqlite else None
        self.health = DatabaseHealth(clock or SystemClock(), file)
        self._writer = WriteLock()

    async def open(self) -> None:
        """Connect. On SQLite also set the pragmas that make a commit durable.

        Raises:
            ConfigError: the URL is not one of SQLite or Postgres.
            StartError: other users can access the file, and this user may not change that.
            StoreUnavailable: the database cannot be opened.
        """
        clear_statement_cache()
        if self.is_sqlite:
            protect_database(parse_sqlite_path(self.url))
        await Tortoise.init(config=build_tortoise_config(self.url))
        with self.health.translate_errors():
            for name in (WRITE_CONNECTION, READ_CONNECTION):
                await get_connections().get(name).create_connection(with_db=True)
            await self._record_files()

    async def _record_files(self) -> None:
        """Record which files SQLite has opened: a read opens also the log and its index."""
        if self.health.files is not None:
            for name in (WRITE_CONNECTION, READ_CONNECTION):
                connection = get_sqlite_connection(get_connections().get(name))
                await run_in_thread(connection, run_queries, [("PRAGMA schema_version", [])])
            self.health.files.record()

    async def close(self) -> None:
        """Disconnect; SQLite then folds its write-ahead log into the file."""
        if self.health.files is not None:
            self.health.files.forget()
        # The connections close in turn, because SQLite folds the log in with the last connection.
        with suppress(Exception):
            await get_connections().get(READ_CONNECTION).close()
        await Tortoise.close_connections()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        """Run a writing transaction: commit at the end, or roll back when the block raises.

        Raises:
            StoreUnavailable: the database cannot be written at present. Nothing was stored, unless
                the connection to Postgres was lost during the commit: then the outcome is unknown.
                A SQLite file that vanished during the transaction takes what was stored with it.
        """
        health = self.health
        is_probe = health.admit()
        try:
            with health.translate_errors():
                async with self._begin_transaction() as transaction:
                    # A problem may have come up while this transaction waited for the lock.
                    is_probe = is_probe or health.admit()
                    health.check_files()
                    yield transaction
                # The caller acknowledges what it has written only after this.
                health.check_files()
            if transaction.wrote:
                health.record_write()
        finally:
            health.leave(is_probe)

    def write_lock(self, *, client_waits: bool = False) -> AbstractAsyncContextManager[None]:
        """Return the write lock, which transactions inside it share; Postgres needs none.

        A caller that waits for the lock before it collects a batch gets a larger batch.

        Args:
            client_waits: whether a client waits for the answer; background work then comes later.
        """
        return self._writer.acquire(is_urgent=client_waits) if self.is_sqlite else nullcontext()

    @asynccontextmanager
    async def _begin_transaction(self) -> AsyncGenerator[Transaction]:
        client: Any = get_connections().get(WRITE_CONNECTION)
        if not self.is_sqlite:
            # A transaction of Tortoise that fails to begin remains registered as the task's
            # connection, so the pool is used directly.
            async with get_postgres_pool(client).acquire() as connection, connection.transaction():
                yield PostgresTransaction(connection, client)
            return
        async with self._writer.acquire(), get_connection_lock(client):
            transaction = SqliteTransaction(get_sqlite_connection(client), client)
            try:
                yield transaction
                await transaction.commit()
            except BaseException:
                # A cancelled call may still be running; the thread runs calls in order.
                await asyncio.shield(transaction.roll_back())
                raise

    async def empty_log(self) -> None:
        """Fold SQLite's write-ahead log into the file and empty it, as far as readers allow.

        The log holds former versions of pages. Most of it is folded in by the reading connection,
        while others write.
        """
        if not self.is_sqlite:
            return
        reading: Any = get_connections().get(READ_CONNECTION)
        writing: Any = get_connections().get(WRITE_CONNECTION)
        with self.health.translate_errors():
            connection = get_sqlite_connection(reading)
            await run_in_thread(connection, run_queries, [("PRAGMA wal_checkpoint(PASSIVE)", [])])
            async with self._writer.acquire(), get_connection_lock(writing):
                await run_in_thread(get_sqlite_connection(writing), _empty_log)

    async def probe_write(self) -> None:
        """Write and delete a row, so that an idle server notices when a problem is over.

        Raises:
            StoreUnavailable: the problem persists.
        """
        async with self.transaction() as tx:
            await tx.apply([Write(_WRITE_PROBE, [("x" * PROBE_SIZE,)])])
        async with self.transaction() as tx:
            await tx.apply([Write(_DELETE_PROBE)])

    async def read(self, *queries: Query[Any]) -> list[Any]:
        """Run queries on the reading connection, which never waits for the writer.

        Raises:
            StoreUnavailable: the database cannot be read at present.
        """
        client: Any = get_connections().get(READ_CONNECTION)
        with self.health.translate_errors():
            if self.is_sqlite:
                return await self._read_sqlite(get_sqlite_connection(client), queries)
            async with client.acquire_connection() as connection:
                return await PostgresTransaction(connection).fetch(*queries)

    @staticmethod
    async def _read_sqlite(connection: Any, queries: Sequence[Query[Any]]) -> list[Any]:
        statements = [
            SqliteTransaction.dialect.translate(query.sql, query.values) for query in queries
        ]
        answers = await run_in_thread(connection, run_queries, statements)
        return [query.read(rows) for query, rows in zip(queries, answers, strict=True)]

    @contextmanager
    def reading_connection(self) -> Generator[Any]:
        """Provide the connection on which Tortoise reads (`using_db`).

        Raises:
            StoreUnavailable: the database cannot be read at present.
        """
        with self.health.translate_errors():
            yield get_connections().get(READ_CONNECTION)

    async def read_one(self, query: Query[R]) -> R:
        """Run one query on the reading connection."""
        return (await self.read(query))[0]

    async def read_change_number(self) -> int:
        """Return a number that changes when another process has committed.

        On Postgres it also changes with commits of this process.
        """
        client: Any = get_connections().get(WRITE_CONNECTION if self.is_sqlite else READ_CONNECTION)
        with self.health.translate_errors():
            if not self.is_sqlite:
                async with client.acquire_connection() as connection:
                    return await connection.fetchval(
                        "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
                    )
            connection = get_sqlite_connection(client)
            (rows,) = await run_in_thread(connection, run_queries, [("PRAGMA data_version", [])])
            return read_scalar(rows)


def _empty_log(connection: sqlite3.Connection) -> None:
    (timeout,) = connection.execute("PRAGMA busy_timeout").fetchone()
    # Another process that reads, such as a backup, must not make those wait who write.
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(timeout)}")


def is_sqlite(url: str) -> bool:
    """Return whether a database URL names a SQLite file.

    Raises:
        ConfigError: the URL is not one of SQLite or Postgres.
    """
    scheme = url.split(":", 1)[0]
    if scheme == "sqlite":
        return True
    if scheme in ("postgres", "postgresql"):
        return False
    raise ConfigError(
        f"The database URL starts with {scheme!r}, which is not a supported database.",
        "Write HOGSEND_DATABASE_URL as sqlite://PATH or postgres://user:password@host:port/name.",
    )


def describe_location(url: str) -> str:
    """Return the file or the host of a database, for messages to its operator."""
    return str(parse_sqlite_path(url)) if is_sqlite(url) else urlsplit(url).hostname or "Postgres"


def parse_sqlite_path(url: str) -> Path:
    """Return the file of a `sqlite://` URL."""
    return Path(url.removeprefix("sqlite://"))


def build_tortoise_config(url: str) -> dict[str, Any]:
    """Return Tortoise's configuration: a writing and a reading connection."""
    if is_sqlite(url):
        engine = "hogsend.compat.tortoise"
        file = url.removeprefix("sqlite://")
        shared = {"file_path": file, "journal_mode": "WAL", "temp_store": "MEMORY"}
        connections = {
            WRITE_CONNECTION: {
                "engine": engine,
                "credentials": {
                    **shared,
                    "synchronous": "FULL",
                    "cache_size": -16384,
                    # What is deleted is overwritten in the file, so that erased data is gone.
                    "secure_delete": "ON",
                    # After a burst the write-ahead log is truncated to this size.
                    "journal_size_limit": MAX_WAL_BYTES,
                },
            },
            READ_CONNECTION: {"engine": engine, "credentials": {**shared, "query_only": "ON"}},
        }
    else:
        credentials = _parse_postgres_url(url)
        engine = "tortoise.backends.asyncpg"
        connections = {
            WRITE_CONNECTION: {
                "engine": engine,
                "credentials": {**credentials, "minsize": 1, "maxsize": MAX_WRITE_CONNECTIONS},
            },
            READ_CONNECTION: {
                "engine": engine,
                "credentials": {**credentials, "minsize": 1, "maxsize": MAX_READ_CONNECTIONS},
            },
        }
    return {
        "connections": connections,
        "apps": {"models": {"models": list(MODULES), "default_connection": WRITE_CONNECTION}},
        "use_tz": True,
    }


_URL_REMEDY = (
    "Write it as postgres://user:password@host:port/name; in a password / is %2F and # is %23."
)
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def _parse_postgres_url(url: str) -> dict[str, Any]:
    """Return the arguments of `asyncpg.connect` for a Postgres URL.

    Raises:
        ConfigError: the URL cannot be parsed, or has an unsupported option.
    """
    subject = "The Postgres URL (HOGSEND_DATABASE_URL or --to)"
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError as error:
        raise ConfigError(f"{subject} cannot be parsed: {error}.", _URL_REMEDY) from None
    if not parts.hostname and not parts.path.strip("/"):
        raise ConfigError(f"{subject} has no host and no database name.", _URL_REMEDY)
    credentials: dict[str, Any] = {
        "host": parts.hostname or "localhost",
        "port": port,
        "user": unquote(parts.username or "postgres"),
        "password": unquote(parts.password or ""),
        "database": parts.path.strip("/"),
    }
    for pair in filter(None, parts.query.split("&")):
        name, _, value = pair.partition("=")
        value = unquote(value)
        if name == "sslmode" and value in _SSL_MODES:
            credentials["ssl"] = value
        elif name in ("host", "target_session_attrs"):
            credentials[name] = value
        elif name == "application_name":
            credentials["server_settings"] = {name: value}
        else:
            raise ConfigError(
                f"{subject} has the option {pair!r}, which is not supported.",
                f"Remove it. Supported are sslmode ({', '.join(_SSL_MODES)}), host, "
                "application_name and target_session_attrs.",
            )
    return credentials


def _register_id_adapter() -> None:
    sqlite3.register_adapter(uuid.UUID, lambda value: value.bytes)


_register_id_adapter()

__all__ = [
    "MAX_LIST_LENGTH",
    "Database",
    "Query",
    "Row",
    "Transaction",
    "Write",
    "build_tortoise_config",
    "describe_location",
    "is_sqlite",
    "parse_sqlite_path",
    "read_scalar",
]
