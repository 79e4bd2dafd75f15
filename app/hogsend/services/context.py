"""What services work with: one open installation, in a server, a worker or a command."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from ..clock import Clock
from ..config.settings import Settings
from ..delivery.tokens import Tokens
from ..delivery.tracking import Tracker
from ..ingest import Ingest
from ..ingest.rules import load_rules
from ..store.change_feed import ChangeFeed
from ..store.db import Database
from ..store.workers import Outage
from ..turns.registry import Registry
from .content import Content


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


@dataclass
class Installation:
    """An open database and what belongs to it; enough for services that run no journeys.

    Args:
        settings: as they were when the process started.
        clock: the source of the present instant.
        database: open for as long as the installation is used.
        change_feed: publishes which kinds of rows have changed.
    """

    settings: Settings
    clock: Clock
    database: Database
    change_feed: ChangeFeed = field(default_factory=ChangeFeed)


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
