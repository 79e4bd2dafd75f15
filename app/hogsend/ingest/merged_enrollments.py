"""Changes the enrollments, waits, journals and mails of two contacts that are merged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment, find_exit_rule, format_exit_reason
from ..domain.event import Event
from ..domain.following import MERGE
from ..domain.journal import Step
from ..domain.journey import Entry
from ..domain.merging import EFFECTS, MergeDecision, PastEnrollment, PastMail, decide_merge
from ..store import contacts, counters, enrollments, events, sends, turns
from ..store.counters import Tally
from ..store.db import Transaction
from ..store.turns import Turn
from .exits import Triggers
from .rules import IngestRules


class EnrollmentMerge:
    """Decides about the enrollments of two contacts, and collects the rows to write.

    `load` fills the attributes, and `merge_contacts` writes them. An event is *foreign* to an
    enrollment if it belonged to the other one of the two contacts. The *family* of a contact is the
    contact with those that were merged into it before.

    Args:
        survivor: the contact that remains, with the fields of both.
        loser_id: the contact that is merged into it.
        rules: the journeys, lists and switches that decide.
        now: the current time.

    Attributes:
        ended: the enrollments that exit.
        changed: the enrollments that move, or whose wait or journal changes.
        wakes: the due times of the enrollments whose wait was advanced, ended or moved.
        turns: the journal entries that enrollments take over.
        adopted_steps: the effects among these, by enrollment and key.
        moved_mails: queued mails that enrollments take over, each with its new enrollment.
        cancelled: queued mails that must not leave, each with the reason.
    """

    def __init__(
        self, survivor: Contact, loser_id: UUID, rules: IngestRules, now: datetime
    ) -> None:
        self._survivor_id = survivor.id
        self._properties = survivor.properties
        self._loser_id = loser_id
        self._rules = rules
        self.now = now
        self._families: dict[UUID, set[UUID]] = {}
        self._live: Sequence[Enrollment] = ()
        self._decision = MergeDecision()
        self._mails: Sequence[PastMail] = ()
        self._events: Sequence[Event] = ()
        self._triggers: Triggers = {}
        self._journals: Mapping[UUID, Sequence[Turn]] = {}
        self.ended: list[Enrollment] = []
        self.changed: list[Enrollment] = []
        self.wakes: dict[UUID, datetime] = {}
        self.turns: list[Turn] = []
        self.adopted_steps: list[tuple[UUID, str]] = []
        self.moved_mails: list[tuple[UUID, UUID]] = []
        self.cancelled: dict[UUID, str] = {}

    async def load(self, tx: Transaction) -> None:
        """Read the rows of both contacts, whose rows are locked, and decide."""
        pair = [self._survivor_id, self._loser_id]
        merged, self._live = await tx.fetch(contacts.find_merged(pair), enrollments.find_live(pair))
        self._families = {contact_id: {contact_id} for contact_id in pair}
        for merged_id, survivor_id in merged.items():
            self._families[survivor_id].add(merged_id)
        contact_ids = [*pair, *merged]
        past = await tx.fetch_one(enrollments.find_past(contact_ids))
        if not past:
            return
        self._mails = await tx.fetch_one(sends.find_past([enrollment.id for enrollment in past]))
        self._events = await tx.fetch_one(events.find_by_names(contact_ids, self._list_names()))
        if self._rules.exits_naming_trigger & {event.name for event in self._events}:
            trigger_ids = {enrollment.trigger_event_id for enrollment in past}
            self._triggers = await tx.fetch_one(events.find_properties(trigger_ids))
        self._decide(past)
        counterparts = self._decision.counterparts
        if counterparts:
            ids = {*counterparts, *(other for others in counterparts.values() for other in others)}
            self._journals = await tx.fetch_one(turns.find_by_enrollments(list(ids)))
        self._change_live()

    def list_merged_into(self, contact_id: UUID) -> list[UUID]:
        """Return the contacts that were merged into one of the two before."""
        return sorted(self._families[contact_id] - {contact_id})

    def list_moved(self) -> list[UUID]:
        """Return the live enrollments of the merged contact that continue."""
        return [
            enrollment.id
            for enrollment in self._live
            if enrollment.contact_id == self._loser_id and enrollment.id not in self._decision.ended
        ]

    def _list_names(self) -> list[str]:
        """Return the names of the events that may end an enrollment, a mail or a wait."""
        journey_ids = {enrollment.journey_id for enrollment in self._live}
        journey_ids |= {mail.journey_id for mail in self._mails if mail.is_queued}
        exits = {
            rule.event
            for journey_id in journey_ids
            if (journey := self._rules.find_definition(journey_id))
            for rule in journey.exit_on
        }
        waits = {match.event for e in self._live if e.wait for match in e.wait.events}
        return sorted(exits | waits)

    # -- deciding -----------------------------------------------------------------------------

    def _decide(self, past: Sequence[PastEnrollment]) -> None:
        exits = {
            enrollment.id: reason
            for enrollment in self._live
            if (reason := self._find_exit_reason(enrollment, enrollment.trigger_event_id))
        }
        owners = {enrollment.id: enrollment for enrollment in past}
        for mail in self._mails:
            if not mail.is_queued:
                continue
            owner = owners[mail.enrollment_id]
            reason = exits.get(owner.id) or self._find_exit_reason(owner, mail.id)
            if reason:
                self.cancelled[mail.id] = reason
        own, others = (
            [e for e in past if e.contact_id in self._families[contact_id]]
            for contact_id in (self._survivor_id, self._loser_id)
        )
        self._decision = decide_merge(
            own,
            others,
            self._mails,
            exits=exits,
            withdrawn=self.cancelled.keys(),
            find_entry_rule=self._find_entry_rule,
        )
        self.cancelled.update(self._decision.cancelled)

    def _find_entry_rule(self, journey_id: str) -> Entry | None:
        journey = self._rules.find_definition(journey_id)
        return journey.entry if journey else None

    def _find_exit_reason(self, enrollment: Enrollment | PastEnrollment, after: UUID) -> str | None:
        """Return why a foreign event exits an enrollment; None when none does.

        Args:
            enrollment: the enrollment.
            after: the id of the enrollment's trigger, or of a queued mail that the event may cancel
                after the enrollment's end. Only later events count; ids sort in the order of
                arrival.
        """
        journey = self._rules.find_definition(enrollment.journey_id)
        if journey is None or not journey.exit_on:
            return None
        for event in self._list_foreign_events(enrollment):
            if event.id > after:
                rule = find_exit_rule(
                    journey,
                    event,
                    event.received_at,
                    entry_key=enrollment.entry_key,
                    trigger=self._triggers.get(enrollment.trigger_event_id),
                )
                if rule is not None:
                    return format_exit_reason(rule)
        return None

    def _list_foreign_events(self, enrollment: Enrollment | PastEnrollment) -> Iterable[Event]:
        """Return the events of the contact that an enrollment did not belong to before."""
        is_own = enrollment.contact_id in self._families[self._survivor_id]
        family = self._families[self._loser_id if is_own else self._survivor_id]
        return (event for event in self._events if event.contact_id in family)

    # -- changing -----------------------------------------------------------------------------

    def _change_live(self) -> None:
        for before in self._live:
            reason = self._decision.ended.get(before.id)
            if reason is not None:
                self.ended.append(before.exit(reason, self.now))
                continue
            moves = before.contact_id == self._loser_id
            after = before.move_to(self._survivor_id) if moves else before
            after = self._wake(after, self._list_foreign_events(before))
            after = self._adopt(self._follow(after))
            if after is not before:
                self.changed.append(after)

    def _wake(self, enrollment: Enrollment, foreign: Iterable[Event]) -> Enrollment:
        """Return the enrollment after the foreign events that its wait can see."""
        after, journey = enrollment, self._rules.find_definition(enrollment.journey_id)
        if enrollment.wait is None:
            return enrollment
        for event in foreign:
            if enrollment.look_back.can_see(event, enrollment.contact_id):
                # The number is that among the events of the other contact.
                unnumbered = replace(event, seq=0)
                after = after.apply_event(unnumbered, journey, event.received_at, self.now)
        if after is not enrollment:
            self.wakes[after.id] = self.now
        return after

    def _follow(self, enrollment: Enrollment) -> Enrollment:
        """Return the enrollment whose wait follows the properties of both contacts."""
        after = enrollment.follow_properties(self._properties, MERGE, self.now)
        if after is not enrollment and after.wake_at is not None:
            self.wakes[after.id] = after.wake_at
        return after

    def _adopt(self, enrollment: Enrollment) -> Enrollment:
        """Return the enrollment after what its counterparts have done was added to its journal."""
        mails = self._decision.adopted.get(enrollment.id, ())
        known = {step.key for step in self._list_steps(enrollment.id)}
        steps = [
            step for step in self._list_adopted_steps(enrollment.id, mails) if step.key not in known
        ]
        if covered := self._decision.covered[enrollment.id]:
            # The person has got mails, so that another trigger does not begin the journey again.
            enrollment = replace(enrollment, sends=enrollment.sends + covered)
        if not steps:
            return enrollment
        keys = {step.key for step in steps}
        self.adopted_steps += [(enrollment.id, key) for key in keys]
        taken = [mail for mail in mails if mail.step_key in keys]
        self.moved_mails += [(mail.id, enrollment.id) for mail in taken if mail.is_queued]
        number, code_hash = enrollment.turn + 1, enrollment.code_hash
        turn = Turn(enrollment.id, number, self.now, code_hash, "waiting", steps)
        self.turns.append(turn)
        return replace(enrollment, turn=number, sends=enrollment.sends + len(taken))

    def _list_adopted_steps(self, enrollment_id: UUID, mails: Iterable[PastMail]) -> Iterable[Step]:
        """Return the mails as journal entries, and the other effects of the counterparts."""
        adopted: dict[str, Step] = {}
        for mail in mails:
            kind, _, label = mail.step_key.partition(":")
            result = {"status": "queued", "sendId": str(mail.id)}
            adopted[mail.step_key] = Step(mail.step_key, kind, label, result)
        for other in self._decision.counterparts.get(enrollment_id, ()):
            for step in self._list_steps(other):
                if step.kind in EFFECTS and not step.waiting and not step.passed:
                    adopted.setdefault(step.key, step)
        return adopted.values()

    def _list_steps(self, enrollment_id: UUID) -> Iterable[Step]:
        return (step for turn in self._journals.get(enrollment_id, ()) for step in turn.steps)

    # -- counting -----------------------------------------------------------------------------

    def count(self, tally: Tally) -> None:
        """Count the enrollments that exit and the mails that are cancelled."""
        for before in self._live:
            if before.id in self._decision.ended:
                tally.change_state(before.journey_id, before.state, "exited")
                wait = before.wait.key if before.wait else None
                tally.change_wait(before.journey_id, wait, None)
                tally.add_today(counters.name_ended_total(before.journey_id, "exited"))
        if self.cancelled:
            tally.add_today(counters.name_send_total("cancelled"), len(self.cancelled))
