"""The send ledger for pages, newest first."""

from __future__ import annotations

from uuid import UUID

from ...domain.send_policy import Send
from .. import sends
from ..db import Query

# The ledger has the subject that the journey gave, the rendered mail the one that was sent.
SENDS = sends.SENDS.with_expressions(
    subject="COALESCE((SELECT m.subject FROM messages m WHERE m.send_id = s.id), s.subject)"
)


def find(send_id: UUID) -> Query[Send | None]:
    """Query one mail."""
    return Query(
        f"SELECT {SENDS.columns} FROM sends s WHERE s.id = ?",
        [send_id],
        SENDS.read_first,
    )


def find_newest(
    limit: int, *, status: str = "", journey_id: str = "", before: UUID | None = None
) -> Query[list[Send]]:
    """Query mails, newest first.

    Args:
        limit: how many at most.
        status: only mails with this status; empty for any.
        journey_id: only mails of this journey; empty for any.
        before: only mails that are older than this one.
    """
    conditions, values = list[str](), list[object]()
    for column, value in (("status", status), ("journey_id", journey_id)):
        if value:
            conditions.append(f"s.{column} = ?")
            values.append(value)
    if before is not None:
        conditions.append("s.id < ?")
        values.append(before)
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    return Query(
        f"SELECT {SENDS.columns} FROM sends s {where}ORDER BY s.id DESC LIMIT ?",
        [*values, limit],
        SENDS.read_all,
    )
