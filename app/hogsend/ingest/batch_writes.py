"""The rows that a batch of events writes, collected while its events are decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ..domain.enrollment import Enrollment
from ..domain.entry_key import is_for_entry
from ..domain.event import Event
from ..domain.journey import Journey
from ..store import consents, contacts, counters, enrollments, events, goals, sends
from ..store.consents import ListDecision
from ..store.counters import Tally
from ..store.db import Transaction, Write
from ..store.events import NewEvent, Refusal
from .contact_state import ContactState
from .exits import ScopedExit, find_cancellations, find_merged_cancellations
from .measuring import count_goal


@dataclass
class BatchWrites:
    """The rows that a batch of events writes.

    Args:
        now: the current time.
        events: the new events.
        events_without_contact: the events of unknown browsers, each with the browser's id.
        idempotency_keys: the keys, each with its event and the digest of the request.
        refusals: the reasons why triggers enrolled no one.
        started: the new enrollments, by id.
        changed: the enrollments that existed before and have changed, by id.
        consents: the latest statement for each contact and list.
        suppressions: addresses, each with the reason and the send that caused the suppression.
        cancelled_enrollments: enrollments whose queued sends are cancelled, each with the reason.
        replaced: enrollments that exited because their contact begins the journey again.
        cancelled_journeys: the same by contact and journey, for sends of any enrollment.
        scoped_exits: exits that cancel the queued sends of some of a contact's enrollments in a
            journey.
        goals: for each contact and journey the events that may be its goal, with the journey.
    """

    now: datetime
    events: list[NewEvent] = field(default_factory=list[NewEvent])
    idempotency_keys: list[tuple[str, UUID, bytes]] = field(
        default_factory=list[tuple[str, UUID, bytes]]
    )
    events_without_contact: list[tuple[Event, str]] = field(default_factory=list[tuple[Event, str]])
    refusals: list[Refusal] = field(default_factory=list[Refusal])
    started: dict[UUID, Enrollment] = field(default_factory=dict[UUID, Enrollment])
    changed: dict[UUID, Enrollment] = field(default_factory=dict[UUID, Enrollment])
    consents: dict[tuple[UUID, str], ListDecision] = field(
        default_factory=dict[tuple[UUID, str], ListDecision]
    )
    suppressions: list[tuple[str, str, UUID | None]] = field(
        default_factory=list[tuple[str, str, UUID | None]]
    )
    cancelled_enrollments: dict[UUID, str] = field(default_factory=dict[UUID, str])
    cancelled_journeys: dict[tuple[UUID, str], str] = field(
        default_factory=dict[tuple[UUID, str], str]
    )
    replaced: list[Enrollment] = field(default_factory=list[Enrollment])
    scoped_exits: list[ScopedExit] = field(default_factory=list[ScopedExit])
    goals: dict[tuple[UUID, str], list[tuple[Journey, Event]]] = field(
        default_factory=dict[tuple[UUID, str], list[tuple[Journey, Event]]]
    )

    def put(self, enrollment: Enrollment) -> None:
        """Add an enrollment that has changed, whether it is new or existed before."""
        rows = self.started if enrollment.id in self.started else self.changed
        rows[enrollment.id] = enrollment

    async def apply(
        self,
        tx: Transaction,
        changed_contacts: Iterable[ContactState],
        identities: Sequence[tuple[str, UUID]],
        tally: Tally,
    ) -> None:
        """Write the rows.

        Args:
            tx: the transaction.
            changed_contacts: the contacts that are new or have changed.
            identities: new identities of contacts.
            tally: counts cancelled sends and reached goals.
        """
        if self.scoped_exits:
            reasons = await find_cancellations(tx, self.scoped_exits, self.now)
            self.cancelled_enrollments = {**reasons, **self.cancelled_enrollments}
        if self.replaced:
            known = self.cancelled_enrollments
            reasons = await find_merged_cancellations(tx, self.replaced, known)
            self.cancelled_enrollments = {**reasons, **known}
        await self._count_cancelled_sends(tx, tally)
        await tx.apply(self._build_writes(list(changed_contacts), identities))
        await self._record_goals(tx, tally)

    async def _count_cancelled_sends(self, tx: Transaction, tally: Tally) -> None:
        if self.cancelled_enrollments or self.cancelled_journeys:
            queued = await tx.fetch_one(
                sends.count_queued(self.cancelled_enrollments, self.cancelled_journeys)
            )
            tally.add_today(counters.name_send_total("cancelled"), queued)

    async def _record_goals(self, tx: Transaction, tally: Tally) -> None:
        """Record and count the goals that were reached, among all enrollments written by now."""
        if not self.goals:
            return
        candidates = await tx.fetch_one(goals.find_candidates(list(self.goals)))
        reached = [
            row
            for row in candidates
            if any(
                # An enrollment that this event or a later event started did not lead to the goal.
                row.trigger_event_id < event.id and is_for_entry(event, journey, row.entry_key)
                for journey, event in self.goals[row.contact_id, row.journey_id]
            )
        ]
        for row in reached:
            count_goal(row, tally)
        await tx.apply([goals.record_reached([row.id for row in reached], self.now)])

    def _build_writes(
        self, changed_contacts: list[ContactState], identities: Sequence[tuple[str, UUID]]
    ) -> list[Write]:
        """Return the writes, in an order that never violates a unique index."""
        now = self.now
        # The index allows one live enrollment for each contact, journey and entry key, so ended
        # enrollments are written before those that replace them.
        ended_first = sorted(self.changed.values(), key=lambda enrollment: enrollment.is_live)
        started = self.started.values()
        known = [state for state in changed_contacts if not state.is_new]
        return [
            contacts.insert([state.contact for state in changed_contacts if state.is_new], now),
            contacts.update([state.contact for state in known if state.has_new_values], now),
            contacts.record_last_events(
                [state.contact for state in known if not state.has_new_values], now
            ),
            contacts.add_identities(identities),
            events.insert(self.events),
            events.insert_without_contact(self.events_without_contact),
            events.insert_keys(self.idempotency_keys, now),
            enrollments.update(ended_first, now),
            enrollments.insert(started),
            enrollments.update([e for e in started if not e.is_live], now),
            events.insert_refusals(self.refusals, now),
            consents.record_decisions(list(self.consents.values()), now),
            consents.suppress(self.suppressions, now),
            sends.cancel_by_enrollments(self.cancelled_enrollments, now),
            sends.cancel_by_journeys(self.cancelled_journeys, now),
        ]
