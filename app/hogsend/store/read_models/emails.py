"""The ledger, newest first."""

from __future__ import annotations

from uuid import UUID

from ...domain.send_policy import Send
from .. import sends
from ..db import Query

# The ledger keeps the subject that a journey gave; the rendered mail has the one that was seen.
COLUMNS = sends.COLUMNS.replace(
    "s.subject",
    "COALESCE((SELECT m.subject FROM messages m WHERE m.send_id = s.id), s.subject)",
)


def one(send_id: UUID) -> Query[Send | None]:
    """Ask for one mail."""
    return Query(
        f"SELECT {COLUMNS} FROM sends s WHERE s.id = ?",
        [send_id],
        lambda rows: sends.read_send(rows[0]) if rows else None,
    )


def newest(
    limit: int, *, status: str = "", journey_id: str = "", before: UUID | None = None
) -> Query[list[Send]]:
    """Ask for mails, newest first.

    Args:
        limit: how many at most.
        status: only those with this status; empty for any.
        journey_id: only those of this journey; empty for any.
        before: only those older than this one.
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
        f"SELECT {COLUMNS} FROM sends s {where}ORDER BY s.id DESC LIMIT ?",
        [*values, limit],
        lambda rows: [sends.read_send(row) for row in rows],
    )
