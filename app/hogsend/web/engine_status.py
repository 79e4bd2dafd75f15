"""What the engine misses, where turns are played."""

from __future__ import annotations

from collections.abc import Sequence

from ..store import workers
from ..store.workers import Outage, WorkerInfo
from .pages import context


async def engine_away() -> Outage | None:
    """Return what the engine misses in this process, or in the workers that tell of themselves."""
    current = context()
    alone = current.worker_status is not None or current.database.is_sqlite
    return missed_by([] if alone else await current.database.read_one(workers.at_work()))


def missed_by(found: Sequence[WorkerInfo]) -> Outage | None:
    """Return what the engine misses in this process, or in workers where it has none."""
    worker = context().worker_status
    return away_among(found) if worker is None else worker.outage


def away_among(found: Sequence[WorkerInfo]) -> Outage | None:
    """Return what has been missed for longest in any of some workers."""
    missed = [one.away for one in found if one.away is not None]
    return min(missed, key=lambda away: away.since, default=None)
