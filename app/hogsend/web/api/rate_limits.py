"""How many requests a key may make in a minute, by part of the API."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from ...config.settings import Settings
from ...errors import RateLimited

# The window of every limit, in seconds.
WINDOW = 60.0
# The callers of which requests are counted; the one that came last is kept longest.
_MAX_CALLERS = 20_000


@dataclass(frozen=True, slots=True)
class RateStatus:
    """What a caller may still do.

    Args:
        limit: how many requests it may make within the window.
        remaining: how many of them it has left.
        reset: in how many seconds it has one more.
        is_refused: whether the request that was counted last is past the limit.
    """

    limit: int
    remaining: int
    reset: int
    is_refused: bool

    def refuse(self) -> None:
        """Refuse the request that was counted last if it is past the limit.

        Raises:
            RateLimited: it is.
        """
        if self.is_refused:
            raise RateLimited("Rate limit exceeded", retry_after=self.reset)

    def to_headers(self) -> dict[str, str]:
        """Return the headers that tell the caller, in both forms that clients read."""
        values = {"Limit": self.limit, "Remaining": self.remaining}
        headers = {
            f"{prefix}-{name}": str(value)
            for prefix in ("X-RateLimit", "RateLimit")
            for name, value in values.items()
        }
        return headers | {"RateLimit-Reset": str(self.reset)}


class RequestLimiter:
    """Counts requests in a sliding window, refused ones included.

    Args:
        limit: how many requests a caller may make within the window; 0 is no limit.
        now: the time in seconds.
    """

    def __init__(self, limit: int, now: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._now = now
        self._requests: OrderedDict[object, deque[float]] = OrderedDict()

    def count(self, caller: object) -> RateStatus | None:
        """Count a request of a caller; None when there is no limit."""
        if not self._limit:
            return None
        now = self._now()
        requests = self._requests.pop(caller, None) or deque(maxlen=self._limit)
        while requests and now - requests[0] >= WINDOW:
            requests.popleft()
        is_refused = len(requests) == self._limit
        requests.append(now)
        self._requests[caller] = requests
        if len(self._requests) > _MAX_CALLERS:
            self._requests.popitem(last=False)
        reset = int(requests[0] + WINDOW - now) + 1
        return RateStatus(self._limit, self._limit - len(requests), reset, is_refused)


class RateLimits:
    """The limits of every part of the API.

    Args:
        settings: how many requests a minute each part permits.
    """

    def __init__(self, settings: Settings) -> None:
        self._by_prefix: Mapping[str, RequestLimiter] = {
            "/v1/emails": RequestLimiter(settings.email_rate_limit),
            "/v1/admin/": RequestLimiter(settings.admin_rate_limit),
        }
        # Reading the outcome of an email takes nothing from the emails that may be sent.
        self._email_reads = RequestLimiter(settings.admin_rate_limit)
        self._public = RequestLimiter(settings.public_rate_limit)

    def count(self, method: str, path: str, key_id: UUID) -> RateStatus | None:
        """Count a request of a key; None when its path has no limit."""
        if method in ("GET", "HEAD") and path.startswith("/v1/emails"):
            return self._email_reads.count(key_id)
        for prefix, limiter in self._by_prefix.items():
            if path.startswith(prefix):
                return limiter.count(key_id)
        return None

    def count_public(self, key_id: UUID, network: str) -> None:
        """Count a request with a publishable key, by the network of its client.

        Raises:
            RateLimited: the clients of this network are past the limit.
        """
        status = self._public.count((key_id, network))
        if status is not None:
            status.refuse()
