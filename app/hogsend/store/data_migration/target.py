"""The Postgres database that is copied to, which servers refuse until the copy is complete.

An unfinished copy is marked by a table with the checksums of the source. Servers refuse to start on
it, because its list of applied migrations has one that no program knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from ...errors import HogsendError, StartError
from .. import audit
from ..db import WRITE_CONNECTION, Row, build_tortoise_config
from ..migrations import APP, apply_pending
from ..transactions import PostgresTransaction
from .tables import Table, list_shipped_migrations

RECORD = "unfinished_copy"
# A server that refuses to start on an unfinished copy shows this name as the reason.
BLOCKING_MIGRATION = "unfinished_copy__run_hogsend_migrate-data_again"
# Any number that no other advisory lock uses.
_LOCK = 0x68736D6F7665
# How long Postgres may take to release the lock of a copy that was killed, in seconds.
_LOCK_TIMEOUT = 15
# A host may limit the duration of statements and transactions.
_UNLIMITED = ("statement_timeout", "idle_in_transaction_session_timeout")
# Tables of this schema that do not belong to an extension.
_TABLES = (
    "SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace "
    "AND c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT 1 FROM pg_depend d "
    "WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"
)
_USE_EMPTY_DATABASE = (
    "Use an empty database. If a copy was finished there, set HOGSEND_DATABASE_URL to it instead."
)


@dataclass(frozen=True, slots=True)
class CopyRecord:
    """The source of an unfinished copy.

    Args:
        file: the path of the source.
        checksums: the checksums of the source's tables, by table name.
    """

    file: str
    checksums: Mapping[str, str]


class TargetDatabase:
    """The open target.

    Args:
        url: the address of the database.
        connection: a connection to it.
    """

    def __init__(self, url: str, connection: Any) -> None:
        self._url = url
        self._db = connection

    async def find_unfinished_copy(self, tables: Sequence[Table]) -> CopyRecord | None:
        """Return the record of an unfinished copy; None when the database is empty.

        Raises:
            StartError: the database is neither empty nor an unfinished copy, or its encoding is not
                UTF-8.
        """
        if (encoding := await self._db.fetchval("SHOW server_encoding")) != "UTF8":
            raise StartError(
                f"The Postgres database is encoded in {encoding}, which cannot store every text.",
                "Create one with `CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`.",
            )
        present = {name for (name,) in await self._db.fetch(_TABLES)}
        if RECORD in present:
            rows = await self._db.fetch(f'SELECT source, "table", checksum FROM {RECORD}')
            checksums = {row["table"]: row["checksum"] for row in rows}
            return CopyRecord(next((row["source"] for row in rows), ""), checksums)
        if foreign := present - {table.name for table in tables} - {"aerich"}:
            raise StartError(
                f"The Postgres database is not empty: it has a table {min(foreign)}.",
                _USE_EMPTY_DATABASE,
            )
        for table in tables:
            if table.name in present and await self._has_rows(table):
                raise StartError(
                    f"The Postgres database is not empty: its table {table.name} has rows.",
                    _USE_EMPTY_DATABASE,
                )
        return None

    async def _has_rows(self, table: Table) -> bool:
        return await self._db.fetchval(f'SELECT EXISTS (SELECT 1 FROM "{table.name}")')

    async def prepare(
        self, record: CopyRecord, tables: Sequence[Table], *, discard_rows: bool
    ) -> None:
        """Create the schema and record which source is copied; nothing else may use it now.

        Args:
            record: the record of the source.
            tables: every table.
            discard_rows: whether to delete the rows that an earlier attempt has copied.

        Raises:
            StartError: the schema cannot be created.
        """
        if not await self._is_blocked():
            await apply_pending(self._url, backups=None)
        rows = [(record.file, name, text) for name, text in record.checksums.items()]
        async with self._db.transaction():
            await self._db.execute(
                f'CREATE TABLE IF NOT EXISTS {RECORD} (source TEXT NOT NULL, "table" TEXT '
                "PRIMARY KEY, checksum TEXT NOT NULL)"
            )
            await self._db.execute(
                "INSERT INTO aerich (version, app, content) SELECT $1::text, $2::text, '{}' "
                "WHERE NOT EXISTS (SELECT 1 FROM aerich WHERE version = $1::text)",
                BLOCKING_MIGRATION,
                APP,
            )
            if discard_rows:
                names = ", ".join(f'"{table.name}"' for table in tables)
                await self._db.execute(f"TRUNCATE {names}, {RECORD}")
            await self._db.executemany(
                f"INSERT INTO {RECORD} VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", rows
            )

    async def _is_blocked(self) -> bool:
        """Return whether the schema exists and servers are kept from it.

        After an update of the program they are let in while the schema follows: nothing but the
        program's own migrations may be in the list for that.
        """
        if await self._db.fetchval("SELECT to_regclass('aerich')") is None:
            return False
        rows = await self._db.fetch("SELECT version FROM aerich WHERE app = $1", APP)
        if {row["version"] for row in rows} == {
            BLOCKING_MIGRATION,
            *list_shipped_migrations(self._url),
        }:
            return True
        await self._db.execute("DELETE FROM aerich WHERE version = $1", BLOCKING_MIGRATION)
        return False

    async def mark_for_restart(self) -> None:
        """Clear the recorded checksums, so that the next run deletes the rows and starts over."""
        await self._db.execute(f"UPDATE {RECORD} SET checksum = ''")

    async def find_resume_point(self, table: Table) -> tuple[Any, int]:
        """Return the greatest key of a table, or None, and the number of its rows.

        Rows are copied in the order of their keys, so all rows up to that key are present.
        """
        last_key = await self._db.fetchval(
            f'SELECT "{table.key.name}" FROM "{table.name}" '
            f"ORDER BY {build_order(table)} DESC LIMIT 1"
        )
        if last_key is None:
            return None, 0
        return last_key, await self._db.fetchval(f'SELECT COUNT(*) FROM "{table.name}"')

    async def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows, all or none."""
        await self._db.copy_records_to_table(
            table.name, records=table.to_postgres(rows), columns=table.names
        )

    async def read_batches(
        self, table: Table, sizes: Sequence[int]
    ) -> AsyncGenerator[Sequence[Row]]:
        """Yield a table's rows in the order of their keys, in batches.

        Args:
            table: the table.
            sizes: the sizes of the source's batches, which bound the memory that is needed.
        """
        sql = f'SELECT {table.column_list} FROM "{table.name}" ORDER BY {build_order(table)}'
        async with self._db.transaction(isolation="repeatable_read", readonly=True):
            cursor = await self._db.cursor(sql)
            for size in sizes:
                if rows := await cursor.fetch(size):
                    yield rows
            # Rows that the source does not have.
            while rows := await cursor.fetch(100):
                yield rows

    async def finish_table(self, table: Table) -> None:
        """Number new rows after the copied ones, and gather statistics for the query planner."""
        if table.is_numbered:
            key = table.key.name
            await self._db.execute(
                f"SELECT setval(pg_get_serial_sequence('\"{table.name}\"', '{key}'), "
                f'GREATEST(MAX("{key}"), 1), MAX("{key}") IS NOT NULL) FROM "{table.name}"'
            )
        await self._db.execute(f'ANALYZE "{table.name}"')

    async def finish(self, record: CopyRecord, rows: int, now: datetime) -> None:
        """Mark the copy as complete, so that servers may start on it.

        Args:
            record: the record of the source.
            rows: the number of rows in the copy.
            now: the current time, for the audit log.
        """
        after = {"from": record.file, "rows": rows}
        entry = audit.record("cli", "migrate data", "postgres", now, after=after)
        async with self._db.transaction():
            # Waits until this commit, and with it all earlier ones, is on disk.
            await self._db.execute("SET LOCAL synchronous_commit = on")
            await PostgresTransaction(self._db).apply([entry])
            await self._db.execute(f"DROP TABLE {RECORD}")
            await self._db.execute("DELETE FROM aerich WHERE version = $1", BLOCKING_MIGRATION)


def build_order(table: Table) -> str:
    """Return the ORDER BY expression that sorts a table in Postgres as SQLite sorts it.

    SQLite compares text by its bytes; Postgres uses the rules of a language by default.
    """
    return f'"{table.key.name}"' + (' COLLATE "C"' if table.key.is_text else "")


@asynccontextmanager
async def open_target(url: str) -> AsyncGenerator[TargetDatabase]:
    """Connect, and lock the database against other copies until the end.

    Args:
        url: the address of the database, `postgres://…`.

    Raises:
        StartError: the database cannot be reached, or another process copies to it.
        HogsendError: the connection was lost, or Postgres refused a statement.
    """
    credentials = dict(build_tortoise_config(url)["connections"][WRITE_CONNECTION]["credentials"])
    del credentials["minsize"], credentials["maxsize"]
    try:
        connection = await asyncpg.connect(**credentials, timeout=10)
    except (OSError, ValueError, TypeError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartError(
            f"The connection to Postgres failed: {str(error).rstrip('.') or type(error).__name__}.",
            "Check the address, that the server is running, and that the database exists.",
        ) from error
    try:
        codec: Any = {"schema": "pg_catalog", "format": "binary"}
        await connection.set_type_codec("uuid", encoder=_encode_id, decoder=bytes, **codec)
        for limit in _UNLIMITED:
            await connection.execute(f"SET {limit} = 0")
        # Rows that a crash of Postgres loses are copied again.
        await connection.execute("SET synchronous_commit = off")
        await _lock(connection)
        yield TargetDatabase(url, connection)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise HogsendError(
            f"Postgres stopped the copy: {' '.join(str(error).split()) or type(error).__name__}.",
            "The source is unchanged. Check that Postgres runs and has disk space, then run the "
            "command again: it resumes the copy.",
        ) from error
    finally:
        await connection.close(timeout=5)


def _encode_id(value: Any) -> bytes:
    return value if type(value) is bytes else value.bytes


async def _lock(connection: Any) -> None:
    for _ in range(1 + _LOCK_TIMEOUT * 10):
        if await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
            return
        await asyncio.sleep(0.1)
    raise StartError("Another copy to this Postgres is running.", "Wait until it has finished.")


def resolve_file_name(file: Path) -> str:
    """Return the name of a source in a `CopyRecord`."""
    return str(file.resolve())
