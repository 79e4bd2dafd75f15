"""Takes a set of facts inside a transaction: load once, decide each in memory, write once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.enrollment import Enrollment, SkipReason, entry_key_of, exit_of
from ..domain.event import Event, EventMatch
from ..domain.ids import new_id
from ..domain.incoming import LONGEST_CHAIN, IncomingEvent, IngestResult
from ..domain.journey import EVERYTHING, Journey
from ..errors import NotFound
from ..store import consents, contacts, counters, enrollments, events, sends
from ..store.consents import ConsentStatement
from ..store.counters import Tally
from ..store.db import Transaction, Write
from ..store.events import Cause, KnownKey, NewEvent, Refusal
from .contact_resolver import ContactResolver, ContactState, NeedsMerge, fold
from .enroll import enter
from .merge import merge
from .rules import IngestRules


@dataclass
class BatchResult:
    """What a set of facts came to; the wakes and exits are told to the engine after the commit.

    Args:
        answers: one for each fact, in order.
        wakes: when which enrollment is due, and in which journey.
        ended: enrollments that were exited.
        topics: what dashboards should look at again.
    """

    answers: list[IngestResult | Exception] = field(default_factory=list[IngestResult | Exception])
    wakes: dict[UUID, datetime] = field(default_factory=dict[UUID, datetime])
    ended: list[UUID] = field(default_factory=list[UUID])
    topics: set[str] = field(default_factory=set[str])


async def take(
    tx: Transaction, items: Sequence[IncomingEvent], rules: IngestRules, tally: Tally, now: datetime
) -> BatchResult:
    """Take facts in their order.

    Args:
        tx: the transaction; everything commits with it.
        items: the facts.
        rules: what decides.
        tally: where changes are counted; the caller writes it.
        now: the present instant.
    """
    taking = BatchResult()
    rest = list(items)
    while rest:
        deciding = IngestBatch(rules, tally, now)
        await deciding.load(tx, rest)
        try:
            for item in rest:
                taking.answers.append(deciding.take(item))
            done = len(rest)
        except NeedsMerge as needed:
            done = deciding.count
            if done == 0:
                merged = await merge(tx, needed.ids, tally, now)
                taking.ended.extend(merged.ended)
                taking.wakes.update(dict.fromkeys(merged.woken, now))
                taking.topics.update(("contacts", "enrollments", "sends"))
        await deciding.count_cancelled(tx)
        await tx.apply(deciding.writes())
        await deciding.count_goals(tx)
        await _name_repeated(tx, taking)
        taking.wakes.update(deciding.wakes)
        taking.ended.extend(deciding.ended)
        taking.topics |= deciding.topics
        rest = rest[done:]
    return taking


async def _name_repeated(tx: Transaction, taking: BatchResult) -> None:
    """Fill in the contact keys of answers that repeat an earlier one."""
    repeated = {
        index: answer
        for index, answer in enumerate(taking.answers)
        if isinstance(answer, IngestResult) and not answer.contact_key and answer.contact_id
    }
    if not repeated:
        return
    ids = {answer.contact_id for answer in repeated.values() if answer.contact_id}
    known = await tx.one(contacts.by_ids(ids))
    for index, answer in repeated.items():
        contact = known.get(answer.contact_id) if answer.contact_id else None
        key = contact.key if contact else str(answer.contact_id)
        taking.answers[index] = replace(answer, contact_key=key)


# People in journeys, as an answer names them.
Places = list[dict[str, Any]]


class IngestBatch:
    """The decisions about one set of facts, and what is to be written."""

    def __init__(self, rules: IngestRules, tally: Tally, now: datetime) -> None:
        self._rules = rules
        self._tally = tally
        self._now = now
        self._people = ContactResolver(now)
        self._known: dict[str, KnownKey] = {}
        self._events: list[NewEvent] = []
        self._keys: list[tuple[str, UUID, bytes]] = []
        self._refusals: list[Refusal] = []
        self._begun: dict[UUID, Enrollment] = {}
        self._changed: dict[UUID, Enrollment] = {}
        self._said: dict[tuple[UUID, str], ConsentStatement] = {}
        self._suppress: list[tuple[str, str, UUID | None]] = []
        self._cancel: dict[UUID, str] = {}
        self._cancel_all: dict[tuple[UUID, str], str] = {}
        self._goals: dict[tuple[UUID, str], UUID] = {}
        self.wakes: dict[UUID, datetime] = {}
        self.ended: list[UUID] = []
        self.topics: set[str] = {"events"}
        self.count = 0

    async def load(self, tx: Transaction, items: Sequence[IncomingEvent]) -> None:
        """Read what the facts touch."""
        self._known = await self._people.load(tx, items)

    def take(self, item: IncomingEvent) -> IngestResult | Exception:
        """Decide one fact.

        Raises:
            NeedsMerge: two contacts must be made one first.
        """
        repeated = self._repeated(item)
        if repeated is not None:
            self.count += 1
            return repeated
        person, conflict = self._people.of(item)
        self.count += 1
        if person is None:
            return NotFound("This contact does not exist.")
        return self._decide(item, person, conflict)

    def _repeated(self, item: IncomingEvent) -> IngestResult | None:
        known = self._known.get(item.idempotency_key) if item.idempotency_key else None
        if known is None:
            return None
        return IngestResult(
            stored=False,
            event_id=known.event_id,
            contact_id=known.contact_id,
            contact_key="",
            enrollments=known.decisions.get("enrollments", ()),
            exits=known.decisions.get("exits", ()),
            waits=known.decisions.get("waits", ()),
            conflict=known.digest != item.digest,
            lists_error=known.decisions.get("listsError"),
        )

    def _decide(self, item: IncomingEvent, person: ContactState, conflict: bool) -> IngestResult:
        contact = person.contact
        event = Event(
            id=item.event_id or new_id(self._now),
            name=item.name,
            properties=item.properties,
            seq=contact.event_seq + 1,
            occurred_at=item.timestamp or self._now,
            received_at=self._now,
            source=item.source,
            contact_id=contact.id,
            depth=item.depth,
        )
        person.contact = replace(
            contact,
            event_seq=event.seq,
            properties=fold(contact.properties, item.contact_properties),
        )
        person.changed = True
        if person.is_new and event.seq == 1:
            self._tally.gauge(counters.CONTACTS, 1)
            self.topics.add("contacts")
        lists_error = self._say(item, person)
        if item.suppress:
            self._suppress.append((item.suppress.address, item.suppress.reason, item.send_id))
            self._people.suppressed[item.suppress.address] = item.suppress.reason
        exits, waits = self._tell(event, person) if item.only_journey is None else ([], [])
        entered = self._enroll(item, event, person)
        decisions: dict[str, Any] = {}
        named = (("enrollments", entered), ("exits", exits), ("waits", waits))
        decisions.update({name: rows for name, rows in named if rows})
        if conflict:
            decisions["conflict"] = "another contact owns an address or browser id of this event"
        if lists_error:
            decisions["listsError"] = lists_error
        self._events.append(
            NewEvent(event, decisions, item.value, item.currency, item.cause_id, item.depth)
        )
        self._tally.today(counters.EVENTS)
        if item.idempotency_key:
            self._keys.append((item.idempotency_key, event.id, item.digest))
            self._known[item.idempotency_key] = KnownKey(
                event.id, item.digest, contact.id, decisions
            )
        return IngestResult(
            stored=True,
            event_id=event.id,
            contact_id=contact.id,
            contact_key=person.contact.key,
            enrollments=entered,
            exits=exits,
            waits=waits,
            lists_error=lists_error,
            created=person.is_new and event.seq == 1,
        )

    def _say(self, item: IncomingEvent, person: ContactState) -> str | None:
        """Apply list changes; return why they had no effect, if so."""
        if not item.lists:
            return None
        if not person.contact.email and item.contact_id is None:
            return "Contact has no email; cannot manage list membership"
        unknown = sorted(
            list_id
            for list_id in item.lists
            if list_id != EVERYTHING
            and list_id not in self._rules.lists
            # A recipient's link may be of a list that the code has lost since.
            and item.source != "recipient"
        )
        for list_id, subscribed in item.lists.items():
            if list_id in unknown:
                continue
            if person.said.get(list_id) is not False and not subscribed:
                self._tally.today(counters.UNSUBSCRIBES)
            person.said[list_id] = subscribed
            self._said[person.contact.id, list_id] = ConsentStatement(
                person.contact.id, list_id, subscribed, item.source, item.send_id
            )
        self.topics.add("contacts")
        return f"Unknown list: {', '.join(unknown)}" if unknown else None

    def _tell(self, event: Event, person: ContactState) -> tuple[Places, Places]:
        """Let an event reach who is in a journey; one by which an operator enrolls does not."""
        exits = self._exit(event, person)
        waits = self._satisfy(event, person)
        for journey in self._rules.aiming(event.name):
            if journey.goal and journey.goal.matches(event.name, event.properties, self._now):
                self._goals[person.contact.id, journey.id] = event.id
        return exits, waits

    def _exit(self, event: Event, person: ContactState) -> list[dict[str, Any]]:
        """End every live enrollment that the event names, and cancel what was not handed over."""
        exits: list[dict[str, Any]] = []
        for enrollment in list(person.live.values()):
            journey = self._rules.definition(enrollment.journey_id)
            if journey is None or not journey.exit_on:
                continue
            rule = exit_of(journey, event, self._now)
            if rule is not None:
                self._end(person, enrollment, _exit_reason(rule))
            exits.append(_place(enrollment) | {"exited": rule is not None})
        if not person.is_new:
            # Also what a journey that has completed meanwhile still has in the queue.
            for journey in self._rules.ending(event.name):
                if rule := exit_of(journey, event, self._now):
                    self._cancel_all[person.contact.id, journey.id] = _exit_reason(rule)
        return exits

    def _end(self, person: ContactState, enrollment: Enrollment, reason: str) -> None:
        del person.live[enrollment.id]
        self._put(
            replace(
                enrollment,
                state="exited",
                end_reason=reason,
                ended_at=self._now,
                wake_at=None,
                wait=None,
                wait_result=None,
            )
        )
        journey_id = enrollment.journey_id
        self._tally.change_state(journey_id, enrollment.state, "exited")
        self._tally.change_wait(journey_id, enrollment.wait.key if enrollment.wait else None, None)
        self._tally.today(counters.ended(journey_id, "exited"))
        self._cancel[enrollment.id] = reason
        self.wakes.pop(enrollment.id, None)
        self.ended.append(enrollment.id)
        self.topics.update(("enrollments", "sends"))

    def _satisfy(self, event: Event, person: ContactState) -> list[dict[str, Any]]:
        """End the waits that wait for this event; one of too long a chain of causes ends none."""
        waits: list[dict[str, Any]] = []
        if event.depth > LONGEST_CHAIN:
            return waits
        for enrollment in list(person.live.values()):
            told = enrollment.told(event, self._now, self._now)
            if told is enrollment:
                continue
            person.live[told.id] = told
            self._put(told)
            if told.wait_result is not None:
                self.wakes[told.id] = self._now
                waits.append(_place(enrollment))
        return waits

    def _put(self, enrollment: Enrollment) -> None:
        rows = self._begun if enrollment.id in self._begun else self._changed
        rows[enrollment.id] = enrollment

    def _enroll(
        self, item: IncomingEvent, event: Event, person: ContactState
    ) -> list[dict[str, Any]]:
        """Decide for each journey that listens whether the event starts it."""
        decided: list[dict[str, Any]] = []
        for journey in self._rules.listening(event.name):
            if item.only_journey and journey.id != item.only_journey:
                continue
            decided.append(self._enroll_in(journey, item, event, person))
        if not item.only_journey:
            for journey in self._rules.missed(event.name):
                decided.append(self._enroll_in(journey, item, event, person, broken=True))
        return decided

    def _enroll_in(
        self,
        journey: Journey,
        item: IncomingEvent,
        event: Event,
        person: ContactState,
        *,
        broken: bool = False,
    ) -> dict[str, Any]:
        key = entry_key_of(journey, event) or ""
        live = [e for e in person.live.values() if (e.journey_id, e.entry_key) == (journey.id, key)]
        restarted = live if journey.on_retrigger == "restart" else []
        entered = enter(
            journey,
            Cause(event, item.depth),
            person,
            self._rules,
            self._now,
            suppressed=self._people.suppressed,
            instead_of=restarted,
            broken=broken,
        )
        if isinstance(entered, str):
            return self._refuse(journey, entered, event, person)
        for enrollment in restarted:
            self._end(person, enrollment, "restarted")
        self._begun[entered.id] = entered
        self._tally.change_state(journey.id, None, entered.state)
        self.topics.add("enrollments")
        if entered.state == "held_out":
            return self._refuse(journey, "held_out", event, person)
        self.wakes[entered.id] = self._now
        self._tally.today(counters.entered(journey.id))
        return {"journeyId": journey.id, "outcome": "enrolled", "stateId": str(entered.id)}

    def _refuse(
        self, journey: Journey, reason: SkipReason, event: Event, person: ContactState
    ) -> dict[str, Any]:
        self._refusals.append(
            Refusal(new_id(self._now), journey.id, reason, person.contact.id, event.id)
        )
        self._tally.today(counters.refused(journey.id, reason))
        return {"journeyId": journey.id, "outcome": "skipped", "reason": reason}

    async def count_cancelled(self, tx: Transaction) -> None:
        """Count the mails that the exits of the set cancel."""
        if self._cancel or self._cancel_all:
            queued = await tx.one(sends.queued_of(self._cancel, self._cancel_all))
            self._tally.today(counters.sends("cancelled"), queued)

    async def count_goals(self, tx: Transaction) -> None:
        """Record and count the goals that were reached, among all that is written by now."""
        if not self._goals:
            return
        aiming = await tx.one(enrollments.aiming(list(self._goals)))
        # Who entered by the very event, or after it, has not come to it by the journey.
        goals = self._goals
        reached = [one for one in aiming if one.begun_by < goals[one.contact_id, one.journey_id]]
        for one in reached:
            group = "held_out" if one.state == "held_out" else "entered"
            self._tally.today(counters.goals_reached(one.journey_id, group))
        await tx.apply([enrollments.reach([one.id for one in reached], self._now)])

    def writes(self) -> list[Write]:
        """Return everything that was decided, in an order that keeps every index true."""
        people = [person for person in self._people.everyone() if person.changed]
        # Ended ones leave their place in the index before others are put into it.
        ended_first = sorted(self._changed.values(), key=lambda e: e.is_live)
        begun = self._begun.values()
        return [
            contacts.insert([p.contact for p in people if p.is_new], self._now),
            contacts.update([p.contact for p in people if not p.is_new], self._now),
            contacts.name(self._people.named),
            events.insert(self._events),
            events.remember_keys(self._keys, self._now),
            enrollments.update(ended_first, self._now),
            enrollments.insert(begun),
            enrollments.update([e for e in begun if not e.is_live], self._now),
            events.record_refusals(self._refusals, self._now),
            consents.say(list(self._said.values()), self._now),
            consents.suppress(self._suppress, self._now),
            sends.cancel_of_enrollments(self._cancel, self._now),
            sends.cancel_of_journeys(self._cancel_all, self._now),
        ]


def _exit_reason(rule: EventMatch) -> str:
    return f"exit_on {rule}"[:200]


def _place(enrollment: Enrollment) -> dict[str, Any]:
    return {"journeyId": enrollment.journey_id, "stateId": str(enrollment.id)}
