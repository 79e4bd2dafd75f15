"""Journeys: all of them, and one with the contacts at each of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quart import request

from ...domain.enrollment import LIVE_STATES
from ...domain.failure_filter import RETRYING
from ...domain.results import MIN_ENTERED, MIN_REACHED, VERDICTS
from ...services import journeys
from ...services.blocked_mails import list_blocked_groups
from ...services.enrollments import (
    EnrollmentWithContact,
    estimate_failures,
    list_enrollments,
    list_failures,
)
from ...services.journeys import REFUSAL_REASONS, JourneySummary, RefusalRecord
from ...services.results import get_results
from ...services.stepwise import StepwisePage
from .. import formatting
from ..pages import get_content, get_context, get_now, read_form, render_page
from ..session import WebResponse
from . import graph
from .available_actions import describe_bulk_actions
from .base import (
    FORM_ERRORS,
    PAGE_SIZE,
    blueprint,
    build_url,
    get_actor,
    read_before_id,
    redirect_with_notice,
)
from .failure_form import PERIODS, FailureForm
from .forms import parse_identity, parse_properties

# A step inside a loop has a journal key for each round; more are not listed.
_MAX_KEYS = 50
# What the template of the results needs beside them.
_RESULT_WORDS: Mapping[str, Any] = {
    "verdicts": VERDICTS,
    "min_entered": MIN_ENTERED,
    "min_reached": MIN_REACHED,
    "format_share": formatting.format_share,
    "format_points": formatting.format_points,
}
# The states that the page has a tab for.
STATES = ("active", "waiting", "completed", "exited", "failed", "drifted", "parked")


@blueprint.get("/journeys")
async def list_journeys() -> WebResponse:
    """Show every journey with its figures."""
    summaries = await journeys.list_journeys(get_context(), get_actor())
    shown = [summary for summary in summaries if not summary.is_unavailable or summary.live]
    return render_page("admin/journeys.html", summaries=shown, broken=get_content().broken)


@blueprint.get("/journeys/<journey_id>")
async def show_journey(journey_id: str) -> WebResponse:
    """Show one journey: its graph, the contacts in it, and those that were not enrolled."""
    return await render_journey(journey_id)


async def render_journey(journey_id: str, *, problem: str = "", status: int = 200) -> WebResponse:
    """Render the page of one journey.

    Args:
        journey_id: which journey.
        problem: why an action was refused, shown above everything else.
        status: the HTTP status.
    """
    summary = await journeys.get_journey(get_context(), get_actor(), journey_id)
    waiting = await journeys.count_waiting(get_context(), get_actor(), journey_id)
    query, journey = request.args, summary.journey
    wait, state, reason = query.get("wait", ""), query.get("state", ""), query.get("refused", "")
    flow = get_content().registry.graphs.get(journey.id)
    drawing = graph.draw(flow, journey.trigger.event, waiting) if flow else None
    chosen = _find_node(drawing, wait)
    keys = list(chosen.waits[:_MAX_KEYS] if chosen else ()) or [wait] * bool(wait)
    form, tabs = FailureForm.read(query, state), _count_tabs(summary)
    selected, is_counted = await _count_selected(journey_id, state, tabs, form)
    people = await _list_people(journey_id, state, keys, form)
    path = f"/journeys/{journey.id}"
    here = {"state": state, "wait": wait, **form.to_fields()}
    return render_page(
        "admin/journey.html",
        status=status,
        summary=summary,
        journey=journey,
        mail_list=get_content().registry.lists.get(journey.list_id),
        drawing=drawing,
        chosen=chosen,
        wait=wait,
        waiting=waiting,
        state=state,
        tabs=tabs,
        failure_form=form,
        periods=PERIODS,
        actions=describe_bulk_actions(
            state, selected, is_filtered=bool(form.to_fields()), is_counted=is_counted
        ),
        blocked=await list_blocked_groups(get_context(), get_actor(), journey_id),
        missed=await journeys.count_missed_triggers(get_context(), get_actor(), journey_id),
        results=await get_results(get_context(), get_actor(), journey_id),
        has_variants=drawing is not None and any(n.step.kind == "variant" for n in drawing.nodes),
        **_RESULT_WORDS,
        people=people.items,
        older=build_url(path, **here, before=people.next_before) if people.next_before else "",
        newest=build_url(path, **here) if read_before_id() else "",
        reason=reason,
        refusals=await _list_refusals(journey_id, reason),
        problem=problem,
    )


def _find_node(drawing: graph.Graph | None, wait: str) -> graph.Node | None:
    nodes = drawing.nodes if drawing and wait else ()
    return next((node for node in nodes if node.wait == wait), None)


def _count_tabs(summary: JourneySummary) -> Mapping[str, int]:
    """Return how many enrollments each tab shows."""
    return {RETRYING: summary.retrying, **{state: summary.by_state[state] for state in STATES}}


async def _count_selected(
    journey_id: str, state: str, tabs: Mapping[str, int], form: FailureForm
) -> tuple[int, bool]:
    """Return how many enrollments an action on all of a state would concern.

    Whether these are all is false where counting all would take too long.
    """
    failures = form.to_filter(get_now())
    if not failures:
        return tabs.get(state, 0), True
    return await estimate_failures(get_context(), get_actor(), journey_id, state, failures)


async def _list_people(
    journey_id: str, state: str, keys: Sequence[str], form: FailureForm
) -> StepwisePage[EnrollmentWithContact]:
    context, actor, before = get_context(), get_actor(), read_before_id()
    failures = form.to_filter(get_now())
    if failures:
        return await list_failures(
            context, actor, journey_id, state, failures, before=before, limit=PAGE_SIZE
        )
    members = await list_enrollments(
        context,
        actor,
        journey_id,
        states=[state] if state in (*STATES, RETRYING) else LIVE_STATES,
        waits=keys,
        before=before,
        limit=PAGE_SIZE + 1,
    )
    shown = members[:PAGE_SIZE]
    return StepwisePage(shown, shown[-1].enrollment.id if members[PAGE_SIZE:] else None)


async def _list_refusals(journey_id: str, reason: str) -> Sequence[RefusalRecord]:
    if reason not in REFUSAL_REASONS:
        return ()
    return await journeys.list_refusals(
        get_context(), get_actor(), journey_id, reason, limit=PAGE_SIZE
    )


@blueprint.post("/journeys/<journey_id>/switch")
async def switch_journey(journey_id: str) -> WebResponse:
    """Enable or disable a journey; contacts in it continue."""
    enabled = (await read_form()).get("on") == "1"
    await journeys.set_enabled(get_context(), get_actor(), journey_id, enabled=enabled)
    return redirect_with_notice(f"/journeys/{journey_id}", "enabled" if enabled else "disabled")


@blueprint.post("/journeys/<journey_id>/enroll")
async def enroll_contact(journey_id: str) -> WebResponse:
    """Enroll one contact by hand, by the same rules as an event would."""
    form = await read_form()
    name = form.get("person", "").strip()
    try:
        identity = parse_identity(name, "User ID or email")
        decision = await journeys.enroll_contact(
            get_context(),
            get_actor(),
            journey_id,
            user_id=identity.user_id,
            email=identity.email,
            properties=parse_properties(form.get("properties", ""), "Trigger properties"),
        )
    except FORM_ERRORS as error:
        return await render_journey(journey_id, problem=str(error), status=400)
    if decision.enrollment_id is None:
        reason = formatting.describe_reason(decision.reason)
        problem = f"{name} was not enrolled: {reason}."
        return await render_journey(journey_id, problem=problem, status=409)
    return redirect_with_notice(f"/enrollments/{decision.enrollment_id}")
