"""How fast mail leaves: so many a second at most, evenly, so that a crowd does not all go at once.

Who wakes a hundred thousand people in the same minute does not want their mails to reach one
mail server in the same minute too.
"""

from __future__ import annotations

from datetime import datetime

# Mails that may be begun at once, as a part of those of a second.
_AT_ONCE = 0.1


class RateLimiter:
    """Says how many mails may be begun now; what is not used is not saved up.

    Args:
        rate: mails per second; 0 for as many as there are.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = max(int(rate * _AT_ONCE), 1)
        self._room = float(self._most)
        self._at: datetime | None = None

    def room(self, now: datetime, wanted: int) -> int:
        """Return how many of the wanted mails may be begun.

        Args:
            now: the present instant; where the clock was set back, time goes on from there.
            wanted: how many there is room for otherwise.
        """
        if not self._rate:
            return wanted
        passed = (now - self._at).total_seconds() if self._at is not None else 0.0
        self._room += max(passed, 0.0) * self._rate
        if self._room > self._most:
            # Whoever asks a moment late loses nothing of the next one.
            self._room = self._most + self._room % 1
        self._at = now
        return min(int(self._room), wanted)

    def ahead(self, most: int) -> int:
        """Return how many mails may be read ahead: at a low rate, others must not wait for them."""
        return min(most, max(self._most, 1)) if self._rate else most

    def begun(self, count: int) -> None:
        """Note that so many mails have been begun."""
        if self._rate:
            self._room -= count

    @property
    def wait(self) -> float:
        """How long until there is as much room as there may be, in seconds."""
        return max(self._most - self._room, 0.0) / self._rate if self._rate else 0.0
