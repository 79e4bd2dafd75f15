"""Makes callers who fail too often wait, so that passwords and keys cannot be guessed."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta

_MAX_CALLERS = 10_000


class FailureLimiter:
    """Counts failures by caller, in a sliding window of time.

    Args:
        limit: how many failures a caller may have within the window.
        window: how long a failure counts.
    """

    def __init__(self, limit: int, window: timedelta) -> None:
        self.limit = limit
        self.window = window
        # The caller that failed last comes last.
        self._failures: OrderedDict[str, deque[datetime]] = OrderedDict()

    def seconds_to_wait(self, caller: str, now: datetime) -> int:
        """Return in how many seconds a caller may try again; 0 when it may now."""
        failures = self._failures.get(caller)
        if failures is None:
            return 0
        while failures and now - failures[0] >= self.window:
            failures.popleft()
        if len(failures) < self.limit:
            return 0
        return int((failures[0] + self.window - now).total_seconds()) + 1

    def record(self, caller: str, now: datetime) -> None:
        """Count a failure; the callers that failed longest ago are forgotten first."""
        self._failures.setdefault(caller, deque(maxlen=self.limit)).append(now)
        self._failures.move_to_end(caller)
        while len(self._failures) > _MAX_CALLERS:
            self._failures.popitem(last=False)

    def forget(self, caller: str) -> None:
        """Forget a caller's failures, because it has succeeded."""
        self._failures.pop(caller, None)
