"""The composition root: opens everything, hands it to who needs it, and closes it again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
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
from ..ingest import Ingest
from ..ingest.parsing import read_hatchet_event
from ..ingest.rules import load_rules
from ..services.content import Content, load_content
from ..services.context import ServiceContext
from ..store.change_feed import ChangeFeed
from ..store.database_health import DatabaseProblem
from ..store.db import Database, is_sqlite, place_of
from ..turns.folder_check import review
from ..turns.plan import log_plan
from ..turns.turn_inputs import JourneyCode, TurnLimits
from .journey_sync import see_journeys
from .retention import Retention, RetentionPolicy
from .worker import Worker, WorkerLock
from .worker_registry import WorkerRegistry

log = logging.getLogger("hogsend")

# Another process's changes to the database, such as a revoked key, are seen within this time.
NOTICE_EVERY = 0.2
_AFTER_ERROR = 1.0
# A trouble that comes back within this time is not told again.
SAME_TROUBLE = timedelta(minutes=1)


@dataclass(kw_only=True)
class Runtime(ServiceContext):
    """An open installation with what runs by itself: the worker, reloading, planning.

    Args:
        worker: plays journeys and delivers mail; None when this process only serves.
        changed_journeys: the journeys whose code the last load changed.
        planning: logs what that means for the people in them.
    """

    worker: Worker | None = None
    changed_journeys: frozenset[str] = frozenset()
    planning: asyncio.Task[None] | None = None

    async def use(self, content: Content) -> None:
        """Serve and play other content from now on."""
        async with self.rules_lock:
            worker_id = self.worker.id if self.worker else None
            self.changed_journeys = await see_journeys(
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
        for finding in await asyncio.to_thread(review, folder, content.registry, known):
            if finding.severity == "error":
                log.warning("%s", finding)
        if self.changed_journeys:
            code = JourneyCode(content.registry, content.template_lists)
            limits = limits_of(self.settings)
            await log_plan(self.database, self.clock, code, self.changed_journeys, limits)

    async def stop_planning(self) -> None:
        """Stop logging the plan."""
        if self.planning is not None:
            self.planning.cancel()
            await asyncio.gather(self.planning, return_exceptions=True)

    async def stop_work(self) -> None:
        """Stop the worker; requests in flight are still answered."""
        if self.worker is not None:
            await self.worker.stop(self.settings.stop_timeout)

    def check_rows(self) -> None:
        """Let the worker check its rows again."""
        if self.worker is not None:
            self.worker.look()


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
    change_feed = ChangeFeed()
    stack.callback(change_feed.close)
    content = load_content(settings, tokens)
    for broken in content.broken:
        log.warning("%s", broken)
    changed = await see_journeys(database, content.registry, clock.now())
    registry = content.registry
    rules = await load_rules(database, registry.journeys, registry.lists, settings.late_event_limit)
    ingest = Ingest(database, clock, rules, change_feed)
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
    )
    runtime.changed_journeys = changed
    stack.push_async_callback(runtime.stop_planning)
    if with_worker:
        runtime.worker = runtime.worker_status = await _start_worker(runtime)
        stack.push_async_callback(runtime.stop_work)
    watch = asyncio.create_task(_ChangeMonitor(runtime).run())
    stack.push_async_callback(_cancel, watch)
    return runtime


async def _start_worker(runtime: Runtime) -> Worker:
    provider = provider_for(runtime.settings, runtime.database, runtime.clock, runtime.change_feed)
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
        changes=runtime.change_feed,
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
        taken = await runtime.ingest.submit(event)
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
            runtime.foreign_changes += 1
            await runtime.refresh_rules()
            runtime.change_feed.publish("contacts", "enrollments", "events", "journeys", "sends")
            runtime.check_rows()
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
        self._runtime.check_rows()
