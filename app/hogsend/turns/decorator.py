"""The `@journey` decorator, which attaches a `JourneySpec` to a function for the loader."""

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

# The attribute of the function that holds the spec.
SPEC_ATTRIBUTE = "__hogsend_journey__"


@dataclass(frozen=True, slots=True)
class JourneySpec:
    """The arguments of `@journey`, which the loader checks."""

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
class _Decorator:
    spec: JourneySpec

    def __call__(self, function: F) -> F:
        setattr(function, SPEC_ATTRIBUTE, self.spec)
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
    """Turn an `async` function into a journey.

    Args:
        id: the journey's name in URLs and tables, such as `activation-welcome`; never changes.
        trigger: the event that starts the journey: a name, or `on(name, where=…)`.
        entry: how often one contact may enter: `"once"`, `once_per(days(7))` or `"unlimited"`.
        exit_on: events that end the journey immediately, also in the middle of a wait.
        suppress: the shortest time between two of this journey's emails to one contact.
        list: the list that the emails belong to; the built-in list unless given.
        name: the name on screens; derived from the id unless given.
        description: the purpose; the function's docstring unless given.
        enabled: whether the journey runs.
        key: a property of the trigger event, such as `prop("cart_id")`: one live enrollment for
            each contact and value of the property.
        on_retrigger: what a trigger does while an enrollment is live: `"ignore"` or `"restart"`.
        goal: the event that the journey aims at; the event is counted, and ends nothing.
        holdout: the percentage of contacts, 0 to 50, who are only observed, so that the journey's
            effect can be measured; a contact is always in the holdout or never.
        time_zone: the zone of contacts without one, such as `"Europe/Berlin"`; UTC unless given.
        send_window: the hours of the recipient's day in which the emails leave, such as
            `("09:00", "18:00")`; an email that is due at another time waits for the next opening.
        accept_late: whether an event that arrives long after it happened also starts the journey.
    """
    return _Decorator(JourneySpec(**locals()))
