"""What the engine misses, where turns are played."""

from __future__ import annotations

from collections.abc import Sequence

from ..store import workers
from ..store.workers import Away, WorkerSeen
from .pages import runtime


async def engine_away() -> Away | None:
    """Return what the engine misses in this process, or in the workers that tell of themselves."""
    made_of = runtime()
    if made_of.worker is not None:
        return made_of.worker.engine.away
    if made_of.database.is_sqlite:
        return None
    return away_among(await made_of.database.read_one(workers.at_work()))


def away_among(found: Sequence[WorkerSeen]) -> Away | None:
    """Return what has been missed for longest in any of some workers."""
    missed = [one.away for one in found if one.away is not None]
    return min(missed, key=lambda away: away.since, default=None)
