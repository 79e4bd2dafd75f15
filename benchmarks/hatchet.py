"""One worker on a real Hatchet: enrollments that sleep and wake, memory, and an outage.

It needs the `HATCHET_CLIENT_…` settings of an installation that nothing else uses, and reports when
they are missing.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

from calls import BATCH, Line, event
from project import EVENT, make_project, server_environment
from report import report
from server import Server, running
from start import proportional_memory

TOKEN, HOST = "HATCHET_CLIENT_TOKEN", "HATCHET_CLIENT_HOST_PORT"
NOBODY = "127.0.0.1:9"
SLEEPERS, SLOTS, WOKEN, SET = 2_500, 1_000, 1_000, 500
# The runs that were begun last are put away before anybody is woken.
SETTLE, PATIENCE = 15.0, 300.0
WAIT = """
from hogsend import Contact, Context, days, journey

@journey("bench", trigger="bench.started")
async def bench(user: Contact, ctx: Context) -> None:
    await ctx.wait_for("go", timeout=days(2))
"""


async def post(server: Server, name: str, people: range, prefix: str = "p") -> float:
    """Post events of people in batches and return the events a second."""
    line, begun = Line(server), time.perf_counter()
    for start in range(people.start, people.stop, SET):
        some = range(start, min(start + SET, people.stop))
        await line.post(BATCH, {"events": [event(name, f"{prefix}{number}") for number in some]})
    line.close()
    return len(people) / (time.perf_counter() - begun)


def seconds_until(server: Server, state: str, *counts: int) -> list[float]:
    """Return after how many seconds so many people were in a state, for each of some counts."""
    begun, marks = time.monotonic(), list[float]()
    with closing(sqlite3.connect(server.data / "hogsend.db", timeout=10)) as database:
        question = "SELECT COUNT(*) FROM enrollments WHERE state = ?"
        for count in counts:
            while database.execute(question, [state]).fetchone()[0] < count:
                if time.monotonic() - begun > PATIENCE:
                    raise TimeoutError(f"{count} people were not {state} in time")
                time.sleep(0.05)
            marks.append(time.monotonic() - begun)
    return marks


def with_hatchet(folder: Path) -> None:
    """Measure sleepers, wakes and memory."""
    with running(folder, settings=server_environment(folder)) as server:
        time.sleep(SETTLE)
        report(
            "memory (PSS) with Hatchet's worker, its listener included, idle",
            f"{proportional_memory(server.pid):.0f} MB",
            "≤ 300 MB",
        )
        asyncio.run(post(server, EVENT, range(SLEEPERS)))
        first, last = seconds_until(server, "waiting", SLOTS, SLEEPERS)
        rate = (SLEEPERS - SLOTS) / (last - first)
        report(
            f"new sleepers a second on Hatchet past the first {SLOTS:,}",
            f"{rate:.0f}/s",
            "≥ 40/s",
            detail=f"{SLOTS:,} asleep after {first:.1f} s, {SLEEPERS:,} after {last:.1f} s",
        )
        time.sleep(SETTLE)
        begun = time.monotonic()
        asyncio.run(post(server, "go", range(WOKEN)))
        posted = time.monotonic() - begun
        (woken,) = seconds_until(server, "completed", WOKEN)
        report(
            f"{WOKEN:,} woken by an event at once on Hatchet, the last one's turn",
            f"{posted + woken:.1f} s",
            "≤ 15 s",
            detail=f"{SLEEPERS:,} asleep, {proportional_memory(server.pid):.0f} MB after it",
        )


def ingest(folder: Path) -> float:
    """Return the events a second that a server takes in, in batches."""
    with running(folder, settings=server_environment(folder)) as server:
        asyncio.run(post(server, EVENT, range(2 * SET), "warm"))
        return statistics.median(
            asyncio.run(post(server, EVENT, range(10 * SET), f"r{number}-")) for number in range(3)
        )


def main() -> None:
    if TOKEN not in os.environ:
        print(f"no real Hatchet: {TOKEN} is not set")
        return
    # What an earlier attempt has left there is not handed to this worker.
    os.environ["HATCHET_CLIENT_NAMESPACE"] = f"bench{os.getpid()}"
    with tempfile.TemporaryDirectory() as name:
        make_project(Path(name), WAIT)
        with_hatchet(Path(name))
    rates: list[float] = []
    there = os.environ.get(HOST)
    for away in (False, True):
        if away:
            os.environ[HOST] = NOBODY
        with tempfile.TemporaryDirectory() as name:
            make_project(Path(name), WAIT)
            rates.append(ingest(Path(name)))
    if there is None:
        del os.environ[HOST]
    else:
        os.environ[HOST] = there
    report(
        "batch ingest with Hatchet away, against Hatchet there",
        f"{rates[1] / rates[0]:.2f}",
        "≥ 1",
        detail=f"{rates[1]:,.0f} against {rates[0]:,.0f} events/s",
    )


if __name__ == "__main__":
    main()
