"""Enrollments: one contact in one journey; the decisions about waiting and leaving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from .entry_key import is_for_entry
from .event import Event, EventMatch
from .following import Following, MoveCause
from .journey import Journey
from .records import record
from .trigger_conditions import names_trigger, resolve_match

State = Literal[
    "active", "waiting", "completed", "exited", "failed", "drifted", "held_out", "parked"
]
MAX_REASON_LENGTH = 200
LIVE_STATES = ("active", "waiting", "drifted", "parked")


@dataclass(frozen=True, slots=True)
class Wait:
    """The wait that an enrollment is in.

    Args:
        key: the journal key of the wait.
        until: when the wait ends without an event; None when only an event ends it.
        events: the events that end the wait; empty for a sleep.
        remaining: how many matching events are still needed to end the wait.
        following: the property that the wait follows, if any.
    """

    key: str
    until: datetime | None
    events: tuple[EventMatch, ...] = ()
    remaining: int = 1
    following: Following | None = None

    def follow(self, properties: Mapping[str, Any], cause: MoveCause, now: datetime) -> Wait:
        """Return the wait after a change of the contact's properties; itself when it has not moved.

        Args:
            properties: the contact's properties.
            cause: why they changed.
            now: the instant of the change.
        """
        if self.following is None:
            return self
        until, following = self.following.move(self.until or now, properties, cause, now)
        is_same = following is self.following
        return self if is_same else replace(self, until=until, following=following)

    def count_moves(self) -> int:
        """Return how often the property that the wait follows has moved its end."""
        return self.following.moves.count if self.following else 0

    def matches(self, event: Event, now: datetime) -> bool:
        """Return whether an event ends this wait; an event after the deadline does not."""
        if self.until is not None and event.received_at > self.until:
            return False
        return any(match.matches(event.name, event.properties, now) for match in self.events)


@record
class LookBack:
    """The point in a contact's past after which a wait can see events.

    Each contact numbers its events. The events of a contact that was merged into another keep the
    numbers of the merged contact, so only their ids say whether they come after this point.

    Args:
        seq: the contact's own events with a greater number are visible; 0 when this point is an
            event of a contact that has since been merged into this one.
        at: events that arrived before this instant are not visible.
        event: the id of the event at this point; events of merged contacts with a greater id are
            visible.
    """

    seq: int
    at: datetime | None = None
    event: UUID | None = None

    @staticmethod
    def start_after(event: Event, contact_id: UUID) -> LookBack:
        """Return the point right after an event, independent of any clock."""
        is_merged = event.contact_id not in (None, contact_id)
        return LookBack(0 if is_merged else event.seq, None, event.id)

    def can_see(self, event: Event, contact_id: UUID) -> bool:
        """Return whether a wait can see an event of a contact, or of a contact merged into it.

        Ids sort in the order of arrival only among the events of one process.
        """
        if self.seq and event.contact_id == contact_id:
            is_before = event.seq <= self.seq
        else:
            is_before = self.event is not None and event.id <= self.event
        if is_before:
            return False
        return self.at is None or event.received_at >= self.at


@record
class Enrollment:
    """One contact in one journey, as stored.

    Args:
        id: our id; `stateId` in the API.
        contact_id: the contact.
        journey_id: the journey.
        entry_key: tells apart the live enrollments of a contact in a journey; usually empty.
        state: the state.
        trigger_event_id: the event that started the enrollment.
        code_hash: the version of the code that ran the last turn.
        turn: how many turns have run, failed ones included.
        attempt: how many times in a row the present turn has failed.
        wake_at: when the next turn is due; None when no turn is due.
        wait: the wait that the enrollment is in, if any.
        wait_result: the event that ended the wait, until a turn has seen the event.
        look_back: the point after which the next wait can see events.
        sends: how many mails the enrollment has queued.
        error: the traceback of the last failure.
        end_reason: why the enrollment ended.
        fence: the fencing token; a lease raises it, and a commit with an older one writes nothing.
        person: the contact at enrollment, until the first turn puts it into the journal.
        unaddressed_sends: how many mails were skipped because the contact had no address.
        measured_as: identifies the goal and the holdout that it counts for; None for nothing.
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
    unaddressed_sends: int = 0
    measured_as: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether the enrollment has not ended, so that the contact cannot enter again."""
        return self.state in LIVE_STATES

    @property
    def is_retrying(self) -> bool:
        """Whether the last turn failed and will run again."""
        return self.attempt > 0 and self.state in ("active", "waiting")

    @property
    def could_send_nothing(self) -> bool:
        """Whether the contact had no address whenever the enrollment sent a mail."""
        return self.unaddressed_sends > 0 and self.sends == 0

    def apply_event(
        self, event: Event, journey: Journey | None, at: datetime, now: datetime
    ) -> Enrollment:
        """Return the enrollment after an event, which may end its wait.

        Args:
            event: the event.
            journey: the journey's definition, whose key decides whether the event concerns this
                enrollment; None when it is not known.
            at: the instant at which conditions are evaluated.
            now: when the next turn is due if the wait ends.
        """
        wait = self.wait
        if wait is None or self.wait_result or not wait.matches(event, at):
            return self
        if journey is not None and not is_for_entry(event, journey, self.entry_key):
            return self
        if wait.remaining > 1:
            # The wait needs more events.
            return replace(self, wait=replace(wait, remaining=wait.remaining - 1))
        return replace(self, wait_result=event, wake_at=now)

    def follow_properties(
        self, properties: Mapping[str, Any], cause: MoveCause, now: datetime
    ) -> Enrollment:
        """Return the enrollment after a change of its contact's properties, which its wait follows.

        Args:
            properties: the contact's properties.
            cause: why they changed.
            now: the instant of the change.
        """
        before = self.wait
        after = before.follow(properties, cause, now) if before else None
        if before is None or after is None or after is before:
            return self
        if after.count_moves() == before.count_moves():
            return replace(self, wait=after)
        # A turn that failed runs again at the new instant. A drifted enrollment has no next turn.
        wake_at = None if self.wake_at is None else after.until
        return replace(self, wait=after, wake_at=wake_at, attempt=0, error=None)

    def exit(self, reason: str, now: datetime) -> Enrollment:
        """Return the enrollment after an exit.

        Args:
            reason: why, as screens show it.
            now: the instant of the exit.
        """
        has_moved = self.wait is not None and self.wait.count_moves() > 0
        return replace(
            self,
            state="exited",
            end_reason=reason,
            ended_at=now,
            wake_at=None,
            # The timeline shows how the wait has moved.
            wait=self.wait if has_moved else None,
            wait_result=None,
        )

    def move_to(self, contact_id: UUID) -> Enrollment:
        """Return the enrollment moved to the contact that its contact was merged into.

        Numbers of events are reset, because each contact numbers its own events.
        """
        event = self.wait_result
        return replace(
            self,
            contact_id=contact_id,
            wait_result=replace(event, seq=0) if event else None,
            look_back=replace(self.look_back, seq=0),
        )


def find_exit_rule(
    journey: Journey,
    event: Event,
    now: datetime,
    *,
    entry_key: str,
    trigger: Mapping[str, Any] | None,
) -> EventMatch | None:
    """Return the exit rule by which an event ends an enrollment, if any.

    Args:
        journey: the enrollment's journey.
        event: an event of the enrollment's contact.
        now: the instant at which conditions are evaluated.
        entry_key: the enrollment's entry key.
        trigger: the properties of the enrollment's trigger; None when no rule for this event names
            the trigger, or when the trigger does not exist.
    """
    for rule in journey.exit_on:
        if rule.event != event.name or not is_for_entry(event, journey, entry_key):
            continue
        if resolve_match(rule, trigger or {}).matches(event.name, event.properties, now):
            return rule
    return None


def has_scoped_exit(journey: Journey, event_name: str) -> bool:
    """Return whether an event may end some enrollments of a contact in a journey and not others."""
    return journey.entry_key is not None or has_exit_naming_trigger(journey, event_name)


def has_exit_naming_trigger(journey: Journey, event_name: str) -> bool:
    """Return whether an exit rule for an event names the trigger."""
    return any(rule.event == event_name and names_trigger(rule.where) for rule in journey.exit_on)


def format_exit_reason(rule: EventMatch) -> str:
    """Return the end reason of the enrollments that an exit rule ends."""
    return f"exit_on {rule}"[:MAX_REASON_LENGTH]
