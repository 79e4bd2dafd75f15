"""The URLs of tracked links and of the open pixel."""

from __future__ import annotations

import base64
from urllib.parse import quote

from quart import Blueprint, Response, request

from ..services.tracking import Visit, record_click, record_open
from .pages import get_context

# A transparent image of one pixel.
_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
# A header is ASCII; nothing else of the author's URL is escaped.
_UNESCAPED = "".join(map(chr, range(0x21, 0x7F)))

blueprint = Blueprint("tracking", __name__)


def _read_visit() -> Visit:
    agent = request.headers.get("User-Agent", "")
    return Visit(request.method, agent, request.remote_addr or "")


@blueprint.get("/c/<token>")
async def follow_link(token: str) -> Response:
    """Record a click and redirect; only URLs that we signed are followed."""
    url = await record_click(get_context(), token, _read_visit())
    headers = {
        "Location": quote(url, safe=_UNESCAPED),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
    }
    return Response("", 302, headers=headers)


@blueprint.get("/o/<token>.gif")
async def serve_pixel(token: str) -> Response:
    """Record an open; the image is served whatever the token is."""
    await record_open(get_context(), token, _read_visit())
    headers = {"Cache-Control": "no-store, private", "X-Robots-Tag": "noindex"}
    return Response(_PIXEL, 200, content_type="image/gif", headers=headers)
