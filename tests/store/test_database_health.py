"""What a driver's error says of the database as a whole, and how a problem begins and ends."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from hogsend.clock import ManualClock
from hogsend.errors import StoreUnavailable
from hogsend.store import database_health, lag
from hogsend.store.database_health import (
    BROKEN,
    DAMAGED,
    FULL,
    LOCKED,
    READ_ONLY,
    UNREACHABLE,
    DatabaseHealth,
    DatabaseProblem,
    classify_error,
)
from hogsend.store.db import Database
from tests.patience import PATIENCE


def sqlite_error(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("as the driver says it")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (sqlite3.SQLITE_FULL, FULL),
        (sqlite3.SQLITE_BUSY, LOCKED),
        (sqlite3.SQLITE_BUSY_RECOVERY, LOCKED),
        (sqlite3.SQLITE_READONLY_DBMOVED, READ_ONLY),
        (sqlite3.SQLITE_CORRUPT_INDEX, DAMAGED),
        (sqlite3.SQLITE_IOERR_WRITE, BROKEN),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, None),
        (sqlite3.SQLITE_ERROR, None),
    ],
)
def test_errors_of_sqlite_are_classified(
    code: int, problem: DatabaseProblem | None, tmp_path: Path
) -> None:
    assert classify_error(sqlite_error(code), tmp_path / "hogsend.db") is problem


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (asyncpg.DiskFullError("x"), FULL),
        (asyncpg.TooManyConnectionsError("x"), database_health.TOO_MANY_CONNECTIONS),
        (asyncpg.ReadOnlySQLTransactionError("x"), READ_ONLY),
        (asyncpg.DataCorruptedError("x"), DAMAGED),
        (asyncpg.AdminShutdownError("x"), UNREACHABLE),
        (asyncpg.ConnectionDoesNotExistError("x"), UNREACHABLE),
        (asyncpg.InterfaceError("connection is closed"), UNREACHABLE),
        (ConnectionRefusedError(), UNREACHABLE),
        # Met with another process's change: tried again, and nothing is wrong.
        (asyncpg.DeadlockDetectedError("x"), None),
        (asyncpg.UniqueViolationError("x"), None),
        (ValueError("x"), None),
    ],
)
def test_errors_of_postgres_are_classified(
    error: Exception, problem: DatabaseProblem | None
) -> None:
    assert classify_error(error, None) is problem


def test_an_unrelated_connection_error_names_no_file(tmp_path: Path) -> None:
    assert classify_error(ConnectionRefusedError(), tmp_path / "hogsend.db") is None


def fail(standing: DatabaseHealth, code: int) -> None:
    with pytest.raises(StoreUnavailable), standing.translate_errors():
        raise sqlite_error(code)


def test_during_a_problem_only_a_single_visit_tries_and_the_others_are_refused(
    clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 100.0
    monkeypatch.setattr(database_health.time, "monotonic", lambda: seconds)
    standing = DatabaseHealth(clock, tmp_path / "hogsend.db")
    assert standing.admit() is False
    fail(standing, sqlite3.SQLITE_FULL)
    begun = clock.now()
    with pytest.raises(StoreUnavailable, match="full"):
        standing.admit()

    seconds += database_health.PROBE_INTERVAL
    clock.set(begun + timedelta(minutes=5))
    assert standing.admit() is True
    with pytest.raises(StoreUnavailable):
        standing.admit()
    fail(standing, sqlite3.SQLITE_FULL)
    standing.leave(is_probe=True)
    assert standing.since == begun

    seconds += database_health.PROBE_INTERVAL
    assert standing.admit() is True
    standing.record_write()
    standing.leave(is_probe=True)
    assert standing.problem is None and standing.admit() is False
    standing.check()


def test_a_damaged_file_stays_damaged(clock: ManualClock, tmp_path: Path) -> None:
    standing = DatabaseHealth(clock, tmp_path / "hogsend.db")
    fail(standing, sqlite3.SQLITE_CORRUPT)
    fail(standing, sqlite3.SQLITE_BUSY)
    standing.record_write()
    assert standing.problem is DAMAGED
    with pytest.raises(StoreUnavailable, match="damaged"):
        standing.check()


async def settled(database: Database, problem: DatabaseProblem | None) -> None:
    """Try until the database stands like this; connections that were cut are noticed by use."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(StoreUnavailable):
                await database.probe_write()
            if database.health.problem is problem:
                return


async def test_a_postgres_that_only_reads_refuses_and_goes_on(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_health, "PROBE_INTERVAL", 0.0)
    beside: Any = await asyncpg.connect(postgres_url)
    name = await beside.fetchval("SELECT current_database()")
    database = Database(postgres_url)
    await database.open()

    async def let(only_read: bool) -> None:
        """Set what holds for new connections, and cut those that there are."""
        value = "on" if only_read else "off"
        await beside.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}")
        await beside.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    try:
        await let(only_read=True)
        await settled(database, READ_ONLY)
        assert await database.read_one(lag.ping()) == 1
        await let(only_read=False)
        await settled(database, None)
    finally:
        await database.close()
        await beside.close()
