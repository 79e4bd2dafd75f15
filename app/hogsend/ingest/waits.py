"""What an event does to the waits of its contact: it moves some, and ends others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ..domain.enrollment import Enrollment
from ..domain.event import Event
from ..domain.following import MoveCause
from .contact_state import ContactState
from .rules import IngestRules


def move_waits(state: ContactState, cause: MoveCause, now: datetime) -> Iterator[Enrollment]:
    """Move the waits that follow the contact's properties; yield the enrollments that changed.

    Args:
        state: the contact, with its present properties.
        cause: why the properties changed.
        now: the instant of the change.
    """
    for before in list(state.live.values()):
        after = before.follow_properties(state.contact.properties, cause, now)
        if after is not before:
            state.live[after.id] = after
            yield after


def satisfy_waits(
    state: ContactState, event: Event, rules: IngestRules, now: datetime
) -> Iterator[Enrollment]:
    """Advance or end the waits for an event; yield the enrollments that changed.

    Args:
        state: the contact.
        event: the event.
        rules: the journeys, lists and switches that decide.
        now: the instant at which conditions are evaluated, and at which the next turns are due.
    """
    for before in list(state.live.values()):
        journey = rules.find_definition(before.journey_id)
        after = before.apply_event(event, journey, now, now)
        if after is not before:
            state.live[after.id] = after
            yield after
