"""Opens and clicks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ..domain.engagement import Engagement, Verdict
from .db import Query, Row, Write
from .fields import from_micros, instant_or_none, micros_or_none, to_id, to_micros

_COLUMNS = (
    "h.id, h.send_id, h.kind, h.at, h.position, h.url, h.verdict, h.agent, h.network, h.held_until"
)


@dataclass(frozen=True, slots=True)
class HeldClick:
    """A click whose hold is over, with what judging it needs."""

    hit: Engagement
    contact_id: UUID
    template: str
    sent_at: datetime | None


def _hit(row: Row) -> Engagement:
    return Engagement(
        id=to_id(row[0]),
        send_id=to_id(row[1]),
        kind=row[2],
        at=from_micros(row[3]),
        position=row[4],
        url=row[5],
        verdict=row[6],
        agent=row[7],
        network=row[8],
        held_until=instant_or_none(row[9]),
    )


def insert(hits: Iterable[Engagement]) -> Write:
    """Add hits; one on a mail that is not known is not kept."""
    return Write(
        "INSERT INTO hits (id, send_id, kind, at, position, url, verdict, agent, network, "
        "held_until) SELECT ?,?,?,?,?,?,?,?,?,? WHERE EXISTS (SELECT 1 FROM sends WHERE id = ?)",
        [
            (
                h.id,
                h.send_id,
                h.kind,
                to_micros(h.at),
                h.position,
                h.url,
                h.verdict,
                h.agent,
                h.network,
                micros_or_none(h.held_until),
                h.send_id,
            )
            for h in hits
        ],
    )


def held(limit: int) -> Query[list[HeldClick]]:
    """Ask for the clicks that are held, those whose hold ends first."""
    return Query(
        f"SELECT {_COLUMNS}, s.contact_id, s.template, s.handed_at FROM hits h "
        "JOIN sends s ON s.id = h.send_id WHERE h.held_until IS NOT NULL "
        "ORDER BY h.held_until LIMIT ?",
        [limit],
        lambda rows: [
            HeldClick(_hit(row), to_id(row[10]), row[11], instant_or_none(row[12])) for row in rows
        ],
    )


def of_sends(send_ids: Sequence[UUID]) -> Query[dict[UUID, list[Engagement]]]:
    """Ask for the hits of some sends, in order."""

    def read(rows: list[Row]) -> dict[UUID, list[Engagement]]:
        found: dict[UUID, list[Engagement]] = {}
        for row in rows:
            hit = _hit(row)
            found.setdefault(hit.send_id, []).append(hit)
        return found

    return Query(
        f"SELECT {_COLUMNS} FROM hits h WHERE h.send_id IN ? ORDER BY h.id",
        [list(send_ids)],
        read,
    )


def still_held(ids: Sequence[UUID], lock: str) -> Query[frozenset[UUID]]:
    """Ask which clicks are held still, and by nobody else being judged.

    Args:
        ids: the clicks.
        lock: `Transaction.dialect.lock_free_rows`: each is judged by one worker.
    """
    return Query(
        f"SELECT id FROM hits WHERE id IN ? AND held_until IS NOT NULL ORDER BY id{lock}",
        [list(ids)],
        lambda rows: frozenset(to_id(row[0]) for row in rows),
    )


def judge(verdicts: Sequence[tuple[UUID, Verdict]]) -> Write:
    """Record who made clicks, and end their hold."""
    return Write(
        "UPDATE hits SET verdict = ?, held_until = NULL WHERE id = ?",
        [(verdict, hit_id) for hit_id, verdict in verdicts],
    )
