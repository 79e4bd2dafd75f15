"""Effects of `ctx.step` that were attempted and are not in the journal yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from ..domain.erasure import ERASED
from ..domain.journal import PendingStep
from .db import Query, Row, Write
from .json_text import to_json
from .models import StepRow
from .rows import RowMapper
from .stored import Stored, optional_json


@dataclass(frozen=True, slots=True)
class NewStep:
    """An attempted effect that is to be stored.

    Args:
        enrollment_id: the enrollment that it belongs to.
        step: the result of the attempts so far.
    """

    enrollment_id: UUID
    step: PendingStep


@dataclass(frozen=True, slots=True)
class _StoredStep:
    enrollment_id: UUID
    key: str
    attempts: int
    answer: object
    error: str | None
    over: bool


_STEPS = RowMapper(
    _StoredStep,
    StepRow,
    answer=optional_json(),
    over=Stored(bool, columns=("is_over",)),
    row_id=("enrollment_id", "key"),
)


def find_by_enrollments(ids: Sequence[UUID]) -> Query[dict[UUID, Mapping[str, PendingStep]]]:
    """Query the effects that are not in the journals of enrollments, by enrollment and key."""

    def read(rows: list[Row]) -> dict[UUID, Mapping[str, PendingStep]]:
        steps: dict[UUID, dict[str, PendingStep]] = {}
        for row in map(_STEPS.read, rows):
            step = PendingStep(row.key, row.attempts, row.answer, row.error, row.over)
            steps.setdefault(row.enrollment_id, {})[step.key] = step
        return dict(steps)

    return Query(f"SELECT {_STEPS.columns} FROM steps WHERE enrollment_id IN ?", [list(ids)], read)


def upsert(steps: Iterable[NewStep]) -> Write:
    """Store attempted effects; a newer attempt of an effect replaces the older one.

    Effects of contacts that were erased meanwhile are left out.
    """
    return Write(
        "INSERT INTO steps (enrollment_id, key, attempts, answer, error, is_over) "
        "SELECT ?,?,?,?,?,? WHERE NOT EXISTS "
        "(SELECT 1 FROM enrollments WHERE id = ? AND end_reason = ?) "
        "ON CONFLICT (enrollment_id, key) DO UPDATE SET "
        "attempts = excluded.attempts, answer = excluded.answer, error = excluded.error, "
        "is_over = excluded.is_over",
        [
            (
                new.enrollment_id,
                new.step.key,
                new.step.attempts,
                to_json(new.step.answer) if new.step.answer is not None else None,
                new.step.error,
                new.step.over,
                new.enrollment_id,
                ERASED,
            )
            for new in steps
        ],
    )


def delete(steps: Iterable[tuple[UUID, str]]) -> Write:
    """Delete effects that are now in the journal, by enrollment and key."""
    return Write("DELETE FROM steps WHERE enrollment_id = ? AND key = ?", list(steps))
