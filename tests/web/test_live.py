"""Open pages hear of changes, and never hold the server up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from quart.testing import connections

from hogsend.store.change_feed import ChangeFeed
from hogsend.web.live import stream_topics
from tests.patience import PATIENCE
from tests.web.conftest import Browser


async def always(answer: bool) -> AsyncIterator[bool]:
    while True:
        yield answer


async def test_topics_that_change_together_are_sent_together() -> None:
    changes = ChangeFeed()
    updates = stream_topics(changes, always(True), pause=0.01, heartbeat=5)
    assert await anext(updates) == b": open\n\n"
    waiting = asyncio.ensure_future(anext(updates))
    await asyncio.sleep(0)
    changes.publish("sends", "enrollments")
    expected = b"event: live-enrollments\ndata:\n\nevent: live-sends\ndata:\n\n"
    assert await waiting == expected
    await updates.aclose()


async def test_changes_since_the_page_was_rendered_are_sent_when_the_stream_starts() -> None:
    changes = ChangeFeed()
    changes.publish("inbox")
    last_seen = changes.number
    changes.publish("sends")
    updates = stream_topics(changes, always(True), since=last_seen, pause=0.01, heartbeat=5)
    await anext(updates)
    assert await anext(updates) == b"event: live-sends\ndata:\n\n"
    await updates.aclose()


async def test_a_stream_ends_when_the_server_stops() -> None:
    changes = ChangeFeed()
    updates = stream_topics(changes, always(True), heartbeat=5)
    await anext(updates)
    last_message = asyncio.ensure_future(anext(updates, b"the end"))
    await asyncio.sleep(0)
    changes.close()
    assert await asyncio.wait_for(last_message, 2) == b"the end"


async def test_a_stream_ends_when_the_session_does() -> None:
    updates = stream_topics(ChangeFeed(), always(False), heartbeat=0.01)
    await anext(updates)
    assert await anext(updates, b"the end") == b"the end"


async def test_a_stream_ends_at_once_when_its_session_is_ended() -> None:
    changes = ChangeFeed()
    updates = stream_topics(changes, always(False), heartbeat=PATIENCE)
    await anext(updates)
    last_message = asyncio.ensure_future(anext(updates, b"the end"))
    await asyncio.sleep(0)
    changes.publish("sends", "sessions")
    assert await asyncio.wait_for(last_message, 2) == b"the end"


async def test_the_end_of_another_session_is_not_sent_to_pages() -> None:
    changes = ChangeFeed()
    updates = stream_topics(changes, always(True), pause=0.0, heartbeat=PATIENCE)
    await anext(updates)
    message = asyncio.ensure_future(anext(updates))
    await asyncio.sleep(0)
    changes.publish("sessions")
    for _ in range(10):
        await asyncio.sleep(0)
    changes.publish("sends", "sessions")
    assert await asyncio.wait_for(message, 2) == b"event: live-sends\ndata:\n\n"
    await updates.aclose()


async def test_signing_out_everywhere_ends_the_open_stream(owner: Browser) -> None:
    # Longer than a pause between messages, shorter than the time to the next heartbeat.
    async with asyncio.timeout(10), owner.client.request("/live") as connection:
        assert isinstance(connection, connections.TestHTTPConnection)
        await connection.send_complete()
        assert await connection.receive() == b": open\n\n"
        response = await owner.post("/sign-out-everywhere")
        assert response.status_code == 303
        # Leaving the block waits for the end of the response.


async def test_a_silent_stream_is_kept_open() -> None:
    updates = stream_topics(ChangeFeed(), always(True), heartbeat=0.01)
    await anext(updates)
    assert (await anext(updates)).startswith(b":")
    await updates.aclose()


async def test_no_proxy_buffers_the_stream(owner: Browser) -> None:
    async with owner.client.request("/live") as connection:
        assert isinstance(connection, connections.TestHTTPConnection)
        await connection.send_complete()
        assert await connection.receive() == b": open\n\n"
        await connection.disconnect()
    assert connection.headers is not None
    assert connection.headers["Content-Type"].startswith("text/event-stream")
    assert connection.headers["X-Accel-Buffering"] == "no"
