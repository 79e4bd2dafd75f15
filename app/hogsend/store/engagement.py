"""Opens and clicks. Their table is called `hits`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ..domain.engagement import Engagement, EngagementKey, Verdict
from .db import Query, Write
from .models import EngagementRow
from .rows import RowMapper, read_column

ENGAGEMENT = RowMapper(Engagement, EngagementRow, "h")
_NEW = ENGAGEMENT.build_write_columns()


@dataclass(frozen=True, slots=True)
class HeldClick:
    """A click without a final verdict, with the facts that the verdict depends on.

    Args:
        click: the click.
        contact_id: the recipient of the mail.
        address: see `Send.address`.
        template: the mail's template.
        sent_at: when the mail was handed over.
    """

    click: Engagement
    contact_id: UUID
    address: str | None
    template: str
    sent_at: datetime | None


_HELD = RowMapper(
    HeldClick,
    click=ENGAGEMENT,
    contact_id="s.contact_id",
    address="s.address",
    template="s.template",
    sent_at="s.handed_at",
)


_KEY = RowMapper(EngagementKey, EngagementRow, "h")


def insert(engagements: Iterable[Engagement]) -> Write:
    """Add opens and clicks; those of a send that does not exist, or was erased, are left out."""
    return Write(
        f"INSERT INTO hits ({_NEW.names}) SELECT {_NEW.placeholders} "
        "WHERE EXISTS (SELECT 1 FROM sends s JOIN contacts c ON c.id = s.contact_id "
        "WHERE s.id = ? AND c.erased_at IS NULL)",
        [_NEW.values(engagement, engagement.send_id) for engagement in engagements],
    )


def find_held(limit: int) -> Query[list[HeldClick]]:
    """Query the clicks without a final verdict, in the order in which they are judged.

    Args:
        limit: the greatest number of clicks.
    """
    return Query(
        f"SELECT {_HELD.columns} FROM hits h JOIN sends s ON s.id = h.send_id "
        "WHERE h.held_until IS NOT NULL ORDER BY h.held_until LIMIT ?",
        [limit],
        _HELD.read_all,
    )


def find_by_sends(send_ids: Sequence[UUID]) -> Query[dict[UUID, list[Engagement]]]:
    """Query the opens and clicks of sends, by send, in order."""
    return Query(
        f"SELECT {ENGAGEMENT.columns} FROM hits h WHERE h.send_id IN ? ORDER BY h.id",
        [list(send_ids)],
        ENGAGEMENT.read_grouped_by("send_id"),
    )


def find_recorded(send_ids: Sequence[UUID], lock: str) -> Query[list[EngagementKey]]:
    """Query which opens and clicks of sends are recorded, and lock the sends.

    Args:
        send_ids: the ids of the sends, ordered, so that two workers lock them in the same order.
        lock: `Transaction.dialect.lock_rows`: what is not recorded is recorded by one worker.
    """
    return Query(
        "SELECT h.send_id, h.kind, h.position, h.verdict FROM "
        f"(SELECT id FROM sends WHERE id IN ? ORDER BY id{lock}) s "
        "JOIN hits h ON h.send_id = s.id",
        [list(send_ids)],
        _KEY.read_all,
    )


def remove(ids: Sequence[UUID]) -> Write:
    """Remove opens and clicks."""
    return Write("DELETE FROM hits WHERE id = ?", [(id,) for id in ids])


def find_still_held(ids: Sequence[UUID], lock: str) -> Query[frozenset[UUID]]:
    """Query which clicks have no verdict yet and are not locked by another worker.

    Args:
        ids: the clicks' ids.
        lock: `Transaction.dialect.lock_skipping_locked`: one worker decides each click.
    """
    read = read_column(UUID)
    return Query(
        f"SELECT id FROM hits WHERE id IN ? AND held_until IS NOT NULL ORDER BY id{lock}",
        [list(ids)],
        lambda rows: frozenset(read(rows)),
    )


def record_verdicts(verdicts: Sequence[tuple[UUID, Verdict]]) -> Write:
    """Record the verdicts of clicks, each with the click's id."""
    return Write(
        "UPDATE hits SET verdict = ?, held_until = NULL WHERE id = ?",
        [(verdict, click_id) for click_id, verdict in verdicts],
    )
