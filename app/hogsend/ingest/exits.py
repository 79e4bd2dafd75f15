"""Exits that concern some of a contact's enrollments in a journey, by entry key or by trigger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.enrollment import (
    Enrollment,
    find_exit_rule,
    format_exit_reason,
    has_exit_naming_trigger,
)
from ..domain.event import Event
from ..domain.incoming import IncomingEvent
from ..domain.journey import Journey
from ..domain.merging import REASON as MERGED
from ..domain.trigger_conditions import names_trigger
from ..store import enrollments, events
from ..store.db import Transaction
from ..store.enrollments import QueuedEntry
from .contact_state import ContactState
from .rules import IngestRules

# The properties of triggers, by the id of the event.
Triggers = dict[UUID, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ScopedExit:
    """An event that may exit some enrollments of its contact in a journey and not others.

    Args:
        contact_id: the contact.
        journey: the journey.
        event: the event.
    """

    contact_id: UUID
    journey: Journey
    event: Event


async def load_triggers(
    tx: Transaction,
    states: Iterable[ContactState],
    incoming: Sequence[IncomingEvent],
    rules: IngestRules,
) -> Triggers:
    """Load the triggers of live enrollments whose exit rules for these events name the trigger."""
    names = rules.exits_naming_trigger & {event.name for event in incoming}
    if not names:
        return {}
    ids = {
        enrollment.trigger_event_id
        for state in states
        for enrollment in state.live.values()
        if (journey := rules.find_definition(enrollment.journey_id))
        and any(has_exit_naming_trigger(journey, name) for name in names)
    }
    return await tx.fetch_one(events.find_properties(ids)) if ids else {}


async def find_cancellations(
    tx: Transaction, scoped_exits: Sequence[ScopedExit], now: datetime
) -> dict[UUID, str]:
    """Return the enrollments whose queued sends exits cancel, each with the reason.

    A journey that has completed may still have sends in the queue.
    """
    scoped_exits = [scoped_exit for scoped_exit in scoped_exits if _can_exit(scoped_exit, now)]
    if not scoped_exits:
        return {}
    contact_ids = {scoped_exit.contact_id for scoped_exit in scoped_exits}
    queued = await tx.fetch_one(enrollments.find_with_queued_sends(contact_ids))
    trigger_ids = {
        entry.trigger_event_id
        for entry in queued
        for scoped_exit in scoped_exits
        if entry.journey_id == scoped_exit.journey.id
        and has_exit_naming_trigger(scoped_exit.journey, scoped_exit.event.name)
    }
    triggers = await tx.fetch_one(events.find_properties(trigger_ids)) if trigger_ids else {}
    reasons: dict[UUID, str] = {}
    for scoped_exit in scoped_exits:
        for entry in queued:
            place = scoped_exit.contact_id, scoped_exit.journey.id
            if (entry.contact_id, entry.journey_id) != place:
                continue
            rule = find_exit_rule(
                scoped_exit.journey,
                scoped_exit.event,
                now,
                entry_key=entry.entry_key,
                trigger=triggers.get(entry.trigger_event_id),
            )
            if rule is not None:
                reasons.setdefault(entry.enrollment_id, format_exit_reason(rule))
    return reasons


async def find_merged_cancellations(
    tx: Transaction, ended: Sequence[Enrollment], reasons: Mapping[UUID, str]
) -> dict[UUID, str]:
    """Return the enrollments that merges ended and whose queued sends an exit cancels.

    Such an enrollment and the live one that it was merged into are one entry of the person, so the
    exit of the live one ends the sends of both.

    Args:
        tx: the transaction.
        ended: enrollments that exit now.
        reasons: why, by enrollment.
    """
    by_entry = {_get_entry(enrollment): reasons[enrollment.id] for enrollment in ended}
    contact_ids = {enrollment.contact_id for enrollment in ended}
    queued = await tx.fetch_one(enrollments.find_with_queued_sends(contact_ids))
    return {
        entry.enrollment_id: by_entry[place]
        for entry in queued
        if entry.end_reason == MERGED and (place := _get_entry(entry)) in by_entry
    }


def _get_entry(enrollment: Enrollment | QueuedEntry) -> tuple[UUID, str, str]:
    return enrollment.contact_id, enrollment.journey_id, enrollment.entry_key


def _can_exit(scoped_exit: ScopedExit, now: datetime) -> bool:
    """Return whether an event meets an exit rule, apart from what only an enrollment decides."""
    event = scoped_exit.event
    return any(
        rule.event == event.name
        and (names_trigger(rule.where) or rule.matches(event.name, event.properties, now))
        for rule in scoped_exit.journey.exit_on
    )
