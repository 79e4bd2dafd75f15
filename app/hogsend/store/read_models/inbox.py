"""The inbox as the dashboard lists it."""

from __future__ import annotations

from uuid import UUID

from ..db import Query, only
from ..fields import from_micros, instant_or_none, to_id
from ..inbox import InboxEntry

MOST_COUNTED = 100


def unread() -> Query[int]:
    """Count the unread among the newest captured mails."""
    return Query(
        "SELECT COUNT(*) FROM (SELECT read_at FROM inbox ORDER BY captured_at DESC LIMIT ?) newest "
        "WHERE read_at IS NULL",
        [MOST_COUNTED],
        only,
    )


def page(limit: int, before: UUID | None = None, to: str = "") -> Query[list[InboxEntry]]:
    """Ask for captured mails, newest first.

    Args:
        limit: how many at most.
        before: only those that were queued before this one.
        to: only those to this address.
    """
    conditions, values = ["1 = 1"], list[object]()
    if before is not None:
        conditions.append("send_id < ?")
        values.append(before)
    if to:
        conditions.append("to_email = ?")
        values.append(to)
    return Query(
        "SELECT send_id, to_email, from_email, subject, captured_at, read_at FROM inbox "
        f"WHERE {' AND '.join(conditions)} ORDER BY send_id DESC LIMIT ?",
        [*values, limit],
        lambda rows: [
            InboxEntry(
                to_id(row[0]), row[1], row[2], row[3], from_micros(row[4]), instant_or_none(row[5])
            )
            for row in rows
        ],
    )
