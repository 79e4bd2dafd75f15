"""Fixtures for every test: a migrated database of either kind, a clock, a browser."""

from __future__ import annotations

import faulthandler
import os
import random
import shutil
from collections.abc import AsyncIterator, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

from hogsend.clock import ManualClock
from hogsend.domain import ids
from hogsend.store.db import Database
from hogsend.store.migrations import apply_pending
from tests.databases import (
    TEST_SERVER_SETTINGS,
    DatabasePool,
    build_database_url,
    create_database,
    drop_databases,
    opened,
    run_in_thread,
    run_sql,
)
from tests.postgres import PostgresUnavailable, running_postgres
from tests.ram_disk import ram_disk

TEMPLATE = "hogsend_template"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A finished run that does not exit within this many seconds has left a thread or a process behind.
MAX_EXIT_SECONDS = 30.0


def pytest_configure() -> None:
    """Keep the tests' temporary folders in memory, where commits do not wait for a disk."""
    folder = ram_disk()
    if folder is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a run in which pytest-xdist would spread the tests of one group over processes."""
    if not config.getoption("loadgroup", default=False):
        return
    for item in items:
        if item.get_closest_marker("xdist_group") and "@" not in item.nodeid:
            raise pytest.UsageError(f"pytest-xdist ignores the group of {item.nodeid}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Fail a run that is finished and does not exit, and print what keeps it."""
    # A process of pytest-xdist lives on while the others still run tests.
    if not hasattr(config, "workerinput"):
        faulthandler.dump_traceback_later(MAX_EXIT_SECONDS, exit=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make the captured output fit for the connection to pytest-xdist, which takes UTF-8 only."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report


def skip_or_fail(reason: str) -> NoReturn:
    """Skip a test because the machine lacks something; fail it in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def seeded_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the ids of a test the same in every run: holdouts and variants are drawn from them."""
    rng = random.Random(20260302)  # noqa: S311 - a seed makes the ids repeatable
    monkeypatch.setattr(ids, "os", SimpleNamespace(urandom=rng.randbytes))
    # An id is never older than the last one, which an earlier test may have made.
    monkeypatch.setattr(ids.new_id, "_millisecond", 0)
    monkeypatch.setattr(ids.new_id, "_counter", 0)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at nine in the morning of a Monday."""
    return ManualClock(datetime(2026, 3, 2, 9, tzinfo=UTC))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to copy."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    run_in_thread(apply_pending(f"sqlite://{file}", backups=None))
    return file


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of a migrated SQLite file that belongs to the test."""
    file = tmp_path / "hogsend.db"
    shutil.copy(sqlite_template, file)
    return f"sqlite://{file}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of the database `postgres` of a running server."""
    try:
        with running_postgres(ram_disk()) as url:
            settings = [f"ALTER SYSTEM SET {name} = off" for name in TEST_SERVER_SETTINGS]
            run_in_thread(run_sql(url, *settings, "SELECT pg_reload_conf()"))
            yield url
    except PostgresUnavailable as reason:
        skip_or_fail(str(reason))


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """The address of an empty Postgres database that belongs to the test."""
    url = create_database(postgres_server, template="template1")
    yield url
    drop_databases(postgres_server, url)


@pytest.fixture(scope="session")
def postgres_pool(postgres_server: str) -> Iterator[DatabasePool]:
    """Migrated Postgres databases, to take from."""
    run_in_thread(run_sql(postgres_server, f"CREATE DATABASE {TEMPLATE}"))
    run_in_thread(apply_pending(build_database_url(postgres_server, TEMPLATE), backups=None))
    pool = DatabasePool(postgres_server, TEMPLATE)
    yield pool
    pool.close()


@pytest.fixture
def postgres_url(postgres_pool: DatabasePool) -> Iterator[str]:
    """The address of a migrated Postgres database that belongs to the test."""
    url = postgres_pool.take()
    yield url
    postgres_pool.give_back(url)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a migrated database, of each kind in turn."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database, of each kind in turn."""
    async with opened(database_url) as database:
        yield database


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The path of a Chromium, for Playwright's `executable_path`."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        skip_or_fail(
            "No browser to test with: install Chromium, for example with "
            "`apt-get install chromium`."
        )
    return path
