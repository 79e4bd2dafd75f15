"""Commits turns: journal, wake time, sends and triggered events, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment, State, Wait
from ..domain.entry_key import is_for_entry
from ..domain.event import Event
from ..domain.ids import new_id
from ..domain.journey import Journey
from ..ingest import BatchResult, Ingest
from ..ingest.measuring import count_arms
from ..store import contacts, counters, enrollments, events, sends, steps, turns
from ..store.counters import Tally
from ..store.db import Transaction
from ..store.turns import Turn
from .addressees import TurnAddressees
from .send_gaps import SendGaps
from .step_attempts import RETRY_AFTER
from .turn import TurnResult


@dataclass(frozen=True, slots=True)
class FinishedTurn:
    """A turn that is over and not yet committed.

    Args:
        journey: the journey's definition.
        enrollment: the enrollment before the turn.
        revision: the contact's revision when the turn's rows were loaded.
        last_seq: the number of the contact's newest event that the turn has considered.
        result: the turn's result.
    """

    journey: Journey
    enrollment: Enrollment
    revision: int
    last_seq: int
    result: TurnResult


@dataclass(frozen=True, slots=True)
class LateEvents:
    """The events that arrived for a new wait while its turn ran.

    Args:
        wait: the wait, with the number of events that it still needs.
        event: the event that has ended the wait, if enough events arrived.
    """

    wait: Wait
    event: Event | None


# A turn with its enrollment before and after.
Change = tuple[FinishedTurn, Enrollment, Enrollment]


async def commit_turns(
    tx: Transaction, finished: Sequence[FinishedTurn], ingest: Ingest, tally: Tally, now: datetime
) -> tuple[BatchResult, list[bool | Exception]]:
    """Write turns inside a transaction.

    A turn writes nothing when its enrollment has ended or moved on since the turn began. A turn
    writes nothing and runs again at once when its wait was ended, when its contact or a person whom
    it names with `to=` was merged or got another identity, address, consent or suppression, or a
    mail within the journey's gap, or when a property has changed that a wait of the turn follows.

    Args:
        tx: the transaction.
        finished: the turns.
        ingest: ingests the events that the turns trigger.
        tally: counts the changes.
        now: the current time.

    Returns:
        The changes to publish to the engine and the dashboards, and for each turn whether it was
        written.
    """
    addressees = TurnAddressees([turn.result for turn in finished], now)
    gaps = SendGaps([(turn.journey, turn.enrollment.contact_id, turn.result) for turn in finished])
    valid, present, contacts_by_id = await _select_valid(tx, finished, addressees, gaps)
    valid_ids = {turn.enrollment.id for turn in valid}
    late_by_id = await _find_late_events(tx, valid, contacts_by_id)
    changes: list[Change] = []
    for turn in valid:
        before = present[turn.enrollment.id]
        changes.append((turn, before, apply_turn(turn, before, late_by_id.get(before.id), now)))
    batch = _count_changes(changes, tally)
    addressed_sends = addressees.address([turn.result for turn in valid])
    if await addressees.write_contacts(tx, tally):
        batch.topics.add("contacts")
    dropped = (turn.enrollment for turn in finished if turn.enrollment.id not in valid_ids)
    await tx.apply(
        [
            *turns.insert(_build_turn_row(t, now) for t in valid if t.result.outcome != "early"),
            enrollments.update([after for *_, after in changes], now, freed=True),
            enrollments.release((enrollment.id, enrollment.fence) for enrollment in dropped),
            sends.insert(addressed_sends),
            *gaps.build_writes(),
            steps.delete((t.enrollment.id, key) for t in valid for key in t.result.done_steps),
        ]
    )
    if chosen := {turn.enrollment.id: turn.result.arms for turn in valid if turn.result.arms}:
        await count_arms(tx, chosen, tally)
    if triggered := [event for turn in valid for event in turn.result.triggered]:
        _add_ingested(batch, await ingest.submit_within(tx, triggered, tally, now))
    return batch, [turn.enrollment.id in valid_ids for turn in finished]


async def _select_valid(
    tx: Transaction,
    finished: Sequence[FinishedTurn],
    addressees: TurnAddressees,
    gaps: SendGaps,
) -> tuple[list[FinishedTurn], dict[UUID, Enrollment], dict[UUID, Contact]]:
    """Return the turns that may be written, the enrollments, and the turns' contacts, locked."""
    contact_ids = {turn.enrollment.contact_id for turn in finished}
    await addressees.load(tx, contact_ids)
    # The contacts' rows are locked before the enrollments are read, in the same order as ingest.
    locked, present = await tx.fetch(
        contacts.lock(contact_ids, tx.dialect.lock_rows),
        enrollments.find_by_ids([turn.enrollment.id for turn in finished]),
    )
    await gaps.load(tx)
    valid = [
        turn
        for turn in finished
        if _is_unchanged(turn, present, locked.by_id)
        and addressees.are_unchanged(turn.result)
        and gaps.keep(turn.journey, turn.enrollment.contact_id, turn.result)
    ]
    return valid, present, locked.by_id


def _count_changes(changes: Sequence[Change], tally: Tally) -> BatchResult:
    """Count the changes of enrollments, and return what to publish about the changes."""
    batch = BatchResult(topics={"enrollments"})
    for turn, before, after in changes:
        _count_turn(turn, before, after, tally)
        if after.wake_at is not None:
            batch.wakes[after.id] = after.wake_at
        if turn.result.sends:
            batch.topics.add("sends")
    return batch


def _add_ingested(batch: BatchResult, ingested: BatchResult) -> None:
    """Add the changes of triggered events, which may end or wake enrollments of this batch."""
    batch.wakes.update(ingested.wakes)
    for enrollment_id in ingested.ended:
        batch.wakes.pop(enrollment_id, None)
    batch.ended.extend(ingested.ended)
    batch.topics |= ingested.topics


def _is_unchanged(
    turn: FinishedTurn,
    enrollments_by_id: dict[UUID, Enrollment],
    contacts_by_id: dict[UUID, Contact],
) -> bool:
    """Return whether enrollment and contact are still those that the turn started from."""
    present = enrollments_by_id.get(turn.enrollment.id)
    contact = contacts_by_id.get(turn.enrollment.contact_id)
    return (
        present is not None
        and present.state in ("active", "waiting")
        and _get_version(present) == _get_version(turn.enrollment)
        and contact is not None
        and contact.revision == turn.revision
        and all(read.resolve(contact.properties) == read for read in turn.result.followed)
    )


def _get_version(enrollment: Enrollment) -> tuple[object, ...]:
    """Return the part of an enrollment that must be unchanged for its turn to be written."""
    event = enrollment.wait_result
    return (
        enrollment.turn,
        enrollment.fence,
        enrollment.contact_id,
        event.id if event else None,
        # A wait that has moved since may not be over.
        enrollment.wait.following if enrollment.wait else None,
    )


async def _find_late_events(
    tx: Transaction, valid: Sequence[FinishedTurn], locked: dict[UUID, Contact]
) -> dict[UUID, LateEvents]:
    """Find the events of new waits that have arrived since the turns read the events."""
    waiting = [
        (turn, turn.enrollment, turn.result.wait)
        for turn in valid
        if turn.result.wait is not None
        and turn.result.wait.events
        and locked[turn.enrollment.contact_id].event_seq > turn.last_seq
    ]
    if not waiting:
        return {}
    contact_ids = [enrollment.contact_id for _, enrollment, _ in waiting]
    names = sorted({match.event for *_, wait in waiting for match in wait.events})
    first_seq = min(turn.last_seq for turn, *_ in waiting)
    arrived = await tx.fetch_one(events.find_by_names(contact_ids, names, first_seq))
    late_by_id = {
        enrollment.id: _apply_late_events(turn, wait, arrived) for turn, enrollment, wait in waiting
    }
    return {key: late for key, late in late_by_id.items() if late is not None}


def _apply_late_events(
    turn: FinishedTurn, wait: Wait, arrived: Sequence[Event]
) -> LateEvents | None:
    """Return what the arrived events change about a turn's new wait; None when they change nothing.

    Args:
        turn: the turn.
        wait: the wait that the turn has ended in.
        arrived: events of any contact, in the order of arrival.
    """
    enrollment, late = turn.enrollment, None
    for event in arrived:
        if (
            event.contact_id == enrollment.contact_id
            and event.seq > turn.last_seq
            and turn.result.look_back.can_see(event, enrollment.contact_id)
            and wait.matches(event, event.received_at)
            and is_for_entry(event, turn.journey, enrollment.entry_key)
        ):
            if wait.remaining <= 1:
                return LateEvents(wait, event)
            wait = replace(wait, remaining=wait.remaining - 1)
            late = LateEvents(wait, None)
    return late


# The state after each outcome that ends a turn in order.
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
        late: the events that arrived for the turn's new wait while the turn ran.
        now: the current time.
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
        unaddressed_sends=before.unaddressed_sends
        + sum(s.reason == "no_address" and s.on_behalf_of is None for s in result.sends),
        error=None,
        end_reason=result.reason,
        ended_at=now if has_ended else None,
        # The journal has recorded the contact as of enrollment.
        person=before.person if state == "drifted" else None,
    )


def _after_failure(turn: FinishedTurn, before: Enrollment, now: datetime) -> Enrollment:
    is_retried = before.attempt < len(RETRY_AFTER)
    # An operator's retry compares later events with this instant by their ids.
    new_id.advance(now)
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


def _count_turn(turn: FinishedTurn, before: Enrollment, after: Enrollment, tally: Tally) -> None:
    journey_id = before.journey_id
    tally.change_state(journey_id, before.state, after.state)
    tally.change_wait(
        journey_id,
        before.wait.key if before.wait else None,
        # A failed enrollment keeps its wait for a restart, but does not count as waiting.
        after.wait.key if after.wait and after.is_live else None,
    )
    if after.ended_at is not None:
        tally.add_today(counters.name_ended_total(journey_id, after.state))
    for send in turn.result.sends:
        if send.status != "queued":
            tally.add_today(counters.name_send_total(send.status))
