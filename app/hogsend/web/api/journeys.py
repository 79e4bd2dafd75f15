"""`GET /v1/admin/journeys/ID/results`: what a journey brings."""

from __future__ import annotations

from quart import Blueprint, Response

from ...services.results import get_results
from ..pages import get_context
from .events_fast_path import to_bytes
from .key_auth import authenticate_request

blueprint = Blueprint("journeys", __name__)


@blueprint.get("/v1/admin/journeys/<journey_id>/results")
async def show_results(journey_id: str) -> Response:
    """Return how many entered and reached the goal, and how the groups differ."""
    actor = await authenticate_request()
    results = await get_results(get_context(), actor, journey_id)
    return Response(to_bytes(results.to_json()), 200, content_type="application/json")
