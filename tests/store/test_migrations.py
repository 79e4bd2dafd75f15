"""The schema's migrations: they equal the models, happen whole, and never lose what was there."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from aerich.models import Aerich
from tortoise.context import TortoiseContext

from hogsend.errors import StartError
from hogsend.paths import find_resource
from hogsend.store import migrations as store_migrations
from hogsend.store.db import build_tortoise_config, parse_sqlite_path
from hogsend.store.migrations import (
    apply_pending,
    build_migration_config,
    find_folder,
    find_pending,
)
from migrations import make

Schema = dict[str, dict[str, set[tuple[object, ...]]]]

LATER = '''async def upgrade(db):
    return """CREATE TABLE "later" ("id" INT NOT NULL PRIMARY KEY); {more}"""
'''


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Return what gives the program one more migration, with some more SQL in it."""

    def add(more: str) -> str:
        top = tmp_path / "shipped"
        name = "1000_20260302090000_later.py"
        for kind in ("sqlite", "postgres"):
            folder = f"migrations/{kind}"
            shutil.copytree(find_resource(folder), top / folder)
            (top / folder / "models" / name).write_text(LATER.format(more=more))
        monkeypatch.setattr(store_migrations, "find_resource", lambda part: top / part)
        return name

    return add


async def from_models(url: str) -> None:
    async with TortoiseContext() as context:
        await context.init(config=build_tortoise_config(url))
        await context.generate_schemas(safe=False)


def sqlite_schema(url: str) -> Schema:
    """Return columns and indexes by table; the columns' order does not matter."""
    schema: Schema = {}
    with closing(sqlite3.connect(parse_sqlite_path(url))) as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            if table in ("aerich", "sqlite_sequence"):
                continue
            columns = db.execute(
                'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)', [table]
            )
            indexes = db.execute(
                'SELECT l."unique", l.origin, m.sql,'
                " (SELECT group_concat(name) FROM pragma_index_info(l.name))"
                " FROM pragma_index_list(?) l LEFT JOIN sqlite_master m ON m.name = l.name",
                [table],
            )
            schema[table] = {"columns": set(columns), "indexes": set(indexes)}
    return schema


async def postgres_schema(url: str) -> Schema:
    """Return columns and indexes by table; the columns' order does not matter."""
    db = await asyncpg.connect(url)
    columns = await db.fetch(
        "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable,"
        " column_default, is_identity FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name <> 'aerich'"
    )
    indexes = await db.fetch(
        "SELECT tablename, indexdef FROM pg_indexes"
        " WHERE schemaname = 'public' AND tablename <> 'aerich'"
    )
    await db.close()
    schema: Schema = {row[0]: {"columns": set(), "indexes": set()} for row in columns}
    for kind, rows in (("columns", columns), ("indexes", indexes)):
        for row in rows:
            schema[row[0]][kind].add(tuple(row)[1:])
    return schema


async def tables(url: str) -> set[str]:
    if url.startswith("sqlite"):
        return set(sqlite_schema(url))
    return set(await postgres_schema(url))


async def test_migrations_equal_the_models_on_sqlite(sqlite_url: str, tmp_path: Path):
    modelled = f"sqlite://{tmp_path}/models.db"
    await from_models(modelled)
    assert sqlite_schema(sqlite_url) == sqlite_schema(modelled), "run: make migration NAME=…"


async def test_migrations_equal_the_models_on_postgres(postgres_url: str, empty_postgres_url: str):
    await from_models(empty_postgres_url)
    assert await postgres_schema(postgres_url) == await postgres_schema(empty_postgres_url), (
        "run: make migration NAME=…"
    )


async def test_a_renamed_model_needs_no_migration(database_url: str, tmp_path: Path):
    folder = tmp_path / "migrations"
    shutil.copytree(find_folder(database_url), folder)
    async with TortoiseContext() as context:
        await context.init(config=build_migration_config(database_url))
        last = await Aerich.all().order_by("-id").first()
        assert last is not None
        sends = last.content.pop("models.SendRow")
        last.content["models.Mail"] = {**sends, "name": "models.Mail", "docstring": "Other."}
        await last.save()

    assert await make.write(database_url, "nothing", folder) is None


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_migrations_are_numbered_without_gap_or_repetition(kind: str):
    names = [file.name for file in find_resource(f"migrations/{kind}/models").glob("[0-9]*.py")]
    assert sorted(int(name.split("_")[0]) for name in names) == list(range(len(names)))


async def test_only_one_live_enrollment_is_allowed_by_the_database(database_url: str):
    if database_url.startswith("sqlite"):
        sql = {str(sql) for _, _, sql, _ in sqlite_schema(database_url)["enrollments"]["indexes"]}
    else:
        schema = await postgres_schema(database_url)
        sql = {str(sql) for (sql,) in schema["enrollments"]["indexes"]}
    [index] = [text for text in sql if "one_live_enrollment" in text]
    assert index.startswith("CREATE UNIQUE INDEX")
    assert all(state in index for state in ("active", "waiting", "drifted", "parked"))


async def test_a_new_database_gets_every_migration_once(tmp_path: Path):
    url = f"sqlite://{tmp_path}/new.db"
    todo = await find_pending(url)
    assert todo
    assert await apply_pending(url, backups=tmp_path / "backups") == todo
    assert await find_pending(url) == []
    assert await apply_pending(url, backups=tmp_path / "backups") == []
    assert not (tmp_path / "backups").exists()


def test_an_ordinary_start_does_not_import_aerich(sqlite_url: str):
    program = (
        "import asyncio, sys\n"
        "from hogsend.store.migrations import apply_pending\n"
        "asyncio.run(apply_pending(sys.argv[1], backups=None))\n"
        "sys.exit('aerich' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, sqlite_url]).returncode == 0


async def test_an_existing_file_is_copied_before_it_is_changed(
    sqlite_url: str, tmp_path: Path, later: Callable[[str], str]
):
    with closing(sqlite3.connect(parse_sqlite_path(sqlite_url))) as db, db:
        db.execute("INSERT INTO meta (key, value) VALUES ('id', 'kept')")
    name = later("")
    assert await apply_pending(sqlite_url, backups=tmp_path / "backups") == [name]
    assert "later" in sqlite_schema(sqlite_url)
    [copy] = (tmp_path / "backups").iterdir()
    assert "later" not in sqlite_schema(f"sqlite://{copy}")
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT value FROM meta").fetchall() == [("kept",)]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700


async def test_a_migration_that_fails_changes_nothing(
    database_url: str, later: Callable[[str], str]
):
    name = later("CREATE TABLE meta (again INT);")
    with pytest.raises(StartError, match="could not be migrated"):
        await apply_pending(database_url, backups=None)
    assert "later" not in await tables(database_url)
    assert await find_pending(database_url) == [name]


async def test_a_database_newer_than_the_program_is_refused(
    database_url: str, later: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
):
    later("")
    await apply_pending(database_url, backups=None)
    monkeypatch.setattr(store_migrations, "find_resource", find_resource)
    with pytest.raises(StartError, match="newer than this program") as refusal:
        await apply_pending(database_url, backups=None)
    assert refusal.value.remedy
    assert "later" in refusal.value.message


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_two_processes_that_start_together_migrate_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
):
    url = f"sqlite://{tmp_path}/new.db"
    if kind == "postgres":
        url = request.getfixturevalue("empty_postgres_url")
    program = (
        "import asyncio, sys\n"
        "from hogsend.store.migrations import apply_pending\n"
        "print(len(asyncio.run(apply_pending(sys.argv[1], backups=None))))\n"
    )
    with ThreadPoolExecutor(2) as threads:
        started = [
            threads.submit(
                subprocess.run,
                [sys.executable, "-c", program, url],
                capture_output=True,
                text=True,
            )
            for _ in range(2)
        ]
    ended = [process.result() for process in started]
    assert [process.returncode for process in ended] == [0, 0], ended
    counts = sorted(int(process.stdout) for process in ended)
    assert counts[0] == 0
    assert counts[1] > 0


async def test_a_file_that_is_no_database_is_named(tmp_path: Path):
    file = tmp_path / "hogsend.db"
    file.write_text("Dear diary, " * 100)
    with pytest.raises(StartError, match=r"hogsend\.db cannot be read: file is not a database"):
        await find_pending(f"sqlite://{file}")
    assert file.read_text().startswith("Dear diary")


async def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(StartError, match="No such file or directory"):
        await apply_pending(f"sqlite://{tmp_path}/nowhere/hogsend.db", backups=None)


async def test_a_postgres_that_is_not_there_is_an_error_with_a_remedy(tmp_path: Path):
    url = f"postgres://hogsend@/hogsend?host={tmp_path}"
    with pytest.raises(StartError, match="The connection to Postgres failed") as refusal:
        await find_pending(url)
    assert "HOGSEND_DATABASE_URL" in refusal.value.remedy


async def test_a_postgres_without_the_database_is_an_error_with_a_remedy(postgres_server: str):
    with pytest.raises(StartError, match="does not exist"):
        await find_pending(postgres_server.replace("/postgres?", "/nowhere?"))
