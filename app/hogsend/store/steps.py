"""Effects of `ctx.step` that were tried and are not in the journal yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from ..domain.journal import PendingStep
from .corrupt_rows import UNREADABLE, unreadable
from .db import Query, Row, Write
from .fields import to_id
from .json_text import from_json, to_json


@dataclass(frozen=True, slots=True)
class NewStep:
    """A try of an effect, as it is written.

    Args:
        enrollment_id: of which enrollment.
        step: what it came to.
    """

    enrollment_id: UUID
    step: PendingStep


def of_enrollments(ids: Sequence[UUID]) -> Query[dict[UUID, Mapping[str, PendingStep]]]:
    """Ask for the effects of some enrollments that are not in their journals, by key."""

    def read(rows: list[Row]) -> dict[UUID, Mapping[str, PendingStep]]:
        kept: dict[UUID, dict[str, PendingStep]] = {}
        for row in rows:
            answer = None
            try:
                answer = from_json(row[3]) if row[3] else None
            except UNREADABLE as error:
                unreadable("steps", f"{to_id(row[0])}/{row[1]}", error, None)
            step = PendingStep(row[1], row[2], answer, row[4], bool(row[5]))
            kept.setdefault(to_id(row[0]), {})[step.key] = step
        return dict(kept)

    return Query(
        "SELECT enrollment_id, key, attempts, answer, error, is_over FROM steps "
        "WHERE enrollment_id IN ?",
        [list(ids)],
        read,
    )


def keep(steps: Iterable[NewStep]) -> Write:
    """Record tries of effects; a newer one of the same effect replaces the older."""
    return Write(
        "INSERT INTO steps (enrollment_id, key, attempts, answer, error, is_over) "
        "VALUES (?,?,?,?,?,?) ON CONFLICT (enrollment_id, key) DO UPDATE SET "
        "attempts = excluded.attempts, answer = excluded.answer, error = excluded.error, "
        "is_over = excluded.is_over",
        [
            (
                one.enrollment_id,
                one.step.key,
                one.step.attempts,
                to_json(one.step.answer) if one.step.answer is not None else None,
                one.step.error,
                one.step.over,
            )
            for one in steps
        ],
    )


def forget(steps: Iterable[tuple[UUID, str]]) -> Write:
    """Drop effects that are in the journal now: (enrollment, key)."""
    return Write("DELETE FROM steps WHERE enrollment_id = ? AND key = ?", list(steps))
