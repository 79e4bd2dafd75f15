"""`/hogsend.js`: the script by which web pages send events."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from quart import Blueprint, Response, request

from ..paths import find_resource

blueprint = Blueprint("browser_script", __name__)

# How long browsers use the script without asking, in seconds.
MAX_AGE = 300


@blueprint.get("/hogsend.js")
async def show_script() -> Response:
    """Return the script, to pages of any origin."""
    content, etag = _read_script()
    response = Response(content, content_type="text/javascript; charset=utf-8")
    response.set_etag(etag)
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return await response.make_conditional(request)


@lru_cache(maxsize=1)
def _read_script() -> tuple[bytes, str]:
    content = find_resource("web/static/browser.js").read_bytes()
    return content, sha256(content).hexdigest()[:32]
