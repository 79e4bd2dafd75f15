"""The journal: one row for each turn of an enrollment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ..domain.journal import Step
from .db import Query, Row, Write
from .fields import from_micros, to_id, to_micros
from .json_text import to_json


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn, as recorded.

    Args:
        enrollment_id: whose.
        number: from 1; failed turns are numbered too.
        played_at: when.
        code_hash: by which version of the code.
        outcome: `waiting completed exited retrying failed drifted`.
        steps: its part of the journal, in the order of the calls.
        error: the traceback, when it failed.
    """

    enrollment_id: UUID
    number: int
    played_at: datetime
    code_hash: str
    outcome: str
    steps: Sequence[Step]
    error: str | None = None


def _turn(row: Row) -> Turn:
    return Turn(
        enrollment_id=to_id(row[0]),
        number=row[1],
        played_at=from_micros(row[2]),
        code_hash=row[3],
        outcome=row[4],
        steps=[Step.from_json(stored) for stored in json.loads(row[5])],
        error=row[6],
    )


def _by_enrollment(rows: list[Row]) -> dict[UUID, list[Turn]]:
    turns: dict[UUID, list[Turn]] = {}
    for row in rows:
        turn = _turn(row)
        turns.setdefault(turn.enrollment_id, []).append(turn)
    return turns


def of_enrollments(ids: Sequence[UUID]) -> Query[dict[UUID, list[Turn]]]:
    """Ask for the whole journals of some enrollments, by enrollment, in order."""
    return Query(
        "SELECT enrollment_id, number, played_at, code_hash, outcome, steps, error FROM turns "
        "WHERE enrollment_id IN ? ORDER BY enrollment_id, number",
        [list(ids)],
        _by_enrollment,
    )


def insert(turns: Iterable[Turn]) -> Write:
    """Add turns."""
    return Write(
        "INSERT INTO turns (enrollment_id, number, played_at, code_hash, outcome, steps, error) "
        "VALUES (?,?,?,?,?,?,?)",
        [
            (
                t.enrollment_id,
                t.number,
                to_micros(t.played_at),
                t.code_hash,
                t.outcome,
                to_json([step.to_json() for step in t.steps]),
                t.error,
            )
            for t in turns
        ],
    )
