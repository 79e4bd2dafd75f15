"""`/v1/admin/journeys`: journeys with their counts, switched, entered and measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field
from quart import Response

from ...domain.forms import Body, Email, Properties, UserId
from ...domain.journey import Journey
from ...services.enrollments import list_recent_enrollments
from ...services.journeys import (
    JourneySummary,
    enroll_contact,
    get_journey,
    list_journeys,
    set_enabled,
)
from ...services.results import get_results
from .enrollment_views import EXAMPLE_STATE, StateView, build_state
from .json_answers import to_bytes
from .routes import JSON, Answer, ApiCall, Reply, RouteTable
from .schemas import InstantView, NoQuery, PageQuery, PageView, View, slice_page

RECENT_STATES = 10

routes = RouteTable("Journeys")


class TriggerView(View):
    """An event, with conditions on its properties."""

    event: str
    where: Any = None


class JourneyView(View):
    """A journey as it was last loaded."""

    id: str
    name: str
    description: str | None = None
    enabled: bool
    trigger: TriggerView
    entry_limit: str
    version_hash: str | None = None
    goal: str | None = None
    counts: dict[str, int]
    detail: dict[str, int] = Field(description="The counts by our own states.")
    available: bool = Field(description="Whether its code is loaded.")


class JourneyDetailView(JourneyView):
    """A journey with its rules and its latest enrollments."""

    exit_on: list[TriggerView] | None = None
    suppress: dict[str, float]
    recent_states: list[StateView]


class JourneyAnswer(View):
    """One journey."""

    journey: JourneyDetailView


class JourneysPage(PageView):
    """A page of journeys."""

    journeys: list[JourneyView]


class JourneysQuery(PageQuery):
    """Which journeys to list."""

    enabled: bool | None = Field(None, description="Only those that are switched on, or off.")


class SwitchBody(Body):
    """Whether a journey may enroll contacts."""

    enabled: bool


class SwitchedView(View):
    """A journey after it was switched."""

    id: str
    name: str
    enabled: bool
    updated_at: InstantView


class SwitchAnswer(View):
    """One journey."""

    journey: SwitchedView


class EnrollBody(Body):
    """A contact to enroll by hand."""

    user_id: UserId
    user_email: Email = ""
    properties: Properties = Field(default_factory=dict)


class EnrollAnswer(View):
    """What the journey decided."""

    enrolled: bool
    event: str
    user_id: str
    state_id: str | None = None
    reason: str | None = None


EXAMPLE: dict[str, Any] = {
    "id": "trial-conversion",
    "name": "Trial conversion",
    "enabled": True,
    "trigger": {"event": "trial.started"},
    "entryLimit": "once",
    "versionHash": "5b2c1f0a9d3e4f61",
    "goal": "subscription.started",
    "counts": {
        "active": 0,
        "waiting": 212,
        "completed": 1630,
        "failed": 0,
        "exited": 301,
        "held_out": 0,
    },
    "detail": {"waiting": 212, "completed": 1630, "exited": 301},
    "available": True,
}
EXAMPLE_DETAIL = {
    **EXAMPLE,
    "exitOn": [{"event": "user.deleted"}],
    "suppress": {"hours": 24.0},
    "recentStates": [EXAMPLE_STATE],
}


@routes.route(
    "GET",
    "/v1/admin/journeys",
    scope="read",
    query=JourneysQuery,
    answers={
        200: Answer(
            JourneysPage,
            "The journeys.",
            {"journeys": [EXAMPLE], "total": 1, "limit": 50, "offset": 0},
        )
    },
)
async def list_all(call: ApiCall[JourneysQuery, None]) -> JourneysPage:
    """Return the journeys, loaded ones first, with how many people are in each state."""
    wanted = call.query.enabled
    summaries = [
        summary
        for summary in await list_journeys(call.context, call.actor)
        if wanted is None or summary.is_switched_on is wanted
    ]
    page = slice_page(call.query, summaries)
    return JourneysPage(
        journeys=[JourneyView(**_describe(summary)) for summary in page.items], **page.fields
    )


@routes.route(
    "GET",
    "/v1/admin/journeys/<journey_id>",
    scope="read",
    answers={200: Answer(JourneyAnswer, "The journey.", {"journey": EXAMPLE_DETAIL})},
    errors=(404,),
)
async def show(call: ApiCall[NoQuery, None]) -> JourneyAnswer:
    """Return a journey with its rules and its ten latest enrollments."""
    journey_id = call.values["journey_id"]
    summary = await get_journey(call.context, call.actor, journey_id)
    recent = await list_recent_enrollments(
        call.context, call.actor, journey_id, limit=RECENT_STATES
    )
    journey = summary.journey
    detail = JourneyDetailView(
        **_describe(summary),
        suppress={"hours": journey.suppress.total_seconds() / 3600} if journey.suppress else {},
        exit_on=[_describe_match(match.to_json()) for match in journey.exit_on],
        recent_states=[build_state(counted) for counted in recent],
    )
    return JourneyAnswer(journey=detail)


@routes.route(
    "PATCH",
    "/v1/admin/journeys/<journey_id>",
    scope="journey-admin",
    body=SwitchBody,
    body_example={"enabled": False},
    answers={
        200: Answer(
            SwitchAnswer,
            "The journey is switched.",
            {
                "journey": {
                    "id": "trial-conversion",
                    "name": "Trial conversion",
                    "enabled": False,
                    "updatedAt": "2026-01-02T03:04:05.678Z",
                }
            },
        )
    },
    errors=(404,),
)
async def switch(call: ApiCall[NoQuery, SwitchBody]) -> SwitchAnswer:
    """Let a journey enroll contacts, or stop it from doing so.

    Contacts that are in it continue.
    """
    journey_id = call.values["journey_id"]
    await set_enabled(call.context, call.actor, journey_id, enabled=call.body.enabled)
    summary = await get_journey(call.context, call.actor, journey_id)
    switched = SwitchedView(
        id=journey_id,
        name=summary.journey.name,
        enabled=summary.is_switched_on,
        updated_at=call.context.clock.now(),
    )
    return SwitchAnswer(journey=switched)


@routes.route(
    "POST",
    "/v1/admin/journeys/<journey_id>/enroll",
    scope="journey-admin",
    body=EnrollBody,
    body_example={"userId": "ada", "userEmail": "ada@example.com"},
    answers={
        202: Answer(
            EnrollAnswer,
            "The journey has decided.",
            {
                "enrolled": True,
                "event": "trial.started",
                "userId": "ada",
                "stateId": "01a20364-0b6e-72a7-b294-d14dbb994441",
            },
        )
    },
    errors=(404, 409, 413),
)
async def enroll(call: ApiCall[NoQuery, EnrollBody]) -> Reply:
    """Enroll a contact in one journey, by the same rules as an event would."""
    body, journey_id = call.body, call.values["journey_id"]
    decision = await enroll_contact(
        call.context,
        call.actor,
        journey_id,
        user_id=body.user_id,
        email=body.user_email or None,
        properties=body.properties,
    )
    summary = await get_journey(call.context, call.actor, journey_id)
    more: dict[str, Any] = (
        {"state_id": str(decision.enrollment_id)}
        if decision.enrollment_id
        else {"reason": decision.reason}
    )
    answer = EnrollAnswer(
        enrolled=decision.enrollment_id is not None,
        event=summary.journey.trigger.event,
        user_id=body.user_id,
        **more,
    )
    return Reply(answer, 202)


def _describe(summary: JourneySummary) -> dict[str, Any]:
    """Return the fields of a journey, with our states mapped to those that clients know."""
    journey, by_state = summary.journey, summary.by_state
    waiting = by_state["waiting"] + by_state["drifted"] + by_state["parked"]
    counts = {
        state: by_state[state] for state in ("active", "completed", "failed", "exited", "held_out")
    }
    fields: dict[str, Any] = {
        "id": journey.id,
        "name": journey.name,
        "enabled": summary.is_switched_on,
        "trigger": _describe_match(journey.trigger.to_json()),
        "entry_limit": _describe_entry(journey),
        "counts": {**counts, "waiting": waiting},
        "detail": {state: count for state, count in by_state.items() if count},
        "available": not summary.is_unavailable,
    }
    if journey.description:
        fields["description"] = journey.description
    if journey.code_hash:
        fields["version_hash"] = journey.code_hash
    if journey.goal:
        fields["goal"] = journey.goal.event
    return fields


def _describe_entry(journey: Journey) -> str:
    return "once_per_period" if journey.entry.period else str(journey.entry.limit)


def _describe_match(match: Mapping[str, Any]) -> TriggerView:
    where = {"where": match["where"]} if "where" in match else {}
    return TriggerView(event=match["event"], **where)


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


EXAMPLE_RESULTS = {
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
    answers={200: Answer(ResultsView, "The results so far.", EXAMPLE_RESULTS)},
    errors=(404,),
)
async def show_results(call: ApiCall[NoQuery, None]) -> Response:
    """Return how many entered a journey and reached its goal, and how the groups differ."""
    results = await get_results(call.context, call.actor, call.values["journey_id"])
    body: dict[str, Any] = results.to_json()
    return Response(to_bytes(body), 200, content_type=JSON)
