"""The reference model: the rules of docs/journeys.md in plain Python.

The model has dictionaries and lists, and no database, batches or other optimisations. It predicts
everything but the order of turns at one instant, the ids of contacts, and the holdouts, which come
from the system under test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from .journey_plans import JourneyPlan, Rule
from .model_values import (
    LIVE,
    ExpectedResult,
    Holdouts,
    ModelContact,
    ModelEnrollment,
    ModelEvent,
    ModelLookBack,
    ModelMerge,
    ModelSend,
    ModelWait,
    SubmittedEvent,
)

DAY = timedelta(days=1)
MAX_CHAIN_LENGTH = 8


class ReferenceModel:
    """The state of an installation, and the rules for its changes."""

    def __init__(
        self,
        now: datetime,
        holdouts: Holdouts,
        merge: Callable[[ReferenceModel, ModelContact, ModelContact], None],
    ) -> None:
        self.merges: list[ModelMerge] = []
        self.now = now
        self.holdouts = holdouts
        self.merge = merge
        self.code: dict[str, JourneyPlan] = {}
        self.known_code: dict[str, JourneyPlan] = {}
        self.disabled: set[str] = set()
        self.contacts_by_identity: dict[str, ModelContact] = {}
        self.people: list[ModelContact] = []
        self.events: list[ModelEvent] = []
        self.enrollments: list[ModelEnrollment] = []
        self.mails: list[ModelSend] = []
        self.missed: list[tuple[str, ModelEvent]] = []
        self.suppressed: set[str] = set()
        self.keys: dict[str, tuple[bytes, ExpectedResult]] = {}
        # The decisions of each event, as a repetition of its key returns them.
        self.entered: dict[int, dict[str, str | ModelEnrollment]] = {}

    # -- queries ------------------------------------------------------------------------------

    def find_live(self, person: ModelContact) -> list[ModelEnrollment]:
        return [
            enrollment
            for enrollment in self.enrollments
            if enrollment.is_live and enrollment.person.survivor is person
        ]

    def find_events(self, person: ModelContact) -> list[ModelEvent]:
        return [event for event in self.events if event.person.survivor is person.survivor]

    def find_sends(self, person: ModelContact) -> list[ModelSend]:
        """Return the emails of a contact's enrollments, also those that go to others."""
        return [mail for mail in self.mails if mail.enrollment.person.survivor is person.survivor]

    def find_received(self, person: ModelContact) -> list[ModelSend]:
        """Return the emails that go to a contact, also from the enrollments of others."""
        return [mail for mail in self.mails if mail.recipient.survivor is person.survivor]

    @property
    def due(self) -> list[ModelEnrollment]:
        return [
            enrollment
            for enrollment in self.enrollments
            if enrollment.state in LIVE[:2]
            and enrollment.wake is not None
            and enrollment.wake <= self.now
        ]

    # -- events -------------------------------------------------------------------------------

    def submit(self, submitted: SubmittedEvent, contact_id: UUID) -> ExpectedResult:
        """Decide about an event: exits first, then waits, then entries.

        Args:
            submitted: the event.
            contact_id: the id of the contact that the event creates, if it creates one.
        """
        if submitted.key in self.keys:
            digest, first = self.keys[submitted.key]
            return ExpectedResult(
                False,
                first.person,
                first.entered,
                first.exits,
                first.waits,
                digest != submitted.digest,
            )
        person = self._resolve_contact(submitted, contact_id)
        if person.email:
            person.choose(submitted.lists, self.now)
        answer = self.ingest(
            person,
            submitted.name,
            submitted.properties,
            late=submitted.late,
            changes=submitted.contact_properties,
        )
        if submitted.key:
            self.keys[submitted.key] = (submitted.digest, answer)
        return answer

    def ingest(
        self,
        person: ModelContact,
        name: str,
        properties: Mapping[str, Any],
        *,
        late: bool = False,
        depth: int = 0,
        changes: Mapping[str, str | None] = {},
    ) -> ExpectedResult:
        event = ModelEvent(len(self.events) + 1, name, properties, self.now, person, late, depth)
        self.events.append(event)
        exits = self._exit(event)
        if changes:
            ends = changes["ends"]
            person.ends = datetime.fromisoformat(ends) if ends else None
            for enrollment in self.find_live(person):
                self.move(enrollment)
        waits = self._satisfy_waits(event)
        self._reach_goals(event)
        entered = {
            plan.id: self._decide(plan, event)
            for plan in self.known_code.values()
            if plan.trigger.event == name
        }
        self.entered[event.number] = entered
        return ExpectedResult(True, person, entered, exits, waits)

    def _exit(self, event: ModelEvent) -> dict[ModelEnrollment, bool]:
        exits: dict[ModelEnrollment, bool] = {}
        for enrollment in self.find_live(event.person):
            plan = self.known_code[enrollment.journey]
            if plan.exit_on:
                rule = find_exit_rule(plan, event, enrollment)
                exits[enrollment] = rule is not None
                if rule:
                    self.end(enrollment, f"exit_on {rule.event}")
        for mail in self.find_sends(event.person):
            plan = self.known_code[mail.enrollment.journey]
            if rule := find_exit_rule(plan, event, mail.enrollment):
                mail.cancel(f"exit_on {rule.event}")
        return exits

    def _satisfy_waits(self, event: ModelEvent) -> list[ModelEnrollment]:
        if event.depth > MAX_CHAIN_LENGTH:
            return []
        return [
            enrollment
            for enrollment in self.find_live(event.person)
            if self.apply_event(enrollment, event)
        ]

    def apply_event(self, enrollment: ModelEnrollment, event: ModelEvent) -> bool:
        """Apply an event to the wait of an enrollment; return whether the event ends the wait."""
        wait = enrollment.wait
        if wait is None or enrollment.wait_result or (wait.until and event.at > wait.until):
            return False
        if not self.known_code[enrollment.journey].concerns(enrollment.key, event.properties):
            return False
        trigger = enrollment.trigger.properties
        if not any(rule.matches(event.name, event.properties, trigger) for rule in wait.rules):
            return False
        if wait.more > 1:
            wait.more -= 1
            return False
        enrollment.wait_result, enrollment.wake = event, self.now
        return True

    def move(self, enrollment: ModelEnrollment) -> None:
        """Move the wait of an enrollment when it follows the property that has changed."""
        wait = enrollment.wait
        if wait is None or wait.offset is None or wait.until is None:
            return
        ends, before = enrollment.person.survivor.ends, wait.at
        wait.at = ends - wait.offset if ends else None
        until = self.compute_end(wait)
        is_over = before and wait.at and max(wait.until, until) <= self.now
        if wait.at != before and not is_over:
            wait.until, enrollment.attempt, enrollment.error = until, 0, None
            enrollment.wake = until if enrollment.wake else None

    def compute_end(self, wait: ModelWait) -> datetime:
        """Return when a wait ends that begins now and follows a property."""
        return max(wait.at, self.now) if wait.at else self.now + (wait.timeout or timedelta())

    def _reach_goals(self, event: ModelEvent) -> None:
        """Record the goal of every enrollment, also of ended and held-out enrollments."""
        plans = {plan.id: plan for plan in self.known_code.values() if is_goal(plan, event)}
        for enrollment in self.enrollments:
            plan = plans.get(enrollment.journey)
            if (
                enrollment.person.survivor is event.person.survivor
                and plan is not None
                and plan.concerns(enrollment.key, event.properties)
            ):
                enrollment.goal = enrollment.goal or self.now

    def _decide(self, plan: JourneyPlan, event: ModelEvent) -> str | ModelEnrollment:
        key = plan.find_key(event.properties) or ""
        live = [
            enrollment
            for enrollment in self.find_live(event.person)
            if (enrollment.journey, enrollment.key) == (plan.id, key)
        ]
        restarted = live[0] if live and (plan.restarts or not live[0].keeps_out) else None
        entered = self._enter(plan, event, restarted)
        if entered == "journey_broken":
            self.missed.append((plan.id, event))
        return entered

    def _enter(
        self, plan: JourneyPlan, event: ModelEvent, restarted: ModelEnrollment | None = None
    ) -> str | ModelEnrollment:
        """Return a new enrollment, or the reason for none; a holdout ends immediately."""
        reason = self.find_refusal(plan, event, restarted)
        if reason not in (None, "held_out"):
            return reason
        if restarted:
            self.end(restarted, "restarted" if plan.restarts else "address_known")
        enrollment = self.begin(plan, event)
        if reason:
            enrollment.state, enrollment.wake = reason, None
        return reason or enrollment

    def find_refusal(
        self, plan: JourneyPlan, event: ModelEvent, restarted: ModelEnrollment | None = None
    ) -> str | None:
        """Return why an event does not start a journey; None when it does."""
        person, key = event.person.survivor, plan.find_key(event.properties)
        earlier = [
            enrollment
            for enrollment in self.enrollments
            if enrollment.person.survivor is person
            and (enrollment.journey, enrollment.key) == (plan.id, key)
            and enrollment is not restarted
        ]
        entries = [
            enrollment.entered_at
            for enrollment in earlier
            if enrollment.is_entry and enrollment.keeps_out
        ]
        period = plan.entry if isinstance(plan.entry, timedelta) else None
        reasons = {
            "disabled": not plan.enabled,
            "disabled_by_operator": plan.id in self.disabled,
            "where_not_met": not plan.trigger.matches(event.name, event.properties, {}),
            "journey_broken": plan.id not in self.code,
            "late_event": event.late and not plan.accept_late,
            "trigger_loop": event.depth > MAX_CHAIN_LENGTH,
            "no_key": key is None,
            "already_live": any(enrollment.is_live for enrollment in earlier),
            "already_entered": plan.entry == "once" and entries and not restarted,
            "too_soon": period and entries and not restarted and self.now - max(entries) < period,
            "unsubscribed": not person.is_subscribed(plan.list),
            "suppressed": person.email in self.suppressed,
            "held_out": not restarted and self._is_held_out(plan, person),
        }
        return next((reason for reason, applies in reasons.items() if applies), None)

    def _is_held_out(self, plan: JourneyPlan, person: ModelContact) -> bool:
        """Return whether a contact is held out, which a merge does not change."""
        earlier = [
            enrollment
            for enrollment in self.enrollments
            if enrollment.person.survivor is person and enrollment.journey == plan.id
        ]
        before = [enrollment.state == "held_out" for enrollment in earlier if enrollment.is_entry]
        return (
            any(before) if before else self.holdouts.is_held_out(plan.id, plan.holdout, person.id)
        )

    def begin(self, plan: JourneyPlan, event: ModelEvent) -> ModelEnrollment:
        key = plan.find_key(event.properties) or ""
        enrollment = ModelEnrollment(
            event.person.survivor,
            plan.id,
            key,
            event,
            self.now,
            self.now,
            ModelLookBack(event.number),
            number=len(self.enrollments),
        )
        self.enrollments.append(enrollment)
        return enrollment

    def end(self, enrollment: ModelEnrollment, reason: str, *, keeps_mails: bool = False) -> None:
        """Exit an enrollment, and cancel its queued emails unless they are kept."""
        enrollment.state, enrollment.reason = "exited", reason
        enrollment.ended_at = self.now
        enrollment.wake = enrollment.wait = enrollment.wait_result = None
        for mail in self.mails:
            if mail.enrollment is enrollment and not keeps_mails:
                mail.cancel(reason)

    # -- contacts -----------------------------------------------------------------------------

    def _resolve_contact(self, submitted: SubmittedEvent, new_id: UUID) -> ModelContact:
        values = {"u:": submitted.user, "e:": submitted.email, "a:": submitted.anonymous}
        identities = [kind + value for kind, value in values.items() if value]
        user, known = submitted.user, list[ModelContact]()
        for identity in identities:
            if identity not in self.contacts_by_identity:
                continue
            contact = self.contacts_by_identity[identity].survivor
            has_other_user = user and contact.user and contact.user != user
            if contact not in known and not has_other_user:
                user = user or contact.user
                known.append(contact)
        person = self._merge(known) if known else self._add_contact(new_id)
        for identity in identities:
            self.contacts_by_identity.setdefault(identity, person)
        owns_address = (
            submitted.email and self.contacts_by_identity["e:" + submitted.email].survivor is person
        )
        person.user = person.user or submitted.user
        person.anonymous = person.anonymous or submitted.anonymous
        if owns_address and (submitted.user or not person.email):
            person.email = submitted.email
        return person

    def _add_contact(self, contact_id: UUID) -> ModelContact:
        person = ModelContact(len(self.people), contact_id)
        self.people.append(person)
        return person

    def _merge(self, people: Sequence[ModelContact]) -> ModelContact:
        survivor, *others = sorted(people, key=lambda person: (person.user is None, person.number))
        for other in others:
            self.merge(self, survivor, other)
        return survivor

    # -- code, switches, operators ------------------------------------------------------------

    def load_code(self, code: Mapping[str, JourneyPlan]) -> None:
        """Load other code, which parks and continues the contacts of journeys."""
        self.code = dict(code)
        self.known_code |= code
        for enrollment in self.enrollments:
            if enrollment.journey not in code and enrollment.state in LIVE[:2]:
                enrollment.state = "parked"
            elif enrollment.journey in code and enrollment.state == "parked":
                enrollment.state = "waiting" if enrollment.wait else "active"

    def run_action(self, action: str, enrollment: ModelEnrollment) -> ModelEnrollment | None:
        """Run an operator's action; return the current enrollment, None when it is refused."""
        code = self.code.get(enrollment.journey)
        if action == "wake" and enrollment.state in LIVE[:2]:
            if enrollment.wait:
                enrollment.wait.until = min(enrollment.wait.until or self.now, self.now)
            enrollment.wake = self.now
        elif action == "exit" and enrollment.is_live:
            self.end(enrollment, "by op")
        elif action == "continue" and enrollment.state == "drifted" and code:
            enrollment.state, enrollment.wake, enrollment.wait, enrollment.wait_result = (
                "active",
                self.now,
                None,
                None,
            )
        elif action == "restart" and enrollment.state == "drifted" and code:
            if self.find_refusal(code, enrollment.trigger, restarted=enrollment):
                return None
            self.end(enrollment, "restarted by op")
            return self.begin(code, enrollment.trigger)
        elif action == "retry" and enrollment.is_retrying and code:
            enrollment.attempt = 0
            enrollment.wake = min(enrollment.wake or self.now, self.now)
        elif action == "retry" and enrollment.state == "failed" and code:
            return self._retry(code, enrollment)
        else:
            return None
        return enrollment

    def _retry(self, code: JourneyPlan, enrollment: ModelEnrollment) -> ModelEnrollment | None:
        place = (enrollment.journey, enrollment.key)
        if any(
            (enrollment.journey, enrollment.key) == place
            for enrollment in self.find_live(enrollment.person.survivor)
        ):
            return None
        enrollment.state, enrollment.attempt, enrollment.wake = (
            "waiting" if enrollment.wait else "active",
            0,
            self.now,
        )
        enrollment.ended_at = None
        self.move(enrollment)
        if rule := self._ended_since(code, enrollment, enrollment.ended_number):
            self.end(enrollment, f"exit_on {rule.event}")
        return enrollment

    def _ended_since(
        self, plan: JourneyPlan, enrollment: ModelEnrollment, number: int
    ) -> Rule | None:
        later = [event for event in self.find_events(enrollment.person) if event.number > number]
        return next(
            (rule for event in later if (rule := find_exit_rule(plan, event, enrollment))), None
        )

    def replay(self, journey: str) -> None:
        """Decide again about the triggers that arrived while a journey was missing."""
        plan = self.code[journey]
        for event in [event for missed_id, event in self.missed if missed_id == journey]:
            self.missed.remove((journey, event))
            self.entered[event.number][journey] = entered = self._enter(plan, event)
            if isinstance(entered, str):
                continue
            if rule := self._ended_since(plan, entered, event.number):
                self.end(entered, f"exit_on {rule.event}")

    # -- mail ---------------------------------------------------------------------------------

    def find_or_create_addressee(self, email: str) -> ModelContact:
        """Return the contact whom a journey names with `to=`."""
        identity = "e:" + email
        if identity not in self.contacts_by_identity:
            person = self._add_contact(UUID(int=len(self.people)))
            person.email = email
            self.contacts_by_identity[identity] = person
        return self.contacts_by_identity[identity].survivor

    def decide_send(self, person: ModelContact, list_id: str) -> tuple[str, str | None]:
        """Return the status and the reason of an email that is sent to a contact now."""
        if not person.email:
            return "skipped", "no_address"
        if person.email in self.suppressed:
            return "suppressed", "suppressed"
        if list_id != "receipts" and not person.subscriptions.get("*", True):
            return "skipped", "unsubscribed_from_everything"
        if not person.is_subscribed(list_id):
            return "skipped", "unsubscribed_from_list"
        return "queued", None

    def compute_send_time(self, journey: str) -> datetime:
        """Return when an email that is due now can leave, by the journey's send window."""
        window = self.known_code[journey].window
        if window is None or window[0] <= self.now.hour < window[1]:
            return self.now
        today = self.now.replace(hour=window[0], minute=0, second=0, microsecond=0)
        return today if self.now.hour < window[0] else today + DAY

    def deliver(self) -> None:
        """Send every email that is due."""
        for mail in self.mails:
            if mail.status != "queued" or mail.due is None or mail.due > self.now:
                continue
            # A mail that has left stays with whom it went to, also when a merge is undone.
            person = mail.recipient = mail.recipient.survivor
            status, reason = self.decide_send(person, mail.list)
            if status != "queued":
                mail.status, mail.reason = status, reason
            elif (send_time := self.compute_send_time(mail.enrollment.journey)) > self.now:
                mail.due = send_time
            else:
                mail.status, mail.address = "sent", person.email
                mail.left_at = self.now


def is_goal(plan: JourneyPlan, event: ModelEvent) -> bool:
    return plan.goal is not None and plan.goal.matches(event.name, event.properties, {})


def find_exit_rule(
    plan: JourneyPlan, event: ModelEvent, enrollment: ModelEnrollment
) -> Rule | None:
    """Return the exit rule by which an event ends an enrollment, if any."""
    if not plan.concerns(enrollment.key, event.properties):
        return None
    trigger = enrollment.trigger.properties
    return next(
        (rule for rule in plan.exit_on if rule.matches(event.name, event.properties, trigger)),
        None,
    )
