"""What the engine cannot reach, in this process or in any worker on the same database."""

from __future__ import annotations

from collections.abc import Sequence

from ..store import workers
from ..store.workers import Outage, WorkerInfo
from .context import ServiceContext

__all__ = ["Outage", "find_outage", "select_outage"]


async def find_outage(context: ServiceContext) -> Outage | None:
    """Return what the engine cannot reach; None when nothing is missing.

    Without a worker in this process, the workers that share a Postgres database count.
    """
    is_alone = context.worker_status is not None or context.database.is_sqlite
    others = [] if is_alone else await context.database.read_one(workers.find_registered())
    return select_outage(context, others)


def select_outage(context: ServiceContext, others: Sequence[WorkerInfo]) -> Outage | None:
    """Return what the engine of this process's worker cannot reach.

    Args:
        context: whose worker; where it has none, the longest outage of the others counts.
        others: the workers on the same database.
    """
    if context.worker_status is not None:
        return context.worker_status.outage
    outages = [worker.away for worker in others if worker.away is not None]
    return min(outages, key=lambda outage: outage.since, default=None)
