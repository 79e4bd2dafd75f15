"""Makes callers who fail too often wait, so that passwords and keys cannot be guessed."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta

_MAX_CALLERS = 10_000


class FailureLimiter:
    """Counts failures by caller, in a sliding window of time.

    Its memory is bounded, and a caller that must wait is never forgotten before its time: when all
    the memory is taken by such callers, new ones must wait too.

    Args:
        limit: how many failures a caller may have within the window.
        window: how long a failure counts.
    """

    def __init__(self, limit: int, window: timedelta) -> None:
        self.limit = limit
        self.window = window
        # The callers that may try again, and those that must wait; in both, the caller that failed
        # last comes last.
        self._open: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._full: OrderedDict[str, deque[datetime]] = OrderedDict()

    def seconds_to_wait(self, caller: str, now: datetime) -> int:
        """Return in how many seconds a caller may try again; 0 when it may now."""
        self._release_first(now)
        if caller in self._full:
            self._release(caller, now)
        failures = self._full.get(caller)
        if failures is None and caller not in self._open and len(self._full) >= _MAX_CALLERS:
            # Nobody new can be counted before the first of the full callers may try again.
            failures = next(iter(self._full.values()))
        return int((failures[0] + self.window - now).total_seconds()) + 1 if failures else 0

    def record(self, caller: str, now: datetime) -> None:
        """Count a failure; when the memory is full, forget callers that need not wait."""
        self._release_first(now)
        failures = self._full.pop(caller, None) or self._open.pop(caller, None)
        failures = failures or deque(maxlen=self.limit)
        failures.append(now)
        self._drop_old(failures, now)
        is_full = len(failures) >= self.limit
        while self._open and len(self._open) + len(self._full) >= _MAX_CALLERS:
            self._open.popitem(last=False)
        if len(self._full) < _MAX_CALLERS:
            (self._full if is_full else self._open)[caller] = failures

    def withdraw(self, caller: str) -> None:
        """Take a caller's last failure back, because it was not the caller's."""
        failures = self._full.pop(caller, None) or self._open.pop(caller, None)
        if failures and len(failures) > 1:
            failures.pop()
            self._open[caller] = failures

    def forget(self, caller: str) -> None:
        """Forget a caller's failures, because it has succeeded."""
        self._open.pop(caller, None)
        self._full.pop(caller, None)

    def _release_first(self, now: datetime) -> None:
        """Let the callers whose wait is over try again."""
        while self._full and self._release(next(iter(self._full)), now):
            pass

    def _release(self, caller: str, now: datetime) -> bool:
        """Let a full caller try again if its wait is over; return whether it is."""
        failures = self._full[caller]
        self._drop_old(failures, now)
        if len(failures) >= self.limit:
            return False
        del self._full[caller]
        if failures:
            self._open[caller] = failures
        return True

    def _drop_old(self, failures: deque[datetime], now: datetime) -> None:
        while failures and now - failures[0] >= self.window:
            failures.popleft()
