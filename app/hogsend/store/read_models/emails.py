"""The send ledger for pages, newest first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ...domain.ids import compute_first_id
from ...domain.send_policy import Send
from .. import sends
from ..db import Query
from ..rows import read_first

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

    @property
    def is_selective(self) -> bool:
        """Whether an index leads to the mails that match, and to no others."""
        equal = (self.status, self.journey_id, self.template)
        return self.contact_ids is not None or sum(map(bool, equal)) <= 1


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
    down_to: UUID | None = None,
    offset: int = 0,
) -> Query[list[Send]]:
    """Query mails, newest first.

    Args:
        limit: how many at most.
        filters: which mails; None for all.
        before: only mails that are older than this one.
        down_to: only this mail and those that are newer.
        offset: how many of the newest to leave out.
    """
    leading, rest = _split_conditions(filters or SendFilter())
    where, values = _build_where([*leading, *rest], filters, before, down_to)
    return Query(
        f"SELECT {SENDS.columns} FROM sends s {where}ORDER BY s.id DESC LIMIT ? OFFSET ?",
        [*values, limit, offset],
        SENDS.read_all,
    )


def find_bound(filters: SendFilter, before: UUID | None, budget: int) -> Query[UUID | None]:
    """Query the mail that is `budget` mails further in the index that serves a filter.

    Args:
        filters: which mails are looked for.
        before: the mail to begin before; None begins at the newest.
        budget: how many mails further.
    """
    leading, _ = _split_conditions(filters)
    where, values = _build_where(leading, filters, before, None)
    return Query(
        f"SELECT s.id FROM sends s {where}ORDER BY s.id DESC LIMIT 1 OFFSET ?",
        [*values, budget],
        read_first(UUID),
    )


_Condition = tuple[str, object]


def _split_conditions(filters: SendFilter) -> tuple[list[_Condition], list[_Condition]]:
    """Return the condition that leads to an index, and those on the rows that are found.

    COALESCE keeps SQLite, which has no statistics, from using the index of another one.
    """
    equal = [("journey_id", filters.journey_id), ("template", filters.template)]
    is_common = filters.status in _COMMON_STATUSES
    equal.insert(2 if is_common else 0, ("status", filters.status))
    chosen = [(column, value) for column, value in equal if value]
    leading: list[_Condition] = []
    if filters.contact_ids is not None:
        leading.append(("s.contact_id IN ?", list(filters.contact_ids)))
    elif chosen:
        column, value = chosen.pop(0)
        leading.append((f"s.{column} = ?", value))
    if filters.to_email:
        chosen.append(("to_email", filters.to_email))
    return leading, [(f"COALESCE(s.{column}, '') = ?", value) for column, value in chosen]


def _build_where(
    conditions: Sequence[_Condition],
    filters: SendFilter | None,
    before: UUID | None,
    down_to: UUID | None,
) -> tuple[str, list[object]]:
    filters = filters or SendFilter()
    bounds: list[tuple[str, UUID | None]] = [
        ("s.id < ?", before),
        ("s.id >= ?", down_to),
        ("s.id >= ?", filters.since and compute_first_id(filters.since)),
        ("s.id < ?", filters.until and compute_first_id(filters.until)),
    ]
    parts = [*conditions, *((sql, bound) for sql, bound in bounds if bound is not None)]
    where = f"WHERE {' AND '.join(sql for sql, _ in parts)} " if parts else ""
    return where, [value for _, value in parts]
