"""The composition root: opens everything, hands it to who needs it, and closes it again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from .catalogue import rules_of, see_journeys
from .changes import Changes
from .clock import Clock, SystemClock
from .config import Settings
from .content import Content, fingerprint, load_content
from .delivery.providers.select import provider_for
from .delivery.tokens import Tokens
from .delivery.tracking import Tracker
from .errors import StartError
from .ingest import Ingest
from .store.db import Database
from .turns.registry import Registry
from .worker import Worker, WorkerLock

log = logging.getLogger("hogsend")

# Another process's changes to the database, such as a revoked key, are seen within this time.
NOTICE_EVERY = 0.2
RELOAD_EVERY = 0.5


@dataclass
class Runtime:
    """What a process is made of.

    Args:
        settings: as they were when it started.
        clock: what tells the time.
        database: open until the process ends.
        tokens: signs links.
        changes: tells dashboards what has changed.
        content: journeys, lists and mails, as of the last load.
        ingest: the door for facts.
        tracker: records opens and clicks.
        worker: plays journeys and delivers mail; None when this process only serves.
        foreign: how often another process was seen to change the database.
    """

    settings: Settings
    clock: Clock
    database: Database
    tokens: Tokens
    changes: Changes
    content: Content
    ingest: Ingest
    tracker: Tracker
    worker: Worker | None = None
    foreign: int = 0

    @property
    def registry(self) -> Registry:
        """The journeys and lists of the last load."""
        return self.content.registry

    async def use(self, content: Content) -> None:
        """Serve and play other content from now on."""
        await see_journeys(self.database, content.registry, self.clock.now())
        self.content = content
        self.ingest.rules = await rules_of(self.database, content.registry)
        if self.worker is not None:
            self.worker.use(content)
        self.changes.publish("journeys")

    async def stop_work(self) -> None:
        """Play and deliver no more; what was asked for already is still answered."""
        if self.worker is not None:
            await self.worker.stop(self.settings.stop_timeout)

    async def refresh(self) -> None:
        """Read anew what another process, or an operator, may have switched."""
        self.ingest.rules = await rules_of(self.database, self.content.registry)


@asynccontextmanager
async def open_runtime(
    settings: Settings, *, with_worker: bool, clock: Clock | None = None
) -> AsyncGenerator[Runtime]:
    """Open everything, and close it at the end.

    Args:
        settings: with secrets, on a prepared data folder.
        with_worker: also play journeys and deliver mail.
        clock: what tells the time; the machine's unless given.

    Raises:
        ConfigError: settings do not fit together.
        StartError: another worker is at work on the same data folder.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        if with_worker:
            stack.callback(WorkerLock(settings.data).release)
        database = Database(settings.database_url)
        await database.open()
        stack.push_async_callback(database.close)
        if with_worker and not await database.take_worker_lock():
            raise StartError(
                "Another worker is already at work on this database.",
                "Stop it first, or start this one without --with-worker.",
            )
        tokens = Tokens(settings.secrets)
        changes = Changes()
        stack.callback(changes.close)
        content = load_content(settings, tokens)
        for broken in content.broken:
            log.warning("%s", broken)
        await see_journeys(database, content.registry, clock.now())
        ingest = Ingest(database, clock, await rules_of(database, content.registry), changes)
        tracker = Tracker(database, clock, ingest, changes)
        runtime = Runtime(settings, clock, database, tokens, changes, content, ingest, tracker)
        if with_worker:
            runtime.worker = await _start_worker(runtime)
            stack.push_async_callback(runtime.stop_work)
        watch = asyncio.create_task(_notice_others(runtime))
        stack.push_async_callback(_cancel, watch)
        yield runtime


async def _start_worker(runtime: Runtime) -> Worker:
    provider = provider_for(runtime.settings, runtime.database, runtime.clock, runtime.changes)
    worker = Worker(
        database=runtime.database,
        clock=runtime.clock,
        ingest=runtime.ingest,
        changes=runtime.changes,
        provider=provider,
        content=runtime.content,
        tracker=runtime.tracker,
    )
    await worker.start()
    return worker


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _notice_others(runtime: Runtime) -> None:
    """Notice what the command line has changed beside this process."""
    seen = await runtime.database.foreign_changes()
    while True:
        await asyncio.sleep(NOTICE_EVERY)
        try:
            now = await runtime.database.foreign_changes()
            if now == seen:
                continue
            seen = now
            runtime.foreign += 1
            await runtime.refresh()
        except Exception:
            log.exception("changes of other processes could not be read; trying again")
            continue
        runtime.changes.publish("contacts", "enrollments", "events", "journeys", "sends")
        if runtime.worker is not None:
            runtime.worker.look()


async def reload_when_edited(runtime: Runtime) -> None:
    """Load journeys and mails anew whenever a file of the folder changes; until cancelled."""
    folder = runtime.settings.journeys
    seen = fingerprint(folder)
    while True:
        await asyncio.sleep(RELOAD_EVERY)
        with suppress(OSError):
            found = fingerprint(folder)
            if found == seen:
                continue
            seen = found
            content = load_content(runtime.settings, runtime.tokens)
            await runtime.use(content)
            log.info(
                "loaded %d journeys and %d mails; %d files are broken",
                len(content.registry.journeys),
                len(content.template_lists),
                len(content.broken),
            )
            for broken in content.broken:
                log.warning("%s", broken)


def serve(settings: Settings, *, with_worker: bool, reload: bool) -> int:
    """Serve until a signal ends the process; return its exit status."""
    from .web.server import serve as serve_web

    return asyncio.run(serve_web(settings, with_worker=with_worker, reload=reload))


def work(settings: Settings) -> int:
    """Play journeys and deliver mail without a web server, until a signal; return the status."""
    from .web.server import work as work_alone

    return asyncio.run(work_alone(settings))
