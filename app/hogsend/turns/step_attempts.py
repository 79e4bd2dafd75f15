"""The outcome of one attempt of a step's effect, and the delay before the next one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ..domain.journal import Step

# The delays before the next attempt of an effect, or a turn, that has failed.
RETRY_AFTER = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
)
_MAX_ERROR_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class StepAttempt:
    """The outcome of one attempt.

    Args:
        answer: the effect's result, in the journal's form.
        error: the traceback or the reason; None when the effect succeeded.
        final: whether another attempt would be useless.
        attempt: the number of the attempt, from 1.
    """

    answer: Any = None
    error: str | None = None
    final: bool = False
    attempt: int = 1

    def to_answer(self) -> dict[str, Any]:
        """Return the journal's answer for a step that is not repeated."""
        if self.error is None:
            return {"value": self.answer}
        return {"failed": self.error[-_MAX_ERROR_LENGTH:]}

    def to_detail(self, until: str) -> dict[str, Any]:
        """Return the journal's detail of an attempt that is followed by another attempt.

        Args:
            until: the instant of the next attempt, in ISO form.
        """
        error = (self.error or "")[-_MAX_ERROR_LENGTH:]
        return {"until": until, "attempt": self.attempt, "error": error}


def is_retry_pause(step: Step) -> bool:
    """Return whether a journal entry is the pause before the next attempt of an effect."""
    return step.waiting and step.detail is not None and "attempt" in step.detail


def compute_retry_delay(attempts: int) -> timedelta:
    """Return the delay after a number of failed attempts, at least one."""
    return RETRY_AFTER[min(attempts, len(RETRY_AFTER)) - 1]
