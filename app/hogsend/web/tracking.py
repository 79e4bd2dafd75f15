"""The addresses behind links and the open pixel."""

from __future__ import annotations

import base64

from quart import Blueprint, Response, request

from ..delivery.tracking import Visit
from ..errors import NotFound
from .pages import runtime

# A transparent picture of one pixel.
_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

blueprint = Blueprint("tracking", __name__)


def _visit() -> Visit:
    return Visit(request.method, request.headers.get("User-Agent", ""), request.remote_addr or "")


@blueprint.get("/c/<token>")
async def click(token: str) -> Response:
    """Record a click and send the recipient on; only addresses that we signed are followed."""
    found = runtime().tokens.read_click(token)
    if found is None:
        raise NotFound("This link is not complete.", "Open it from the mail once more.")
    await runtime().tracker.record(
        "click", found.send_id, _visit(), position=found.position, url=found.url
    )
    headers = {
        "Location": found.url,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
    }
    return Response("", 302, headers=headers)


@blueprint.get("/o/<token>.gif")
async def open_pixel(token: str) -> Response:
    """Record an open; the picture comes whatever the token is."""
    send_id = runtime().tokens.read_open(token)
    if send_id is not None:
        await runtime().tracker.record("open", send_id, _visit())
    headers = {"Cache-Control": "no-store, private", "X-Robots-Tag": "noindex"}
    return Response(_PIXEL, 200, content_type="image/gif", headers=headers)
