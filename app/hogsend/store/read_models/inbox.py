"""The local inbox for the dashboard."""

from __future__ import annotations

from uuid import UUID

from ..db import Database, Query
from ..inbox import ENTRIES, InboxEntry
from ..models import InboxRow
from ..rows import read_scalar

MAX_COUNTED = 100


def count_unread() -> Query[int]:
    """Query how many captured mails are unread; counts no more than `MAX_COUNTED`.

    This is a statement, because every page shows the number, and Tortoise cannot count within
    a limit: it would read a hundred rows.
    """
    return Query(
        "SELECT COUNT(*) FROM (SELECT 1 FROM inbox WHERE read_at IS NULL LIMIT ?) unread",
        [MAX_COUNTED],
        read_scalar,
    )


async def list_mails(
    database: Database, limit: int, before: UUID | None = None, to: str = ""
) -> list[InboxEntry]:
    """Return captured mails without their bytes, newest first.

    Args:
        database: the open database.
        limit: how many at most.
        before: only mails that were queued before this one.
        to: only mails to this address.
    """
    mails = InboxRow.all().only(*ENTRIES.column_names)
    if before is not None:
        mails = mails.filter(send_id__lt=before)
    if to:
        mails = mails.filter(to_email=to)
    with database.reading_connection() as connection:
        rows = await mails.using_db(connection).order_by("-send_id").limit(limit)
    return list(map(ENTRIES.from_model, rows))
