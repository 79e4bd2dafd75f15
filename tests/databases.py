"""Databases for tests: one that is open, and a pool of Postgres databases to take from."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg

from hogsend.domain.enrollment import Enrollment
from hogsend.domain.ids import new_id
from hogsend.store.db import Database

# What a test writes need not survive a crash of the machine. Without autovacuum, plans and sizes
# do not depend on when it runs.
TEST_SERVER_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """Open a database, and close it when the block is left."""
    database = Database(url)
    await database.open()
    yield database
    await database.close()


def make_enrollment(now: datetime, **fields: Any) -> Enrollment:
    """Return an enrollment of a new contact.

    Args:
        now: when it was entered, and when it is due.
        fields: replace its other fields.
    """
    defaults: dict[str, Any] = {
        "id": new_id(now),
        "contact_id": new_id(now),
        "journey_id": "j",
        "entry_key": "",
        "state": "active",
        "trigger_event_id": new_id(now),
        "code_hash": "abc",
        "entered_at": now,
        "wake_at": now,
    }
    return Enrollment(**{**defaults, **fields})


def run_in_thread(coroutine: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine to its end in an event loop of its own, also while another loop runs."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, coroutine).result()


async def run_sql(url: str, *statements: str) -> None:
    """Run statements on a Postgres database."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def create_database(server: str, template: str) -> str:
    """Create a Postgres database from a template, and return its address.

    Args:
        server: the address of the server's database `postgres`.
        template: the name of a database that nobody is connected to.
    """
    name = f"test_{uuid.uuid4().hex}"
    # Copying files is faster than the default, which writes a copy to the log as well.
    sql = f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"
    run_in_thread(run_sql(server, sql))
    return build_database_url(server, name)


def drop_databases(server: str, *urls: str) -> None:
    """Drop Postgres databases, and end the connections to them."""
    names = [url.partition("?")[0].rpartition("/")[2] for url in urls]
    run_in_thread(run_sql(server, *(f"DROP DATABASE {name} WITH (FORCE)" for name in names)))


def build_database_url(server: str, name: str) -> str:
    """Return the address of another database of a server."""
    before, _, after = server.partition("/postgres?")
    return f"{before}/{name}?{after}"


class DatabasePool:
    """Postgres databases that are created in the background, before tests take them.

    Args:
        server: the address of the server's database `postgres`.
        template: the name of the database that they are copies of.
    """

    # The number of databases that are ready, and the number of used ones that are dropped together.
    READY, DROPPED_TOGETHER = 3, 8

    def __init__(self, server: str, template: str) -> None:
        self._server, self._template = server, template
        self._thread = ThreadPoolExecutor(1, "database-pool")
        self._used: list[str] = []
        self._ready = deque(self._thread.submit(self._create) for _ in range(self.READY))

    def take(self) -> str:
        """Return the address of a database that no other test uses."""
        self._ready.append(self._thread.submit(self._create))
        return self._ready.popleft().result()

    def give_back(self, url: str) -> None:
        """Drop a database, some time later."""
        self._used.append(url)
        if len(self._used) == self.DROPPED_TOGETHER:
            self._thread.submit(drop_databases, self._server, *self._used)
            self._used = []

    def close(self) -> None:
        """Stop creating databases."""
        self._thread.shutdown(cancel_futures=True)

    def _create(self) -> str:
        return create_database(self._server, self._template)
