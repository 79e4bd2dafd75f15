"""Queries by which health checks see whether the installation keeps up with its work."""

from __future__ import annotations

from datetime import datetime

from .db import Query
from .distinct import select_distinct
from .models import WAITS
from .rows import read_first


def ping() -> Query[int | None]:
    """Query a constant, which shows that the database answers."""
    return Query("SELECT 1", [], read_first(int))


def find_next_wake() -> Query[datetime | None]:
    """Query when the next enrollment wakes."""
    return Query(
        "SELECT MIN(wake_at) FROM enrollments WHERE wake_at IS NOT NULL "
        "AND state IN ('active', 'waiting')",
        [],
        read_first(datetime),
    )


def find_next_send() -> Query[datetime | None]:
    """Query when the next queued mail is due; reads one row for each journey that has any."""
    journeys = select_distinct("sends", "journey_id", WAITS)
    first = f"SELECT MIN(due_at) AS due_at FROM sends WHERE {WAITS} AND journey_id"
    return Query(
        f"SELECT MIN(due_at) FROM (SELECT ({first} = queued.one) AS due_at "
        f"FROM ({journeys}) queued UNION ALL {first} IS NULL) firsts",
        [],
        read_first(datetime),
    )
