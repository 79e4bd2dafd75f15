"""Resends: sends that repeat another one, because an operator asked for it."""

from __future__ import annotations

from uuid import UUID

from .db import Query
from .rows import read_column, read_first


def find_unsent(original_id: UUID) -> Query[UUID | None]:
    """Query a repeat of a send that has not left yet."""
    return Query(
        "SELECT id FROM sends WHERE original_id = ? "
        "AND COALESCE(status, '') IN ('queued', 'blocked', 'sending') LIMIT 1",
        [original_id],
        read_first(UUID),
    )


def find_by_original(original_id: UUID) -> Query[list[UUID]]:
    """Query the sends that repeat a send, oldest first."""
    return Query(
        "SELECT id FROM sends WHERE original_id = ? ORDER BY id LIMIT 100",
        [original_id],
        read_column(UUID),
    )
