"""The overview: what needs an operator's attention, and how the last days went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from ..domain.ids import compute_first_id
from ..domain.journey import BrokenFile
from ..store import blocked_mails, counters, send_hold, sending_stops
from ..store.blocked_mails import BlockedGroup
from ..store.counters import to_day
from ..store.read_models import counts
from ..store.read_models import overview as read_model
from ..store.read_models.counts import FORTNIGHT, BoundedCount, DailyTotals
from ..store.sending_stops import SendingStop
from .actor import Actor, Permission
from .context import ServiceContext
from .health import LATE, DatabaseProblem, find_database_problem
from .journeys import JourneySummary, list_journeys
from .outages import Outage, find_outage

__all__ = ["FORTNIGHT", "Attention", "BoundedCount", "MailTotals", "Overview", "get_overview"]

_SENT = counters.name_send_total("sent")
_REFUSED = (counters.name_send_total("skipped"), counters.name_send_total("suppressed"))
_OPENED = counters.name_engagement_total("open", "human")
_OPENED_BY_MACHINES = counters.name_engagement_total("open", "machine")
_CLICKED = counters.name_engagement_total("click", "human")


@dataclass(frozen=True, slots=True)
class MailTotals:
    """The outcomes of mails on each of the last 14 days, oldest first."""

    sent: Sequence[int]
    refused: Sequence[int]
    opened: Sequence[int]
    opened_by_machines: Sequence[int]
    clicked: Sequence[int]
    unsubscribed: Sequence[int]


@dataclass(frozen=True, slots=True)
class Attention:
    """What needs an operator's attention.

    Args:
        database_problem: what is wrong with the database.
        outage: what the engine cannot reach.
        stopped: the providers and senders whose mail is stopped.
        provider_problem: why a provider takes no mail, if so.
        send_hold: why sending is on hold, if it is.
        broken_files: the author's files that could not be used.
        errors: the newest error of each journey that has failed enrollments, by journey id.
        retried_errors: the newest error of each journey that retries turns, by journey id.
        in_doubt: how many mails may or may not have been sent.
        failed_sends: how many mails of the last 7 days could not be sent.
        blocked: the mails that cannot be made, by template and reason.
        overdue: how many turns have been due for longer than a minute.
        has_worker: whether this process has a worker.
    """

    database_problem: DatabaseProblem | None
    outage: Outage | None
    stopped: Sequence[SendingStop]
    provider_problem: str | None
    send_hold: str | None
    broken_files: Sequence[BrokenFile]
    errors: Mapping[str, str]
    retried_errors: Mapping[str, str]
    in_doubt: BoundedCount
    failed_sends: BoundedCount
    blocked: Sequence[BlockedGroup]
    overdue: BoundedCount
    has_worker: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """What the first page shows.

    Args:
        journeys: every journey with its figures.
        attention: what needs an operator.
        totals: mails of the last 14 days.
        wakes: how many enrollments wake on each of the next 7 days, with the day's start.
        is_empty: whether nothing has happened yet.
    """

    journeys: Sequence[JourneySummary]
    attention: Attention
    totals: MailTotals
    wakes: Sequence[tuple[datetime, BoundedCount]]
    is_empty: bool


async def get_overview(context: ServiceContext, actor: Actor, now: datetime) -> Overview:
    """Return what the first page shows.

    Args:
        context: whose overview.
        actor: who reads it.
        now: the current time, in the time zone of the reader, whose days are meant.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    journeys = await list_journeys(context, actor)
    expected = read_model.count_wakes_by_day(now)
    daily = [_SENT, *_REFUSED, _OPENED, _OPENED_BY_MACHINES, _CLICKED]
    days, *wakes = await context.database.read(
        counts.find_totals([*daily, counters.UNSUBSCRIBES, counters.EVENTS], to_day(now)),
        *(query for _, query in expected),
    )
    return Overview(
        journeys=journeys,
        attention=await _find_attention(context, journeys),
        totals=_collect_totals(days),
        wakes=[(start, count) for (start, _), count in zip(expected, wakes, strict=True)],
        is_empty=not journeys or not any(days.list_by_day(counters.EVENTS, _SENT)),
    )


def _collect_totals(days: DailyTotals) -> MailTotals:
    return MailTotals(
        sent=days.list_by_day(_SENT),
        refused=days.list_by_day(*_REFUSED),
        opened=days.list_by_day(_OPENED),
        opened_by_machines=days.list_by_day(_OPENED_BY_MACHINES),
        clicked=days.list_by_day(_CLICKED),
        unsubscribed=days.list_by_day(counters.UNSUBSCRIBES),
    )


async def _find_attention(context: ServiceContext, journeys: Sequence[JourneySummary]) -> Attention:
    now = context.clock.now()
    failed = [summary.journey.id for summary in journeys if summary.by_state["failed"]]
    retrying = [summary.journey.id for summary in journeys if summary.retrying]
    worker = context.worker_status
    in_doubt, failed_sends, blocked, overdue, hold_reason, stopped = await context.database.read(
        read_model.count_sends("in_doubt", UUID(int=0)),
        read_model.count_sends("failed", compute_first_id(now - timedelta(days=7))),
        blocked_mails.group(),
        read_model.count_overdue(now - LATE),
        send_hold.find_reason(),
        sending_stops.find_active(),
    )
    errors = await context.database.read(
        *(read_model.find_last_error(journey_id) for journey_id in failed),
        *(read_model.find_last_retried_error(journey_id) for journey_id in retrying),
    )
    texts = [str(error or "") for error in errors]
    return Attention(
        database_problem=find_database_problem(context),
        outage=await find_outage(context),
        stopped=stopped,
        provider_problem=(worker.policy_problem or worker.provider_problem) if worker else None,
        send_hold=hold_reason,
        broken_files=context.content.broken,
        errors=dict(zip(failed, texts, strict=False)),
        retried_errors=dict(zip(retrying, texts[len(failed) :], strict=True)),
        in_doubt=in_doubt,
        failed_sends=failed_sends,
        blocked=blocked,
        overdue=overdue,
        has_worker=context.worker_status is not None,
    )
