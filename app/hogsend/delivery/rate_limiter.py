"""Limits how many mails begin in a second, and spreads them evenly over the second.

A journey may wake a hundred thousand contacts in the same minute. The limit keeps their mails from
reaching one mail server in that minute.
"""

from __future__ import annotations

from datetime import datetime

# How many mails may begin at the same time, as a fraction of the rate.
_BURST = 0.1


class RateLimiter:
    """Counts how many mails may begin now; unused capacity does not accumulate.

    Args:
        rate: the maximum number of mails a second; 0 for no limit.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._max_room = max(int(rate * _BURST), 1)
        self._room = float(self._max_room)
        self._at: datetime | None = None

    def compute_room(self, now: datetime, wanted: int) -> int:
        """Return how many of the waiting mails may begin.

        Args:
            now: the current time, which may be earlier than before if the clock was set back.
            wanted: how many mails would begin without the limit.
        """
        if not self._rate:
            return wanted
        passed = (now - self._at).total_seconds() if self._at is not None else 0.0
        self._room += max(passed, 0.0) * self._rate
        if self._room > self._max_room:
            # The fraction stays, so that a late call does not lower the rate.
            self._room = self._max_room + self._room % 1
        self._at = now
        return min(int(self._room), wanted)

    def limit_read_ahead(self, limit: int) -> int:
        """Return how many mails may be claimed ahead of their delivery.

        At a low rate only few mails are claimed, so that mails of other journeys that become due
        later do not wait for all of them.

        Args:
            limit: the maximum number without a rate limit.
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
