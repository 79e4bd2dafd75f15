"""Turns with a send and a sleep on Postgres, played by one process and by two.

The people have all come in before. Each process plays with an engine of its own, as `hogsend
worker` does, and takes its turns in the database. Postgres is one of our own, with its defaults:
each commit is on the disk before it is answered.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from project import SET, make_project, opened
from report import report

from hogsend.domain.ids import new_id
from hogsend.engines.leases import RowLeases
from hogsend.process.event_loop import run, tune_interpreter
from hogsend.process.worker_registry import WorkerRegistry
from hogsend.store import lag
from tests.postgres import running_postgres

PEOPLE, ROUNDS = 10_000, 3
_READY = "ready"


async def enter(folder: Path) -> None:
    """Submit events that enroll contacts."""
    async with opened(folder) as project:
        for start in range(0, PEOPLE, SET):
            await project.enter(range(start, start + SET))


async def play(folder: Path) -> None:
    """Play as one worker until nothing is due, from when a line is read."""
    async with opened(folder) as project:
        now, journeys = project.clock.now(), project.code.registry.journeys
        registry = WorkerRegistry(project.database, new_id(now), "embedded", now, journeys)
        await registry.heartbeat(None)
        print(_READY, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await project.play(RowLeases(project.database, registry.id))
        await registry.leave()


async def wait_for_end(folder: Path) -> None:
    async with opened(folder) as project:
        while (wake := await project.database.read_one(lag.find_next_wake())) is not None:
            if wake > project.clock.now():
                return
            await asyncio.sleep(0.02)


def measure(processes: int) -> float:
    """Return the turns a second of some processes together."""
    with tempfile.TemporaryDirectory() as name, running_postgres() as url:
        folder = Path(name)
        make_project(folder)
        os.environ["HOGSEND_DATABASE_URL"] = url
        asyncio.run(enter(folder))
        command = [sys.executable, __file__, name]
        workers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(processes)
        ]
        for worker in workers:
            assert worker.stdout is not None and worker.stdout.readline().strip() == _READY
        begun = time.perf_counter()
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("\n")
            worker.stdin.flush()
        asyncio.run(wait_for_end(folder))
        taken = time.perf_counter() - begun
        for worker in workers:
            worker.communicate()
        return PEOPLE / taken


def main() -> None:
    tune_interpreter()
    if len(sys.argv) > 1:
        run(play(Path(sys.argv[1])))
        return
    alone_rates, both_rates = [], []
    for _ in range(ROUNDS):
        alone_rates.append(measure(1))
        both_rates.append(measure(2))
    alone_rates.sort()
    ratios = sorted(
        both / alone for both, alone in zip(sorted(both_rates), alone_rates, strict=True)
    )
    middle = ROUNDS // 2
    report(
        "turns with a send and a sleep on Postgres, one process",
        f"{alone_rates[middle]:,.0f}/s",
        "≥ 2,000/s",
        detail=f"{PEOPLE:,} people, {alone_rates[0]:,.0f} to {alone_rates[-1]:,.0f}",
    )
    report(
        "the same, two processes against one",
        f"{ratios[middle]:.2f}",
        "≥ 1.5",
        detail=f"{sorted(both_rates)[middle]:,.0f}/s; "
        f"Postgres shares the {os.cpu_count()} processors",
    )


if __name__ == "__main__":
    main()
