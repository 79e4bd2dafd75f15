"""Takes turns in the database, so that several workers never play one person at the same time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from ..store import workers
from ..store.db import Database
from ..store.enrollments import DueEnrollment


class RowLeases:
    """A turn is held by naming the worker in the enrollment's row.

    Args:
        database: where they are.
        holder: the worker.
    """

    def __init__(self, database: Database, holder: UUID) -> None:
        self._database = database
        self.holder = holder

    async def take(self, due: Sequence[DueEnrollment], now: datetime) -> Collection[UUID]:
        """Take due enrollments, and return those that nobody else has.

        Args:
            due: of different contacts.
            now: the present instant.
        """
        async with self._database.transaction() as tx:
            # Whose row is locked is being changed, and is looked at again: nobody waits here.
            people = await tx.one(workers.lock_people([one.contact_id for one in due]))
            ids = [one.id for one in due]
            return frozenset(await tx.one(workers.take_turns(ids, people, self.holder, now)))
