"""Actions of operators on one enrollment, such as exit, wake and retry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args
from uuid import UUID

from ..domain.enrollment import Enrollment
from ..domain.failure_filter import RETRYING
from ..domain.journal import to_storable_text
from ..ingest import ActionName, OperatorAction
from ..ingest.operator_action import run_operator_action
from ..store import audit
from ..store.counters import Tally
from .actor import Actor, Permission
from .journey_context import JourneyContext

__all__ = ["ACTIONS", "ActionName", "list_available_actions", "list_bulk_actions", "run_action"]

ACTIONS: tuple[str, ...] = get_args(ActionName)

# The actions that each state allows, in the order in which screens offer them.
_ACTIONS: Mapping[str, Sequence[ActionName]] = {
    "active": ("exit",),
    "waiting": ("exit",),
    "parked": ("exit",),
    "drifted": ("exit", "restart", "continue"),
    "failed": ("retry",),
}
# The actions on all enrollments in a state at once.
_BULK_ACTIONS: Mapping[str, Sequence[ActionName]] = {
    **{state: _ACTIONS[state] for state in ("failed", "drifted", "parked")},
    RETRYING: ("retry",),
}


def list_available_actions(enrollment: Enrollment) -> Sequence[ActionName]:
    """Return the actions that an enrollment's state allows, in the order of screens."""
    if enrollment.is_retrying:
        return ("exit", "retry")
    waiting = enrollment.state in ("active", "waiting") and enrollment.wake_at is not None
    actions = _ACTIONS.get(enrollment.state, ())
    return (*actions, "wake") if waiting else actions


def list_bulk_actions(state: str) -> Sequence[ActionName]:
    """Return the actions that can be run on all enrollments in a state, in the order of screens."""
    return _BULK_ACTIONS.get(state, ())


async def run_action(
    context: JourneyContext,
    actor: Actor,
    action: ActionName,
    enrollment_id: UUID,
    *,
    note: str = "",
) -> UUID:
    """Run an action on one enrollment, and record it in the audit log in the same transaction.

    Args:
        context: whose enrollment.
        actor: who acts.
        action: what to do.
        enrollment_id: to which enrollment.
        note: why, as the timeline shows it; may be empty.

    Returns:
        The enrollment to look at now: a restart begins a new one.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no such enrollment.
        Conflict: its state does not allow the action.
    """
    actor.require(Permission.OPERATE)
    operator_action = OperatorAction(action, actor.name, to_storable_text(note))
    now = context.clock.now()
    tally = Tally(now)
    async with context.database.transaction() as tx:
        result = await run_operator_action(
            tx, operator_action, [enrollment_id], rules=context.ingest.rules, tally=tally, now=now
        )
        if enrollment_id in result.errors:
            raise result.errors[enrollment_id]
        current_id = result.current_ids[enrollment_id]
        after = {"reason": operator_action.reason} if action in ("exit", "restart") else {}
        if current_id != enrollment_id:
            after["enrollment"] = str(current_id)
        entry = audit.record(
            actor.name, action, f"/enrollments/{enrollment_id}", now, after=after or None
        )
        await tx.apply([tally.to_write(), entry])
    await context.ingest.publish_result(result.batch)
    return current_id
