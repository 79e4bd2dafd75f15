"""What contacts went through before: journeys, mails, and how many mails of late.

Whatever belongs to those who were merged counts for the survivor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from ..domain.enrollment import LIVE_STATES
from ..domain.history import EmailPast, JourneyPast
from .db import Query, Row
from .fields import instant_or_none, to_id, to_micros

# A complaint is about a mail that arrived; one that bounced reached nobody. The column is wrapped,
# here and below, because SQLite would go through all mails by their status, not through a few
# people's: for want of statistics it takes any index for as good as another.
_LEFT = (
    "COALESCE(s.status, '') IN ('queued', 'sending', 'sent', 'delivered', 'complained', 'in_doubt')"
)


def journeys_of(
    contact_ids: Sequence[UUID], journey_ids: Sequence[str]
) -> Query[dict[tuple[UUID, str], JourneyPast]]:
    """Ask for contacts' past in journeys; a pair without one is missing from the answer.

    Args:
        contact_ids: whose.
        journey_ids: in which journeys, also such as are gone from the code.
    """
    counts = "CASE WHEN n.state <> 'held_out' AND (n.state <> 'failed' OR n.sends > 0) THEN "
    groups = (
        f"n.journey_id, n.state, COUNT({counts} 1 END), MAX({counts} n.entered_at END), "
        "MAX(n.entered_at), MAX(COALESCE(n.ended_at, 0)) FROM {} "
        "WHERE {} IN ? AND COALESCE(n.journey_id, '') IN ? GROUP BY {}, n.journey_id, n.state"
    )
    return Query(
        _with_merged("n", "enrollments", groups),
        [list(contact_ids), list(journey_ids)] * 2,
        lambda rows: {pair: _journey(found) for pair, found in _by_pair(rows)},
    )


def emails_of(
    contact_ids: Sequence[UUID], templates: Sequence[str]
) -> Query[dict[tuple[UUID, str], EmailPast]]:
    """Ask for contacts' past with templates; a pair without one is missing from the answer.

    Args:
        contact_ids: whose.
        templates: the keys of the templates.
    """
    groups = (
        "s.template, COUNT(*), MAX(COALESCE(s.sent_at, s.created_at)), MAX(s.opened_at), "
        "MAX(s.clicked_at) FROM {} "
        f"WHERE {{}} IN ? AND s.template IN ? AND {_LEFT} GROUP BY {{}}, s.template"
    )
    return Query(
        _with_merged("s", "sends", groups),
        [list(contact_ids), list(templates)] * 2,
        lambda rows: {pair: _email(found) for pair, found in _by_pair(rows)},
    )


def sent_since(
    contact_ids: Sequence[UUID], since: datetime, list_id: str | None = None
) -> Query[Counter[UUID]]:
    """Ask how many mails contacts got of late; one without any counts 0.

    A mail counts from when it left. One that is on its way counts whenever it was decided.

    Args:
        contact_ids: whose.
        since: those that left after this instant.
        list_id: only mails of this list; of every list, the transactional ones too, unless given.
    """
    of_list = "" if list_id is None else "AND s.list_id = ? "
    groups = (
        "COUNT(*) FROM {} "
        f"WHERE {{}} IN ? {of_list}AND {_LEFT} AND (s.status IN ('queued', 'sending') "
        "OR COALESCE(s.sent_at, s.created_at) > ?) GROUP BY {}"
    )
    values = [list(contact_ids), *([] if list_id is None else [list_id]), to_micros(since)]

    def read(rows: list[Row]) -> Counter[UUID]:
        numbers: Counter[UUID] = Counter()
        for row in rows:
            numbers[to_id(row[0])] += row[1]
        return numbers

    return Query(_with_merged("s", "sends", groups), values * 2, read)


def _with_merged(short: str, table: str, groups: str) -> str:
    """Say a grouped question twice: of contacts' own rows, and of those merged into them."""
    own = f"{short}.contact_id"
    # SQLite keeps the order of a CROSS JOIN: the few who were merged first, then their rows.
    merged = f"contacts c CROSS JOIN {table} {short}"
    of_merged = groups.format(merged, f"{own} = c.id AND c.merged_into", "c.merged_into")
    of_own = groups.format(f"{table} {short}", own, own)
    return f"SELECT {own}, {of_own} UNION ALL SELECT c.merged_into, {of_merged}"


def _by_pair(rows: list[Row]) -> Iterable[tuple[tuple[UUID, str], list[Row]]]:
    pairs: dict[tuple[UUID, str], list[Row]] = {}
    for row in rows:
        pairs.setdefault((to_id(row[0]), row[1]), []).append(row)
    return pairs.items()


def _journey(found: list[Row]) -> JourneyPast:
    # Who is restarted leaves and enters in the same instant: the live one is the newer.
    newest = max(found, key=lambda row: (row[5], row[2] in LIVE_STATES, row[6]))
    return JourneyPast(
        entered=sum(row[3] for row in found),
        last_entered_at=_latest(row[4] for row in found),
        live=any(row[2] in LIVE_STATES for row in found),
        state=newest[2],
    )


def _email(found: list[Row]) -> EmailPast:
    return EmailPast(
        sent=sum(row[2] for row in found),
        last_sent_at=_latest(row[3] for row in found),
        opened_at=_latest(row[4] for row in found),
        clicked_at=_latest(row[5] for row in found),
    )


def _latest(micros: Iterable[int | None]) -> datetime | None:
    return instant_or_none(max((one for one in micros if one is not None), default=None))
