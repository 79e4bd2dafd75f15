"""What is done to everyone in a state of a journey at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from quart import current_app

from ...errors import Conflict, HogsendError
from ...services.enrollments import (
    ActionName,
    BulkResult,
    replay_missed_triggers,
    run_action_on_all,
)
from .. import formatting
from ..auth import Answer
from ..pages import context, posted
from . import available_actions
from .base import actor, back, blueprint
from .journeys import journey_page, row_of

_LONGEST_NOTE = 160
# A page does not wait longer for what may take minutes for many people.
PATIENCE = 3.0


@blueprint.post("/journeys/<journey_id>/everyone")
async def order_for_everyone(journey_id: str) -> Answer:
    """Continue, restart, exit or retry everyone in one state of a journey."""
    row, form = await row_of(journey_id), await posted()
    state, note = form.get("state", ""), form.get("reason", "").strip()[:_LONGEST_NOTE]
    allowed: dict[str, ActionName] = {one: one for one in available_actions.ACTS.get(state, ())}
    act = allowed.get(form.get("act", ""))
    if act is None or state not in available_actions.TOGETHER:
        problem = Conflict("This cannot be done to all of them.", "Open them one by one.")
        return await journey_page(row, problem=str(problem), status=409)
    run_context, by = context(), actor()
    return await _carry_out(
        journey_id,
        lambda: run_action_on_all(run_context, by, act, journey_id, state, note=note),
        refused="left as they were",
    )


@blueprint.post("/journeys/<journey_id>/replay")
async def replay_missed(journey_id: str) -> Answer:
    """Let the triggers that a journey missed while it was broken start it now."""
    await row_of(journey_id)
    run_context, by = context(), actor()
    return await _carry_out(
        journey_id,
        lambda: replay_missed_triggers(run_context, by, journey_id),
        refused="not enrolled",
    )


async def _carry_out(
    journey_id: str, work: Callable[[], Awaitable[BulkResult]], *, refused: str
) -> Answer:
    """Begin something that goes on by itself, and say what it came to if that is known soon."""
    ended: asyncio.Future[BulkResult] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        try:
            outcome = await work()
        except Exception as problem:
            if ended.done():
                # The page is gone that would have said it; the log will.
                raise
            ended.set_exception(problem)
        else:
            if not ended.done():
                ended.set_result(outcome)

    current_app.add_background_task(run)  # pyright: ignore[reportUnknownMemberType]
    path = f"/journeys/{journey_id}"
    try:
        outcome = await asyncio.wait_for(ended, PATIENCE)
    except TimeoutError:
        return back(path, "under-way")
    except HogsendError as problem:
        return await journey_page(await row_of(journey_id), problem=str(problem), status=409)
    if not outcome.kept:
        return back(path, "everyone")
    return await journey_page(await row_of(journey_id), problem=_told(outcome, refused), status=409)


def _told(outcome: BulkResult, refused: str) -> str:
    kept = outcome.kept
    reasons = "; ".join(
        f"{formatting.reason(why)} ({count:,})" for why, count in kept.most_common(5)
    )
    done = formatting.many(outcome.done, "person", "people")
    return f"Done for {done}. {kept.total():,} {refused}: {reasons}"
