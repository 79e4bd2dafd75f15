"""Tortoise's models take part in our transactions, on both databases."""

from __future__ import annotations

import pytest

from hogsend.clock import ManualClock
from hogsend.store import audit, operators
from hogsend.store.db import Database, Query, read_scalar
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
    with database.models() as connection:
        (bob,) = await OperatorRow.all().using_db(connection)
    assert (bob.email, bob.created_at) == ("b@x.org", now)


async def test_a_model_sees_what_its_transaction_has_written(
    database: Database, clock: ManualClock
):
    now = clock.now()
    async with database.transaction() as tx:
        await operators.add(tx, "b@x.org", "owner", now)
        bobs = OperatorRow.filter(email="b@x.org").using_db(await tx.models())
        assert await bobs.update(role="viewer") == 1
        found = await OperatorRow.get_or_none(email="b@x.org", using_db=await tx.models())
        assert found is not None
        assert found.role == "viewer"
