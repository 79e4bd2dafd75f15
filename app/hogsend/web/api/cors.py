"""Cross-origin requests to the API: any page may read answers, none can use a session (wire, §1).

Keys travel in a header of their own and no answer allows credentials, so an origin proves nothing
and is simply repeated.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

PATHS = ("/v1/",)
METHODS = b"GET,HEAD,PUT,POST,DELETE,PATCH"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Site = Callable[[Any, Any, Any], Awaitable[None]]


class AnyOrigin:
    """Answers every `OPTIONS` of the API, and marks all its other answers.

    Args:
        site: what answers all other requests.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PATHS):
            await self._site(scope, receive, send)
            return
        origin = _header(scope, b"origin")
        allowed = [(b"access-control-allow-origin", origin)] if origin else []
        if scope["method"] == "OPTIONS":
            await _preflight(scope, allowed, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *allowed, (b"vary", b"Origin")]
            await send(message)

        await self._site(scope, receive, marked)


async def _preflight(scope: Scope, allowed: list[tuple[bytes, bytes]], send: Send) -> None:
    asked = _header(scope, b"access-control-request-headers")
    headers = [
        *allowed,
        (b"vary", b"Origin, Access-Control-Request-Headers"),
        (b"access-control-allow-methods", METHODS),
        *([(b"access-control-allow-headers", asked)] if asked else []),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for found, value in scope["headers"] if found == name), b"")
