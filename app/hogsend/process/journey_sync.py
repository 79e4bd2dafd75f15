"""Updates the stored journeys after the code was loaded."""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from ..store import counters, journeys, parking, workers
from ..store.corrupt_rows import REMEDY
from ..store.counters import Tally
from ..store.db import Database, Transaction
from ..turns.registry import Registry

log = logging.getLogger("hogsend")


async def sync_journeys(
    database: Database, registry: Registry, now: datetime, worker_id: UUID | None = None
) -> frozenset[str]:
    """Record the journeys that the code has; park the enrollments of those that it has lost.

    Parked enrollments resume when their journey is loaded again, or its code has changed.

    Args:
        database: the database.
        registry: the loaded journeys.
        now: the current time.
        worker_id: this worker, where there are several: a journey that another worker has code for
            is not lost.

    Returns:
        The journeys whose code has changed since the last call, and those that are lost.
    """
    tally = Tally(now)
    async with database.transaction() as tx:
        known, others = await tx.fetch(
            journeys.find_all(), workers.find_registered(is_sqlite=database.is_sqlite)
        )
        for journey_id, stored in known.items():
            if stored.is_corrupt:
                log.error("The row %s of the table journeys cannot be read. %s", journey_id, REMEDY)
        loaded = set(registry.journeys).union(
            *(other.journeys for other in others if other.id != worker_id)
        )
        lost = [
            journey_id
            for journey_id, stored in known.items()
            if journey_id not in loaded and not stored.is_missing
        ]
        back = await tx.fetch_one(parking.find_journeys_with_parked(list(registry.journeys)))
        if lost or back:
            await _park(tx, lost, back, tally)
        await tx.apply(
            [*journeys.record_code(registry.journeys.values(), lost, now), tally.to_write()]
        )
    changed = {
        journey_id
        for journey_id, journey in registry.journeys.items()
        if journey_id in known and known[journey_id].journey.code_hash != journey.code_hash
    }
    return frozenset(changed | set(lost))


async def _park(tx: Transaction, lost: list[str], back: list[str], tally: Tally) -> None:
    """Park the enrollments of lost journeys, resume those of journeys that are back, count both."""
    before = await tx.fetch_one(parking.count_by_state([*lost, *back]))
    await tx.apply([parking.park(lost), parking.unpark(back)])
    after = await tx.fetch_one(parking.count_by_state([*lost, *back]))
    for journey_id in lost:
        parked = after.get((journey_id, "parked"), 0)
        log.warning("%s is gone or broken; parked enrollments: %d", journey_id, parked)
    for journey_id, state in {*before, *after}:
        change = after.get((journey_id, state), 0) - before.get((journey_id, state), 0)
        tally.add_to_gauge(counters.name_state_gauge(journey_id, state), change)
