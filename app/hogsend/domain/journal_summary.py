"""The summary that replaces the turns of a journal: a few figures."""

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
        turns: how many there were, failed ones included.
        failed: how many of them raised or drifted.
        steps: how many calls of each kind; a wait and its end are one.
        first_at: when the first turn was played; None when there was none.
        last_at: when the last one was.
        open_wait: the key of the wait that the last turn began or stayed in.
    """

    turns: int = 0
    failed: int = 0
    steps: Mapping[str, int] = field(default_factory=dict[str, int])
    first_at: datetime | None = None
    last_at: datetime | None = None
    open_wait: str | None = None

    @property
    def calls(self) -> int:
        """How many calls there were, of whatever kind."""
        return sum(self.steps.values())

    def add_turn(self, played_at: datetime, *, failed: bool, steps: Iterable[Step]) -> Summary:
        """Return the summary with one more turn.

        Args:
            played_at: when the turn ran.
            failed: whether the turn raised or drifted.
            steps: the turn's part of the journal.
        """
        counted, wait = dict(self.steps), self.open_wait
        for step in steps:
            # The contact as of enrollment is recorded for the replay; nobody called for it.
            if step.key != wait and step.kind != "user":
                counted[step.kind] = counted.get(step.kind, 0) + 1
            if step.waiting:
                wait = step.key
            elif step.key == wait:
                wait = None
        return replace(
            self,
            turns=self.turns + 1,
            failed=self.failed + failed,
            steps=counted,
            first_at=self.first_at or played_at,
            last_at=played_at,
            open_wait=wait,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the stored form, without what is empty."""
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
        """Read back what `to_json` wrote."""
        first, last = stored.get("first"), stored.get("last")
        return Summary(
            turns=stored["turns"],
            failed=stored.get("failed", 0),
            steps=stored.get("steps", {}),
            first_at=datetime.fromisoformat(first) if first else None,
            last_at=datetime.fromisoformat(last) if last else None,
            open_wait=stored.get("wait"),
        )
