"""The send ledger for pages, newest first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ...domain.ids import compute_first_id
from ...domain.send_policy import Send
from .. import sends
from ..db import Query
from ..rows import read_scalar

# The ledger has the subject that the journey gave, the rendered mail the one that was sent.
SENDS = sends.SENDS.with_expressions(
    subject="COALESCE((SELECT m.subject FROM messages m WHERE m.send_id = s.id), s.subject)"
)
# Nearly all emails end with one of these, so they narrow a search least.
_COMMON_STATUSES = ("sent", "delivered")


@dataclass(frozen=True, slots=True)
class SendFilter:
    """Which mails to list; an empty text or None allows all.

    Args:
        status: only mails with this status.
        journey_id: only mails of this journey.
        template: only mails of this template.
        to_email: only mails to this address.
        user_id: only mails to the contact with this user id.
        contact_ids: only mails to these contacts, who are the ones that `to_email` and `user_id`
            name.
        since: only mails that were created at this instant or later.
        until: only mails that were created before this instant.
    """

    status: str = ""
    journey_id: str = ""
    template: str = ""
    to_email: str = ""
    user_id: str = ""
    contact_ids: Collection[UUID] | None = None
    since: datetime | None = None
    until: datetime | None = None


def find(send_id: UUID) -> Query[Send | None]:
    """Query one mail."""
    return Query(
        f"SELECT {SENDS.columns} FROM sends s WHERE s.id = ?",
        [send_id],
        SENDS.read_first,
    )


def find_newest(
    limit: int,
    filters: SendFilter | None = None,
    *,
    before: UUID | None = None,
    offset: int = 0,
) -> Query[list[Send]]:
    """Query mails, newest first.

    Args:
        limit: how many at most.
        filters: which mails; None for all.
        before: only mails that are older than this one.
        offset: how many of the newest to leave out.
    """
    where, values = _build_conditions(filters or SendFilter(), before)
    return Query(
        f"SELECT {SENDS.columns} FROM sends s {where}ORDER BY s.id DESC LIMIT ? OFFSET ?",
        [*values, limit, offset],
        SENDS.read_all,
    )


def count(filters: SendFilter, limit: int) -> Query[int]:
    """Query how many mails there are; the count stops at `limit`."""
    where, values = _build_conditions(filters, None)
    return Query(
        f"SELECT COUNT(*) FROM (SELECT s.id FROM sends s {where}LIMIT ?) counted",
        [*values, limit],
        read_scalar,
    )


def _build_conditions(filters: SendFilter, before: UUID | None) -> tuple[str, list[object]]:
    """Return the WHERE clause, in which one condition leads to an index.

    COALESCE keeps SQLite, which has no statistics, from using the index of another one.
    """
    conditions, values = list[str](), list[object]()
    if filters.contact_ids is not None:
        conditions.append("s.contact_id IN ?")
        values.append(list(filters.contact_ids))
    equal = [("journey_id", filters.journey_id), ("template", filters.template)]
    is_common = filters.status in _COMMON_STATUSES
    equal.insert(2 if is_common else 0, ("status", filters.status))
    for column, value in (*equal, ("to_email", filters.to_email)):
        if value:
            leads = not conditions
            conditions.append(f"s.{column} = ?" if leads else f"COALESCE(s.{column}, '') = ?")
            values.append(value)
    ids = (
        ("s.id < ?", before),
        ("s.id >= ?", filters.since and compute_first_id(filters.since)),
        ("s.id < ?", filters.until and compute_first_id(filters.until)),
    )
    for condition, bound in ids:
        if bound is not None:
            conditions.append(condition)
            values.append(bound)
    return (f"WHERE {' AND '.join(conditions)} " if conditions else ""), values
