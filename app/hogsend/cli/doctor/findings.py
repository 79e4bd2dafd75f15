"""What a check found, and how it is mended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["ok", "warning", "failure"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found.

    Args:
        part: what was looked at.
        level: `ok`, `warning` or `failure`.
        text: what was found.
        remedy: what to do about it; empty when it is well.
        fix: does that, where it takes nobody's decision, and returns what was done.
    """

    part: str
    level: Level
    text: str
    remedy: str = ""
    fix: Callable[[], str] | None = field(default=None, compare=False)
