"""A backup is one checked file, and what is restored from it sends nothing by itself."""

from __future__ import annotations

import io
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hogsend.config.settings import load_settings, prepare_data

from .conftest import Hogsend


@pytest.fixture
def instance(journeys: Path, project: Path, hogsend: Hogsend) -> Path:
    """A project with a secret and one person."""
    prepare_data(load_settings({}, project))
    hogsend("journeys", "enroll", "welcome", "--user-id", "ada", "--prop", "plan=pro")
    return project


@pytest.fixture
def open_database(instance: Path) -> Iterator[sqlite3.Connection]:
    """A connection such as a running server holds, in the middle of its work."""
    with closing(sqlite3.connect(instance / "data" / "hogsend.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("SELECT COUNT(*) FROM contacts").fetchone()
        yield connection


def facts_of(file: Path) -> dict[str, str]:
    """Return the facts that a database keeps of its installation."""
    with closing(sqlite3.connect(file)) as database:
        return dict(database.execute("SELECT key, value FROM meta"))


def people_in(file: Path) -> list[str]:
    """Return the user ids that a database knows."""
    with closing(sqlite3.connect(file)) as database:
        return [name for (name,) in database.execute("SELECT external_id FROM contacts")]


def test_a_backup_is_made_while_the_server_writes(
    instance: Path, open_database: sqlite3.Connection, hogsend: Hogsend
) -> None:
    open_database.execute("BEGIN IMMEDIATE")
    open_database.execute("DELETE FROM contacts")

    made = hogsend("backup", "copy.db", "--json")

    assert made.json["contacts"] == 1 and made.json["hasSecret"] is True
    copy = instance / "copy.db"
    assert people_in(copy) == ["ada"]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [path.name for path in instance.glob("copy.db*")] == ["copy.db"]


def test_a_backup_is_fenced_and_the_original_is_not(instance: Path, hogsend: Hogsend) -> None:
    hogsend("backup", "copy.db")

    assert facts_of(instance / "copy.db")["fence"].startswith("restored copy of 20")
    assert "fence" not in facts_of(instance / "data" / "hogsend.db")


def test_no_file_is_overwritten(instance: Path, hogsend: Hogsend) -> None:
    (instance / "copy.db").write_text("mine")

    outcome = hogsend("backup", "copy.db")

    assert outcome.status == 1 and "exists already" in outcome.err
    assert (instance / "copy.db").read_text() == "mine"


def test_a_place_that_cannot_be_written_to_leaves_nothing(instance: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("backup", "nowhere/copy.db")

    assert outcome.status == 1 and "cannot be written" in outcome.err


def test_a_backup_brings_an_instance_back_elsewhere(
    instance: Path, hogsend: Hogsend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hogsend("backup", "copy.db")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    outcome = hogsend("restore", str(instance / "copy.db"))

    assert outcome.status == 0, outcome.err
    data = elsewhere / "data"
    assert (data / "secret").read_text() == (instance / "data" / "secret").read_text()
    assert stat.S_IMODE((data / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((data / "hogsend.db").stat().st_mode) == 0o600
    facts = facts_of(data / "hogsend.db")
    assert "fence" in facts and "backup.secret" not in facts
    assert hogsend("contacts", "list", "--json").json[0]["userId"] == "ada"


def test_the_fence_is_lifted_by_a_person_who_says_so(
    instance: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = instance / "data" / "hogsend.db"
    hogsend("backup", "copy.db")
    hogsend("restore", "copy.db")

    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    refused = hogsend("unfence")
    assert "restored copy of" in refused.err and "0 mails wait" in refused.err
    assert refused.status == 1 and "fence" in facts_of(database)

    assert hogsend("unfence", "--yes").status == 0
    assert "fence" not in facts_of(database)
    assert hogsend("unfence", "--json").json == {"wasFenced": False, "waiting": 0}


def test_the_replaced_database_is_moved_aside(instance: Path, hogsend: Hogsend) -> None:
    hogsend("backup", "copy.db")
    hogsend("journeys", "enroll", "welcome", "--user-id", "bob", "--prop", "plan=pro")

    replaced = hogsend("restore", "copy.db", "--json").json["replaced"]

    assert people_in(instance / "data" / "hogsend.db") == ["ada"]
    assert people_in(Path(replaced)) == ["ada", "bob"]


def test_a_restore_needs_the_server_stopped(
    instance: Path, open_database: sqlite3.Connection, hogsend: Hogsend
) -> None:
    hogsend("backup", "copy.db")

    outcome = hogsend("restore", "copy.db")

    assert outcome.status == 1 and "Stop the server" in outcome.err
    assert "fence" not in facts_of(instance / "data" / "hogsend.db")
    assert list(instance.glob("data/*.part*")) == []


@pytest.mark.parametrize("content", [b"", b"no database, but long enough to be one" * 20])
def test_a_file_that_is_no_backup_changes_nothing(
    instance: Path, hogsend: Hogsend, content: bytes
) -> None:
    (instance / "copy.db").write_bytes(content)

    outcome = hogsend("restore", "copy.db")

    assert outcome.status == 1 and "no sound backup" in outcome.err
    assert people_in(instance / "data" / "hogsend.db") == ["ada"]


def test_a_database_that_was_never_a_backup_is_not_restored(
    instance: Path, hogsend: Hogsend
) -> None:
    (instance / "copy.db").write_bytes((instance / "data" / "hogsend.db").read_bytes())

    assert "not written by a backup" in hogsend("restore", "copy.db").err


def test_data_does_not_come_beside_another_secret(instance: Path, hogsend: Hogsend) -> None:
    hogsend("backup", "copy.db")
    (instance / "data" / "secret").write_text("another-secret-of-forty-characters-00000\n")

    outcome = hogsend("restore", "copy.db")

    assert outcome.status == 1 and "another secret" in outcome.err


def test_a_secret_that_is_a_setting_stays_with_its_owner(
    instance: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_SECRET", "a-secret-of-forty-characters-0123456789-")

    outcome = hogsend("backup", "copy.db")

    assert "HOGSEND_SECRET" in outcome.out
    assert "backup.secret" not in facts_of(instance / "copy.db")


def test_postgres_has_its_own_tools(
    empty_folder: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_DATABASE_URL", "postgres://db.example.com/hogsend")

    for command in ("backup", "restore"):
        outcome = hogsend(command, "copy.db")
        assert outcome.status == 1 and "pg_dump" in outcome.err
