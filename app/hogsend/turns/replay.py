"""Answers the `ctx` calls of one turn: from the journal, from loaded facts, or by doing them."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ..domain.assignment import arm_of
from ..domain.contact import Contact, of_snapshot, snapshot
from ..domain.enrollment import LookBack, Wait
from ..domain.event import Event
from ..domain.ids import new_id
from ..domain.journal import Step, decode, encode, key_of
from ..domain.journey import Journey
from ..domain.times import zone_named, zone_of
from ..errors import JourneyCodeError
from ..store.events import to_stored_event
from .argument_checks import in_utc
from .digests import collected
from .effects import decide_mail, make_event, verdict_of
from .requests import (
    Digest,
    Note,
    ReadRequest,
    Request,
    RunStep,
    SendMail,
    Sleep,
    Trigger,
    WaitFor,
    WhenAt,
)
from .step_attempts import StepAttempt, again_after, given, outcome_of
from .turn import TurnEnvironment, TurnInput, TurnResult

# What has no answer but an error: it is raised where the author's call stands.
Needs = ReadRequest | WaitFor | Digest | SendMail | RunStep
# The journal's entries of what is recorded once for a whole enrollment.
USER, ZONE = "user", "zone"


class Replay:
    """One turn's answers, and what the turn comes to.

    Args:
        journey: what is played.
        facts: what the turn starts from.
        world: what every turn of its set shares.
        rehearsal: whether nothing is to be done: it ends at the wait that the person is in, and
            at whatever would be new after it.
    """

    def __init__(
        self, journey: Journey, facts: TurnInput, world: TurnEnvironment, *, rehearsal: bool = False
    ) -> None:
        self.journey = journey
        self.facts = facts
        self.world = world
        self.result = TurnResult(look_back=facts.enrollment.look_back)
        self.need: Needs | None = None
        self.over = False
        # Every key in the order of asking, those that had no answer yet, and what was asked for.
        self.asked: list[str] = []
        self.new: list[str] = []
        self.told: list[str] = []
        self._rehearsal = rehearsal
        self._sending = facts.sending
        # An effect that was to be tried again has no answer yet, whatever became of its pause.
        recorded = (step for step in facts.steps if not (step.waiting and step.kind == "step"))
        self._recorded = {step.key: step for step in recorded}
        self._seen: dict[str, int] = {}
        wait = facts.enrollment.wait
        self._frontier = wait.key if wait else None
        self.reached = wait is None
        self._pending: tuple[str, Needs] | None = None
        # How far this turn is from the outside: as far as what has let it go on.
        woken_by = facts.enrollment.wait_result
        self._depth = max(facts.depth, woken_by.depth if woken_by else 0)

    def user(self) -> Contact:
        """Return the contact as of enrollment, which the first turn records in the journal."""
        step = self._recorded.get(USER)
        if step is not None:
            return of_snapshot(decode(step.answer))
        known = self.facts.enrollment.person or snapshot(self.facts.contact)
        self.result.steps.append(Step(USER, USER, "", encode(known)))
        return of_snapshot(known)

    # -- what a Note may ask for --------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The instant of this turn."""
        return self.world.now

    def chance(self) -> float:
        """Return a fresh random number."""
        return random.random()  # noqa: S311 (chance in a journey is no secret)

    def fresh_id(self) -> UUID:
        """Return a fresh random id."""
        return uuid.uuid4()

    def arm(self, key: str, arms: Mapping[str, float]) -> str:
        """Choose an arm by contact and key, so that the same person always gets the same."""
        return arm_of(f"{key}:{self.facts.enrollment.contact_id}", arms)

    # -- answering ----------------------------------------------------------------------------

    def answer(self, request: Request) -> tuple[bool, Any]:
        """Return whether the answer is there, and the answer.

        Where it is not, `need` says what must be read or run first, or the turn is `over`.
        """
        if not self.reached and len(self.asked) >= self.world.most_steps:
            many = f"the code made {self.world.most_steps:,} ctx calls without coming to"
            self.drift(f"{many} {self._frontier}, such as in a new loop above it")
            return False, None
        key = self._key(request)
        self.asked.append(key)
        if self.world.compares:
            self.told.append(request.told())
        if key == self._frontier and not self.reached:
            return self._cross(key, request)
        step = self._recorded.get(key)
        if step is not None:
            return True, given(request, step.answer)
        self.new.append(key)
        if self._rehearsal and self.reached:
            self.end("reached")
            return False, None
        return self._ask_anew(key, request)

    def settle(self, found: Any) -> tuple[bool, Any]:
        """Record what the last `need` came to; return as `answer` does.

        Args:
            found: a plain value; for a wait the event or None, for a digest the events, for a
                mail to another address why that is suppressed, for a step what its try came to.
        """
        assert self._pending is not None  # noqa: S101 (asked by the only caller)
        key, request = self._pending
        self._pending, self.need = None, None
        if isinstance(request, WaitFor):
            answer = self._answer_wait(key, request, found)
            return not self.over, answer
        if isinstance(request, Digest):
            return self._answer_digest(key, request, found)
        if isinstance(request, SendMail):
            return True, self._send(key, request, found)
        if isinstance(request, RunStep):
            return self._answer_step(key, request, found)
        if request.kind == "throttle":
            found = self._allowance(request, found)
        return True, decode(self._record(key, request, encode(found)))

    def _key(self, request: Request) -> str:
        if len(self.asked) >= self.world.most_steps:
            raise JourneyCodeError(
                f"This journey has made {self.world.most_steps:,} ctx calls.",
                "A loop that never ends? End it, start anew with entry='unlimited', or raise "
                "HOGSEND_TURN_STEP_LIMIT.",
            )
        base = f"{request.kind}:{request.label}"[:180]
        self._seen[base] = number = self._seen.get(base, 0) + 1
        return key_of(base, number)

    def _ask_anew(self, key: str, request: Request) -> tuple[bool, Any]:
        if (known := self._known(request)) is not None:
            return True, decode(self._record(key, request, encode(known[0])))
        if not self.reached and not isinstance(request, ReadRequest):
            return self._pass(key, request)
        if isinstance(request, SendMail) and request.to is None:
            return True, self._send(key, request, self._sending.suppression)
        if isinstance(request, Trigger):
            return True, self._trigger(key, request)
        if isinstance(request, Sleep):
            answer = self._sleep(key, request)
            return not self.over, answer
        return self._want(key, request)

    def _want(self, key: str, request: Request) -> tuple[bool, Any]:
        assert isinstance(request, Needs)  # noqa: S101 (no other kind is left)
        kept = self.facts.kept.get(key)
        self._pending, self.need = (key, request), request
        if isinstance(request, RunStep) and kept is not None and kept.over:
            # Its effect was done by a turn that was not committed.
            return self.settle(
                StepAttempt(kept.answer, kept.error, final=True, attempt=kept.attempts)
            )
        return False, None

    def _pass(self, key: str, request: Request) -> tuple[bool, Any]:
        """Answer a call that lies behind the person: it is not done."""
        if isinstance(request, Sleep | WaitFor):
            return True, None
        if isinstance(request, Digest):
            return True, []
        if isinstance(request, RunStep):
            if request.passed is None:
                self.drift(f"the new step {request.label!r} lies behind and has no passed=")
                return False, None
            answer: Any = {"value": encode(request.passed())}
        else:
            event_id = str(new_id(self.world.now))
            refused = {"status": "skipped", "reason": "passed", "sendId": event_id}
            answer = refused if isinstance(request, SendMail) else event_id
        step = Step(key, request.kind, request.label, answer, passed=True)
        self.result.steps.append(step)
        return True, given(request, answer)

    def _known(self, request: Request) -> tuple[Any] | None:
        """Answer what needs nothing but the loaded facts, as a tuple of one; else None."""
        if isinstance(request, Note):
            return (request.make(self),)
        if isinstance(request, WhenAt):
            return (self._instant_of(request),)
        return self._known_look(request) if isinstance(request, ReadRequest) else None

    def _known_look(self, request: ReadRequest) -> tuple[Any] | None:
        if request.kind == "contact":
            return (snapshot(self.facts.contact),)
        list_id = request.list_id
        if request.kind == "is_subscribed":
            list_id = list_id or self.journey.list_id
        if list_id is not None and list_id not in self.world.lists:
            raise JourneyCodeError(f"There is no list {list_id!r}.", "Define it in lists.py.")
        if request.kind == "is_subscribed" and list_id is not None:
            return (self._sending.consents.gets(self.world.lists[list_id]),)
        return None

    def _record(
        self, key: str, request: Request, answer: Any, detail: dict[str, Any] | None = None
    ) -> Any:
        self.result.steps.append(Step(key, request.kind, request.label, answer, detail))
        return answer

    def _allowance(self, request: ReadRequest, sent: int) -> dict[str, Any]:
        """Return whether a throttle lets another mail go, those of this turn counted too."""
        sent += sum(
            send.status == "queued" and request.list_id in (None, send.list_id)
            for send in self.result.sends
        )
        return {"allowed": sent < request.limit, "sent": sent, "limit": request.limit}

    def _instant_of(self, request: WhenAt) -> datetime:
        """Return the instant of a moment in the person's zone, which is found out once."""
        step = self._recorded.get(ZONE)
        if step is None:
            found = zone_of(self.facts.contact.properties, self.journey.time_zone)
            answer = {"zone": found.name} | ({"note": found.note} if found.note else {})
            step = Step(ZONE, ZONE, found.name, answer)
            self._recorded[ZONE] = step
            self.result.steps.append(step)
        zone = zone_named(step.answer["zone"]) or zone_named("UTC")
        assert zone is not None  # noqa: S101 (UTC is always known)
        return request.moment.resolve(self.world.now, zone)

    # -- waits --------------------------------------------------------------------------------

    def _cross(self, key: str, request: Request) -> tuple[bool, Any]:
        """Answer the wait that the person is in, or end the turn when it is not over."""
        if self._rehearsal:
            self.end("reached")
            return False, None
        enrollment = self.facts.enrollment
        wait, event, before = enrollment.wait, enrollment.wait_result, enrollment.look_back
        assert wait is not None  # noqa: S101 (the frontier is this wait's key)
        if event is None and (wait.until is None or wait.until > self.world.now):
            self.end("early")
            return False, None
        self.reached = True
        if isinstance(request, Digest | RunStep):
            return self._want(key, request)
        self._look_from(event, wait.until, before)
        answer = encode(to_stored_event(event)) if event else None
        return True, decode(self._record(key, request, answer))

    def _look_from(self, event: Event | None, until: datetime | None, before: LookBack) -> None:
        """Let the next wait look back to what ended this one."""
        if event is not None:
            self.result.look_back = LookBack.behind(event, self.facts.contact.id)
        else:
            self.result.look_back = replace(before, at=until)

    def _sleep(self, key: str, request: Sleep) -> Any:
        until = request.until
        instant = in_utc(until) if isinstance(until, datetime) else self._in(until)
        if instant <= self.world.now:
            return self._record(key, request, None, {"until": instant.isoformat()})
        return self._park(key, request, Wait(key, instant))

    def _in(self, duration: timedelta) -> datetime:
        try:
            return self.world.now + duration
        except OverflowError:
            raise JourneyCodeError(
                f"A wait of {duration.days:,} days ends after the year 9999.",
                "Wait less long; ctx.wait_for without timeout= waits forever.",
            ) from None

    def _answer_wait(self, key: str, request: WaitFor, found: Event | None) -> Any:
        if found is None:
            until = self._in(request.timeout) if request.timeout is not None else None
            if until is None or until > self.world.now:
                return self._park(key, request, Wait(key, until, request.matches))
            return self._record(key, request, None)
        self._depth = max(self._depth, found.depth)
        self._look_from(found, None, self.result.look_back)
        return decode(self._record(key, request, encode(to_stored_event(found))))

    def _answer_digest(
        self, key: str, request: Digest, found: list[Event]
    ) -> tuple[bool, list[Any]]:
        """Return the events, or let the window run that collects them."""
        wait = self.facts.enrollment.wait
        if key == self._frontier and wait is not None:
            self._look_from(self.facts.enrollment.wait_result, wait.until, self.result.look_back)
        elif len(found) < request.most:
            until = self._in(request.window)
            match = collected(request, self.facts)
            waiting = Wait(key, until, (match,), more=request.most - len(found))
            me = self.facts.contact.id
            self.result.seen = max((e.seq for e in found if e.contact_id == me), default=0)
            self._park(key, request, waiting)
            return False, []
        else:
            self._look_from(found[request.most - 1], None, self.result.look_back)
        chosen = [to_stored_event(event) for event in found[: request.most]]
        return True, decode(self._record(key, request, encode(chosen)))

    @property
    def collected_until(self) -> datetime | None:
        """Until when the digest that is asked for has collected; None when it only begins."""
        wait = self.facts.enrollment.wait
        crossing = self._pending is not None and self._pending[0] == self._frontier
        return wait.until if wait and crossing else None

    def _park(self, key: str, request: Request, wait: Wait) -> None:
        detail: dict[str, Any] = {"until": wait.until.isoformat() if wait.until else None}
        if wait.events:
            detail["events"] = [str(match) for match in wait.events]
        self.result.steps.append(Step(key, request.kind, request.label, None, detail, waiting=True))
        self.result.wait = wait
        self.end("waiting")

    # -- effects ------------------------------------------------------------------------------

    def _send(self, key: str, request: SendMail, suppression: str | None) -> Any:
        send = decide_mail(
            key,
            request,
            journey=self.journey,
            facts=self.facts,
            sending=replace(
                self._sending,
                email=request.to or self._sending.email,
                suppression=suppression,
            ),
            world=self.world,
        )
        self.result.sends.append(send)
        if send.status == "queued":
            self._sending = replace(self._sending, last_sent_at=self.world.now)
        return self._record(key, request, verdict_of(send))

    def _trigger(self, key: str, request: Trigger) -> Any:
        event_id = new_id(self.world.now)
        event = make_event(request, event_id, self.facts.enrollment, self._depth + 1)
        self.result.triggered.append(event)
        return self._record(key, request, str(event_id))

    def _answer_step(self, key: str, request: RunStep, tried: StepAttempt) -> tuple[bool, Any]:
        """Return what an effect gave, or pause until it is tried again."""
        attempt = tried.attempt
        if tried.error is not None and not tried.final and attempt <= request.retries:
            until = self.world.now + again_after(attempt)
            detail = {"until": until.isoformat(), "attempt": attempt, "error": tried.error[-2000:]}
            step = Step(key, request.kind, request.label, None, detail, waiting=True)
            self.result.steps.append(step)
            self.result.wait = Wait(key, until)
            self.end("waiting")
            return False, None
        answer = outcome_of(tried)
        self.result.done_steps.append(key)
        self._record(key, request, answer, {"attempt": attempt})
        return True, given(request, answer)

    # -- endings ------------------------------------------------------------------------------

    def end(self, outcome: str, reason: str | None = None) -> None:
        """Let the turn be over."""
        self.over = True
        self.result.outcome = outcome
        self.result.reason = reason[:200] if reason else None

    def leave(self, outcome: str, reason: str | None = None) -> None:
        """End the journey; one that never asked for its wait has drifted."""
        if self.reached:
            self.end(outcome, reason)
        else:
            self.drift()

    def drift(self, why: str | None = None) -> None:
        """Discard a turn that this code cannot go on with."""
        wait = self.facts.enrollment.wait
        self.result = TurnResult(look_back=self.facts.enrollment.look_back)
        self.end(
            "drifted", why or f"the code no longer asks for {wait.key if wait else 'its wait'}"
        )
