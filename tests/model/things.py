"""What the model is made of: people, events, stays in journeys, mails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from hogsend.domain.assignment import point_of

from .scripts import Rule

LIVE = ("active", "waiting", "drifted", "parked")
OPT_IN = {"journey": True, "news": True, "offers": False}


@dataclass(eq=False)
class Person:
    """Somebody; `into` is the person that they turned out to be."""

    number: int
    id: UUID
    user: str | None = None
    email: str | None = None
    anonymous: str | None = None
    said: dict[str, bool] = field(default_factory=dict[str, bool])
    into: Person | None = None

    @property
    def home(self) -> Person:
        return self.into.home if self.into else self

    def gets(self, list_id: str) -> bool:
        if list_id == "receipts":
            return True
        return self.said.get("*", True) and self.said.get(list_id, OPT_IN[list_id])


@dataclass(frozen=True)
class Fact:
    """What somebody tells: an event of a person, and what they say of lists."""

    name: str
    user: str | None = None
    email: str | None = None
    anonymous: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])
    lists: Mapping[str, bool] = field(default_factory=dict[str, bool])
    late: bool = False
    key: str | None = None
    digest: bytes = b""

    def __repr__(self) -> str:
        told = (self.user, self.email, self.anonymous, dict(self.properties), dict(self.lists))
        return f"{self.name}({', '.join(str(one) for one in told if one)}, late={self.late})"


@dataclass(eq=False)
class Happening:
    """An event; all events are numbered in the order of their arrival."""

    number: int
    name: str
    properties: Mapping[str, Any]
    at: datetime
    person: Person
    late: bool = False
    depth: int = 0


@dataclass
class Wait:
    """The wait of a stay: what ends it, how many of them, and when it ends by itself."""

    key: str
    until: datetime | None
    rules: tuple[Rule, ...] = ()
    more: int = 1


@dataclass(frozen=True)
class Look:
    """A wait sees events after this number that came at this instant or later."""

    number: int
    at: datetime | None = None

    def sees(self, event: Happening) -> bool:
        return event.number > self.number and (self.at is None or event.at >= self.at)


@dataclass(eq=False)
class Stay:
    """One person in one journey."""

    person: Person
    journey: str
    key: str
    trigger: Happening
    entered_at: datetime
    wake: datetime | None
    look: Look
    state: str = "active"
    wait: Wait | None = None
    came: Happening | None = None
    attempt: int = 0
    sends: int = 0
    journal: dict[str, Any] = field(default_factory=dict[str, Any])
    kept: dict[str, tuple[int, bool, bool]] = field(default_factory=dict[str, Any])
    reason: str | None = None
    ended_number: int = 0
    goal: datetime | None = None
    id: UUID | None = None

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    @property
    def is_entry(self) -> bool:
        """Whether it counts: who failed before anything was sent may begin anew."""
        return self.state != "failed" or self.sends > 0


class Lots:
    """Who is held out, as it was drawn; by the order of asking, to be the same at a replay."""

    def __init__(self) -> None:
        self._numbers: dict[UUID, int] = {}

    def drawn(self, journey: str, holdout: int, who: UUID) -> bool:
        number = self._numbers.setdefault(who, len(self._numbers))
        return point_of(f"{journey}/{number}") * 100 < holdout


@dataclass(eq=False)
class Mail:
    """A row of the ledger."""

    stay: Stay
    key: str
    template: str
    list: str
    to: str | None
    status: str
    reason: str | None
    decided_at: datetime
    due: datetime | None
    left_at: datetime | None = None
    address: str | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether it has left, or is about to."""
        return self.status in ("queued", "sent")

    def cancel(self, reason: str) -> None:
        if self.status == "queued":
            self.status, self.reason = "cancelled", reason


@dataclass(frozen=True)
class Answer:
    """What came of a fact; journeys and stays are named, and the order does not matter."""

    stored: bool
    person: Person
    entered: Mapping[str, str | Stay] = field(default_factory=dict[str, Any])
    exits: Mapping[Stay, bool] = field(default_factory=dict[Stay, bool])
    waits: Sequence[Stay] = ()
    conflict: bool = False
