"""Leases turns in the database, so that two workers never run turns of one contact at once."""

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
        database: where the enrollments are.
        holder: the worker.
    """

    def __init__(self, database: Database, holder: UUID) -> None:
        self._database = database
        self.holder = holder

    async def acquire(self, due: Sequence[DueEnrollment], now: datetime) -> Collection[UUID]:
        """Lease due enrollments; return those that no other worker holds.

        Args:
            due: enrollments of different contacts.
            now: the present instant.
        """
        async with self._database.transaction() as tx:
            # A contact whose row is locked is being changed: skip it now and poll it again later.
            contacts = await tx.one(workers.lock_contacts([row.contact_id for row in due]))
            ids = [row.id for row in due]
            return frozenset(await tx.one(workers.lease_turns(ids, contacts, self.holder, now)))
