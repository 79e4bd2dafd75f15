"""Health: whether each part of the installation does its work. Anyone may ask."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from ..errors import StoreUnavailable
from ..store import lag, workers
from ..store.database_health import DatabaseProblem
from ..store.read_models.overview import count_sends
from .context import ServiceContext
from .installation import Installation
from .outages import Outage, select_outage

__all__ = ["LATE", "DatabaseProblem", "Health", "check_health", "find_database_problem"]

# Work that is due for longer than this is late.
LATE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Health:
    """The state of each part.

    Args:
        problem: what is wrong with the database, if anything is.
        problem_since: since when.
        is_reachable: whether the database answered; without an answer the rest is unknown.
        latency: how long it took to answer.
        overdue: how long the oldest due turn or mail waits; zero when nothing is due.
        workers: how many workers other processes run on this database.
        outage: what the engine cannot reach.
        has_worker: whether this process has a worker.
        is_stopped: whether the worker of this process has stopped for good.
        is_alone: whether other workers cannot be seen, on SQLite.
        provider_problem: why the mail provider refuses everything, if it does.
        bounce_problem: why bounces cannot be received, if they should be and cannot.
        send_hold: why sending is on hold, if it is.
        blocked: how many mails cannot be made.
    """

    problem: DatabaseProblem | None
    problem_since: datetime | None
    is_reachable: bool
    latency: timedelta = timedelta()
    overdue: timedelta = timedelta()
    workers: int = 0
    outage: Outage | None = None
    has_worker: bool = False
    is_stopped: bool = False
    is_alone: bool = True
    provider_problem: str | None = None
    bounce_problem: str | None = None
    send_hold: str | None = None
    blocked: int = 0

    @property
    def is_late(self) -> bool:
        """Whether work waits for longer than it should."""
        return self.overdue > LATE


async def check_health(context: ServiceContext) -> Health:
    """Ask each part how it does; a database that does not answer is reported, not raised."""
    database = context.database
    find_database_problem(context)
    start = time.perf_counter()
    try:
        _, next_wake, next_send, blocked, others = await database.read(
            lag.ping(),
            lag.find_next_wake(),
            lag.find_next_send(),
            count_sends("blocked", UUID(int=0)),
            workers.find_registered(is_sqlite=database.is_sqlite),
        )
    except Exception:
        return Health(database.health.problem, database.health.since, is_reachable=False)
    worker = context.worker_status
    return Health(
        problem=database.health.problem,
        problem_since=database.health.since,
        is_reachable=True,
        latency=timedelta(seconds=time.perf_counter() - start),
        overdue=_compute_overdue(context.clock.now(), next_wake, next_send),
        workers=len(others),
        outage=select_outage(context, others),
        has_worker=worker is not None,
        is_stopped=worker is not None and worker.is_stopped,
        is_alone=database.is_sqlite,
        provider_problem=worker.provider_problem if worker else None,
        bounce_problem=worker.bounce_problem if worker else None,
        send_hold=worker.send_hold if worker else None,
        blocked=blocked.count,
    )


def find_database_problem(installation: Installation) -> DatabaseProblem | None:
    """Return what is wrong with the database, if anything is; its files are checked now."""
    health = installation.database.health
    with suppress(StoreUnavailable):
        health.check_files()
    return health.problem


def _compute_overdue(now: datetime, *due: datetime | None) -> timedelta:
    oldest = min(filter(None, due), default=None)
    return max(now - oldest, timedelta()) if oldest else timedelta()
