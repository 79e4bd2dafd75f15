"""Lets someone enter a journey, or says why not: by an event that arrives, or one kept before."""

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
from ..domain.incoming import LONGEST_CHAIN
from ..domain.journey import Journey
from ..store.events import Cause
from .contact_resolver import ContactState
from .rules import IngestRules


def enter(
    journey: Journey,
    cause: Cause,
    person: ContactState,
    rules: IngestRules,
    now: datetime,
    *,
    suppressed: Collection[str],
    instead_of: Collection[Enrollment] = (),
    broken: bool = False,
) -> Enrollment | SkipReason:
    """Decide whether an event enrolls its contact; note in `person` that it did.

    Args:
        journey: which journey.
        cause: the event, and how far it is from the outside.
        person: whom it concerns, as of now; the survivor, if they were merged since.
        rules: what decides.
        now: the present instant.
        suppressed: addresses that must not be mailed.
        instead_of: live enrollments whose place the new one takes, which then count neither as
            live nor as an entry.
        broken: whether the journey's code is gone or cannot be used.

    Returns:
        The new enrollment, which is over at once for those who are held out, or why there is none.
    """
    event, key = cause.event, entry_key_of(journey, cause.event) or ""
    place = journey.id, key
    live = [e for e in person.live.values() if (e.journey_id, e.entry_key) == place]
    held_out = not instead_of and _is_held_out(journey, person)
    decision = decide_enrollment(
        journey,
        event,
        EnrollmentFacts(
            switched_off=journey.id in rules.switched_off,
            broken=broken,
            late=not journey.accept_late and _came_late(event, rules),
            looped=cause.depth > LONGEST_CHAIN,
            live=any(e not in instead_of for e in live),
            last_entry=None if instead_of else person.entries.get(place),
            subscribed=person.consents.gets(rules.list_of(journey)),
            suppressed=(person.contact.email or "") in suppressed,
            held_out=held_out,
        ),
        now,
    )
    if not isinstance(decision, Enroll) and decision.reason != "held_out":
        return decision.reason
    begun = _begin(journey, event, person, now, held_out=held_out)
    if begun.is_live:
        person.live[begun.id] = begun
    person.entries[place] = now
    person.held_out.setdefault(journey.id, held_out)
    return begun


def _is_held_out(journey: Journey, person: ContactState) -> bool:
    """Say whether a journey leaves somebody out: as before, whoever they were merged with."""
    before = person.held_out.get(journey.id)
    if before is None or not journey.holdout:
        return is_held_out(journey, person.contact.id)
    return before


def _begin(
    journey: Journey, event: Event, person: ContactState, now: datetime, *, held_out: bool
) -> Enrollment:
    """Return a new enrollment; one that is held out is over at birth."""
    return Enrollment(
        id=new_id(now),
        contact_id=person.contact.id,
        journey_id=journey.id,
        entry_key=entry_key_of(journey, event) or "",
        state="held_out" if held_out else "active",
        trigger_event_id=event.id,
        code_hash=journey.code_hash,
        entered_at=now,
        wake_at=None if held_out else now,
        look_back=LookBack.behind(event, person.contact.id),
        ended_at=now if held_out else None,
        person=None if held_out else snapshot(person.contact),
    )


def _came_late(event: Event, rules: IngestRules) -> bool:
    """Say whether an event was late when it arrived; how long it was kept since is no lateness."""
    if event.occurred_at is None or event.received_at is None:
        return False
    return event.received_at - event.occurred_at > rules.late_after
