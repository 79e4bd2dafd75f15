"""An installation with the author's journeys, but without templates: enough for most commands.

Apart from `context`, because loading templates takes ten times as long as loading journeys.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ..config.settings import Settings
from ..ingest import Ingest
from ..ingest.rules import load_rules
from ..turns.folder_loader import load
from ..turns.registry import Registry
from .installation import Installation, open_installation


@dataclass(kw_only=True)
class JourneyContext(Installation):
    """An installation with the author's journeys and the one path for facts.

    Args:
        ingest: stores facts and decides what they cause.
        rules_lock: held while the rules of `ingest` are replaced.
    """

    ingest: Ingest
    rules_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def registry(self) -> Registry:
        """The journeys and lists of the last load."""
        raise NotImplementedError

    async def refresh_rules(self) -> None:
        """Reload what operators or another process may have switched."""
        async with self.rules_lock:
            self.ingest.rules = await load_rules(
                self.database,
                self.registry.journeys,
                self.registry.lists,
                self.settings.late_event_limit,
                broken=self.registry.broken_journeys,
            )


@dataclass(kw_only=True)
class _LoadedJourneys(JourneyContext):
    """Journeys that were loaded once, for a command."""

    loaded: Registry

    @property
    def registry(self) -> Registry:
        return self.loaded


def load_journeys(settings: Settings) -> Registry:
    """Load the author's journeys and lists; what is broken is reported in the result."""
    return load(settings.journeys)


@asynccontextmanager
async def open_journeys(settings: Settings) -> AsyncGenerator[JourneyContext]:
    """Open the database and load the author's journeys, for a command.

    Journeys that name a missing template are among them: only a process that has loaded the
    templates refuses these.

    Raises:
        StartError: there is no database yet, or its schema is not the one of this program.
    """
    async with open_installation(settings) as installation:
        database, clock = installation.database, installation.clock
        registry = load_journeys(settings)
        rules = await load_rules(
            database,
            registry.journeys,
            registry.lists,
            settings.late_event_limit,
            broken=registry.broken_journeys,
        )
        yield _LoadedJourneys(
            settings=settings,
            clock=clock,
            database=database,
            change_feed=installation.change_feed,
            ingest=Ingest(database, clock, rules, installation.change_feed),
            loaded=registry,
        )
