"""What the engine misses, where turns are played."""

from __future__ import annotations

from collections.abc import Sequence

from ..store import workers
from ..store.workers import Outage, WorkerInfo
from .pages import runtime


async def engine_away() -> Outage | None:
    """Return what the engine misses in this process, or in the workers that tell of themselves."""
    made_of = runtime()
    alone = made_of.worker is not None or made_of.database.is_sqlite
    return missed_by([] if alone else await made_of.database.read_one(workers.at_work()))


def missed_by(found: Sequence[WorkerInfo]) -> Outage | None:
    """Return what the engine misses in this process, or in workers where it has none."""
    worker = runtime().worker
    return away_among(found) if worker is None else worker.engine.away


def away_among(found: Sequence[WorkerInfo]) -> Outage | None:
    """Return what has been missed for longest in any of some workers."""
    missed = [one.away for one in found if one.away is not None]
    return min(missed, key=lambda away: away.since, default=None)
