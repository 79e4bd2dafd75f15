"""What a `ctx` call asks of the player. The coroutine yields one of these and gets the answer."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import coroutine
from typing import Any

from ..domain.conditions import Condition
from ..domain.event import EventMatch


@dataclass(frozen=True, slots=True)
class Request:
    """One `ctx` call.

    Args:
        kind: which call, as the journal names it.
        label: what tells it from other calls of its kind: a label, template or event.
    """

    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Sleep(Request):
    """Wait for a time: a duration from now, or an instant."""

    until: timedelta | datetime


@dataclass(frozen=True, slots=True)
class WaitFor(Request):
    """Wait for the first of some events."""

    matches: tuple[EventMatch, ...]
    timeout: timedelta | None
    since: datetime | None


@dataclass(frozen=True, slots=True)
class SendMail(Request):
    """Send a mail; the label is the template unless the author gave one."""

    template: str
    subject: str | None
    props: Mapping[str, Any]
    list_id: str | None


@dataclass(frozen=True, slots=True)
class Trigger(Request):
    """Let an event happen to this contact."""

    event: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Look(Request):
    """Read something from the database, together with other turns that do."""

    event: str | None = None
    where: Condition | None = None
    since: datetime | timedelta | None = None
    limit: int = 0
    list_id: str | None = None


@dataclass(frozen=True, slots=True)
class Note(Request):
    """Something the player can answer by itself; `make` gives it the first time."""

    make: Callable[[Any], Any] = field(default=lambda player: None)


@dataclass(frozen=True, slots=True)
class Leave(Request):
    """End the journey here."""


@coroutine
def ask(request: Request) -> Generator[Request, Any, Any]:
    """Hand a request to the player and return its answer."""
    return (yield request)
