"""`hogsend migrate-data` copies a stopped installation into Postgres and names the next steps."""

from __future__ import annotations

import asyncio
import hashlib
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from hogsend.config.secret import prepare_data
from hogsend.config.settings import load_settings
from hogsend.process.worker_lock import WorkerLock

from .conftest import Hogsend
from .sleeping_enrollments import enroll_sleepers, open_database

SERVED = (
    "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
COMMAND = [sys.executable, "-m", "hogsend", "migrate-data", "--to"]


@pytest.fixture
def instance(journeys: Path, project: Path, hogsend: Hogsend) -> Path:
    """A project with a secret and two waiting enrollments."""
    prepare_data(load_settings({}, project))
    enroll_sleepers(journeys, hogsend, "ada", "bo")
    return project


def digest(project: Path) -> str:
    return hashlib.sha256((project / "data" / "hogsend.db").read_bytes()).hexdigest()


def query(url: str, sql: str) -> Any:
    async def fetch() -> Any:
        database = await asyncpg.connect(url)
        try:
            return await database.fetchval(sql)
        finally:
            await database.close()

    return asyncio.run(fetch())


def grow(project: Path, people: int) -> None:
    """Add contacts."""
    with closing(sqlite3.connect(project / "data" / "hogsend.db")) as database, database:
        database.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO contacts (id, external_id, properties, event_seq, first_seen_at, "
            "last_seen_at, created_at, updated_at) "
            "SELECT randomblob(16), 'u' || i, '{}', 0, 0, 0, 0, 0 FROM n",
            [people],
        )


def test_the_next_steps_follow_a_copy(
    instance: Path, hogsend: Hogsend, empty_postgres_url: str
) -> None:
    before = digest(instance)

    outcome = hogsend("migrate-data", "--to", empty_postgres_url)

    assert outcome.status == 0, outcome.err
    assert "Copied contacts: 2 rows\n" in outcome.err
    assert "Compared contacts: 2 rows\n" in outcome.err
    assert "Every value in the copy is the same." in outcome.out
    assert f"set HOGSEND_DATABASE_URL to {empty_postgres_url.split(':')[0]}" in outcome.out
    assert f"Keep {instance / 'data'}: it contains the secret" in outcome.out
    assert f"Do not start a server on {instance / 'data' / 'hogsend.db'} again" in outcome.out
    assert digest(instance) == before
    assert query(empty_postgres_url, "SELECT COUNT(*) FROM contacts") == 2


def test_other_commands_find_every_contact_in_postgres(
    instance: Path, hogsend: Hogsend, empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = hogsend("contacts", "list", "--json").json
    hogsend("migrate-data", "--to", empty_postgres_url)

    monkeypatch.setenv("HOGSEND_DATABASE_URL", empty_postgres_url)

    assert listed and hogsend("contacts", "list", "--json").json == listed
    assert hogsend("migrate", "--check").status == 0
    assert "migrate-data" in hogsend("migrate-data", "--help").out
    outcome = hogsend("migrate-data", "--to", empty_postgres_url)
    assert outcome.status == 1 and "no SQLite file to copy" in outcome.err


def test_json_has_rows_seconds_and_checksum_of_each_table(
    instance: Path, hogsend: Hogsend, empty_postgres_url: str
) -> None:
    with open_database(instance / "journeys") as database:
        counts = {
            name: database.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0]  # noqa: S608
            for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            if name not in ("aerich", "sqlite_sequence")
        }

    copied = hogsend("migrate-data", "--to", empty_postgres_url, "--json").json

    assert {table["table"]: table["rows"] for table in copied["tables"]} == counts
    assert copied["rows"] == sum(counts.values())
    for table in copied["tables"]:
        assert table["seconds"] >= 0 and len(table["checksum"]) == 64
        assert table["added"] == table["rows"]


def test_a_password_is_not_printed(
    instance: Path, hogsend: Hogsend, empty_postgres_url: str
) -> None:
    url = empty_postgres_url.replace("postgres:@", "postgres:s3cret@")

    outcome = hogsend("migrate-data", "--to", url)

    assert "s3cret" not in outcome.out + outcome.err
    assert "postgres:…@" in outcome.out


def test_a_secret_from_a_setting_must_be_kept(
    instance: Path, hogsend: Hogsend, empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_SECRET", "s" * 43)
    assert "Keep HOGSEND_SECRET" in hogsend("migrate-data", "--to", empty_postgres_url).out


def test_a_terminal_shows_a_progress_bar(instance: Path, empty_postgres_url: str) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen([*COMMAND, empty_postgres_url], stderr=theirs, stdout=subprocess.PIPE):
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:
            # The terminal's other end was closed.
            pass
    os.close(ours)
    assert "━".encode() in shown and b"100%" in shown
    assert b"rows\r\n" not in shown


def test_a_killed_copy_is_resumed_without_duplicates(
    instance: Path, hogsend: Hogsend, empty_postgres_url: str
) -> None:
    grow(instance, 60_000)
    before = digest(instance)
    copied = "SELECT CASE WHEN to_regclass('contacts') IS NULL THEN 0 ELSE -1 END"
    with subprocess.Popen(
        [*COMMAND, empty_postgres_url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while query(empty_postgres_url, copied) == 0 or not query(
            empty_postgres_url, "SELECT COUNT(*) FROM contacts"
        ):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    # Postgres finishes the last statement that it received.
    while query(empty_postgres_url, SERVED):
        time.sleep(0.01)
    copied_before = query(empty_postgres_url, "SELECT COUNT(*) FROM contacts")
    assert 0 < copied_before < 60_002

    copied = hogsend("migrate-data", "--to", empty_postgres_url, "--json").json

    (contacts,) = [table for table in copied["tables"] if table["table"] == "contacts"]
    assert (contacts["rows"], contacts["added"]) == (60_002, 60_002 - copied_before)
    distinct = "SELECT COUNT(DISTINCT external_id) FROM contacts"
    assert query(empty_postgres_url, distinct) == 60_002
    assert digest(instance) == before


def test_a_copy_is_refused_while_a_worker_runs(
    instance: Path, hogsend: Hogsend, empty_postgres_url: str
) -> None:
    lock = WorkerLock(instance / "data")

    outcome = hogsend("migrate-data", "--to", empty_postgres_url)

    lock.release()
    assert outcome.status == 1 and "A server is running" in outcome.err
    assert query(empty_postgres_url, "SELECT to_regclass('contacts')") is None
    assert hogsend("migrate-data", "--to", empty_postgres_url).status == 0


def test_no_worker_starts_during_the_copy(
    instance: Path, hogsend: Hogsend, empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hogsend.errors import StartError
    from hogsend.store.data_migration import copying

    async def copy(*_: object) -> list[object]:
        with pytest.raises(StartError):
            WorkerLock(instance / "data")
        return []

    monkeypatch.setattr(copying, "copy", copy)
    assert hogsend("migrate-data", "--to", empty_postgres_url).status == 0


def test_a_target_that_is_not_empty_is_refused_in_one_sentence(
    instance: Path, hogsend: Hogsend, postgres_url: str
) -> None:
    query(postgres_url, "INSERT INTO meta VALUES ('a', 'b') RETURNING 1")

    outcome = hogsend("migrate-data", "--to", postgres_url)

    assert (outcome.status, outcome.out) == (1, "")
    assert len(outcome.err.splitlines()) == 1 and "is not empty" in outcome.err


@pytest.mark.parametrize("to", ["mysql://db/hogsend", "sqlite://other.db", "db.example.com"])
def test_an_address_that_is_not_postgres_is_wrong_usage(
    instance: Path, hogsend: Hogsend, to: str
) -> None:
    outcome = hogsend("migrate-data", "--to", to)
    assert outcome.status == 2 and "postgres://user:password@host:port/name" in outcome.err


def test_a_project_without_data_has_nothing_to_copy(empty_folder: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("migrate-data", "--to", "postgres://db.example.com/hogsend")
    assert outcome.status == 1 and "There is no database" in outcome.err
    assert list(empty_folder.iterdir()) == []
