"""Replays triggers that came while their journey was gone or broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.enrollment import Enrollment, SkipReason, exit_of
from ..domain.event import Event
from ..domain.incoming import IncomingEvent
from ..domain.journey import Journey
from ..store import counters, enrollments, events
from ..store.counters import Tally
from ..store.db import Transaction
from ..store.events import Missed
from .batch import BatchResult
from .contact_resolver import ContactResolver, ContactState
from .enroll import enter
from .rules import IngestRules

# Why such a trigger started nothing.
MISSED: SkipReason = "journey_broken"


@dataclass
class ReplayResult:
    """What became of missed triggers.

    Args:
        entered: how many people they enrolled.
        refused: how many they did not enroll after all, by reason.
        taking: what the engine and the dashboards must hear of.
    """

    entered: int = 0
    refused: dict[str, int] = field(default_factory=dict[str, int])
    taking: BatchResult = field(
        default_factory=lambda: BatchResult(topics={"enrollments", "events"})
    )


async def replay(
    tx: Transaction,
    journey: Journey,
    refusal_ids: Sequence[UUID],
    *,
    rules: IngestRules,
    tally: Tally,
    now: datetime,
) -> ReplayResult:
    """Let events that a broken journey missed start it now, through the same guards.

    The events are not stored again: their records say from now on what came of them. An event that
    ends the journey and has come since ends the enrollment at once.

    Args:
        tx: the transaction.
        journey: the journey, as it is now.
        refusal_ids: the refusals; those that are none of this kind any more are passed over.
        rules: what decides.
        tally: where changes are counted; the caller writes it.
        now: the present instant.
    """
    missed = await tx.one(events.missed(refusal_ids, MISSED))
    replaying = _Replaying(journey, rules, tally, now)
    await replaying.load(tx, missed)
    for one in missed:
        replaying.decide(one)
    await replaying.write(tx)
    return replaying.replayed


class _Replaying:
    def __init__(self, journey: Journey, rules: IngestRules, tally: Tally, now: datetime) -> None:
        self._journey = journey
        self._rules = rules
        self._tally = tally
        self._now = now
        self._people = ContactResolver(now)
        self._came: dict[UUID, list[Event]] = {}
        self._begun: list[Enrollment] = []
        self._entered: list[UUID] = []
        self._reasons: dict[UUID, str] = {}
        self._decisions: dict[UUID, dict[str, Any]] = {}
        self.replayed = ReplayResult()

    async def load(self, tx: Transaction, missed: Sequence[Missed]) -> None:
        """Read whom the triggers concern, under their locks, and what ends the journey."""
        await self._people.load(
            tx, [IncomingEvent("", contact_id=one.contact_id) for one in missed]
        )
        ending = sorted({rule.event for rule in self._journey.exit_on})
        ids = {one.contact_id for one in missed}
        ids |= {person.contact.id for person in self._people.everyone()}
        for event in await tx.one(events.named(list(ids), ending)):
            if event.contact_id is not None:
                self._came.setdefault(event.contact_id, []).append(event)

    def decide(self, missed: Missed) -> None:
        """Let one trigger start the journey, or record why it does not."""
        person, _ = self._people.of(IncomingEvent("", contact_id=missed.contact_id))
        if person is None:
            return
        entered = enter(
            self._journey,
            missed.cause,
            person,
            suppressed=self._people.suppressed,
            rules=self._rules,
            now=self._now,
        )
        self._tally.on_day_of(missed.at, counters.refused(self._journey.id, MISSED), -1)
        if isinstance(entered, str):
            self._refuse(missed, entered)
        elif entered.state == "held_out":
            self._begin(entered)
            self._refuse(missed, "held_out")
        else:
            self._enter(missed, person, entered)

    def _refuse(self, missed: Missed, reason: SkipReason) -> None:
        self._tally.on_day_of(missed.at, counters.refused(self._journey.id, reason), 1)
        self._reasons[missed.refusal_id] = reason
        counts = self.replayed.refused
        counts[reason] = counts.get(reason, 0) + 1
        self._correct(missed, {"outcome": "skipped", "reason": reason})

    def _enter(self, missed: Missed, person: ContactState, entered: Enrollment) -> None:
        self._entered.append(missed.refusal_id)
        self.replayed.entered += 1
        self._tally.today(counters.entered(self._journey.id))
        why = self._ended_since(missed, person)
        if why is None:
            self.replayed.taking.wakes[entered.id] = self._now
        else:
            del person.live[entered.id]
            self._tally.today(counters.ended(self._journey.id, "exited"))
            entered = replace(
                entered, state="exited", end_reason=why, ended_at=self._now, wake_at=None
            )
        self._begin(entered)
        self._correct(missed, {"outcome": "enrolled", "stateId": str(entered.id)})

    def _begin(self, entered: Enrollment) -> None:
        self._begun.append(entered)
        self._tally.change_state(self._journey.id, None, entered.state)

    def _ended_since(self, missed: Missed, person: ContactState) -> str | None:
        mine = {missed.contact_id, person.contact.id}
        for event in (event for one in mine for event in self._came.get(one, ())):
            arrived = event.received_at or self._now
            # Ids are in the order of arrival.
            if event.id > missed.cause.event.id and (
                rule := exit_of(self._journey, event, arrived)
            ):
                return f"exit_on {rule}"[:200]
        return None

    def _correct(self, missed: Missed, decided: dict[str, Any]) -> None:
        """Let the event's record say what came of it now."""
        event_id = missed.cause.event.id
        decisions = self._decisions.setdefault(event_id, dict(missed.decisions))
        others = [
            one
            for one in decisions.get("enrollments", ())
            if one.get("journeyId") != self._journey.id
        ]
        decisions["enrollments"] = [*others, {"journeyId": self._journey.id, **decided}]

    async def write(self, tx: Transaction) -> None:
        """Write everything that was decided."""
        await tx.apply(
            [
                enrollments.insert(self._begun),
                enrollments.update([e for e in self._begun if not e.is_live], self._now),
                events.drop_refusals(self._entered),
                events.correct_refusals(self._reasons),
                events.correct_decisions(self._decisions),
            ]
        )
