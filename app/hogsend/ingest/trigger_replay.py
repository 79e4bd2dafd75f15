"""Replays triggers that a journey missed while its code was gone or failed to load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from ..domain.enrollment import Enrollment, find_exit_rule, format_exit_reason
from ..domain.enrollment_decision import SkipReason
from ..domain.event import Event
from ..domain.incoming import IncomingEvent
from ..domain.journey import Journey
from ..store import counters, enrollments, events
from ..store.counters import Tally
from ..store.db import Transaction
from ..store.events import MissedTrigger
from .batch_result import BatchResult
from .contact_resolver import ContactResolver
from .contact_state import ContactState
from .enroll import try_enroll
from .measuring import count_entry
from .rules import IngestRules

# The reason of the refusals that a replay decides again.
MISSED: SkipReason = "journey_broken"


@dataclass
class ReplayResult:
    """The result of a replay of missed triggers.

    Args:
        enrolled: how many contacts the triggers enrolled.
        refused: how many contacts the triggers did not enroll, by reason.
        batch: the changes, to be published after the commit.
    """

    enrolled: int = 0
    refused: dict[str, int] = field(default_factory=dict[str, int])
    batch: BatchResult = field(
        default_factory=lambda: BatchResult(topics={"enrollments", "events"})
    )


async def replay_triggers(
    tx: Transaction,
    journey: Journey,
    refusal_ids: Sequence[UUID],
    *,
    rules: IngestRules,
    tally: Tally,
    now: datetime,
) -> ReplayResult:
    """Decide again about triggers that a journey missed while it was unavailable.

    The rules are the same as for new triggers.

    The events are not stored again; their records show the new decision. If an event that exits
    the journey has arrived since, the enrollment ends immediately.

    Args:
        tx: the transaction.
        journey: the journey's current definition.
        refusal_ids: the refusals to replay; refusals that have another reason by now are skipped.
        rules: the journeys, lists and switches that decide.
        tally: counts the changes; the caller writes the tally.
        now: the current time.
    """
    missed = await tx.fetch_one(events.find_missed(refusal_ids, MISSED))
    batch = _ReplayBatch(journey, rules, tally, now)
    await batch.load(tx, missed)
    for trigger in missed:
        batch.decide(trigger)
    await batch.write(tx)
    return batch.result


class _ReplayBatch:
    """Decides about each missed trigger, and collects the rows to write."""

    def __init__(self, journey: Journey, rules: IngestRules, tally: Tally, now: datetime) -> None:
        self._journey = journey
        self._rules = rules
        self._tally = tally
        self._now = now
        self._contacts = ContactResolver(now)
        self._events_since: dict[UUID, list[Event]] = {}
        self._started: list[Enrollment] = []
        self._enrolled: list[UUID] = []
        self._reasons: dict[UUID, str] = {}
        self._decisions: dict[UUID, dict[str, Any]] = {}
        self.result = ReplayResult()

    async def load(self, tx: Transaction, missed: Sequence[MissedTrigger]) -> None:
        """Read the triggers' contacts, under their locks, and the events that exit the journey."""
        await self._contacts.load(
            tx, [IncomingEvent("", contact_id=trigger.contact_id) for trigger in missed]
        )
        ending = sorted({rule.event for rule in self._journey.exit_on})
        ids = {trigger.contact_id for trigger in missed}
        ids |= {state.contact.id for state in self._contacts.list_states()}
        for event in await tx.fetch_one(events.find_by_names(list(ids), ending)):
            if event.contact_id is not None:
                self._events_since.setdefault(event.contact_id, []).append(event)

    def decide(self, missed: MissedTrigger) -> None:
        """Decide whether a trigger starts the journey now."""
        state, _ = self._contacts.resolve(IncomingEvent("", contact_id=missed.contact_id))
        if state is None:
            return
        enrollment = try_enroll(
            self._journey,
            missed.cause,
            state,
            suppressed=self._contacts.suppressed_addresses,
            rules=self._rules,
            now=self._now,
        )
        self._tally.add_on_day(missed.at, counters.name_refused_total(self._journey.id, MISSED), -1)
        if isinstance(enrollment, str):
            self._refuse(missed, enrollment)
        elif enrollment.state == "held_out":
            self._start(enrollment)
            self._refuse(missed, "held_out")
        else:
            self._enroll(missed, state, enrollment)

    def _refuse(self, missed: MissedTrigger, reason: SkipReason) -> None:
        self._tally.add_on_day(missed.at, counters.name_refused_total(self._journey.id, reason), 1)
        self._reasons[missed.refusal_id] = reason
        counts = self.result.refused
        counts[reason] = counts.get(reason, 0) + 1
        self._correct_decision(missed, {"outcome": "skipped", "reason": reason})

    def _enroll(self, missed: MissedTrigger, state: ContactState, enrollment: Enrollment) -> None:
        self._enrolled.append(missed.refusal_id)
        self.result.enrolled += 1
        self._tally.add_today(counters.name_entered_total(self._journey.id))
        exit_reason = self._find_exit_reason_since(missed, state, enrollment.entry_key)
        if exit_reason is None:
            self.result.batch.wakes[enrollment.id] = self._now
        else:
            del state.live[enrollment.id]
            self._tally.add_today(counters.name_ended_total(self._journey.id, "exited"))
            enrollment = enrollment.exit(exit_reason, self._now)
        self._start(enrollment)
        self._correct_decision(missed, {"outcome": "enrolled", "stateId": str(enrollment.id)})

    def _start(self, enrollment: Enrollment) -> None:
        self._started.append(enrollment)
        self._tally.change_state(self._journey.id, None, enrollment.state)
        count_entry(enrollment, self._tally)

    def _find_exit_reason_since(
        self, missed: MissedTrigger, state: ContactState, entry_key: str
    ) -> str | None:
        contact_ids, trigger = {missed.contact_id, state.contact.id}, missed.cause.event
        for event in chain.from_iterable(
            self._events_since.get(contact_id, ()) for contact_id in contact_ids
        ):
            # The order of ids is the order of arrival.
            if event.id > trigger.id and (
                rule := find_exit_rule(
                    self._journey,
                    event,
                    event.received_at,
                    entry_key=entry_key,
                    trigger=trigger.properties,
                )
            ):
                return format_exit_reason(rule)
        return None

    def _correct_decision(self, missed: MissedTrigger, decision: dict[str, Any]) -> None:
        """Replace the decision about this journey in the event's record."""
        event_id = missed.cause.event.id
        decisions = self._decisions.setdefault(event_id, dict(missed.decisions))
        others = [
            row
            for row in decisions.get("enrollments", ())
            if row.get("journeyId") != self._journey.id
        ]
        decisions["enrollments"] = [*others, {"journeyId": self._journey.id, **decision}]

    async def write(self, tx: Transaction) -> None:
        """Write the rows of all decisions."""
        await tx.apply(
            [
                enrollments.insert(self._started),
                enrollments.update([e for e in self._started if not e.is_live], self._now),
                events.delete_refusals(self._enrolled),
                events.correct_refusals(self._reasons),
                events.correct_decisions(self._decisions),
            ]
        )
