"""Limits how many mails begin in a second, and spreads them evenly over it.

A journey that wakes a hundred thousand contacts in the same minute does not send all their mails to
one mail server in that minute.
"""

from __future__ import annotations

from datetime import datetime

# The mails that may begin at the same time, as a fraction of those of a second.
_BURST = 0.1


class RateLimiter:
    """Counts how many mails may begin now; unused room is not saved up.

    Args:
        rate: the maximum number of mails a second; 0 for no limit.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._max_room = max(int(rate * _BURST), 1)
        self._room = float(self._max_room)
        self._at: datetime | None = None

    def room(self, now: datetime, wanted: int) -> int:
        """Return how many of the wanted mails may begin.

        Args:
            now: the present instant; after the clock was set back, time continues from there.
            wanted: how many mails could begin without the limit.
        """
        if not self._rate:
            return wanted
        passed = (now - self._at).total_seconds() if self._at is not None else 0.0
        self._room += max(passed, 0.0) * self._rate
        if self._room > self._max_room:
            # The fraction is kept, so that a late call does not lower the rate.
            self._room = self._max_room + self._room % 1
        self._at = now
        return min(int(self._room), wanted)

    def ahead(self, limit: int) -> int:
        """Return how many mails may be read ahead.

        At a low rate these are few, so that mails due later do not wait behind them.

        Args:
            limit: the maximum number without a rate.
        """
        return min(limit, max(self._max_room, 1)) if self._rate else limit

    def record_begun(self, count: int) -> None:
        """Record that mails have begun."""
        if self._rate:
            self._room -= count

    @property
    def wait(self) -> float:
        """How long until the room is at its maximum again, in seconds."""
        return max(self._max_room - self._room, 0.0) / self._rate if self._rate else 0.0
