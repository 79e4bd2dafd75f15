"""A backup is one verified file, and a database restored from it sends nothing by itself."""

from __future__ import annotations

import asyncio
import io
import os
import runpy
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hogsend.config.secret import prepare_data
from hogsend.config.settings import load_settings
from hogsend.paths import find_resource

from .conftest import Hogsend


@pytest.fixture
def instance(journeys: Path, project: Path, hogsend: Hogsend) -> Path:
    """A project with a secret and one contact."""
    prepare_data(load_settings({}, project))
    hogsend("journeys", "enroll", "welcome", "--user-id", "ada", "--prop", "plan=pro")
    return project


@pytest.fixture
def open_database(instance: Path) -> Iterator[sqlite3.Connection]:
    """A connection with an open transaction, as a running server holds it."""
    with closing(sqlite3.connect(instance / "data" / "hogsend.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("SELECT COUNT(*) FROM contacts").fetchone()
        yield connection


def read_meta(file: Path) -> dict[str, str]:
    """Return the rows of a database's table `meta`."""
    with closing(sqlite3.connect(file)) as database:
        return dict(database.execute("SELECT key, value FROM meta"))


def user_ids_in(file: Path) -> list[str]:
    """Return the user ids of a database's contacts."""
    with closing(sqlite3.connect(file)) as database:
        return [name for (name,) in database.execute("SELECT external_id FROM contacts")]


def test_a_backup_is_taken_while_the_server_writes(
    instance: Path, open_database: sqlite3.Connection, hogsend: Hogsend
) -> None:
    open_database.execute("BEGIN IMMEDIATE")
    open_database.execute("DELETE FROM contacts")

    backup = hogsend("backup", "copy.db", "--json")

    assert backup.json["contacts"] == 1 and backup.json["hasSecret"] is True
    copy = instance / "copy.db"
    assert user_ids_in(copy) == ["ada"]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [path.name for path in instance.glob("copy.db*")] == ["copy.db"]


def test_sending_is_on_hold_in_a_backup_and_not_in_the_original(
    instance: Path, hogsend: Hogsend
) -> None:
    hogsend("backup", "copy.db")

    assert read_meta(instance / "copy.db")["fence"].startswith("restored copy of 20")
    assert "fence" not in read_meta(instance / "data" / "hogsend.db")


def test_no_file_is_overwritten(instance: Path, hogsend: Hogsend) -> None:
    (instance / "copy.db").write_text("mine")

    outcome = hogsend("backup", "copy.db")

    assert outcome.status == 1 and "exists already" in outcome.err
    assert (instance / "copy.db").read_text() == "mine"


def test_a_folder_that_cannot_be_written_to_is_named(instance: Path, hogsend: Hogsend) -> None:
    outcome = hogsend("backup", "nowhere/copy.db")

    assert outcome.status == 1 and "cannot be written" in outcome.err


def test_a_backup_restores_an_installation_on_another_machine(
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
    meta = read_meta(data / "hogsend.db")
    assert "fence" in meta and "backup.secret" not in meta
    with closing(sqlite3.connect(data / "hogsend.db")) as database:
        last = database.execute("SELECT who, action, after FROM audit ORDER BY id DESC").fetchone()
    assert last[:2] == ("cli", "restore") and '"file":"copy.db"' in last[2]
    assert hogsend("contacts", "list", "--json").json[0]["userId"] == "ada"


def test_sending_is_resumed_only_after_a_confirmation(
    instance: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = instance / "data" / "hogsend.db"
    hogsend("backup", "copy.db")
    hogsend("restore", "copy.db")

    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    refused = hogsend("resume-sending")
    assert "restored copy of" in refused.err and "Mails in the queue: 0." in refused.err
    assert refused.status == 1 and "fence" in read_meta(database)

    for stdin in (None, io.StringIO("")):
        monkeypatch.setattr("sys.stdin", stdin)
        unanswered = hogsend("resume-sending")
        assert unanswered.status == 1 and "Repeat it with `--yes`." in unanswered.err
        assert "fence" in read_meta(database)

    assert hogsend("resume-sending", "--yes").status == 0
    assert "fence" not in read_meta(database)
    assert hogsend("resume-sending", "--json").json == {"wasFenced": False, "waiting": 0}


def test_sending_can_be_resumed_under_the_former_name_of_the_command(
    instance: Path, hogsend: Hogsend
) -> None:
    hogsend("backup", "copy.db")
    hogsend("restore", "copy.db")

    assert hogsend("unfence", "--json", "--yes").json == {"wasFenced": True, "waiting": 0}
    assert "unfence" not in hogsend("--help").out


def test_the_replaced_database_is_kept(instance: Path, hogsend: Hogsend) -> None:
    hogsend("backup", "copy.db")
    hogsend("journeys", "enroll", "welcome", "--user-id", "bob", "--prop", "plan=pro")

    replaced = hogsend("restore", "copy.db", "--json").json["replaced"]

    assert user_ids_in(instance / "data" / "hogsend.db") == ["ada"]
    assert user_ids_in(Path(replaced)) == ["ada", "bob"]


def test_a_restore_needs_the_server_stopped(
    instance: Path, open_database: sqlite3.Connection, hogsend: Hogsend
) -> None:
    hogsend("backup", "copy.db")

    outcome = hogsend("restore", "copy.db")

    assert outcome.status == 1 and "Stop the server" in outcome.err
    assert "fence" not in read_meta(instance / "data" / "hogsend.db")
    assert list(instance.glob("data/*.part*")) == []


@pytest.mark.parametrize("content", [b"", b"no database, but long enough to be one" * 20])
def test_a_file_that_is_not_a_backup_changes_nothing(
    instance: Path, hogsend: Hogsend, content: bytes
) -> None:
    (instance / "copy.db").write_bytes(content)

    outcome = hogsend("restore", "copy.db")

    assert outcome.status == 1 and "not a usable backup" in outcome.err
    assert user_ids_in(instance / "data" / "hogsend.db") == ["ada"]


def test_a_database_that_was_never_a_backup_is_not_restored(
    instance: Path, hogsend: Hogsend
) -> None:
    (instance / "copy.db").write_bytes((instance / "data" / "hogsend.db").read_bytes())

    assert "did not write it" in hogsend("restore", "copy.db").err


SCHEMA_CHANGES = {
    "trigger": "CREATE TRIGGER added AFTER INSERT ON contacts BEGIN DELETE FROM events; END",
    "trigger on meta": "CREATE TRIGGER m BEFORE DELETE ON meta BEGIN DELETE FROM contacts; END",
    "view": "CREATE VIEW added AS SELECT * FROM contacts",
    "view for a table": "ALTER TABLE inbox RENAME TO i; CREATE VIEW inbox AS SELECT 1 FROM i",
    "table": "CREATE TABLE added (a)",
    "virtual table": "CREATE VIRTUAL TABLE added USING fts5 (a)",
    "index": "CREATE INDEX added ON contacts (created_at)",
    "column": "ALTER TABLE contacts ADD added TEXT",
    "missing index": "DROP INDEX merged_contacts",
    "missing table": "DROP TABLE inbox",
    "default": "ALTER TABLE meta RENAME TO m; CREATE TABLE meta (key PRIMARY KEY, value DEFAULT 1);"
    "INSERT INTO meta SELECT key, value FROM m; DROP TABLE m",
    "missing migration": "DELETE FROM aerich WHERE version LIKE '1_%'",
}


def list_files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("change", SCHEMA_CHANGES)
def test_a_backup_with_a_foreign_schema_is_refused_before_anything_is_written(
    instance: Path,
    hogsend: Hogsend,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    hogsend("backup", "copy.db")
    with closing(sqlite3.connect(instance / "copy.db")) as copy:
        copy.executescript(SCHEMA_CHANGES[change])
    before = list_files(instance)

    outcome = hogsend("restore", "copy.db")

    assert outcome.status == 1 and "not a usable backup" in outcome.err
    assert list_files(instance) == before

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert hogsend("restore", str(instance / "copy.db")).status == 1
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("secret", ["", "short", "é" * 40, "x" * 40 + "\n" + "y" * 40])
def test_a_backup_with_a_damaged_secret_is_refused_before_anything_is_written(
    instance: Path, hogsend: Hogsend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    hogsend("backup", "copy.db")
    with closing(sqlite3.connect(instance / "copy.db")) as copy, copy:
        copy.execute("UPDATE meta SET value = ? WHERE key = 'backup.secret'", [secret])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    outcome = hogsend("restore", str(instance / "copy.db"))

    assert outcome.status == 1 and "secret is damaged" in outcome.err
    assert list(elsewhere.iterdir()) == []


def test_a_backup_without_the_secret_is_not_restored_without_it(
    instance: Path, hogsend: Hogsend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_SECRET", "a-secret-of-forty-characters-0123456789-")
    hogsend("backup", "copy.db")
    monkeypatch.delenv("HOGSEND_SECRET")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    outcome = hogsend("restore", str(instance / "copy.db"))

    assert outcome.status == 1 and "HOGSEND_SECRET" in outcome.err
    assert list(elsewhere.iterdir()) == []


def test_a_restore_into_a_shared_folder_writes_nothing(
    instance: Path, hogsend: Hogsend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hogsend("backup", "copy.db")
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setenv("HOGSEND_DATA", str(shared))

    outcome = hogsend("restore", "copy.db")

    assert outcome.status == 1 and "shared by all users" in outcome.err
    assert list(shared.iterdir()) == [] and stat.S_IMODE(shared.stat().st_mode) == 0o1777


def test_a_restore_beside_a_server_writes_nothing(
    instance: Path, open_database: sqlite3.Connection, hogsend: Hogsend
) -> None:
    hogsend("backup", "copy.db")
    (instance / "data" / "secret").unlink()

    assert hogsend("restore", "copy.db").status == 1
    assert not (instance / "data" / "secret").exists()


def read_migrations() -> dict[str, str]:
    """Return the statements of each migration for SQLite, oldest first."""
    files = (find_resource("migrations/sqlite") / "models").glob("[0-9]*_*.py")
    ordered = sorted(files, key=lambda file: int(file.name.partition("_")[0]))
    return {file.name: asyncio.run(runpy.run_path(str(file))["upgrade"](None)) for file in ordered}


def test_a_backup_of_an_earlier_version_is_restored_and_migrated(
    instance: Path, hogsend: Hogsend
) -> None:
    *earlier, (newest, _) = read_migrations().items()
    with closing(sqlite3.connect(instance / "copy.db")) as copy, copy:
        for name, statements in earlier:
            copy.executescript(statements)
            copy.execute(
                "INSERT INTO aerich (version, app, content) VALUES (?, 'models', '{}')", [name]
            )
        values = {"backup.made_at": "2026-03-02T09:00:00+00:00", "backup.secret": "s" * 43}
        copy.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", values.items())
    (instance / "data" / "secret").unlink()

    outcome = hogsend("restore", "copy.db")
    assert outcome.status == 0, outcome.err
    assert Path(newest).stem in hogsend("migrate").out


def test_nobody_else_gets_a_backup_into_a_file_that_they_put_there(
    instance: Path, hogsend: Hogsend
) -> None:
    with (instance / "copy.db.part").open("w") as planted:
        planted.write("left by a crash")
        planted.flush()
        (instance / "copy.db.part").chmod(0o666)

        assert hogsend("backup", "copy.db").status == 0

        assert stat.S_IMODE((instance / "copy.db").stat().st_mode) == 0o600
        assert (instance / "copy.db").stat().st_ino != os.fstat(planted.fileno()).st_ino


def test_a_replaced_database_stays_private(instance: Path, hogsend: Hogsend) -> None:
    hogsend("backup", "copy.db")
    (instance / "data" / "hogsend.db").chmod(0o644)

    replaced = Path(hogsend("restore", "copy.db", "--json").json["replaced"])

    assert stat.S_IMODE(replaced.stat().st_mode) == 0o600


def test_a_backup_of_an_installation_with_another_secret_is_refused(
    instance: Path, hogsend: Hogsend
) -> None:
    hogsend("backup", "copy.db")
    (instance / "data" / "secret").write_text("another-secret-of-forty-characters-00000\n")

    outcome = hogsend("restore", "copy.db")

    assert outcome.status == 1 and "another secret" in outcome.err


def test_a_secret_that_comes_from_a_setting_is_not_in_the_backup(
    instance: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_SECRET", "a-secret-of-forty-characters-0123456789-")

    outcome = hogsend("backup", "copy.db")

    assert "HOGSEND_SECRET" in outcome.out
    assert "backup.secret" not in read_meta(instance / "copy.db")


def test_postgres_has_its_own_tools(
    empty_folder: Path, hogsend: Hogsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOGSEND_DATABASE_URL", "postgres://db.example.com/hogsend")

    for command in ("backup", "restore"):
        outcome = hogsend(command, "copy.db")
        assert outcome.status == 1 and "pg_dump" in outcome.err
