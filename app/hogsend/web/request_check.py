"""Refuses requests whose target or host no server could have, before anything parses them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Site = Callable[[Any, Any, Any], Awaitable[None]]

_MAX_HOST_LENGTH = 255
_HOST = re.compile(
    rb"(?:[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{0,5}))?"
)
_MAX_PORT = 65_535


class RequestCheck:
    """Answers malformed requests with 400 and passes all others on.

    Args:
        site: the application that answers requests.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_valid(scope):
            headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": 400, "headers": headers})
            await send({"type": "http.response.body", "body": b"This request is not valid HTTP.\n"})
            return
        await self._site(scope, receive, send)


def _is_valid(scope: Scope) -> bool:
    path: str = scope["path"]
    if not path.startswith("/") and path != "*":
        # A whole URL is allowed, of which only the path counts (RFC 9112 §3.2.2).
        try:
            if not urlsplit(path).netloc:
                return False
        except ValueError:
            return False
    return all(_is_valid_host(value) for name, value in scope["headers"] if name == b"host")


def _is_valid_host(host: bytes) -> bool:
    """Return whether a Host header is empty or a host with an optional port (RFC 9110 §7.2)."""
    if not host:
        return True
    match = _HOST.fullmatch(host) if len(host) <= _MAX_HOST_LENGTH else None
    return match is not None and int(match["port"] or 0) <= _MAX_PORT
