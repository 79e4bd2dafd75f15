"""The queue of mails for the Sending page: when they are due, and to which domains they go."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..db import Query, Row
from ..fields import to_micros
from ..models import WAITS
from ..rows import read_pairs
from .counts import BoundedCount, count_up_to_limit

# How many of the next mails are looked at, so that a page costs the same with a million in the
# queue.
SAMPLE = 2_000


def count_due(start: datetime | None, end: datetime) -> Query[BoundedCount]:
    """Query how many mails are due before an instant.

    Args:
        start: only mails that are due from then on; None for overdue ones, too.
        end: only mails that are due before.
    """
    if start is None:
        return count_up_to_limit(
            f"SELECT 1 FROM sends WHERE {WAITS} AND due_at < ?", [to_micros(end)]
        )
    return count_up_to_limit(
        f"SELECT 1 FROM sends WHERE {WAITS} AND due_at >= ? AND due_at < ?",
        [to_micros(start), to_micros(end)],
    )


def count_due_by_day(now: datetime, days: int) -> list[tuple[datetime, Query[BoundedCount]]]:
    """Return a query for each of the next days: how many mails are due on it.

    The first day is the rest of today, with what is overdue.

    Args:
        now: the current time, in the zone whose days are meant.
        days: how many days.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [midnight + timedelta(days=n) for n in range(days)]
    return [
        (start, count_due(None if n == 0 else start, start + timedelta(days=1)))
        for n, start in enumerate(starts)
    ]


def count_queue_by_domain() -> Query[dict[str, int]]:
    """Query to which domains the next mails go; the count is of the first `SAMPLE` mails."""
    return Query(
        "SELECT address, COUNT(*) FROM (SELECT COALESCE(s.address, c.email, '') AS address "
        f"FROM sends s JOIN contacts c ON c.id = s.contact_id WHERE s.{WAITS} LIMIT ?) queued "
        "GROUP BY address",
        [SAMPLE],
        _sum_by_domain,
    )


def count_queue_by_reason() -> Query[dict[str, int]]:
    """Query why the next mails wait; the count is of the first `SAMPLE` mails."""
    return Query(
        f"SELECT reason, COUNT(*) FROM (SELECT COALESCE(reason, '') AS reason FROM sends "
        f"WHERE {WAITS} LIMIT ?) queued GROUP BY reason",
        [SAMPLE],
        read_pairs(str, int),
    )


def _sum_by_domain(rows: list[Row]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for address, count in read_pairs(str, int)(rows).items():
        domain = address.rpartition("@")[2]
        totals[domain] = totals.get(domain, 0) + count
    return totals
