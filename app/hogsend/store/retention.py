"""Queries of retention: counting and deleting the oldest rows, a few at a time, by an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..domain.ids import compute_first_id
from . import send_statuses
from .db import Query, Write
from .erased_content import MAIL_TABLES
from .fields import to_micros
from .models import LIVE
from .rows import read_scalar


@dataclass(frozen=True, slots=True)
class Expiring:
    """Rows of a table that are kept for a limited time.

    Args:
        name: the name of these rows in messages.
        table: the table.
        key: the primary key.
        age: the indexed column by which the oldest rows are found; may be an id, as ids sort by
            time.
        unless: a condition on `row` under which a row is kept regardless of its age; may be empty.
        before: statements to run before the deletion, in which `{rows}` stands for the keys.
        step: the greatest number of rows of one step, for large rows; None for the usual steps.
    """

    name: str
    table: str
    key: str
    age: str
    unless: str = ""
    before: Sequence[str] = ()
    step: int | None = None


_UNLESS_PENDING = (
    "EXISTS (SELECT 1 FROM sends s WHERE s.id = row.send_id "
    f"AND s.status IN {send_statuses.PENDING})"
)
IDEMPOTENCY_KEYS = Expiring("idempotency keys", "idempotency_keys", "key", "created_at")
REFUSALS = Expiring("refusals", "refusals", "id", "id")
IMPORT_REMARKS = Expiring("refused rows of imports", "import_remarks", "id", "id")
INBOX = Expiring("captured mails", "inbox", "send_id", "captured_at")
BLOCKED_MAILS = Expiring(
    "values of blocked mails",
    "blocked_mails",
    "send_id",
    "blocked_at",
    unless=_UNLESS_PENDING,
)
MAILS = Expiring(
    "rendered mails",
    "messages",
    "send_id",
    "created_at",
    # A mail that may still be sent must be sent as it was rendered.
    unless=_UNLESS_PENDING,
    # Pages continue to show the subject that the recipient read.
    before=(
        "UPDATE sends SET subject = (SELECT m.subject FROM messages m WHERE m.send_id = sends.id) "
        "WHERE id IN ({rows})",
    ),
)
DIRECT_MAILS = Expiring(
    "requests of direct emails", "direct_mails", "send_id", "created_at", unless=_UNLESS_PENDING
)
ATTACHMENTS = Expiring(
    "attachments", "attachments", "id", "created_at", unless=_UNLESS_PENDING, step=4
)

# Providers repeat a report for some days at most.
FEEDBACK = Expiring("reports about mails", "feedback", "id", "received_at")
AUDIT = Expiring("audit entries", "audit", "id", "id")
EVENTS = Expiring(
    "events",
    "events",
    "id",
    "id",
    # The trigger of an enrollment that may still have turns is read by each of them, and a key
    # without its event would be taken for a new one.
    unless="(EXISTS (SELECT 1 FROM contacts c JOIN enrollments n "
    "ON n.contact_id = COALESCE(c.merged_into, c.id) WHERE c.id = row.contact_id "
    "AND n.trigger_event_id = row.id "
    f"AND (n.{LIVE} OR (n.state = 'failed' AND n.compacted_at IS NULL))) "
    "OR EXISTS (SELECT 1 FROM idempotency_keys k "
    "WHERE k.created_at = row.received_at AND k.event_id = row.id))",
)
EMAILS = Expiring(
    "emails",
    "sends",
    "id",
    "id",
    # Enrollments that go on look up what they have sent.
    unless=f"(row.status IN {send_statuses.PENDING} OR EXISTS (SELECT 1 FROM enrollments n "
    f"WHERE n.id = row.enrollment_id AND n.{LIVE}))",
    before=tuple(
        f"DELETE FROM {table} WHERE send_id IN ({{rows}})" for table in (*MAIL_TABLES, "hits")
    ),
)


def count(kind: Expiring, until: datetime, limit: int) -> Query[int]:
    """Query how many rows are older than an instant; the count stops at `limit`."""
    return Query(
        f"SELECT COUNT(*) FROM ({_select_oldest(kind)}) found",
        _list_parameters(kind, until, limit),
        read_scalar,
    )


def delete(kind: Expiring, until: datetime, limit: int) -> list[Write]:
    """Delete the oldest rows, if they are older than an instant.

    Args:
        kind: the kind of rows.
        until: rows of this instant or later are kept.
        limit: how many rows to delete at most.
    """
    rows, values = _select_oldest(kind), [_list_parameters(kind, until, limit)]
    return [
        *(Write(statement.format(rows=rows), values) for statement in kind.before),
        Write(f"DELETE FROM {kind.table} WHERE {kind.key} IN ({rows})", values),
    ]


def _select_oldest(kind: Expiring) -> str:
    exception = f" AND NOT {kind.unless}" if kind.unless else ""
    return (
        f"SELECT row.{kind.key} FROM {kind.table} row WHERE row.{kind.age} < ?{exception} "
        f"ORDER BY row.{kind.age} LIMIT ?"
    )


def _list_parameters(kind: Expiring, until: datetime, limit: int) -> list[Any]:
    return [compute_first_id(until) if kind.age == "id" else to_micros(until), limit]
