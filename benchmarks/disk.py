"""What an enrollment costs on disk: while it waits, when it is over, and when it is summed up."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from report import report

from hogsend.catalogue import rules_of, see_journeys
from hogsend.changes import Changes
from hogsend.clock import HandClock
from hogsend.config import load_settings, prepare_data
from hogsend.content import load_content
from hogsend.delivery.tokens import Tokens
from hogsend.domain.intake import Incoming
from hogsend.engines.embedded import EmbeddedEngine
from hogsend.ingest import Ingest
from hogsend.retention import Keep, Retention
from hogsend.store import health
from hogsend.store.db import Database
from hogsend.store.migrations import bring_up_to_date
from hogsend.turns.loading import Code
from hogsend.turns.player import Player

SET = 1_000
_JOURNEY = """
from hogsend import Contact, Context, days, journey

@journey("activation-welcome", trigger="user.created")
async def activation_welcome(user: Contact, ctx: Context) -> None:
    await ctx.send("hello")
    await ctx.sleep(days(2), label="post-welcome")
    if not await ctx.history.has_event("feature.used"):
        await ctx.send("hello", label="nudge")
    await ctx.wait_for("plan.upgraded", timeout=days(5))
    await ctx.send("hello", label="last")
"""
_TABLES = {
    "the enrollment": ("enrollments",),
    "its journal": ("turns", "answers", "steps"),
    "its mails": ("sends",),
    "contact and event": ("contacts", "identities", "events"),
}


def bytes_of(file: Path) -> Mapping[str, int]:
    """Return the bytes in pages of each group of tables, indexes included."""
    with closing(sqlite3.connect(file)) as database:
        return {
            name: sum(
                database.execute(
                    "SELECT COALESCE(SUM(pgsize), 0) FROM dbstat WHERE name IN "
                    "(SELECT name FROM sqlite_schema WHERE tbl_name = ?)",
                    (table,),
                ).fetchone()[0]
                for table in tables
            )
            for name, tables in _TABLES.items()
        }


def tell(when: str, found: Mapping[str, int], people: int, goal: str) -> None:
    """Report what the enrollment and its journal take."""
    own = found["the enrollment"] + found["its journal"]
    parts = ", ".join(f"{name} {size / people:,.0f}" for name, size in found.items())
    report(f"bytes of an enrollment {when}", f"{own / people:,.0f}", goal, detail=parts)


async def live(folder: Path, people: int) -> None:
    """Let people enter a journey of three mails and a week, end it, and be summed up."""
    (folder / "journeys" / "emails").mkdir(parents=True)
    (folder / "journeys" / "activation.py").write_text(_JOURNEY)
    (folder / "journeys" / "emails" / "hello.html").write_text("---\nsubject: Hi\n---\n<p>Hi</p>\n")
    settings = prepare_data(load_settings(dict(os.environ), folder))
    await bring_up_to_date(settings.database_url, backups=None)
    database, changes = Database(settings.database_url), Changes()
    clock = HandClock(datetime.now(UTC))
    await database.open()
    content = load_content(settings, Tokens(settings.secrets))
    await see_journeys(database, content.registry, clock.now())
    ingest = Ingest(database, clock, await rules_of(database, content.registry), changes)
    player = Player(database, clock, ingest, Code(content.registry, content.template_lists))
    file = settings.data / "hogsend.db"

    async def play() -> None:
        engine = EmbeddedEngine(database, clock, player.play)
        working = asyncio.create_task(engine.work())
        while True:
            wake = await database.read_one(health.next_wake())
            if wake is None or wake > clock.now():
                break
            await asyncio.sleep(0.02)
        await engine.close()
        await working

    for start in range(0, people, SET):
        clock.set(clock.now() + timedelta(minutes=1))
        await asyncio.gather(
            *(
                ingest.take(Incoming("user.created", user_id=f"p{n}", email=f"p{n}@example.com"))
                for n in range(start, start + SET)
            )
        )
        await play()
    tell("that waits", bytes_of(file), people, "≤ 1,500")
    for wait in (2, 6):
        clock.set(clock.now() + timedelta(days=wait))
        await play()
    tell("that is over", bytes_of(file), people, "≤ 2,000")
    clock.set(clock.now() + timedelta(days=91))
    await Retention(database, clock, Keep.of(settings)).run()
    tell("that is summed up", bytes_of(file), people, "≤ 600")
    await database.close()


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder), people))


if __name__ == "__main__":
    main()
