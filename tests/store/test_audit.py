"""The audit log keeps who changed what, in order."""

from __future__ import annotations

from datetime import timedelta

from hogsend.clock import ManualClock
from hogsend.store import audit
from hogsend.store.db import Database


async def test_changes_are_kept_with_their_previous_values(
    database: Database, clock: ManualClock
) -> None:
    now = clock.now()
    async with database.transaction() as transaction:
        await transaction.apply(
            [
                audit.record("ada@example.com", "exit", "/enrollments/1", now),
                audit.record(
                    "ada@example.com",
                    "disable",
                    "/journeys/welcome",
                    now + timedelta(seconds=1),
                    before={"enabled": True},
                    after={"enabled": False},
                ),
            ]
        )
    newest, oldest = await audit.list_entries(database, 10)
    assert (newest.action, newest.before, newest.after) == (
        "disable",
        {"enabled": True},
        {"enabled": False},
    )
    assert (oldest.action, oldest.before, oldest.at) == ("exit", None, now)
    assert [entry.id for entry in await audit.list_entries(database, 10, newest.id)] == [oldest.id]
