"""Summaries: what takes the place of the journals of those who ended long ago."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ..domain.journal import Step
from ..domain.journal_summary import Summary
from . import turns
from .db import Query, Row, Write
from .fields import from_micros, to_id, to_micros
from .json_text import from_json, to_json
from .models import WHOLE


@dataclass(frozen=True, slots=True)
class EndedEnrollment:
    """An enrollment that ended and whose journal is kept whole, or in part, as yet.

    Args:
        id: the enrollment.
        contact_id: whose it is.
        summary: of those of its turns that are not kept any more.
    """

    id: UUID
    contact_id: UUID
    summary: Summary


@dataclass(frozen=True, slots=True)
class Summed:
    """A summary as it is to be written.

    Args:
        enrollment_id: of which enrollment.
        summary: of its turns as far as `through`.
        through: the number of the last turn that is in it.
        whole: whether that was the enrollment's last one.
    """

    enrollment_id: UUID
    summary: Summary
    through: int
    whole: bool


def of(enrollment_id: UUID) -> Query[Summary | None]:
    """Ask for the summary of an enrollment; None when its journal is whole."""
    return Query(
        "SELECT summary FROM enrollments WHERE id = ? AND summary IS NOT NULL",
        [enrollment_id],
        lambda rows: Summary.from_json(from_json(rows[0][0])) if rows else None,
    )


def ended(until: datetime, most: int) -> Query[list[EndedEnrollment]]:
    """Ask for enrollments that ended before an instant and have a journal, the oldest first.

    Args:
        until: the instant.
        most: how many at most.
    """
    return Query(
        f"SELECT id, contact_id, summary FROM enrollments WHERE {WHOLE} AND ended_at < ? "
        "ORDER BY ended_at LIMIT ?",
        [to_micros(until), most],
        lambda rows: [
            EndedEnrollment(
                to_id(row[0]),
                to_id(row[1]),
                Summary.from_json(from_json(row[2])) if row[2] else Summary(),
            )
            for row in rows
        ],
    )


def still_ended(ids: Sequence[UUID]) -> Query[set[UUID]]:
    """Ask which of some enrollments have ended and have a journal."""
    return Query(
        f"SELECT id FROM enrollments WHERE id IN ? AND {WHOLE}",
        [list(ids)],
        lambda rows: {to_id(row[0]) for row in rows},
    )


def journals(ids: Sequence[UUID], most: int) -> Query[list[Row]]:
    """Ask for turns of enrollments, in their order, for `sum_up`.

    Args:
        ids: which enrollments.
        most: how many turns at most.
    """
    return Query(
        "SELECT enrollment_id, number, played_at, outcome, steps FROM turns "
        "WHERE enrollment_id IN ? ORDER BY enrollment_id, number LIMIT ?",
        [list(ids), most],
        list,
    )


def sum_up(ended: Sequence[EndedEnrollment], journals: Sequence[Row], most: int) -> list[Summed]:
    """Return the summaries of enrollments as far as their journals were read.

    Args:
        ended: the enrollments.
        journals: what `journals` gave.
        most: how many turns were asked for: when there are as many, there may be more.
    """
    # The turns came in this order, and the last enrollment that they reach may have further ones.
    in_order = sorted(ended, key=lambda one: one.id)
    cut = to_id(journals[-1][0]) if len(journals) == most else None
    rows: dict[UUID, list[Row]] = {}
    for row in journals:
        rows.setdefault(to_id(row[0]), []).append(row)
    summed: list[Summed] = []
    for one in in_order:
        summary, through = one.summary, 0
        for _, number, played_at, outcome, steps in rows.get(one.id, ()):
            through = number
            summary = summary.and_turn(
                from_micros(played_at),
                failed=outcome not in ("waiting", "completed", "exited"),
                steps=_steps(steps),
            )
        summed.append(Summed(one.id, summary, through, whole=one.id != cut))
        if one.id == cut:
            break
    return summed


def _steps(text: str) -> list[Step]:
    try:
        return [turns.read_step(stored) for stored in json.loads(text)]
    except (ValueError, KeyError, TypeError):
        # A damaged turn must not be what keeps all others for ever.
        return []


def write(summed: Sequence[Summed], now: datetime) -> Write:
    """Write summaries; one that is whole is looked at no more."""
    at = to_micros(now)
    return Write(
        "UPDATE enrollments SET summary = ?, compacted_at = ?, wait = NULL, wait_result = NULL "
        "WHERE id = ?",
        [
            (to_json(one.summary.to_json()), at if one.whole else None, one.enrollment_id)
            for one in summed
        ],
    )


def forget(summed: Sequence[Summed]) -> list[Query[None]]:
    """Delete the turns that are summed up, and what is kept apart for them."""
    whole = [one.enrollment_id for one in summed if one.whole]
    cut = [one for one in summed if not one.whole]
    return [
        *(_delete(table, "enrollment_id IN ?", [whole]) for table in ("turns", "answers", "steps")),
        *(
            _delete("turns", "enrollment_id = ? AND number <= ?", [one.enrollment_id, one.through])
            for one in cut
        ),
    ]


def _delete(table: str, condition: str, values: Sequence[object]) -> Query[None]:
    """Return one statement for many rows; as a write it would be run once for each."""
    return Query(f"DELETE FROM {table} WHERE {condition}", values, lambda _: None)
