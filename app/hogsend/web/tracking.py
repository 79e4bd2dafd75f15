"""The addresses behind links and the open pixel."""

from __future__ import annotations

import base64
import logging
from urllib.parse import quote
from uuid import UUID

from quart import Blueprint, Response, request

from ..delivery.tracking import Visit
from ..domain.engagement import HitKind
from ..errors import NotFound
from .pages import context

# A transparent picture of one pixel.
_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
# A header carries ASCII alone; an author's address is changed in nothing else.
_AS_IT_IS = "".join(map(chr, range(0x21, 0x7F)))

blueprint = Blueprint("tracking", __name__)


log = logging.getLogger("hogsend.tracking")


async def _record(kind: HitKind, send_id: UUID, *, position: int = 0, url: str = "") -> None:
    """Record a hit; a recipient gets where they want to also when that fails."""
    agent = request.headers.get("User-Agent", "")
    visit = Visit(request.method, agent, request.remote_addr or "")
    try:
        await context().tracker.record(kind, send_id, visit, position=position, url=url)
    except Exception:
        log.exception("a %s could not be recorded", kind)


@blueprint.get("/c/<token>")
async def click(token: str) -> Response:
    """Record a click and send the recipient on; only addresses that we signed are followed."""
    found = context().tokens.read_click(token)
    if found is None:
        raise NotFound("This link is not complete.", "Open it from the mail once more.")
    await _record("click", found.send_id, position=found.position, url=found.url)
    headers = {
        "Location": quote(found.url, safe=_AS_IT_IS),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
    }
    return Response("", 302, headers=headers)


@blueprint.get("/o/<token>.gif")
async def open_pixel(token: str) -> Response:
    """Record an open; the picture comes whatever the token is."""
    send_id = context().tokens.read_open(token)
    if send_id is not None:
        await _record("open", send_id)
    headers = {"Cache-Control": "no-store, private", "X-Robots-Tag": "noindex"}
    return Response(_PIXEL, 200, content_type="image/gif", headers=headers)
