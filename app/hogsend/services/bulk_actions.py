"""Actions of operators on many enrollments of a journey, in transactions of limited size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from ..domain.failure_filter import ALL_FAILURES, FailureFilter
from ..domain.ids import new_id
from ..domain.journal import to_storable_text
from ..errors import Conflict
from ..ingest import ActionName, BatchResult, OperatorAction
from ..ingest.operator_action import run_operator_action
from ..ingest.trigger_replay import MISSED, replay_triggers
from ..store import audit, counters, events
from ..store.counters import Tally
from ..store.db import Query, Transaction, Write
from ..store.enrollment_states import find_ids_in_state
from .actor import Actor, Permission
from .journey_context import JourneyContext
from .journeys import find_definition

__all__ = ["BulkResult", "check_retry", "replay_missed_triggers", "run_action_on_all"]

# Enrollments in one transaction: other writers wait for well under 50 ms.
BATCH_SIZE = 100


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
    def considered(self) -> int:
        """How many people were considered."""
        return self.done + self.kept.total()

    def to_json(self) -> dict[str, Any]:
        """Return what the audit log stores."""
        kept = {"kept": dict(self.kept)} if self.kept else {}
        return {"people": self.done, **kept}


# Receives, after each transaction, the result so far.
Progress = Callable[[BulkResult], None]


async def run_action_on_all(
    context: JourneyContext,
    actor: Actor,
    action: ActionName,
    journey_id: str,
    state: str,
    *,
    note: str = "",
    failures: FailureFilter = ALL_FAILURES,
    on_progress: Progress | None = None,
) -> BulkResult:
    """Run an action on every enrollment that is in one state of a journey now.

    Args:
        context: whose enrollments.
        actor: who acts.
        action: what to do.
        journey_id: in which journey.
        state: to those in this state; `retrying` are those whose last turn raised, and runs again.
        note: why, as the timeline shows it; may be empty.
        failures: only to those that failed like this.
        on_progress: receives the result so far after each transaction.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no journey with this id.
        Conflict: a retry is useless, because the journey does not run.
    """
    actor.require(Permission.OPERATE)
    if action == "retry":
        await check_retry(context, actor, journey_id)
    else:
        await find_definition(context, journey_id)
    operator_action = OperatorAction(action, actor.name, to_storable_text(note))
    bulk_result = BulkResult()

    async def run(tx: Transaction, ids: list[UUID], tally: Tally, now: datetime) -> BatchResult:
        result = await run_operator_action(
            tx, operator_action, ids, rules=context.ingest.rules, tally=tally, now=now
        )
        bulk_result.done += len(result.current_ids)
        bulk_result.kept.update(str(error) for error in result.errors.values())
        return result.batch

    before = {"state": state, **failures.to_json()}
    entry = _AuditEntry(actor.name, f"{action} all", f"/journeys/{journey_id}", before)
    select = partial(find_ids_in_state, journey_id, state, limit=BATCH_SIZE, failures=failures)
    await _run_in_batches(context, _Bulk(select, run, bulk_result, entry, on_progress))
    return bulk_result


async def check_retry(context: JourneyContext, actor: Actor, journey_id: str) -> None:
    """Check that turns of a journey run, before its enrollments are counted and retried.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no journey with this id.
        Conflict: its code is gone or broken, or it is halted because it has blocked its thread.
    """
    actor.require(Permission.OPERATE)
    await find_definition(context, journey_id)
    if journey_id not in context.ingest.rules.journeys:
        raise Conflict(
            f"The code of {journey_id} is gone or broken.", "Restore it before you retry."
        )
    gauge = counters.name_state_gauge(journey_id, "parked")
    parked = (await context.database.read_one(counters.find_gauges([gauge]))).get(gauge, 0)
    if parked > 0:
        raise Conflict(
            f"{journey_id} does not run: {parked:,} of its enrollments are parked.",
            "Fix its code and let the server load it; parked enrollments then continue, and you "
            "can retry the others.",
        )


async def replay_missed_triggers(
    context: JourneyContext,
    actor: Actor,
    journey_id: str,
    *,
    on_progress: Progress | None = None,
) -> BulkResult:
    """Let the triggers that a journey missed while it was unavailable start it now.

    Args:
        context: whose triggers.
        actor: who replays them.
        journey_id: which journey; its code must be loaded again.
        on_progress: receives the result so far after each transaction.

    Raises:
        Forbidden: the actor may not operate.
        Conflict: the journey is unavailable: its code is gone or fails to load.
    """
    actor.require(Permission.OPERATE)
    journey = context.ingest.rules.journeys.get(journey_id)
    if journey is None:
        raise Conflict(
            f"The code of {journey_id} is gone or broken.", "Restore it before you replay."
        )
    bulk_result = BulkResult()

    async def run(tx: Transaction, ids: list[UUID], tally: Tally, now: datetime) -> BatchResult:
        replayed = await replay_triggers(
            tx, journey, ids, rules=context.ingest.rules, tally=tally, now=now
        )
        bulk_result.done += replayed.enrolled
        bulk_result.kept.update(replayed.refused)
        return replayed.batch

    entry = _AuditEntry(actor.name, "replay", f"/journeys/{journey_id}")
    select = partial(events.find_missed_ids, journey_id, MISSED, limit=BATCH_SIZE)
    await _run_in_batches(context, _Bulk(select, run, bulk_result, entry, on_progress))
    return bulk_result


# Queries the ids of the next rows: those after the first argument, up to the second.
_Select = Callable[[UUID | None, UUID], Query[list[UUID]]]
_Run = Callable[[Transaction, list[UUID], Tally, datetime], Awaitable[BatchResult]]


@dataclass(frozen=True, slots=True)
class _AuditEntry:
    """An audit entry that every batch writes again, with the result so far."""

    actor_name: str
    action: str
    subject: str
    before: Mapping[str, Any] | None = None

    def write(self, entry_id: UUID, now: datetime, result: BulkResult) -> Write:
        return audit.record(
            self.actor_name,
            self.action,
            self.subject,
            now,
            before=self.before,
            after=result.to_json(),
            line=entry_id,
        )


@dataclass(frozen=True, slots=True)
class _Bulk:
    """A change of many rows, with a transaction for each batch of them."""

    select: _Select
    run: _Run
    result: BulkResult
    entry: _AuditEntry
    on_progress: Progress | None


async def _run_in_batches(context: JourneyContext, bulk: _Bulk) -> None:
    """Run through rows in the order of their ids.

    Rows that are added meanwhile are left out, so that the run ends. The audit entry commits with
    each batch, so that the log is true after a crash.
    """
    until, after = new_id(context.clock.now()), None
    entry_id = new_id(context.clock.now())
    while ids := await context.database.read_one(bulk.select(after, until)):
        after, now = ids[-1], context.clock.now()
        tally = Tally(now)
        async with context.database.transaction() as tx:
            batch = await bulk.run(tx, ids, tally, now)
            await tx.apply([tally.to_write(), bulk.entry.write(entry_id, now, bulk.result)])
        await context.ingest.publish_result(batch)
        if bulk.on_progress is not None:
            bulk.on_progress(bulk.result)
