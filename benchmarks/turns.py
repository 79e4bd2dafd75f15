"""Turns with a send and a sleep, on SQLite with synchronous=FULL."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from report import report

from hogsend.catalogue import rules_of, see_journeys
from hogsend.changes import Changes
from hogsend.clock import SystemClock
from hogsend.config import load_settings, prepare_data
from hogsend.content import load_content
from hogsend.delivery.tokens import Tokens
from hogsend.domain.intake import Incoming
from hogsend.engines.embedded import EmbeddedEngine
from hogsend.ingest import Ingest
from hogsend.store import health
from hogsend.store.db import Database
from hogsend.store.migrations import bring_up_to_date
from hogsend.turns.loading import Code
from hogsend.turns.player import Player
from hogsend.web.server import SWITCH_INTERVAL

PEOPLE = 20_000
_JOURNEY = """
from hogsend import Contact, Context, days, journey

@journey("bench", trigger="bench.started")
async def bench(user: Contact, ctx: Context) -> None:
    await ctx.send("hello")
    await ctx.sleep(days(2), label="rest")
"""


def make_project(folder: Path) -> None:
    """Write a journey with a send and a sleep, and its mail."""
    (folder / "journeys" / "emails").mkdir(parents=True)
    (folder / "journeys" / "bench.py").write_text(_JOURNEY)
    (folder / "journeys" / "emails" / "hello.html").write_text(
        "---\nsubject: Hello\n---\n<p>Hello {{ contact.email }}</p>\n"
    )


async def measure(folder: Path) -> float:
    """Return the turns a second."""
    settings = prepare_data(load_settings(dict(os.environ), folder))
    await bring_up_to_date(settings.database_url, backups=None)
    database, clock, changes = Database(settings.database_url), SystemClock(), Changes()
    await database.open()
    content = load_content(settings, Tokens(settings.secrets))
    await see_journeys(database, content.registry, clock.now())
    ingest = Ingest(database, clock, await rules_of(database, content.registry), changes)
    for start in range(0, PEOPLE, 2_000):
        await asyncio.gather(
            *(
                ingest.take(Incoming("bench.started", user_id=f"p{n}", email=f"p{n}@example.com"))
                for n in range(start, start + 2_000)
            )
        )
    player = Player(database, clock, ingest, Code(content.registry, content.template_lists))
    engine = EmbeddedEngine(database, clock, player.play)
    begun = time.perf_counter()
    working = asyncio.create_task(engine.work())
    while True:
        wake = await database.read_one(health.next_wake())
        if wake is not None and wake > clock.now():
            break
        await asyncio.sleep(0.02)
    seconds = time.perf_counter() - begun
    await engine.close()
    await working
    await database.close()
    return PEOPLE / seconds


def main() -> None:
    sys.setswitchinterval(SWITCH_INTERVAL)
    rates: list[float] = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as name:
            make_project(Path(name))
            rates.append(asyncio.run(measure(Path(name))))
    rates.sort()
    report(
        "turns with a send and a sleep",
        f"{rates[1]:,.0f}/s",
        "≥ 3,000/s",
        detail=f"{PEOPLE:,} people, {rates[0]:,.0f} to {rates[2]:,.0f}",
    )


if __name__ == "__main__":
    main()
