"""The local inbox for the dashboard."""

from __future__ import annotations

from uuid import UUID

from ..db import Query
from ..inbox import ENTRIES, InboxEntry
from ..rows import only

MAX_COUNTED = 100


def unread() -> Query[int]:
    """Query how many of the newest captured mails are unread."""
    return Query(
        "SELECT COUNT(*) FROM (SELECT read_at FROM inbox ORDER BY captured_at DESC LIMIT ?) newest "
        "WHERE read_at IS NULL",
        [MAX_COUNTED],
        only,
    )


def page(limit: int, before: UUID | None = None, to: str = "") -> Query[list[InboxEntry]]:
    """Query captured mails, newest first.

    Args:
        limit: how many at most.
        before: only mails that were queued before this one.
        to: only mails to this address.
    """
    conditions, values = ["1 = 1"], list[object]()
    if before is not None:
        conditions.append("send_id < ?")
        values.append(before)
    if to:
        conditions.append("to_email = ?")
        values.append(to)
    return Query(
        f"SELECT {ENTRIES.columns} FROM inbox "
        f"WHERE {' AND '.join(conditions)} ORDER BY send_id DESC LIMIT ?",
        [*values, limit],
        ENTRIES.all,
    )
