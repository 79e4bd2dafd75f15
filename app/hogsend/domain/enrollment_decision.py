"""The decision whether an event enrolls its contact in a journey."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from .assignment import compute_point
from .entry_key import compute_entry_key
from .event import Event
from .journey import Journey
from .records import record

SkipReason = Literal[
    "disabled",
    "disabled_by_operator",
    "where_not_met",
    "already_live",
    "already_entered",
    "too_soon",
    "unsubscribed",
    "suppressed",
    "held_out",
    "journey_broken",
    "late_event",
    "no_key",
    "trigger_loop",
]


@record
class Enroll:
    """The decision to enroll."""

    journey_id: str
    entry_key: str


@record
class Skip:
    """The decision not to enroll, and why."""

    journey_id: str
    reason: SkipReason


@record
class EnrollmentFacts:
    """The facts that the decision about an enrollment depends on.

    Args:
        is_switched_off: an operator has switched the journey off.
        is_unavailable: the journey's code is gone or fails to load.
        is_late: the event happened too long before it arrived.
        is_looped: the chain of journeys that triggered the event is too long.
        is_live: the contact is in the journey now, with this entry key.
        last_entry: when the contact last entered the journey with this entry key, if ever.
        is_subscribed: the contact is subscribed to the journey's list.
        is_suppressed: the contact's address is suppressed.
        is_held_out: the contact is in the journey's control group.
    """

    is_switched_off: bool = False
    is_unavailable: bool = False
    is_late: bool = False
    is_looped: bool = False
    is_live: bool = False
    last_entry: datetime | None = None
    is_subscribed: bool = True
    is_suppressed: bool = False
    is_held_out: bool = False


def is_held_out(journey: Journey, contact_id: UUID) -> bool:
    """Return whether a contact is in a journey's control group; the answer never changes.

    Args:
        journey: the journey, with the percentage of contacts to hold out.
        contact_id: the contact.
    """
    if not journey.holdout:
        return False
    return compute_point(f"holdout:{journey.id}:{contact_id}") * 100 < journey.holdout


def decide_enrollment(
    journey: Journey, event: Event, facts: EnrollmentFacts, now: datetime
) -> Enroll | Skip:
    """Decide whether an event enrolls its contact; the first refusal wins.

    Args:
        journey: a journey that the event triggers.
        event: the event.
        facts: the state of the contact and the journey.
        now: the current time.
    """
    reason = _find_refusal(journey, event, facts, now)
    if reason is not None:
        return Skip(journey.id, reason)
    return Enroll(journey.id, compute_entry_key(journey, event) or "")


def _find_refusal(
    journey: Journey, event: Event, facts: EnrollmentFacts, now: datetime
) -> SkipReason | None:
    # Not a table of conditions, which would evaluate all of them for every event.
    return (
        _find_refusal_of_journey(journey, event, facts, now)
        or _find_refusal_of_event(journey, event, facts)
        or _find_refusal_of_contact(journey, facts, now)
    )


def _find_refusal_of_journey(
    journey: Journey, event: Event, facts: EnrollmentFacts, now: datetime
) -> SkipReason | None:
    if not journey.enabled:
        return "disabled"
    if facts.is_switched_off:
        return "disabled_by_operator"
    where = journey.trigger.where
    if where is not None and not where.matches(event.properties, now):
        return "where_not_met"
    return "journey_broken" if facts.is_unavailable else None


def _find_refusal_of_event(
    journey: Journey, event: Event, facts: EnrollmentFacts
) -> SkipReason | None:
    if facts.is_late:
        return "late_event"
    if facts.is_looped:
        return "trigger_loop"
    if compute_entry_key(journey, event) is None:
        return "no_key"
    return "already_live" if facts.is_live else None


def _find_refusal_of_contact(
    journey: Journey, facts: EnrollmentFacts, now: datetime
) -> SkipReason | None:
    if journey.entry.limit == "once" and facts.last_entry is not None:
        return "already_entered"
    if _is_too_soon(journey, facts.last_entry, now):
        return "too_soon"
    if not facts.is_subscribed:
        return "unsubscribed"
    if facts.is_suppressed:
        return "suppressed"
    return "held_out" if facts.is_held_out else None


def _is_too_soon(journey: Journey, last_entry: datetime | None, now: datetime) -> bool:
    period = journey.entry.period
    return period is not None and last_entry is not None and now - last_entry < period
