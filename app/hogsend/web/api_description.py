"""`/openapi.json` and `/docs`: the description of the API, made from its routes, and a viewer."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from quart import Blueprint, Response, request

from .api import list_routes
from .api.openapi import build_openapi, encode_openapi
from .pages import PAGE_POLICY, get_context, render_page

blueprint = Blueprint("api_description", __name__)


@blueprint.get("/openapi.json")
async def show_openapi() -> Response:
    """Return the OpenAPI document."""
    content = _build(get_context().settings.base_url)
    response = Response(content, content_type="application/json")
    response.set_etag(sha256(content).hexdigest()[:32])
    response.headers["Cache-Control"] = "no-cache"
    return await response.make_conditional(request)


@blueprint.get("/docs")
async def show_docs() -> Response:
    """Show the OpenAPI document in a viewer that comes from this server."""
    # The viewer sets styles of elements; its scripts come from this server only.
    policy = f"{PAGE_POLICY}; style-src 'self' 'unsafe-inline'"
    return render_page("api_docs.html", headers={"Content-Security-Policy": policy})


@lru_cache(maxsize=1)
def _build(base_url: str) -> bytes:
    return encode_openapi(build_openapi(list_routes(), base_url))
