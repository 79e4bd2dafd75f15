"""100,000 people wake in the same minute, while events come in and another journey goes on.

Twice: a woken turn looks at the history and sleeps again, which gives the turns a second; then it
sends a mail, which shows what the mails of a crowd do to everybody else's. Meanwhile 50 events a
second come in over HTTP, of which one every two seconds starts another journey.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from calls import Call, event, percentile, steadily
from copies import copy, live_once
from project import make_project, server_environment
from report import report
from server import Server, running

ASLEEP = timedelta(days=2)
# The database is filled, and the server started, before they are due.
PER_SECOND_FILLED, HEADROOM = 6_000, 15.0
RATE, PATIENCE = 50, 240.0
_JOURNEYS = """
from hogsend import Contact, Context, days, journey

@journey("bench", trigger="bench.started")
async def bench(user: Contact, ctx: Context) -> None:
    await ctx.sleep(days(2), label="first")
    {act}
    await ctx.sleep(days(2), label="second")

@journey("other", trigger="other.started")
async def other(user: Contact, ctx: Context) -> None:
    await ctx.send("hello")
"""
_ACTS = {
    "a look and a sleep": 'await ctx.history.has_event("feature.used")',
    "a mail and a sleep": 'await ctx.send("hello")',
}


# Of the calls, every so many starts the other journey.
EVERY, FIRST = 100, 10
_SECOND_TURNS = "SELECT played_at FROM turns WHERE number = 2"
_OTHERS = """
SELECT c.external_id, t.played_at, s.sent_at FROM enrollments n
JOIN contacts c ON c.id = n.contact_id JOIN turns t ON t.enrollment_id = n.id
JOIN sends s ON s.enrollment_id = n.id WHERE n.journey_id = 'other'
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """The measured times of a crowd's wake-up, in seconds.

    Args:
        turns: from when they were due to the last woken turn's commit.
        ingest: how long each event took that came meanwhile.
        first_turns: from an event of another journey to the commit of the turn it started.
        first_mails: from such an event until its mail was handed over.
        mails: how many mails of the crowd were handed over in the time of the turns.
    """

    turns: float
    ingest: list[float]
    first_turns: list[float]
    first_mails: list[float]
    mails: int


def fill(folder: Path, people: int, act: str) -> datetime:
    """Write people who all wake at one instant, which is returned."""
    make_project(folder, _JOURNEYS.format(act=act))
    wake_at = datetime.now(UTC) + timedelta(seconds=HEADROOM + people / PER_SECOND_FILLED)
    asyncio.run(live_once(folder, wake_at - ASLEEP))
    copy(folder / "data" / "hogsend.db", people - 1)
    return wake_at


def make(number: int) -> dict[str, Any]:
    """Return the event with a number: few of them start the other journey."""
    name = "other.started" if number % EVERY == FIRST else "page.seen"
    return event(name, f"o{number}")


async def wake(server: Server, database: sqlite3.Connection, wake_at: datetime) -> Seen:
    """Wake a crowd while events come in, and return the measured times."""
    pause = (wake_at - datetime.now(UTC)).total_seconds()
    assert pause > 0, "it took too long to write the people"
    await asyncio.sleep(pause)

    def over() -> bool:
        left = "SELECT value FROM counters WHERE name = 'waiting/bench/sleep:first' AND day = 0"
        return database.execute(left).fetchone()[0] == 0

    calls = await steadily(server, RATE, PATIENCE, make, over=over)
    assert over(), "they were not all played in time"
    # The last of the other journey's mails.
    await asyncio.sleep(3.0)
    return seen(database, wake_at.timestamp(), calls)


def seen(database: sqlite3.Connection, due: float, calls: list[Call]) -> Seen:
    """Read from the database what happened when, from an instant in seconds since 1970."""
    (last,) = database.execute(f"SELECT MAX(played_at) FROM ({_SECOND_TURNS})").fetchone()
    (mails,) = database.execute(
        "SELECT COUNT(*) FROM sends WHERE journey_id = 'bench' AND sent_at <= ?", (last,)
    ).fetchone()
    posted = {call.who: call.at for call in calls}
    others = database.execute(_OTHERS).fetchall()
    assert others, "no turn of the other journey was played"
    return Seen(
        turns=last / 1e6 - due,
        ingest=[call.taken for call in calls if call.at <= last / 1e6],
        first_turns=[played / 1e6 - posted[who] for who, played, _ in others],
        first_mails=[sent / 1e6 - posted[who] for who, _, sent in others if sent],
        mails=mails,
    )


def measure(people: int, act: str) -> Seen:
    """Wake a crowd in its own server."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wake_at = fill(folder, people, _ACTS[act])
        with (
            running(folder, settings=server_environment(folder)) as server,
            closing(sqlite3.connect(server.data / "hogsend.db")) as database,
        ):
            return asyncio.run(wake(server, database, wake_at))


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for act in _ACTS:
        measured = measure(people, act)
        crowd = f"{people:,} waking at once, {act}"
        first, mail = max(measured.first_turns), max(measured.first_mails, default=float("inf"))
        report(
            f"turns of {crowd}",
            f"{people / measured.turns:,.0f}/s",
            "≥ 3,000/s",
            detail=f"all committed after {measured.turns:.1f} s, {measured.mails:,} of their mails "
            "handed over by then",
        )
        report(
            f"ingest of 50 events/s meanwhile ({act}), p99",
            f"{percentile(measured.ingest, 0.99) * 1000:.0f} ms",
            "≤ 500 ms",
            detail=f"median {percentile(measured.ingest, 0.5) * 1000:.0f} ms, "
            f"longest {max(measured.ingest) * 1000:.0f} ms",
        )
        report(
            f"another journey's first turn meanwhile ({act}), the longest of "
            f"{len(measured.first_turns)}",
            f"{first * 1000:.0f} ms",
            "≤ 1 s",
            detail=f"median {percentile(measured.first_turns, 0.5) * 1000:.0f} ms; "
            f"its mail handed over after {mail * 1000:.0f} ms at most",
        )


if __name__ == "__main__":
    main()
