"""The disk space of an enrollment: while it waits, after its end, and after its summary."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from project import SET, make_project, opened
from report import report

from hogsend.clock import ManualClock
from hogsend.process.retention import Retention, RetentionPolicy

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


def measure_bytes(file: Path) -> Mapping[str, int]:
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


def tell(when: str, sizes: Mapping[str, int], people: int, goal: str) -> None:
    """Report what the enrollment and its journal take."""
    own = sizes["the enrollment"] + sizes["its journal"]
    parts = ", ".join(f"{name} {size / people:,.0f}" for name, size in sizes.items())
    report(f"bytes of an enrollment {when}", f"{own / people:,.0f}", goal, detail=parts)


async def live(folder: Path, people: int) -> None:
    """Play a journey of three mails and a week to its end, and summarize the enrollments."""
    make_project(folder, _JOURNEY)
    clock = ManualClock(datetime.now(UTC))
    async with opened(folder, clock) as project:
        for start in range(0, people, SET):
            clock.set(clock.now() + timedelta(minutes=1))
            await project.enter(range(start, start + SET), "user.created")
            await project.play()
        tell("that waits", measure_bytes(project.file), people, "≤ 1,500")
        for wait in (2, 6):
            clock.set(clock.now() + timedelta(days=wait))
            await project.play()
        tell("that is over", measure_bytes(project.file), people, "≤ 2,000")
        clock.set(clock.now() + timedelta(days=91))
        await Retention(
            project.database, clock, RetentionPolicy.from_settings(project.settings)
        ).apply()
        tell("that is summed up", measure_bytes(project.file), people, "≤ 600")


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder), people))


if __name__ == "__main__":
    main()
