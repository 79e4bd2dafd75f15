"""The journal: one row for each turn of an enrollment; large answers are in another table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from ..domain.journal import Step
from . import answers
from .answers import LargeAnswer
from .corrupt_rows import CORRUPTION_ERRORS, raise_or_show
from .db import Query, Row, Write
from .json_text import to_json
from .models import TurnRow
from .rows import RowMapper
from .stored import Stored

# Turns are numbered from 1. A row with this number among them is a large answer.
_ANSWER = 0
# A step with a large answer has the answer's digest under this name, which no field of a step uses.
_DIGEST = "digest"
_Bodies = Mapping[tuple[UUID, str], bytes]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn, as recorded.

    Args:
        enrollment_id: the turn's enrollment.
        number: the turn's number, from 1; failed turns are numbered too.
        played_at: when the turn ran.
        code_hash: the version of the code that ran.
        outcome: `waiting completed exited retrying failed drifted`.
        steps: the turn's part of the journal, in the order of the calls.
        error: the traceback of a failed turn.
    """

    enrollment_id: UUID
    number: int
    played_at: datetime
    code_hash: str
    outcome: str
    steps: Sequence[Step]
    error: str | None = None


class _JournalRow(NamedTuple):
    """A turn, or a large answer, which has only a digest and a body."""

    enrollment_id: UUID
    number: int
    played_at: datetime
    code_hash: str
    outcome: str
    steps: str
    error: str | None
    digest: bytes | None
    body: bytes | None


_JOURNAL = RowMapper(_JournalRow, digest="NULL", body="NULL")
_NEW = RowMapper(Turn, TurnRow, steps=Stored()).build_write_columns(
    without=("steps",), extra=("steps",)
)


def find_by_enrollments(ids: Sequence[UUID]) -> Query[dict[UUID, list[Turn]]]:
    """Query the whole journals of enrollments, by enrollment, in order.

    Turns that were replaced by a summary are absent.
    """
    return Query(
        f"SELECT {_JOURNAL.columns} FROM turns WHERE enrollment_id IN ? UNION ALL "
        f"SELECT enrollment_id, {_ANSWER}, 0, '', '', '', NULL, digest, body "
        "FROM answers WHERE enrollment_id IN ? ORDER BY 1, 2",
        [list(ids)] * 2,
        _read_by_enrollment,
    )


def insert(turns: Iterable[Turn]) -> list[Write]:
    """Add turns; large answers are stored in their own table, and equal answers once."""
    rows: list[Sequence[Any]] = []
    bodies: dict[tuple[UUID, bytes], LargeAnswer] = {}
    for turn in turns:
        text, large_answers = _encode_steps(turn.steps)
        bodies.update({(turn.enrollment_id, large.digest): large for large in large_answers})
        rows.append(_NEW.values(turn, text))
    return [
        Write(f"INSERT INTO turns ({_NEW.names}) VALUES ({_NEW.placeholders})", rows),
        answers.insert((enrollment_id, large) for (enrollment_id, _), large in bodies.items()),
    ]


def _encode_steps(steps: Sequence[Step]) -> tuple[str, list[LargeAnswer]]:
    """Return the JSON of a turn's steps, and the large answers that are stored apart from it."""
    stored = [_to_compact_json(step) for step in steps]
    text, large_answers = to_json(stored), list[LargeAnswer]()
    if len(text.encode()) <= answers.MAX_INLINE_BYTES:
        return text, large_answers
    for step in stored:
        large = answers.to_large(step.get("answer"))
        if large is not None:
            del step["answer"]
            step[_DIGEST] = large.digest.hex()
            large_answers.append(large)
    return (to_json(stored) if large_answers else text), large_answers


def _to_compact_json(step: Step) -> dict[str, Any]:
    """Return the stored form of a step, without kind and label if its key contains them."""
    stored = step.to_json()
    if step.key == (f"{step.kind}:{step.label}" if step.label else step.kind):
        del stored["kind"], stored["label"]
    return stored


def read_step(stored: dict[str, Any]) -> Step:
    """Read a step that is stored in a turn; a large answer is left out."""
    if "kind" not in stored:
        stored["kind"], _, stored["label"] = stored["key"].partition(":")
    return Step.from_json(stored)


def _read_by_enrollment(rows: list[Row]) -> dict[UUID, list[Turn]]:
    journal = _JOURNAL.read_all(rows)
    bodies = {
        (row.enrollment_id, row.digest.hex()): row.body
        for row in journal
        if row.digest is not None and row.body is not None
    }
    turns: dict[UUID, list[Turn]] = {}
    for row in journal:
        if row.number != _ANSWER:
            turns.setdefault(row.enrollment_id, []).append(_to_turn(row, bodies))
    return turns


def _to_turn(row: _JournalRow, bodies: _Bodies) -> Turn:
    steps = list[Step]()
    try:
        steps = [
            read_step(_restore_answer(stored, row.enrollment_id, bodies))
            for stored in json.loads(row.steps)
        ]
    except CORRUPTION_ERRORS as error:
        raise_or_show("turns", f"{row.enrollment_id}/{row.number}", error, None)
    return Turn(
        enrollment_id=row.enrollment_id,
        number=row.number,
        played_at=row.played_at,
        code_hash=row.code_hash,
        outcome=row.outcome,
        steps=steps,
        error=row.error,
    )


def _restore_answer(stored: dict[str, Any], enrollment_id: UUID, bodies: _Bodies) -> dict[str, Any]:
    """Put a large answer back into its step."""
    if _DIGEST in stored:
        stored["answer"] = answers.decompress(bodies[enrollment_id, stored.pop(_DIGEST)])
    return stored
