"""Enrollments: listed, read with their journal, and acted on, one or many at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from ..clock import Clock
from ..domain.enrollment import LIVE_STATES, Enrollment
from ..domain.ids import new_id
from ..errors import Conflict, NotFound
from ..ingest import ActionName, BatchResult, Ingest, OperatorAction
from ..ingest.operator_action import run_operator_action
from ..ingest.trigger_replay import MISSED, replay_triggers
from ..store import audit, counters, enrollments, events
from ..store.counters import Tally
from ..store.db import Database, Query, Transaction, Write
from ..store.hatchet_runs import RunLink
from ..store.read_models import enrollment as read_model
from ..store.read_models import journeys as journey_read_model
from ..store.read_models.enrollment import EnrollmentPage
from ..store.read_models.journeys import EnrollmentWithContact
from ..store.turns import Turn
from .actor import Actor, Permission
from .installation import Installation

__all__ = [
    "ActionName",
    "BulkResult",
    "EnrollmentPage",
    "EnrollmentWithContact",
    "RunLink",
    "Turn",
    "available_actions",
    "bulk_actions",
    "count_enrollments",
    "get_enrollment",
    "list_enrollments",
    "list_retrying",
    "replay_missed_triggers",
    "run_action",
    "run_action_on_all",
]

# Enrollments in one transaction: other writers wait for well under 50 ms.
BATCH_SIZE = 100

# Receives, after each transaction, how many enrollments were considered so far.
Progress = Callable[[int], None]

# The actions that each state allows, in the order in which screens offer them.
_ACTIONS: Mapping[str, Sequence[ActionName]] = {
    "active": ("exit",),
    "waiting": ("exit",),
    "parked": ("exit",),
    "drifted": ("exit", "restart", "continue"),
    "failed": ("retry",),
}
# The states whose enrollments can be acted on all at once.
_BULK_STATES = ("failed", "drifted", "parked")


class IngestContext(Protocol):
    """What an action needs: a database and the one path for facts."""

    @property
    def database(self) -> Database:
        """Where enrollments are stored."""
        ...

    @property
    def clock(self) -> Clock:
        """The source of the present instant."""
        ...

    @property
    def ingest(self) -> Ingest:
        """Has the rules, and notifies the engine of what was committed."""
        ...


@dataclass
class BulkResult:
    """What an action on many enrollments came to.

    Args:
        done: how many people it was done for.
        kept: how many people it was not done for, by reason.
    """

    done: int = 0
    kept: Counter[str] = field(default_factory=Counter[str])

    @property
    def seen(self) -> int:
        """How many people were considered."""
        return self.done + self.kept.total()

    def to_json(self) -> dict[str, Any]:
        """Return what the audit log stores."""
        kept = {"kept": dict(self.kept)} if self.kept else {}
        return {"people": self.done, **kept}


# -- reading --------------------------------------------------------------------------------------


async def list_enrollments(
    installation: Installation,
    actor: Actor,
    journey_id: str,
    *,
    states: Sequence[str] = LIVE_STATES,
    waits: Sequence[str] = (),
    before: UUID | None = None,
    limit: int,
) -> Sequence[EnrollmentWithContact]:
    """Return enrollments of a journey with their contacts, the latest to enter first.

    Args:
        installation: whose enrollments.
        actor: who reads them.
        journey_id: which journey.
        states: only those in one of these states.
        waits: instead of `states`, only those in a wait with one of these journal keys.
        before: only those that entered before this enrollment.
        limit: how many at most.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    query = journey_read_model.enrollment_ids(journey_id, states, waits, before, limit)
    ids = await installation.database.read_one(query)
    return await journey_read_model.load_members(installation.database, ids)


async def list_retrying(
    installation: Installation,
    actor: Actor,
    journey_id: str,
    *,
    before: UUID | None = None,
    limit: int,
) -> Sequence[EnrollmentWithContact]:
    """Return enrollments of a journey whose last turn raised and will be tried again.

    Args:
        installation: whose enrollments.
        actor: who reads them.
        journey_id: which journey.
        before: only those that entered before this enrollment.
        limit: how many at most.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    query = journey_read_model.retrying_ids(journey_id, before, limit)
    ids = await installation.database.read_one(query)
    return await journey_read_model.load_members(installation.database, ids)


async def count_enrollments(
    installation: Installation, actor: Actor, journey_id: str, state: str
) -> int:
    """Return how many enrollments of a journey are in a state.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    gauge = counters.enrollments_in_state(journey_id, state)
    return (await installation.database.read_one(counters.values([gauge]))).get(gauge, 0)


async def get_enrollment(
    installation: Installation, actor: Actor, enrollment_id: UUID
) -> EnrollmentPage:
    """Return an enrollment with its journal, its mails and its contact's consent.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no such enrollment.
    """
    actor.require(Permission.READ)
    page = await read_model.load(installation.database, enrollment_id)
    if page is None:
        raise NotFound(
            "There is no such enrollment.", "It may have been removed, or the link is incomplete."
        )
    return page


# -- acting ---------------------------------------------------------------------------------------


def available_actions(enrollment: Enrollment) -> Sequence[ActionName]:
    """Return the actions that an enrollment's state allows, in the order of screens."""
    waiting = enrollment.state in ("active", "waiting") and enrollment.wake_at is not None
    actions = _ACTIONS.get(enrollment.state, ())
    return (*actions, "wake") if waiting else actions


def bulk_actions(state: str) -> Sequence[ActionName]:
    """Return the actions that can be run on all enrollments in a state, in the order of screens."""
    return _ACTIONS[state] if state in _BULK_STATES else ()


async def run_action(
    context: IngestContext,
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
    operator_action = OperatorAction(action, actor.name, note)
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
        await tx.apply([tally.write(), entry])
    await context.ingest.publish_result(result.batch)
    return current_id


async def run_action_on_all(
    context: IngestContext,
    actor: Actor,
    action: ActionName,
    journey_id: str,
    state: str,
    *,
    note: str = "",
    on_progress: Progress | None = None,
) -> BulkResult:
    """Run an action on every enrollment that is in one state of a journey now.

    Args:
        context: whose enrollments.
        actor: who acts.
        action: what to do.
        journey_id: in which journey.
        state: to those in this state.
        note: why, as the timeline shows it; may be empty.
        on_progress: receives the number of enrollments considered after each transaction.

    Raises:
        Forbidden: the actor may not operate.
    """
    actor.require(Permission.OPERATE)
    operator_action = OperatorAction(action, actor.name, note)
    outcome = BulkResult()

    async def step(tx: Transaction, ids: list[UUID], tally: Tally, now: datetime) -> BatchResult:
        result = await run_operator_action(
            tx, operator_action, ids, rules=context.ingest.rules, tally=tally, now=now
        )
        outcome.done += len(result.current_ids)
        outcome.kept.update(str(error) for error in result.errors.values())
        return result.batch

    await _run_in_batches(
        context,
        _Bulk(
            page=lambda after, until: enrollments.ids_in(
                journey_id, state, after, until, BATCH_SIZE
            ),
            step=step,
            outcome=outcome,
            entry=_AuditEntry(
                actor.name, f"{action} all", f"/journeys/{journey_id}", {"state": state}
            ),
            on_progress=on_progress,
        ),
    )
    return outcome


async def replay_missed_triggers(
    context: IngestContext,
    actor: Actor,
    journey_id: str,
    *,
    on_progress: Progress | None = None,
) -> BulkResult:
    """Let the triggers that a journey missed while its code was gone or broken start it now.

    Args:
        context: whose triggers.
        actor: who replays them.
        journey_id: which journey; its code must be loaded again.
        on_progress: receives the number of triggers considered after each transaction.

    Raises:
        Forbidden: the actor may not operate.
        Conflict: the journey's code is gone or broken.
    """
    actor.require(Permission.OPERATE)
    journey = context.ingest.rules.journeys.get(journey_id)
    if journey is None:
        raise Conflict(
            f"The code of {journey_id} is gone or broken.", "Restore it before you replay."
        )
    outcome = BulkResult()

    async def step(tx: Transaction, ids: list[UUID], tally: Tally, now: datetime) -> BatchResult:
        replayed = await replay_triggers(
            tx, journey, ids, rules=context.ingest.rules, tally=tally, now=now
        )
        outcome.done += replayed.enrolled
        outcome.kept.update(replayed.refused)
        return replayed.batch

    await _run_in_batches(
        context,
        _Bulk(
            page=lambda after, until: events.missed_ids(
                journey_id, MISSED, after, until, BATCH_SIZE
            ),
            step=step,
            outcome=outcome,
            entry=_AuditEntry(actor.name, "replay", f"/journeys/{journey_id}"),
            on_progress=on_progress,
        ),
    )
    return outcome


# Selects the next ids, after one and up to another.
_Page = Callable[[UUID | None, UUID], Query[list[UUID]]]
_Step = Callable[[Transaction, list[UUID], Tally, datetime], Awaitable[BatchResult]]


@dataclass(frozen=True, slots=True)
class _AuditEntry:
    """An audit entry that is written again with every batch, with the outcome so far."""

    actor_name: str
    action: str
    subject: str
    before: Mapping[str, Any] | None = None

    def write(self, entry_id: UUID, now: datetime, outcome: BulkResult) -> Write:
        return audit.record(
            self.actor_name,
            self.action,
            self.subject,
            now,
            before=self.before,
            after=outcome.to_json(),
            line=entry_id,
        )


@dataclass(frozen=True, slots=True)
class _Bulk:
    """A change of many rows, a transaction for each batch of them."""

    page: _Page
    step: _Step
    outcome: BulkResult
    entry: _AuditEntry
    on_progress: Progress | None


async def _run_in_batches(context: IngestContext, bulk: _Bulk) -> None:
    """Run through rows in the order of their ids.

    Rows that are added while it runs are left out, so that it ends. The audit entry commits with
    each batch, so that a crash leaves the log true.
    """
    until, after = new_id(context.clock.now()), None
    entry_id = new_id(context.clock.now())
    while ids := await context.database.read_one(bulk.page(after, until)):
        after, now = ids[-1], context.clock.now()
        tally = Tally(now)
        async with context.database.transaction() as tx:
            batch = await bulk.step(tx, ids, tally, now)
            await tx.apply([tally.write(), bulk.entry.write(entry_id, now, bulk.outcome)])
        await context.ingest.publish_result(batch)
        if bulk.on_progress is not None:
            bulk.on_progress(bulk.outcome.seen)
