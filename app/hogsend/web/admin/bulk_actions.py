"""Actions on all enrollments of a journey that are in one state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ...errors import Conflict
from ...services.bulk_actions import BulkResult, replay_missed_triggers, run_action_on_all
from ...services.enrollment_actions import ActionName, list_bulk_actions
from .. import formatting
from ..background import run_in_background
from ..pages import get_context, get_now, read_form
from ..session import WebResponse
from .base import FORM_ERRORS, blueprint, get_actor, redirect_with_notice
from .failure_form import FailureForm
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
    failures = FailureForm.read(form, state).to_filter(get_now())
    is_retry = name == "retry"
    return await _run(
        journey_id,
        lambda: run_action_on_all(
            services, operator, name, journey_id, state, note=note, failures=failures
        ),
        done="Retried" if is_retry else "Done for",
        kept="skipped" if is_retry else "left unchanged",
        notice="all-retried" if is_retry else "all-done",
    )


@blueprint.post("/journeys/<journey_id>/replay")
async def replay_missed(journey_id: str) -> WebResponse:
    """Let the triggers that a journey missed while it was broken start it now."""
    services, operator = get_context(), get_actor()
    return await _run(
        journey_id,
        lambda: replay_missed_triggers(services, operator, journey_id),
        done="Done for",
        kept="not enrolled",
        notice="all-done",
    )


async def _run(
    journey_id: str,
    work: Callable[[], Awaitable[BulkResult]],
    *,
    done: str,
    kept: str,
    notice: str,
) -> WebResponse:
    """Start an action that continues after the response, and show its result if it is quick."""
    path = f"/journeys/{journey_id}"
    try:
        result = await run_in_background(work, PATIENCE)
    except TimeoutError:
        return redirect_with_notice(path, "under-way")
    except FORM_ERRORS as problem:
        return await render_journey(journey_id, problem=str(problem), status=409)
    if not result.kept:
        return redirect_with_notice(path, notice, result.done if notice == "all-retried" else None)
    problem = f"{done} {_describe(result, kept)}"
    return await render_journey(journey_id, problem=problem, status=409)


def _describe(result: BulkResult, kept: str) -> str:
    reasons = "; ".join(
        f"{formatting.describe_reason(reason)} ({count:,})"
        for reason, count in result.kept.most_common(5)
    )
    done = formatting.pluralize(result.done, "enrollment")
    return f"{done}. {result.kept.total():,} {kept}: {reasons}"
