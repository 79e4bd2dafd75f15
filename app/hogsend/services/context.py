"""An installation with the author's journeys: what a server, a worker and most pages work with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from ..config.settings import Settings
from ..delivery.tokens import Tokens
from ..delivery.tracking import Tracker
from ..ingest import Ingest
from ..ingest.rules import load_rules
from ..store.workers import Outage
from ..turns.registry import Registry
from .content import Content, load_content
from .installation import Installation, open_installation


class WorkerStatus(Protocol):
    """What the worker of this process reports about itself."""

    @property
    def outage(self) -> Outage | None:
        """What the engine cannot reach, if anything."""
        ...

    @property
    def provider_problem(self) -> str | None:
        """Why the mail provider refuses everything, if it does."""
        ...

    @property
    def send_hold(self) -> str | None:
        """Why nothing may be sent, if sending is on hold."""
        ...


@dataclass(kw_only=True)
class ServiceContext(Installation):
    """An installation with the author's content and the one path for facts.

    Args:
        tokens: signs and reads the tokens in links.
        content: journeys, lists and templates as of the last load.
        ingest: stores facts and decides what they cause.
        tracker: records opens and clicks.
        worker_status: reports on this process's worker; None when the process has none.
        foreign_changes: how often another process was seen to change the database.
        rules_lock: held while the rules of `ingest` are replaced.
    """

    tokens: Tokens
    content: Content
    ingest: Ingest
    tracker: Tracker
    worker_status: WorkerStatus | None = None
    foreign_changes: int = 0
    rules_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def registry(self) -> Registry:
        """The journeys and lists of the last load."""
        return self.content.registry

    async def refresh_rules(self) -> None:
        """Reload what operators or another process may have switched."""
        async with self.rules_lock:
            self.ingest.rules = await load_rules(
                self.database,
                self.registry.journeys,
                self.registry.lists,
                self.settings.late_event_limit,
            )


@asynccontextmanager
async def open_context(settings: Settings) -> AsyncGenerator[ServiceContext]:
    """Open the database and load the author's folder, for a process without a worker.

    Args:
        settings: with secrets.

    Raises:
        StartError: there is no database yet, or its schema is not the one of this program.
    """
    async with open_installation(settings) as installation:
        database, clock = installation.database, installation.clock
        change_feed = installation.change_feed
        tokens = Tokens(settings.secrets)
        content = load_content(settings, tokens)
        journeys, lists = content.registry.journeys, content.registry.lists
        rules = await load_rules(database, journeys, lists, settings.late_event_limit)
        ingest = Ingest(database, clock, rules, change_feed)
        yield ServiceContext(
            settings=settings,
            clock=clock,
            database=database,
            change_feed=change_feed,
            tokens=tokens,
            content=content,
            ingest=ingest,
            tracker=Tracker(database, clock, ingest, change_feed),
        )
