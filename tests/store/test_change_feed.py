"""Dashboards are notified of changes."""

from __future__ import annotations

import asyncio

from hogsend.store.change_feed import ChangeFeed
from tests.patience import PATIENCE


async def test_a_change_between_a_page_and_its_stream_is_not_missed() -> None:
    changes = ChangeFeed()
    changes.publish("events")
    seen_by_the_page = changes.number
    changes.publish("enrollments", "sends")
    async with asyncio.timeout(PATIENCE):
        async for topics in changes.subscribe(seen_by_the_page):
            assert topics == {"enrollments", "sends"}
            break


async def test_a_new_follower_gets_only_later_changes() -> None:
    changes = ChangeFeed()
    changes.publish("events")
    following = changes.subscribe()
    first = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0)
    changes.publish("inbox")
    async with asyncio.timeout(PATIENCE):
        assert await first == {"inbox"}


async def test_closing_ends_every_follower() -> None:
    changes = ChangeFeed()
    ended = asyncio.ensure_future(_count(changes))
    await asyncio.sleep(0)
    changes.close()
    async with asyncio.timeout(PATIENCE):
        assert await ended == 0


async def _count(changes: ChangeFeed) -> int:
    return len([topics async for topics in changes.subscribe()])
