"""What every test may ask for: a migrated database of either kind, a clock, a browser."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import asyncpg
import pytest

from hogsend.clock import HandClock
from hogsend.store.db import Database
from hogsend.store.migrations import bring_up_to_date
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
def clock() -> HandClock:
    """A clock that stands at nine in the morning of a Monday."""
    return HandClock(datetime(2026, 3, 2, 9, tzinfo=UTC))


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
    with _own_database(postgres_server, template="template1") as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a migrated Postgres database, to be cloned."""
    run_apart(_run_sql(postgres_server, f"CREATE DATABASE {TEMPLATE}"))
    run_apart(bring_up_to_date(_of(postgres_server, TEMPLATE), backups=None))
    return TEMPLATE


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """The address of a migrated Postgres database of the test's own."""
    with _own_database(postgres_server, postgres_template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a migrated database, once of each kind."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database, once of each kind."""
    opened = Database(database_url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The path of a Chromium, for Playwright's `executable_path`."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        missing(
            "No browser to test with: install Chromium, such as with `apt-get install chromium`."
        )
    return found


@contextmanager
def _own_database(server: str, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    run_apart(_run_sql(server, f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield _of(server, name)
    run_apart(_run_sql(server, f"DROP DATABASE {name} WITH (FORCE)"))


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
