"""The history of contacts: their journeys, their mails, and how many mails they got recently.

Enrollments and mails of merged contacts count for the survivor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from ..domain.enrollment import LIVE_STATES
from ..domain.history import EmailPast, JourneyPast
from . import send_statuses
from .db import Query, Row
from .fields import to_micros
from .rows import RowMapper

# The mails that a contact has got or is going to get: a complained mail has arrived, a bounced mail
# has not, and a blocked mail is still to be sent. COALESCE, here and below, keeps SQLite from using
# the index of the status: SQLite has no statistics, and would read all mails with a status instead
# of the mails of a few contacts.
_IS_COUNTED = (
    "COALESCE(s.status, '') IN ('queued', 'blocked', 'sending', 'sent', 'delivered', "
    "'complained', 'in_doubt')"
)


@dataclass(frozen=True, slots=True)
class _JourneyGroup:
    """Aggregates over the enrollments of a contact in a journey that are in one state."""

    contact_id: UUID
    journey_id: str
    state: str
    entered: int
    last_entered_at: datetime | None
    newest_at: datetime
    last_ended_at: datetime


@dataclass(frozen=True, slots=True)
class _EmailGroup:
    """Aggregates over the mails of a contact from one template."""

    contact_id: UUID
    template: str
    sent: int
    last_sent_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None


class _SentCount(NamedTuple):
    contact_id: UUID
    count: int


_JOURNEYS = RowMapper(_JourneyGroup)
_EMAILS = RowMapper(_EmailGroup)
_SENT = RowMapper(_SentCount)
P = TypeVar("P", _JourneyGroup, _EmailGroup)


def find_journey_histories(
    contact_ids: Sequence[UUID], journey_ids: Sequence[str]
) -> Query[dict[tuple[UUID, str], JourneyPast]]:
    """Query the history of contacts in journeys; a pair without a history is absent.

    Args:
        contact_ids: the contacts.
        journey_ids: the journeys, which may no longer be in the code.
    """
    counts = "CASE WHEN n.state <> 'held_out' AND (n.state <> 'failed' OR n.sends > 0) THEN "
    groups = (
        f"n.journey_id, n.state, COUNT({counts} 1 END), MAX({counts} n.entered_at END), "
        "MAX(n.entered_at), MAX(COALESCE(n.ended_at, 0)) FROM {} "
        "WHERE {} IN ? AND COALESCE(n.journey_id, '') IN ? GROUP BY {}, n.journey_id, n.state"
    )
    return Query(
        _include_merged("n", "enrollments", groups),
        [list(contact_ids), list(journey_ids)] * 2,
        lambda rows: {
            pair: _combine_journeys(past)
            for pair, past in _group_by_pair(
                ((row.contact_id, row.journey_id), row) for row in map(_JOURNEYS.read, rows)
            )
        },
    )


def find_email_histories(
    contact_ids: Sequence[UUID], templates: Sequence[str]
) -> Query[dict[tuple[UUID, str], EmailPast]]:
    """Query the history of contacts with templates; a pair without a history is absent.

    Args:
        contact_ids: the contacts.
        templates: the keys of the templates.
    """
    # COALESCE keeps SQLite from reading every email of a template.
    groups = (
        "s.template, COUNT(*), MAX(COALESCE(s.sent_at, s.created_at)), MAX(s.opened_at), "
        "MAX(s.clicked_at) FROM {} "
        f"WHERE {{}} IN ? AND COALESCE(s.template, '') IN ? AND {_IS_COUNTED} "
        "GROUP BY {}, s.template"
    )
    return Query(
        _include_merged("s", "sends", groups),
        [list(contact_ids), list(templates)] * 2,
        lambda rows: {
            pair: _combine_emails(past)
            for pair, past in _group_by_pair(
                ((row.contact_id, row.template), row) for row in map(_EMAILS.read, rows)
            )
        },
    )


def count_sent(
    contact_ids: Sequence[UUID], since: datetime, list_id: str | None = None
) -> Query[Counter[UUID]]:
    """Query how many mails contacts got since an instant; a contact without mails counts 0.

    A sent mail counts if it was sent after the instant. A queued or blocked mail always counts.

    Args:
        contact_ids: the contacts.
        since: the instant.
        list_id: only mails of this list; None counts every list, transactional lists included.
    """
    of_list = "" if list_id is None else "AND s.list_id = ? "
    groups = (
        "COUNT(*) FROM {} "
        f"WHERE {{}} IN ? {of_list}AND {_IS_COUNTED} "
        f"AND (s.status IN {send_statuses.PENDING} "
        "OR COALESCE(s.sent_at, s.created_at) > ?) GROUP BY {}"
    )
    values = [list(contact_ids), *([] if list_id is None else [list_id]), to_micros(since)]

    def read(rows: list[Row]) -> Counter[UUID]:
        counts: Counter[UUID] = Counter()
        for row in map(_SENT.read, rows):
            counts[row.contact_id] += row.count
        return counts

    return Query(_include_merged("s", "sends", groups), values * 2, read)


def _include_merged(short: str, table: str, groups: str) -> str:
    """Return a grouped query of the rows of contacts, and of the contacts merged into them."""
    own = f"{short}.contact_id"
    # SQLite keeps the order of a CROSS JOIN, so the few merged contacts are read first.
    merged = f"contacts c CROSS JOIN {table} {short}"
    of_merged = groups.format(merged, f"{own} = c.id AND c.merged_into", "c.merged_into")
    of_own = groups.format(f"{table} {short}", own, own)
    return f"SELECT {own}, {of_own} UNION ALL SELECT c.merged_into, {of_merged}"


def _group_by_pair(
    rows: Iterable[tuple[tuple[UUID, str], P]],
) -> Iterable[tuple[tuple[UUID, str], list[P]]]:
    pairs: dict[tuple[UUID, str], list[P]] = {}
    for pair, row in rows:
        pairs.setdefault(pair, []).append(row)
    return pairs.items()


def _combine_journeys(groups: list[_JourneyGroup]) -> JourneyPast:
    # A restart ends one enrollment and starts another at the same instant; the live one is newer.
    newest = max(
        groups, key=lambda row: (row.newest_at, row.state in LIVE_STATES, row.last_ended_at)
    )
    return JourneyPast(
        entered=sum(row.entered for row in groups),
        last_entered_at=_find_latest(row.last_entered_at for row in groups),
        live=any(row.state in LIVE_STATES for row in groups),
        state=newest.state,
    )


def _combine_emails(groups: list[_EmailGroup]) -> EmailPast:
    return EmailPast(
        sent=sum(row.sent for row in groups),
        last_sent_at=_find_latest(row.last_sent_at for row in groups),
        opened_at=_find_latest(row.opened_at for row in groups),
        clicked_at=_find_latest(row.clicked_at for row in groups),
    )


def _find_latest(instants: Iterable[datetime | None]) -> datetime | None:
    return max((instant for instant in instants if instant is not None), default=None)
