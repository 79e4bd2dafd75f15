"""The journal: one row for each turn of an enrollment, and its large answers apart."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.journal import Step
from . import answers
from .answers import LargeAnswer
from .corrupt_rows import UNREADABLE, unreadable
from .db import Query, Row, Write
from .fields import from_micros, to_id, to_micros
from .json_text import to_json

# Turns are numbered from 1: in one list with them, this stands for a large answer.
_ANSWER = 0
# In place of a large answer, a step has its digest under this name, which no step's field has.
_DIGEST = "digest"
_Kept = Mapping[tuple[UUID, str], bytes]


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


def of_enrollments(ids: Sequence[UUID]) -> Query[dict[UUID, list[Turn]]]:
    """Ask for the whole journals of some enrollments, by enrollment, in order.

    Turns of which only a summary is left are not among them.
    """
    return Query(
        "SELECT enrollment_id, number, played_at, code_hash, outcome, steps, error, NULL, NULL "
        "FROM turns WHERE enrollment_id IN ? UNION ALL "
        f"SELECT enrollment_id, {_ANSWER}, 0, '', '', '', NULL, digest, body "
        "FROM answers WHERE enrollment_id IN ? ORDER BY 1, 2",
        [list(ids)] * 2,
        _by_enrollment,
    )


def insert(turns: Iterable[Turn]) -> list[Write]:
    """Add turns; what is large of their answers is kept apart, equal ones once."""
    rows: list[Sequence[Any]] = []
    kept: dict[tuple[UUID, bytes], LargeAnswer] = {}
    for turn in turns:
        text, apart = _stored(turn.steps)
        kept.update({(turn.enrollment_id, one.digest): one for one in apart})
        rows.append(
            (
                turn.enrollment_id,
                turn.number,
                to_micros(turn.played_at),
                turn.code_hash,
                turn.outcome,
                text,
                turn.error,
            )
        )
    return [
        Write(
            "INSERT INTO turns (enrollment_id, number, played_at, code_hash, outcome, steps, "
            "error) VALUES (?,?,?,?,?,?,?)",
            rows,
        ),
        answers.insert((enrollment_id, one) for (enrollment_id, _), one in kept.items()),
    ]


def _stored(steps: Sequence[Step]) -> tuple[str, list[LargeAnswer]]:
    """Return the JSON of a turn's steps, and what is kept apart from it."""
    stored = [_brief(step) for step in steps]
    text, apart = to_json(stored), list[LargeAnswer]()
    if len(text.encode()) <= answers.LARGEST:
        return text, apart
    for step in stored:
        large = answers.large(step.get("answer"))
        if large is not None:
            del step["answer"]
            step[_DIGEST] = large.digest.hex()
            apart.append(large)
    return (to_json(stored) if apart else text), apart


def _brief(step: Step) -> dict[str, Any]:
    """Return the stored form of a step, without what its key says already."""
    stored = step.to_json()
    if step.key == (f"{step.kind}:{step.label}" if step.label else step.kind):
        del stored["kind"], stored["label"]
    return stored


def read_step(stored: dict[str, Any]) -> Step:
    """Read a step as it is stored in a turn, without an answer that is kept apart."""
    if "kind" not in stored:
        stored["kind"], _, stored["label"] = stored["key"].partition(":")
    return Step.from_json(stored)


def _by_enrollment(rows: list[Row]) -> dict[UUID, list[Turn]]:
    kept = {(to_id(row[0]), bytes(row[7]).hex()): row[8] for row in rows if row[1] == _ANSWER}
    turns: dict[UUID, list[Turn]] = {}
    for row in rows:
        if row[1] != _ANSWER:
            turn = _turn(row, kept)
            turns.setdefault(turn.enrollment_id, []).append(turn)
    return turns


def _turn(row: Row, kept: _Kept) -> Turn:
    enrollment_id, steps = to_id(row[0]), list[Step]()
    try:
        steps = [read_step(_whole(one, enrollment_id, kept)) for one in json.loads(row[5])]
    except UNREADABLE as error:
        unreadable("turns", f"{enrollment_id}/{row[1]}", error, None)
    return Turn(
        enrollment_id=enrollment_id,
        number=row[1],
        played_at=from_micros(row[2]),
        code_hash=row[3],
        outcome=row[4],
        steps=steps,
        error=row[6],
    )


def _whole(stored: dict[str, Any], enrollment_id: UUID, kept: _Kept) -> dict[str, Any]:
    """Put a large answer back into its step."""
    if _DIGEST in stored:
        stored["answer"] = answers.read(kept[enrollment_id, stored.pop(_DIGEST)])
    return stored
