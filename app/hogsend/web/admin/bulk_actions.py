"""Actions on all enrollments of a journey that are in one state."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from quart import current_app

from ...errors import Conflict
from ...services.bulk_actions import BulkResult, replay_missed_triggers, run_action_on_all
from ...services.enrollment_actions import ActionName, list_bulk_actions
from .. import formatting
from ..pages import get_context, read_form
from ..session import WebResponse
from .base import FORM_ERRORS, blueprint, get_actor, redirect_with_notice
from .journeys import render_journey

_MAX_NOTE_LENGTH = 160
# How long a page waits for an action, in seconds; it may take minutes for many enrollments.
PATIENCE = 3.0


@blueprint.post("/journeys/<journey_id>/everyone")
async def run_bulk_action(journey_id: str) -> WebResponse:
    """Continue, restart, exit or retry all enrollments in one state of a journey."""
    form = await read_form()
    state, note = form.get("state", ""), form.get("reason", "").strip()[:_MAX_NOTE_LENGTH]
    allowed: dict[str, ActionName] = {name: name for name in list_bulk_actions(state)}
    name = allowed.get(form.get("act", ""))
    if name is None:
        problem = Conflict("This action cannot be run on all of them.", "Open them one by one.")
        return await render_journey(journey_id, problem=str(problem), status=409)
    services, operator = get_context(), get_actor()
    return await _run_in_background(
        journey_id,
        lambda: run_action_on_all(services, operator, name, journey_id, state, note=note),
        kept="left unchanged",
    )


@blueprint.post("/journeys/<journey_id>/replay")
async def replay_missed(journey_id: str) -> WebResponse:
    """Let the triggers that a journey missed while it was broken start it now."""
    services, operator = get_context(), get_actor()
    return await _run_in_background(
        journey_id,
        lambda: replay_missed_triggers(services, operator, journey_id),
        kept="not enrolled",
    )


async def _run_in_background(
    journey_id: str, work: Callable[[], Awaitable[BulkResult]], *, kept: str
) -> WebResponse:
    """Start an action that continues after the response, and show its result if it is quick."""
    ended: asyncio.Future[BulkResult] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        try:
            result = await work()
        except Exception as problem:
            if ended.done():
                # The response was sent already; the log has to report the error.
                raise
            ended.set_exception(problem)
        else:
            if not ended.done():
                ended.set_result(result)

    current_app.add_background_task(run)  # pyright: ignore[reportUnknownMemberType]
    try:
        result = await asyncio.wait_for(ended, PATIENCE)
    except TimeoutError:
        return redirect_with_notice(f"/journeys/{journey_id}", "under-way")
    except FORM_ERRORS as problem:
        return await render_journey(journey_id, problem=str(problem), status=409)
    if not result.kept:
        return redirect_with_notice(f"/journeys/{journey_id}", "all-done")
    return await render_journey(journey_id, problem=_describe(result, kept), status=409)


def _describe(result: BulkResult, kept: str) -> str:
    reasons = "; ".join(
        f"{formatting.describe_reason(reason)} ({count:,})"
        for reason, count in result.kept.most_common(5)
    )
    done = formatting.pluralize(result.done, "enrollment")
    return f"Done for {done}. {result.kept.total():,} {kept}: {reasons}"
