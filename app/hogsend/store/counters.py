"""Counts that are kept, so that no screen ever counts a million rows.

A gauge has day 0; a day's total has the number of days since 1970, UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from .db import Query, Write
from .fields import EPOCH

GAUGE = 0
_LONGEST_NAME = 200


def day_of(now: datetime) -> int:
    """Return the number of whole days since 1970, UTC."""
    return (now - EPOCH).days


class Tally:
    """Collects the changes of one transaction."""

    def __init__(self, now: datetime) -> None:
        self._day = day_of(now)
        self._changes: Counter[tuple[str, int]] = Counter()

    def today(self, name: str, by: int = 1) -> None:
        """Add to today's total."""
        self._changes[name, self._day] += by

    def then(self, instant: datetime, name: str, by: int) -> None:
        """Add to the total of the day that an instant is of."""
        self._changes[name, day_of(instant)] += by

    def gauge(self, name: str, by: int) -> None:
        """Add to a gauge."""
        self._changes[name, GAUGE] += by

    def moved(self, journey_id: str, before: str | None, after: str | None) -> None:
        """Count an enrollment's change of state."""
        if before == after:
            return
        if before is not None:
            self.gauge(f"state/{journey_id}/{before}", -1)
        if after is not None:
            self.gauge(f"state/{journey_id}/{after}", 1)

    def waits(self, journey_id: str, before: str | None, after: str | None) -> None:
        """Count an enrollment's change of the wait it is in."""
        if before == after:
            return
        if before is not None:
            self.gauge(f"waiting/{journey_id}/{before}", -1)
        if after is not None:
            self.gauge(f"waiting/{journey_id}/{after}", 1)

    def write(self) -> Write:
        """Return the changes as one write, in a fixed order of rows."""
        return Write(
            "INSERT INTO counters (name, day, value) VALUES (?,?,?) ON CONFLICT (name, day) "
            "DO UPDATE SET value = counters.value + excluded.value",
            [(_fitting(name), day, by) for (name, day), by in sorted(self._changes.items()) if by],
        )


def _fitting(name: str) -> str:
    """Return a name that its column takes: a long journey's long wait is cut, and told apart."""
    if len(name) <= _LONGEST_NAME:
        return name
    return name[: _LONGEST_NAME - 17] + "#" + sha256(name.encode()).hexdigest()[:16]


def values(names: Sequence[str], day: int = GAUGE) -> Query[dict[str, int]]:
    """Ask for counts by name; those never counted are absent."""
    return Query(
        "SELECT name, value FROM counters WHERE day = ? AND name IN ?",
        [day, list(names)],
        lambda rows: {row[0]: row[1] for row in rows},
    )
