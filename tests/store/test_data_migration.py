"""A copy to Postgres has every value, resumes where it was interrupted, and changes no source."""
# Tables and columns are those of the models.
# ruff: noqa: S608

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tortoise import fields
from tortoise.models import Model

from hogsend.clock import ManualClock
from hogsend.errors import HogsendError, StartError
from hogsend.paths import find_resource
from hogsend.store import migrations
from hogsend.store.data_migration import source as sources
from hogsend.store.data_migration import tables as tables_module
from hogsend.store.data_migration import target as targets
from hogsend.store.data_migration.copying import Progress, ReportProgress, TableCopy, copy
from hogsend.store.data_migration.tables import Checksum, Table, list_tables
from hogsend.store.data_migration.values import to_canonical_json
from hogsend.store.db import parse_sqlite_path
from hogsend.store.migrations import apply_pending, find_pending
from hogsend.store.models import MODULES
from tests.processes import program
from tests.world import open_world

ROWS = 7
# Tables that aerich and SQLite make; the copy leaves them out.
TOOL_TABLES = ("aerich", "sqlite_sequence")


class Interrupted(Exception):
    """Interrupts a copy."""


def ignore_progress(progress: Progress) -> None:
    pass


def interrupt_at(work: str, table: str = "") -> ReportProgress:
    """Return a callback that interrupts the copy in a phase, at the first or at the named table."""

    def report(progress: Progress) -> None:
        if progress.phase == work and table in ("", progress.table):
            raise Interrupted

    return report


def fill(file: Path, rows: int = ROWS) -> None:
    """Insert rows of unique values into every table of a database."""
    with closing(sqlite3.connect(file)) as database, database:
        names = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for (table,) in names:
            if table in TOOL_TABLES:
                continue
            columns = database.execute(f"SELECT name, type FROM pragma_table_info('{table}')")
            types = columns.fetchall()
            columns = ", ".join(f'"{name}"' for name, _ in types)
            placeholders = ", ".join("?" for _ in types)
            database.executemany(
                f'INSERT INTO "{table}" ({columns}) VALUES ({placeholders})',
                [[make_value(column_type, n) for _, column_type in types] for n in range(rows)],
            )


def make_value(column_type: str, n: int) -> Any:
    """Return the value of a column in row n; it is unique unless it is a boolean."""
    if column_type == "BLOB":
        return hashlib.sha256(b"%d" % n).digest()[:16]
    if column_type == "JSON":
        return json.dumps({"z": n, "a": [n / 3, None, "ü"]})
    if column_type == "REAL":
        return n / 3
    if column_type == "BIGINT":
        return n * 10**15 + 1
    # INT and SMALLINT are also the types of booleans; INTEGER is the type of numbered keys.
    return (
        n if column_type == "INTEGER" else n % 2 if column_type in ("INT", "SMALLINT") else f"{n}é"
    )


@pytest.fixture
def file(sqlite_url: str) -> Path:
    """A SQLite file with rows in every table."""
    fill(parse_sqlite_path(sqlite_url))
    return parse_sqlite_path(sqlite_url)


@dataclass(frozen=True)
class CopyCase:
    """The source and the target of a copy.

    Args:
        file: a SQLite file with rows in every table.
        url: the address of an empty Postgres.
        clock: the clock.
    """

    file: Path
    url: str
    clock: ManualClock

    async def copy(self, report: ReportProgress = ignore_progress) -> Sequence[TableCopy]:
        return await copy(self.file, self.url, self.clock.now(), report)


@pytest.fixture
def case(file: Path, empty_postgres_url: str, clock: ManualClock) -> CopyCase:
    return CopyCase(file, empty_postgres_url, clock)


def run_sqlite(file: Path, sql: str, *values: Any) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(sql, values)


def fingerprint_files(file: Path) -> dict[str, tuple[str, int]]:
    """Return the digest and the time of the last write of each file of a database."""
    return {
        part.name: (hashlib.sha256(part.read_bytes()).hexdigest(), part.stat().st_mtime_ns)
        for part in file.parent.glob(f"{file.name}*")
    }


async def run_postgres(url: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    database = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await database.fetch(sql, *values)]
    finally:
        await database.close()


def to_comparable(value: Any) -> Any:
    """Return a value in a form that is equal on both sides, without the code of the program."""
    if isinstance(value, UUID):
        return value.bytes
    if isinstance(value, str) and value[:1] in ("{", "["):
        return json.loads(value)
    return repr(float(value)) if isinstance(value, float) else value


async def read_both_sides(file: Path, url: str, table: str) -> tuple[list[Any], list[Any]]:
    """Return a table's rows in the source and in the copy, sorted."""
    (names,) = [known.column_list for known in list_tables() if known.name == table]
    sql = f'SELECT {names} FROM "{table}"'
    with closing(sqlite3.connect(file)) as database:
        source_rows = database.execute(sql).fetchall()
    target_rows = await run_postgres(url, sql)
    return (
        sorted([[to_comparable(value) for value in row] for row in source_rows], key=str),
        sorted([[to_comparable(value) for value in row] for row in target_rows], key=str),
    )


async def assert_copied(file: Path, url: str) -> None:
    assert await find_pending(url) == []
    for table in list_tables():
        source_rows, target_rows = await read_both_sides(file, url, table.name)
        if table.name == "audit":
            target_rows = [row for row in target_rows if "migrate data" not in row]
        assert target_rows == source_rows, table.name


# -- what is copied -------------------------------------------------------------------------------


def test_every_table_and_column_of_a_database_is_known(sqlite_url: str):
    with closing(sqlite3.connect(parse_sqlite_path(sqlite_url))) as database:
        names = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        present = {
            name: {
                row[0] for row in database.execute(f"SELECT name FROM pragma_table_info('{name}')")
            }
            for (name,) in names.fetchall()
            if name not in TOOL_TABLES
        }
    assert {table.name: set(table.names) for table in list_tables()} == present


async def test_every_table_and_column_of_postgres_is_known(postgres_url: str):
    rows = await run_postgres(
        postgres_url,
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name <> 'aerich'",
    )
    assert {(table.name, name) for table in list_tables() for name in table.names} == set(rows)


def test_a_column_of_an_unknown_kind_is_an_error_that_says_where_to_name_it(
    monkeypatch: pytest.MonkeyPatch,
):
    class Later(Model):
        id = fields.BigIntField(primary_key=True)
        price = fields.DecimalField(max_digits=9, decimal_places=2)

        class Meta:
            table = "later"

    monkeypatch.setattr(tables_module, "MODULES", [*MODULES, __name__])
    monkeypatch.setattr(sys.modules[__name__], "Later", Later, raising=False)
    with pytest.raises(TypeError, match=r"later\.price is a DecimalField"):
        list_tables()


async def test_every_row_of_every_table_arrives_as_it_was(case: CopyCase):
    copied = await case.copy()

    assert {result.table.name: result.rows for result in copied} == {
        table.name: ROWS for table in list_tables()
    }
    await assert_copied(case.file, case.url)


LIMIT_VALUES = (
    ("events.value", [0.1, -0.0, 5e-324, 1.7976931348623157e308, float("inf"), None, 3.0]),
    ("events.occurred_at", [0, -1, 2**63 - 1, -(2**63), 1_772_442_000_000_001]),
    ("enrollments.error", ["", None, "\n\r\t\\N \\. \x01\x7f", "日本 🎉 \ufeff", "x" * 300_000]),
    ("contacts.email", ["", None, "Ada@Example.com"]),
    ("messages.mail", [b"", b"\0\xff\xfe", bytes(range(256)) * 4000]),
    (
        "contacts.properties",
        [
            '{"b": 1, "a": 1.0, "c": 1e22, "d": 1.5E-7, "e": -0.0, "f": 100000000000000000000001}',
            '{"x": "\\u00e9\\\\u0000 \\ud83c\\udf89", "": [[], {}, null, true, "1"], "x2": "\\n"}',
            "[]",
            "{}",
            "null",
            '"text"',
            "12",
            "1.5",
        ],
    ),
    ("audit.before", [None, "null", '{"a": null}']),
)


@pytest.mark.parametrize(("full_column", "values"), LIMIT_VALUES)
async def test_values_at_their_limits_arrive_as_they_were(
    sqlite_url: str,
    empty_postgres_url: str,
    clock: ManualClock,
    full_column: str,
    values: list[Any],
):
    file, (table, column) = parse_sqlite_path(sqlite_url), full_column.split(".")
    fill(file, len(values))
    with closing(sqlite3.connect(file)) as database, database:
        ids = database.execute(f"SELECT rowid FROM {table}").fetchall()
        for (rowid,), value in zip(ids, values, strict=True):
            database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", [value, rowid])

    await copy(file, empty_postgres_url, clock.now(), ignore_progress)

    if column in ("properties", "before"):
        sql = f"SELECT id, {column} FROM {table}"
        with closing(sqlite3.connect(file)) as database:
            source_values = {row[0]: parse_json_column(row[1]) for row in database.execute(sql)}
        rows = await run_postgres(empty_postgres_url, sql)
        target_values = {
            row[0].bytes: parse_json_column(row[1]) for row in rows if row[0].bytes in source_values
        }
    else:
        source_values, target_values = await read_both_sides(file, empty_postgres_url, table)
    assert target_values == source_values


def parse_json_column(stored: Any) -> Any:
    # A column without a value differs from the JSON value null.
    return "no value" if stored is None else json.loads(str(stored))


async def test_new_rows_are_numbered_after_the_copied_ones(case: CopyCase):
    await case.copy()

    numbered = [table for table in list_tables() if table.is_numbered]
    assert {table.name for table in numbered} >= {
        "turns",
        "answers",
        "steps",
        "consents",
        "counters",
    }
    for table in numbered:
        sequence = f"SELECT nextval(pg_get_serial_sequence('{table.name}', '{table.key.name}'))"
        assert await run_postgres(case.url, sequence) == [(ROWS,)], table.name


async def test_numbers_begin_with_one_where_there_was_no_row(
    sqlite_url: str, empty_postgres_url: str, clock: ManualClock
):
    await copy(parse_sqlite_path(sqlite_url), empty_postgres_url, clock.now(), ignore_progress)

    sequence = "SELECT nextval(pg_get_serial_sequence('turns', 'id'))"
    assert await run_postgres(empty_postgres_url, sequence) == [(1,)]


async def test_postgres_has_statistics_of_the_copied_tables(case: CopyCase):
    await case.copy()

    analyzed = "SELECT relname FROM pg_class WHERE reltuples = $1"
    assert {row[0] for row in await run_postgres(case.url, analyzed, float(ROWS))} >= {
        table.name for table in list_tables() if table.name != "audit"
    }


@pytest.mark.parametrize("table", list_tables(), ids=lambda table: table.name)
def test_text_keys_and_only_they_are_ordered_with_collate_c(table: Table):
    # SQLite orders by bytes. The Postgres of the tests has no locale in which the order differs.
    if table.name in ("meta", "identities", "idempotency_keys", "journeys", "suppressions"):
        assert table.key.is_text
    assert targets.build_order(table).endswith(' COLLATE "C"') is table.key.is_text


# -- the engine on the copy -----------------------------------------------------------------------

JOURNEY = """
@journey("onboarding", trigger="user.created", exit_on=["user.deleted"])
async def onboarding(user, ctx):
    await ctx.send("welcome")
    await ctx.sleep(timedelta(days=2), label="rest")
    await ctx.send("nudge")
    found = await ctx.wait_for("plan.upgraded", timeout=timedelta(days=7))
    await ctx.send("bye" if found else "offer")
"""


async def test_a_waiting_contact_continues_in_postgres_and_gets_the_next_mail_once(
    sqlite_url: str, empty_postgres_url: str, tmp_path: Path, clock: ManualClock
):
    folder = tmp_path / "site"
    async with open_world(sqlite_url, folder, clock, with_worker=True) as world:
        await world.define(JOURNEY)
        for user in ("ada", "bo", "cy"):
            await world.emit("user.created", user)
        await world.advance(timedelta(days=2))
        await world.emit("user.created", "di")
        assert await world.mailbox("ada") == ["welcome", "nudge"]

    await copy(parse_sqlite_path(sqlite_url), empty_postgres_url, clock.now(), ignore_progress)

    async with open_world(empty_postgres_url, folder, clock, with_worker=True) as world:
        await world.load()
        await world.settle()
        assert await world.mailbox("ada") == ["welcome", "nudge"]
        assert await world.mailbox("di") == ["welcome"]
        await world.emit("plan.upgraded", "ada")
        await world.emit("user.deleted", "cy")
        assert await world.mailbox("ada") == ["welcome", "nudge", "bye"]
        await world.advance(timedelta(days=2))
        assert await world.mailbox("di") == ["welcome", "nudge"]
        await world.advance(timedelta(days=7))
        assert await world.mailbox("ada") == ["welcome", "nudge", "bye"]
        assert await world.mailbox("bo") == ["welcome", "nudge", "offer"]
        assert await world.mailbox("cy") == ["welcome", "nudge"]
        assert sorted(await world.states()) == ["completed", "completed", "completed", "exited"]
        assert await world.counter_drift() == {}


async def test_a_mail_that_was_being_handed_over_is_settled_in_postgres(
    sqlite_url: str, empty_postgres_url: str, tmp_path: Path, clock: ManualClock
):
    folder, file = tmp_path / "site", parse_sqlite_path(sqlite_url)
    async with open_world(sqlite_url, folder, clock, with_worker=True) as world:
        await world.define(JOURNEY)
        await world.emit("user.created")
    run_sqlite(file, "UPDATE sends SET status = 'sending', sent_at = NULL")

    await copy(file, empty_postgres_url, clock.now(), ignore_progress)

    assert await run_postgres(empty_postgres_url, "SELECT status FROM sends") == [("sending",)]
    async with open_world(empty_postgres_url, folder, clock, with_worker=True) as world:
        await world.settle()
        assert [send.status for send in await world.sends()] == ["sent"]
        assert await world.mailbox() == ["welcome"]


async def test_the_audit_log_records_the_copy(case: CopyCase):
    await case.copy()

    sql = "SELECT who, after FROM audit WHERE action = 'migrate data'"
    ((who, after),) = await run_postgres(case.url, sql)
    assert who == "cli"
    assert json.loads(after) == {"from": str(case.file), "rows": ROWS * len(list_tables())}


# -- interrupted, and resumed ---------------------------------------------------------------------

LATER_MIGRATION = """async def upgrade(db):
    return 'CREATE TABLE later (id INT NOT NULL PRIMARY KEY)'
"""
COPY_AND_DIE = """
import asyncio, os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from hogsend.store.data_migration import source
from hogsend.store.data_migration.copying import copy

source.MAX_ROWS = 2

def report(progress):
    if f"{progress.phase} {progress.table} {progress.table_done}" == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(copy(Path(sys.argv[1]), sys.argv[2], datetime.now(UTC), report))
"""


KILL_POINTS = (
    *("check contacts 4", "copy meta 0", "copy meta 2", "copy events 4", "copy sends 0"),
    *(
        "compare meta 2",
        "compare events 4",
        f"compare {list_tables()[-1].name} {ROWS}",
        "not at all",
    ),
)


async def test_a_copy_killed_in_every_phase_and_run_again_has_every_row_once(case: CopyCase):
    before, statuses = fingerprint_files(case.file), list[int]()
    for kill_point in KILL_POINTS:
        command = [sys.executable, "-c", COPY_AND_DIE, str(case.file), case.url, kill_point]
        statuses.append((await asyncio.to_thread(subprocess.run, command, timeout=60)).returncode)
        assert fingerprint_files(case.file) == before
    assert statuses == [-signal.SIGKILL] * (len(KILL_POINTS) - 1) + [0]
    await assert_copied(case.file, case.url)


async def test_a_resumed_copy_adds_only_the_missing_rows(
    case: CopyCase, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sources, "MAX_ROWS", 3)

    def report(progress: Progress) -> None:
        if (progress.phase, progress.table, progress.table_done) == ("copy", "events", 6):
            raise Interrupted

    with pytest.raises(Interrupted):
        await case.copy(report)
    copied = await case.copy()

    added = {result.table.name: result.added for result in copied}
    assert (added["contacts"], added["events"], added["sends"]) == (0, 1, ROWS)


async def test_no_server_starts_on_an_unfinished_copy(case: CopyCase):
    with pytest.raises(Interrupted):
        await case.copy(interrupt_at("compare"))
    with pytest.raises(StartError, match="unfinished_copy"):
        await find_pending(case.url)

    await case.copy()
    assert await find_pending(case.url) == []


async def test_the_copy_starts_over_when_the_source_has_changed(case: CopyCase):
    with pytest.raises(Interrupted):
        await case.copy(interrupt_at("compare"))
    run_sqlite(case.file, "UPDATE contacts SET email = 'new@example.com' WHERE email LIKE '3%'")
    run_sqlite(case.file, "DELETE FROM events WHERE name LIKE '3%'")

    copied = await case.copy()

    assert {result.table.name: result.added for result in copied}["contacts"] == ROWS
    await assert_copied(case.file, case.url)


async def test_the_next_version_of_the_program_resumes_the_copy(
    case: CopyCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(Interrupted):
        await case.copy(interrupt_at("compare"))
    source = f"sqlite://{case.file}"
    for kind in ("sqlite", "postgres"):
        folder = f"migrations/{kind}"
        shutil.copytree(find_resource(folder), tmp_path / folder)
        (tmp_path / folder / "models" / "1000_20260302090000_later.py").write_text(LATER_MIGRATION)
    monkeypatch.setattr(migrations, "find_resource", lambda part: tmp_path / part)
    with pytest.raises(StartError, match="older than this program"):
        await case.copy()
    await apply_pending(source, backups=None)

    copied = await case.copy()

    assert sum(result.added for result in copied) == 0
    assert await run_postgres(case.url, "SELECT COUNT(*) FROM later") == [(0,)]
    await assert_copied(case.file, case.url)


async def test_an_unfinished_copy_of_another_source_is_left_alone(case: CopyCase, tmp_path: Path):
    with pytest.raises(Interrupted):
        await case.copy(interrupt_at("compare"))
    other = tmp_path / "other" / "hogsend.db"
    other.parent.mkdir()
    shutil.copy(case.file, other)
    run_sqlite(other, "DELETE FROM contacts")

    with pytest.raises(StartError, match=r"unfinished copy of .*/hogsend\.db"):
        await copy(other, case.url, case.clock.now(), ignore_progress)

    assert await run_postgres(case.url, "SELECT COUNT(*) FROM contacts") == [(ROWS,)]
    await case.copy()


async def test_the_copy_of_a_renamed_source_is_resumed(case: CopyCase, tmp_path: Path):
    with pytest.raises(Interrupted):
        await case.copy(interrupt_at("compare"))
    moved = case.file.rename(tmp_path / "moved.db")

    copied = await copy(moved, case.url, case.clock.now(), ignore_progress)

    assert sum(result.added for result in copied) == 0


async def test_a_second_copy_at_the_same_time_is_refused(
    case: CopyCase, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("hogsend.store.data_migration.target._LOCK_TIMEOUT", 0)
    other_copy = await asyncpg.connect(case.url)
    await other_copy.execute(f"SELECT pg_advisory_lock({0x68736D6F7665})")
    with pytest.raises(StartError, match="Another copy"):
        await case.copy()
    await other_copy.close()


# -- compared -------------------------------------------------------------------------------------

CHANGED_VALUES = (
    ("events", "value = value + 5e-17 WHERE value > 0.3 AND value < 0.4"),
    ("events", "value = '-0.0' WHERE value = 0"),
    ("events", "currency = NULL WHERE currency = '3é'"),
    ("events", "occurred_at = occurred_at + 1 WHERE occurred_at = 1"),
    ("enrollments", "error = '' WHERE error = '3é'"),
    ("enrollments", "wait = wait || ' ' WHERE wait = '3é'"),
    (
        "contacts",
        """properties = jsonb_set(properties, '{z}', '1.0') WHERE properties->>'z' = '1'""",
    ),
    (
        "contacts",
        """properties = jsonb_set(properties, '{z}', '"1"') WHERE properties->>'z' = '1'""",
    ),
    ("contacts", """properties = properties || '{"y": null}' WHERE properties->>'z' = '1'"""),
    ("messages", "mail = mail || '\\x00'::bytea WHERE subject = '3é'"),
    ("consents", "subscribed = NOT subscribed WHERE list_id = '3é'"),
    ("counters", "value = value + 1 WHERE name = '3é'"),
)


@pytest.mark.parametrize(("table", "assignment"), CHANGED_VALUES)
async def test_the_row_of_a_single_changed_value_is_named(
    case: CopyCase, table: str, assignment: str
):
    with pytest.raises(Interrupted):
        await case.copy(interrupt_at("compare"))
    key = next(known.key.name for known in list_tables() if known.name == table)
    sql = f"UPDATE {table} SET {assignment} RETURNING {key}"
    ((row,),) = await run_postgres(case.url, sql)

    with pytest.raises(HogsendError, match=f"table {table} differs from the source") as refusal:
        await case.copy()

    assert f"at the row {row}." in refusal.value.message
    await case.copy()
    await assert_copied(case.file, case.url)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM hits WHERE kind = '3é'",
        "DELETE FROM hits",
        # A row before all others, and one behind the last row of the source.
        *(
            f"INSERT INTO hits SELECT '{key}', send_id, kind, position, url, verdict, agent, "
            "network, at, held_until FROM hits WHERE kind = '3é'"
            for key in (UUID(int=0), UUID(int=2**128 - 1))
        ),
    ],
)
async def test_a_row_too_few_or_too_many_is_caught(case: CopyCase, statement: str):
    def report(progress: Progress) -> None:
        if progress.phase == "compare" and progress.table == "meta":
            subprocess.run([sys.executable, "-c", RUN_SQL, case.url, statement], check=True)

    with pytest.raises(HogsendError, match="table hits differs from the source"):
        await case.copy(report)


RUN_SQL = """
import asyncio, asyncpg, sys

async def run():
    database = await asyncpg.connect(sys.argv[1])
    await database.execute(sys.argv[2])
    await database.close()

asyncio.run(run())
"""


def test_a_checksum_distinguishes_similar_values():
    def checksum_text(*rows: tuple[Any, ...]) -> str:
        checksum = Checksum()
        checksum.add(rows)
        return checksum.text

    similar_values = [None, "", "None", b"", 0, 0.0, -0.0, False, "0", b"0", "\n", "',"]
    checksums = [checksum_text((value,)) for value in similar_values] + [
        checksum_text(("a", "b")),
        checksum_text(("ab", "")),
        checksum_text(("a",), ("b",)),
    ]
    assert len(set(checksums)) == len(checksums)
    in_two_batches = Checksum()
    in_two_batches.add([("a",)])
    in_two_batches.add([("b",)])
    assert in_two_batches.text == checksum_text(("a",), ("b",))


@pytest.fixture
async def postgres(postgres_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


async def test_json_has_the_form_that_postgres_gives_it(postgres: Any):
    numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers()
    leaves = (
        st.none()
        | st.booleans()
        | numbers
        | st.text(st.characters(exclude_characters="\0", codec="utf-8"))
    )
    trees = st.recursive(
        leaves,
        lambda children: (
            st.lists(children)
            | st.dictionaries(
                st.text(st.characters(exclude_characters="\0", codec="utf-8")), children
            )
        ),
    )
    documents: list[str] = ["0e5", "-0", "0.00", "1.50e1", "1E400", "-0.0e-3", "1e-400", "[1.0, 1]"]

    @settings(max_examples=300, database=None)
    @given(trees, st.booleans())
    def collect(tree: Any, escaped: bool) -> None:
        documents.append(json.dumps(tree, ensure_ascii=escaped))

    collect()
    rows = await postgres.fetch("SELECT a, a::jsonb::text FROM unnest($1::text[]) a", documents)
    assert [row[0] for row in rows if to_canonical_json(row[0]) != to_canonical_json(row[1])] == []


# -- what Postgres cannot store -------------------------------------------------------------------

UNSTORABLE_VALUES = (
    ("contacts", "email", "a\0b", "NUL character"),
    ("contacts", "properties", '{"a": ["x\\u0000"]}', "NUL character"),
    ("contacts", "properties", '{"a\\u0000": 1}', "NUL character"),
    ("contacts", "properties", '{"a": "\\ud83c"}', "lone surrogate"),
    ("contacts", "properties", '{"a": NaN}', "NaN"),
    ("contacts", "properties", '{"a": 1e999999}', "too many digits"),
    ("contacts", "properties", '{"a": 1e-20000}', "too many digits"),
    ("contacts", "properties", '{"a": 1', "is not JSON"),
    ("contacts", "properties", b"{}", "is bytes and not JSON"),
    ("contacts", "properties", "[" * 100_000 + "]" * 100_000, "nested too deeply"),
    ("events", "currency", "EURO", "4 characters, and its column allows 3"),
    ("events", "depth", 2**31, "INT cannot store"),
    ("events", "depth", 1.5, "a float and not an integer"),
    ("events", "contact_id", b"short", "UUID of 16 bytes"),
    ("enrollments", "error", b"text", "is bytes and not text"),
    ("messages", "mail", "text", "is text and not bytes"),
    ("consents", "subscribed", 2, "not a boolean"),
)


@pytest.mark.parametrize(("table", "column", "value", "reason"), UNSTORABLE_VALUES)
async def test_unstorable_values_are_named_before_the_copy(
    case: CopyCase, table: str, column: str, value: Any, reason: str
):
    with closing(sqlite3.connect(case.file)) as database, database:
        key = next(known.key for known in list_tables() if known.name == table)
        row = database.execute(f"SELECT {key.name} FROM {table} LIMIT 1 OFFSET 4").fetchone()
        database.execute(f"UPDATE {table} SET {column} = ? WHERE {key.name} = ?", [value, *row])

    with pytest.raises(HogsendError, match=reason) as refusal:
        await case.copy()

    assert f"row {key.show(row[0])} of the table {table}: its {column}" in refusal.value.message
    assert await run_postgres(case.url, "SELECT * FROM pg_tables WHERE schemaname = 'public'") == []


@pytest.mark.parametrize(
    ("table", "column", "row"),
    [("turns", "steps", "row 4"), ("identities", "identity", "row '4\ufffd'")],
)
async def test_text_that_is_not_utf_8_is_named(case: CopyCase, table: str, column: str, row: str):
    run_sqlite(
        case.file, f"UPDATE {table} SET {column} = CAST(X'34FF' AS TEXT) WHERE {column} = '4é'"
    )

    with pytest.raises(HogsendError, match="is text that is not UTF-8") as refusal:
        await case.copy()

    assert f"{row} of the table {table}: its {column}" in refusal.value.message


# -- the target -----------------------------------------------------------------------------------


async def test_an_existing_schema_is_accepted(file: Path, postgres_url: str, clock: ManualClock):
    await copy(file, postgres_url, clock.now(), ignore_progress)
    await assert_copied(file, postgres_url)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("CREATE TABLE invoices (id INT)", "it has a table invoices"),
        ("INSERT INTO meta VALUES ('a', 'b')", "its table meta has rows"),
    ],
)
async def test_a_target_with_something_in_it_is_refused_and_left_alone(
    file: Path, postgres_url: str, clock: ManualClock, statement: str, reason: str
):
    await run_postgres(postgres_url, statement)

    with pytest.raises(StartError, match=reason):
        await copy(file, postgres_url, clock.now(), ignore_progress)

    assert await run_postgres(postgres_url, "SELECT COUNT(*) FROM contacts") == [(0,)]
    assert await find_pending(postgres_url) == []


async def test_a_finished_copy_is_not_copied_into_again(case: CopyCase):
    await case.copy()

    with pytest.raises(StartError, match="is not empty") as refusal:
        await case.copy()

    assert "If a copy was finished there" in refusal.value.remedy


async def test_a_database_that_cannot_hold_every_text_is_refused(
    file: Path, postgres_server: str, clock: ManualClock
):
    make = "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    await run_postgres(postgres_server, make)
    try:
        with pytest.raises(StartError, match="LATIN1"):
            await copy(
                file, postgres_server.replace("/postgres?", "/latin?"), clock.now(), ignore_progress
            )
    finally:
        await run_postgres(postgres_server, "DROP DATABASE latin")


async def test_a_postgres_that_is_not_there_is_an_error_with_a_remedy(
    file: Path, tmp_path: Path, clock: ManualClock
):
    with pytest.raises(StartError, match="connection to Postgres failed") as refusal:
        await copy(
            file, f"postgres://hogsend@/hogsend?host={tmp_path}", clock.now(), ignore_progress
        )
    assert refusal.value.remedy


async def test_a_lost_connection_is_an_error_with_a_remedy(case: CopyCase):
    terminate = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )

    def report(progress: Progress) -> None:
        if progress.phase == "copy" and progress.table == "events":
            subprocess.run([sys.executable, "-c", RUN_SQL, case.url, terminate], check=True)

    with pytest.raises(HogsendError, match="Postgres stopped the copy") as refusal:
        await case.copy(report)
    assert "run the command again" in refusal.value.remedy

    await case.copy()
    await assert_copied(case.file, case.url)


# -- the source -----------------------------------------------------------------------------------


async def test_the_source_is_not_touched(case: CopyCase):
    run_sqlite(case.file, "PRAGMA journal_mode = WAL")
    before = fingerprint_files(case.file)
    fingerprints: list[dict[str, tuple[str, int]]] = []

    await case.copy(lambda _: fingerprints.append(fingerprint_files(case.file)))

    assert before == fingerprint_files(case.file)
    assert list(before) == ["hogsend.db"]
    assert all(fingerprint == before for fingerprint in fingerprints)


async def test_the_source_cannot_be_opened_during_the_copy(case: CopyCase):
    run_sqlite(case.file, "PRAGMA journal_mode = WAL")
    opening = (
        "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('SELECT * FROM meta')"
    )
    errors: list[str] = []

    def report(progress: Progress) -> None:
        if progress.table == "contacts":
            command = [sys.executable, "-c", opening, str(case.file)]
            errors.append(subprocess.run(command, capture_output=True, text=True).stderr)

    await case.copy(report)
    # The copy reports twice when it adds the table, and once when it checks and compares it.
    assert len(errors) == 4
    assert all("database is locked" in error for error in errors)


@pytest.mark.parametrize(
    "options", [("--with-worker",), ("--bind", "127.0.0.1:0")], ids=["worker", "server"]
)
async def test_a_server_on_the_source_is_noticed_with_a_worker_and_without(
    tmp_path: Path, empty_postgres_url: str, clock: ManualClock, options: tuple[str, ...]
):
    async with program(tmp_path) as hogsend:
        await hogsend.start(*options)
        with pytest.raises(StartError, match="is in use"):
            await copy(
                hogsend.data / "hogsend.db", empty_postgres_url, clock.now(), ignore_progress
            )
        await hogsend.stop()
        copied = await copy(
            hogsend.data / "hogsend.db", empty_postgres_url, clock.now(), ignore_progress
        )
    assert sum(result.rows for result in copied) > 0


async def test_rows_that_a_crash_left_in_the_log_are_copied_without_a_change_of_the_log(
    tmp_path: Path, empty_postgres_url: str, clock: ManualClock
):
    async with program(tmp_path) as hogsend:
        await hogsend.start()
        await hogsend.kill()
        file = hogsend.data / "hogsend.db"
        left_behind = file.parent / "migrate-data"
        left_behind.mkdir()
        (left_behind / "hogsend.db-wal").write_bytes(b"of a copy that was killed")
        before = fingerprint_files(file)
        assert file.with_name("hogsend.db-wal").stat().st_size > 0

        await copy(file, empty_postgres_url, clock.now(), ignore_progress)

        assert fingerprint_files(file) == before
        assert not left_behind.exists()
        journeys = await run_postgres(empty_postgres_url, "SELECT COUNT(*) FROM journeys")
        assert journeys == hogsend.rows("SELECT COUNT(*) FROM journeys")
        assert journeys != [(0,)]
    await assert_copied(file, empty_postgres_url)


async def test_a_log_that_cannot_be_copied_is_an_error_with_a_remedy(
    case: CopyCase, monkeypatch: pytest.MonkeyPatch
):
    log = case.file.with_name("hogsend.db-wal")
    log.write_bytes(b"something")
    (case.file.parent / "migrate-data").write_text("a file in its place")
    with pytest.raises(StartError, match="File exists") as refusal:
        await case.copy()
    assert "`hogsend migrate`" in refusal.value.remedy


async def test_a_source_with_an_older_schema_is_refused(case: CopyCase):
    run_sqlite(case.file, "DELETE FROM aerich WHERE id = (SELECT MAX(id) FROM aerich)")
    with pytest.raises(StartError, match="older than this program") as refusal:
        await case.copy()
    assert "`hogsend migrate`" in refusal.value.remedy


async def test_a_source_with_a_newer_schema_is_refused(case: CopyCase):
    run_sqlite(
        case.file,
        "INSERT INTO aerich (version, app, content) VALUES ('9_later.py', 'models', '{}')",
    )
    with pytest.raises(StartError, match="newer than this program"):
        await case.copy()


async def test_a_file_that_is_no_database_is_refused(
    tmp_path: Path, empty_postgres_url: str, clock: ManualClock
):
    file = tmp_path / "hogsend.db"
    file.write_text("Dear diary, " * 1000)
    with pytest.raises(StartError, match="file is not a database"):
        await copy(file, empty_postgres_url, clock.now(), ignore_progress)


async def test_a_damaged_file_is_refused(case: CopyCase):
    with closing(sqlite3.connect(case.file)) as database:
        sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_contacts_1'"
        (page,) = database.execute(sql).fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with case.file.open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(b"\x0a" + bytes(size - 1))
    with pytest.raises(StartError, match="cannot be read"):
        await case.copy()


def test_large_rows_are_read_a_few_at_a_time(sqlite_url: str, monkeypatch: pytest.MonkeyPatch):
    file = parse_sqlite_path(sqlite_url)
    fill(file, 40)
    run_sqlite(file, "UPDATE messages SET mail = ?", b"x" * 10_000)
    monkeypatch.setattr(sources, "MAX_BYTES", 100_000)
    (table,) = [known for known in list_tables() if known.name == "messages"]
    with sources.open_source(file) as source:
        assert [len(rows) for rows in source.read_batches(table)] == [10, 10, 10, 10]
