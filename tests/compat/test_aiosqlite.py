"""What `hogsend.compat.aiosqlite` relies on in aiosqlite."""

from __future__ import annotations

import asyncio
import sqlite3
import threading

import aiosqlite
import pytest

from hogsend.compat.aiosqlite import run_in_thread


async def test_a_function_runs_on_the_raw_connection_in_its_own_thread():
    def read(connection: sqlite3.Connection, text: str) -> tuple[str, bool]:
        (value,) = connection.execute("SELECT ?", (text,)).fetchone()
        return value, threading.current_thread() is threading.main_thread()

    async with aiosqlite.connect(":memory:") as connection:
        assert await run_in_thread(connection, read, "hello") == ("hello", False)


async def test_an_error_of_the_function_is_raised():
    async with aiosqlite.connect(":memory:") as connection:
        with pytest.raises(sqlite3.OperationalError):
            await run_in_thread(connection, sqlite3.Connection.execute, "not a statement")


async def test_functions_run_in_the_order_in_which_they_are_given():
    finished: list[int] = []
    async with aiosqlite.connect(":memory:") as connection:
        visits = (run_in_thread(connection, _append, finished, number) for number in range(5))
        await asyncio.gather(*visits)
    assert finished == [0, 1, 2, 3, 4]


def _append(connection: sqlite3.Connection, finished: list[int], number: int) -> None:
    finished.append(number)
