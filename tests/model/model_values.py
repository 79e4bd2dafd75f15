"""The values of the reference model: contacts, events, enrollments, sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hogsend.domain.assignment import compute_point

from .journey_plans import Rule

LIVE = ("active", "waiting", "drifted", "parked")
OPT_IN = {"journey": True, "news": True, "offers": False}


@dataclass(eq=False)
class ModelContact:
    """A contact; `merged_into` is the survivor of a merge."""

    number: int
    id: UUID
    user: str | None = None
    email: str | None = None
    anonymous: str | None = None
    subscriptions: dict[str, bool] = field(default_factory=dict[str, bool])
    # The property that waits follow.
    ends: datetime | None = None
    merged_into: ModelContact | None = None
    # The lists whose present choice came from a merge, and those that were left, each with when.
    merged_lists: set[str] = field(default_factory=set[str])
    left_at: dict[str, datetime] = field(default_factory=dict[str, datetime])

    def choose(self, lists: Mapping[str, bool], now: datetime) -> None:
        self.subscriptions.update(lists)
        self.merged_lists -= set(lists)
        self.left_at |= dict.fromkeys(lists, now)

    @property
    def survivor(self) -> ModelContact:
        return self.merged_into.survivor if self.merged_into else self

    def is_subscribed(self, list_id: str) -> bool:
        if list_id == "receipts":
            return True
        return self.subscriptions.get("*", True) and self.subscriptions.get(
            list_id, OPT_IN[list_id]
        )


@dataclass(eq=False)
class ModelMerge:
    """What undoing a merge needs: the survivor's own address and choices before."""

    survivor: ModelContact
    merged: ModelContact
    at: datetime
    email: str | None
    choices: dict[str, bool | None]
    gave_ends: bool


@dataclass(frozen=True)
class SubmittedEvent:
    """An event as a caller submits it, with the contact's choices for lists.

    `contact_properties` is empty, or has the instant `ends`, which None deletes.
    """

    name: str
    user: str | None = None
    email: str | None = None
    anonymous: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])
    lists: Mapping[str, bool] = field(default_factory=dict[str, bool])
    contact_properties: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    late: bool = False
    key: str | None = None
    digest: bytes = b""

    def __repr__(self) -> str:
        values = (self.user, self.email, self.anonymous, dict(self.properties))
        values = (*values, dict(self.lists), dict(self.contact_properties))
        return (
            f"{self.name}({', '.join(str(value) for value in values if value)}, late={self.late})"
        )


@dataclass(eq=False)
class ModelEvent:
    """A stored event; the numbers are in the order of arrival."""

    number: int
    name: str
    properties: Mapping[str, Any]
    at: datetime
    person: ModelContact
    late: bool = False
    depth: int = 0


@dataclass
class ModelWait:
    """The wait of an enrollment: the events that end it, how many, and when it times out.

    A wait that follows `ends` has the offset, in `at` the instant that it leads to, and how long to
    wait while there is none.
    """

    key: str
    until: datetime | None
    rules: tuple[Rule, ...] = ()
    more: int = 1
    offset: timedelta | None = None
    at: datetime | None = None
    timeout: timedelta | None = None


@dataclass(frozen=True)
class ModelLookBack:
    """Includes the events with a greater number that arrived at this instant or later."""

    number: int
    at: datetime | None = None

    def includes(self, event: ModelEvent) -> bool:
        return event.number > self.number and (self.at is None or event.at >= self.at)


@dataclass(eq=False)
class ModelEnrollment:
    """A contact in a journey."""

    person: ModelContact
    journey: str
    key: str
    trigger: ModelEvent
    entered_at: datetime
    wake: datetime | None
    look_back: ModelLookBack
    state: str = "active"
    wait: ModelWait | None = None
    wait_result: ModelEvent | None = None
    attempt: int = 0
    error: str | None = None
    sends: int = 0
    unaddressed: int = 0
    journal: dict[str, Any] = field(default_factory=dict[str, Any])
    step_attempts: dict[str, tuple[int, bool, bool]] = field(default_factory=dict[str, Any])
    reason: str | None = None
    ended_number: int = 0
    ended_at: datetime | None = None
    # The order of the enrollments.
    number: int = 0
    # The keys of steps that paused before another attempt, and of effects that were passed.
    pauses: set[str] = field(default_factory=set[str])
    passed: set[str] = field(default_factory=set[str])
    goal: datetime | None = None
    id: UUID | None = None

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    @property
    def is_retrying(self) -> bool:
        return self.attempt > 0 and self.state in LIVE[:2]

    @property
    def is_entry(self) -> bool:
        """Whether the enrollment counts as an entry; a failure before the first send does not."""
        return self.state != "failed" or self.sends > 0

    @property
    def keeps_out(self) -> bool:
        """Whether the entry limits another; not if only the address was missing, known by now."""
        lacked_address = self.unaddressed > 0 and self.sends == 0
        return not (lacked_address and self.person.survivor.email)


class Holdouts:
    """Decides holdouts by the order of the contacts, so that every run decides the same."""

    def __init__(self) -> None:
        self._numbers: dict[UUID, int] = {}

    def is_held_out(self, journey: str, holdout: float, contact_id: UUID) -> bool:
        number = self._numbers.setdefault(contact_id, len(self._numbers))
        return compute_point(f"{journey}/{number}") * 100 < holdout


@dataclass(eq=False)
class ModelSend:
    """A row of the ledger."""

    enrollment: ModelEnrollment
    recipient: ModelContact
    key: str
    template: str
    list: str
    status: str
    reason: str | None
    decided_at: datetime
    due: datetime | None
    # The number of the newest event when the mail was decided.
    number: int = 0
    left_at: datetime | None = None
    address: str | None = None
    # Whether the journey names the recipient.
    to: bool = False

    @property
    def is_under_way(self) -> bool:
        """Whether the email was sent or is going to be."""
        return self.status in ("queued", "sent")

    def cancel(self, reason: str) -> None:
        if self.status == "queued":
            self.status, self.reason = "cancelled", reason


@dataclass(frozen=True)
class ExpectedResult:
    """The decisions that the model predicts for an event, in any order."""

    stored: bool
    person: ModelContact
    entered: Mapping[str, str | ModelEnrollment] = field(default_factory=dict[str, Any])
    exits: Mapping[ModelEnrollment, bool] = field(default_factory=dict[ModelEnrollment, bool])
    waits: Sequence[ModelEnrollment] = ()
    conflict: bool = False
