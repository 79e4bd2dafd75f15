"""The engine: who plays journeys, and whether anybody is late."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ...config.settings import Settings
from ...services.installation import has_database, open_installation
from ...store.db import is_sqlite
from .findings import CheckResult

# What is due for so long is late.
_LATE = timedelta(minutes=1)
_LOCKS = Path("/proc/locks")
_LOCK_FILE = "worker.lock"
_START = "Start `hogsend serve --with-worker`, or `hogsend worker`."


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """A worker that is at work.

    Args:
        name: what people know it by.
        engine: what it plays journeys with; empty when that is not known.
    """

    name: str
    engine: str = ""


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What the database knows of those who play journeys.

    Args:
        workers: who is at work; None when that cannot be seen.
        overdue: how long somebody has been waiting for a turn, at most; None when nobody is due.
    """

    workers: Sequence[WorkerReport] | None
    overdue: timedelta | None


def engine(settings: Settings) -> list[CheckResult]:
    """Look at the engine that is configured, and at whoever is late."""
    findings = [CheckResult("engine", "ok", _chosen(settings))]
    facts = asyncio.run(_gather(settings))
    if facts is not None:
        findings += judge(settings.engine, facts)
    if settings.engine == "hatchet":
        from .hatchet import hatchet

        findings += hatchet(settings)
    return findings


def _chosen(settings: Settings) -> str:
    if settings.origins["HOGSEND_ENGINE"] != "default":
        return f"{settings.engine.capitalize()}, by HOGSEND_ENGINE."
    if settings.engine == "hatchet":
        return "Hatchet, because HATCHET_CLIENT_TOKEN is set."
    return "Embedded."


def judge(engine: str, facts: EngineReport) -> list[CheckResult]:
    """Say what the facts mean.

    Args:
        engine: the engine that is configured.
        facts: what is known of workers and of whoever waits.
    """
    return [*_workers(engine, facts), _wakes(facts)]


def _workers(engine: str, facts: EngineReport) -> list[CheckResult]:
    workers = facts.workers
    if workers is None:
        return []
    other = [worker for worker in workers if worker.engine not in ("", engine)]
    if other:
        text = f"{other[0].name} plays journeys on the engine {other[0].engine}, not {engine}."
        return [
            CheckResult("workers", "warning", text, "Start all of them with the same settings.")
        ]
    if workers:
        names = ", ".join(worker.name for worker in workers)
        return [CheckResult("workers", "ok", f"{len(workers)} at work: {names}.")]
    if facts.overdue is not None and facts.overdue > _LATE:
        return [CheckResult("workers", "warning", "Nobody plays journeys.", _START)]
    return [CheckResult("workers", "ok", "Nobody is at work, and nobody waits for it.")]


def _wakes(facts: EngineReport) -> CheckResult:
    if facts.overdue is None:
        return CheckResult("wakes", "ok", "Nobody is due.")
    seconds = int(facts.overdue.total_seconds())
    text = f"The oldest has been due for {timedelta(seconds=seconds)}."
    if facts.overdue <= _LATE:
        return CheckResult("wakes", "ok", text)
    remedy = "Look whether a worker runs and what it logs; the dashboard's Journeys say who waits."
    return CheckResult("wakes", "warning", text, remedy)


async def _gather(settings: Settings) -> EngineReport | None:
    """Ask the database; None when there is none, or none that this program can read."""
    from ...store import lag, workers
    from ...store.migrations import pending

    if not has_database(settings) or await pending(settings.database_url):
        return None
    async with open_installation(settings) as instance:
        now = instance.clock.now()
        wake = await instance.database.read_one(lag.next_wake())
        overdue = None if wake is None or wake > now else now - wake
        if is_sqlite(settings.database_url):
            return EngineReport(_lock_holder(settings.data), overdue)
        seen = await instance.database.read_one(workers.at_work())
        at_work = [WorkerReport(f"{one.host}:{one.pid}", one.engine) for one in seen]
        return EngineReport(at_work, overdue)


def _lock_holder(data: Path) -> list[WorkerReport] | None:
    """Return who holds the worker's lock of a data folder; None where the system does not say.

    Read, not tried: a lock that is tried for a moment would keep out a worker that starts then.
    """
    try:
        inode = (data / _LOCK_FILE).stat().st_ino
        lines = [line.split() for line in _LOCKS.read_text().splitlines()]
    except FileNotFoundError:
        return [] if _LOCKS.exists() else None
    except OSError:
        return None
    # 1: FLOCK ADVISORY WRITE 4711 fe:01:131090 0 EOF
    held = [w[4] for w in lines if w[1] == "FLOCK" and w[5].rpartition(":")[2] == str(inode)]
    return [WorkerReport(f"process {pid}") for pid in held[:1]]
