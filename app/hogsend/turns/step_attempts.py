"""What a try of a step's effect came to, and when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ..domain.journal import decode
from ..errors import StepFailed
from .requests import Digest, Request, RunStep

# When an effect, or a turn, that raised is tried again (journeys, "Turns and the journal").
RETRY_AFTER = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
)


@dataclass(frozen=True, slots=True)
class Raised:
    """An answer that is an error, raised where the author's call stands."""

    error: Exception


@dataclass(frozen=True, slots=True)
class StepAttempt:
    """What one try of an effect came to.

    Args:
        answer: what it gave, in the journal's form.
        error: what it raised; None when it has succeeded.
        final: whether trying again is of no use.
        attempt: which try it was, from 1.
    """

    answer: Any = None
    error: str | None = None
    final: bool = False
    attempt: int = 1


def given(request: Request, answer: Any) -> Any:
    """Return a journalled answer as the author sees it."""
    if not isinstance(request, RunStep):
        # A digest that an operator let somebody go on without has collected nothing.
        return [] if answer is None and isinstance(request, Digest) else decode(answer)
    if "failed" in answer:
        return Raised(StepFailed(answer["failed"]))
    return decode(answer["value"])


def again_after(attempts: int) -> timedelta:
    """Return how long to wait after so many tries that failed, at least one."""
    return RETRY_AFTER[min(attempts, len(RETRY_AFTER)) - 1]


def outcome_of(tried: StepAttempt) -> dict[str, Any]:
    """Return what the journal keeps of an effect that is over."""
    return {"value": tried.answer} if tried.error is None else {"failed": tried.error[-2000:]}
