"""What every test may ask for: a migrated database of either kind, a clock, a browser."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import shutil
import uuid
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import asyncpg
import pytest

from hogsend.clock import ManualClock
from hogsend.store.db import Database
from hogsend.store.migrations import bring_up_to_date
from tests.databases import opened
from tests.postgres import FORGETFUL, Unavailable, running_postgres

TEMPLATE = "hogsend_template"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


# A test run that is over and does not end for so long has left a thread or a process behind.
LONGEST_END = 30.0


def pytest_unconfigure() -> None:
    """See to it that the run ends: what keeps it is printed, and the run fails."""
    faulthandler.dump_traceback_later(LONGEST_END, exit=True)


def missing(reason: str) -> NoReturn:
    """Skip for want of a part of the machine; where nothing may be skipped, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def run_apart(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end in a loop of its own, whatever loop the test has."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at nine in the morning of a Monday."""
    return ManualClock(datetime(2026, 3, 2, 9, tzinfo=UTC))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    run_apart(bring_up_to_date(f"sqlite://{file}", backups=None))
    return file


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of a migrated SQLite file of the test's own."""
    file = tmp_path / "hogsend.db"
    shutil.copy(sqlite_template, file)
    return f"sqlite://{file}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a running Postgres server's database `postgres`."""
    try:
        with running_postgres() as url:
            settings = [f"ALTER SYSTEM SET {name} = off" for name in FORGETFUL]
            run_apart(_run_sql(url, *settings, "SELECT pg_reload_conf()"))
            yield url
    except Unavailable as reason:
        missing(str(reason))


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """The address of a Postgres database with nothing in it."""
    url = _create(postgres_server, template="template1")
    yield url
    _drop(postgres_server, url)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a migrated Postgres database, to be cloned."""
    run_apart(_run_sql(postgres_server, f"CREATE DATABASE {TEMPLATE}"))
    run_apart(bring_up_to_date(_of(postgres_server, TEMPLATE), backups=None))
    return TEMPLATE


class Clones:
    """Databases that are cloned ahead, beside the tests: each takes a quarter of a second.

    Args:
        server: the address of the server's own database.
        template: what is cloned.
    """

    # So many are ready, or nearly so; and so many used ones are dropped together, since the server
    # writes everything out before the first.
    AHEAD, DROPPED = 4, 40

    def __init__(self, server: str, template: str) -> None:
        self._server, self._template = server, template
        self._beside = ThreadPoolExecutor(1, "clones")
        self._used: list[str] = []
        self._ready = deque(self._beside.submit(self._clone) for _ in range(self.AHEAD))

    def take(self) -> str:
        """Return the address of one that nobody else has."""
        self._ready.append(self._beside.submit(self._clone))
        return self._ready.popleft().result()

    def drop(self, url: str) -> None:
        """Drop one, sooner or later."""
        self._used.append(url)
        if len(self._used) == self.DROPPED:
            self._beside.submit(_drop, self._server, *self._used)
            self._used = []

    def close(self) -> None:
        """Make no more."""
        self._beside.shutdown(cancel_futures=True)

    def _clone(self) -> str:
        return _create(self._server, self._template)


@pytest.fixture(scope="session")
def postgres_clones(postgres_server: str, postgres_template: str) -> Iterator[Clones]:
    """Migrated Postgres databases, ready to be taken."""
    clones = Clones(postgres_server, postgres_template)
    yield clones
    clones.close()


@pytest.fixture
def postgres_url(postgres_clones: Clones) -> Iterator[str]:
    """The address of a migrated Postgres database of the test's own."""
    url = postgres_clones.take()
    yield url
    postgres_clones.drop(url)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a migrated database, once of each kind."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database, once of each kind."""
    async with opened(database_url) as database:
        yield database


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The path of a Chromium, for Playwright's `executable_path`."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        missing(
            "No browser to test with: install Chromium, such as with `apt-get install chromium`."
        )
    return found


def _create(server: str, template: str) -> str:
    """Make a database, and return its address."""
    name = f"test_{uuid.uuid4().hex}"
    run_apart(_run_sql(server, f"CREATE DATABASE {name} TEMPLATE {template}"))
    return _of(server, name)


def _drop(server: str, *urls: str) -> None:
    """Drop databases, and end whoever is connected to them."""
    names = [url.partition("?")[0].rpartition("/")[2] for url in urls]
    run_apart(_run_sql(server, *(f"DROP DATABASE {name} WITH (FORCE)" for name in names)))


def _of(server: str, name: str) -> str:
    before, _, after = server.partition("/postgres?")
    return f"{before}/{name}?{after}"


async def _run_sql(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
