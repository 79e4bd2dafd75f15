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
from .models import JOURNALED, EnrollmentRow, TurnRow
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
    """A summary that is to be stored.

    Args:
        enrollment_id: the enrollment.
        summary: the summary of the turns up to `through`.
        through: the number of the last turn in the summary.
        is_complete: whether `through` is the enrollment's last turn.
    """

    enrollment_id: UUID
    summary: Summary
    through: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class JournalTurn:
    """The columns of a turn that a summary needs; `steps` is the stored text."""

    enrollment_id: UUID
    number: int
    played_at: datetime
    outcome: str
    steps: str


class _SummaryColumn(NamedTuple):
    summary: Summary


def _read_summary(stored: Any) -> Summary:
    return Summary.from_json(from_json(stored)) if stored else Summary()


_SUMMARY = Stored(_read_summary)
_SUMMARIES = RowMapper(_SummaryColumn, EnrollmentRow, summary=_SUMMARY)
_ENDED = RowMapper(EndedEnrollment, EnrollmentRow, summary=_SUMMARY)
_TURNS = RowMapper(JournalTurn, TurnRow)
# Turns with any other outcome count as failed in a summary.
_SUCCESSFUL_OUTCOMES = ("waiting", "completed", "exited")


def find(enrollment_id: UUID) -> Query[Summary | None]:
    """Query the summary of an enrollment; None when none of its turns were summarized."""
    return Query(
        "SELECT summary FROM enrollments WHERE id = ? AND summary IS NOT NULL",
        [enrollment_id],
        lambda rows: next((row.summary for row in map(_SUMMARIES.read, rows)), None),
    )


def find_ended(ended_before: datetime, limit: int) -> Query[list[EndedEnrollment]]:
    """Query ended enrollments that have a journal or a part of it, the earliest end first.

    Args:
        ended_before: the instant before which the enrollments ended.
        limit: the greatest number of enrollments.
    """
    return Query(
        f"SELECT {_ENDED.columns} FROM enrollments WHERE {JOURNALED} AND ended_at < ? "
        "ORDER BY ended_at LIMIT ?",
        [to_micros(ended_before), limit],
        _ENDED.read_all,
    )


def find_still_ended(ids: Sequence[UUID]) -> Query[set[UUID]]:
    """Query which enrollments are still ended and still have a journal or a part of it.

    `find_ended` takes no lock, so its enrollments are checked again under the lock that `update`
    needs: an operator may have retried one, or another process may have summarized it.
    """
    read = read_column(UUID)
    return Query(
        f"SELECT id FROM enrollments WHERE id IN ? AND {JOURNALED}",
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
        turns_read: the turns that `find_turns` returned.
        limit: the limit that was given to `find_turns`; when it was reached, the last enrollment
            may have further turns, so its summary is partial and later ones are left out.
    """
    # The turns are in the order of the enrollments' ids.
    partial_id = turns_read[-1].enrollment_id if len(turns_read) == limit else None
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
                failed=turn.outcome not in _SUCCESSFUL_OUTCOMES,
                steps=_parse_steps(turn.steps),
            )
        is_partial = enrollment.id == partial_id
        results.append(
            EnrollmentSummary(enrollment.id, summary, through, is_complete=not is_partial)
        )
        if is_partial:
            break
    return results


def _parse_steps(text: str) -> list[Step]:
    try:
        return [turns.read_step(stored) for stored in json.loads(text)]
    except (ValueError, KeyError, TypeError):
        # One corrupt turn must not block the deletion of the others.
        return []


def update(summaries: Sequence[EnrollmentSummary], now: datetime) -> Write:
    """Store summaries, and clear the `wait` and `wait_result` of their enrollments.

    The enrollment of a complete summary is marked as compacted and not summarized again. A partial
    summary also clears the two columns.
    """
    at = to_micros(now)
    return Write(
        "UPDATE enrollments SET summary = ?, compacted_at = ?, wait = NULL, wait_result = NULL "
        "WHERE id = ?",
        [
            (
                to_json(summary.summary.to_json()),
                at if summary.is_complete else None,
                summary.enrollment_id,
            )
            for summary in summaries
        ],
    )


def delete_summarized(summaries: Sequence[EnrollmentSummary]) -> list[Query[None]]:
    """Delete the turns that are in summaries.

    When an enrollment's summary is complete, also delete its rows of the tables answers and steps.
    """
    complete_ids = [summary.enrollment_id for summary in summaries if summary.is_complete]
    partial_summaries = [summary for summary in summaries if not summary.is_complete]
    return [
        *(
            _delete(table, "enrollment_id IN ?", [complete_ids])
            for table in ("turns", "answers", "steps")
        ),
        *(
            _delete(
                "turns",
                "enrollment_id = ? AND number <= ?",
                [summary.enrollment_id, summary.through],
            )
            for summary in partial_summaries
        ),
    ]


def _delete(table: str, condition: str, values: Sequence[object]) -> Query[None]:
    """Return one statement for many rows; as a write it would run once for each row."""
    return Query(f"DELETE FROM {table} WHERE {condition}", values, lambda _: None)
