"""The audit log: what an operator changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.ids import new_id
from .db import Query, Write
from .json_text import from_json, to_json
from .models import AuditRow
from .rows import RowMapper
from .stored import Stored


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


def _write_state(state: Any) -> str | None:
    return None if state is None else to_json(state)


_ENTRIES = RowMapper(
    AuditEntry,
    AuditRow,
    before=Stored(from_json, _write_state),
    after=Stored(from_json, _write_state),
)
_NEW = _ENTRIES.writing()


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


def newest(limit: int, before: UUID | None = None) -> Query[Sequence[AuditEntry]]:
    """Ask for changes, newest first.

    Args:
        limit: how many at most.
        before: only those older than this one.
    """
    older = "" if before is None else "WHERE id < ? "
    return Query(
        f"SELECT {_ENTRIES.columns} FROM audit {older}ORDER BY id DESC LIMIT ?",
        [limit] if before is None else [before, limit],
        _ENTRIES.all,
    )
