"""The `@journey` decorator: it only marks a function; a loader makes the journey out of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeVar

from ..domain.conditions import Property
from ..domain.contact import Contact
from ..domain.event import EventMatch
from ..domain.journey import Entry, Retrigger
from .context import Context

JourneyFunction = Callable[[Contact, Context], Awaitable[None]]
F = TypeVar("F", bound=JourneyFunction)

MARK = "__hogsend_journey__"


@dataclass(frozen=True, slots=True)
class JourneySpec:
    """What `@journey` was given, as it was given; the loader checks it."""

    id: str
    trigger: str | EventMatch
    entry: Literal["once", "unlimited"] | Entry
    exit_on: Sequence[str | EventMatch]
    suppress: timedelta | None
    list: str | None
    name: str | None
    description: str | None
    enabled: bool
    key: Property | None
    on_retrigger: Retrigger
    goal: str | EventMatch | None = None
    holdout: float = 0
    time_zone: str | None = None
    send_window: tuple[str, str] | None = None
    accept_late: bool = False


@dataclass(frozen=True, slots=True)
class _Marking:
    mark: JourneySpec

    def __call__(self, function: F) -> F:
        setattr(function, MARK, self.mark)
        return function


def journey(
    id: str,
    *,
    trigger: str | EventMatch,
    entry: Literal["once", "unlimited"] | Entry = "once",
    exit_on: Sequence[str | EventMatch] = (),
    suppress: timedelta | None = None,
    list: str | None = None,
    name: str | None = None,
    description: str | None = None,
    enabled: bool = True,
    key: Property | None = None,
    on_retrigger: Retrigger = "ignore",
    goal: str | EventMatch | None = None,
    holdout: float = 0,
    time_zone: str | None = None,
    send_window: tuple[str, str] | None = None,
    accept_late: bool = False,
) -> Callable[[F], F]:
    """Make an `async` function a journey.

    Args:
        id: the journey's name in URLs and tables, such as `activation-welcome`; never changes.
        trigger: the event that starts it: a name, or `on(name, where=…)`.
        entry: how often one contact may enter: `"once"`, `once_per(days(7))` or `"unlimited"`.
        exit_on: events that end it at once, also in the middle of a wait.
        suppress: the least time between two of this journey's mails to one contact.
        list: the list that its mails belong to; the built-in one unless given.
        name: what screens call it; made from the id unless given.
        description: its purpose; the function's docstring unless given.
        enabled: whether it runs at all.
        key: a property of the trigger event, such as `prop("cart_id")`: one live enrollment per
            contact and value of it.
        on_retrigger: what another trigger does while one is live: `"ignore"` or `"restart"`.
        goal: the event that the journey is there for; it is counted and does not end anything.
        holdout: how many percent of the people, 0 to 50, are left out and only watched, so that
            the journey's effect can be told; the same person is always in or always out.
        time_zone: the zone of people who have none, such as `"Europe/Berlin"`; UTC unless given.
        send_window: the hours of the recipient's day in which its mails leave, such as
            `("09:00", "18:00")`; one that is due outside of them waits for the next morning.
        accept_late: whether an event that arrives long after it happened starts it too.
    """
    return _Marking(JourneySpec(**locals()))
