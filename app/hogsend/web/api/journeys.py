"""`GET /v1/admin/journeys/ID/results`: what a journey brings."""

from __future__ import annotations

from typing import Any

from quart import Response

from ...services.results import get_results
from .events_fast_path import to_bytes
from .routes import JSON, Answer, ApiCall, RouteTable
from .schemas import NoQuery, View

routes = RouteTable("Journeys")


class GroupView(View):
    """A group of people, and how it differs from the control group."""

    name: str
    entered: int
    reached: int
    rate: float | None
    rate_interval: tuple[float, float] | None
    control: bool
    current: bool
    difference: float | None
    difference_interval: tuple[float, float] | None
    verdict: str | None


class ComparisonView(View):
    """The groups of a holdout, or the arms of a variant."""

    kind: str
    key: str | None
    groups: list[GroupView]


class ResultsView(View):
    """What a journey brings."""

    journey: str
    goal: str | None
    holdout: float
    entered: int | None = None
    reached: int | None = None
    rate: float | None = None
    rate_interval: tuple[float, float] | None = None
    comparisons: list[ComparisonView]
    enough_data: dict[str, int] | None = None


EXAMPLE = {
    "journey": "win-back",
    "goal": "subscription.renewed",
    "holdout": 10,
    "entered": 1840,
    "reached": 313,
    "rate": 0.170109,
    "rateInterval": [0.153632, 0.18796],
    "comparisons": [],
    "enoughData": {"entered": 100, "reached": 10},
}


@routes.route(
    "GET",
    "/v1/admin/journeys/<journey_id>/results",
    scope="read",
    answers={200: Answer(ResultsView, "The results so far.", EXAMPLE)},
    errors=(404,),
)
async def show_results(call: ApiCall[NoQuery, None]) -> Response:
    """Return how many entered a journey and reached its goal, and how the groups differ."""
    results = await get_results(call.context, call.actor, call.values["journey_id"])
    body: dict[str, Any] = results.to_json()
    return Response(to_bytes(body), 200, content_type=JSON)
