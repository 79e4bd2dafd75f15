"""Lists of contacts."""

from __future__ import annotations

from uuid import UUID

from .db import Query
from .rows import read_column


def find_last_seen(limit: int) -> Query[list[UUID]]:
    """Query the contacts that were seen last; merged and erased ones are left out.

    Args:
        limit: how many at most.
    """
    return Query(
        "SELECT id FROM contacts WHERE merged_into IS NULL AND erased_at IS NULL"
        " ORDER BY last_seen_at DESC LIMIT ?",
        [limit],
        read_column(UUID),
    )
