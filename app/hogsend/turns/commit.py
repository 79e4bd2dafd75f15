"""Commits turns: journal, wake time, sends and triggered events, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment, State, Wait
from ..domain.event import Event
from ..domain.incoming import IncomingEvent
from ..domain.journey import Journey
from ..ingest import BatchResult, Ingest
from ..store import contacts, counters, enrollments, events, sends, steps, turns
from ..store.counters import Tally
from ..store.db import Transaction
from ..store.turns import Turn
from .step_attempts import RETRY_AFTER
from .turn import TurnResult


@dataclass(frozen=True, slots=True)
class FinishedTurn:
    """A turn that is over and not yet committed.

    Args:
        journey: the journey's definition.
        enrollment: the enrollment before the turn.
        seen: the number of the contact's newest event when the turn began.
        result: what the turn came to.
    """

    journey: Journey
    enrollment: Enrollment
    seen: int
    result: TurnResult


@dataclass(frozen=True, slots=True)
class LateEvents:
    """The events that arrived for a new wait while its turn ran.

    Args:
        wait: the wait, with the number of events that it still takes.
        event: the event that has ended it, if enough arrived.
    """

    wait: Wait
    event: Event | None


async def commit(
    tx: Transaction, finished: Sequence[FinishedTurn], ingest: Ingest, tally: Tally, now: datetime
) -> tuple[BatchResult, list[bool | Exception]]:
    """Write turns inside a transaction.

    A turn writes nothing when its enrollment has ended or moved on since it began. It also writes
    nothing when its wait has been ended or its contact merged into another; it then runs again.

    Args:
        tx: the transaction.
        finished: the turns.
        ingest: takes the events that they trigger.
        tally: where changes are counted.
        now: the present instant.

    Returns:
        What to announce to the engine and the dashboards, and for each turn whether it was written.
    """
    # The contacts' rows are locked before the enrollments are read, as ingest does it.
    locked, present = await tx.fetch(
        contacts.lock({turn.enrollment.contact_id for turn in finished}, tx.dialect.lock_rows),
        enrollments.find_by_ids([turn.enrollment.id for turn in finished]),
    )
    batch = BatchResult(topics={"enrollments"})
    valid = [turn for turn in finished if _is_unchanged(turn, present.get(turn.enrollment.id))]
    valid_ids = {turn.enrollment.id for turn in valid}
    late = await _find_late_events(tx, valid, locked.by_id)
    updated: list[Enrollment] = []
    triggered: list[IncomingEvent] = []
    for turn in valid:
        before = present[turn.enrollment.id]
        after = apply_turn(turn, before, late.get(before.id), now)
        updated.append(after)
        triggered.extend(turn.result.triggered)
        _count(turn, before, after, tally)
        if after.wake_at is not None:
            batch.wakes[after.id] = after.wake_at
        if turn.result.sends:
            batch.topics.add("sends")
    dropped = (turn.enrollment for turn in finished if turn.enrollment.id not in valid_ids)
    await tx.apply(
        [
            *turns.insert(_build_turn_row(t, now) for t in valid if t.result.outcome != "early"),
            enrollments.update(updated, now, freed=True),
            enrollments.release((enrollment.id, enrollment.fence) for enrollment in dropped),
            sends.insert(send for turn in valid for send in turn.result.sends),
            steps.delete((t.enrollment.id, key) for t in valid for key in t.result.done_steps),
        ]
    )
    if triggered:
        caused = await ingest.submit_within(tx, triggered, tally, now)
        # An event of its own may have woken or ended an enrollment that has just been written.
        batch.wakes.update(caused.wakes)
        for ended in caused.ended:
            batch.wakes.pop(ended, None)
        batch.ended.extend(caused.ended)
        batch.topics |= caused.topics
    return batch, [turn.enrollment.id in valid_ids for turn in finished]


def _is_unchanged(turn: FinishedTurn, present: Enrollment | None) -> bool:
    """Return whether the enrollment is still the one that the turn started from."""
    return (
        present is not None
        and present.state in ("active", "waiting")
        and _version(present) == _version(turn.enrollment)
    )


def _version(enrollment: Enrollment) -> tuple[object, ...]:
    event = enrollment.wait_result
    return (
        enrollment.turn,
        enrollment.fence,
        enrollment.contact_id,
        event.id if event else None,
    )


async def _find_late_events(
    tx: Transaction, valid: Sequence[FinishedTurn], people: dict[UUID, Contact]
) -> dict[UUID, LateEvents]:
    """Look again for the events of new waits: they may have arrived since the turns read them."""
    waiting = [
        (turn.enrollment, turn.seen, turn.result.look_back, turn.result.wait)
        for turn in valid
        if turn.result.wait is not None
        and turn.result.wait.events
        and people[turn.enrollment.contact_id].event_seq > turn.seen
    ]
    if not waiting:
        return {}
    contact_ids = [enrollment.contact_id for enrollment, *_ in waiting]
    # The events of contacts that were merged into these since then are numbered apart.
    merged = await tx.fetch_one(contacts.find_merged(contact_ids))
    names = sorted({match.event for *_, wait in waiting for match in wait.events})
    own, others = await tx.fetch(
        events.find_by_names(contact_ids, names, min(seen for _, seen, *_ in waiting)),
        events.find_by_names(list(merged), names),
    )
    arrived = sorted([*own, *(replace(e, seq=0) for e in others)], key=lambda event: event.id)
    late: dict[UUID, LateEvents] = {}
    for enrollment, seen, look_back, wait in waiting:
        for event in arrived:
            owner_id = event.contact_id
            is_own = owner_id == enrollment.contact_id and event.seq > seen
            is_merged = owner_id and merged.get(owner_id) == enrollment.contact_id
            if (
                (is_own or is_merged)
                and look_back.can_see(event, enrollment.contact_id)
                and wait.matches(event, event.received_at or enrollment.entered_at)
            ):
                if wait.remaining <= 1:
                    late[enrollment.id] = LateEvents(wait, event)
                    break
                wait = replace(wait, remaining=wait.remaining - 1)
                late[enrollment.id] = LateEvents(wait, None)
    return late


_STATES: dict[str, State] = {
    "waiting": "waiting",
    "completed": "completed",
    "exited": "exited",
    "drifted": "drifted",
}


def apply_turn(
    turn: FinishedTurn, before: Enrollment, late: LateEvents | None, now: datetime
) -> Enrollment:
    """Return the enrollment after its turn.

    Args:
        turn: the turn.
        before: the enrollment as it is stored now.
        late: the events that have arrived for the turn's new wait since the turn read them.
        now: the present instant.
    """
    result = turn.result
    if result.outcome == "early":
        until = before.wait.until if before.wait else None
        return replace(before, wake_at=until)
    if result.outcome == "failed":
        return _after_failure(turn, before, now)
    state = _STATES[result.outcome]
    has_ended = state in ("completed", "exited")
    wait = late.wait if late else result.wait
    event = late.event if late else None
    wake_at = (now if event else wait.until) if wait else None
    return replace(
        before,
        state=state,
        code_hash=turn.journey.code_hash,
        turn=before.turn + 1,
        attempt=0,
        wake_at=wake_at,
        wait=before.wait if state == "drifted" else wait,
        wait_result=before.wait_result if state == "drifted" else event,
        look_back=result.look_back,
        sends=before.sends + sum(send.status == "queued" for send in result.sends),
        error=None,
        end_reason=result.reason,
        ended_at=now if has_ended else None,
        # The journal holds it now.
        person=before.person if state == "drifted" else None,
    )


def _after_failure(turn: FinishedTurn, before: Enrollment, now: datetime) -> Enrollment:
    is_retried = before.attempt < len(RETRY_AFTER)
    return replace(
        before,
        state=before.state if is_retried else "failed",
        code_hash=turn.journey.code_hash,
        turn=before.turn + 1,
        attempt=before.attempt + 1,
        wake_at=now + RETRY_AFTER[before.attempt] if is_retried else None,
        error=turn.result.error,
        ended_at=None if is_retried else now,
    )


def _build_turn_row(turn: FinishedTurn, now: datetime) -> Turn:
    result, before = turn.result, turn.enrollment
    outcome = result.outcome
    if outcome == "failed" and before.attempt < len(RETRY_AFTER):
        outcome = "retrying"
    return Turn(
        enrollment_id=before.id,
        number=before.turn + 1,
        played_at=now,
        code_hash=turn.journey.code_hash,
        outcome=outcome,
        steps=result.steps,
        error=result.error,
    )


def _count(turn: FinishedTurn, before: Enrollment, after: Enrollment, tally: Tally) -> None:
    journey_id = before.journey_id
    tally.change_state(journey_id, before.state, after.state)
    tally.change_wait(
        journey_id,
        before.wait.key if before.wait else None,
        # A failed enrollment keeps its wait, to resume from, but does not count as waiting in it.
        after.wait.key if after.wait and after.is_live else None,
    )
    if after.ended_at is not None:
        tally.add_today(counters.name_ended_total(journey_id, after.state))
    for send in turn.result.sends:
        if send.status != "queued":
            tally.add_today(counters.name_send_total(send.status))
