"""Rows of imported files make the same contacts on every way through the code."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hogsend.domain.import_cells import AddressSuppression, ImportedChoice
from hogsend.domain.import_rows import ContactFacts
from hogsend.errors import TooLarge
from hogsend.ingest.contact_import import ImportedContact, import_contacts
from hogsend.ingest.contact_resolver import ContactResolver
from hogsend.ingest.rules import IngestRules
from hogsend.store import erasures, meta
from hogsend.store.counters import Tally
from hogsend.store.db import Database, Query, Transaction
from tests.databases import opened

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ERASED_ADDRESS = "e2@example.com"
SALT = "ab" * 16

_USERS = st.sampled_from([None, "u1", "u2", "u3"])
_ADDRESSES = st.sampled_from([None, "e1@example.com", ERASED_ADDRESS, "e3@example.com"])
_BROWSERS = st.sampled_from([None, None, "a1"])
_ALIASES = st.lists(
    st.sampled_from(["u:u1", "u:u4", "e:e1@example.com", "e:e4@example.com", "a:a2"]), max_size=2
)
_LONG = "é" * 20_000
_VALUES = st.sampled_from([None, True, 1, 1.5, "", "pro", "é", {"a": [1]}, _LONG])
_INSTANTS = st.sampled_from([None, NOW - timedelta(days=2), NOW - timedelta(days=1)])
_CHOICES = st.dictionaries(
    st.sampled_from(["*", "news"]),
    st.builds(ImportedChoice, st.booleans(), _INSTANTS, st.sampled_from([None, "person"])),
    max_size=2,
)
_ROWS = st.builds(
    ContactFacts,
    user_id=_USERS,
    email=_ADDRESSES,
    anonymous_id=_BROWSERS,
    aliases=_ALIASES.map(tuple),
    properties=st.dictionaries(st.sampled_from("abcd"), _VALUES, max_size=4),
    choices=_CHOICES,
    suppression=st.sampled_from([None, AddressSuppression("hard_bounce", NOW)]),
    first_seen_at=_INSTANTS,
    last_seen_at=_INSTANTS,
).filter(
    lambda facts: facts.email or ((facts.user_id or facts.anonymous_id) and not facts.suppression)
)
_TABLES = {
    "contacts": "id, external_id, email, anonymous_id, properties, event_seq, revision, "
    "first_seen_at, last_seen_at, created_at, updated_at, merged_into",
    "identities": "contact_id, identity",
    "consents": "contact_id, list_id, subscribed, changed_at, source",
    "suppressions": "address, reason, at",
    "counters": "name, day, value",
}


class _RollBack(Exception):
    """Ends the transaction of an example."""


async def _read_rows(tx: Transaction) -> list[Any]:
    """Return all rows, with each contact's id replaced by when it was made."""
    tables: list[list[Any]] = [
        await tx.fetch_one(Query(f"SELECT {columns} FROM {table}", [], list))  # noqa: S608
        for table, columns in _TABLES.items()
    ]
    order = {row[0]: number for number, row in enumerate(sorted(tables[0]))}
    return [
        sorted(repr([order.get(value, value) for value in row]) for row in rows) for rows in tables
    ]


async def _import(database: Database, rows: Sequence[ContactFacts]) -> list[Any]:
    """Return what an import of some rows does, and take it back."""
    outcome: list[Any] = []
    try:
        async with database.transaction() as tx:
            tally, results = Tally(NOW), list[ImportedContact | TooLarge]()
            # The second half finds what the first has written.
            for part in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
                imported = await import_contacts(tx, part, IngestRules(), tally, NOW)
                results += imported.results
            await tx.apply([tally.to_write()])
            outcome = [
                [
                    result.message
                    if isinstance(result, TooLarge)
                    else (result.change, result.has_conflict, list(result.kept_unsubscribed))
                    for result in results
                ],
                *await _read_rows(tx),
            ]
            raise _RollBack
    except _RollBack:
        return outcome


async def _import_slowly(database: Database, rows: Sequence[ContactFacts]) -> list[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ContactResolver, "are_unknown", lambda *_: False)
        patch.setattr(ContactResolver, "find_identified", lambda *_: None)
        return await _import(database, rows)


def test_the_short_ways_of_an_import_do_what_the_long_way_does(sqlite_url: str) -> None:
    with asyncio.Runner() as runner:
        opening = opened(sqlite_url)
        database = runner.run(opening.__aenter__())

        async def remember_an_erased_address() -> None:
            async with database.transaction() as tx:
                await tx.apply([meta.set_default(erasures.SALT, SALT)])
                await tx.apply(erasures.remember_addresses(SALT, [ERASED_ADDRESS], NOW))

        @settings(max_examples=50, deadline=None)
        @example([ContactFacts("u1", properties={"a": _LONG, "b": _LONG}), ContactFacts("u1")])
        @example([ContactFacts("u1", properties={"a": 1}), ContactFacts("u1", ERASED_ADDRESS)])
        @example([ContactFacts("u1", properties={"a": 1}), ContactFacts("u1", properties={"a": 2})])
        @given(st.lists(_ROWS, min_size=1, max_size=4))
        def compare(rows: list[ContactFacts]) -> None:
            assert runner.run(_import(database, rows)) == runner.run(_import_slowly(database, rows))

        try:
            runner.run(remember_an_erased_address())
            compare()
        finally:
            runner.run(opening.__aexit__(None, None, None))
