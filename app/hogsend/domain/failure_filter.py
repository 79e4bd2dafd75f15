"""Which of a journey's failed or retrying enrollments are meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# Not a state of its own: enrollments whose last turn failed and will run again.
RETRYING = "retrying"


@dataclass(frozen=True, slots=True)
class FailureFilter:
    """Selects enrollments by their last failure; without arguments it selects all.

    Args:
        error: only enrollments whose last traceback contains this text, in the same case.
        since: only enrollments that failed at this instant or later; for those that are retried,
            the last attempt counts.
    """

    error: str = ""
    since: datetime | None = None

    def __bool__(self) -> bool:
        return bool(self.error) or self.since is not None

    def to_json(self) -> Mapping[str, Any]:
        """Return what the audit log stores."""
        since = {"since": self.since.isoformat()} if self.since else {}
        return {**({"error": self.error} if self.error else {}), **since}


ALL_FAILURES = FailureFilter()
