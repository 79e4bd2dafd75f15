"""Leases turns in the database, so that two workers never run turns of a contact at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from ..store import workers
from ..store.db import Database
from ..store.enrollments import DueEnrollment


class RowLeases:
    """Leases turns by writing the worker's id into the enrollment's row.

    Args:
        database: the database with the enrollments.
        holder: this worker's id.
    """

    def __init__(self, database: Database, holder: UUID) -> None:
        self._database = database
        self.holder = holder

    async def acquire(self, due: Sequence[DueEnrollment], now: datetime) -> Collection[UUID]:
        """Lease due enrollments; return the enrollments that no other worker holds.

        Args:
            due: due enrollments of different contacts.
            now: the current time.
        """
        async with self._database.transaction() as tx:
            # A contact whose row is locked is being changed; a later poll finds its turns again.
            contacts = await tx.fetch_one(workers.lock_contacts([row.contact_id for row in due]))
            ids = [row.id for row in due]
            return frozenset(
                await tx.fetch_one(workers.lease_turns(ids, contacts, self.holder, now))
            )
