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
        text: what is the case.
        remedy: what to do about it; empty when it is well.
        fix: does that where no decision is needed, and returns what it did.
    """

    part: str
    level: Level
    text: str
    remedy: str = ""
    fix: Callable[[], str] | None = field(default=None, compare=False)
