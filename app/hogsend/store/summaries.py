"""Summaries, which replace the journals of enrollments that ended long ago."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from ..domain.journal import Step
from ..domain.journal_summary import Summary
from . import turns
from .db import Query, Write
from .fields import to_micros
from .json_text import from_json, to_json
from .models import WHOLE, EnrollmentRow, TurnRow
from .rows import RowMapper, read_column
from .stored import Stored


@dataclass(frozen=True, slots=True)
class EndedEnrollment:
    """An ended enrollment that still has its journal or a part of it.

    Args:
        id: the enrollment.
        contact_id: the contact.
        summary: the summary of the turns that were deleted.
    """

    id: UUID
    contact_id: UUID
    summary: Summary


@dataclass(frozen=True, slots=True)
class EnrollmentSummary:
    """A summary that is to be written.

    Args:
        enrollment_id: the enrollment.
        summary: the summary of the turns up to `through`.
        through: the number of the last turn in the summary.
        whole: whether `through` is the enrollment's last turn.
    """

    enrollment_id: UUID
    summary: Summary
    through: int
    whole: bool


@dataclass(frozen=True, slots=True)
class JournalTurn:
    """The columns of a turn that a summary needs; `steps` is the stored text."""

    enrollment_id: UUID
    number: int
    played_at: datetime
    outcome: str
    steps: str


class _Stored(NamedTuple):
    summary: Summary


def _read_summary(stored: Any) -> Summary:
    return Summary.from_json(from_json(stored)) if stored else Summary()


_SUMMARY = Stored(_read_summary)
_SUMMARIES = RowMapper(_Stored, EnrollmentRow, summary=_SUMMARY)
_ENDED = RowMapper(EndedEnrollment, EnrollmentRow, summary=_SUMMARY)
_TURNS = RowMapper(JournalTurn, TurnRow)


def find(enrollment_id: UUID) -> Query[Summary | None]:
    """Query the summary of an enrollment; None when it has its whole journal."""
    return Query(
        "SELECT summary FROM enrollments WHERE id = ? AND summary IS NOT NULL",
        [enrollment_id],
        lambda rows: next((row.summary for row in map(_SUMMARIES.read, rows)), None),
    )


def find_ended(until: datetime, limit: int) -> Query[list[EndedEnrollment]]:
    """Query enrollments that ended before an instant and have a journal, the oldest first.

    Args:
        until: the instant.
        limit: the greatest number of enrollments.
    """
    return Query(
        f"SELECT {_ENDED.columns} FROM enrollments WHERE {WHOLE} AND ended_at < ? "
        "ORDER BY ended_at LIMIT ?",
        [to_micros(until), limit],
        _ENDED.read_all,
    )


def find_still_ended(ids: Sequence[UUID]) -> Query[set[UUID]]:
    """Query which enrollments have ended and have a journal."""
    read = read_column(UUID)
    return Query(
        f"SELECT id FROM enrollments WHERE id IN ? AND {WHOLE}",
        [list(ids)],
        lambda rows: set(read(rows)),
    )


def find_turns(ids: Sequence[UUID], limit: int) -> Query[list[JournalTurn]]:
    """Query the turns of enrollments, in order, for `summarize`.

    Args:
        ids: the enrollments.
        limit: the greatest number of turns.
    """
    return Query(
        f"SELECT {_TURNS.columns} FROM turns "
        "WHERE enrollment_id IN ? ORDER BY enrollment_id, number LIMIT ?",
        [list(ids), limit],
        _TURNS.read_all,
    )


def summarize(
    ended: Sequence[EndedEnrollment], turns_read: Sequence[JournalTurn], limit: int
) -> list[EnrollmentSummary]:
    """Summarize the turns of enrollments that were read.

    Args:
        ended: the enrollments.
        journals: the turns that `find_turns` gave.
        limit: the limit with which the turns were read; when it was reached, there may be more.
    """
    # The turns are in the order of the enrollments, and the last one may have further turns.
    cut = turns_read[-1].enrollment_id if len(turns_read) == limit else None
    by_enrollment: dict[UUID, list[JournalTurn]] = {}
    for turn in turns_read:
        by_enrollment.setdefault(turn.enrollment_id, []).append(turn)
    results: list[EnrollmentSummary] = []
    for enrollment in sorted(ended, key=lambda enrollment: enrollment.id):
        summary, through = enrollment.summary, 0
        for turn in by_enrollment.get(enrollment.id, ()):
            through = turn.number
            summary = summary.add_turn(
                turn.played_at,
                failed=turn.outcome not in ("waiting", "completed", "exited"),
                steps=_parse_steps(turn.steps),
            )
        is_cut = enrollment.id == cut
        results.append(EnrollmentSummary(enrollment.id, summary, through, whole=not is_cut))
        if is_cut:
            break
    return results


def _parse_steps(text: str) -> list[Step]:
    try:
        return [turns.read_step(stored) for stored in json.loads(text)]
    except (ValueError, KeyError, TypeError):
        # One corrupt turn must not keep the others from being deleted.
        return []


def update(summarized: Sequence[EnrollmentSummary], now: datetime) -> Write:
    """Store summaries; an enrollment with a whole summary is not summarized again."""
    at = to_micros(now)
    return Write(
        "UPDATE enrollments SET summary = ?, compacted_at = ?, wait = NULL, wait_result = NULL "
        "WHERE id = ?",
        [
            (to_json(result.summary.to_json()), at if result.whole else None, result.enrollment_id)
            for result in summarized
        ],
    )


def delete_summarized(summarized: Sequence[EnrollmentSummary]) -> list[Query[None]]:
    """Delete the turns that are in summaries, with their large answers and effects."""
    whole = [result.enrollment_id for result in summarized if result.whole]
    partial = [result for result in summarized if not result.whole]
    return [
        *(_delete(table, "enrollment_id IN ?", [whole]) for table in ("turns", "answers", "steps")),
        *(
            _delete(
                "turns", "enrollment_id = ? AND number <= ?", [result.enrollment_id, result.through]
            )
            for result in partial
        ),
    ]


def _delete(table: str, condition: str, values: Sequence[object]) -> Query[None]:
    """Return one statement for many rows; as a write it would run once for each row."""
    return Query(f"DELETE FROM {table} WHERE {condition}", values, lambda _: None)
