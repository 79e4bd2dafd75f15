"""Runs one turn of an enrollment in the model: its plan from the top, answered by its journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from .journey_plans import MAX_LOOPS, PASSED_VALUE, STEP_RETRIES, STEP_VALUE, JourneyPlan, Op, Rule
from .model_values import ModelEnrollment, ModelEvent, ModelLookBack, ModelSend, ModelWait
from .reference_model import ReferenceModel

# When a turn or a step that failed is tried again.
PAUSES = [timedelta(seconds=pause) for pause in (10, 60, 300, 1800, 7200)]


class _Over(Exception):
    """The turn has ended: with this outcome, for this reason."""

    def __init__(self, outcome: str, reason: str | None = None) -> None:
        super().__init__(outcome)
        self.outcome, self.reason = outcome, reason


def run_turn(model: ReferenceModel, enrollment: ModelEnrollment) -> None:
    """Play a turn that is due, and let what it triggers happen."""
    turn = _Turn(model, enrollment, model.code[enrollment.journey])
    try:
        turn.run(turn.plan.script)
        end = _Over("completed")
    except _Over as over:
        end = over
    if end.outcome in ("completed", "exited") and not turn.reached:
        end = _Over("drifted")
    if end.outcome == "early":
        enrollment.wake = enrollment.wait.until if enrollment.wait else None
    elif end.outcome == "failed":
        _fail(model, enrollment)
    elif end.outcome == "drifted":
        enrollment.state, enrollment.wake, enrollment.attempt = "drifted", None, 0
    else:
        _commit(model, enrollment, turn, end)


def _fail(model: ReferenceModel, enrollment: ModelEnrollment) -> None:
    if enrollment.attempt < len(PAUSES):
        enrollment.wake = model.now + PAUSES[enrollment.attempt]
    else:
        enrollment.state, enrollment.wake, enrollment.ended_number = (
            "failed",
            None,
            len(model.events),
        )
    enrollment.attempt += 1


def _commit(model: ReferenceModel, enrollment: ModelEnrollment, turn: _Turn, end: _Over) -> None:
    enrollment.state, enrollment.reason, enrollment.attempt = end.outcome, end.reason, 0
    enrollment.wait, enrollment.came, enrollment.look = turn.wait, None, turn.look
    enrollment.wake = turn.wait.until if turn.wait else None
    enrollment.journal |= turn.new
    enrollment.sends += sum(mail.status == "queued" for mail in turn.mails)
    model.mails += turn.mails
    for name, properties, depth in turn.triggered:
        model.happen(enrollment.person.survivor, name, properties, depth=depth)


class _Turn:
    def __init__(
        self, model: ReferenceModel, enrollment: ModelEnrollment, plan: JourneyPlan
    ) -> None:
        self.model, self.enrollment, self.plan = model, enrollment, plan
        self.person = enrollment.person.survivor
        self.got: Any = 0
        self.asked: Counter[str] = Counter()
        self.new: dict[str, Any] = {}
        self.mails: list[ModelSend] = []
        self.triggered: list[tuple[str, dict[str, Any], int]] = []
        # How far from the outside that is which lets the turn go on.
        self.depth = max(enrollment.trigger.depth, enrollment.came.depth if enrollment.came else 0)
        self.look, self.wait = enrollment.look, None
        # Until the wait that the person is in is asked for, what is not recorded lies behind.
        self.frontier = enrollment.wait.key if enrollment.wait else None
        self.reached = enrollment.wait is None

    def run(self, script: Sequence[Op]) -> None:
        for name, *arguments in script:
            getattr(self, "_" + name)(*arguments)

    # -- the journal --------------------------------------------------------------------------

    def _key(self, kind: str, label: str) -> str:
        name = f"{kind}:{label}"
        self.asked[name] += 1
        return name if self.asked[name] == 1 else f"{name}#{self.asked[name]}"

    def _is_recorded(self, key: str) -> bool:
        return key in self.enrollment.journal and not self._is_frontier(key)

    def _is_frontier(self, key: str) -> bool:
        return key == self.frontier and not self.reached

    def _cross(self) -> tuple[ModelEvent | None, ModelWait]:
        """Pass the wait that the person is in, if it is over."""
        wait, came = self.enrollment.wait, self.enrollment.came
        assert wait is not None
        if came is None and (wait.until is None or wait.until > self.model.now):
            raise _Over("early")
        self.reached = True
        return came, wait

    def _look_from(self, came: ModelEvent | None, wait: ModelWait) -> None:
        self.look = (
            replace(self.look, number=came.number) if came else replace(self.look, at=wait.until)
        )

    def _park(self, wait: ModelWait) -> None:
        if wait.key.startswith(("sleep", "wait", "digest")):
            # Who goes on without it has an answer all the same: nothing came.
            self.new[wait.key] = 0
        self.wait = wait
        raise _Over("waiting")

    def _read(self, kind: str, label: str, answer: Any) -> None:
        key = self._key(kind, label)
        if not self._is_recorded(key):
            self.new[key] = answer
        self.got = self.enrollment.journal.get(key, answer)

    # -- waits --------------------------------------------------------------------------------

    def _sleep(self, hours: int, label: str) -> None:
        key = self._key("sleep", label)
        if self._is_frontier(key):
            self._look_from(*self._cross())
            self.new[key] = 0
        elif not self._is_recorded(key) and self.reached:
            self._park(ModelWait(key, self.model.now + timedelta(hours=hours)))

    def _wait(self, rules: Sequence[Rule], hours: int | None, label: str) -> None:
        key = self._key("wait", label)
        if self._is_frontier(key):
            came, wait = self._cross()
            self._look_from(came, wait)
            self.new[key] = came is not None
        elif not self._is_recorded(key) and self.reached:
            seen = self._seen(rules)
            if not seen:
                until = self.model.now + timedelta(hours=hours) if hours is not None else None
                self._park(ModelWait(key, until, tuple(rules)))
            self.look = replace(self.look, number=seen[0].number)
            self.depth = max(self.depth, seen[0].depth)
            self.new[key] = True
        self.got = bool(self.new.get(key, self.enrollment.journal.get(key)))

    def _digest(self, rule: Rule | None, hours: int, most: int, label: str) -> None:
        key = self._key("digest", label)
        rules, trigger = (rule or Rule(self.enrollment.trigger.name),), self.enrollment.trigger
        start = [trigger] if rule is None and self.look == ModelLookBack(trigger.number) else []
        if self._is_frontier(key):
            came, wait = self._cross()
            until = wait.until
            seen = [e for e in start + self._seen(rules) if until is None or e.at < until]
            self._look_from(came, wait)
            self.new[key] = len(seen[:most])
        elif not self._is_recorded(key) and self.reached:
            seen = start + self._seen(rules)
            if len(seen) < most:
                until = self.model.now + timedelta(hours=hours)
                self._park(ModelWait(key, until, rules, more=most - len(seen)))
            self.look = replace(self.look, number=seen[most - 1].number)
            self.new[key] = most
        self.got = self.new.get(key, self.enrollment.journal.get(key, 0))

    def _seen(self, rules: Sequence[Rule]) -> list[ModelEvent]:
        return [
            event
            for event in self.model.events_of(self.person)
            if self.look.sees(event)
            and any(rule.means(event.name, event.properties) for rule in rules)
        ]

    # -- effects ------------------------------------------------------------------------------

    def _send(self, template: str, list_id: str | None, to: str | None) -> None:
        key = self._key("send", template)
        if not self._is_recorded(key):
            self.new[key] = self.reached and self._mail(key, template, list_id, to)
        self.got = self.enrollment.journal.get(key, self.new.get(key))

    def _mail(self, key: str, template: str, list_id: str | None, to: str | None) -> bool:
        model, list_id = self.model, list_id or self.plan.list
        status, reason = model.verdict(self.person, list_id, to)
        gap, last = self.plan.suppress, self._last_decided()
        if status == "queued" and gap and last and model.now - last < gap:
            status, reason = "skipped", "too_soon"
        due = model.leaves_at(self.plan.id) if status == "queued" else None
        mail = ModelSend(
            self.enrollment, key, template, list_id, to, status, reason, model.now, due
        )
        self.mails.append(mail)
        return status == "queued"

    def _last_decided(self) -> Any:
        own = [
            mail.decided_at
            for mail in self._all_mails()
            if mail.enrollment.journey == self.plan.id and mail.is_under_way
        ]
        return max(own, default=None)

    def _all_mails(self) -> list[ModelSend]:
        return self.model.mails_of(self.person) + self.mails

    def _trigger(self, event: str, k: str | None) -> None:
        key = self._key("trigger", event)
        if not self._is_recorded(key):
            self.new[key] = None
            if self.reached:
                properties = {"got": self.got} | ({"k": k} if k else {})
                self.triggered.append((event, properties, self.depth + 1))

    def _step(self, label: str, works: bool, passed: bool) -> None:
        key, enrollment = self._key("step", label), self.enrollment
        if self._is_recorded(key):
            self.got = enrollment.journal[key]
            return
        if self._is_frontier(key):
            self._cross()
        if not self.reached:
            if not passed:
                raise _Over("drifted")
            self.got = self.new[key] = PASSED_VALUE
            return
        tries, over, worked = enrollment.kept.get(key, (0, False, False))
        if not over:
            tries, worked = tries + 1, works
            over = worked or tries > STEP_RETRIES
            enrollment.kept[key] = (tries, over, worked)
        if not over:
            self._park(ModelWait(key, self.model.now + PAUSES[tries - 1]))
        self.got = self.new[key] = STEP_VALUE if worked else 0

    # -- reads --------------------------------------------------------------------------------

    def _has(self, event: str) -> None:
        found = any(e.name == event for e in self.model.events_of(self.person))
        self._read("has_event", event, found)

    def _count(self, rule: Rule) -> None:
        events = self.model.events_of(self.person)
        self._read("count", rule.event, sum(rule.means(e.name, e.properties) for e in events))

    def _mailed(self, template: str) -> None:
        mails = self.model.mails_of(self.person)
        sent = sum(mail.template == template and mail.is_under_way for mail in mails)
        self._read("email", template, sent)

    def _entered(self, journey: str) -> None:
        earlier = [s for s in self.model.enrollments if s.person.survivor is self.person]
        counts = [s.state != "held_out" for s in earlier if s.journey == journey and s.is_entry]
        self._read("journey", journey, sum(counts))

    def _subscribed(self, list_id: str | None) -> None:
        answer = self.person.is_subscribed(list_id or self.plan.list)
        self._read("is_subscribed", list_id or "journey's list", answer)

    def _throttle(self, limit: int, hours: int) -> None:
        window = timedelta(hours=hours)
        since = self.model.now - window
        sent = sum(
            mail.is_under_way and (mail.left_at is None or mail.left_at > since)
            for mail in self._all_mails()
        )
        self._read("throttle", f"{limit} in {window}", sent < limit)

    def _address(self) -> None:
        self._read("contact", "now", self.person.email)

    # -- the rest of the language -------------------------------------------------------------

    def _exit(self) -> None:
        raise _Over("exited", "enough")

    def _fail(self) -> None:
        raise _Over("failed")

    def _nothing(self) -> None:
        pass

    def _if(self, then: Sequence[Op], otherwise: Sequence[Op]) -> None:
        self.run(then if self.got else otherwise)

    def _twice(self, script: Sequence[Op]) -> None:
        for _ in range(MAX_LOOPS):
            self.run(script)
