"""Resends: new sends that operators make from sends that have left or failed."""

from __future__ import annotations

from uuid import UUID

from . import send_statuses
from .db import Query
from .rows import read_column, read_first


def find_pending(original_id: UUID) -> Query[UUID | None]:
    """Query a resend of a send that has not left yet."""
    return Query(
        "SELECT id FROM sends WHERE original_id = ? "
        f"AND COALESCE(status, '') IN {send_statuses.PENDING} LIMIT 1",
        [original_id],
        read_first(UUID),
    )


def find_by_original(original_id: UUID) -> Query[list[UUID]]:
    """Query the resends of a send, oldest first."""
    return Query(
        "SELECT id FROM sends WHERE original_id = ? ORDER BY id LIMIT 100",
        [original_id],
        read_column(UUID),
    )
