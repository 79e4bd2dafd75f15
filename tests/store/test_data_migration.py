"""A copy to Postgres has every value, goes on where it was cut off, and changes no source."""
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
from collections.abc import AsyncIterator, Callable, Sequence
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
from hogsend.store.data_migration.copying import CopiedTable, Progress, copy
from hogsend.store.data_migration.tables import Checksum, Table, list_tables
from hogsend.store.data_migration.values import to_canonical_json
from hogsend.store.db import parse_sqlite_path
from hogsend.store.migrations import apply_pending, find_pending
from hogsend.store.models import MODULES
from tests.processes import program
from tests.world import open_world

ROWS = 7
OWN = ("aerich", "sqlite_sequence")
ReportProgress = Callable[[Progress], None]


class Stopped(Exception):
    """The copy was cut off here."""


def silent(progress: Progress) -> None:
    pass


def stop_at(work: str, table: str = "") -> ReportProgress:
    """Return what cuts the copy off when it begins this."""

    def report(progress: Progress) -> None:
        if progress.work == work and table in ("", progress.table):
            raise Stopped

    return report


def fill(file: Path, rows: int = ROWS) -> None:
    """Put rows into every table that a database has, whatever it is about."""
    with closing(sqlite3.connect(file)) as database, database:
        names = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for (table,) in names:
            if table in OWN:
                continue
            columns = database.execute(f"SELECT name, type FROM pragma_table_info('{table}')")
            kinds = columns.fetchall()
            columns = ", ".join(f'"{name}"' for name, _ in kinds)
            places = ", ".join("?" for _ in kinds)
            database.executemany(
                f'INSERT INTO "{table}" ({columns}) VALUES ({places})',
                [[_value(kind, n) for _, kind in kinds] for n in range(rows)],
            )


def _value(kind: str, n: int) -> Any:
    if kind == "BLOB":
        return hashlib.sha256(b"%d" % n).digest()[:16]
    if kind == "JSON":
        return json.dumps({"z": n, "a": [n / 3, None, "ü"]})
    if kind == "REAL":
        return n / 3
    if kind == "BIGINT":
        return n * 10**15 + 1
    # Both a number and a yes or no; a number that a table gives itself has to be another each time.
    return n if kind == "INTEGER" else n % 2 if kind in ("INT", "SMALLINT") else f"{n}é"


@pytest.fixture
def file(sqlite_url: str) -> Path:
    """A SQLite file with rows in every table."""
    fill(parse_sqlite_path(sqlite_url))
    return parse_sqlite_path(sqlite_url)


@dataclass(frozen=True)
class Move:
    """A SQLite file with rows in every table, and an empty Postgres.

    Args:
        file: the former.
        url: the address of the latter.
        clock: what tells the time.
    """

    file: Path
    url: str
    clock: ManualClock

    async def copy(self, report: ReportProgress = silent) -> Sequence[CopiedTable]:
        return await copy(self.file, self.url, self.clock.now(), report)


@pytest.fixture
def move(file: Path, empty_postgres_url: str, clock: ManualClock) -> Move:
    return Move(file, empty_postgres_url, clock)


def change(file: Path, sql: str, *values: Any) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(sql, values)


def traces(file: Path) -> dict[str, tuple[str, int]]:
    """Return what the files of a database hold, and when each was written last."""
    return {
        one.name: (hashlib.sha256(one.read_bytes()).hexdigest(), one.stat().st_mtime_ns)
        for one in file.parent.glob(f"{file.name}*")
    }


async def asked(url: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    database = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await database.fetch(sql, *values)]
    finally:
        await database.close()


def plain(value: Any) -> Any:
    """Return a value as one can compare it, in another way than the program does."""
    if isinstance(value, UUID):
        return value.bytes
    if isinstance(value, str) and value[:1] in ("{", "["):
        return json.loads(value)
    return repr(float(value)) if isinstance(value, float) else value


async def both_sides(file: Path, url: str, table: str) -> tuple[list[Any], list[Any]]:
    """Return a table's rows in the source and in the copy."""
    (names,) = [one.column_list for one in list_tables() if one.name == table]
    sql = f'SELECT {names} FROM "{table}"'
    with closing(sqlite3.connect(file)) as database:
        here = database.execute(sql).fetchall()
    there = await asked(url, sql)
    return (
        sorted([[plain(value) for value in row] for row in here], key=str),
        sorted([[plain(value) for value in row] for row in there], key=str),
    )


async def assert_copied(file: Path, url: str) -> None:
    assert await find_pending(url) == []
    for table in list_tables():
        here, there = await both_sides(file, url, table.name)
        if table.name == "audit":
            there = [row for row in there if "migrate data" not in row]
        assert there == here, table.name


# -- what is copied -------------------------------------------------------------------------------


def test_every_table_and_column_of_a_database_is_known(sqlite_url: str):
    with closing(sqlite3.connect(parse_sqlite_path(sqlite_url))) as database:
        names = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        present = {
            name: {
                row[0] for row in database.execute(f"SELECT name FROM pragma_table_info('{name}')")
            }
            for (name,) in names.fetchall()
            if name not in OWN
        }
    assert {table.name: set(table.names) for table in list_tables()} == present


async def test_every_table_and_column_of_postgres_is_known(postgres_url: str):
    rows = await asked(
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


async def test_every_row_of_every_table_arrives_as_it_was(move: Move):
    copied = await move.copy()

    assert {one.table.name: one.rows for one in copied} == {one.name: ROWS for one in list_tables()}
    await assert_copied(move.file, move.url)


ODD = (
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


@pytest.mark.parametrize(("place", "values"), ODD)
async def test_values_at_their_limits_arrive_as_they_were(
    sqlite_url: str, empty_postgres_url: str, clock: ManualClock, place: str, values: list[Any]
):
    file, (table, column) = parse_sqlite_path(sqlite_url), place.split(".")
    fill(file, len(values))
    with closing(sqlite3.connect(file)) as database, database:
        ids = database.execute(f"SELECT rowid FROM {table}").fetchall()
        for (row,), value in zip(ids, values, strict=True):
            database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", [value, row])

    await copy(file, empty_postgres_url, clock.now(), silent)

    if column in ("properties", "before"):
        sql = f"SELECT id, {column} FROM {table}"
        with closing(sqlite3.connect(file)) as database:
            here = {row[0]: _json(row[1]) for row in database.execute(sql)}
        rows = await asked(empty_postgres_url, sql)
        there = {row[0].bytes: _json(row[1]) for row in rows if row[0].bytes in here}
    else:
        here, there = await both_sides(file, empty_postgres_url, table)
    assert there == here


def _json(stored: Any) -> Any:
    return "nothing" if stored is None else json.loads(str(stored))


async def test_new_rows_are_numbered_after_the_copied_ones(move: Move):
    await move.copy()

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
        assert await asked(move.url, sequence) == [(ROWS,)], table.name


async def test_numbers_begin_with_one_where_there_was_no_row(
    sqlite_url: str, empty_postgres_url: str, clock: ManualClock
):
    await copy(parse_sqlite_path(sqlite_url), empty_postgres_url, clock.now(), silent)

    sequence = "SELECT nextval(pg_get_serial_sequence('turns', 'id'))"
    assert await asked(empty_postgres_url, sequence) == [(1,)]


async def test_postgres_knows_how_much_it_has(move: Move):
    await move.copy()

    known = "SELECT relname FROM pg_class WHERE reltuples = $1"
    assert {row[0] for row in await asked(move.url, known, float(ROWS))} >= {
        table.name for table in list_tables() if table.name != "audit"
    }


@pytest.mark.parametrize("table", list_tables(), ids=lambda table: table.name)
def test_text_keys_are_in_the_order_of_sqlite_whatever_the_language_of_postgres(table: Table):
    # The Postgres of the tests knows no language in which this could be seen.
    is_text = table.name in ("meta", "identities", "idempotency_keys", "journeys", "suppressions")
    assert is_text <= table.key.is_text
    assert targets.build_order(table).endswith(' COLLATE "C"') is table.key.is_text


# -- the story ------------------------------------------------------------------------------------

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

    await copy(parse_sqlite_path(sqlite_url), empty_postgres_url, clock.now(), silent)

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
    change(file, "UPDATE sends SET status = 'sending', sent_at = NULL")

    await copy(file, empty_postgres_url, clock.now(), silent)

    assert await asked(empty_postgres_url, "SELECT status FROM sends") == [("sending",)]
    async with open_world(empty_postgres_url, folder, clock, with_worker=True) as world:
        await world.settle()
        assert [one.status for one in await world.sends()] == ["sent"]
        assert await world.mailbox() == ["welcome"]


async def test_the_audit_log_records_the_copy(move: Move):
    await move.copy()

    sql = "SELECT who, after FROM audit WHERE action = 'migrate data'"
    ((who, after),) = await asked(move.url, sql)
    assert who == "cli"
    assert json.loads(after) == {"from": str(move.file), "rows": ROWS * len(list_tables())}


# -- cut off, and taken up again ------------------------------------------------------------------

LATER = """async def upgrade(db):
    return 'CREATE TABLE later (id INT NOT NULL PRIMARY KEY)'
"""
KILLED = """
import asyncio, os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from hogsend.store.data_migration import source
from hogsend.store.data_migration.copying import copy

source.MAX_ROWS = 2

def report(progress):
    if f"{progress.work} {progress.table} {progress.rows}" == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(copy(Path(sys.argv[1]), sys.argv[2], datetime.now(UTC), report))
"""


KILLS = (
    *("check contacts 4", "copy meta 0", "copy meta 2", "copy events 4", "copy sends 0"),
    *(
        "compare meta 2",
        "compare events 4",
        f"compare {list_tables()[-1].name} {ROWS}",
        "not at all",
    ),
)


async def test_killed_anywhere_and_run_again_it_has_every_row_once(move: Move):
    before, statuses = traces(move.file), list[int]()
    for moment in KILLS:
        command = [sys.executable, "-c", KILLED, str(move.file), move.url, moment]
        statuses.append((await asyncio.to_thread(subprocess.run, command, timeout=60)).returncode)
        assert traces(move.file) == before
    assert statuses == [-signal.SIGKILL] * (len(KILLS) - 1) + [0]
    await assert_copied(move.file, move.url)


async def test_a_resumed_copy_adds_only_the_missing_rows(
    move: Move, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sources, "MAX_ROWS", 3)

    def report(progress: Progress) -> None:
        if (progress.work, progress.table, progress.rows) == ("copy", "events", 6):
            raise Stopped

    with pytest.raises(Stopped):
        await move.copy(report)
    copied = await move.copy()

    added = {one.table.name: one.added for one in copied}
    assert (added["contacts"], added["events"], added["sends"]) == (0, 1, ROWS)


async def test_no_server_starts_on_an_unfinished_copy(move: Move):
    with pytest.raises(Stopped):
        await move.copy(stop_at("compare"))
    with pytest.raises(StartError, match="unfinished_copy"):
        await find_pending(move.url)

    await move.copy()
    assert await find_pending(move.url) == []


async def test_the_copy_starts_over_when_the_source_has_changed(move: Move):
    with pytest.raises(Stopped):
        await move.copy(stop_at("compare"))
    change(move.file, "UPDATE contacts SET email = 'new@example.com' WHERE email LIKE '3%'")
    change(move.file, "DELETE FROM events WHERE name LIKE '3%'")

    copied = await move.copy()

    assert {one.table.name: one.added for one in copied}["contacts"] == ROWS
    await assert_copied(move.file, move.url)


async def test_it_goes_on_with_the_next_version_of_the_program(
    move: Move, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(Stopped):
        await move.copy(stop_at("compare"))
    source = f"sqlite://{move.file}"
    for kind in ("sqlite", "postgres"):
        folder = f"migrations/{kind}"
        shutil.copytree(find_resource(folder), tmp_path / folder)
        (tmp_path / folder / "models" / "1000_20260302090000_later.py").write_text(LATER)
    monkeypatch.setattr(migrations, "find_resource", lambda part: tmp_path / part)
    with pytest.raises(StartError, match="older than this program"):
        await move.copy()
    await apply_pending(source, backups=None)

    copied = await move.copy()

    assert sum(one.added for one in copied) == 0
    assert await asked(move.url, "SELECT COUNT(*) FROM later") == [(0,)]
    await assert_copied(move.file, move.url)


async def test_an_unfinished_copy_of_another_source_is_left_alone(move: Move, tmp_path: Path):
    with pytest.raises(Stopped):
        await move.copy(stop_at("compare"))
    other = tmp_path / "other" / "hogsend.db"
    other.parent.mkdir()
    shutil.copy(move.file, other)
    change(other, "DELETE FROM contacts")

    with pytest.raises(StartError, match=r"unfinished copy of .*/hogsend\.db"):
        await copy(other, move.url, move.clock.now(), silent)

    assert await asked(move.url, "SELECT COUNT(*) FROM contacts") == [(ROWS,)]
    await move.copy()


async def test_a_source_that_was_moved_goes_on(move: Move, tmp_path: Path):
    with pytest.raises(Stopped):
        await move.copy(stop_at("compare"))
    moved = move.file.rename(tmp_path / "moved.db")

    copied = await copy(moved, move.url, move.clock.now(), silent)

    assert sum(one.added for one in copied) == 0


async def test_two_copies_at_once_are_one(move: Move, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hogsend.store.data_migration.target._LOCK_TIMEOUT", 0)
    holder = await asyncpg.connect(move.url)
    await holder.execute(f"SELECT pg_advisory_lock({0x68736D6F7665})")
    with pytest.raises(StartError, match="Another copy"):
        await move.copy()
    await holder.close()


# -- compared -------------------------------------------------------------------------------------

CHANGES = (
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


@pytest.mark.parametrize(("table", "changed"), CHANGES)
async def test_a_single_changed_value_is_caught_and_named(move: Move, table: str, changed: str):
    with pytest.raises(Stopped):
        await move.copy(stop_at("compare"))
    key = next(one.key.name for one in list_tables() if one.name == table)
    sql = f"UPDATE {table} SET {changed} RETURNING {key}"
    ((row,),) = await asked(move.url, sql)

    with pytest.raises(HogsendError, match=f"table {table} differs from the source") as refusal:
        await move.copy()

    assert f"at the row {row}." in refusal.value.message
    await move.copy()
    await assert_copied(move.file, move.url)


@pytest.mark.parametrize(
    "lost",
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
async def test_a_row_too_few_or_too_many_is_caught(move: Move, lost: str):
    def report(progress: Progress) -> None:
        if progress.work == "compare" and progress.table == "meta":
            with closing(sqlite3.connect(":memory:")):
                subprocess.run([sys.executable, "-c", RUN_SQL, move.url, lost], check=True)

    with pytest.raises(HogsendError, match="table hits differs from the source"):
        await move.copy(report)


RUN_SQL = """
import asyncio, asyncpg, sys

async def run():
    database = await asyncpg.connect(sys.argv[1])
    await database.execute(sys.argv[2])
    await database.close()

asyncio.run(run())
"""


def test_a_checksum_distinguishes_similar_values():
    def of(*rows: tuple[Any, ...]) -> str:
        checksum = Checksum()
        checksum.add(rows)
        return checksum.text

    alike = [None, "", "None", b"", 0, 0.0, -0.0, False, "0", b"0", "\n", "',"]
    sums = [of((one,)) for one in alike] + [of(("a", "b")), of(("ab", "")), of(("a",), ("b",))]
    assert len(set(sums)) == len(sums)
    halves = Checksum()
    halves.add([("a",)])
    halves.add([("b",)])
    assert halves.text == of(("a",), ("b",))


@pytest.fixture
async def printing(postgres_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


async def test_json_has_the_form_that_postgres_gives_it(printing: Any):
    numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers()
    leaves = (
        st.none()
        | st.booleans()
        | numbers
        | st.text(st.characters(exclude_characters="\0", codec="utf-8"))
    )
    trees = st.recursive(
        leaves,
        lambda more: (
            st.lists(more)
            | st.dictionaries(st.text(st.characters(exclude_characters="\0", codec="utf-8")), more)
        ),
    )
    found: list[str] = ["0e5", "-0", "0.00", "1.50e1", "1E400", "-0.0e-3", "1e-400", "[1.0, 1]"]

    @settings(max_examples=300, database=None)
    @given(trees, st.booleans())
    def collect(tree: Any, escaped: bool) -> None:
        found.append(json.dumps(tree, ensure_ascii=escaped))

    collect()
    rows = await printing.fetch("SELECT a, a::jsonb::text FROM unnest($1::text[]) a", found)
    assert [row[0] for row in rows if to_canonical_json(row[0]) != to_canonical_json(row[1])] == []


# -- what Postgres cannot hold --------------------------------------------------------------------

UNFIT = (
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


@pytest.mark.parametrize(("table", "column", "value", "why"), UNFIT)
async def test_values_that_postgres_cannot_hold_are_named_before_the_copy(
    move: Move, table: str, column: str, value: Any, why: str
):
    with closing(sqlite3.connect(move.file)) as database, database:
        key = next(one.key for one in list_tables() if one.name == table)
        row = database.execute(f"SELECT {key.name} FROM {table} LIMIT 1 OFFSET 4").fetchone()
        database.execute(f"UPDATE {table} SET {column} = ? WHERE {key.name} = ?", [value, *row])

    with pytest.raises(HogsendError, match=why) as refusal:
        await move.copy()

    assert f"row {key.show(row[0])} of the table {table}: its {column}" in refusal.value.message
    assert await asked(move.url, "SELECT * FROM pg_tables WHERE schemaname = 'public'") == []


@pytest.mark.parametrize(
    ("table", "column", "named"),
    [("turns", "steps", "row 4"), ("identities", "identity", "row '4\ufffd'")],
)
async def test_text_that_is_not_utf_8_is_named(move: Move, table: str, column: str, named: str):
    change(move.file, f"UPDATE {table} SET {column} = CAST(X'34FF' AS TEXT) WHERE {column} = '4é'")

    with pytest.raises(HogsendError, match="is text that is not UTF-8") as refusal:
        await move.copy()

    assert f"{named} of the table {table}: its {column}" in refusal.value.message


# -- the target -----------------------------------------------------------------------------------


async def test_an_existing_schema_is_accepted(file: Path, postgres_url: str, clock: ManualClock):
    await copy(file, postgres_url, clock.now(), silent)
    await assert_copied(file, postgres_url)


@pytest.mark.parametrize(
    ("there", "named"),
    [
        ("CREATE TABLE invoices (id INT)", "it has a table invoices"),
        ("INSERT INTO meta VALUES ('a', 'b')", "its table meta has rows"),
    ],
)
async def test_a_target_with_something_in_it_is_refused_and_left_alone(
    file: Path, postgres_url: str, clock: ManualClock, there: str, named: str
):
    await asked(postgres_url, there)

    with pytest.raises(StartError, match=named):
        await copy(file, postgres_url, clock.now(), silent)

    assert await asked(postgres_url, "SELECT COUNT(*) FROM contacts") == [(0,)]
    assert await find_pending(postgres_url) == []


async def test_a_finished_copy_is_not_copied_into_again(move: Move):
    await move.copy()

    with pytest.raises(StartError, match="is not empty") as refusal:
        await move.copy()

    assert "If a copy was finished there" in refusal.value.remedy


async def test_a_database_that_cannot_hold_every_text_is_refused(
    file: Path, postgres_server: str, clock: ManualClock
):
    make = "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    await asked(postgres_server, make)
    try:
        with pytest.raises(StartError, match="LATIN1"):
            await copy(file, postgres_server.replace("/postgres?", "/latin?"), clock.now(), silent)
    finally:
        await asked(postgres_server, "DROP DATABASE latin")


async def test_a_postgres_that_is_not_there_is_an_error_with_a_remedy(
    file: Path, tmp_path: Path, clock: ManualClock
):
    with pytest.raises(StartError, match="connection to Postgres failed") as refusal:
        await copy(file, f"postgres://hogsend@/hogsend?host={tmp_path}", clock.now(), silent)
    assert refusal.value.remedy


async def test_a_lost_connection_is_an_error_with_a_remedy(move: Move):
    lost = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )

    def report(progress: Progress) -> None:
        if progress.work == "copy" and progress.table == "events":
            subprocess.run([sys.executable, "-c", RUN_SQL, move.url, lost], check=True)

    with pytest.raises(HogsendError, match="Postgres stopped the copy") as refusal:
        await move.copy(report)
    assert "run the command again" in refusal.value.remedy

    await move.copy()
    await assert_copied(move.file, move.url)


# -- the source -----------------------------------------------------------------------------------


async def test_the_source_is_not_touched(move: Move):
    change(move.file, "PRAGMA journal_mode = WAL")
    before = traces(move.file)
    seen: list[dict[str, tuple[str, int]]] = []

    await move.copy(lambda _: seen.append(traces(move.file)))

    assert before == traces(move.file)
    assert list(before) == ["hogsend.db"]
    assert all(one == before for one in seen)


async def test_nobody_opens_the_source_during_the_copy(move: Move):
    change(move.file, "PRAGMA journal_mode = WAL")
    opening = (
        "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('SELECT * FROM meta')"
    )
    complaints: list[str] = []

    def report(progress: Progress) -> None:
        if progress.table == "contacts":
            command = [sys.executable, "-c", opening, str(move.file)]
            complaints.append(subprocess.run(command, capture_output=True, text=True).stderr)

    await move.copy(report)
    assert len(complaints) == 4
    assert all("database is locked" in one for one in complaints)


@pytest.mark.parametrize(
    "options", [("--with-worker",), ("--bind", "127.0.0.1:0")], ids=["worker", "server"]
)
async def test_a_server_on_the_source_is_noticed_with_a_worker_and_without(
    tmp_path: Path, empty_postgres_url: str, clock: ManualClock, options: tuple[str, ...]
):
    async with program(tmp_path) as hogsend:
        await hogsend.start(*options)
        with pytest.raises(StartError, match="is in use"):
            await copy(hogsend.data / "hogsend.db", empty_postgres_url, clock.now(), silent)
        await hogsend.stop()
        copied = await copy(hogsend.data / "hogsend.db", empty_postgres_url, clock.now(), silent)
    assert sum(one.rows for one in copied) > 0


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
        before = traces(file)
        assert before["hogsend.db-wal"]

        await copy(file, empty_postgres_url, clock.now(), silent)

        assert traces(file) == before
        assert not left_behind.exists()
        journeys = await asked(empty_postgres_url, "SELECT COUNT(*) FROM journeys")
        assert journeys == hogsend.rows("SELECT COUNT(*) FROM journeys")
        assert journeys != [(0,)]
    await assert_copied(file, empty_postgres_url)


async def test_a_log_that_cannot_be_copied_is_an_error_with_a_remedy(
    move: Move, monkeypatch: pytest.MonkeyPatch
):
    log = move.file.with_name("hogsend.db-wal")
    log.write_bytes(b"something")
    (move.file.parent / "migrate-data").write_text("a file in its place")
    with pytest.raises(StartError, match="File exists") as refusal:
        await move.copy()
    assert "`hogsend migrate`" in refusal.value.remedy


async def test_a_source_with_an_older_schema_is_refused(move: Move):
    change(move.file, "DELETE FROM aerich WHERE id = (SELECT MAX(id) FROM aerich)")
    with pytest.raises(StartError, match="older than this program") as refusal:
        await move.copy()
    assert "`hogsend migrate`" in refusal.value.remedy


async def test_a_source_with_a_newer_schema_is_refused(move: Move):
    change(
        move.file,
        "INSERT INTO aerich (version, app, content) VALUES ('9_later.py', 'models', '{}')",
    )
    with pytest.raises(StartError, match="newer than this program"):
        await move.copy()


async def test_a_file_that_is_no_database_is_refused(
    tmp_path: Path, empty_postgres_url: str, clock: ManualClock
):
    file = tmp_path / "hogsend.db"
    file.write_text("Dear diary, " * 1000)
    with pytest.raises(StartError, match="file is not a database"):
        await copy(file, empty_postgres_url, clock.now(), silent)


async def test_a_damaged_file_is_refused(move: Move):
    with closing(sqlite3.connect(move.file)) as database:
        sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_contacts_1'"
        (page,) = database.execute(sql).fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with move.file.open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(b"\x0a" + bytes(size - 1))
    with pytest.raises(StartError, match="cannot be read"):
        await move.copy()


def test_large_rows_are_read_a_few_at_a_time(sqlite_url: str, monkeypatch: pytest.MonkeyPatch):
    file = parse_sqlite_path(sqlite_url)
    fill(file, 40)
    change(file, "UPDATE messages SET mail = ?", b"x" * 10_000)
    monkeypatch.setattr(sources, "MAX_BYTES", 100_000)
    (table,) = [one for one in list_tables() if one.name == "messages"]
    with sources.open_source(file) as source:
        assert [len(rows) for rows in source.read_batches(table)] == [10, 10, 10, 10]
