"""The stream that notifies an open page of what it should fetch again.

Each topic of `ChangeFeed` arrives as an event `live-<topic>`; the parts of the page that show it
fetch themselves again. A comment every fifteen seconds keeps the connection open through proxies.
The session is checked again before it, and whenever sessions have ended: the stream ends with its
session.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from quart import Blueprint, Response, g, request

from ..services.installation import ChangeFeed
from ..services.sessions import SESSIONS, find_session
from .pages import add_security_headers, get_context
from .session import WebResponse, require_session

# At most two messages a second: a page that refreshes more often cannot be read.
PAUSE = 0.5
HEARTBEAT = 15.0

blueprint = Blueprint("live", __name__)


@blueprint.before_request
async def _require_session() -> WebResponse | None:
    return await require_session()


@blueprint.get("/live")
async def live() -> Response:
    """Stream the topics that change, until the page goes away or the server stops."""
    response = Response(
        stream_topics(get_context().change_feed, _check_session(g.cookie), since=_read_since()),
        content_type="text/event-stream",
    )
    response.timeout = None
    response.headers["X-Accel-Buffering"] = "no"
    return add_security_headers(response)


def _read_since() -> int | None:
    """Return the number of the last change that the page has seen, from the query."""
    text = request.args.get("since", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _check_session(cookie: str) -> AsyncIterator[bool]:
    services = get_context()

    async def check() -> AsyncIterator[bool]:
        while True:
            yield await find_session(services, cookie) is not None

    return check()


async def stream_topics(
    changes: ChangeFeed,
    signed_in: AsyncIterator[bool],
    *,
    since: int | None = None,
    pause: float = PAUSE,
    heartbeat: float = HEARTBEAT,
) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of the stream.

    Args:
        changes: the feed to follow; the stream ends when it is closed.
        signed_in: whether the session is still valid, asked at every heartbeat and when sessions
            have ended.
        since: the last change that the page has seen; later ones are sent at once.
        pause: the least time between two messages, in seconds.
        heartbeat: how long the stream may be silent, in seconds.
    """
    followed = changes.subscribe(since)
    following: asyncio.Task[Any] = asyncio.ensure_future(anext(followed))
    try:
        yield b": open\n\n"
        while True:
            done, _ = await asyncio.wait((following,), timeout=heartbeat)
            if not done:
                if not await anext(signed_in):
                    return
                yield b": still here\n\n"
                continue
            try:
                topics: set[str] = following.result()
            except StopAsyncIteration:
                return
            if SESSIONS in topics and not await anext(signed_in):
                return
            shown = sorted(topics - {SESSIONS})
            if shown:
                yield b"".join(f"event: live-{topic}\ndata:\n\n".encode() for topic in shown)
            # Topics that change during the pause are sent together.
            await asyncio.sleep(pause)
            following = asyncio.ensure_future(anext(followed))
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await followed.aclose()
