"""Cross-origin requests to the API: any page may read responses, none can use a session.

Keys are sent in a header of their own and no response allows credentials, so an origin proves
nothing and is simply repeated.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

PATHS = ("/v1/", "/segment/v1/", "/posthog/")
METHODS = b"GET,HEAD,PUT,POST,DELETE,PATCH"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Site = Callable[[Any, Any, Any], Awaitable[None]]


class AnyOrigin:
    """Answers every `OPTIONS` of the API, and adds headers to all its other responses.

    Args:
        site: the application that answers all other requests.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PATHS):
            await self._site(scope, receive, send)
            return
        origin = _find_header(scope, b"origin")
        allowed = [(b"access-control-allow-origin", origin)] if origin else []
        if scope["method"] == "OPTIONS":
            await _answer_preflight(scope, allowed, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *allowed, (b"vary", b"Origin")]
            await send(message)

        await self._site(scope, receive, send_with_headers)


async def _answer_preflight(scope: Scope, allowed: list[tuple[bytes, bytes]], send: Send) -> None:
    requested = _find_header(scope, b"access-control-request-headers")
    headers = [
        *allowed,
        (b"vary", b"Origin, Access-Control-Request-Headers"),
        (b"access-control-allow-methods", METHODS),
        *([(b"access-control-allow-headers", requested)] if requested else []),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _find_header(scope: Scope, name: bytes) -> bytes:
    return next((value for header, value in scope["headers"] if header == name), b"")
