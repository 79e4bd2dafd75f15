"""One contact in one journey, and the decisions about entering, waiting and leaving."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

from .assignment import point_of
from .conditions import MISSING, look_up
from .event import Event, EventMatch
from .journey import Journey

State = Literal[
    "active", "waiting", "completed", "exited", "failed", "drifted", "held_out", "parked"
]
# Of a key that tells side-by-side enrollments apart; a longer one is kept as its digest.
MAX_KEY_LENGTH = 200
LIVE_STATES = ("active", "waiting", "drifted", "parked")

SkipReason = Literal[
    "disabled",
    "disabled_by_operator",
    "where_not_met",
    "already_live",
    "already_entered",
    "too_soon",
    "unsubscribed",
    "suppressed",
    "held_out",
    "journey_broken",
    "late_event",
    "no_key",
    "trigger_loop",
]


@dataclass(frozen=True, slots=True)
class Wait:
    """The wait that an enrollment is in.

    Args:
        key: the journal key of the wait.
        until: when it ends by itself; None when only an event ends it.
        events: the events that end it; empty for a sleep.
        more: how many of them are still needed.
    """

    key: str
    until: datetime | None
    events: tuple[EventMatch, ...] = ()
    more: int = 1

    def matches(self, event: Event, now: datetime) -> bool:
        """Return whether an event ends this wait; one that arrived after the deadline does not."""
        if self.until is not None and event.received_at and event.received_at > self.until:
            return False
        return any(match.matches(event.name, event.properties, now) for match in self.events)


@dataclass(frozen=True, slots=True)
class LookBack:
    """The point from which on a wait sees events.

    Args:
        seq: of the contact's own events, those after this number are seen; 0 when what it looks
            back to was the event of somebody who is this contact now, and numbered apart.
        at: of any events, those that arrived at this instant or later are seen.
        event: what it looks back to: of events numbered apart, those with a greater id are seen.
    """

    seq: int
    at: datetime | None = None
    event: UUID | None = None

    @staticmethod
    def behind(event: Event, contact_id: UUID) -> LookBack:
        """Return a contact's look back from after an event, whatever the clocks showed."""
        apart = event.contact_id not in (None, contact_id)
        return LookBack(0 if apart else event.seq, None, event.id)

    def sees(self, event: Event, contact_id: UUID) -> bool:
        """Say whether a wait may find an event of a contact, or of one merged into it.

        Those who were merged are numbered apart: their events go by their ids, which are in the
        order of arrival as far as one process makes them.
        """
        if self.seq and event.contact_id == contact_id:
            passed = event.seq <= self.seq
        else:
            passed = self.event is not None and event.id <= self.event
        if passed:
            return False
        return self.at is None or event.received_at is None or event.received_at >= self.at


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One contact in one journey, as stored.

    Args:
        id: our id; the wire calls it `stateId`.
        contact_id: its contact.
        journey_id: its journey.
        entry_key: the value that lets several run side by side, usually empty.
        state: its state.
        trigger_event_id: the event that started it.
        code_hash: the version of the code that ran the last turn.
        turn: how many turns have run, failed ones included.
        attempt: how many times in a row the present turn has failed.
        wake_at: when the next turn is due; None when nothing is.
        wait: the wait that it is in, if any.
        wait_result: the event that ended the wait, before the turn that sees it.
        look_back: the point from which on the next wait sees events.
        sends: how many mails it has queued.
        error: the traceback of the last failure.
        end_reason: why it ended.
        fence: rises with each lease; a commit under an older one is refused.
        person: the contact as of enrollment, in the journal's form, until the journal has it.
    """

    id: UUID
    contact_id: UUID
    journey_id: str
    entry_key: str
    state: State
    trigger_event_id: UUID
    code_hash: str
    entered_at: datetime
    turn: int = 0
    attempt: int = 0
    wake_at: datetime | None = None
    wait: Wait | None = None
    wait_result: Event | None = None
    look_back: LookBack = field(default_factory=lambda: LookBack(0))
    sends: int = 0
    error: str | None = None
    end_reason: str | None = None
    ended_at: datetime | None = None
    fence: int = 0
    person: Mapping[str, Any] | None = None

    @property
    def is_live(self) -> bool:
        """Whether it has not ended: exits reach it, and the contact cannot enter again."""
        return self.state in LIVE_STATES

    def after_event(self, event: Event, at: datetime, now: datetime) -> Enrollment:
        """Return the enrollment as it is after an event, which may end its wait.

        Args:
            event: the event.
            at: the instant at which conditions are evaluated.
            now: when the next turn is due if the wait ends.
        """
        wait = self.wait
        if wait is None or self.wait_result or not wait.matches(event, at):
            return self
        if wait.more > 1:
            # The wait needs more events.
            return replace(self, wait=replace(wait, more=wait.more - 1))
        return replace(self, wait_result=event, wake_at=now)

    def moved_to(self, contact_id: UUID) -> Enrollment:
        """Return the enrollment moved to the contact that its own was merged into.

        The events of the two contacts are numbered separately.
        """
        came = self.wait_result
        return replace(
            self,
            contact_id=contact_id,
            wait_result=replace(came, seq=0) if came else None,
            look_back=replace(self.look_back, seq=0),
        )


@dataclass(frozen=True, slots=True)
class Enroll:
    """The decision to enroll."""

    journey_id: str
    entry_key: str


@dataclass(frozen=True, slots=True)
class Skip:
    """The decision not to enroll, and why."""

    journey_id: str
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class EnrollmentFacts:
    """What the decision about an enrollment depends on.

    Args:
        switched_off: the operator has switched the journey off.
        broken: its code is gone or cannot be used.
        late: the event happened too long before it arrived.
        looped: the chain of causes that led to the event is too long.
        live: the contact is in the journey now, with this key.
        last_entry: when the contact last entered it with this key, if ever.
        subscribed: the contact gets the journey's list.
        suppressed: the contact's address must not be mailed.
        held_out: the contact is one of those who are left out, to be compared with.
    """

    switched_off: bool = False
    broken: bool = False
    late: bool = False
    looped: bool = False
    live: bool = False
    last_entry: datetime | None = None
    subscribed: bool = True
    suppressed: bool = False
    held_out: bool = False


def is_held_out(journey: Journey, contact_id: UUID) -> bool:
    """Say whether a contact is among those a journey leaves out; always the same for each.

    Args:
        journey: whose `holdout` percentage counts.
        contact_id: who.
    """
    if not journey.holdout:
        return False
    return point_of(f"holdout:{journey.id}:{contact_id}") * 100 < journey.holdout


def entry_key_of(journey: Journey, event: Event) -> str | None:
    """Return the key that tells side-by-side enrollments apart; None when the event has none."""
    if journey.entry_key is None:
        return ""
    value = look_up(event.properties, journey.entry_key)
    if value is MISSING or value is None or isinstance(value, dict | list):
        return None
    if isinstance(value, float) and value.is_integer():
        # JSON knows one kind of number: 1 and 1.0 are the same cart.
        value = int(value)
    key = str(cast("object", value))
    if len(key) <= MAX_KEY_LENGTH:
        return key
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def decide_enrollment(
    journey: Journey, event: Event, facts: EnrollmentFacts, now: datetime
) -> Enroll | Skip:
    """Decide whether an event enrolls its contact; the first refusal wins.

    The order is the specification's (journeys, "Enrollment").

    Args:
        journey: one that listens for the event.
        event: the event.
        facts: what is known of the contact and the journey.
        now: the present instant.
    """
    reason = _refusal(journey, event, facts, now)
    if reason is not None:
        return Skip(journey.id, reason)
    return Enroll(journey.id, entry_key_of(journey, event) or "")


def _refusal(
    journey: Journey, event: Event, facts: EnrollmentFacts, now: datetime
) -> SkipReason | None:
    where = journey.trigger.where
    checks: Sequence[tuple[bool, SkipReason]] = (
        (not journey.enabled, "disabled"),
        (facts.switched_off, "disabled_by_operator"),
        (where is not None and not where.matches(event.properties, now), "where_not_met"),
        (facts.broken, "journey_broken"),
        (facts.late, "late_event"),
        (facts.looped, "trigger_loop"),
        (entry_key_of(journey, event) is None, "no_key"),
        (facts.live, "already_live"),
        (journey.entry.limit == "once" and facts.last_entry is not None, "already_entered"),
        (_too_soon(journey, facts.last_entry, now), "too_soon"),
        (not facts.subscribed, "unsubscribed"),
        (facts.suppressed, "suppressed"),
        (facts.held_out, "held_out"),
    )
    return next((reason for refused, reason in checks if refused), None)


def _too_soon(journey: Journey, last_entry: datetime | None, now: datetime) -> bool:
    period = journey.entry.period
    return period is not None and last_entry is not None and now - last_entry < period


def exit_of(journey: Journey, event: Event, now: datetime) -> EventMatch | None:
    """Return the exit rule of a journey that an event meets, if any."""
    return next(
        (rule for rule in journey.exit_on if rule.matches(event.name, event.properties, now)), None
    )
