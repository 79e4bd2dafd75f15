"""Figures over time, read from counts that are kept: none of them counts rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ..errors import InvalidInput
from ..store import counters
from ..store.counters import DailyTotal, to_day
from ..store.fields import EPOCH
from ..store.read_models import counts
from .actor import Actor, Permission
from .journey_context import JourneyContext
from .journeys import find_definition, list_journeys

__all__ = ["FIGURES", "JOURNEY_FIGURES", "MetricsOverview", "Series", "get_metrics", "get_series"]

MAX_DAYS = 400
_MONTH = 30

_SENT = counters.name_send_total("sent")
# Figures of the whole installation, by the name that the API gives them.
FIGURES: Mapping[str, Sequence[DailyTotal]] = {
    "events": (counters.EVENTS,),
    "emails.sent": (_SENT,),
    "emails.failed": (counters.name_send_total("failed"),),
    "emails.bounced": (counters.name_send_total("bounced"),),
    "emails.skipped": (counters.name_send_total("skipped"),),
    "emails.suppressed": (counters.name_send_total("suppressed"),),
    "emails.opened": (counters.name_engagement_total("open", "human"),),
    "emails.opened_by_machines": (counters.name_engagement_total("open", "machine"),),
    "emails.clicked": (counters.name_engagement_total("click", "human"),),
    "contacts.unsubscribed": (counters.UNSUBSCRIBES,),
}
# Figures of one journey.
JOURNEY_FIGURES = ("entered", "completed", "exited", "failed", "goal")


@dataclass(frozen=True, slots=True)
class MetricsOverview:
    """The figures of the installation as a whole.

    Args:
        total_contacts: how many contacts there are.
        active_journeys: how many journeys enroll contacts.
        sent_today: how many mails were sent today, UTC.
        sent_in_week: in the last 7 days, today included.
        sent_in_month: in the last 30 days, today included.
        bounce_rate: bounces of the last 30 days by sent mails, from 0 to 1.
        unsubscribe_rate: unsubscribes of the last 30 days by sent mails, from 0 to 1.
    """

    total_contacts: int
    active_journeys: int
    sent_today: int
    sent_in_week: int
    sent_in_month: int
    bounce_rate: float
    unsubscribe_rate: float


@dataclass(frozen=True, slots=True)
class Series:
    """A figure by day.

    Args:
        figure: its name.
        journey_id: the journey that it is of; None for the whole installation.
        values: the day, UTC, and its value, oldest first.
    """

    figure: str
    journey_id: str | None
    values: Sequence[tuple[date, int]]


async def get_metrics(context: JourneyContext, actor: Actor) -> MetricsOverview:
    """Return the figures of the installation.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    bounced = counters.name_send_total("bounced")
    names = [_SENT, bounced, counters.UNSUBSCRIBES]
    gauges, days = await context.database.read(
        counters.find_gauges([counters.CONTACTS]),
        counts.find_totals(names, to_day(context.clock.now()), _MONTH),
    )
    journeys = await list_journeys(context, actor)
    sent = days.sum_up(_SENT, days=_MONTH)
    return MetricsOverview(
        total_contacts=max(0, gauges.get(counters.CONTACTS, 0)),
        active_journeys=sum(
            summary.is_switched_on and not summary.is_unavailable for summary in journeys
        ),
        sent_today=days.sum_up(_SENT, days=1),
        sent_in_week=days.sum_up(_SENT, days=7),
        sent_in_month=sent,
        bounce_rate=_divide(days.sum_up(bounced, days=_MONTH), sent),
        unsubscribe_rate=_divide(days.sum_up(counters.UNSUBSCRIBES, days=_MONTH), sent),
    )


async def get_series(
    context: JourneyContext, actor: Actor, figure: str, *, journey_id: str | None, days: int
) -> Series:
    """Return a figure of the last days.

    Args:
        context: whose figure.
        actor: who reads it.
        figure: one of `FIGURES`, or of `JOURNEY_FIGURES` with a journey.
        journey_id: the journey that the figure is of; None for the whole installation.
        days: how many days, today included.

    Raises:
        Forbidden: the actor may not read.
        InvalidInput: there is no such figure.
        NotFound: there is no such journey.
    """
    actor.require(Permission.READ)
    names = await _find_names(context, figure, journey_id)
    today = to_day(context.clock.now())
    totals = await context.database.read_one(counts.find_totals(names, today, days))
    first = EPOCH.date() + timedelta(days=today - days + 1)
    by_day = totals.list_by_day(*names, days=days)
    values = [(first + timedelta(days=number), value) for number, value in enumerate(by_day)]
    return Series(figure, journey_id, values)


async def _find_names(
    context: JourneyContext, figure: str, journey_id: str | None
) -> Sequence[DailyTotal]:
    if journey_id is None:
        if figure not in FIGURES:
            raise InvalidInput(f"There is no figure {figure!r}.", f"Use {', '.join(FIGURES)}.")
        return FIGURES[figure]
    await find_definition(context, journey_id)
    if figure not in JOURNEY_FIGURES:
        remedy = f"Use {', '.join(JOURNEY_FIGURES)}."
        raise InvalidInput(f"A journey has no figure {figure!r}.", remedy)
    if figure == "entered":
        return [counters.name_entered_total(journey_id)]
    if figure == "goal":
        return [counters.name_goal_total(journey_id, "entered")]
    return [counters.name_ended_total(journey_id, figure)]


def _divide(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
