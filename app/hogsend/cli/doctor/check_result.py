"""The result of a check, and how its problem is fixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["ok", "warning", "failure"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of a check.

    Args:
        part: what was checked.
        level: `ok`, `warning` or `failure`.
        text: the finding, as a sentence that makes sense without `part`.
        remedy: what to do about a problem; empty without one.
        fix: solves the problem and returns a sentence about what was done; None when an operator
            has to decide.
    """

    part: str
    level: Level
    text: str
    remedy: str = ""
    fix: Callable[[], str] | None = field(default=None, compare=False)
