"""Puts the worker of a server together: on either engine, alone or among others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from ..clock import Clock
from ..config.settings import Settings
from ..delivery.drain_gate import DrainGate
from ..delivery.mailer import Mailer
from ..delivery.providers.select import select_provider
from ..delivery.tracking import Tracker
from ..domain.ids import new_id
from ..engines.due_rows import DueRows
from ..engines.embedded import EmbeddedEngine
from ..engines.hatchet.engine import HatchetEngine, HatchetEventHandler
from ..engines.hatchet.tasks import CronTask
from ..engines.leases import RowLeases
from ..engines.port import Engine, RunTurns
from ..errors import Conflict, InvalidInput, NotFound, TooLarge
from ..ingest import Ingest
from ..ingest.parsing import parse_hatchet_event
from ..services.actor import HATCHET
from ..services.content import Content
from ..services.enrollment_actions import run_action
from ..store.change_feed import ChangeFeed
from ..store.db import Database
from ..turns.runner import TurnRunner
from ..turns.turn_inputs import JourneyCode, TurnLimits
from .event_bus import EventBus
from .isolated_turns import IsolatedTurns
from .retention import Retention, RetentionPolicy
from .worker import Worker
from .worker_registry import Heartbeat, WorkerRegistry

# The names of the cron tasks in Hatchet.
DRAIN_MAIL, APPLY_RETENTION = "drain-mail", "remove-old"


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """The open parts of the process that a worker uses.

    Args:
        database: the database.
        clock: the source of the present instant.
        change_feed: notifies dashboards.
        content: the author's journeys and mails.
        ingest: stores what turns and mails cause.
        tracker: decides which clicks were a person's.
    """

    database: Database
    clock: Clock
    change_feed: ChangeFeed
    content: Content
    ingest: Ingest
    tracker: Tracker

    def is_ingest_busy(self) -> bool:
        """Return whether events arrive faster than they are written."""
        return self.ingest.is_under_load


def build_worker(settings: Settings, bus: EventBus, parts: WorkerParts) -> Worker:
    """Return the worker that the settings ask for; it has to be started.

    Args:
        settings: with secrets, on a prepared data folder.
        bus: delivers what was committed.
        parts: what it works with.

    Raises:
        ConfigError: the settings do not name a provider that can be used.
    """
    registry = _registry(settings, parts)
    turn_runner = TurnRunner(
        parts.database,
        parts.clock,
        parts.ingest,
        JourneyCode(parts.content.registry, parts.content.template_lists),
        turn_limits(settings),
    )
    mailer = _mailer(settings, parts, registry)
    retention = Retention(
        parts.database,
        parts.clock,
        RetentionPolicy.of(settings),
        registry.is_leader if registry else None,
    )
    run_turns = IsolatedTurns(turn_runner, parts.database, parts.clock, parts.change_feed).run
    engine: Engine
    if settings.engine == "hatchet":
        engine = _hatchet_engine(
            settings, parts, run_turns, registry, mailer=mailer, retention=retention
        )
    else:
        engine = _embedded_engine(parts, run_turns, registry)
    return Worker(
        bus=bus,
        database=parts.database,
        clock=parts.clock,
        turn_runner=turn_runner,
        engine=engine,
        mailer=mailer,
        tracker=parts.tracker,
        retention=retention,
        registry=registry,
        heartbeat=Heartbeat(registry, lambda: engine.outage, bus) if registry else None,
    )


def turn_limits(settings: Settings) -> TurnLimits:
    """Return what one turn may use up."""
    return TurnLimits(timedelta(seconds=settings.turn_time_limit), settings.turn_step_limit)


def _registry(settings: Settings, parts: WorkerParts) -> WorkerRegistry | None:
    """Return the registry of workers; None on a SQLite file, which has only one."""
    if parts.database.is_sqlite:
        return None
    now, journeys = parts.clock.now(), parts.content.registry.journeys
    return WorkerRegistry(parts.database, new_id(now), settings.engine, now, journeys)


def _mailer(settings: Settings, parts: WorkerParts, registry: WorkerRegistry | None) -> Mailer:
    return Mailer(
        database=parts.database,
        clock=parts.clock,
        ingest=parts.ingest,
        provider=select_provider(settings, parts.database, parts.clock, parts.change_feed),
        changes=parts.change_feed,
        renderer=parts.content.renderer,
        rate=settings.send_rate,
        holder=registry.id if registry else None,
        drain_gate=DrainGate() if settings.engine == "hatchet" else None,
    )


def _leases(parts: WorkerParts, registry: WorkerRegistry | None) -> RowLeases | None:
    return RowLeases(parts.database, registry.id) if registry else None


def _embedded_engine(
    parts: WorkerParts, run_turns: RunTurns, registry: WorkerRegistry | None
) -> EmbeddedEngine:
    due_turns = (
        DueRows(parts.database, holder=registry.id, runs_journey=registry.runs_journey)
        if registry
        else DueRows(parts.database)
    )
    return EmbeddedEngine(
        parts.database,
        parts.clock,
        run_turns,
        parts.is_ingest_busy,
        leases=_leases(parts, registry),
        due_turns=due_turns,
    )


def _hatchet_engine(
    settings: Settings,
    parts: WorkerParts,
    run_turns: RunTurns,
    registry: WorkerRegistry | None,
    *,
    mailer: Mailer,
    retention: Retention,
) -> HatchetEngine:
    async def drain_mail() -> Mapping[str, Any]:
        return {"mails": await mailer.drain()}

    async def apply_retention() -> Mapping[str, Any]:
        return dict(await retention.apply())

    return HatchetEngine(
        parts.database,
        parts.clock,
        run_turns,
        journey_ids=parts.content.registry.journeys,
        exit_cancelled=_exit_cancelled(parts),
        event_handler=HatchetEventHandler(
            settings.hatchet_events, _ingest_hatchet_event(parts.ingest)
        ),
        cron_tasks={
            DRAIN_MAIL: CronTask(drain_mail, ["* * * * *"]),
            APPLY_RETENTION: CronTask(apply_retention, ["17 * * * *"]),
        },
        mail_task=DRAIN_MAIL,
        leases=_leases(parts, registry),
        is_ingest_busy=parts.is_ingest_busy,
        on_connectivity_change=lambda: parts.change_feed.publish("journeys"),
    )


def _exit_cancelled(parts: WorkerParts) -> Callable[[UUID], Awaitable[None]]:
    """Return what exits an enrollment whose run was cancelled in Hatchet."""

    async def exit_cancelled(enrollment_id: UUID) -> None:
        try:
            await run_action(parts, HATCHET, "exit", enrollment_id, note="cancelled_in_hatchet")
        except (Conflict, NotFound):
            # It has ended meanwhile.
            return

    return exit_cancelled


def _ingest_hatchet_event(
    ingest: Ingest,
) -> Callable[[str, str, Mapping[str, Any]], Awaitable[Mapping[str, str]]]:
    """Return what ingests the events that other services push to Hatchet."""

    async def ingest_event(
        event_id: str, name: str, payload: Mapping[str, Any]
    ) -> Mapping[str, str]:
        try:
            event = parse_hatchet_event(event_id, name, payload)
        except (InvalidInput, TooLarge) as error:
            # A retry would be refused as well.
            return {"refused": error.message}
        result = await ingest.submit(event)
        return {"eventId": str(result.event_id), "stored": str(result.stored).lower()}

    return ingest_event
