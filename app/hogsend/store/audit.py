"""The audit log: who changed what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.ids import new_id
from .db import Database, Write
from .models import AuditRow
from .rows import RowMapper
from .stored import optional_json


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change.

    Args:
        id: our id.
        at: when.
        who: the operator's address, or `cli`.
        action: what was done: `exit`, `wake`, `subscribe`, `revoke key`, …
        subject: to what, as the path of its screen where it has one.
        before: what it was, if that says anything.
        after: what it is now, if that says anything.
    """

    id: UUID
    at: datetime
    who: str
    action: str
    subject: str
    before: Any = None
    after: Any = None


_ENTRIES = RowMapper(
    AuditEntry,
    AuditRow,
    before=optional_json(),
    after=optional_json(),
)
_NEW = _ENTRIES.build_write_columns()


def record(
    who: str,
    action: str,
    subject: str,
    now: datetime,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    line: UUID | None = None,
) -> Write:
    """Add a change to the log.

    This is a statement, because it joins those of a batch of facts, and those of a copy to
    Postgres, whose connection Tortoise does not know.

    Args:
        who: the operator's address.
        action: what was done.
        subject: to what.
        now: when.
        before: what it was.
        after: what it is now.
        line: the id of the line, for a change in several transactions: each one replaces
            its result.
    """
    change = AuditEntry(line or new_id(now), now, who, action, subject[:400], before, after)
    return Write(
        f"INSERT INTO audit ({_NEW.names}) VALUES ({_NEW.placeholders}) "
        "ON CONFLICT (id) DO UPDATE SET after = excluded.after",
        [_NEW.values(change)],
    )


async def list_entries(
    database: Database, limit: int, before: UUID | None = None, offset: int = 0
) -> list[AuditEntry]:
    """Return entries, newest first.

    Args:
        database: the open database.
        limit: how many at most.
        before: only entries older than this one.
        offset: how many of the newest to leave out.
    """
    entries = AuditRow.all() if before is None else AuditRow.filter(id__lt=before)
    with database.reading_connection() as connection:
        rows = await entries.using_db(connection).order_by("-id").offset(offset).limit(limit)
    return list(map(_ENTRIES.from_model, rows))
