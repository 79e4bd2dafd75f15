"""The keys of enrollments from before keys of different types differed go on working."""

from __future__ import annotations

import importlib.util
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from hogsend.domain.entry_key import compute_entry_key
from hogsend.domain.event import Event, EventMatch
from hogsend.domain.ids import new_id
from hogsend.domain.journey import Entry, Journey
from hogsend.store import enrollments, events, journeys
from hogsend.store.db import Query, is_sqlite, parse_sqlite_path
from hogsend.store.events import NewEvent
from hogsend.store.migrations import APP, find_folder
from tests.databases import make_enrollment, opened, run_sql

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CART = Journey("cart", "Cart", "", EventMatch("added"), Entry("unlimited"), entry_key="cart.id")
PLAIN = Journey("plain", "Plain", "", EventMatch("added"), Entry("unlimited"))

# The value of the trigger's property, and the key that the release before stored for it.
OLD_KEYS: list[tuple[Any, str]] = [
    ("A", "A"),
    ("7", "7"),
    (8, "8"),
    (9.0, "9"),
    (-1.5, "-1.5"),
    (1e22, "10000000000000000000000"),
    (True, "True"),
    (False, "False"),
    ("True", "True"),
    ("", ""),
    ("=1", "=1"),
    ('="é"\n', '="é"\n'),
    ("x" * 200, "x" * 200),
]


async def run_migration(url: str) -> None:
    """Run the statements of the migration on a database that has had every migration."""
    (file,) = (find_folder(url) / APP).glob("*_entry_key_types.py")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    statements = await migration.upgrade(None)
    if is_sqlite(url):
        with closing(sqlite3.connect(parse_sqlite_path(url))) as connection:
            connection.executescript(statements)
    else:
        await run_sql(url, statements)


async def test_stored_keys_become_those_that_the_triggers_give_now(database_url: str):
    triggers = [
        # The property's own name precedes the path.
        Event(new_id(NOW), "added", {"cart.id": value} if n % 2 else {"cart": {"id": value}})
        for n, (value, _) in enumerate(OLD_KEYS)
    ]
    entered = [
        make_enrollment(NOW, journey_id="cart", entry_key=key, trigger_event_id=trigger.id)
        for trigger, (_, key) in zip(triggers, OLD_KEYS, strict=True)
    ]
    others = [
        # Entered before the journey had a key.
        make_enrollment(NOW, journey_id="cart", trigger_event_id=triggers[0].id),
        make_enrollment(NOW, journey_id="cart", trigger_event_id=triggers[2].id),
        make_enrollment(NOW, journey_id="plain", trigger_event_id=triggers[2].id),
        # Its trigger does not exist.
        make_enrollment(NOW, journey_id="cart", entry_key="5"),
    ]
    async with opened(database_url) as database, database.transaction() as tx:
        await tx.apply(
            [
                *journeys.record_code([CART, PLAIN], [], NOW),
                events.insert(NewEvent(trigger, {}) for trigger in map(_complete, triggers)),
                enrollments.insert([*entered, *others]),
            ]
        )
    await run_migration(database_url)
    async with opened(database_url) as database:
        rows = await database.read_one(
            Query("SELECT entry_key FROM enrollments ORDER BY id", [], list)
        )
    expected = [compute_entry_key(CART, trigger) for trigger in triggers]
    assert [row[0] for row in rows] == [*expected, "", "", "", "5"]


def _complete(event: Event) -> Event:
    return Event(event.id, event.name, event.properties, 1, NOW, NOW, contact_id=new_id(NOW))


async def test_a_corrupt_event_or_definition_does_not_stop_the_migration(sqlite_url: str):
    async with opened(sqlite_url) as database:
        trigger = _complete(Event(new_id(NOW), "added", {"cart": {"id": 1}}))
        keyed = make_enrollment(NOW, journey_id="cart", entry_key="1", trigger_event_id=trigger.id)
        async with database.transaction() as tx:
            await tx.apply(
                [
                    *journeys.record_code([CART, PLAIN], [], NOW),
                    events.insert([NewEvent(trigger, {})]),
                    enrollments.insert([keyed]),
                ]
            )
    with closing(sqlite3.connect(parse_sqlite_path(sqlite_url))) as connection:
        connection.execute("UPDATE events SET properties = '{'")
        connection.execute("UPDATE journeys SET definition = '{' WHERE id = 'plain'")
        connection.commit()
    await run_migration(sqlite_url)
    async with opened(sqlite_url) as database:
        rows = await database.read_one(Query("SELECT entry_key FROM enrollments", [], list))
    assert [row[0] for row in rows] == ["1"]
