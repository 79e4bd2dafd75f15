"""Commits what turns came to: journal, wake time, sends and triggered events, all or nothing."""

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
class Played:
    """A turn that is over and not yet committed.

    Args:
        journey: what was played.
        enrollment: as it was before the turn.
        seen: the number of the contact's newest event when the turn began.
        result: what it came to.
    """

    journey: Journey
    enrollment: Enrollment
    seen: int
    result: TurnResult


@dataclass(frozen=True, slots=True)
class Found:
    """What came for a new wait while its turn was played.

    Args:
        wait: the wait, with how many events it still takes.
        event: what has ended it, if enough came.
    """

    wait: Wait
    event: Event | None


async def commit(
    tx: Transaction, played: Sequence[Played], ingest: Ingest, tally: Tally, now: datetime
) -> tuple[BatchResult, list[bool | Exception]]:
    """Write turns inside a transaction.

    A turn whose enrollment has ended or moved on meanwhile writes nothing; so does one whose wait
    has been ended or whose person has become another one, and it is played again.

    Args:
        tx: the transaction.
        played: the turns.
        ingest: takes the events that they trigger.
        tally: where changes are counted.
        now: the present instant.

    Returns:
        What the engine and the dashboards must hear of, and for each turn whether it counted.
    """
    # The contacts' rows are locked before the enrollments are read, as ingest does it.
    locked, present = await tx.fetch(
        contacts.locked({one.enrollment.contact_id for one in played}, tx.dialect.lock_rows),
        enrollments.by_ids([one.enrollment.id for one in played]),
    )
    taking = BatchResult(topics={"enrollments"})
    kept = [one for one in played if _still_ours(one, present.get(one.enrollment.id))]
    counted = {one.enrollment.id for one in kept}
    found = await _look_again(tx, kept, locked.people)
    after: list[Enrollment] = []
    triggered: list[IncomingEvent] = []
    for one in kept:
        before = present[one.enrollment.id]
        moved = after_turn(one, before, found.get(before.id), now)
        after.append(moved)
        triggered.extend(one.result.triggered)
        _count(one, before, moved, tally)
        if moved.wake_at is not None:
            taking.wakes[moved.id] = moved.wake_at
        if one.result.sends:
            taking.topics.add("sends")
    await tx.apply(
        [
            *turns.insert(_turn(one, now) for one in kept if one.result.outcome != "early"),
            enrollments.update(after, now, freed=True),
            enrollments.free(_begun(one) for one in played if one.enrollment.id not in counted),
            sends.insert(send for one in kept for send in one.result.sends),
            steps.forget((one.enrollment.id, key) for one in kept for key in one.result.done_steps),
        ]
    )
    if triggered:
        caused = await ingest.submit_within(tx, triggered, tally, now)
        # An event of its own may have woken or ended one that has just been written.
        taking.wakes.update(caused.wakes)
        for ended in caused.ended:
            taking.wakes.pop(ended, None)
        taking.ended.extend(caused.ended)
        taking.topics |= caused.topics
    return taking, [one.enrollment.id in counted for one in played]


def _begun(one: Played) -> tuple[UUID, int]:
    return one.enrollment.id, one.enrollment.fence


def _still_ours(one: Played, present: Enrollment | None) -> bool:
    return (
        present is not None
        and present.state in ("active", "waiting")
        and _stands(present) == _stands(one.enrollment)
    )


def _stands(enrollment: Enrollment) -> tuple[object, ...]:
    """Return what a turn has built upon."""
    result = enrollment.wait_result
    return (
        enrollment.turn,
        enrollment.fence,
        enrollment.contact_id,
        result.id if result else None,
    )


async def _look_again(
    tx: Transaction,
    played: Sequence[Played],
    people: dict[UUID, Contact],
) -> dict[UUID, Found]:
    """Look once more for what new waits wait for: it may have come since the turn looked."""
    late = [
        (one.enrollment, one.seen, one.result.look_back, one.result.wait)
        for one in played
        if one.result.wait is not None
        and one.result.wait.events
        and people[one.enrollment.contact_id].event_seq > one.seen
    ]
    if not late:
        return {}
    contact_ids = [enrollment.contact_id for enrollment, *_ in late]
    # Somebody may have been merged into them meanwhile, whose events are numbered apart.
    merged = await tx.one(contacts.family_of(contact_ids))
    names = sorted({match.event for *_, wait in late for match in wait.events})
    came, apart = await tx.fetch(
        events.named(contact_ids, names, min(seen for _, seen, *_ in late)),
        events.named(list(merged), names),
    )
    came = sorted([*came, *(replace(e, seq=0) for e in apart)], key=lambda event: event.id)
    found: dict[UUID, Found] = {}
    for enrollment, seen, look_back, wait in late:
        for event in came:
            whose = event.contact_id
            mine = whose == enrollment.contact_id and event.seq > seen
            if (
                (mine or (whose and merged.get(whose) == enrollment.contact_id))
                and look_back.sees(event, enrollment.contact_id)
                and wait.matches(event, event.received_at or enrollment.entered_at)
            ):
                if wait.more <= 1:
                    found[enrollment.id] = Found(wait, event)
                    break
                wait = replace(wait, more=wait.more - 1)
                found[enrollment.id] = Found(wait, None)
    return found


_STATES: dict[str, State] = {
    "waiting": "waiting",
    "completed": "completed",
    "exited": "exited",
    "drifted": "drifted",
}


def after_turn(one: Played, before: Enrollment, found: Found | None, now: datetime) -> Enrollment:
    """Return the enrollment as it is after its turn.

    Args:
        one: the turn.
        before: the enrollment as it is now.
        found: what a second look found of what the turn waits for.
        now: the present instant.
    """
    result = one.result
    if result.outcome == "early":
        until = before.wait.until if before.wait else None
        return replace(before, wake_at=until)
    if result.outcome == "failed":
        return _after_failure(one, before, now)
    state = _STATES[result.outcome]
    ended = state in ("completed", "exited")
    wait = found.wait if found else result.wait
    came = found.event if found else None
    wake_at = (now if came else wait.until) if wait else None
    return replace(
        before,
        state=state,
        code_hash=one.journey.code_hash,
        turn=before.turn + 1,
        attempt=0,
        wake_at=wake_at,
        wait=before.wait if state == "drifted" else wait,
        wait_result=before.wait_result if state == "drifted" else came,
        look_back=result.look_back,
        sends=before.sends + sum(send.status == "queued" for send in result.sends),
        error=None,
        end_reason=result.reason,
        ended_at=now if ended else None,
        # The journal has it now.
        person=before.person if state == "drifted" else None,
    )


def _after_failure(one: Played, before: Enrollment, now: datetime) -> Enrollment:
    again = before.attempt < len(RETRY_AFTER)
    return replace(
        before,
        state=before.state if again else "failed",
        code_hash=one.journey.code_hash,
        turn=before.turn + 1,
        attempt=before.attempt + 1,
        wake_at=now + RETRY_AFTER[before.attempt] if again else None,
        error=one.result.error,
        ended_at=None if again else now,
    )


def _turn(one: Played, now: datetime) -> Turn:
    result, before = one.result, one.enrollment
    outcome = result.outcome
    if outcome == "failed" and before.attempt < len(RETRY_AFTER):
        outcome = "retrying"
    return Turn(
        enrollment_id=before.id,
        number=before.turn + 1,
        played_at=now,
        code_hash=one.journey.code_hash,
        outcome=outcome,
        steps=result.steps,
        error=result.error,
    )


def _count(one: Played, before: Enrollment, after: Enrollment, tally: Tally) -> None:
    journey_id = before.journey_id
    tally.change_state(journey_id, before.state, after.state)
    tally.change_wait(
        journey_id,
        before.wait.key if before.wait else None,
        # One that has failed keeps its wait, for whoever lets it go on, and is in it no more.
        after.wait.key if after.wait and after.is_live else None,
    )
    if after.ended_at is not None:
        tally.today(counters.ended(journey_id, after.state))
    for send in one.result.sends:
        if send.status != "queued":
            tally.today(counters.sends(send.status))
