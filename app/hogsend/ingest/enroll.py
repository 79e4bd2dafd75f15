"""Decides whether an event enrolls its contact in a journey, now or when it is replayed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from ..domain.contact import snapshot
from ..domain.enrollment import (
    Enroll,
    Enrollment,
    EnrollmentFacts,
    LookBack,
    SkipReason,
    decide_enrollment,
    entry_key_of,
    is_held_out,
)
from ..domain.event import Event
from ..domain.ids import new_id
from ..domain.incoming import MAX_CHAIN_LENGTH
from ..domain.journey import Journey
from ..store.events import Cause
from .contact_resolver import ContactState
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
    broken: bool = False,
) -> Enrollment | SkipReason:
    """Decide whether an event enrolls its contact; record it in `state` if it does.

    Args:
        journey: which journey.
        cause: the event, and the length of the chain of causes behind it.
        state: its contact as of now; the survivor, if it was merged since.
        rules: the journeys, lists and switches that decide.
        now: the present instant.
        suppressed: addresses that must not be mailed.
        replaces: live enrollments that the new one replaces, which then count neither as live nor
            as an entry.
        broken: whether the journey's code is gone or cannot be used.

    Returns:
        The new enrollment, which ends at once for a contact that is held out, or the reason why
        there is none.
    """
    event, key = cause.event, entry_key_of(journey, cause.event) or ""
    place = journey.id, key
    live = [e for e in state.live.values() if (e.journey_id, e.entry_key) == place]
    held_out = not replaces and _is_held_out(journey, state)
    decision = decide_enrollment(
        journey,
        event,
        EnrollmentFacts(
            switched_off=journey.id in rules.switched_off,
            broken=broken,
            late=not journey.accept_late and _arrived_late(event, rules),
            looped=cause.depth > MAX_CHAIN_LENGTH,
            live=any(e not in replaces for e in live),
            last_entry=None if replaces else state.entries.get(place),
            subscribed=state.consents.allows(rules.list_of(journey)),
            suppressed=(state.contact.email or "") in suppressed,
            held_out=held_out,
        ),
        now,
    )
    if not isinstance(decision, Enroll) and decision.reason != "held_out":
        return decision.reason
    enrollment = _start(journey, event, state, now, held_out=held_out)
    if enrollment.is_live:
        state.live[enrollment.id] = enrollment
    state.entries[place] = now
    state.held_out_by_journey.setdefault(journey.id, held_out)
    return enrollment


def _is_held_out(journey: Journey, state: ContactState) -> bool:
    """Return whether a journey holds a contact out; a merge does not change it."""
    before = state.held_out_by_journey.get(journey.id)
    if before is None or not journey.holdout:
        return is_held_out(journey, state.contact.id)
    return before


def _start(
    journey: Journey, event: Event, state: ContactState, now: datetime, *, held_out: bool
) -> Enrollment:
    """Return a new enrollment; one that is held out has ended already."""
    return Enrollment(
        id=new_id(now),
        contact_id=state.contact.id,
        journey_id=journey.id,
        entry_key=entry_key_of(journey, event) or "",
        state="held_out" if held_out else "active",
        trigger_event_id=event.id,
        code_hash=journey.code_hash,
        entered_at=now,
        wake_at=None if held_out else now,
        look_back=LookBack.behind(event, state.contact.id),
        ended_at=now if held_out else None,
        person=None if held_out else snapshot(state.contact),
    )


def _arrived_late(event: Event, rules: IngestRules) -> bool:
    """Return whether an event arrived late; the time since it was stored does not count."""
    if event.occurred_at is None or event.received_at is None:
        return False
    return event.received_at - event.occurred_at > rules.late_after
