"""The composition root: opens everything, connects the parts, and closes them again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import InitVar, dataclass, field

from ..clock import Clock, SystemClock
from ..config.settings import Settings
from ..delivery.breach_check import BreachCheck
from ..delivery.feedback.handler import FeedbackHandler
from ..delivery.providers.select import select_providers
from ..delivery.tokens import Tokens
from ..delivery.tracking import Tracker
from ..errors import ConfigError, StartError, StoreUnavailable
from ..ingest import Ingest
from ..ingest.rules import load_rules
from ..services.content import Content, load_content
from ..services.context import ServiceContext
from ..store.change_feed import DKIM_KEYS, SESSIONS, ChangeFeed
from ..store.db import Database, describe_location, is_sqlite
from ..turns.folder_check import diagnose_folder
from ..turns.plan import log_plan
from .database_watcher import DatabaseWatcher
from .event_bus import DatabaseChanged, DatabaseGone, DatabaseRecovered, EventBus
from .import_runner import ImportRunner
from .journey_sync import sync_journeys
from .worker import Worker
from .worker_factory import build_worker, read_turn_limits
from .worker_lock import WorkerLock

log = logging.getLogger("hogsend")
# What another process, such as the command line, may have changed.
_FOREIGN_TOPICS = ("contacts", "enrollments", "events", "journeys", "sends", SESSIONS, DKIM_KEYS)


@dataclass(kw_only=True)
class Runtime(ServiceContext):
    """An open installation with what runs by itself: the worker, reloading, planning.

    Args:
        bus: connects the parts.
        with_worker: whether this process runs journeys and delivers mail.
        changed_journeys: the journeys whose code the last load changed.

    Attributes:
        worker: runs journeys and delivers mail; None when this process only serves.
        planning: logs what changed code means for the people in its journeys.

    Raises:
        ConfigError: the settings do not name a mail provider that a worker can use.
    """

    bus: EventBus
    with_worker: InitVar[bool] = False
    changed_journeys: frozenset[str] = frozenset()
    worker: Worker | None = field(init=False)
    planning: asyncio.Task[None] | None = field(init=False, default=None)

    def __post_init__(self, with_worker: bool) -> None:
        on_bounces = BreachCheck(
            self.database,
            self.clock,
            self.change_feed,
            lambda: self.content.sending_policy,
            self.refresh_stops,
        )
        self.feedback = FeedbackHandler(
            self.database,
            self.clock,
            self.ingest,
            test_address=self.settings.test_to,
            on_bounces=on_bounces,
        )
        self.worker = None
        try:
            self.providers = select_providers(
                self.settings, self.database, self.clock, self.change_feed
            )
        except ConfigError as error:
            if with_worker:
                raise
            log.warning("No webhooks of mail providers are accepted: %s", error)
        if with_worker:
            self.worker = build_worker(self, self.bus, on_bounces)
        self.bus.subscribe(DatabaseChanged, self._on_database_changed)
        self.bus.subscribe(DatabaseRecovered, self._on_database_recovered)
        self.bus.subscribe(DatabaseGone, self._on_database_gone)

    @property
    def worker_status(self) -> Worker | None:
        return self.worker

    async def use(self, content: Content) -> None:
        """Serve and run other content from now on."""
        async with self.rules_lock:
            worker_id = self.worker.id if self.worker else None
            self.changed_journeys = await sync_journeys(
                self.database, content.registry, self.clock.now(), worker_id
            )
            self.content = content
        await self.refresh_rules()
        if self.worker is not None:
            self.worker.use(content)
        self.change_feed.publish("journeys")

    async def plan_changes(self) -> None:
        """Start logging what is wrong in the code, and what its changes mean for people in it."""
        await self.stop_planning()
        self.planning = asyncio.create_task(self._log_plan(self.content))

    async def _log_plan(self, content: Content) -> None:
        folder, known = self.settings.journeys, content.known_templates
        for finding in await asyncio.to_thread(diagnose_folder, folder, content.registry, known):
            if finding.severity == "error":
                log.warning("%s", finding)
        if self.changed_journeys:
            await log_plan(
                self.database,
                self.clock,
                content.journey_code,
                self.changed_journeys,
                read_turn_limits(self.settings),
            )

    async def stop_planning(self) -> None:
        """Stop logging the plan."""
        if self.planning is not None:
            self.planning.cancel()
            await asyncio.gather(self.planning, return_exceptions=True)

    async def stop_work(self) -> None:
        """Stop the worker; requests in flight are still answered."""
        if self.worker is not None:
            await self.worker.stop(self.settings.stop_timeout)

    async def _on_database_changed(self, event: DatabaseChanged) -> None:
        self.foreign_changes += 1
        await self.refresh_rules()
        await self.refresh_stops()
        self.change_feed.publish(*_FOREIGN_TOPICS)
        self._poll()

    async def _on_database_recovered(self, event: DatabaseRecovered) -> None:
        self._poll()

    async def _on_database_gone(self, event: DatabaseGone) -> None:
        # Open pages fetch themselves again, and show it.
        self.change_feed.publish("journeys")
        if self.worker is not None:
            await self.stop_work()
            log.error("The worker has stopped: no journey runs and no mail leaves until a restart.")

    async def refresh_stops(self) -> None:
        """Let the worker of this process know which mail is stopped."""
        if self.worker is not None:
            await self.worker.mailer.read_stops()
            self.worker.mailer.poll()

    def _poll(self) -> None:
        if self.worker is not None:
            self.worker.poll()


@asynccontextmanager
async def open_runtime(
    settings: Settings, *, with_worker: bool, clock: Clock | None = None
) -> AsyncGenerator[Runtime]:
    """Open everything, and close it at the end.

    Args:
        settings: with secrets, on a prepared data folder.
        with_worker: also run journeys and deliver mail.
        clock: the clock; the machine's unless given.

    Raises:
        ConfigError: settings do not fit together.
        StartError: another worker is at work on the same data folder, or the database takes
            nothing.
    """
    async with AsyncExitStack() as stack:
        if with_worker and is_sqlite(settings.database_url):
            stack.callback(WorkerLock(settings.data).release)
        try:
            runtime = await _assemble(settings, clock or SystemClock(), stack, with_worker)
        except StoreUnavailable as error:
            place = describe_location(settings.database_url)
            raise StartError(f"{error.message} It is {place}.", error.remedy) from error
        yield runtime


async def _assemble(
    settings: Settings, clock: Clock, stack: AsyncExitStack, with_worker: bool
) -> Runtime:
    database = Database(settings.database_url, clock)
    stack.push_async_callback(database.close)
    await database.open()
    bus, tokens, change_feed = EventBus(), Tokens(settings.secrets), ChangeFeed()
    stack.callback(change_feed.close)
    content = load_content(settings, tokens)
    for broken in content.broken:
        log.warning("%s", broken)
    changed_journeys = await sync_journeys(database, content.registry, clock.now())
    registry = content.registry
    rules = await load_rules(
        database,
        registry.journeys,
        registry.lists,
        settings.late_event_limit,
        broken=registry.broken_journeys,
    )
    ingest = Ingest(database, clock, rules, change_feed, on_commit=bus.publish)
    tracker = Tracker(database, clock, ingest, change_feed)
    runtime = Runtime(
        settings=settings,
        clock=clock,
        database=database,
        change_feed=change_feed,
        tokens=tokens,
        content=content,
        ingest=ingest,
        tracker=tracker,
        bus=bus,
        with_worker=with_worker,
        changed_journeys=changed_journeys,
    )
    stack.push_async_callback(runtime.stop_planning)
    if runtime.worker is not None:
        await runtime.worker.start()
        stack.push_async_callback(runtime.stop_work)
    importing = asyncio.create_task(ImportRunner(runtime).run())
    stack.push_async_callback(_cancel, importing)
    watcher = DatabaseWatcher(database, describe_location(settings.database_url), clock, bus)
    stack.push_async_callback(_cancel, asyncio.create_task(watcher.run()))
    return runtime


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
