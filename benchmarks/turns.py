"""Turns with a send and a sleep, on SQLite with synchronous=FULL."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from project import SET, make_project, opened
from report import report

from hogsend.process.event_loop import run, tune_interpreter

PEOPLE, ROUNDS = 20_000, 3


async def measure(folder: Path, people: int = PEOPLE) -> float:
    """Return the turns a second of people who have all come in and not been played yet."""
    make_project(folder)
    async with opened(folder) as project:
        for start in range(0, people, SET):
            await project.enter(range(start, start + SET))
        begun = time.perf_counter()
        await project.play()
        return people / (time.perf_counter() - begun)


def main() -> None:
    tune_interpreter()
    rates: list[float] = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as name:
            rates.append(run(measure(Path(name))))
    rates.sort()
    report(
        "turns with a send and a sleep",
        f"{rates[ROUNDS // 2]:,.0f}/s",
        "≥ 4,000/s",
        detail=f"{PEOPLE:,} people, {rates[0]:,.0f} to {rates[-1]:,.0f}",
    )


if __name__ == "__main__":
    main()
