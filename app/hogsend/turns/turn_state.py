"""The state of one turn while it runs: inputs, position in the journey, result so far."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, tzinfo

from ..domain.contact import Contact, from_snapshot, to_snapshot
from ..domain.enrollment import LookBack, Wait
from ..domain.event import Event
from ..domain.journal import Step, decode, encode, to_storable_text
from ..domain.journey import Journey
from ..domain.send_policy import Send, SendFacts
from ..domain.times import find_zone, resolve_zone
from ..errors import JourneyCodeError
from .step_attempts import is_retry_pause
from .turn import AddresseeFacts, TurnEnvironment, TurnInput, TurnResult

# Journal entries that are recorded once for each enrollment, without a `ctx` call.
USER, ZONE = "user", "zone"
ENROLLMENT_ENTRIES = (USER, ZONE)


class TurnState:
    """The state that `ctx` calls read and change while a turn runs.

    Args:
        journey: the journey's definition.
        inputs: the rows that the turn starts from.
        environment: the values that the turns of the batch share.
    """

    def __init__(self, journey: Journey, inputs: TurnInput, environment: TurnEnvironment) -> None:
        self.journey = journey
        self.inputs = inputs
        self.environment = environment
        self.result = TurnResult(look_back=inputs.enrollment.look_back)
        self.is_over = False
        # The pause before an effect's next attempt is no answer.
        self.recorded = {step.key: step for step in inputs.steps if not is_retry_pause(step)}
        wait = inputs.enrollment.wait
        # The key of the wait that the contact is in, and whether the code has reached that wait.
        self.frontier = wait.key if wait else None
        self.has_reached_frontier = wait is None
        self.send_facts = inputs.send_facts
        self._mailed_addressees: set[object] = set()
        # The number of events in the chain of causes that led to this turn.
        woken_by = inputs.enrollment.wait_result
        self.depth = max(inputs.depth, woken_by.depth if woken_by else 0)

    @property
    def now(self) -> datetime:
        """The instant of this turn."""
        return self.environment.now

    @property
    def contact(self) -> Contact:
        """The contact as of now."""
        return self.inputs.contact

    def resolve_enrolled_contact(self) -> Contact:
        """Return the contact as of enrollment, which the first turn records in the journal."""
        step = self.recorded.get(USER)
        if step is not None:
            return from_snapshot(decode(step.answer), self.inputs.trigger.received_at)
        stored = self.inputs.enrollment.person or to_snapshot(self.contact)
        self.result.steps.append(Step(USER, USER, "", encode(stored)))
        return from_snapshot(stored, self.inputs.trigger.received_at)

    def resolve_time_zone(self) -> tzinfo:
        """Return the contact's time zone, which the journal records on first use."""
        step = self.recorded.get(ZONE)
        if step is None:
            resolved = resolve_zone(self.contact.properties, self.journey.time_zone)
            answer = {"zone": resolved.name} | ({"note": resolved.note} if resolved.note else {})
            step = Step(ZONE, ZONE, resolved.name, answer)
            self.recorded[ZONE] = step
            self.result.steps.append(step)
        zone = find_zone(step.answer["zone"]) or find_zone("UTC")
        assert zone is not None  # noqa: S101 (UTC is always known)
        return zone

    def compute_end(self, duration: timedelta) -> datetime:
        """Return the instant at which a wait of this duration ends.

        Raises:
            JourneyCodeError: the instant is after the year 9999.
        """
        try:
            return self.now + duration
        except OverflowError:
            raise JourneyCodeError(
                f"A wait of {duration.days:,} days ends after the year 9999.",
                "Wait for a shorter time; ctx.wait_for without timeout= waits forever.",
            ) from None

    def add_send(self, send: Send, addressee: AddresseeFacts | None) -> None:
        """Add a row to the ledger when the turn is committed.

        Args:
            send: the row.
            addressee: the person whom the email goes to; None for the contact.
        """
        self.result.sends.append(send)
        if addressee is not None:
            self.result.addressees[send.id] = addressee
            if send.status == "queued":
                self._mailed_addressees.add(addressee.key)
        elif send.status == "queued":
            self.send_facts = replace(self.send_facts, last_sent_at=self.now)

    def find_send_facts(self, addressee: AddresseeFacts | None) -> SendFacts:
        """Return what decides about an email to a person, the emails of this turn included.

        Args:
            addressee: the person; None for the contact.
        """
        if addressee is None:
            return self.send_facts
        if addressee.key in self._mailed_addressees:
            return replace(addressee.send_facts, last_sent_at=self.now)
        return addressee.send_facts

    # -- waits --------------------------------------------------------------------------------

    def has_entry(self, key: str) -> bool:
        """Return whether the enrollment's past has a call with a key: done, waiting or retried."""
        is_known = key in self.recorded or key == self.frontier
        return is_known or key in self.inputs.pending_steps

    def is_resuming(self, key: str) -> bool:
        """Return whether a key belongs to the wait that this turn resumes from."""
        return key == self.frontier

    def set_look_back(self, event: Event | None, until: datetime | None, before: LookBack) -> None:
        """Let the next wait look back to the end of this wait.

        Args:
            event: the event that ended this wait, if any.
            until: when this wait ended by itself.
            before: the point that this wait looked back to.
        """
        if event is not None:
            self.result.look_back = LookBack.start_after(event, self.contact.id)
        else:
            self.result.look_back = replace(before, at=until)

    def pause(self, step: Step, wait: Wait) -> None:
        """End the turn in a wait.

        Args:
            step: the journal entry of the wait.
            wait: the time and the events that end the wait.
        """
        self.result.steps.append(step)
        self.result.wait = wait
        self.end("waiting")

    # -- endings ------------------------------------------------------------------------------

    def end(self, outcome: str, reason: str | None = None) -> None:
        """End the turn with an outcome of `TurnResult`."""
        self.is_over = True
        self.result.outcome = outcome
        self.result.reason = to_storable_text(reason)[:200] if reason else None

    def end_journey(self, outcome: str, reason: str | None = None) -> None:
        """End the turn and the journey; drift when the code has not reached the contact's wait."""
        if self.has_reached_frontier:
            self.end(outcome, reason)
        else:
            self.drift()

    def drift(self, reason: str | None = None) -> None:
        """Discard the turn's result, because the code cannot continue from the contact's wait."""
        self.result = TurnResult(look_back=self.inputs.enrollment.look_back)
        wait = self.frontier or "its wait"
        self.end("drifted", reason or f"the code no longer asks for {wait}")
