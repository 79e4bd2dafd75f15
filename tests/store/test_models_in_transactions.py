"""Tortoise's models take part in our transactions, on both databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import asyncpg
import pytest

from hogsend.clock import ManualClock
from hogsend.domain.ids import new_id
from hogsend.errors import StoreUnavailable
from hogsend.store import audit, database_health, inbox, keys, operators
from hogsend.store.db import Database, Query, Transaction, read_scalar
from hogsend.store.inbox import CapturedMail, InboxEntry
from hogsend.store.models import OperatorRow


async def count(database: Database, table: str) -> int:
    return await database.read_one(Query(f"SELECT COUNT(*) FROM {table}", [], read_scalar))  # noqa: S608


async def test_a_model_and_an_audit_entry_are_written_together_or_not_at_all(
    database: Database, clock: ManualClock
):
    now = clock.now()
    with pytest.raises(LookupError):
        async with database.transaction() as tx:
            await tx.apply([audit.record("ada", "add operator", "bob", now)])
            await operators.add(tx, "b@x.org", "owner", now)
            raise LookupError
    assert (await count(database, "operators"), await count(database, "audit")) == (0, 0)

    async with database.transaction() as tx:
        await tx.apply([audit.record("ada", "add operator", "bob", now)])
        await operators.add(tx, "b@x.org", "owner", now)
        assert await tx.fetch_one(Query("SELECT COUNT(*) FROM operators", [], read_scalar)) == 1
        assert await count(database, "operators") == 0
    assert (await count(database, "operators"), await count(database, "audit")) == (1, 1)
    with database.reading_connection() as connection:
        (bob,) = await OperatorRow.all().using_db(connection)
    assert (bob.email, bob.created_at) == ("b@x.org", now)


Change = Callable[[Transaction, UUID, datetime], Awaitable[object]]


async def add_operator(tx: Transaction, key_id: UUID, now: datetime) -> None:
    await operators.add(tx, "b@x.org", "owner", now)


async def create_link(tx: Transaction, key_id: UUID, now: datetime) -> None:
    await operators.create_link(tx, now)


async def insert_key(tx: Transaction, key_id: UUID, now: datetime) -> None:
    await keys.insert(tx, *keys.new_key(name="second", scopes=["ingest"], now=now))


async def revoke_key(tx: Transaction, key_id: UUID, now: datetime) -> None:
    assert (await keys.revoke(tx, key_id, now)).revoked_at == now


async def clear_inbox(tx: Transaction, key_id: UUID, now: datetime) -> None:
    await inbox.clear(tx)


@pytest.mark.parametrize("change", [add_operator, create_link, insert_key, revoke_key, clear_inbox])
async def test_a_change_is_part_of_the_transaction_that_it_gets(
    database: Database, clock: ManualClock, change: Change
):
    now = clock.now()
    key, _ = await keys.create(database, name="first", scopes=["ingest"], now=now)
    mail = CapturedMail(InboxEntry(new_id(now), "a@x.org", "b@x.org", "Hello", now), b"mail")
    async with database.transaction() as tx:
        await tx.apply([inbox.capture([mail])])

    async def stored() -> list[object]:
        tables = ("operators", "sign_in_links", "api_keys", "inbox")
        queries = [Query(f"SELECT * FROM {table}", [], list) for table in tables]  # noqa: S608
        return [[tuple(row) for row in rows] for rows in await database.read(*queries)]

    before = await stored()
    with pytest.raises(LookupError):
        async with database.transaction() as tx:
            await change(tx, key.id, now)
            assert await stored() == before
            raise LookupError
    assert await stored() == before

    async with database.transaction() as tx:
        await change(tx, key.id, now)
    assert await stored() != before


async def test_a_model_sees_what_its_transaction_has_written(
    database: Database, clock: ManualClock
):
    now = clock.now()
    async with database.transaction() as tx:
        await operators.add(tx, "b@x.org", "owner", now)
        bobs = OperatorRow.filter(email="b@x.org").using_db(await tx.models())
        assert await bobs.update(role="viewer") == 1
        operator = await OperatorRow.get_or_none(email="b@x.org", using_db=await tx.models())
        assert operator is not None
        assert operator.role == "viewer"


async def test_a_model_that_is_written_shows_that_a_problem_of_the_database_is_over(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database_health, "PROBE_INTERVAL", 0.0)
    with pytest.raises(StoreUnavailable), database.health.translate_errors():
        raise asyncpg.DiskFullError("no space left on device")
    assert database.health.problem is database_health.FULL

    await operators.add(database, "b@x.org", "owner", clock.now())

    assert database.health.problem is None
