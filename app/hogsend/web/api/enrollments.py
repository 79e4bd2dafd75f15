"""`/v1/admin/journeys/ID/states`: enrollments, and what operators do to them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from pydantic import Field, StringConstraints

from ...domain.forms import Body
from ...errors import NotFound
from ...services.bulk_actions import BulkResult, check_retry, run_action_on_all
from ...services.enrollment_actions import ACTIONS, ActionName, run_action
from ...services.enrollments import (
    EnrollmentPage,
    EnrollmentWithContact,
    count_enrollments,
    count_entries,
    get_enrollment,
    list_contact_enrollments,
    list_enrollments,
)
from ...services.journeys import STATES, get_journey
from ...services.retry_requests import RetryBody
from ..background import run_in_background
from .enrollment_views import (
    EXAMPLE_STATE,
    STATUSES,
    LogView,
    StateView,
    build_logs,
    build_state,
)
from .routes import Answer, ApiCall, Reply, RouteTable
from .schemas import (
    InstantView,
    NoQuery,
    PageQuery,
    PageView,
    View,
    cut_page,
    parse_cursor,
    parse_path_id,
)

_PATH = "/v1/admin/journeys/<journey_id>/states"
# The states of ours behind each status of the API.
_STATES: Mapping[str, Sequence[str]] = {
    status: [state for state in STATES if STATUSES.get(state, state) == status]
    for status in ("active", "waiting", "completed", "failed", "exited")
}
# How long a request waits for the result, in seconds; clients of the API wait for thirty.
PATIENCE = 20.0

routes = RouteTable("Enrollments")


class StatesQuery(PageQuery):
    """Which enrollments to list."""

    status: Literal["active", "waiting", "completed", "failed", "exited"] | None = None
    user_id: str = Field("", max_length=330, description="Those of one contact.")


class StatesPage(PageView):
    """A page of enrollments."""

    states: list[StateView]


class StateAnswer(View):
    """An enrollment with its journal."""

    state: StateView
    logs: list[LogView]


class ExitedView(View):
    """An enrollment that has been ended."""

    id: UUID
    status: str
    exited_at: InstantView


class ExitAnswer(View):
    """An enrollment that has been ended; its Hatchet run is cancelled soon after, if it has one."""

    state: ExitedView
    hatchet_cancelled: bool


class ActionBody(Body):
    """Why an operator acts."""

    note: Annotated[str, StringConstraints(max_length=500)] = ""


class ActionAnswer(View):
    """The enrollment to look at now: a restart begins a new one."""

    state: StateView


_PAGE = {"states": [EXAMPLE_STATE], "total": 212, "limit": 50, "offset": 0}
_LOG = {
    "turn": 1,
    "at": "2026-01-02T03:04:05.678Z",
    "outcome": "waiting",
    "nodeId": "send:welcome",
    "action": "send",
    "label": "welcome",
    "result": {"status": "queued"},
}
_EXITED = {
    "state": {
        "id": "01a20364-0b6e-72a7-b294-d14dbb994441",
        "status": "exited",
        "exitedAt": "2026-01-02T03:04:05.678Z",
    },
    "hatchetCancelled": False,
}


@routes.route(
    "GET",
    _PATH,
    scope="read",
    query=StatesQuery,
    answers={200: Answer(StatesPage, "The enrollments.", _PAGE)},
    errors=(404,),
)
async def list_states(call: ApiCall[StatesQuery, None]) -> StatesPage:
    """Return enrollments of a journey, the latest to enter first."""
    query, journey_id = call.query, call.values["journey_id"]
    summary = await get_journey(call.context, call.actor, journey_id)
    states = _STATES[query.status] if query.status else STATES
    window: Mapping[str, Any] = {
        "states": states,
        "before": parse_cursor(query.cursor),
        "offset": query.skipped,
        "limit": query.limit + 1,
    }
    context, actor = call.context, call.actor
    if query.user_id:
        members = await list_contact_enrollments(
            context, actor, journey_id, query.user_id, **window
        )
    else:
        members = await list_enrollments(context, actor, journey_id, **window)
    page = cut_page(query, members, lambda member: member.enrollment.id)
    fields = dict(page.fields)
    if not query.user_id:
        fields["total"] = sum(summary.by_state[state] for state in states)
    counted = await count_entries(context, actor, page.items)
    return StatesPage(states=[build_state(member) for member in counted], **fields)


@routes.route(
    "GET",
    f"{_PATH}/<state_id>",
    scope="read",
    answers={200: Answer(StateAnswer, "The enrollment.", {"state": EXAMPLE_STATE, "logs": [_LOG]})},
    errors=(404,),
)
async def show_state(call: ApiCall[NoQuery, None]) -> StateAnswer:
    """Return an enrollment with its journal."""
    page = await _get_page(call)
    return StateAnswer(state=await _build_state(call, page), logs=build_logs(page))


@routes.route(
    "DELETE",
    f"{_PATH}/<state_id>",
    scope="journey-admin",
    answers={200: Answer(ExitAnswer, "The enrollment has ended.", _EXITED)},
    errors=(404, 409),
)
async def exit_state(call: ApiCall[NoQuery, None]) -> ExitAnswer:
    """End an enrollment; its mails that have not left are cancelled."""
    page = await _get_page(call)
    await run_action(call.context, call.actor, "exit", page.enrollment.id)
    ended = (await _get_page(call)).enrollment
    state = ExitedView(
        id=ended.id, status="exited", exited_at=ended.ended_at or call.context.clock.now()
    )
    return ExitAnswer(state=state, hatchet_cancelled=page.run is not None)


@routes.route(
    "POST",
    f"{_PATH}/<state_id>/<action>",
    scope="journey-admin",
    body=ActionBody,
    body_example={"note": "The customer asked for it."},
    answers={200: Answer(ActionAnswer, "It is done.", {"state": EXAMPLE_STATE})},
    errors=(404, 409),
)
async def act_on_state(call: ApiCall[NoQuery, ActionBody]) -> ActionAnswer:
    """Wake, retry, exit, restart or continue an enrollment.

    `wake` ends its sleep now, `retry` runs a failed turn again, and `restart` and `continue` are
    for an enrollment whose code has changed too much to go on.
    """
    action = call.values["action"]
    if action not in ACTIONS:
        raise NotFound(f"There is no action {action!r}.", f"Use {', '.join(ACTIONS)}.")
    page = await _get_page(call)
    current_id = await run_action(
        call.context,
        call.actor,
        cast("ActionName", action),
        page.enrollment.id,
        note=call.body.note,
    )
    current = await get_enrollment(call.context, call.actor, current_id)
    return ActionAnswer(state=await _build_state(call, current))


async def _get_page(call: ApiCall[Any, Any]) -> EnrollmentPage:
    """Return the enrollment of the path.

    Raises:
        NotFound: there is no such enrollment, or it is another journey's.
    """
    state_id = parse_path_id(call.values["state_id"], "State")
    page = await get_enrollment(call.context, call.actor, state_id)
    if page.enrollment.journey_id != call.values["journey_id"]:
        raise NotFound("State not found")
    return page


async def _build_state(call: ApiCall[Any, Any], page: EnrollmentPage) -> StateView:
    member = EnrollmentWithContact(page.enrollment, page.contact)
    (counted,) = await count_entries(call.context, call.actor, [member])
    return build_state(counted, page.run.run_id if page.run else None)


class SkippedView(View):
    """Enrollments that could not be retried."""

    reason: str
    count: int


class RetryView(View):
    """What a retry did, or what it would do."""

    journey_id: str
    status: str
    dry_run: bool | None = None
    matched: int | None = None
    retried: int | None = None
    skipped: list[SkippedView] | None = None
    complete: bool | None = None


EXAMPLE = {
    "journeyId": "trial-conversion",
    "status": "failed",
    "retried": 42,
    "skipped": [{"reason": "This contact has entered the journey again.", "count": 3}],
    "complete": True,
}


@routes.route(
    "POST",
    f"{_PATH}/retry",
    scope="journey-admin",
    answers={
        200: Answer(RetryView, "All are retried, or counted.", EXAMPLE),
        202: Answer(RetryView, "The retry continues.", {**EXAMPLE, "complete": False}),
    },
    body=RetryBody,
    body_example={"status": "retrying", "error": "KeyError", "dryRun": True},
    errors=(404, 409),
)
async def retry_enrollments(call: ApiCall[NoQuery, RetryBody]) -> Reply:
    """Retry the failed enrollments of a journey, or those that wait for their next try."""
    context, actor, body = call.context, call.actor, call.body
    journey_id, status, failures = call.values["journey_id"], body.status, body.failures
    answer: dict[str, Any] = {"journey_id": journey_id, "status": status}
    if body.dry_run:
        await check_retry(context, actor, journey_id)
        matched = await count_enrollments(context, actor, journey_id, status, failures)
        return Reply(RetryView(**answer, dry_run=True, matched=matched))
    latest = deque([BulkResult()], maxlen=1)
    try:
        result = await run_in_background(
            lambda: run_action_on_all(
                context,
                actor,
                "retry",
                journey_id,
                status,
                failures=failures,
                on_progress=latest.append,
            ),
            PATIENCE,
        )
    except TimeoutError:
        return Reply(RetryView(**answer, **_describe(latest[0]), complete=False), 202)
    return Reply(RetryView(**answer, **_describe(result), complete=True))


def _describe(result: BulkResult) -> dict[str, Any]:
    skipped = [SkippedView(reason=why, count=count) for why, count in result.kept.most_common()]
    return {"retried": result.done, "skipped": skipped}
