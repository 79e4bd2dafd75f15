"""Pauses deliveries through a provider while it takes no mail at all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

log = logging.getLogger("hogsend.mail")

# How long to wait before the next attempt with a provider that takes no mail.
STOPPED_PAUSE = timedelta(minutes=1)


class ProviderPause:
    """Pauses deliveries while a provider takes no mail at all, such as with a wrong password.

    Args:
        on_end: called when the provider takes mail again.

    Attributes:
        reason: why the provider takes no mail; None if it takes mail.
        since: when the provider began to take no mail.
    """

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._until: datetime | None = None
        self.reason: str | None = None
        self.since: datetime | None = None

    def begin(self, reply: str, now: datetime) -> None:
        """Pause deliveries because the provider takes no mail."""
        if self.reason is None:
            log.error("the mail provider takes no mail: %s", reply)
            self.since = now
        self.reason = reply
        self._until = now + STOPPED_PAUSE

    def end(self) -> None:
        """End the pause because the provider took a mail."""
        if self.reason is not None:
            self.reason = self._until = self.since = None
            self._on_end()

    def compute_seconds_left(self, now: datetime) -> float:
        """Return how long to wait before the next attempt, in seconds."""
        return (self._until - now).total_seconds() if self._until and now < self._until else 0.0


class ProviderPauses:
    """The pauses of all providers.

    Args:
        names: the providers.
        on_end: called when one takes mail again.
    """

    def __init__(self, names: Iterable[str], on_end: Callable[[], None]) -> None:
        self._pauses = {name: ProviderPause(on_end) for name in names}

    def __getitem__(self, name: str) -> ProviderPause:
        return self._pauses[name]

    def find(self, name: str) -> ProviderPause | None:
        """Return the pause of a provider; None for one that is not set up."""
        return self._pauses.get(name)

    @property
    def problems(self) -> dict[str, str]:
        """Why providers take no mail, by name; those that take mail are absent."""
        return {name: p.reason for name, p in self._pauses.items() if p.reason is not None}

    @property
    def are_all_stopped(self) -> bool:
        """Whether no provider takes mail."""
        return all(pause.reason is not None for pause in self._pauses.values())

    def compute_seconds_left(self, now: datetime) -> float:
        """Return how long no mail can leave at all, in seconds."""
        return min(pause.compute_seconds_left(now) for pause in self._pauses.values())
