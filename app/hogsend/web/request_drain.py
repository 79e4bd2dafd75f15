"""Receives the rest of a request before its connection closes, and refuses web sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

# How long a caller may continue to send a body that is already refused, in seconds.
DRAIN_TIMEOUT = 5.0

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Site = Callable[[Any, Any, Any], Awaitable[None]]


class RequestDrain:
    """Refuses web sockets, and lets callers finish sending before their connection closes.

    A connection that closes while its caller still sends is reset, and the response is lost: a
    refused body of 2 MiB would look like a broken server. A short body often follows its head in a
    packet of its own; without the wait, the connection would close after the response, and the
    next request of a client that reuses it would get no answer.

    Args:
        site: the application that answers requests.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
        elif scope["type"] == "http" and _has_body(scope):
            await self._drain(scope, receive, send)
        else:
            await self._site(scope, receive, send)

    async def _drain(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_received = asyncio.Event()

        async def receive_and_note_end() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect" or not message.get("more_body"):
                is_received.set()
            return message

        async def send_after_drain(message: Message) -> None:
            ends = message["type"] == "http.response.body" and not message.get("more_body")
            if ends and not is_received.is_set():
                await send({**message, "more_body": True})
                with suppress(TimeoutError):
                    async with asyncio.timeout(DRAIN_TIMEOUT):
                        await is_received.wait()
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        await self._site(scope, receive_and_note_end, send_after_drain)


def _has_body(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) > 0
        if name == b"transfer-encoding":
            return True
    return False
