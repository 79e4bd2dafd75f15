"""Queues for the overview: counts that stop at a limit, and the oldest entry of each queue."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from ..db import Query
from ..fields import to_micros
from ..models import RETRIED
from ..rows import first_value
from .counts import Bounded, bounded


def sends_with(status: str, since: UUID) -> Query[Bounded]:
    """Query how many mails have a status.

    Args:
        status: the status.
        since: only mails with a greater id.
    """
    return bounded("SELECT id FROM sends WHERE status = ? AND id > ?", [status, since])


def overdue(by: datetime) -> Query[Bounded]:
    """Query how many enrollments have a turn that was due before an instant and has not run."""
    return bounded(
        "SELECT id FROM enrollments WHERE wake_at IS NOT NULL AND wake_at < ? "
        "AND state IN ('active', 'waiting')",
        [to_micros(by)],
    )


def oldest_due() -> Query[datetime | None]:
    """Query when the next turn is, or was, due."""
    return Query(
        "SELECT wake_at FROM enrollments WHERE wake_at IS NOT NULL "
        "AND state IN ('active', 'waiting') ORDER BY wake_at LIMIT 1",
        [],
        first_value(datetime),
    )


def wakes_between(start: datetime, end: datetime) -> Query[Bounded]:
    """Query how many enrollments wake between two instants."""
    return bounded(
        "SELECT id FROM enrollments WHERE wake_at IS NOT NULL AND wake_at >= ? AND wake_at < ?",
        [to_micros(start), to_micros(end)],
    )


def queued() -> Query[Bounded]:
    """Query how many mails are waiting to be sent."""
    return bounded("SELECT id FROM sends WHERE status = 'queued' AND due_at IS NOT NULL", [])


def oldest_queued() -> Query[datetime | None]:
    """Query when the oldest queued mail was, or will be, due."""
    return Query(
        "SELECT due_at FROM sends WHERE status = 'queued' AND due_at IS NOT NULL "
        "ORDER BY due_at LIMIT 1",
        [],
        first_value(datetime),
    )


def errors_of(journey_id: str) -> Query[str | None]:
    """Query the error of the newest failed enrollment of a journey."""
    return _error("state = 'failed'", journey_id)


def retried_errors_of(journey_id: str) -> Query[str | None]:
    """Query the error of the newest enrollment of a journey that is being retried."""
    return _error(RETRIED, journey_id)


def _error(condition: str, journey_id: str) -> Query[str | None]:
    return Query(
        f"SELECT error FROM enrollments WHERE journey_id = ? AND {condition} "
        "ORDER BY id DESC LIMIT 1",
        [journey_id],
        first_value(str),
    )


def week_of_wakes(now: datetime) -> list[tuple[datetime, Query[Bounded]]]:
    """Return a query for each of the next seven days: how many enrollments wake on it.

    The first day is the rest of today.

    Args:
        now: the present instant, in the zone whose days are meant.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + timedelta(days=n) for n in range(8)]
    return [(start, wakes_between(max(start, now), end)) for start, end in pairwise(days)]
