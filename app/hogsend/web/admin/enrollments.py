"""One enrollment: its timeline, and the actions on it."""

from __future__ import annotations

from typing import cast

from ...config.hatchet_token import find_dashboard
from ...domain.enrollment import Enrollment
from ...domain.entry_key import describe_entry_key
from ...domain.journey import Journey
from ...services.enrollment_actions import ActionName, run_action
from ...services.enrollments import RunLink, get_enrollment
from ..pages import get_content, get_context, get_now, read_form, render_page
from ..session import WebResponse
from . import timeline
from .available_actions import can_wake, describe_enrollment_actions
from .base import FORM_ERRORS, blueprint, get_actor, parse_id, redirect_with_notice

_MAX_NOTE_LENGTH = 160
# The notice that confirms each action.
_NOTICES = {
    "wake": "woken",
    "continue": "continued",
    "restart": "restarted",
    "exit": "exited",
    "retry": "retried",
}


@blueprint.get("/enrollments/<enrollment_id>")
async def show_enrollment(enrollment_id: str) -> WebResponse:
    """Show what happened to one contact in one journey, and why."""
    return await _render_enrollment(enrollment_id)


async def _render_enrollment(
    enrollment_id: str, *, problem: str = "", status: int = 200
) -> WebResponse:
    detail = await get_enrollment(get_context(), get_actor(), parse_id(enrollment_id, "enrollment"))
    enrollment, registry = detail.enrollment, get_content().registry
    journey = registry.journeys.get(enrollment.journey_id)
    return render_page(
        "admin/enrollment.html",
        status=status,
        detail=detail,
        enrollment=enrollment,
        entry_key=describe_entry_key(enrollment.entry_key),
        contact=detail.contact,
        journey=journey,
        mail_list=registry.lists.get(journey.list_id if journey else "journey"),
        timeline=timeline.build_timeline(detail, journey),
        summary=timeline.summarize(enrollment, get_now()),
        remedy=_describe_remedy(enrollment, journey),
        actions=describe_enrollment_actions(enrollment, detail.contact.label),
        can_wake=can_wake(enrollment),
        steps=timeline.count_calls(detail),
        run_url=_find_run_url(detail.run),
        problem=problem,
    )


def _find_run_url(run: RunLink | None) -> str:
    """Return where Hatchet's own dashboard shows a run; empty when that is unknown."""
    hatchet = find_dashboard() if run and run.run_id else None
    return hatchet.build_run_url(run.run_id) if hatchet and run else ""


def _describe_remedy(enrollment: Enrollment, journey: Journey | None) -> str:
    """Return what can be done for an enrollment that does not proceed by itself."""
    if enrollment.state == "drifted":
        wait = f" ({enrollment.wait.key})" if enrollment.wait else ""
        return (
            f"The wait that this contact is in{wait} is no longer in the code. Restore it and "
            "continue, or continue without it, restart, or exit."
        )
    if enrollment.state == "failed":
        return "Fix the code, then retry: the turn runs again from the last wait."
    if enrollment.state == "parked" and journey is not None:
        location = f"{journey.file}:{journey.line}"
        return (
            f"The journey blocked its thread three times and is halted ({location}). Find the "
            "blocking call in the tracebacks, fix it and reload the code; this contact then "
            "continues. Until then you can exit the enrollment."
        )
    if enrollment.state == "parked":
        return (
            "Restore or fix the code; this contact then continues. Until then you can exit the "
            "enrollment."
        )
    return ""


@blueprint.post("/enrollments/<enrollment_id>/<any(wake, 'continue', restart, exit, retry):act>")
async def act_on_enrollment(enrollment_id: str, act: str) -> WebResponse:
    """Wake, continue, restart, exit or retry one enrollment."""
    note = (await read_form()).get("reason", "").strip()[:_MAX_NOTE_LENGTH]
    enrollment = parse_id(enrollment_id, "enrollment")
    try:
        current = await run_action(
            get_context(), get_actor(), cast("ActionName", act), enrollment, note=note
        )
    except FORM_ERRORS as error:
        return await _render_enrollment(enrollment_id, problem=str(error), status=409)
    return redirect_with_notice(f"/enrollments/{current}", _NOTICES[act])
