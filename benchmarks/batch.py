"""`POST /v1/events/batch` with 500 events that enroll, with turns meanwhile, or match nothing.

`batch.py [BATCHES]` posts so many batches in each round, 60 unless given. The people are new: every
event creates a contact, whose ids are random, as those of products are.
"""

from __future__ import annotations

import asyncio
import json
import random
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
OTHER_EVENT = "page.viewed"
GOALS = {EVENT: "≥ 8,000 events/s", OTHER_EVENT: "≥ 15,000 events/s"}
_random = random.Random(7)  # noqa: S311


async def post(server: Server, name: str, batches: int) -> float:
    """Post batches of events of new people over a few connections.

    Args:
        server: who is called.
        name: the name of the events.
        batches: how many.

    Returns:
        Events a second.
    """
    bodies = [
        {"events": [event(name, f"u{_random.getrandbits(96):024x}") for _ in range(EVENTS)]}
        for _ in range(batches)
    ]

    async def connection() -> None:
        line = Line(server)
        while bodies:
            answer = json.loads(await line.post(BATCH, bodies.pop()))
            assert answer["accepted"] == EVENTS, answer["results"]
        line.close()

    begun = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(LINES)))
    return EVENTS * batches / (time.perf_counter() - begun)


def measure(server: Server, name: str, batches: int) -> list[float]:
    """Return the events a second of each round, the slowest first."""
    asyncio.run(post(server, name, 4))
    return sorted(asyncio.run(post(server, name, batches)) for _ in range(ROUNDS))


def main() -> None:
    batches = int(sys.argv[1]) if len(sys.argv) > 1 else BATCHES
    for name, with_worker, meanwhile in (
        (EVENT, False, "enroll"),
        (EVENT, True, "enroll, turns played and mail delivered meanwhile"),
        (OTHER_EVENT, False, "match nothing"),
    ):
        with tempfile.TemporaryDirectory() as folder:
            make_project(Path(folder))
            with running(
                Path(folder), settings=server_environment(Path(folder)), with_worker=with_worker
            ) as server:
                rates = measure(server, name, batches)
        report(
            f"batch ingest of events that {meanwhile}, {EVENTS} a request, new people",
            f"{rates[ROUNDS // 2]:,.0f} events/s",
            GOALS[name],
            detail=f"{LINES} connections, {rates[0]:,.0f} to {rates[-1]:,.0f}",
        )


if __name__ == "__main__":
    main()
