"""Decides whether an event enrolls its contact in a journey, on arrival or in a replay."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from ..domain.contact import to_snapshot
from ..domain.enrollment import Enrollment, LookBack
from ..domain.enrollment_decision import (
    Enroll,
    EnrollmentFacts,
    SkipReason,
    decide_enrollment,
    is_held_out,
)
from ..domain.entry_key import compute_entry_key
from ..domain.event import Event
from ..domain.ids import new_id
from ..domain.incoming import MAX_CHAIN_LENGTH
from ..domain.journey import Journey
from ..store.events import Cause
from .contact_state import ContactState
from .rules import IngestRules


def try_enroll(
    journey: Journey,
    cause: Cause,
    state: ContactState,
    rules: IngestRules,
    now: datetime,
    *,
    suppressed: Collection[str],
    replaces: Collection[Enrollment] = (),
    is_unavailable: bool = False,
) -> Enrollment | SkipReason:
    """Decide whether an event enrolls its contact, and record an enrollment in `state`.

    Args:
        journey: the journey.
        cause: the event, and the length of the chain of causes behind it.
        state: the event's contact as of now; the survivor, if the contact was merged since.
        rules: the journeys, lists and switches that decide.
        now: the current time.
        suppressed: addresses that must not be mailed.
        replaces: live enrollments that the new enrollment replaces, and that therefore do not keep
            the contact from entering.
        is_unavailable: whether the journey's code is gone or fails to load.

    Returns:
        The new enrollment, which has ended already if the contact is held out; or the reason why
        the contact is not enrolled.
    """
    event = cause.event
    entry = journey.id, compute_entry_key(journey, event) or ""
    facts = EnrollmentFacts(
        is_switched_off=journey.id in rules.switched_off_ids,
        is_unavailable=is_unavailable,
        is_late=not journey.accept_late and _has_arrived_late(event, rules),
        is_looped=cause.depth > MAX_CHAIN_LENGTH,
        is_live=_is_in_journey(state, entry, replaces),
        last_entry=None if replaces else state.find_last_entry(entry),
        is_subscribed=state.consents.allows(rules.find_list(journey.list_id)),
        is_suppressed=(state.contact.email or "") in suppressed,
        is_held_out=not replaces and _is_held_out(journey, state),
    )
    decision = decide_enrollment(journey, event, facts, now)
    if not isinstance(decision, Enroll) and decision.reason != "held_out":
        return decision.reason
    enrollment = _start(entry, journey, event, state, now, held_out=facts.is_held_out)
    if enrollment.is_live:
        state.live[enrollment.id] = enrollment
    state.entries[entry] = now
    state.held_out_by_journey.setdefault(journey.id, facts.is_held_out)
    return enrollment


def _is_in_journey(
    state: ContactState, entry: tuple[str, str], replaces: Collection[Enrollment]
) -> bool:
    """Return whether a contact has a live enrollment that is not replaced.

    Args:
        state: the contact.
        entry: the journey's id and the entry key.
        replaces: the enrollments that the new one replaces.
    """
    return any(
        (enrollment.journey_id, enrollment.entry_key) == entry and enrollment not in replaces
        for enrollment in state.live.values()
    )


def _is_held_out(journey: Journey, state: ContactState) -> bool:
    """Return whether a journey holds a contact out; a merge does not change the answer."""
    earlier_answer = state.held_out_by_journey.get(journey.id)
    if earlier_answer is None or not journey.holdout:
        return is_held_out(journey, state.contact.id)
    return earlier_answer


def _start(
    entry: tuple[str, str],
    journey: Journey,
    event: Event,
    state: ContactState,
    now: datetime,
    *,
    held_out: bool,
) -> Enrollment:
    """Return a new enrollment, which has ended already if the contact is held out."""
    return Enrollment(
        id=new_id(now),
        contact_id=state.contact.id,
        journey_id=journey.id,
        entry_key=entry[1],
        state="held_out" if held_out else "active",
        trigger_event_id=event.id,
        code_hash=journey.code_hash,
        entered_at=now,
        wake_at=None if held_out else now,
        look_back=LookBack.start_after(event, state.contact.id),
        ended_at=now if held_out else None,
        person=None if held_out else to_snapshot(state.contact),
        # A person counts once: later entries are not independent of the first one.
        measured_as=None if state.has_entered(entry) else journey.measured_as,
    )


def _has_arrived_late(event: Event, rules: IngestRules) -> bool:
    """Return whether an event arrived long after it happened."""
    return event.received_at - event.occurred_at > rules.late_after
