"""Runs one turn of an enrollment in the model: the plan from the top, with recorded answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from .journey_plans import MAX_LOOPS, PASSED_VALUE, STEP_RETRIES, STEP_VALUE, JourneyPlan, Op, Rule
from .model_values import (
    ModelContact,
    ModelEnrollment,
    ModelEvent,
    ModelLookBack,
    ModelSend,
    ModelWait,
)
from .reference_model import ReferenceModel

# The delays before the next attempt of a turn or a step that has failed.
RETRY_DELAYS = [timedelta(seconds=pause) for pause in (10, 60, 300, 1800, 7200)]


def hours_or_none(hours: int | None) -> timedelta | None:
    return None if hours is None else timedelta(hours=hours)


class _TurnEnded(Exception):
    """Ends the turn with an outcome and a reason."""

    def __init__(self, outcome: str, reason: str | None = None) -> None:
        super().__init__(outcome)
        self.outcome, self.reason = outcome, reason


def run_turn(model: ReferenceModel, enrollment: ModelEnrollment) -> None:
    """Run a turn that is due, and ingest the events that it triggers."""
    turn = _Turn(model, enrollment, model.code[enrollment.journey])
    try:
        turn.run(turn.plan.script)
        end = _TurnEnded("completed")
    except _TurnEnded as error:
        end = error
    if end.outcome in ("completed", "exited") and not turn.has_reached_frontier:
        end = _TurnEnded("drifted")
    if end.outcome == "early":
        enrollment.wake = enrollment.wait.until if enrollment.wait else None
    elif end.outcome == "failed":
        _fail(model, enrollment, end.reason)
    elif end.outcome == "drifted":
        enrollment.state, enrollment.wake, enrollment.attempt = "drifted", None, 0
    else:
        _commit(model, enrollment, turn, end)


def _fail(model: ReferenceModel, enrollment: ModelEnrollment, error: str | None) -> None:
    enrollment.error = error
    if enrollment.attempt < len(RETRY_DELAYS):
        enrollment.wake = model.now + RETRY_DELAYS[enrollment.attempt]
    else:
        enrollment.state, enrollment.wake, enrollment.ended_number = (
            "failed",
            None,
            len(model.events),
        )
        enrollment.ended_at = model.now
    enrollment.attempt += 1


def _commit(
    model: ReferenceModel, enrollment: ModelEnrollment, turn: _Turn, end: _TurnEnded
) -> None:
    enrollment.state, enrollment.reason, enrollment.attempt = end.outcome, end.reason, 0
    enrollment.ended_at = model.now if end.outcome in ("completed", "exited") else None
    enrollment.passed |= turn.passed
    enrollment.pauses |= turn.pauses
    enrollment.wait, enrollment.wait_result, enrollment.look_back = turn.wait, None, turn.look_back
    enrollment.wake = turn.wait.until if turn.wait else None
    enrollment.journal |= turn.recorded
    enrollment.sends += sum(mail.status == "queued" for mail in turn.mails)
    enrollment.unaddressed += sum(mail.reason == "no_address" for mail in turn.mails)
    model.mails += turn.mails
    for name, properties, depth in turn.triggered:
        model.ingest(enrollment.person.survivor, name, properties, depth=depth)


class _Turn:
    def __init__(
        self, model: ReferenceModel, enrollment: ModelEnrollment, plan: JourneyPlan
    ) -> None:
        self.model, self.enrollment, self.plan = model, enrollment, plan
        self.person = enrollment.person.survivor
        self.got: Any = 0
        self.occurrences: Counter[str] = Counter()
        self.recorded: dict[str, Any] = {}
        self.passed: set[str] = set()
        self.pauses: set[str] = set()
        self.mails: list[ModelSend] = []
        self.triggered: list[tuple[str, dict[str, Any], int]] = []
        # The number of events in the chain of causes that led to the turn.
        self.depth = max(
            enrollment.trigger.depth, enrollment.wait_result.depth if enrollment.wait_result else 0
        )
        self.look_back, self.wait = enrollment.look_back, None
        # Before the wait that the contact is in, calls without a recorded answer lie behind.
        self.frontier = enrollment.wait.key if enrollment.wait else None
        self.has_reached_frontier = enrollment.wait is None

    def run(self, script: Sequence[Op]) -> None:
        for name, *arguments in script:
            getattr(self, "_" + name)(*arguments)

    # -- the journal --------------------------------------------------------------------------

    def _key(self, kind: str, label: str) -> str:
        name = f"{kind}:{label}"
        self.occurrences[name] += 1
        return name if self.occurrences[name] == 1 else f"{name}#{self.occurrences[name]}"

    def _is_recorded(self, key: str) -> bool:
        return key in self.enrollment.journal and not self._is_frontier(key)

    def _is_frontier(self, key: str) -> bool:
        return key == self.frontier and not self.has_reached_frontier

    def _resume(self) -> tuple[ModelEvent | None, ModelWait]:
        """Resume from the wait that the contact is in, if the wait is over."""
        wait, event = self.enrollment.wait, self.enrollment.wait_result
        assert wait is not None
        if event is None and (wait.until is None or wait.until > self.model.now):
            raise _TurnEnded("early")
        self.has_reached_frontier = True
        return event, wait

    def _set_look_back(self, event: ModelEvent | None, wait: ModelWait) -> None:
        self.look_back = (
            replace(self.look_back, number=event.number)
            if event
            else replace(self.look_back, at=wait.until)
        )

    def _pause(self, wait: ModelWait) -> None:
        if wait.key.startswith(("sleep", "wait", "digest")):
            # An operator can continue past the wait, which then has the answer "no event".
            self.recorded[wait.key] = 0
        self.wait = wait
        raise _TurnEnded("waiting")

    def _read(self, kind: str, label: str, answer: Any) -> None:
        key = self._key(kind, label)
        if not self._is_recorded(key):
            self.recorded[key] = answer
        self.got = self.enrollment.journal.get(key, answer)

    # -- waits --------------------------------------------------------------------------------

    def _sleep(self, hours: int, label: str) -> None:
        key = self._key("sleep", label)
        if self._is_frontier(key):
            self._set_look_back(*self._resume())
            self.recorded[key] = 0
        elif not self._is_recorded(key) and self.has_reached_frontier:
            self._pause(ModelWait(key, self.model.now + timedelta(hours=hours)))

    def _follow(self, hours: int, timeout: int | None, label: str) -> None:
        key, length = self._key("sleep", label), hours_or_none(timeout)
        if self._is_frontier(key):
            event, wait = self._resume()
            self._set_look_back(event, wait)
            has_come = wait.offset is None or wait.at is not None
            self._check_instant(has_come, length if wait.timeout is None else wait.timeout)
            self.recorded[key] = has_come
        elif not self._is_recorded(key) and self.has_reached_frontier:
            offset, ends = timedelta(hours=hours), self.person.ends
            at = ends - offset if ends else None
            self._check_instant(at is not None, length)
            wait = ModelWait(key, None, offset=offset, at=at, timeout=length)
            wait.until = self.model.compute_end(wait)
            if wait.until > self.model.now:
                self._pause(wait)
            self.recorded[key] = at is not None
        # The answer of a sleep is 0; it is no answer that the instant has not come.
        answer = self.recorded.get(key, self.enrollment.journal.get(key, False))
        self.got = answer is not False

    def _check_instant(self, has_instant: bool, timeout: timedelta | None) -> None:
        if not has_instant and timeout is None:
            raise _TurnEnded("failed", "no instant")

    def _wait(self, rules: Sequence[Rule], hours: int | None, label: str) -> None:
        key = self._key("wait", label)
        if self._is_frontier(key):
            event, wait = self._resume()
            self._set_look_back(event, wait)
            self.recorded[key] = event is not None
        elif not self._is_recorded(key) and self.has_reached_frontier:
            events = self._find_events(rules)
            if not events:
                until = self.model.now + timedelta(hours=hours) if hours is not None else None
                self._pause(ModelWait(key, until, tuple(rules)))
            self.look_back = replace(self.look_back, number=events[0].number)
            self.depth = max(self.depth, events[0].depth)
            self.recorded[key] = True
        self.got = bool(self.recorded.get(key, self.enrollment.journal.get(key)))

    def _digest(self, rule: Rule | None, hours: int, max_events: int, label: str) -> None:
        key = self._key("digest", label)
        rules, trigger = (rule or Rule(self.enrollment.trigger.name),), self.enrollment.trigger
        first = (
            [trigger] if rule is None and self.look_back == ModelLookBack(trigger.number) else []
        )
        if self._is_frontier(key):
            last_event, wait = self._resume()
            until = wait.until
            events = [
                event
                for event in first + self._find_events(rules)
                if until is None or event.at < until
            ]
            self._set_look_back(last_event, wait)
            self.recorded[key] = len(events[:max_events])
        elif not self._is_recorded(key) and self.has_reached_frontier:
            events = first + self._find_events(rules)
            if len(events) < max_events:
                until = self.model.now + timedelta(hours=hours)
                self._pause(ModelWait(key, until, rules, more=max_events - len(events)))
            self.look_back = replace(self.look_back, number=events[max_events - 1].number)
            self.recorded[key] = max_events
        self.got = self.recorded.get(key, self.enrollment.journal.get(key, 0))

    def _find_events(self, rules: Sequence[Rule]) -> list[ModelEvent]:
        return [
            event
            for event in self.model.find_events(self.person)
            if self.look_back.includes(event)
            and self.plan.concerns(self.enrollment.key, event.properties)
            and any(self._matches(rule, event) for rule in rules)
        ]

    def _matches(self, rule: Rule, event: ModelEvent) -> bool:
        return rule.matches(event.name, event.properties, self.enrollment.trigger.properties)

    # -- effects ------------------------------------------------------------------------------

    def _send(self, template: str, list_id: str | None, to: str | None) -> None:
        key = self._key("send", template)
        if not self._is_recorded(key):
            self.recorded[key] = self.has_reached_frontier and self._decide_send(
                key, template, list_id, to
            )
        self.got = self.enrollment.journal.get(key, self.recorded.get(key))

    def _decide_send(self, key: str, template: str, list_id: str | None, to: str | None) -> bool:
        model, list_id = self.model, list_id or self.plan.list
        recipient = model.find_or_create_addressee(to) if to else self.person
        status, reason = model.decide_send(recipient, list_id)
        gap, last = self.plan.suppress, self._find_last_decision(recipient)
        if status == "queued" and gap and last and model.now - last < gap:
            status, reason = "skipped", "too_soon"
        due = model.compute_send_time(self.plan.id) if status == "queued" else None
        mail = ModelSend(
            self.enrollment, recipient, key, template, list_id, status, reason, model.now, due
        )
        mail.number = len(model.events)
        mail.to = to is not None
        self.mails.append(mail)
        return status == "queued"

    def _find_last_decision(self, recipient: ModelContact) -> Any:
        decisions = [
            mail.decided_at
            for mail in self._list_received(recipient)
            if mail.enrollment.journey == self.plan.id and mail.is_under_way
        ]
        return max(decisions, default=None)

    def _list_received(self, recipient: ModelContact) -> list[ModelSend]:
        new = [mail for mail in self.mails if mail.recipient is recipient]
        return self.model.find_received(recipient) + new

    def _trigger(self, event: str, k: str | None) -> None:
        key = self._key("trigger", event)
        if not self._is_recorded(key):
            self.recorded[key] = None
            if not self.has_reached_frontier:
                self.passed.add(key)
            else:
                properties = {"got": self.got} | ({"k": k} if k else {})
                self.triggered.append((event, properties, self.depth + 1))

    def _step(self, label: str, works: bool, passed: bool) -> None:
        key, enrollment = self._key("step", label), self.enrollment
        if self._is_recorded(key):
            self.got = enrollment.journal[key]
            return
        if self._is_frontier(key):
            self._resume()
        if not self.has_reached_frontier:
            if not passed:
                raise _TurnEnded("drifted")
            self.got = self.recorded[key] = PASSED_VALUE
            self.passed.add(key)
            return
        attempts, is_over, has_succeeded = enrollment.step_attempts.get(key, (0, False, False))
        if not is_over:
            attempts, has_succeeded = attempts + 1, works
            is_over = has_succeeded or attempts > STEP_RETRIES
            enrollment.step_attempts[key] = (attempts, is_over, has_succeeded)
        if not is_over:
            self.pauses.add(key)
            self._pause(ModelWait(key, self.model.now + RETRY_DELAYS[attempts - 1]))
        self.got = self.recorded[key] = STEP_VALUE if has_succeeded else 0

    # -- reads --------------------------------------------------------------------------------

    def _has(self, event: str) -> None:
        events = self.model.find_events(self.person)
        self._read("has_event", event, any(row.name == event for row in events))

    def _count(self, rule: Rule) -> None:
        events = self.model.find_events(self.person)
        self._read("count", rule.event, sum(self._matches(rule, event) for event in events))

    def _mailed(self, template: str) -> None:
        mails = self.model.find_received(self.person)
        sent = sum(mail.template == template and mail.is_under_way for mail in mails)
        self._read("email", template, sent)

    def _entered(self, journey: str) -> None:
        entries = [
            enrollment
            for enrollment in self.model.enrollments
            if enrollment.person.survivor is self.person
            and enrollment.journey == journey
            and enrollment.is_entry
        ]
        entered = sum(enrollment.state != "held_out" for enrollment in entries)
        self._read("journey", journey, entered)

    def _subscribed(self, list_id: str | None) -> None:
        answer = self.person.is_subscribed(list_id or self.plan.list)
        self._read("is_subscribed", list_id or "journey's list", answer)

    def _throttle(self, limit: int, hours: int) -> None:
        window = timedelta(hours=hours)
        since = self.model.now - window
        sent = sum(
            mail.is_under_way and (mail.left_at is None or mail.left_at > since)
            for mail in self._list_received(self.person)
        )
        self._read("throttle", f"{limit} in {window}", sent < limit)

    def _address(self) -> None:
        self._read("contact", "now", self.person.email)

    # -- the rest of the language -------------------------------------------------------------

    def _exit(self) -> None:
        raise _TurnEnded("exited", "enough")

    def _fail(self) -> None:
        raise _TurnEnded("failed", "ValueError: no")

    def _nothing(self) -> None:
        pass

    def _if(self, then: Sequence[Op], otherwise: Sequence[Op]) -> None:
        self.run(then if self.got else otherwise)

    def _twice(self, script: Sequence[Op]) -> None:
        for _ in range(MAX_LOOPS):
            self.run(script)
