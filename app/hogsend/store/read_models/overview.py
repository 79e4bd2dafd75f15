"""What wants a person, and what is expected: bounded looks at the queues."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from ..db import Query, only
from ..fields import from_micros, to_micros
from ..models import RETRIED
from .counts import Bounded, bounded


def sends_with(status: str, since: UUID) -> Query[Bounded]:
    """Count the mails with a status.

    Args:
        status: which.
        since: only those made after this id.
    """
    return bounded("SELECT id FROM sends WHERE status = ? AND id > ?", [status, since])


def overdue(by: datetime) -> Query[Bounded]:
    """Count the enrollments whose turn was due before an instant and has not been played."""
    return bounded(
        "SELECT id FROM enrollments WHERE wake_at IS NOT NULL AND wake_at < ? "
        "AND state IN ('active', 'waiting')",
        [to_micros(by)],
    )


def oldest_due() -> Query[datetime | None]:
    """Ask when the turn that is due first is, or was, due."""
    return Query(
        "SELECT wake_at FROM enrollments WHERE wake_at IS NOT NULL "
        "AND state IN ('active', 'waiting') ORDER BY wake_at LIMIT 1",
        [],
        lambda rows: from_micros(rows[0][0]) if rows else None,
    )


def wakes_between(start: datetime, end: datetime) -> Query[Bounded]:
    """Count the enrollments that wake between two instants."""
    return bounded(
        "SELECT id FROM enrollments WHERE wake_at IS NOT NULL AND wake_at >= ? AND wake_at < ?",
        [to_micros(start), to_micros(end)],
    )


def queued() -> Query[Bounded]:
    """Count the mails that wait to leave."""
    return bounded("SELECT id FROM sends WHERE status = 'queued' AND due_at IS NOT NULL", [])


def oldest_queued() -> Query[datetime | None]:
    """Ask since when the mail that leaves next is due."""
    return Query(
        "SELECT due_at FROM sends WHERE status = 'queued' AND due_at IS NOT NULL "
        "ORDER BY due_at LIMIT 1",
        [],
        lambda rows: from_micros(rows[0][0]) if rows else None,
    )


def errors_of(journey_id: str) -> Query[str | None]:
    """Ask what the newest failed enrollment of a journey failed with."""
    return _error("state = 'failed'", journey_id)


def retried_errors_of(journey_id: str) -> Query[str | None]:
    """Ask what the last turn of the newest enrollment that is tried again failed with."""
    return _error(RETRIED, journey_id)


def _error(condition: str, journey_id: str) -> Query[str | None]:
    return Query(
        f"SELECT error FROM enrollments WHERE journey_id = ? AND {condition} "
        "ORDER BY id DESC LIMIT 1",
        [journey_id],
        only,
    )


def week_of_wakes(now: datetime) -> list[tuple[datetime, Query[Bounded]]]:
    """Ask how many wake on each of the next seven days, the rest of today first.

    Args:
        now: the present instant, in the zone whose days are meant.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + timedelta(days=n) for n in range(8)]
    return [(start, wakes_between(max(start, now), end)) for start, end in pairwise(days)]
