"""One enrollment: its timeline, and what an operator may do to it."""

from __future__ import annotations

from ...errors import HogsendError
from ...store.screens import enrollment as screen
from ..auth import Answer
from ..pages import content, page, posted, runtime
from . import timeline
from .frame import back, blueprint, change, id_from, missing, who


@blueprint.get("/enrollments/<enrollment_id>")
async def show_enrollment(enrollment_id: str) -> Answer:
    """Show what happened to one person in one journey, and why."""
    return await _page(enrollment_id)


async def _page(enrollment_id: str, *, problem: str = "", status: int = 200) -> Answer:
    made_of = runtime()
    found = await screen.load(made_of.database, id_from(enrollment_id, "enrollment"))
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
        summary=timeline.summary(found.enrollment, made_of.clock.now()),
        steps=len({step.key for turn in found.turns for step in turn.steps if step.kind != "user"}),
        problem=problem,
    )


@blueprint.post("/enrollments/<enrollment_id>/wake")
async def wake_enrollment(enrollment_id: str) -> Answer:
    """Let a waiting enrollment go on now."""
    found = id_from(enrollment_id, "enrollment")
    try:
        await runtime().ingest.wake(found)
    except HogsendError as error:
        return await _page(enrollment_id, problem=str(error), status=409)
    await change([], "wake", f"/enrollments/{found}")
    return back(f"/enrollments/{found}", "woken")


@blueprint.post("/enrollments/<enrollment_id>/exit")
async def exit_enrollment(enrollment_id: str) -> Answer:
    """End a live enrollment; what it has queued is cancelled."""
    found = id_from(enrollment_id, "enrollment")
    note = (await posted()).get("reason", "").strip()[:160]
    reason = f"by {who()}: {note}" if note else f"by {who()}"
    try:
        await runtime().ingest.exit(found, reason)
    except HogsendError as error:
        return await _page(enrollment_id, problem=str(error), status=409)
    await change([], "exit", f"/enrollments/{found}", after={"reason": reason})
    return back(f"/enrollments/{found}", "exited")
