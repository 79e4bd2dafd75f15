"""What should happen, said once more and plainly.

A restatement of the rules (docs/journeys.md) in dictionaries and lists, without a database, sets,
or anything that is there for speed. It predicts everything but the order in which the turns of
one instant are played, the ids of people, and whom of them a lot holds out; these it is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from .scripts import Plan, Rule
from .things import LIVE, Answer, Fact, Happening, Look, Lots, Mail, Person, Stay

DAY = timedelta(days=1)
LONGEST_CHAIN = 8


class Model:
    """Everything that is known, and the rules by which it changes."""

    def __init__(self, now: datetime, lots: Lots) -> None:
        self.now = now
        self.lots = lots
        self.code: dict[str, Plan] = {}
        self.seen: dict[str, Plan] = {}
        self.off: set[str] = set()
        self.named: dict[str, Person] = {}
        self.people: list[Person] = []
        self.events: list[Happening] = []
        self.stays: list[Stay] = []
        self.mails: list[Mail] = []
        self.missed: list[tuple[str, Happening]] = []
        self.suppressed: set[str] = set()
        self.keys: dict[str, tuple[bytes, Answer]] = {}
        # What is told of each event: for whoever repeats its key, too, as it is by then.
        self.entered: dict[int, dict[str, str | Stay]] = {}

    # -- what is there ------------------------------------------------------------------------

    def live_of(self, person: Person) -> list[Stay]:
        return [s for s in self.stays if s.is_live and s.person.home is person]

    def events_of(self, person: Person) -> list[Happening]:
        return [e for e in self.events if e.person.home is person.home]

    def mails_of(self, person: Person) -> list[Mail]:
        return [m for m in self.mails if m.stay.person.home is person.home]

    @property
    def due(self) -> list[Stay]:
        return [
            s
            for s in self.stays
            if s.state in LIVE[:2] and s.wake is not None and s.wake <= self.now
        ]

    # -- facts --------------------------------------------------------------------------------

    def take(self, fact: Fact, who: UUID) -> Answer:
        """Decide one fact: exits first, then waits, then entries.

        Args:
            fact: what somebody tells.
            who: the id of whoever it makes, if it makes anybody.
        """
        if fact.key in self.keys:
            digest, first = self.keys[fact.key]
            return Answer(
                False, first.person, first.entered, first.exits, first.waits, digest != fact.digest
            )
        person = self._person_of(fact, who)
        if person.email:
            person.said.update(fact.lists)
        answer = self.happen(person, fact.name, fact.properties, late=fact.late)
        if fact.key:
            self.keys[fact.key] = (fact.digest, answer)
        return answer

    def happen(
        self,
        person: Person,
        name: str,
        properties: Mapping[str, Any],
        *,
        late: bool = False,
        depth: int = 0,
    ) -> Answer:
        event = Happening(len(self.events) + 1, name, properties, self.now, person, late, depth)
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
        return Answer(True, person, entered, exits, waits)

    def _exit(self, event: Happening) -> dict[Stay, bool]:
        exits: dict[Stay, bool] = {}
        for stay in self.live_of(event.person):
            rules = self.seen[stay.journey].exit_on
            if rules:
                exits[stay] = any(rule.means(event.name, event.properties) for rule in rules)
        for plan in self.seen.values():
            if rule := exit_of(plan, event):
                for stay in self.live_of(event.person):
                    if stay.journey == plan.id:
                        self.end(stay, f"exit_on {rule.event}")
                for mail in self.mails_of(event.person):
                    if mail.stay.journey == plan.id:
                        mail.cancel(f"exit_on {rule.event}")
        return exits

    def _satisfy(self, event: Happening) -> list[Stay]:
        if event.depth > LONGEST_CHAIN:
            return []
        return [stay for stay in self.live_of(event.person) if self._tell(stay, event)]

    def _tell(self, stay: Stay, event: Happening) -> bool:
        """Let somebody who waits hear of an event; say whether the wait is over by it."""
        wait = stay.wait
        if wait is None or stay.came or (wait.until and event.at > wait.until):
            return False
        if not any(rule.means(event.name, event.properties) for rule in wait.rules):
            return False
        if wait.more > 1:
            wait.more -= 1
            return False
        stay.came, stay.wake = event, self.now
        return True

    def _reach(self, event: Happening) -> None:
        """Note the goal for all who have entered before, also those who left or were left out."""
        aiming = {plan.id for plan in self.code.values() if is_goal(plan, event)}
        for stay in self.stays:
            if stay.person.home is event.person.home and stay.journey in aiming:
                stay.goal = stay.goal or self.now

    def _decide(self, plan: Plan, event: Happening) -> str | Stay:
        key = plan.key_of(event.properties) or ""
        place = (plan.id, key)
        here = [s for s in self.live_of(event.person) if (s.journey, s.key) == place]
        instead = here[0] if here and plan.restarts else None
        entered = self._enter(plan, event, instead)
        if entered == "journey_broken":
            self.missed.append((plan.id, event))
        return entered

    def _enter(self, plan: Plan, event: Happening, instead: Stay | None = None) -> str | Stay:
        """Begin a stay, or say why not; one that is held out is over at once."""
        reason = self.refusal(plan, event, instead)
        if reason not in (None, "held_out"):
            return reason
        if instead:
            self.end(instead, "restarted")
        stay = self.begin(plan, event)
        if reason:
            stay.state, stay.wake = reason, None
        return reason or stay

    def refusal(self, plan: Plan, event: Happening, instead: Stay | None = None) -> str | None:
        """Say why an event does not start a journey; the first reason counts."""
        person, key = event.person.home, plan.key_of(event.properties)
        mine = [
            s
            for s in self.stays
            if s.person.home is person and (s.journey, s.key) == (plan.id, key) and s is not instead
        ]
        entries = [s.entered_at for s in mine if s.is_entry]
        period = plan.entry if isinstance(plan.entry, timedelta) else None
        reasons = {
            "disabled": not plan.enabled,
            "disabled_by_operator": plan.id in self.off,
            "where_not_met": not plan.trigger.means(event.name, event.properties),
            "journey_broken": plan.id not in self.code,
            "late_event": event.late and not plan.accept_late,
            "trigger_loop": event.depth > LONGEST_CHAIN,
            "no_key": key is None,
            "already_live": any(s.is_live for s in mine),
            "already_entered": plan.entry == "once" and entries and not instead,
            "too_soon": period and entries and not instead and self.now - max(entries) < period,
            "unsubscribed": not person.gets(plan.list),
            "suppressed": person.email in self.suppressed,
            "held_out": not instead and self._is_held_out(plan, person),
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    def _is_held_out(self, plan: Plan, person: Person) -> bool:
        """Say whether somebody is left out: as once before, whoever they were merged with."""
        mine = [s for s in self.stays if s.person.home is person and s.journey == plan.id]
        before = [s.state == "held_out" for s in mine if s.is_entry]
        return any(before) if before else self.lots.drawn(plan.id, plan.holdout, person.id)

    def begin(self, plan: Plan, event: Happening) -> Stay:
        key = plan.key_of(event.properties) or ""
        stay = Stay(event.person.home, plan.id, key, event, self.now, self.now, Look(event.number))
        self.stays.append(stay)
        return stay

    def end(self, stay: Stay, reason: str) -> None:
        """Exit somebody, and cancel what has not left."""
        stay.state, stay.reason = "exited", reason
        stay.wake = stay.wait = stay.came = None
        for mail in self.mails:
            if mail.stay is stay:
                mail.cancel(reason)

    # -- who is who ---------------------------------------------------------------------------

    def _person_of(self, fact: Fact, who: UUID) -> Person:
        given = {"u:": fact.user, "e:": fact.email, "a:": fact.anonymous}
        names = [kind + value for kind, value in given.items() if value]
        user, mine = fact.user, list[Person]()
        for name in names:
            one = self.named[name].home if name in self.named else None
            if one is None or one in mine or (user and one.user and one.user != user):
                continue
            user = user or one.user
            mine.append(one)
        person = self._merge(mine) if mine else self._new(who)
        for name in names:
            self.named.setdefault(name, person)
        owns = fact.email and self.named["e:" + fact.email].home is person
        person.user = person.user or fact.user
        person.anonymous = person.anonymous or fact.anonymous
        if owns and (fact.user or not person.email):
            person.email = fact.email
        return person

    def _new(self, who: UUID) -> Person:
        person = Person(len(self.people), who)
        self.people.append(person)
        return person

    def _merge(self, people: Sequence[Person]) -> Person:
        survivor, *losers = sorted(people, key=lambda p: (p.user is None, p.number))
        for loser in losers:
            # What the other one did before ends a wait, as one that begins later would find it.
            news = [
                (stay, event)
                for one, other in ((survivor, loser), (loser, survivor))
                for stay in self.live_of(one)
                for event in self.events_of(other)
                if stay.look.sees(event)
            ]
            loser.into = survivor
            survivor.email = survivor.email or loser.email
            for list_id, subscribed in loser.said.items():
                survivor.said[list_id] = survivor.said.get(list_id, True) and subscribed
            places: set[tuple[str, str]] = set()
            for stay in self.live_of(survivor):
                if (stay.journey, stay.key) in places:
                    self.end(stay, "merged")
                places.add((stay.journey, stay.key))
            for stay, event in news:
                self._tell(stay, event)
        return survivor

    # -- code, switches, operators ------------------------------------------------------------

    def use(self, code: Mapping[str, Plan]) -> None:
        """Take other code: people of what is gone are parked, of what is back go on."""
        self.code = dict(code)
        self.seen |= code
        for stay in self.stays:
            if stay.journey not in code and stay.state in LIVE[:2]:
                stay.state = "parked"
            elif stay.journey in code and stay.state == "parked":
                stay.state = "waiting" if stay.wait else "active"

    def order(self, act: str, stay: Stay) -> Stay | None:
        """Do what an operator wants; return the stay to look at, None if it cannot be done."""
        code = self.code.get(stay.journey)
        if act == "wake" and stay.state in LIVE[:2]:
            if stay.wait:
                stay.wait.until = min(stay.wait.until or self.now, self.now)
            stay.wake = self.now
        elif act == "exit" and stay.is_live:
            self.end(stay, "by op")
        elif act == "continue" and stay.state == "drifted" and code:
            stay.state, stay.wake, stay.wait, stay.came = "active", self.now, None, None
        elif act == "restart" and stay.state == "drifted" and code:
            if self.refusal(code, stay.trigger, instead=stay):
                return None
            self.end(stay, "restarted by op")
            return self.begin(code, stay.trigger)
        elif act == "retry" and stay.state == "failed" and code:
            return self._retry(code, stay)
        else:
            return None
        return stay

    def _retry(self, code: Plan, stay: Stay) -> Stay | None:
        place = (stay.journey, stay.key)
        if any((s.journey, s.key) == place for s in self.live_of(stay.person.home)):
            return None
        stay.state, stay.attempt, stay.wake = "waiting" if stay.wait else "active", 0, self.now
        if rule := self._ended_since(code, stay, stay.ended_number):
            self.end(stay, f"exit_on {rule.event}")
        return stay

    def _ended_since(self, plan: Plan, stay: Stay, number: int) -> Rule | None:
        later = [e for e in self.events_of(stay.person) if e.number > number]
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

    def verdict(self, person: Person, list_id: str, to: str | None) -> tuple[str, str | None]:
        """Say whether a mail may go to a person now, and if not why."""
        address = to or person.email
        if not address:
            return "skipped", "no_address"
        if address in self.suppressed:
            return "suppressed", "suppressed"
        if list_id != "receipts" and not person.said.get("*", True):
            return "skipped", "unsubscribed_from_everything"
        if not person.gets(list_id):
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
            person = mail.stay.person.home
            status, reason = self.verdict(person, mail.list, mail.to)
            if status != "queued":
                mail.status, mail.reason = status, reason
            elif (leaves := self.leaves_at(mail.stay.journey)) > self.now:
                mail.due = leaves
            else:
                mail.status, mail.address = "sent", mail.to or person.email
                mail.left_at = self.now


def is_goal(plan: Plan, event: Happening) -> bool:
    return plan.goal is not None and plan.goal.means(event.name, event.properties)


def exit_of(plan: Plan, event: Happening) -> Rule | None:
    return next((r for r in plan.exit_on if r.means(event.name, event.properties)), None)
