"""Tells open dashboards what kinds of things have changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator


class ChangeFeed:
    """A notice board of topics: `events contacts enrollments sends inbox journeys`.

    Publishing costs nothing when nobody follows, and never waits for a follower. `number` counts
    the notices, so that who looked before following can be told what came in between.
    """

    def __init__(self) -> None:
        self.number = 0
        self._last: dict[str, int] = {}
        self._followers: dict[asyncio.Event, set[str]] = {}
        self._closed = False

    def publish(self, *topics: str) -> None:
        """Notify every follower of a change of these kinds."""
        self.number += 1
        for topic in topics:
            self._last[topic] = self.number
        for event, seen in self._followers.items():
            seen.update(topics)
            event.set()

    async def follow(self, since: int | None = None) -> AsyncIterator[set[str]]:
        """Yield the topics that changed since the last yield; end when closed.

        Args:
            since: the `number` as of which the follower has seen everything; now, unless given.
        """
        known = self.number if since is None else since
        event = asyncio.Event()
        seen = {topic for topic, number in self._last.items() if number > known}
        if seen:
            event.set()
        self._followers[event] = seen
        try:
            while not self._closed:
                await event.wait()
                event.clear()
                if seen:
                    topics = set(seen)
                    seen.clear()
                    yield topics
        finally:
            del self._followers[event]

    def close(self) -> None:
        """End every follower."""
        self._closed = True
        for event in self._followers:
            event.set()
