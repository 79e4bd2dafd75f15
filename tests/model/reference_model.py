"""The reference model: the rules of docs/journeys.md in plain Python.

It has dictionaries and lists, and no database, batches, or anything else that is there for speed.
It predicts everything but the order of turns at one instant, the ids of contacts, and which
contacts are held out; these come from the system under test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from .journey_plans import JourneyPlan, Rule
from .model_values import (
    LIVE,
    ExpectedResult,
    HoldoutLots,
    ModelContact,
    ModelEnrollment,
    ModelEvent,
    ModelLookBack,
    ModelSend,
    SubmittedEvent,
)

DAY = timedelta(days=1)
MAX_CHAIN_LENGTH = 8


class ReferenceModel:
    """The state of an installation, and the rules by which it changes."""

    def __init__(self, now: datetime, lots: HoldoutLots) -> None:
        self.now = now
        self.lots = lots
        self.code: dict[str, JourneyPlan] = {}
        self.seen: dict[str, JourneyPlan] = {}
        self.off: set[str] = set()
        self.named: dict[str, ModelContact] = {}
        self.people: list[ModelContact] = []
        self.events: list[ModelEvent] = []
        self.enrollments: list[ModelEnrollment] = []
        self.mails: list[ModelSend] = []
        self.missed: list[tuple[str, ModelEvent]] = []
        self.suppressed: set[str] = set()
        self.keys: dict[str, tuple[bytes, ExpectedResult]] = {}
        # The decisions of each event, as a repetition of its key returns them.
        self.entered: dict[int, dict[str, str | ModelEnrollment]] = {}

    # -- what is there ------------------------------------------------------------------------

    def live_of(self, person: ModelContact) -> list[ModelEnrollment]:
        return [s for s in self.enrollments if s.is_live and s.person.survivor is person]

    def events_of(self, person: ModelContact) -> list[ModelEvent]:
        return [e for e in self.events if e.person.survivor is person.survivor]

    def mails_of(self, person: ModelContact) -> list[ModelSend]:
        return [m for m in self.mails if m.enrollment.person.survivor is person.survivor]

    @property
    def due(self) -> list[ModelEnrollment]:
        return [
            s
            for s in self.enrollments
            if s.state in LIVE[:2] and s.wake is not None and s.wake <= self.now
        ]

    # -- events -------------------------------------------------------------------------------

    def submit(self, submitted: SubmittedEvent, who: UUID) -> ExpectedResult:
        """Decide one submitted: exits first, then waits, then entries.

        Args:
            submitted: the event.
            who: the id of the contact that it creates, if it creates one.
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
        person = self._person_of(submitted, who)
        if person.email:
            person.subscriptions.update(submitted.lists)
        answer = self.happen(person, submitted.name, submitted.properties, late=submitted.late)
        if submitted.key:
            self.keys[submitted.key] = (submitted.digest, answer)
        return answer

    def happen(
        self,
        person: ModelContact,
        name: str,
        properties: Mapping[str, Any],
        *,
        late: bool = False,
        depth: int = 0,
    ) -> ExpectedResult:
        event = ModelEvent(len(self.events) + 1, name, properties, self.now, person, late, depth)
        self.events.append(event)
        exits = self._exit(event)
        waits = self._satisfy(event)
        self._reach(event)
        entered = {
            plan.id: self._decide(plan, event)
            for plan in self.seen.values()
            if plan.trigger.event == name
        }
        self.entered[event.number] = entered
        return ExpectedResult(True, person, entered, exits, waits)

    def _exit(self, event: ModelEvent) -> dict[ModelEnrollment, bool]:
        exits: dict[ModelEnrollment, bool] = {}
        for enrollment in self.live_of(event.person):
            rules = self.seen[enrollment.journey].exit_on
            if rules:
                exits[enrollment] = any(rule.means(event.name, event.properties) for rule in rules)
        for plan in self.seen.values():
            if rule := exit_of(plan, event):
                for enrollment in self.live_of(event.person):
                    if enrollment.journey == plan.id:
                        self.end(enrollment, f"exit_on {rule.event}")
                for mail in self.mails_of(event.person):
                    if mail.enrollment.journey == plan.id:
                        mail.cancel(f"exit_on {rule.event}")
        return exits

    def _satisfy(self, event: ModelEvent) -> list[ModelEnrollment]:
        if event.depth > MAX_CHAIN_LENGTH:
            return []
        return [
            enrollment
            for enrollment in self.live_of(event.person)
            if self._notify(enrollment, event)
        ]

    def _notify(self, enrollment: ModelEnrollment, event: ModelEvent) -> bool:
        """Let somebody who waits hear of an event; say whether the wait is over by it."""
        wait = enrollment.wait
        if wait is None or enrollment.came or (wait.until and event.at > wait.until):
            return False
        if not any(rule.means(event.name, event.properties) for rule in wait.rules):
            return False
        if wait.more > 1:
            wait.more -= 1
            return False
        enrollment.came, enrollment.wake = event, self.now
        return True

    def _reach(self, event: ModelEvent) -> None:
        """Note the goal for all who have entered before, also those who left or were left out."""
        aiming = {plan.id for plan in self.code.values() if is_goal(plan, event)}
        for enrollment in self.enrollments:
            if enrollment.person.survivor is event.person.survivor and enrollment.journey in aiming:
                enrollment.goal = enrollment.goal or self.now

    def _decide(self, plan: JourneyPlan, event: ModelEvent) -> str | ModelEnrollment:
        key = plan.key_of(event.properties) or ""
        place = (plan.id, key)
        here = [s for s in self.live_of(event.person) if (s.journey, s.key) == place]
        instead = here[0] if here and plan.restarts else None
        entered = self._enter(plan, event, instead)
        if entered == "journey_broken":
            self.missed.append((plan.id, event))
        return entered

    def _enter(
        self, plan: JourneyPlan, event: ModelEvent, instead: ModelEnrollment | None = None
    ) -> str | ModelEnrollment:
        """Begin a enrollment, or say why not; one that is held out is over at once."""
        reason = self.refusal(plan, event, instead)
        if reason not in (None, "held_out"):
            return reason
        if instead:
            self.end(instead, "restarted")
        enrollment = self.begin(plan, event)
        if reason:
            enrollment.state, enrollment.wake = reason, None
        return reason or enrollment

    def refusal(
        self, plan: JourneyPlan, event: ModelEvent, instead: ModelEnrollment | None = None
    ) -> str | None:
        """Say why an event does not start a journey; the first reason counts."""
        person, key = event.person.survivor, plan.key_of(event.properties)
        earlier = [
            s
            for s in self.enrollments
            if s.person.survivor is person
            and (s.journey, s.key) == (plan.id, key)
            and s is not instead
        ]
        entries = [s.entered_at for s in earlier if s.is_entry]
        period = plan.entry if isinstance(plan.entry, timedelta) else None
        reasons = {
            "disabled": not plan.enabled,
            "disabled_by_operator": plan.id in self.off,
            "where_not_met": not plan.trigger.means(event.name, event.properties),
            "journey_broken": plan.id not in self.code,
            "late_event": event.late and not plan.accept_late,
            "trigger_loop": event.depth > MAX_CHAIN_LENGTH,
            "no_key": key is None,
            "already_live": any(s.is_live for s in earlier),
            "already_entered": plan.entry == "once" and entries and not instead,
            "too_soon": period and entries and not instead and self.now - max(entries) < period,
            "unsubscribed": not person.is_subscribed(plan.list),
            "suppressed": person.email in self.suppressed,
            "held_out": not instead and self._is_held_out(plan, person),
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    def _is_held_out(self, plan: JourneyPlan, person: ModelContact) -> bool:
        """Return whether a contact is held out, which a merge does not change."""
        earlier = [
            s for s in self.enrollments if s.person.survivor is person and s.journey == plan.id
        ]
        before = [s.state == "held_out" for s in earlier if s.is_entry]
        return any(before) if before else self.lots.drawn(plan.id, plan.holdout, person.id)

    def begin(self, plan: JourneyPlan, event: ModelEvent) -> ModelEnrollment:
        key = plan.key_of(event.properties) or ""
        enrollment = ModelEnrollment(
            event.person.survivor,
            plan.id,
            key,
            event,
            self.now,
            self.now,
            ModelLookBack(event.number),
        )
        self.enrollments.append(enrollment)
        return enrollment

    def end(self, enrollment: ModelEnrollment, reason: str) -> None:
        """Exit somebody, and cancel what has not left."""
        enrollment.state, enrollment.reason = "exited", reason
        enrollment.wake = enrollment.wait = enrollment.came = None
        for mail in self.mails:
            if mail.enrollment is enrollment:
                mail.cancel(reason)

    # -- who is who ---------------------------------------------------------------------------

    def _person_of(self, submitted: SubmittedEvent, who: UUID) -> ModelContact:
        given = {"u:": submitted.user, "e:": submitted.email, "a:": submitted.anonymous}
        names = [kind + value for kind, value in given.items() if value]
        user, known = submitted.user, list[ModelContact]()
        for name in names:
            one = self.named[name].survivor if name in self.named else None
            if one is None or one in known or (user and one.user and one.user != user):
                continue
            user = user or one.user
            known.append(one)
        person = self._merge(known) if known else self._new(who)
        for name in names:
            self.named.setdefault(name, person)
        owns = submitted.email and self.named["e:" + submitted.email].survivor is person
        person.user = person.user or submitted.user
        person.anonymous = person.anonymous or submitted.anonymous
        if owns and (submitted.user or not person.email):
            person.email = submitted.email
        return person

    def _new(self, who: UUID) -> ModelContact:
        person = ModelContact(len(self.people), who)
        self.people.append(person)
        return person

    def _merge(self, people: Sequence[ModelContact]) -> ModelContact:
        survivor, *losers = sorted(people, key=lambda p: (p.user is None, p.number))
        for loser in losers:
            # What the other one did before ends a wait, as one that begins later would find it.
            news = [
                (enrollment, event)
                for one, other in ((survivor, loser), (loser, survivor))
                for enrollment in self.live_of(one)
                for event in self.events_of(other)
                if enrollment.look.sees(event)
            ]
            loser.merged_into = survivor
            survivor.email = survivor.email or loser.email
            for list_id, subscribed in loser.subscriptions.items():
                survivor.subscriptions[list_id] = (
                    survivor.subscriptions.get(list_id, True) and subscribed
                )
            places: set[tuple[str, str]] = set()
            for enrollment in self.live_of(survivor):
                if (enrollment.journey, enrollment.key) in places:
                    self.end(enrollment, "merged")
                places.add((enrollment.journey, enrollment.key))
            for enrollment, event in news:
                self._notify(enrollment, event)
        return survivor

    # -- code, switches, operators ------------------------------------------------------------

    def use(self, code: Mapping[str, JourneyPlan]) -> None:
        """Take other code: people of what is gone are parked, of what is back go on."""
        self.code = dict(code)
        self.seen |= code
        for enrollment in self.enrollments:
            if enrollment.journey not in code and enrollment.state in LIVE[:2]:
                enrollment.state = "parked"
            elif enrollment.journey in code and enrollment.state == "parked":
                enrollment.state = "waiting" if enrollment.wait else "active"

    def order(self, act: str, enrollment: ModelEnrollment) -> ModelEnrollment | None:
        """Run an operator's action; return the current enrollment, None when it is refused."""
        code = self.code.get(enrollment.journey)
        if act == "wake" and enrollment.state in LIVE[:2]:
            if enrollment.wait:
                enrollment.wait.until = min(enrollment.wait.until or self.now, self.now)
            enrollment.wake = self.now
        elif act == "exit" and enrollment.is_live:
            self.end(enrollment, "by op")
        elif act == "continue" and enrollment.state == "drifted" and code:
            enrollment.state, enrollment.wake, enrollment.wait, enrollment.came = (
                "active",
                self.now,
                None,
                None,
            )
        elif act == "restart" and enrollment.state == "drifted" and code:
            if self.refusal(code, enrollment.trigger, instead=enrollment):
                return None
            self.end(enrollment, "restarted by op")
            return self.begin(code, enrollment.trigger)
        elif act == "retry" and enrollment.state == "failed" and code:
            return self._retry(code, enrollment)
        else:
            return None
        return enrollment

    def _retry(self, code: JourneyPlan, enrollment: ModelEnrollment) -> ModelEnrollment | None:
        place = (enrollment.journey, enrollment.key)
        if any((s.journey, s.key) == place for s in self.live_of(enrollment.person.survivor)):
            return None
        enrollment.state, enrollment.attempt, enrollment.wake = (
            "waiting" if enrollment.wait else "active",
            0,
            self.now,
        )
        if rule := self._ended_since(code, enrollment, enrollment.ended_number):
            self.end(enrollment, f"exit_on {rule.event}")
        return enrollment

    def _ended_since(
        self, plan: JourneyPlan, enrollment: ModelEnrollment, number: int
    ) -> Rule | None:
        later = [e for e in self.events_of(enrollment.person) if e.number > number]
        return next((rule for event in later if (rule := exit_of(plan, event))), None)

    def replay(self, journey: str) -> None:
        """Let the triggers that a journey missed start it now."""
        plan = self.code[journey]
        for event in [event for one, event in self.missed if one == journey]:
            self.missed.remove((journey, event))
            self.entered[event.number][journey] = entered = self._enter(plan, event)
            if isinstance(entered, str):
                continue
            if rule := self._ended_since(plan, entered, event.number):
                self.end(entered, f"exit_on {rule.event}")

    # -- mail ---------------------------------------------------------------------------------

    def verdict(self, person: ModelContact, list_id: str, to: str | None) -> tuple[str, str | None]:
        """Say whether a mail may go to a person now, and if not why."""
        address = to or person.email
        if not address:
            return "skipped", "no_address"
        if address in self.suppressed:
            return "suppressed", "suppressed"
        if list_id != "receipts" and not person.subscriptions.get("*", True):
            return "skipped", "unsubscribed_from_everything"
        if not person.is_subscribed(list_id):
            return "skipped", "unsubscribed_from_list"
        return "queued", None

    def leaves_at(self, journey: str) -> datetime:
        """Return when a mail that is due now may leave: in its journey's hours."""
        window = self.seen[journey].window
        if window is None or window[0] <= self.now.hour < window[1]:
            return self.now
        today = self.now.replace(hour=window[0], minute=0, second=0, microsecond=0)
        return today if self.now.hour < window[0] else today + DAY

    def deliver(self) -> None:
        """Hand over every mail that is due."""
        for mail in self.mails:
            if mail.status != "queued" or mail.due is None or mail.due > self.now:
                continue
            person = mail.enrollment.person.survivor
            status, reason = self.verdict(person, mail.list, mail.to)
            if status != "queued":
                mail.status, mail.reason = status, reason
            elif (leaves := self.leaves_at(mail.enrollment.journey)) > self.now:
                mail.due = leaves
            else:
                mail.status, mail.address = "sent", mail.to or person.email
                mail.left_at = self.now


def is_goal(plan: JourneyPlan, event: ModelEvent) -> bool:
    return plan.goal is not None and plan.goal.means(event.name, event.properties)


def exit_of(plan: JourneyPlan, event: ModelEvent) -> Rule | None:
    return next((r for r in plan.exit_on if r.means(event.name, event.properties)), None)
