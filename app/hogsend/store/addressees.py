"""Sends to people whom an author names with `to=`, apart from the contact of the journey."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from ..domain.send_policy import Send
from .db import Query, Write
from .fields import to_micros
from .sends import SENDS


def find_queued_with_address(limit: int, lock: str) -> Query[list[Send]]:
    """Query queued sends of journeys that name an address, as version 0.1.0 wrote them.

    A direct email keeps the address that its caller named.

    Args:
        limit: the greatest number of sends.
        lock: `Transaction.dialect.lock_skipping_locked`, so that one worker changes each send.
    """
    return Query(
        f"SELECT {SENDS.columns} FROM sends s WHERE s.status = 'queued' "
        f"AND s.address IS NOT NULL AND s.enrollment_id IS NOT NULL ORDER BY s.id LIMIT ?{lock}",
        [limit],
        SENDS.read_all,
    )


def assign_contacts(assigned: Iterable[tuple[UUID, Send]], now: datetime) -> Write:
    """Replace the addresses of sends by the contacts that the addresses belong to."""
    at = to_micros(now)
    return Write(
        "UPDATE sends SET contact_id = ?, on_behalf_of = ?, address = NULL, updated_at = ? "
        "WHERE id = ?",
        [
            (contact_id, send.contact_id if contact_id != send.contact_id else None, at, send.id)
            for contact_id, send in assigned
        ],
    )
