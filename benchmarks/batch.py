"""`POST /v1/events/batch` with 500 events that enroll, their turns played meanwhile and not."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from calls import BATCH, Line, event
from project import EVENT, make_project, server_environment
from report import report
from server import Server, running

EVENTS, LINES = 500, 2
BATCHES, ROUNDS = 60, 3


async def post(server: Server, run: str, batches: int) -> float:
    """Post batches over a few connections and return the events a second."""
    numbers = list(range(batches))

    async def connection() -> None:
        line = Line(server)
        while numbers:
            base = f"{run}-{numbers.pop()}"
            events = [event(EVENT, f"{base}-{number}") for number in range(EVENTS)]
            answer = json.loads(await line.post(BATCH, {"events": events}))
            assert len(answer["results"]) == EVENTS
        line.close()

    begun = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(LINES)))
    return EVENTS * batches / (time.perf_counter() - begun)


def main() -> None:
    batches = int(sys.argv[1]) if len(sys.argv) > 1 else BATCHES
    for with_worker in (False, True):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make_project(folder)
            with running(
                folder, settings=server_environment(folder), with_worker=with_worker
            ) as server:
                asyncio.run(post(server, "warm", 4))
                rates = [asyncio.run(post(server, f"r{n}", batches)) for n in range(ROUNDS)]
        rates.sort()
        doing = "turns played and mail delivered meanwhile" if with_worker else "alone"
        report(
            f"batch ingest that enrolls, 500 a request, {doing}",
            f"{rates[ROUNDS // 2]:,.0f} events/s",
            "≥ 8,000 events/s",
            detail=f"{LINES} connections, {rates[0]:,.0f} to {rates[-1]:,.0f}",
        )


if __name__ == "__main__":
    main()
