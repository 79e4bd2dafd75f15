"""One enrollment: its timeline, and what an operator may do to it."""

from __future__ import annotations

from typing import cast

from ...config.hatchet_token import dashboard
from ...domain.enrollment import Enrollment
from ...domain.journey import Journey
from ...errors import HogsendError
from ...services.enrollments import ActionName, run_action
from ...store.hatchet_runs import RunLink
from ...store.read_models import enrollment as screen
from ..auth import Answer
from ..pages import content, context, page, posted
from . import available_actions, timeline
from .base import actor, back, blueprint, id_from, missing

_LONGEST_NOTE = 160
# What is said on the page that is shown after an act.
DONE = {
    "wake": "woken",
    "continue": "continued",
    "restart": "restarted",
    "exit": "exited",
    "retry": "retried",
}


@blueprint.get("/enrollments/<enrollment_id>")
async def show_enrollment(enrollment_id: str) -> Answer:
    """Show what happened to one person in one journey, and why."""
    return await _page(enrollment_id)


async def _page(enrollment_id: str, *, problem: str = "", status: int = 200) -> Answer:
    current = context()
    found = await screen.load(current.database, id_from(enrollment_id, "enrollment"))
    if found is None:
        raise missing("enrollment")
    journey = content().registry.journeys.get(found.enrollment.journey_id)
    mail_list = content().registry.lists.get(journey.list_id if journey else "journey")
    return page(
        "admin/enrollment.html",
        status=status,
        found=found,
        enrollment=found.enrollment,
        contact=found.contact,
        journey=journey,
        mail_list=mail_list,
        story=timeline.entries(found, journey),
        summary=timeline.summarize(found.enrollment, current.clock.now()),
        remedy=_remedy(found.enrollment, journey),
        offers=available_actions.for_one(found.enrollment, found.contact.label),
        steps=timeline.count_calls(found),
        run_at=_run_at(found.run),
        problem=problem,
    )


def _run_at(run: RunLink | None) -> str:
    """Return where Hatchet's own dashboard shows a run, if it is known."""
    screens = dashboard() if run and run.run_id else None
    return screens.run(run.run_id) if screens and run else ""


def _remedy(enrollment: Enrollment, journey: Journey | None) -> str:
    """Say what can be done for someone who is stuck."""
    if enrollment.state == "drifted":
        lost = f" ({enrollment.wait.key})" if enrollment.wait else ""
        return (
            f"The wait that this person is in{lost} is not in the code any more. Put it back and "
            "continue, or continue without it, restart, or exit."
        )
    if enrollment.state == "failed":
        return "Mend the code, then retry: the turn is played again from the last wait."
    if enrollment.state == "parked" and journey is not None:
        place = f"{journey.file}:{journey.line}"
        return (
            f"The journey kept its thread three times and is stopped ({place}). Find the call "
            "that blocks in the tracebacks below or of others, mend it and load the code anew: "
            "then this person goes on. Exit works meanwhile."
        )
    if enrollment.state == "parked":
        return "Put the code back or mend it: then this person goes on. Exit works meanwhile."
    return ""


@blueprint.post("/enrollments/<enrollment_id>/<any(wake, 'continue', restart, exit, retry):act>")
async def act_on_enrollment(enrollment_id: str, act: str) -> Answer:
    """Wake, continue, restart, exit or retry one enrollment."""
    found = id_from(enrollment_id, "enrollment")
    note = (await posted()).get("reason", "").strip()[:_LONGEST_NOTE]
    try:
        after = await run_action(context(), actor(), cast("ActionName", act), found, note=note)
    except HogsendError as error:
        return await _page(enrollment_id, problem=str(error), status=409)
    return back(f"/enrollments/{after}", DONE[act])
