"""A burst of 1,000 enrolling events over 32 connections, to the last mail at a local SMTP sink.

Runs once alone, and once with 100,000 contacts asleep in another journey.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

from calls import EVENTS, Line, event
from copies import copy, live_once
from project import make_project
from report import report
from server import ROOT, Server, running
from sink import Sink, sinking

PEOPLE, CONNECTIONS, ROUNDS = 1_000, 32, 3


async def _connection(server: Server, numbers: list[int], run: str) -> None:
    line = Line(server)
    while numbers:
        await line.post(EVENTS, event("user.created", f"{run}-{numbers.pop()}"))
    line.close()


async def _burst(server: Server, run: str) -> None:
    numbers = list(range(PEOPLE))
    await asyncio.gather(*(_connection(server, numbers, run) for _ in range(CONNECTIONS)))


def measure(server: Server, sink: Sink) -> list[tuple[float, float]]:
    """Return, fastest first, the seconds to the last mail and those until all was taken in."""
    totals: list[tuple[float, float]] = []
    for number in range(ROUNDS):
        expected = sink.count()[0] + PEOPLE
        begun = time.monotonic()
        asyncio.run(_burst(server, f"b{number}"))
        taken = time.monotonic() - begun
        while sink.count()[0] < expected:
            time.sleep(0.05)
        totals.append((sink.count()[1] - begun, taken))
        time.sleep(1.0)
    return sorted(totals)


def main() -> None:
    asleep = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for waiting in (0, asleep):
        with tempfile.TemporaryDirectory() as name, sinking() as sink:
            folder = Path(name)
            make_project(folder)
            shutil.copytree(ROOT / "journeys", folder / "journeys", dirs_exist_ok=True)
            if waiting:
                asyncio.run(live_once(folder))
                copy(folder / "data" / "hogsend.db", waiting)
            settings = {
                "HOGSEND_MAIL": sink.url,
                "HOGSEND_JOURNEYS": str(folder / "journeys"),
            }
            with running(folder, settings=settings) as server:
                totals = measure(server, sink)
        total, taken = totals[ROUNDS // 2]
        report(
            f"burst of 1,000 enrolling events to the last mail, {waiting:,} already waiting",
            f"{total:.2f} s",
            "≤ 4 s",
            detail=f"all taken in after {taken:.2f} s; "
            f"three runs {', '.join(f'{total:.2f}' for total, _ in totals)}",
        )


if __name__ == "__main__":
    main()
