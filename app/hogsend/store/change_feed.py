"""Notifies open dashboard pages which kinds of rows have changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

# The topic of sessions that may have ended, which is for streams and not for pages.
SESSIONS = "sessions"
# The topic of the keys that sign mails.
DKIM_KEYS = "dkim_keys"


class ChangeFeed:
    """A feed of topics: `events contacts enrollments sends inbox journeys sessions dkim_keys`.

    Publishing is free without subscribers and never waits for one. `number` counts the
    publications: a page that was rendered at one number can subscribe from it and miss nothing.
    """

    def __init__(self) -> None:
        self.number = 0
        self._last: dict[str, int] = {}
        self._subscribers: dict[asyncio.Event, set[str]] = {}
        self._closed = False

    def publish(self, *topics: str) -> None:
        """Notify every subscriber that rows of these topics have changed."""
        self.number += 1
        for topic in topics:
            self._last[topic] = self.number
        for event, changed_topics in self._subscribers.items():
            changed_topics.update(topics)
            event.set()

    def get_number(self, topic: str) -> int:
        """Return the number of a topic's last publication; 0 without any."""
        return self._last.get(topic, 0)

    async def subscribe(self, since: int | None = None) -> AsyncGenerator[set[str]]:
        """Yield the topics that changed since the last yield; end when closed.

        Args:
            since: the `number` up to which the subscriber is up to date; the current one when None.
        """
        current = self.number if since is None else since
        event = asyncio.Event()
        changed_topics = {topic for topic, number in self._last.items() if number > current}
        if changed_topics:
            event.set()
        self._subscribers[event] = changed_topics
        try:
            while not self._closed:
                await event.wait()
                event.clear()
                if changed_topics:
                    topics = set(changed_topics)
                    changed_topics.clear()
                    yield topics
        finally:
            del self._subscribers[event]

    def close(self) -> None:
        """End every subscription."""
        self._closed = True
        for event in self._subscribers:
            event.set()
