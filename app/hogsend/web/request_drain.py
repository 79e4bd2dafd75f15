"""Where requests come in: what HTTP servers leave to the application and frameworks to chance."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

# A body up to this size, in bytes, has arrived with its request or is about to.
SHORT = 64 * 1024
# How long somebody may go on sending a body that is refused already, in seconds.
LINGER = 5.0

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Site = Callable[[Any, Any, Any], Awaitable[None]]


class RequestDrain:
    """Refuses web sockets, and lets callers finish before their connection is closed.

    A connection that is closed while its caller still sends is reset, and the answer lost on the
    way: a refused body of 2 MiB would look like a broken server.

    Args:
        site: what answers requests; it goes on receiving while it answers.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
        elif scope["type"] == "http" and _may_be_long(scope):
            await self._answer_patiently(scope, receive, send)
        else:
            await self._site(scope, receive, send)

    async def _answer_patiently(self, scope: Scope, receive: Receive, send: Send) -> None:
        over = asyncio.Event()

        async def heard() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect" or not message.get("more_body"):
                over.set()
            return message

        async def said(message: Message) -> None:
            ends = message["type"] == "http.response.body" and not message.get("more_body")
            if ends and not over.is_set():
                await send({**message, "more_body": True})
                with suppress(TimeoutError):
                    async with asyncio.timeout(LINGER):
                        await over.wait()
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        await self._site(scope, heard, said)


def _may_be_long(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) > SHORT
        if name == b"transfer-encoding":
            return True
    return False
