"""A project with a journey, and the parts that run it in this process, without a server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hogsend.clock import Clock, SystemClock
from hogsend.config.secret import prepare_data
from hogsend.config.settings import Settings, load_settings
from hogsend.delivery.tokens import Tokens
from hogsend.domain.incoming import IncomingEvent
from hogsend.engines.embedded import EmbeddedEngine
from hogsend.engines.port import Leases
from hogsend.ingest import Ingest
from hogsend.ingest.rules import load_rules
from hogsend.process.journey_sync import sync_journeys
from hogsend.services.content import load_content
from hogsend.store import lag
from hogsend.store.change_feed import ChangeFeed
from hogsend.store.db import Database
from hogsend.store.migrations import apply_pending
from hogsend.turns.runner import TurnRunner
from hogsend.turns.turn_inputs import JourneyCode

# Contacts whose events are ingested together.
SET = 1_000
EVENT = "bench.started"
SEND_AND_SLEEP = """
from hogsend import Contact, Context, days, journey

@journey("bench", trigger="bench.started")
async def bench(user: Contact, ctx: Context) -> None:
    await ctx.send("hello")
    await ctx.sleep(days(2), label="rest")
"""


def make_project(folder: Path, source: str = SEND_AND_SLEEP) -> None:
    """Write a folder of journeys, and a mail `hello`.

    Args:
        folder: where `journeys` is created.
        source: the Python code of the journeys.
    """
    (folder / "journeys" / "emails").mkdir(parents=True)
    (folder / "journeys" / "bench.py").write_text(source)
    (folder / "journeys" / "emails" / "hello.html").write_text(
        "---\nsubject: Hello\n---\n<p>Hello {{ contact.email }}</p>\n"
    )


def server_environment(folder: Path) -> dict[str, str]:
    """Return the environment variables that let a server use a project's journeys."""
    return {"HOGSEND_JOURNEYS": str(folder / "journeys")}


@dataclass
class Project:
    """The parts that run a project's journeys.

    Args:
        settings: the project's settings.
        database: its open database.
        clock: the source of the present instant.
        ingest: stores events.
        code: the journeys.
        runner: runs turns.
    """

    settings: Settings
    database: Database
    clock: Clock
    ingest: Ingest
    code: JourneyCode
    runner: TurnRunner

    @property
    def file(self) -> Path:
        """The database's file."""
        return self.settings.data / "hogsend.db"

    async def enter(self, numbers: Iterable[int], event: str = EVENT) -> None:
        """Ingest an event that triggers a journey, for each of these contacts."""
        await asyncio.gather(
            *(
                self.ingest.submit(IncomingEvent(event, user_id=f"p{n}", email=f"p{n}@example.com"))
                for n in numbers
            )
        )

    async def play(self, leases: Leases | None = None) -> None:
        """Run turns until none is due.

        Args:
            leases: keeps several processes from running the same turn.
        """
        engine = EmbeddedEngine(self.database, self.clock, self.runner.run, leases=leases)
        running = asyncio.create_task(engine.run())
        while True:
            wake = await self.database.read_one(lag.find_next_wake())
            if wake is None or wake > self.clock.now():
                break
            await asyncio.sleep(0.02)
        await engine.close()
        await running


def _environment() -> dict[str, str]:
    """Return the variables that a project uses: the database, if it is not its own."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOGSEND_DATABASE_URL")
    }


@asynccontextmanager
async def opened(folder: Path, clock: Clock | None = None) -> AsyncGenerator[Project]:
    """Open a project, and close it at the end.

    Args:
        folder: where `make_project` has written it.
        clock: the source of the present instant; by default the machine's clock.
    """
    settings = prepare_data(load_settings(_environment(), folder))
    await apply_pending(settings.database_url, backups=None)
    database, clock = Database(settings.database_url), clock or SystemClock()
    await database.open()
    content = load_content(settings, Tokens(settings.secrets))
    await sync_journeys(database, content.registry, clock.now())
    ingest = Ingest(
        database,
        clock,
        await load_rules(database, content.registry.journeys, content.registry.lists),
        ChangeFeed(),
    )
    code = JourneyCode(content.registry, content.template_lists)
    runner = TurnRunner(database, clock, ingest, code)
    try:
        yield Project(settings, database, clock, ingest, code, runner)
    finally:
        await runner.close()
        await database.close()
