"""One statement runs on both databases; a transaction happens as a whole or not at all."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from uuid import UUID

import pytest

from hogsend.domain.contact import Contact
from hogsend.domain.ids import new_id
from hogsend.errors import ConfigError
from hogsend.store import contacts
from hogsend.store.db import Database, Query, Write, is_sqlite, parse_sqlite_path, read_scalar
from hogsend.store.dialects import PostgresDialect, SqliteDialect, join_updates, run_writes
from hogsend.store.fields import EPOCH, from_micros, to_id, to_micros
from tests.databases import opened


def count(name: str, by: int = 1) -> Write:
    return Write("INSERT INTO counters (name, day, value) VALUES (?,?,?)", [(name, 0, by)])


def names() -> Query[list[str]]:
    return Query("SELECT name FROM counters ORDER BY name", [], lambda rows: [r[0] for r in rows])


async def test_a_transaction_sees_what_it_wrote_and_others_see_it_when_it_is_over(
    database: Database,
):
    async with database.transaction() as tx:
        await tx.apply([count("a"), count("b")])
        assert await tx.fetch_one(names()) == ["a", "b"]
        assert await database.read_one(names()) == []
        await tx.apply([count("c")])
    assert await database.read_one(names()) == ["a", "b", "c"]


async def test_a_transaction_that_raises_has_not_happened(database: Database):
    with pytest.raises(LookupError):
        async with database.transaction() as tx:
            await tx.apply([count("a")])
            await tx.fetch_one(names())
            await tx.apply([count("b")])
            raise LookupError
    assert await database.read_one(names()) == []


async def test_a_write_that_fails_undoes_those_before_it(database: Database):
    await _write(database, count("taken"))
    with pytest.raises(Exception, match=r"(?i)unique"):
        await _write(database, count("a"), count("taken"))
    assert await database.read_one(names()) == ["taken"]
    await _write(database, count("b"))
    assert await database.read_one(names()) == ["b", "taken"]


async def test_a_transaction_that_is_given_up_leaves_nothing_locked(database: Database):
    begun = asyncio.Event()

    async def hold() -> None:
        async with database.transaction() as tx:
            await tx.apply([count("a")])
            await tx.fetch_one(names())
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await _write(database, count("b"))
    assert await database.read_one(names()) == ["b"]


async def test_pages_never_wait_behind_the_writer(database: Database):
    await _write(database, count("before"))
    async with database.transaction() as tx:
        await tx.apply([count("now")])
        await tx.fetch_one(names())
        assert await database.read_one(names()) == ["before"]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 200])
async def test_a_list_of_any_length_can_be_asked_for(database: Database, size: int):
    now = from_micros(to_micros(EPOCH) + 10**15)
    people = [Contact(new_id(now), user_id=f"u{n}") for n in range(10)]
    await _write(database, contacts.insert(people, now))
    wanted = [person.id for person in people] * 20
    by_id = await database.read_one(contacts.find_by_ids(wanted[:size]))
    assert len(by_id) == min(size, 10)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 1000, 2500])
async def test_a_set_of_any_size_can_be_written(database: Database, size: int):
    rows = [(f"n{n}", 0, n) for n in range(size)]
    await _write(database, Write("INSERT INTO counters (name, day, value) VALUES (?,?,?)", rows))
    total = Query("SELECT COUNT(*), COALESCE(SUM(value), 0) FROM counters", [], list)
    ((number, values),) = await database.read_one(total)
    assert (number, int(values)) == (size, sum(range(size)))


async def test_rows_that_are_updated_in_any_order_each_get_their_own_values(database: Database):
    known = [Contact(new_id(EPOCH), user_id=f"u{n}", event_seq=n) for n in range(1000)]
    await _write(database, contacts.insert(known, EPOCH))
    changed = [contact.take_event(contact.event_seq + 7, EPOCH, {"n": 1}) for contact in known[:-1]]
    await _write(database, contacts.update(changed, EPOCH))
    stored = await database.read_one(contacts.find_by_ids([contact.id for contact in known]))
    assert [(stored[c.id].event_seq, stored[c.id].properties) for c in known] == [
        *((n + 7, {"n": 1}) for n in range(999)),
        (999, {}),
    ]


def test_many_rows_are_updated_by_few_statements():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)")
        connection.executemany("INSERT INTO t VALUES (?, 0, 0)", [(n,) for n in range(500)])
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        update = join_updates("UPDATE t SET a = ?, b = ? WHERE id = ?")
        run_writes(connection, [(update, [(n, -n, n) for n in range(500)])])
        assert len(statements) <= 9
        assert connection.execute("SELECT COUNT(*) FROM t WHERE a = id AND b = -id").fetchone() == (
            500,
        )


async def test_postgres_keeps_no_plan_for_a_list_of_many_ids(postgres_url: str) -> None:
    """It was made while the table was empty, and would read all of it when it has grown."""
    identities = [f"u:{n}" for n in range(500)]
    plans: Query[int] = Query(
        "SELECT SUM(generic_plans)::bigint FROM pg_prepared_statements WHERE statement LIKE ?",
        ["%FROM identities%"],
        read_scalar,
    )
    async with opened(postgres_url) as database, database.transaction() as tx:
        for _ in range(10):
            await tx.fetch(contacts.find_by_identities(identities))
        assert await tx.fetch_one(plans) == 0
        await tx.apply([count("a"), count("b")])
        (mode,) = await tx.fetch(Query("SHOW plan_cache_mode", [], read_scalar))
        assert mode == "auto"


async def test_ids_and_instants_come_back_as_they_were(database: Database):
    now = from_micros(1_772_442_000_123_457)
    contact = Contact(
        new_id(now), "ada", "a@example.com", {"ü": [1, {"x": None}]}, "b", 7, now, now
    )
    await _write(database, contacts.insert([contact], now))
    stored = await database.read_one(contacts.find(contact.id))
    assert stored == contact
    (raw,) = await database.read_one(Query("SELECT id FROM contacts", [], list))
    assert isinstance(to_id(raw[0]), UUID)


async def test_nothing_to_read_is_none(database: Database):
    assert await database.read_one(Query("SELECT name FROM counters", [], read_scalar)) is None


def test_a_list_is_rendered_for_each_database():
    sql, values = "SELECT 1 WHERE a IN ? AND b = ?", [[1, 2, 3], "x"]
    assert SqliteDialect().translate(sql, values) == (
        "SELECT 1 WHERE a IN (?,?,?,?) AND b = ?",
        [1, 2, 3, 3, "x"],
    )
    assert PostgresDialect().translate(sql, values) == (
        "SELECT 1 WHERE a = ANY($1) AND b = $2",
        [[1, 2, 3], "x"],
    )


def test_an_address_of_no_known_database_is_refused():
    assert is_sqlite("sqlite://x.db")
    assert not is_sqlite("postgres://localhost/x")
    with pytest.raises(ConfigError, match="mysql"):
        is_sqlite("mysql://localhost/x")


async def _write(database: Database, *writes: Write) -> None:
    async with database.transaction() as tx:
        await tx.apply(writes)


async def test_the_options_of_an_address_that_hosts_give_out_are_taken(postgres_url: str):
    options = "sslmode=prefer&application_name=mail%20team&target_session_attrs=read-write"
    opened = Database(f"{postgres_url}&{options}")
    await opened.open()
    name = Query("SELECT current_setting('application_name')", [], read_scalar)
    assert await opened.read_one(name) == "mail team"
    await opened.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgres://u@h:abc/x", "cannot be parsed"),
        ("postgres://[::1/x", "cannot be parsed"),
        ("postgres://", "no host and no database name"),
        ("postgres://u@h/x?bogus=1", "the option 'bogus=1'"),
        ("postgres://u@h/x?sslmode=sure", "the option 'sslmode=sure'"),
    ],
)
async def test_an_address_that_cannot_be_used_is_refused_with_a_remedy(url: str, message: str):
    with pytest.raises(ConfigError, match=message) as refused:
        await Database(url).open()
    assert refused.value.remedy


async def test_emptying_the_log_waits_for_nobody_who_reads(sqlite_url: str) -> None:
    async with opened(sqlite_url) as database:
        log = parse_sqlite_path(sqlite_url).with_suffix(".db-wal")
        with closing(sqlite3.connect(parse_sqlite_path(sqlite_url))) as reader:
            async with database.transaction() as tx:
                await tx.apply([Write("INSERT INTO meta (key, value) VALUES ('a', 'b')")])
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM meta").fetchall()
            async with database.transaction() as tx:
                await tx.apply([Write("UPDATE meta SET value = 'c' WHERE key = 'a'")])
            start = time.monotonic()
            await database.empty_log()
            # A connection waits five seconds for others.
            assert time.monotonic() - start < 4
            assert log.stat().st_size > 0
        await database.empty_log()
        assert log.stat().st_size == 0
