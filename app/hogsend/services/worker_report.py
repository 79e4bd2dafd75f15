"""The workers of an installation, and how long work waits for one: for `hogsend doctor`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ..store import lag, meta, workers
from .actor import Actor, Permission
from .installation import Installation

_LOCKS = Path("/proc/locks")
_LOCK_FILE = "worker.lock"


@dataclass(frozen=True, slots=True)
class RunningWorker:
    """A worker that runs.

    Args:
        name: its host and process.
        engine: the engine that it runs journeys with; empty when that is not known.
    """

    name: str
    engine: str = ""


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What is known about workers without asking them.

    Args:
        workers: those that run; None when the system does not show them.
        overdue: how long the oldest enrollment has been due; None when none is due.
        installation_id: the id of the installation; None until a worker has run on Hatchet.
    """

    workers: Sequence[RunningWorker] | None
    overdue: timedelta | None
    installation_id: str | None


async def read_worker_report(installation: Installation, actor: Actor) -> WorkerReport:
    """Return which workers run, and how long the oldest enrollment has been due.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    now = installation.clock.now()
    database = installation.database
    wake, installation_id = await database.read(
        lag.find_next_wake(), meta.find_value(meta.INSTALLATION)
    )
    overdue = None if wake is None or wake > now else now - wake
    if database.is_sqlite:
        holders = _find_lock_holder(installation.settings.data)
        return WorkerReport(holders, overdue, installation_id)
    rows = await database.read_one(workers.find_registered(is_sqlite=False))
    running = [RunningWorker(f"{row.host}:{row.pid}", row.engine) for row in rows]
    return WorkerReport(running, overdue, installation_id)


def _find_lock_holder(data: Path) -> list[RunningWorker] | None:
    """Return the process that holds the worker lock of a data folder; None where it is not shown.

    Reads the system's table of locks instead of trying the lock: holding it even for a moment
    would keep out a worker that starts then.
    """
    try:
        inode = (data / _LOCK_FILE).stat().st_ino
        lines = [line.split() for line in _LOCKS.read_text().splitlines()]
    except FileNotFoundError:
        return [] if _LOCKS.exists() else None
    except OSError:
        return None
    # A line is, for example, `1: FLOCK ADVISORY WRITE 4711 fe:01:131090 0 EOF`.
    holders = [
        words[4]
        for words in lines
        if words[1] == "FLOCK" and words[5].rpartition(":")[2] == str(inode)
    ]
    return [RunningWorker(f"process {pid}") for pid in holders[:1]]
