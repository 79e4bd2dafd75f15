"""Decides a batch of events in memory: loads once, decides, writes once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.enrollment import Enrollment, find_exit_rule, format_exit_reason, has_scoped_exit
from ..domain.enrollment_decision import SkipReason
from ..domain.entry_key import compute_entry_key
from ..domain.event import Event
from ..domain.following import MoveCause
from ..domain.ids import new_id
from ..domain.incoming import (
    CONTACT_CREATED,
    MAX_CHAIN_LENGTH,
    IncomingEvent,
    IngestResult,
)
from ..domain.journey import EVERYTHING, Journey
from ..errors import Conflict, Forbidden, NotFound, TooLarge
from ..store import counters
from ..store.consents import ListDecision
from ..store.counters import Tally
from ..store.db import Transaction
from ..store.events import Cause, KnownKey, NewEvent, Refusal
from .anonymous_events import can_wait
from .batch_result import (
    EnrollmentRows,
    build_repeated_result,
    build_unchanged_result,
    to_row,
)
from .batch_writes import BatchWrites
from .contact_properties import fold_changes
from .contact_resolver import ContactResolver, MergeNeeded
from .contact_state import ContactState
from .enroll import try_enroll
from .exits import ScopedExit, Triggers, load_triggers
from .measuring import count_entry
from .rules import IngestRules
from .waits import move_waits, satisfy_waits


class IngestBatch:
    """Decides in memory what each event of a batch does, and collects the rows to write.

    Args:
        rules: the journeys, lists and switches that decide.
        tally: counts the changes.
        now: the current time.

    Attributes:
        wakes: the due times of the enrollments that the batch starts or wakes, by enrollment.
        ended: the enrollments that the batch exits.
        topics: the kinds of rows that the batch changes.
        decided: how many events were decided so far.
    """

    def __init__(self, rules: IngestRules, tally: Tally, now: datetime) -> None:
        self._rules = rules
        self._tally = tally
        self._now = now
        self._contacts = ContactResolver(now)
        self._known_keys: dict[str, KnownKey] = {}
        self._triggers: Triggers = {}
        self._writes = BatchWrites(now)
        # The browsers whose events this batch stores without a contact.
        self._unknown_browsers: set[str] = set()
        self.wakes: dict[UUID, datetime] = {}
        self.ended: list[UUID] = []
        self.topics: set[str] = {"events"}
        self.decided = 0

    async def load(self, tx: Transaction, incoming: Sequence[IncomingEvent]) -> None:
        """Read the rows that deciding the events requires."""
        with_entries = any(self._rules.is_trigger(event.name) for event in incoming)
        self._known_keys = await self._contacts.load(tx, incoming, with_entries=with_entries)
        states = self._contacts.list_states()
        self._triggers = await load_triggers(tx, states, incoming, self._rules)

    async def write(self, tx: Transaction) -> None:
        """Write the changes that `decide` has made."""
        self._writes.suppressions += self._contacts.new_suppressions
        changed = [state for state in self._contacts.list_states() if state.changed]
        await self._writes.apply(tx, changed, self._contacts.new_identities, self._tally)

    def decide(self, incoming: IncomingEvent) -> IngestResult | Exception:
        """Decide what an event does.

        Raises:
            MergeNeeded: the event shows that several contacts are one person.
        """
        result: IngestResult | Exception | None = self._find_repeated_result(incoming)
        if result is None:
            try:
                result = self._decide_new(incoming)
            except (Conflict, Forbidden, TooLarge) as refusal:
                result = refusal
        self.decided += 1
        return result

    def _decide_new(self, incoming: IncomingEvent) -> IngestResult | Exception:
        if incoming.anonymous_id and self._is_of_unknown_browser(incoming):
            return self._store_without_contact(incoming, incoming.anonymous_id)
        changes = self._contacts.identity_changes
        state, conflict = self._contacts.resolve(incoming)
        if state is None:
            return NotFound("This contact does not exist.")
        if incoming.is_contact_change:
            if state.is_new and not state.changed:
                incoming = replace(incoming, name=CONTACT_CREATED)
            elif self._contacts.identity_changes == changes and state.has_values(incoming):
                state.mark_seen(incoming, self._now)
                return build_unchanged_result(state.contact, self._now)
        if incoming.source == "recipient" and state.has_chosen(incoming.lists):
            return build_unchanged_result(state.contact, self._now)
        return self._decide_for(incoming, state, conflict)

    def _is_of_unknown_browser(self, incoming: IncomingEvent) -> bool:
        """Return whether an event has no contact yet, and needs none."""
        if can_wait(incoming, self._rules):
            return self._contacts.find_by_identity(f"a:{incoming.anonymous_id}") is None
        if incoming.anonymous_id in self._unknown_browsers:
            raise MergeNeeded([])
        return False

    def _store_without_contact(self, incoming: IncomingEvent, browser: str) -> IngestResult:
        event = Event(
            id=incoming.event_id or new_id(self._now),
            name=incoming.name,
            properties=incoming.properties,
            occurred_at=incoming.timestamp or self._now,
            received_at=self._now,
            source=incoming.source,
        )
        self._unknown_browsers.add(browser)
        self._writes.events_without_contact.append((event, browser))
        self._tally.add_today(counters.EVENTS)
        self._remember_key(incoming, event, {})
        return IngestResult(stored=True, event_id=event.id, contact_id=None, contact_key=browser)

    def _remember_key(
        self, incoming: IncomingEvent, event: Event, decisions: dict[str, Any]
    ) -> None:
        if incoming.idempotency_key:
            key = incoming.idempotency_key
            self._writes.idempotency_keys.append((key, event.id, incoming.digest))
            self._known_keys[key] = KnownKey(event.id, incoming.digest, event.contact_id, decisions)

    def _find_repeated_result(self, incoming: IncomingEvent) -> IngestResult | None:
        """Return the result of the first request, if the idempotency key is known."""
        key = incoming.idempotency_key
        known_key = self._known_keys.get(key) if key else None
        return build_repeated_result(known_key, incoming.digest) if known_key else None

    def _decide_for(
        self, incoming: IncomingEvent, state: ContactState, conflict: bool
    ) -> IngestResult:
        event = self._record_on_contact(incoming, state)
        is_new_contact = state.is_new and event.seq == 1
        if is_new_contact:
            self._tally.add_to_gauge(counters.CONTACTS, 1)
            self.topics.add("contacts")
        lists_error = self._change_lists(incoming, state)
        if incoming.suppress:
            address, reason = incoming.suppress.address, incoming.suppress.reason
            self._writes.suppressions.append((address, reason, incoming.send_id))
            self._contacts.suppressed_addresses[address] = reason
            state.raise_revision()
        exits: EnrollmentRows = []
        waits: EnrollmentRows = []
        # With `only_journey`, an operator enrolls the contact by hand: no other journey reacts.
        if incoming.only_journey is None:
            exits = self._exit_enrollments(event, state)
        if incoming.contact_properties or incoming.contact_defaults:
            self._move_waits(event, state)
        if incoming.only_journey is None:
            waits = self._satisfy_waits(event, state)
            self._collect_goals(event, state)
        enrolled = self._enroll(incoming, event, state)
        rows_by_name = (("enrollments", enrolled), ("exits", exits), ("waits", waits))
        decisions: dict[str, Any] = {name: rows for name, rows in rows_by_name if rows}
        if conflict:
            decisions["conflict"] = "another contact owns an address or browser id of this event"
        if lists_error:
            decisions["listsError"] = lists_error
        self._store(incoming, event, decisions)
        return IngestResult(
            stored=True,
            event_id=event.id,
            contact_id=event.contact_id,
            contact_key=state.contact.key,
            enrollments=enrolled,
            exits=exits,
            waits=waits,
            lists_error=lists_error,
            created=is_new_contact,
        )

    def _record_on_contact(self, incoming: IncomingEvent, state: ContactState) -> Event:
        """Give the event the contact's next number, and update the contact's properties."""
        contact = state.contact
        event = Event(
            id=incoming.event_id or new_id(self._now),
            name=incoming.name,
            properties=incoming.properties,
            seq=contact.event_seq + 1,
            occurred_at=incoming.timestamp or self._now,
            received_at=self._now,
            source=incoming.source,
            contact_id=contact.id,
            depth=incoming.depth,
        )
        properties = fold_changes(contact, incoming)
        state.contact = contact.take_event(event.seq, self._now, properties)
        state.changed = True
        return event

    def _store(self, incoming: IncomingEvent, event: Event, decisions: dict[str, Any]) -> None:
        self._writes.events.append(
            NewEvent(
                event,
                decisions,
                incoming.value,
                incoming.currency,
                incoming.cause_id,
                incoming.depth,
            )
        )
        self._tally.add_today(counters.EVENTS)
        self._remember_key(incoming, event, decisions)

    def _change_lists(self, incoming: IncomingEvent, state: ContactState) -> str | None:
        """Apply the list changes; return why some had no effect, if any."""
        if not incoming.lists:
            return None
        contact = state.contact
        if not contact.email and incoming.contact_id is None:
            return "Contact has no email; cannot manage list membership"
        unknown = sorted(
            list_id
            for list_id in incoming.lists
            if list_id != EVERYTHING
            and list_id not in self._rules.lists
            # The link in a mail may name a list that has been removed from the code since.
            and incoming.source != "recipient"
        )
        state.raise_revision()
        for list_id, subscribed in incoming.lists.items():
            if list_id in unknown:
                continue
            if state.subscriptions.get(list_id) is not False and not subscribed:
                self._tally.add_today(counters.UNSUBSCRIBES)
            state.subscriptions[list_id] = subscribed
            self._writes.consents[contact.id, list_id] = ListDecision(
                contact.id, list_id, subscribed, incoming.source, incoming.send_id
            )
        self.topics.add("contacts")
        return f"Unknown list: {', '.join(unknown)}" if unknown else None

    def _exit_enrollments(self, event: Event, state: ContactState) -> EnrollmentRows:
        """Exit the live enrollments that the event ends, and cancel their queued sends."""
        exits: EnrollmentRows = []
        for enrollment in list(state.live.values()):
            journey = self._rules.find_definition(enrollment.journey_id)
            if journey is None or not journey.exit_on:
                continue
            rule = find_exit_rule(
                journey,
                event,
                self._now,
                entry_key=enrollment.entry_key,
                trigger=self._triggers.get(enrollment.trigger_event_id),
            )
            if rule is not None:
                self._exit(state, enrollment, format_exit_reason(rule))
            exits.append(to_row(enrollment) | {"exited": rule is not None})
        if not state.is_new:
            self._cancel_sends(event, state)
        return exits

    def _cancel_sends(self, event: Event, state: ContactState) -> None:
        """Cancel the sends that journeys which have completed may still have in the queue."""
        for journey in self._rules.find_by_exit(event.name):
            if has_scoped_exit(journey, event.name):
                self._writes.scoped_exits.append(ScopedExit(state.contact.id, journey, event))
            elif rule := find_exit_rule(journey, event, self._now, entry_key="", trigger=None):
                place = state.contact.id, journey.id
                self._writes.cancelled_journeys[place] = format_exit_reason(rule)

    def _exit(self, state: ContactState, enrollment: Enrollment, reason: str) -> None:
        del state.live[enrollment.id]
        self._writes.put(enrollment.exit(reason, self._now))
        journey_id = enrollment.journey_id
        self._tally.change_state(journey_id, enrollment.state, "exited")
        self._tally.change_wait(journey_id, enrollment.wait.key if enrollment.wait else None, None)
        self._tally.add_today(counters.name_ended_total(journey_id, "exited"))
        self._writes.cancelled_enrollments[enrollment.id] = reason
        self.wakes.pop(enrollment.id, None)
        self.ended.append(enrollment.id)
        self.topics.update(("enrollments", "sends"))

    def _satisfy_waits(self, event: Event, state: ContactState) -> EnrollmentRows:
        """End the waits for this event, unless it ends too long a chain of causes."""
        waits: EnrollmentRows = []
        if event.depth > MAX_CHAIN_LENGTH:
            return waits
        for after in satisfy_waits(state, event, self._rules, self._now):
            self._writes.put(after)
            if after.wait_result is not None:
                self.wakes[after.id] = self._now
                waits.append(to_row(after))
        return waits

    def _move_waits(self, event: Event, state: ContactState) -> None:
        """Move the waits that follow the properties which the event has changed."""
        for after in move_waits(state, MoveCause(event.name, event.id), self._now):
            self._writes.put(after)
            self.topics.add("enrollments")
            if after.wake_at is not None:
                self.wakes[after.id] = after.wake_at

    def _collect_goals(self, event: Event, state: ContactState) -> None:
        for journey in self._rules.find_by_goal(event.name):
            if journey.goal and journey.goal.matches(event.name, event.properties, self._now):
                place = state.contact.id, journey.id
                self._writes.goals.setdefault(place, []).append((journey, event))

    def _enroll(self, incoming: IncomingEvent, event: Event, state: ContactState) -> EnrollmentRows:
        """Decide about each journey that has this event as its trigger."""
        only_journey = incoming.only_journey
        rows = [
            self._enroll_in(journey, incoming, event, state)
            for journey in self._rules.find_by_trigger(event.name)
            if not only_journey or journey.id == only_journey
        ]
        if not only_journey:
            rows += [
                self._enroll_in(journey, incoming, event, state, is_unavailable=True)
                for journey in self._rules.find_unavailable_by_trigger(event.name)
            ]
        return rows

    def _enroll_in(
        self,
        journey: Journey,
        incoming: IncomingEvent,
        event: Event,
        state: ContactState,
        *,
        is_unavailable: bool = False,
    ) -> dict[str, Any]:
        key = compute_entry_key(journey, event) or ""
        live = [e for e in state.live.values() if (e.journey_id, e.entry_key) == (journey.id, key)]
        restarts = journey.on_retrigger == "restart"
        has_address = state.contact.email is not None
        restarted = [e for e in live if restarts or (e.could_send_nothing and has_address)]
        enrollment = try_enroll(
            journey,
            Cause(event, incoming.depth),
            state,
            self._rules,
            self._now,
            suppressed=self._contacts.suppressed_addresses,
            replaces=restarted,
            is_unavailable=is_unavailable,
        )
        if isinstance(enrollment, str):
            return self._refuse(journey, enrollment, event, state)
        for replaced in restarted:
            self._exit(state, replaced, "restarted" if restarts else "address_known")
            self._writes.replaced.append(replaced)
        self._writes.started[enrollment.id] = enrollment
        self._triggers[event.id] = event.properties
        self._tally.change_state(journey.id, None, enrollment.state)
        count_entry(enrollment, self._tally)
        self.topics.add("enrollments")
        if enrollment.state == "held_out":
            return self._refuse(journey, "held_out", event, state)
        self.wakes[enrollment.id] = self._now
        self._tally.add_today(counters.name_entered_total(journey.id))
        return {"journeyId": journey.id, "outcome": "enrolled", "stateId": str(enrollment.id)}

    def _refuse(
        self, journey: Journey, reason: SkipReason, event: Event, state: ContactState
    ) -> dict[str, Any]:
        self._writes.refusals.append(
            Refusal(new_id(self._now), journey.id, reason, state.contact.id, event.id)
        )
        self._tally.add_today(counters.name_refused_total(journey.id, reason))
        return {"journeyId": journey.id, "outcome": "skipped", "reason": reason}
