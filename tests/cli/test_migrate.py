"""`hogsend migrate` brings the schema up to date."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Hogsend


def test_a_new_database_is_created(empty_folder: Path, hogsend: Hogsend) -> None:
    assert hogsend("migrate", "--check").status == 1
    assert not (empty_folder / "data").exists()

    applied = hogsend("migrate", "--json").json["applied"]

    assert len(applied) >= 1 and not applied[0].endswith(".py")
    assert hogsend("migrate", "--check").out == "The schema is up to date.\n"
    assert hogsend("migrate", "--json").json == {"applied": []}


def test_only_the_command_migrates_a_stale_postgres(
    empty_folder: Path,
    hogsend: Hogsend,
    empty_postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOGSEND_DATABASE_URL", empty_postgres_url)

    for command in (["serve"], ["worker"], ["keys", "list"], ["doctor"]):
        outcome = hogsend(*command)
        assert outcome.status == 1
        assert "hogsend migrate" in outcome.out + outcome.err

    assert hogsend("migrate").status == 0
    assert hogsend("keys", "list").status == 0


def test_a_newer_database_is_refused(project: Path, hogsend: Hogsend) -> None:
    with closing(sqlite3.connect(project / "data" / "hogsend.db")) as database, database:
        database.execute(
            "INSERT INTO aerich (version, app, content) VALUES ('99_later.py', 'models', '{}')"
        )

    for command in (["migrate"], ["serve"], ["keys", "list"]):
        outcome = hogsend(*command)
        assert outcome.status == 1 and "newer than this program" in outcome.err
