"""One turn of one enrollment: the journey's coroutine, driven from the top by its journal."""

from __future__ import annotations

import contextlib
import contextvars
import hashlib
import random
import traceback
import uuid
from asyncio import AbstractEventLoop
from asyncio.events import _set_running_loop  # pyright: ignore[reportPrivateUsage]
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import LookBack, Wait
from ..domain.event import Event
from ..domain.ids import new_id
from ..domain.journal import Step, decode, encode
from ..domain.journey import Journey
from ..errors import JourneyCodeError
from ..store.events import to_stored_event
from .context import Context
from .effects import decide_mail, make_event, verdict_of
from .facts import Facts, Result, TurnInterrupted, World, contact_of, snapshot
from .inert import InertLoop
from .marks import JourneyFunction
from .requests import Leave, Look, Note, Request, SendMail, Sleep, Trigger, WaitFor

MOST_STEPS = 10_000
# How often a coroutine is closed that goes on awaiting things in its `finally` blocks.
_MOST_CLOSINGS = 20
# The journal's entry of the contact as of enrollment.
USER = "user"


class Play:
    """Drives one turn. `advance` runs the author's code until it needs a read, or is over."""

    def __init__(
        self, journey: Journey, function: JourneyFunction, facts: Facts, world: World
    ) -> None:
        self.journey = journey
        self.facts = facts
        self.result = Result(look_back=facts.enrollment.look_back)
        self._abandoned: Result | None = None
        self.need: Look | WaitFor | None = None
        self.over = False
        self.stuck = False
        self._world = world
        self._sending = facts.sending
        self._recorded = {step.key: step for step in facts.steps}
        self._seen: Counter[str] = Counter()
        self._asked = 0
        wait = facts.enrollment.wait
        self._frontier = wait.key if wait else None
        self._reached = wait is None
        self._pending: tuple[str, Request] | None = None
        self._inert = InertLoop()
        self._variables = contextvars.Context()
        context = Context(facts.trigger, facts.enrollment.id)
        self._coroutine: Any = self._variables.run(function, self._user(), context)

    def _user(self) -> Contact:
        """Return the contact as of enrollment: recorded by the first turn, frozen from then on."""
        step = self._recorded.get(USER)
        if step is None:
            step = Step(USER, USER, "", encode(snapshot(self.facts.contact)))
            self.result.steps.append(step)
        return contact_of(decode(step.answer))

    # -- what a Note may ask for --------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The instant of this turn."""
        return self._world.now

    def chance(self) -> float:
        """Return a fresh random number."""
        return random.random()  # noqa: S311 (chance in a journey is no secret)

    def fresh_id(self) -> UUID:
        """Return a fresh random id."""
        return uuid.uuid4()

    def arm(self, key: str, arms: Mapping[str, float]) -> str:
        """Choose an arm by contact and key, so that the same person always gets the same."""
        named = f"{key}:{self.facts.enrollment.contact_id}".encode()
        point = int.from_bytes(hashlib.sha256(named).digest()[:8]) / 2**64 * sum(arms.values())
        for arm, weight in arms.items():
            point -= weight
            if point < 0:
                return arm
        return list(arms)[-1]

    # -- driving ------------------------------------------------------------------------------

    def advance(self, answer: Any = None) -> None:
        """Run on until a read is needed (`need` is set) or the turn is over (`over` is set).

        Args:
            answer: what the last `need` came to: a plain value, or for a wait the event or None.
        """
        try:
            if self._pending is not None:
                answer = self._settle(answer)
            if not self.over:
                self._run(answer)
            if self.over:
                self._close()
        except StopIteration:
            self._end("completed") if self._reached else self._drift()
        except TurnInterrupted:
            raise
        except BaseException as error:
            self._failed(error)

    def _settle(self, answer: Any) -> Any:
        """Record what the last need came to; return it as the author sees it."""
        assert self._pending is not None  # noqa: S101 (asked by the only caller)
        key, request = self._pending
        self._pending, self.need = None, None
        if isinstance(request, WaitFor):
            return self._answer_wait(key, request, answer)
        return decode(self._record(key, request, encode(answer)))

    def _run(self, answer: Any) -> None:
        while True:
            request = self._step(self._coroutine.send, answer)
            if isinstance(request, Leave):
                self._leave(request)
                return
            try:
                ready, answer = self._answer(request)
            except Exception as fault:
                # Raised where the author's call stands, so that the traceback names the line;
                # what the author does about it does not matter.
                self._inert.fault = fault
                self._step(self._coroutine.throw, fault)
                raise
            if self.over or not ready:
                return

    def _step(self, drive: Callable[[Any], Any], value: Any) -> Request:
        """Let the author's code run to its next `ctx` call, under a loop that does nothing."""
        try:
            with self._inert_loop():
                request = self._variables.run(drive, value)
        except StopIteration:
            self._raise_fault()
            raise
        self._raise_fault()
        if not isinstance(request, Request):
            raise JourneyCodeError(
                "A journey awaited something that is not a ctx call.",
                "Only await ctx calls in a journey.",
            )
        return request

    @contextlib.contextmanager
    def _inert_loop(self) -> Generator[None]:
        _set_running_loop(cast("AbstractEventLoop", self._inert))
        try:
            yield
        finally:
            _set_running_loop(None)

    def _raise_fault(self) -> None:
        """Fail the turn for what the author's code swallowed."""
        if self._inert.fault is not None:
            raise self._inert.fault

    def _answer(self, request: Request) -> tuple[bool, Any]:
        """Return whether the answer is there, and the answer."""
        key = self._key(request)
        if key == self._frontier and not self._reached:
            return True, self._cross(key, request)
        step = self._recorded.get(key)
        if step is not None:
            return True, decode(step.answer)
        return self._ask_anew(key, request)

    def _key(self, request: Request) -> str:
        self._asked += 1
        if self._asked > MOST_STEPS:
            raise JourneyCodeError(
                f"This journey has made {MOST_STEPS} ctx calls.",
                "A loop that never ends? End it, or start anew with entry='unlimited'.",
            )
        base = f"{request.kind}:{request.label}"[:180]
        self._seen[base] += 1
        number = self._seen[base]
        return base if number == 1 else f"{base}#{number}"

    def _ask_anew(self, key: str, request: Request) -> tuple[bool, Any]:
        behind = not self._reached
        if isinstance(request, Note):
            return True, decode(self._record(key, request, encode(request.make(self))))
        if isinstance(request, SendMail):
            return True, self._send(key, request, behind)
        if isinstance(request, Trigger):
            return True, self._trigger(key, request, behind)
        if behind and isinstance(request, Sleep | WaitFor):
            return True, None
        if isinstance(request, Sleep):
            return True, self._sleep(key, request)
        return self._look(key, request)

    def _look(self, key: str, request: Request) -> tuple[bool, Any]:
        if isinstance(request, Look) and (known := self._known(request)) is not None:
            return True, decode(self._record(key, request, encode(known[0])))
        assert isinstance(request, Look | WaitFor)  # noqa: S101 (no other kind is left)
        self._pending, self.need = (key, request), request
        return False, None

    def _known(self, request: Look) -> tuple[Any] | None:
        """Answer what the loaded facts can answer, as a tuple of one; None when they cannot."""
        if request.kind == "contact":
            return (snapshot(self.facts.contact),)
        if request.kind == "is_subscribed":
            list_id = request.list_id or self.journey.list_id
            if list_id not in self._world.lists:
                raise JourneyCodeError(f"There is no list {list_id!r}.")
            return (self._sending.consents.gets(self._world.lists[list_id]),)
        return None

    def _record(
        self, key: str, request: Request, answer: Any, detail: dict[str, Any] | None = None
    ) -> Any:
        self.result.steps.append(Step(key, request.kind, request.label, answer, detail))
        return answer

    def _pass(self, key: str, request: Request, answer: Any) -> Any:
        """Record a call that lies behind the person, and was therefore not done."""
        step = Step(key, request.kind, request.label, answer, passed=True)
        self.result.steps.append(step)
        return answer

    # -- waits --------------------------------------------------------------------------------

    def _cross(self, key: str, request: Request) -> Any:
        """Answer the wait that the person is in, or end the turn when it is not over."""
        enrollment = self.facts.enrollment
        wait, event, before = enrollment.wait, enrollment.wait_result, enrollment.look_back
        assert wait is not None  # noqa: S101 (the frontier is this wait's key)
        if event is not None:
            self.result.look_back = LookBack(event.seq, before.at)
        elif wait.until is not None and wait.until <= self._world.now:
            self.result.look_back = LookBack(before.seq, wait.until)
        else:
            self._end("early")
            return None
        self._reached = True
        answer = encode(to_stored_event(event)) if event else None
        return decode(self._record(key, request, answer))

    def _sleep(self, key: str, request: Sleep) -> Any:
        until = request.until
        instant = until if isinstance(until, datetime) else self._world.now + until
        if instant <= self._world.now:
            return self._record(key, request, None, {"until": instant.isoformat()})
        return self._park(key, request, Wait(key, instant))

    def _answer_wait(self, key: str, request: WaitFor, found: Event | None) -> Any:
        if found is None:
            until = self._world.now + request.timeout if request.timeout is not None else None
            if until is None or until > self._world.now:
                return self._park(key, request, Wait(key, until, request.matches))
            return self._record(key, request, None)
        before = self.result.look_back
        if found.contact_id == self.facts.contact.id:
            self.result.look_back = LookBack(found.seq, before.at)
        else:
            # Of somebody who was merged into this contact, and numbered apart.
            self.result.look_back = LookBack(before.seq, found.received_at)
        return decode(self._record(key, request, encode(to_stored_event(found))))

    def _park(self, key: str, request: Request, wait: Wait) -> None:
        detail: dict[str, Any] = {"until": wait.until.isoformat() if wait.until else None}
        if wait.events:
            detail["events"] = [str(match) for match in wait.events]
        self.result.steps.append(Step(key, request.kind, request.label, None, detail, waiting=True))
        self.result.wait = wait
        self._end("waiting")

    # -- effects ------------------------------------------------------------------------------

    def _send(self, key: str, request: SendMail, behind: bool) -> Any:
        if behind:
            send_id = str(new_id(self._world.now))
            return self._pass(
                key, request, {"status": "skipped", "reason": "passed", "sendId": send_id}
            )
        send = decide_mail(
            key,
            request,
            journey=self.journey,
            enrollment=self.facts.enrollment,
            sending=self._sending,
            world=self._world,
        )
        self.result.sends.append(send)
        if send.status == "queued":
            self._sending = replace(self._sending, last_sent_at=self._world.now)
        return self._record(key, request, verdict_of(send))

    def _trigger(self, key: str, request: Trigger, behind: bool) -> Any:
        event_id = new_id(self._world.now)
        if behind:
            return self._pass(key, request, str(event_id))
        depth = self.facts.depth + 1
        event = make_event(request, event_id, self.facts.enrollment, depth)
        self.result.triggered.append(event)
        return self._record(key, request, str(event_id))

    # -- endings ------------------------------------------------------------------------------

    @property
    def final(self) -> Result:
        """What the turn came to; for one whose thread was given up, that it failed."""
        return self._abandoned or self.result

    def _end(self, outcome: str, reason: str | None = None) -> None:
        self.over = True
        self.result.outcome = outcome
        self.result.reason = reason[:200] if reason else None

    def _leave(self, request: Leave) -> None:
        if self._reached:
            self._end("exited", request.label)
        else:
            self._drift()

    def _drift(self) -> None:
        """Discard a turn that ended without asking for the wait that the person is in."""
        wait = self.facts.enrollment.wait
        self.result = Result(look_back=self.facts.enrollment.look_back)
        self._end("drifted", f"the code no longer asks for {wait.key if wait else 'its wait'}")

    def _failed(self, error: BaseException) -> None:
        # Each line is cut, so that a message of megabytes does not push out where it was raised.
        lines = [line[:1000] for line in traceback.format_exception(error)]
        with contextlib.suppress(Exception):
            self._close()
        self.fail("".join(_own_frames(lines)))

    def fail(self, error: str) -> None:
        """End the turn as failed; nothing it did is kept.

        Args:
            error: the traceback or the reason.
        """
        self.result = failed(self.facts.enrollment.look_back, error)
        self.need, self.over = None, True

    def abandon(self, error: str) -> None:
        """Fail a turn whose thread is stuck in it and may still come back.

        Args:
            error: the reason.
        """
        self.stuck = True
        self._abandoned = failed(self.facts.enrollment.look_back, error)

    def _close(self) -> None:
        """Close the coroutine: a pause that no `except Exception` can swallow."""
        for _ in range(_MOST_CLOSINGS):
            try:
                with self._inert_loop():
                    self._variables.run(self._coroutine.close)
                break
            except RuntimeError as error:
                # A `finally` block awaited something, or a bare `except:` swallowed the closing:
                # nothing after the pause counts, and it is closed again where it stands now.
                if "ignored GeneratorExit" not in str(error):
                    raise
        self._raise_fault()


def failed(look_back: LookBack, error: str) -> Result:
    """Return what a turn comes to that failed.

    Args:
        look_back: as it was before the turn.
        error: the traceback or the reason.
    """
    # As text that every database takes.
    text = error.replace("\x00", "").encode(errors="replace").decode()
    return Result("failed", look_back=look_back, error=text[-8000:])


def since_instant(since: datetime | timedelta | None, now: datetime) -> datetime | None:
    """Return the instant that `since=` means."""
    return now - since if isinstance(since, timedelta) else since


def _own_frames(lines: list[str]) -> list[str]:
    """Leave out the player's own frames, which tell an author nothing."""
    return [line for line in lines if "/turns/play.py" not in line or "Error" in line]
