"""What a `ctx` call asks of the player. The coroutine yields one of these and gets the answer."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import coroutine
from typing import Any

from ..domain.conditions import Condition
from ..domain.event import EventMatch
from ..domain.times import Moment
from ..errors import JourneyCodeError


@dataclass(frozen=True, slots=True)
class Request:
    """One `ctx` call.

    Args:
        kind: which call, as the journal names it.
        label: what tells it from other calls of its kind: a label, template or event.
    """

    kind: str
    label: str

    def told(self) -> str:
        """Return what was asked for, so that two playings of a turn can be compared."""
        return ""


@dataclass(frozen=True, slots=True)
class Sleep(Request):
    """Wait for a time: a duration from now, or an instant."""

    until: timedelta | datetime

    def told(self) -> str:
        return str(self.until)


@dataclass(frozen=True, slots=True)
class WaitFor(Request):
    """Wait for the first of some events."""

    matches: tuple[EventMatch, ...]
    timeout: timedelta | None
    since: datetime | None

    def told(self) -> str:
        events = ", ".join(map(str, self.matches))
        return f"{events}, timeout {self.timeout}, since {self.since}"


@dataclass(frozen=True, slots=True)
class Digest(Request):
    """Collect events over a while; a match of None means those like the trigger."""

    match: EventMatch | None
    where: Condition | None
    window: timedelta
    most: int

    def told(self) -> str:
        return f"{self.match}, {self.window}, at most {self.most}"


@dataclass(frozen=True, slots=True)
class SendMail(Request):
    """Send a mail; the label is the template unless the author gave one.

    Args:
        to: an address other than the contact's.
    """

    template: str
    subject: str | None
    props: Mapping[str, Any]
    list_id: str | None
    to: str | None = None

    def told(self) -> str:
        return f"{self.template}, {self.subject}, {dict(self.props)}, {self.list_id}, {self.to}"


@dataclass(frozen=True, slots=True)
class Trigger(Request):
    """Let an event happen to this contact."""

    event: str
    properties: Mapping[str, Any]

    def told(self) -> str:
        return f"{self.event}, {dict(self.properties)}"


@dataclass(frozen=True, slots=True)
class ReadRequest(Request):
    """Read something from the database, together with other turns that do.

    Args:
        event: of which events.
        where: a condition on them.
        since: from when on.
        limit: how many at most.
        list_id: of which list.
        subject: of which journey or template.
    """

    event: str | None = None
    where: Condition | None = None
    since: datetime | timedelta | None = None
    limit: int = 0
    list_id: str | None = None
    subject: str | None = None

    def told(self) -> str:
        where = f" where {self.where.to_json()}" if self.where is not None else ""
        what = self.event or self.subject or self.list_id
        return f"{what}{where}, since {self.since}, {self.limit}"


@dataclass(frozen=True, slots=True)
class WhenAt(Request):
    """Tell the instant of a moment that is said in local time."""

    moment: Moment

    def told(self) -> str:
        return self.moment.describe()


@dataclass(frozen=True, slots=True)
class RunStep(Request):
    """Run an effect of the author's own; the label is its key.

    Args:
        run: what is run, with the step's id if it takes one argument.
        retries: how often it is tried again after a failure.
        timeout: how long one try may take.
        passed: a function that gives the answer of one that lies behind the person, or None.
    """

    run: Callable[..., Any]
    retries: int
    timeout: timedelta
    passed: Callable[[], Any] | None


@dataclass(frozen=True, slots=True)
class Note(Request):
    """Something the player can answer by itself; `make` gives it the first time."""

    make: Callable[[Any], Any] = field(default=lambda player: None)
    said: str = ""

    def told(self) -> str:
        return self.said


@dataclass(frozen=True, slots=True)
class Leave(Request):
    """End the journey here."""


# Whether the code that runs now is driven by a player: an effect of a step is not.
DRIVEN: ContextVar[bool] = ContextVar("driven", default=False)


@coroutine
def ask(request: Request) -> Generator[Request, Any, Any]:
    """Hand a request to the player and return its answer.

    Raises:
        JourneyCodeError: there is no player here: a step's function, a task, a thread.
    """
    if not DRIVEN.get():
        raise JourneyCodeError(
            f"ctx was used ({request.kind} {request.label!r}) where no journey is being played.",
            "Await ctx calls in the journey itself, not in the function that ctx.step runs: "
            "return a value from there, and go on with it.",
        )
    return (yield request)
