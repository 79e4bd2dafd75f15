"""What tells whether the installation keeps up."""

from __future__ import annotations

from datetime import datetime

from .db import Query, only
from .fields import instant_or_none


def alive() -> Query[int]:
    """Ask the database for a sign of life."""
    return Query("SELECT 1", [], only)


def next_wake() -> Query[datetime | None]:
    """Ask when the next enrollment wakes."""
    return Query(
        "SELECT MIN(wake_at) FROM enrollments WHERE wake_at IS NOT NULL "
        "AND state IN ('active', 'waiting')",
        [],
        lambda rows: instant_or_none(rows[0][0]),
    )


def next_send() -> Query[datetime | None]:
    """Ask when the next queued mail is due."""
    return Query(
        "SELECT MIN(due_at) FROM sends WHERE status = 'queued'",
        [],
        lambda rows: instant_or_none(rows[0][0]),
    )
