"""Puts the worker of a server together: on either engine, alone or among others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from ..config.settings import Settings
from ..delivery.blocked_mails import BlockedMails
from ..delivery.drain_gate import DrainGate
from ..delivery.feedback.bounce_source import build_bounce_reader
from ..delivery.feedback.handler import OnBounces
from ..delivery.feedback.listener import BounceListener
from ..delivery.feedback.mailbox import BounceMailbox
from ..delivery.mailer import Mailer
from ..delivery.providers.select import select_providers
from ..domain.ids import new_id
from ..engines.due_rows import DueRows
from ..engines.embedded import EmbeddedEngine
from ..engines.hatchet.engine import HatchetEngine, HatchetEventHandler
from ..engines.hatchet.tasks import CronTask, EventRefused
from ..engines.leases import RowLeases
from ..engines.port import Engine, RunTurns
from ..errors import Conflict, InvalidInput, NotFound, TooLarge
from ..ingest import Ingest
from ..ingest.parsing import parse_hatchet_event
from ..services.actor import HATCHET
from ..services.context import ServiceContext
from ..services.enrollment_actions import run_action
from ..turns.runner import TurnRunner
from ..turns.turn_inputs import TurnLimits
from .event_bus import EventBus
from .isolated_turns import IsolatedTurns
from .retention import Retention, RetentionPolicy, parse_days
from .worker import Worker
from .worker_registry import Heartbeat, WorkerRegistry

# The names of the cron tasks in Hatchet.
DRAIN_MAIL, APPLY_RETENTION = "drain-mail", "remove-old"


def build_worker(
    context: ServiceContext, bus: EventBus, on_bounces: OnBounces | None = None
) -> Worker:
    """Return the worker that the settings ask for; it has to be started.

    Args:
        context: what the worker works with; its settings are with secrets, on a prepared folder.
        bus: delivers what was committed.
        on_bounces: is called with the domains of senders whose mails bounced.

    Raises:
        ConfigError: the settings do not name a provider that can be used.
    """
    registry = _build_registry(context)
    turn_runner = TurnRunner(
        context.database,
        context.clock,
        context.ingest,
        context.content.journey_code,
        read_turn_limits(context.settings),
    )
    mailer = _build_mailer(context, registry, on_bounces)
    retention = Retention(
        context.database,
        context.clock,
        RetentionPolicy.from_settings(context.settings),
        registry.is_leader if registry else None,
    )
    turns = IsolatedTurns(turn_runner, context.database, context.clock, context.change_feed)
    engine: Engine
    if context.settings.engine == "hatchet":
        engine = _build_hatchet_engine(
            context, turns.run, registry, mailer=mailer, retention=retention
        )
    else:
        engine = _build_embedded_engine(context, turns.run, registry)
    return Worker(
        bus=bus,
        database=context.database,
        clock=context.clock,
        turn_runner=turn_runner,
        engine=engine,
        mailer=mailer,
        tracker=context.tracker,
        retention=retention,
        blocked_mails=_build_blocked_mails(context, mailer),
        bounce_reader=_build_bounce_reader(context, registry),
        registry=registry,
        heartbeat=Heartbeat(registry, lambda: engine.outage, bus) if registry else None,
    )


def read_turn_limits(settings: Settings) -> TurnLimits:
    """Return the limits of one turn that the settings ask for."""
    return TurnLimits(timedelta(seconds=settings.turn_time_limit), settings.turn_step_limit)


def _build_registry(context: ServiceContext) -> WorkerRegistry | None:
    """Return the registry of workers; None on a SQLite file, which has only one."""
    if context.database.is_sqlite:
        return None
    now, journeys = context.clock.now(), context.content.registry.journeys
    return WorkerRegistry(context.database, new_id(now), context.settings.engine, now, journeys)


def _build_mailer(
    context: ServiceContext,
    registry: WorkerRegistry | None,
    on_bounces: OnBounces | None,
) -> Mailer:
    providers = context.providers or select_providers(
        context.settings, context.database, context.clock, context.change_feed
    )
    mailer = Mailer(
        database=context.database,
        clock=context.clock,
        ingest=context.ingest,
        providers=providers,
        changes=context.change_feed,
        renderer=context.content.renderer,
        rate=context.settings.send_rate,
        holder=registry.id if registry else None,
        drain_gate=DrainGate() if context.settings.engine == "hatchet" else None,
        test_address=context.settings.test_to,
        on_bounces=on_bounces,
    )
    mailer.use_policy(context.content.sending_policy)
    return mailer


def _build_blocked_mails(context: ServiceContext, mailer: Mailer) -> BlockedMails:
    return BlockedMails(
        context.database,
        context.clock,
        mailer.ledger,
        context.content.templates,
        parse_days(context.settings.keep_blocked),
    )


def _build_bounce_reader(
    context: ServiceContext, registry: WorkerRegistry | None
) -> BounceListener | BounceMailbox | None:
    return build_bounce_reader(
        context.settings,
        context.clock,
        context.tokens,
        context.feedback,
        registry.is_leader if registry else None,
    )


def _build_leases(context: ServiceContext, registry: WorkerRegistry | None) -> RowLeases | None:
    return RowLeases(context.database, registry.id) if registry else None


def _build_embedded_engine(
    context: ServiceContext, run_turns: RunTurns, registry: WorkerRegistry | None
) -> EmbeddedEngine:
    due_turns = (
        DueRows(context.database, holder=registry.id, runs_journey=registry.runs_journey)
        if registry
        else DueRows(context.database)
    )
    return EmbeddedEngine(
        context.database,
        context.clock,
        run_turns,
        lambda: context.ingest.is_under_load,
        leases=_build_leases(context, registry),
        due_turns=due_turns,
    )


def _build_hatchet_engine(
    context: ServiceContext,
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
        context.database,
        context.clock,
        run_turns,
        journey_ids=context.content.registry.journeys,
        exit_cancelled=_build_exit_cancelled(context),
        event_handler=HatchetEventHandler(
            context.settings.hatchet_events, _build_ingest_event(context.ingest)
        ),
        cron_tasks={
            DRAIN_MAIL: CronTask(drain_mail, ["* * * * *"]),
            APPLY_RETENTION: CronTask(apply_retention, ["17 * * * *"]),
        },
        mail_task=DRAIN_MAIL,
        leases=_build_leases(context, registry),
        is_ingest_busy=lambda: context.ingest.is_under_load,
        on_connectivity_change=lambda: context.change_feed.publish("journeys"),
    )


def _build_exit_cancelled(context: ServiceContext) -> Callable[[UUID], Awaitable[None]]:
    """Return a function that exits an enrollment whose run was cancelled in Hatchet."""

    async def exit_cancelled(enrollment_id: UUID) -> None:
        try:
            await run_action(context, HATCHET, "exit", enrollment_id, note="cancelled_in_hatchet")
        except (Conflict, NotFound):
            # The enrollment has ended meanwhile, or was removed.
            return

    return exit_cancelled


def _build_ingest_event(
    ingest: Ingest,
) -> Callable[[str, str, Mapping[str, Any]], Awaitable[Mapping[str, str]]]:
    """Return a function that ingests the events that other services push to Hatchet."""

    async def ingest_event(
        event_id: str, name: str, payload: Mapping[str, Any]
    ) -> Mapping[str, str]:
        try:
            event = parse_hatchet_event(event_id, name, payload)
            result = await ingest.submit(event)
        except (Conflict, InvalidInput, TooLarge) as error:
            raise EventRefused(error.message) from None
        return {"eventId": str(result.event_id), "stored": str(result.stored).lower()}

    return ingest_event
