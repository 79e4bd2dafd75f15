"""The lease of an import, by which exactly one process runs it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from ..domain.import_job import ImportJob
from ..errors import StoreUnavailable
from ..store import imports
from ..store.db import Transaction
from .imports import TOPIC
from .journey_context import JourneyContext

# How long after its last step another process may go on with an import.
LEASE = timedelta(seconds=15)


class LeaseLost(Exception):
    """Another process runs this import now, or someone has cancelled it."""


async def claim_import(context: JourneyContext, import_id: UUID, holder: UUID) -> ImportJob:
    """Take the lease of an import, which is being processed from now on.

    Raises:
        LeaseLost: another process holds the lease, or the import has ended.
    """
    now = context.clock.now()
    async with context.database.transaction() as tx:
        await tx.fetch_one(imports.lock(import_id, tx.dialect.lock_rows))
        job = await tx.fetch_one(imports.find_claimable(now, import_id))
        if job is None:
            raise LeaseLost
        job = replace(
            job,
            status="processing",
            holder=holder,
            held_until=now + LEASE,
            started_at=job.started_at or now,
            updated_at=now,
        )
        await tx.apply([imports.update(job)])
    context.change_feed.publish(TOPIC)
    return job


async def check_lease(tx: Transaction, job: ImportJob, holder: UUID) -> None:
    """Lock the row of an import, in the transaction of a step.

    Args:
        tx: the transaction.
        job: the import as this process knows it.
        holder: names this process.

    Raises:
        LeaseLost: this process no longer holds the lease.
    """
    stored = await tx.fetch_one(imports.lock(job.id, tx.dialect.lock_rows))
    if (
        stored is None
        or stored.holder != holder
        or stored.status != "processing"
        or stored.position != job.position
    ):
        raise LeaseLost


async def release_import(context: JourneyContext, import_id: UUID, holder: UUID) -> None:
    """Give up the lease of an import, so that another process can go on with it at once.

    Does nothing when this process does not hold it, or when the database takes no writes.
    """
    with suppress(StoreUnavailable):
        async with context.database.transaction() as tx:
            job = await tx.fetch_one(imports.lock(import_id, tx.dialect.lock_rows))
            if job is not None and job.holder == holder:
                await tx.apply([imports.update(replace(job, holder=None, held_until=None))])
