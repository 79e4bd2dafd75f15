"""The summary that replaces a journal's turns long after the enrollment's end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from .journal import Step


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of the turns of one enrollment.

    Args:
        turns: the number of turns, failed turns included.
        failed: the number of turns that raised or drifted.
        steps: the number of calls by kind; a wait and its end count once.
        first_at: when the first turn ran; None when there was no turn.
        last_at: when the last turn ran.
        open_wait: the key of the wait that the enrollment was in after the last turn.
    """

    turns: int = 0
    failed: int = 0
    steps: Mapping[str, int] = field(default_factory=dict[str, int])
    first_at: datetime | None = None
    last_at: datetime | None = None
    open_wait: str | None = None

    @property
    def calls(self) -> int:
        """The number of calls of all kinds."""
        return sum(self.steps.values())

    def add_turn(self, played_at: datetime, *, failed: bool, steps: Iterable[Step]) -> Summary:
        """Return the summary with one more turn.

        Args:
            played_at: when the turn ran.
            failed: whether the turn raised or drifted.
            steps: the turn's part of the journal.
        """
        counts, wait = dict(self.steps), self.open_wait
        for step in steps:
            # The snapshot of the contact is in the journal for replays, and is not a call.
            if step.key != wait and step.kind != "user":
                counts[step.kind] = counts.get(step.kind, 0) + 1
            if step.waiting:
                wait = step.key
            elif step.key == wait:
                wait = None
        return replace(
            self,
            turns=self.turns + 1,
            failed=self.failed + failed,
            steps=counts,
            first_at=self.first_at or played_at,
            last_at=played_at,
            open_wait=wait,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the stored form, without empty fields."""
        stored: dict[str, Any] = {"turns": self.turns}
        if self.failed:
            stored["failed"] = self.failed
        if self.steps:
            stored["steps"] = dict(self.steps)
        if self.first_at and self.last_at:
            stored["first"] = self.first_at.isoformat()
            stored["last"] = self.last_at.isoformat()
        if self.open_wait:
            stored["wait"] = self.open_wait
        return stored

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> Summary:
        """Return the summary that `to_json` stored."""
        first, last = stored.get("first"), stored.get("last")
        return Summary(
            turns=stored["turns"],
            failed=stored.get("failed", 0),
            steps=stored.get("steps", {}),
            first_at=datetime.fromisoformat(first) if first else None,
            last_at=datetime.fromisoformat(last) if last else None,
            open_wait=stored.get("wait"),
        )
