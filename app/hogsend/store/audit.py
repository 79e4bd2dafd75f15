"""The audit log: what an operator changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.ids import new_id
from .db import Query, Row, Write
from .fields import from_micros, to_id, to_micros
from .json_text import from_json, to_json


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
        line: the id of the line, for a change in several transactions: each says anew what it has
            come to.
    """
    row = (
        line or new_id(now),
        to_micros(now),
        who,
        action,
        subject[:400],
        None if before is None else to_json(before),
        None if after is None else to_json(after),
    )
    return Write(
        "INSERT INTO audit (id, at, who, action, subject, before, after) VALUES (?,?,?,?,?,?,?) "
        "ON CONFLICT (id) DO UPDATE SET after = excluded.after",
        [row],
    )


def newest(limit: int, before: UUID | None = None) -> Query[Sequence[AuditEntry]]:
    """Ask for changes, newest first.

    Args:
        limit: how many at most.
        before: only those older than this one.
    """
    older = "" if before is None else "WHERE id < ? "
    return Query(
        "SELECT id, at, who, action, subject, before, after FROM audit "
        f"{older}ORDER BY id DESC LIMIT ?",
        [limit] if before is None else [before, limit],
        lambda rows: [_change(row) for row in rows],
    )


def _change(row: Row) -> AuditEntry:
    change_id, at, who, action, subject, before, after = row
    return AuditEntry(
        to_id(change_id), from_micros(at), who, action, subject, from_json(before), from_json(after)
    )
