"""A turn that replays 1,000 recorded steps before it does anything: the coroutine from the top.

The journal is a year of a real journey's: looks, mails, chance and waits,
all of them played by the engine with a clock that is set by hand.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from project import Project, make_project, opened
from report import report

from hogsend.clock import ManualClock
from hogsend.process.event_loop import tune_interpreter
from hogsend.store import enrollment_states
from hogsend.turns.execution import TurnExecution
from hogsend.turns.turn_inputs import TurnLimits, load_turns

STEPS, ROUNDS = 1_000, 100
# What each round of the journey's loop records.
PER_ROUND = 4
_JOURNEY = """
from hogsend import Contact, Context, days, journey

@journey("bench", trigger="bench.started")
async def bench(user: Contact, ctx: Context) -> None:
    for number in range(10_000):
        if not await ctx.history.has_event("feature.used"):
            await ctx.send("hello", props={"number": number})
        await ctx.random()
        await ctx.sleep(days(1), label="a-day")
"""


async def live(project: Project, clock: ManualClock) -> UUID:
    """Play a journey for a contact until it has `STEPS` steps; return the enrollment."""
    await project.enter([0])
    await project.play()
    for _ in range(STEPS // PER_ROUND):
        clock.set(clock.now() + timedelta(days=1))
        await project.play()
    latest = UUID(int=2**128 - 1)
    (enrollment_id,) = await project.database.read_one(
        enrollment_states.find_ids_in_state("bench", "waiting", None, latest, 2)
    )
    return enrollment_id


async def replayed(project: Project, enrollment_id: UUID) -> tuple[TurnExecution, float, float]:
    """Replay a turn; return it, and the milliseconds of loading it and of driving it."""
    code = project.code
    environment = code.build_environment(project.clock.now(), TurnLimits())
    begun = time.perf_counter()
    loaded = await load_turns(
        project.database, [enrollment_id], code, environment, is_selected=lambda _: True
    )
    (execution,) = loaded.executions
    ready = time.perf_counter()
    execution.advance()
    return execution, (ready - begun) * 1000, (time.perf_counter() - ready) * 1000


async def measure(folder: Path) -> tuple[int, float, float]:
    """Return how many steps were replayed, and the median milliseconds to load and to drive."""
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    async with opened(folder, clock) as project:
        enrollment_id = await live(project, clock)
        times = [await replayed(project, enrollment_id) for _ in range(ROUNDS)]
    execution = times[0][0]
    assert execution.result.outcome == "early", execution.result.error
    loading = statistics.median(loading for _, loading, _ in times)
    driving = statistics.median(driving for *_, driving in times)
    return len(execution.replay.keys) - 1, loading, driving


def main() -> None:
    tune_interpreter()
    with tempfile.TemporaryDirectory() as name:
        make_project(Path(name), _JOURNEY)
        steps, loading, driving = asyncio.run(measure(Path(name)))
    report(
        f"replay of a journal of {steps:,} steps, median",
        f"{driving:.1f} ms",
        "≤ 20 ms",
        detail=f"and {loading:.1f} ms to read the journal of {steps // PER_ROUND} turns from the "
        "database and make ready",
    )


if __name__ == "__main__":
    main()
