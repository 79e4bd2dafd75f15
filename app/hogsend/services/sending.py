"""How mail leaves: providers, limits, stops, the queue, and the outcomes of the last 30 days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..config.mail_setting import split_mail
from ..delivery.governor import Limit
from ..domain.ids import new_id
from ..errors import Conflict, InvalidInput, NotFound
from ..store import counters, sending_stops
from ..store.counters import to_day
from ..store.read_models import overview as queues
from ..store.read_models import sending as read_model
from ..store.read_models.counts import BoundedCount, find_totals
from ..store.sending_stops import SendingStop, StopScope
from .actor import Actor, Permission
from .audit import apply_audited
from .context import ServiceContext
from .installation import Installation

__all__ = [
    "Outcomes",
    "ProviderState",
    "SendingReport",
    "SendingStop",
    "StopScope",
    "get_sending_report",
    "release_mail",
    "stop_mail",
]

DAYS = 30
_FORECAST_DAYS = 7
_MAX_ROWS = 20
_MAX_NOTE_LENGTH = 500
_BOUNCED = counters.name_send_total("bounced")
_COMPLAINED = counters.name_send_total("complained")
_STATUSES = ("sent", "delivered", "bounced", "complained", "failed")


@dataclass(frozen=True, slots=True)
class ProviderState:
    """A mail provider.

    Args:
        name: its name in `HOGSEND_MAIL`.
        kind: the scheme of its address, such as `smtp`, or `inbox`.
        problem: why it takes no mail; None when it takes mail, or when no worker of this process
            knows.
        since: since when it takes none.
    """

    name: str
    kind: str
    problem: str | None
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The outcomes of mails with something in common.

    Args:
        name: the template, the mailbox provider or the sender.
        sent: the mails that a provider accepted.
        delivered: those that were reported as delivered; 0 when the provider does not report.
        bounced: those that bounced.
        complained: those that were reported as spam.
        failed: those that failed.
    """

    name: str
    sent: int
    delivered: int
    bounced: int
    complained: int
    failed: int

    @property
    def bounce_share(self) -> float:
        """The share of the mails that bounced."""
        return self.bounced / max(self.sent, self.bounced, 1)

    @property
    def complaint_share(self) -> float:
        """The share of the mails that were reported as spam."""
        return self.complained / max(self.sent, self.complained, 1)


@dataclass(frozen=True, slots=True)
class SendingReport:
    """How mail leaves.

    Args:
        providers: the providers, the default one first.
        policy_problem: why the sending policy cannot be used, if so.
        limits: the limits that are in force in this process; empty without a worker.
        stops: what is stopped, and what was, the newest first.
        queued: how many mails wait.
        forecast: how many of them are due on each of the next days, with the day's start.
        expected: how many people wake on these days, whose journeys may send more.
        domains: to which domains the next mails go, the most first.
        reasons: why the next mails wait.
        sample: of how many of the next mails `domains` and `reasons` are.
        bounced: the bounces of each of the last days, the oldest first.
        complained: the complaints of each of these days.
        by_domain: the outcomes by mailbox provider.
        by_template: the outcomes by template.
        by_sender: the outcomes by sender.
    """

    providers: Sequence[ProviderState]
    policy_problem: str | None
    limits: Sequence[Limit]
    stops: Sequence[SendingStop]
    queued: BoundedCount
    forecast: Sequence[tuple[datetime, BoundedCount]]
    expected: Sequence[BoundedCount]
    domains: Mapping[str, int]
    reasons: Mapping[str, int]
    sample: int
    bounced: Sequence[int]
    complained: Sequence[int]
    by_domain: Sequence[Outcomes]
    by_template: Sequence[Outcomes]
    by_sender: Sequence[Outcomes]


async def get_sending_report(context: ServiceContext, actor: Actor, now: datetime) -> SendingReport:
    """Return how mail leaves.

    Args:
        context: the installation.
        actor: who reads it.
        now: the current time, in the time zone of the reader, whose days are meant.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    worker = context.worker_status
    stops, queued, domains, reasons, totals = await context.database.read(
        sending_stops.find_latest(_MAX_ROWS),
        queues.count_queued(),
        read_model.count_queue_by_domain(),
        read_model.count_queue_by_reason(),
        find_totals([_BOUNCED, _COMPLAINED], to_day(now), DAYS),
    )
    forecast, expected = await _forecast(context, now)
    by_domain, by_template, by_sender = await _collect_outcomes(context, now)
    return SendingReport(
        providers=_list_providers(context),
        policy_problem=worker.policy_problem if worker else None,
        limits=worker.governor.list_limits(context.clock.now()) if worker else (),
        stops=stops,
        queued=queued,
        forecast=forecast,
        expected=expected,
        domains=dict(sorted(domains.items(), key=lambda item: -item[1])[:_MAX_ROWS]),
        reasons=reasons,
        sample=read_model.SAMPLE,
        bounced=totals.list_by_day(_BOUNCED, days=DAYS),
        complained=totals.list_by_day(_COMPLAINED, days=DAYS),
        by_domain=by_domain,
        by_template=by_template,
        by_sender=by_sender,
    )


async def _forecast(
    context: ServiceContext, now: datetime
) -> tuple[list[tuple[datetime, BoundedCount]], list[BoundedCount]]:
    """Return for each of the next days how many mails are due, and how many people wake."""
    mails = read_model.count_due_by_day(now, _FORECAST_DAYS)
    people = queues.count_wakes_by_day(now)
    counts = await context.database.read(*(query for _, query in (*mails, *people)))
    starts = [start for start, _ in mails]
    return list(zip(starts, counts, strict=False)), counts[len(mails) :]


async def _collect_outcomes(context: ServiceContext, now: datetime) -> list[list[Outcomes]]:
    first_day, is_sqlite = to_day(now) - DAYS + 1, context.database.is_sqlite
    return [
        _collect(totals)
        for totals in await context.database.read(
            *(
                counters.find_delivery_totals(dimension, first_day, is_sqlite=is_sqlite)
                for dimension in counters.DIMENSIONS
            )
        )
    ]


async def stop_mail(
    context: ServiceContext, actor: Actor, scope: StopScope, name: str, note: str
) -> None:
    """Let no mail of a provider or a sender leave; it waits.

    Args:
        context: whose mail.
        actor: who stops it.
        scope: whether `name` is a provider or the domain of a sender.
        name: the provider or the domain.
        note: why.

    Raises:
        Forbidden: the actor may not operate.
        InvalidInput: there is no name.
        Conflict: it is stopped already.
    """
    actor.require(Permission.OPERATE)
    name = name.strip().lower()
    if not name or len(name) > 253 or scope not in ("provider", "sender"):
        raise InvalidInput("Name a provider, or the domain of a sender.")
    if await _is_stopped(context, scope, name):
        raise Conflict(f"The mail of {name} is stopped already.")
    now = context.clock.now()
    reason = note.strip()[:_MAX_NOTE_LENGTH] or "stopped by an operator"
    await apply_audited(
        context,
        actor,
        [sending_stops.insert(SendingStop(new_id(now), scope, name, reason, now))],
        "stop mail",
        f"/sending/{scope}/{name}",
        "sends",
        after={"reason": reason},
    )
    await context.refresh_stops()


async def release_mail(
    context: ServiceContext, actor: Actor, scope: StopScope, name: str, note: str
) -> None:
    """Let the mail of a provider or a sender leave again.

    A sender that was stopped for its bounces is not judged again before the next day.

    Args:
        context: whose mail.
        actor: who lets it leave.
        scope: whether `name` is a provider or the domain of a sender.
        name: the provider or the domain.
        note: why.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: it is not stopped.
    """
    actor.require(Permission.OPERATE)
    name = name.strip().lower()
    if not await _is_stopped(context, scope, name):
        raise NotFound("Stop not found", f"The mail of {name} is not stopped.")
    now, note = context.clock.now(), note.strip()[:_MAX_NOTE_LENGTH]
    await apply_audited(
        context,
        actor,
        [
            sending_stops.end(scope, name, by=actor.name, note=note or None, now=now),
            sending_stops.make_stopped_due(now),
        ],
        "release mail",
        f"/sending/{scope}/{name}",
        "sends",
        after={"note": note},
    )
    await context.refresh_stops()


async def _is_stopped(installation: Installation, scope: StopScope, name: str) -> bool:
    stops = await installation.database.read_one(sending_stops.find_by_name(scope, name))
    return any(stop.ended_at is None for stop in stops)


def _list_providers(context: ServiceContext) -> list[ProviderState]:
    worker = context.worker_status
    states: list[ProviderState] = []
    for part in split_mail(context.settings.mail):
        pause = worker.find_pause(part.label) if worker else None
        states.append(
            ProviderState(
                part.label,
                part.address.partition(":")[0],
                pause.reason if pause else None,
                pause.since if pause else None,
            )
        )
    return states


def _collect(totals: Mapping[tuple[str, str], int]) -> list[Outcomes]:
    names = sorted({name for name, _ in totals})
    outcomes = [
        Outcomes(name, *(totals.get((name, status), 0) for status in _STATUSES)) for name in names
    ]
    return sorted(outcomes, key=lambda item: -item.sent)[:_MAX_ROWS]
