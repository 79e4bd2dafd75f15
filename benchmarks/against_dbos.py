"""The same function, a send and then a sleep of two days, on Hogsend and on DBOS, in one run.

Counted is how many people a second come to where they sleep durably. Both are on SQLite with
synchronous=FULL, and take turns.

Hogsend: the embedded engine plays the turns of people who have been enrolled before. Each is
committed with its mail in the outbox, its journal and its wake.

DBOS: a workflow with one step, which stands for the send and does nothing, and DBOS's own sleep.
It is tried in three ways, and the best counts: plain workflows on threads, and coroutines, both
counted from the start of the first; and from a queue that holds all of them before the time begins.
The end is when its database has the sleep of every one. As DBOS comes, its SQLite has no
write-ahead log; it is faster with one, so both are measured. It holds each sleeper in memory, as a
thread or a task, which is why they are fewer.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from dbos import DBOS
from report import report
from turns import measure

from hogsend.process.event_loop import run, tune_interpreter

PEOPLE, WORKFLOWS, ROUNDS = 20_000, 500, 3
TWO_DAYS = 2 * 86_400.0
WAYS = ("threads", "coroutines", "queue")
# By SQLite's name: what DBOS leaves it at, and what is better for it.
JOURNALS = {"delete": "as it comes", "wal": "with a write-ahead log"}
QUEUE = "bench"
# How often DBOS looks into its queue, and the end is looked for, in seconds.
LOOK_INTERVAL = 0.05
PATIENCE = 300.0
_SLEEPS = "SELECT COUNT(*) FROM operation_outputs WHERE function_name = 'DBOS.sleep'"


@DBOS.step()
def send(template: str) -> str:
    return f"{template} queued"


@DBOS.workflow()
def plain(number: int) -> None:
    send("hello")
    DBOS.sleep(TWO_DAYS)


@DBOS.step()
async def send_async(template: str) -> str:
    return f"{template} queued"


@DBOS.workflow()
async def coroutine(number: int) -> None:
    await send_async("hello")
    await DBOS.sleep_async(TWO_DAYS)


class Sleepers:
    """Counts the workflows whose sleep is in DBOS's database.

    Args:
        file: the database.
        wanted: how many there will be.
    """

    def __init__(self, file: Path, wanted: int) -> None:
        self._file = file
        self._wanted = wanted

    def wait(self) -> None:
        """Return when there are all; raises when that takes too long."""
        until = time.monotonic() + PATIENCE
        with closing(sqlite3.connect(self._file, timeout=PATIENCE)) as database:
            while (sleeping := database.execute(_SLEEPS).fetchone()[0]) < self._wanted:
                if time.monotonic() > until:
                    raise TimeoutError(f"only {sleeping} of {self._wanted} workflows sleep")
                time.sleep(LOOK_INTERVAL)


def run_all(way: str, workflows: int, sleepers: Sleepers) -> float:
    """Run workflows in one of the ways until all sleep, and return the seconds it took."""
    if way == "coroutines":
        return asyncio.run(_run_coroutines(workflows, sleepers))
    if way == "queue":
        for number in range(workflows):
            DBOS.enqueue_workflow(QUEUE, plain, number)
    begun = time.perf_counter()
    if way == "queue":
        # Nobody takes from a queue before it is registered.
        DBOS.register_queue(QUEUE, polling_interval_sec=LOOK_INTERVAL)
    else:
        for number in range(workflows):
            DBOS.start_workflow(plain, number)
    sleepers.wait()
    return time.perf_counter() - begun


async def _run_coroutines(workflows: int, sleepers: Sleepers) -> float:
    begun = time.perf_counter()
    await asyncio.gather(
        *(DBOS.start_workflow_async(coroutine, number) for number in range(workflows))
    )
    await asyncio.to_thread(sleepers.wait)
    return time.perf_counter() - begun


def sleep_on_dbos(way: str, workflows: int, journal: str, folder: Path) -> None:
    """Print how many workflows a second come to their sleep on DBOS; ends the process."""
    file = folder / "dbos.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute(f"PRAGMA journal_mode = {journal}")
    DBOS(
        config={
            "name": "bench",
            "system_database_url": f"sqlite:///{file}",
            "log_level": "ERROR",
            "max_executor_threads": workflows + 50,
        }
    )
    DBOS.launch()
    seconds = run_all(way, workflows, Sleepers(file, workflows))
    print(workflows / seconds, flush=True)
    # Its threads sleep for two days.
    os._exit(0)


def on_dbos(way: str, workflows: int, journal: str) -> float:
    """Return the workflows a second of DBOS in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, way, str(workflows), journal, folder]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def on_hogsend(people: int) -> float:
    """Return the turns a second of Hogsend."""
    with tempfile.TemporaryDirectory() as folder:
        return run(measure(Path(folder), people))


def compare(people: int, workflows: int) -> None:
    """Measure all sides in turns, and report the ratios."""
    ours: list[float] = []
    theirs: dict[tuple[str, str], list[float]] = {
        (journal, way): [] for journal in JOURNALS for way in WAYS
    }
    for _ in range(ROUNDS):
        ours.append(on_hogsend(people))
        for (journal, way), seconds in theirs.items():
            seconds.append(on_dbos(way, workflows, journal))
    hogsend_median = statistics.median(ours)
    for journal, label in JOURNALS.items():
        rates = {way: statistics.median(theirs[journal, way]) for way in WAYS}
        best = max(rates.values())
        report(
            f"a send and a sleep, times as fast as on DBOS {label}",
            f"{hogsend_median / best:.0f}",
            "≥ 100",
            detail=f"{hogsend_median:,.0f} against {best:,.0f} a second ("
            + ", ".join(f"{way} {rate:,.0f}" for way, rate in rates.items())
            + f"), {people:,} people, {workflows:,} workflows, DBOS {version('dbos')}",
        )


def main() -> None:
    if len(sys.argv) > 3:
        way, workflows, journal, folder = sys.argv[1:]
        sleep_on_dbos(way, int(workflows), journal, Path(folder))
    people, workflows = map(int, sys.argv[1:]) if len(sys.argv) == 3 else (PEOPLE, WORKFLOWS)
    tune_interpreter()
    compare(people, workflows)


if __name__ == "__main__":
    main()
