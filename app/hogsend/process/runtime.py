"""The composition root: opens everything, hands it to who needs it, and closes it again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..clock import Clock, SystemClock
from ..config.settings import Settings
from ..delivery.providers.select import provider_for
from ..delivery.tokens import Tokens
from ..delivery.tracking import Tracker
from ..domain.ids import new_id
from ..engines.hatchet.engine import HatchetEventHandler
from ..errors import InvalidInput, StartError, StoreUnavailable, TooLarge
from ..ingest import Ingest, IngestRules, OperatorActions
from ..ingest.parsing import read_hatchet_event
from ..services.content import Content, load_content
from ..store.change_feed import ChangeFeed
from ..store.database_health import DatabaseProblem
from ..store.db import Database, is_sqlite, place_of
from ..turns.folder_check import review
from ..turns.plan import log_plan
from ..turns.registry import Registry
from ..turns.turn_inputs import JourneyCode, TurnLimits
from .event_loop import leave, run
from .journey_sync import rules_of, see_journeys
from .retention import Retention, RetentionPolicy
from .worker import Worker, WorkerLock
from .worker_registry import WorkerRegistry

log = logging.getLogger("hogsend")

# Another process's changes to the database, such as a revoked key, are seen within this time.
NOTICE_EVERY = 0.2
_AFTER_ERROR = 1.0
# A trouble that comes back within this time is not told again.
SAME_TROUBLE = timedelta(minutes=1)


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
        changed: the journeys whose code the last load changed.
        planning: what says in the log what that means for the people in them.
        deciding: held while what decides about events is replaced, by whichever way.
    """

    settings: Settings
    clock: Clock
    database: Database
    tokens: Tokens
    changes: ChangeFeed
    content: Content
    ingest: Ingest
    tracker: Tracker
    worker: Worker | None = None
    foreign: int = 0
    changed: frozenset[str] = frozenset()
    planning: asyncio.Task[None] | None = None
    deciding: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def registry(self) -> Registry:
        """The journeys and lists of the last load."""
        return self.content.registry

    @property
    def orders(self) -> OperatorActions:
        """What carries out what operators order."""
        return OperatorActions(self.database, self.clock, self.ingest)

    async def use(self, content: Content) -> None:
        """Serve and play other content from now on."""
        async with self.deciding:
            me = self.worker.id if self.worker else None
            self.changed = await see_journeys(self.database, content.registry, self.clock.now(), me)
            self.content = content
            self.ingest.rules = await self._rules(content.registry)
        if self.worker is not None:
            self.worker.use(content)
        self.changes.publish("journeys")

    async def plan_changes(self) -> None:
        """Begin to say in the log what is wrong in the code, and what it means for its people."""
        await self.stop_planning()
        self.planning = asyncio.create_task(self._tell_of_code(self.content))

    async def _tell_of_code(self, content: Content) -> None:
        folder, known = self.settings.journeys, content.known_templates
        for found in await asyncio.to_thread(review, folder, content.registry, known):
            if found.severity == "error":
                log.warning("%s", found)
        if self.changed:
            code = JourneyCode(content.registry, content.template_lists)
            limits = limits_of(self.settings)
            await log_plan(self.database, self.clock, code, self.changed, limits)

    async def stop_planning(self) -> None:
        """Leave unsaid what has not been said yet."""
        if self.planning is not None:
            self.planning.cancel()
            await asyncio.gather(self.planning, return_exceptions=True)

    async def stop_work(self) -> None:
        """Play and deliver no more; what was asked for already is still answered."""
        if self.worker is not None:
            await self.worker.stop(self.settings.stop_timeout)

    def look(self) -> None:
        """Let the worker look at its rows again."""
        if self.worker is not None:
            self.worker.look()

    async def _rules(self, registry: Registry) -> IngestRules:
        return await rules_of(self.database, registry, self.settings.late_event_limit)

    async def refresh(self) -> None:
        """Read anew what another process, or an operator, may have switched."""
        async with self.deciding:
            self.ingest.rules = await self._rules(self.content.registry)


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
        StartError: another worker is at work on the same data folder, or the database takes
            nothing.
    """
    async with AsyncExitStack() as stack:
        if with_worker and is_sqlite(settings.database_url):
            stack.callback(WorkerLock(settings.data).release)
        try:
            runtime = await _assemble(settings, clock or SystemClock(), stack, with_worker)
        except StoreUnavailable as error:
            place = place_of(settings.database_url)
            raise StartError(f"{error.message} It is {place}.", error.remedy) from error
        yield runtime


async def _assemble(
    settings: Settings, clock: Clock, stack: AsyncExitStack, with_worker: bool
) -> Runtime:
    database = Database(settings.database_url, clock)
    stack.push_async_callback(database.close)
    await database.open()
    tokens = Tokens(settings.secrets)
    changes = ChangeFeed()
    stack.callback(changes.close)
    content = load_content(settings, tokens)
    for broken in content.broken:
        log.warning("%s", broken)
    changed = await see_journeys(database, content.registry, clock.now())
    rules = await rules_of(database, content.registry, settings.late_event_limit)
    ingest = Ingest(database, clock, rules, changes)
    tracker = Tracker(database, clock, ingest, changes)
    runtime = Runtime(settings, clock, database, tokens, changes, content, ingest, tracker)
    runtime.changed = changed
    stack.push_async_callback(runtime.stop_planning)
    if with_worker:
        runtime.worker = await _start_worker(runtime)
        stack.push_async_callback(runtime.stop_work)
    watch = asyncio.create_task(_ChangeMonitor(runtime).run())
    stack.push_async_callback(_cancel, watch)
    return runtime


async def _start_worker(runtime: Runtime) -> Worker:
    provider = provider_for(runtime.settings, runtime.database, runtime.clock, runtime.changes)
    now = runtime.clock.now()
    alone = runtime.database.is_sqlite
    roster = (
        None
        if alone
        else WorkerRegistry(runtime.database, new_id(now), runtime.settings.engine, now)
    )
    retention = Retention(
        runtime.database,
        runtime.clock,
        RetentionPolicy.of(runtime.settings),
        roster.is_first if roster else None,
    )
    worker = Worker(
        database=runtime.database,
        clock=runtime.clock,
        ingest=runtime.ingest,
        changes=runtime.changes,
        provider=provider,
        content=runtime.content,
        tracker=runtime.tracker,
        retention=retention,
        limits=limits_of(runtime.settings),
        rate=runtime.settings.send_rate,
        roster=roster,
        hatchet=_doors(runtime) if runtime.settings.engine == "hatchet" else None,
    )
    await worker.start()
    return worker


def _doors(runtime: Runtime) -> HatchetEventHandler:
    """Return what takes in the events that other services push to Hatchet."""

    async def take(event_id: str, name: str, given: Mapping[str, Any]) -> Mapping[str, str]:
        try:
            event = read_hatchet_event(event_id, name, given)
        except (InvalidInput, TooLarge) as error:
            # It would not be another one the next time.
            return {"refused": error.message}
        taken = await runtime.ingest.take(event)
        return {"eventId": str(taken.event_id), "stored": str(taken.stored).lower()}

    return HatchetEventHandler(runtime.settings.hatchet_events, take)


def limits_of(settings: Settings) -> TurnLimits:
    """Return what one turn may use up."""
    return TurnLimits(timedelta(seconds=settings.turn_time_limit), settings.turn_step_limit)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class _ChangeMonitor:
    """Notices what nobody tells this process: another's changes, and how the database stands.

    Args:
        runtime: what is told of it.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._seen: int | None = None
        self._standing: DatabaseProblem | None = None
        self._since = runtime.clock.now()
        self._told: tuple[DatabaseProblem, datetime] | None = None
        self._silent = True

    async def run(self) -> None:
        """Look, several times a second, until cancelled."""
        while True:
            pause = NOTICE_EVERY
            try:
                self._tell_trouble()
                await self._look()
            except StoreUnavailable:
                pass
            except Exception:
                log.exception("changes of other processes could not be read; trying again")
                pause = _AFTER_ERROR
            await asyncio.sleep(pause)

    async def _look(self) -> None:
        runtime = self._runtime
        if runtime.database.standing.trouble is not None:
            await runtime.database.try_again()
        now = await runtime.database.foreign_changes()
        if self._seen not in (None, now):
            runtime.foreign += 1
            await runtime.refresh()
            runtime.changes.publish("contacts", "enrollments", "events", "journeys", "sends")
            runtime.look()
        self._seen = now

    def _tell_trouble(self) -> None:
        """Tell once what is wrong with the database, and once that it is over."""
        standing, now = self._runtime.database.standing, self._runtime.clock.now()
        trouble, before = standing.trouble, self._standing
        if trouble == before:
            return
        self._standing = trouble
        told = self._told
        if trouble is not None:
            self._since = standing.since or now
            if told is None or told[0] != trouble or abs(now - told[1]) > SAME_TROUBLE:
                self._told = trouble, now
                self._silent = False
                place = place_of(self._runtime.settings.database_url)
                log.error("%s (%s: %s)", trouble, place, standing.detail)
            return
        if not self._silent:
            seconds = max((now - self._since).total_seconds(), 0.0)
            log.warning("The database takes what it is given again, after %.0f s.", seconds)
        self._silent = True
        self._runtime.look()


def serve(settings: Settings, *, with_worker: bool, reload: bool) -> int:
    """Serve until a signal ends the process; return its exit status."""
    from .server import serve as serve_web

    return leave(run(serve_web(settings, with_worker=with_worker, reload=reload)))


def work(settings: Settings) -> int:
    """Play journeys and deliver mail without a web server, until a signal; return the status."""
    from .server import work as work_alone

    return leave(run(work_alone(settings)))
