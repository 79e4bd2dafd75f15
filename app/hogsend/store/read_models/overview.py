"""Queues for the overview: counts that stop at a limit, and the oldest entry of each queue."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from ..db import Query
from ..fields import to_micros
from ..models import DUE, RETRIED, WAITS
from ..rows import read_first
from .counts import BoundedCount, count_up_to_limit


def count_sends(status: str, since: UUID) -> Query[BoundedCount]:
    """Query how many mails have a status.

    Args:
        status: the status.
        since: only mails with a greater id.
    """
    return count_up_to_limit("SELECT 1 FROM sends WHERE status = ? AND id > ?", [status, since])


def count_overdue(by: datetime) -> Query[BoundedCount]:
    """Query how many enrollments have a turn that was due before an instant and has not run."""
    return count_up_to_limit(
        f"SELECT 1 FROM enrollments WHERE {DUE} AND wake_at < ?",
        [to_micros(by)],
    )


def find_oldest_due() -> Query[datetime | None]:
    """Query when the next turn is, or was, due."""
    return Query(
        f"SELECT wake_at FROM enrollments WHERE {DUE} ORDER BY wake_at LIMIT 1",
        [],
        read_first(datetime),
    )


def count_wakes(start: datetime, end: datetime) -> Query[BoundedCount]:
    """Query how many enrollments wake between two instants."""
    return count_up_to_limit(
        f"SELECT 1 FROM enrollments WHERE {DUE} AND wake_at >= ? AND wake_at < ?",
        [to_micros(start), to_micros(end)],
    )


def count_queued() -> Query[BoundedCount]:
    """Query how many mails are waiting to be sent."""
    return count_up_to_limit(f"SELECT 1 FROM sends WHERE {WAITS}", [])


def find_last_error(journey_id: str) -> Query[str | None]:
    """Query the error of the newest failed enrollment of a journey."""
    return _find_error("state = 'failed'", journey_id)


def find_last_retried_error(journey_id: str) -> Query[str | None]:
    """Query the error of the newest enrollment of a journey that is being retried."""
    return _find_error(RETRIED, journey_id)


def _find_error(condition: str, journey_id: str) -> Query[str | None]:
    return Query(
        f"SELECT error FROM enrollments WHERE journey_id = ? AND {condition} "
        "ORDER BY id DESC LIMIT 1",
        [journey_id],
        read_first(str),
    )


def count_wakes_by_day(now: datetime) -> list[tuple[datetime, Query[BoundedCount]]]:
    """Return a query for each of the next seven days: how many enrollments wake on it.

    The first day is the rest of today.

    Args:
        now: the current time, in the zone whose days are meant.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + timedelta(days=n) for n in range(8)]
    return [(start, count_wakes(max(start, now), end)) for start, end in pairwise(days)]
