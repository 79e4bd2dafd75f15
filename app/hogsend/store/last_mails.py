"""When journeys last queued a mail for people, for the gap between a journey's mails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from .db import Query
from .rows import RowMapper


class _LastMail(NamedTuple):
    contact_id: UUID
    journey_id: str
    created_at: datetime


_LAST_MAILS = RowMapper(_LastMail)


def find_last_queued(
    contact_ids: Sequence[UUID], journey_ids: Sequence[str]
) -> Query[dict[tuple[UUID, str], datetime]]:
    """Query when journeys last queued a mail for contacts, or for contacts merged into them."""
    return _build_last_queued("?", contact_ids, journey_ids)


def _build_last_queued(
    contacts: str, values: Sequence[Any], journey_ids: Sequence[str]
) -> Query[dict[tuple[UUID, str], datetime]]:
    """Query when journeys last queued a mail for contacts.

    Args:
        contacts: the SQL after `IN` that selects the contacts.
        values: its values.
        journey_ids: the journeys.
    """
    # COALESCE keeps SQLite, which has no statistics, from using the journey's index.
    mails = (
        f"s.journey_id, MAX(s.created_at) FROM {{}} WHERE {{}} IN {contacts} "
        "AND COALESCE(s.journey_id, '') IN ? AND COALESCE(s.status, '') IN "
        "('queued', 'blocked', 'sending', 'sent', 'delivered', 'in_doubt') "
        "GROUP BY {}, s.journey_id"
    )
    own = mails.format("sends s", *["s.contact_id"] * 2)
    # SQLite keeps the order of a CROSS JOIN, so the few merged contacts are read first.
    merged = mails.format(
        "contacts c CROSS JOIN sends s", "s.contact_id = c.id AND c.merged_into", "c.merged_into"
    )
    return Query(
        f"SELECT s.contact_id, {own} UNION ALL SELECT c.merged_into, {merged} ORDER BY 3",
        [list(values), list(journey_ids)] * 2,
        lambda rows: {
            (row.contact_id, row.journey_id): row.created_at for row in map(_LAST_MAILS.read, rows)
        },
    )


def find_last_queued_by_identities(
    identities: Sequence[str], journey_ids: Sequence[str]
) -> Query[dict[tuple[UUID, str], datetime]]:
    """Query when journeys last queued a mail for the contacts that have these identities."""
    owners = "(SELECT i.contact_id FROM identities i WHERE i.identity IN ?)"
    return _build_last_queued(owners, identities, journey_ids)
