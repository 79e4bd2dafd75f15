"""The actions of operators on enrollments: wake, continue, restart, exit, retry.

A drifted enrollment can be continued, restarted or exited. Only an enrollment whose last turn
failed can be retried (docs/journeys.md, "When something goes wrong").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment, find_exit_rule, format_exit_reason
from ..domain.event import Event, to_stored_event
from ..domain.failure_filter import RETRYING
from ..domain.following import RETRY
from ..domain.ids import compute_first_id
from ..domain.incoming import IncomingEvent
from ..domain.journal import Step, encode
from ..domain.journey import Journey
from ..errors import Conflict, HogsendError, NotFound
from ..store import contacts, counters, enrollments, events, sends, turns
from ..store.counters import Tally
from ..store.db import Transaction
from ..store.turns import Turn
from .batch_result import BatchResult
from .contact_resolver import ContactResolver
from .enroll import try_enroll
from .exits import Triggers, find_merged_cancellations
from .measuring import count_entry
from .rules import IngestRules

ActionName = Literal["wake", "continue", "restart", "exit", "retry"]
# The states in which an enrollment has to be for an action; other actions take any live state.
_REQUIRED_STATES: Mapping[ActionName, Sequence[str]] = {
    "continue": ("drifted",),
    "restart": ("drifted",),
    "retry": ("failed", RETRYING),
}
_MAX_REASON_LENGTH = 200


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """An action of an operator on enrollments.

    Args:
        name: `wake` ends a wait, `continue` goes on without the wait that the code has lost,
            `restart` starts again with the same trigger, `exit` ends the enrollment, `retry`
            reopens it when it has failed, and ends the pause before the next attempt otherwise.
        operator: the operator's address, or `cli`.
        note: the operator's reason, which the timeline shows; may be empty.
    """

    name: ActionName
    operator: str
    note: str = ""

    @property
    def reason(self) -> str:
        """The end reason of the enrollments that the action ends."""
        reason = f"by {self.operator}"
        if self.name == "restart":
            reason = f"restarted {reason}"
        return (f"{reason}: {self.note}" if self.note else reason)[:_MAX_REASON_LENGTH]


@dataclass
class OperatorActionResult:
    """The result of an action.

    Args:
        current_ids: the changed enrollments, each with the enrollment that is current now: the same
            one, or the one that a restart has started.
        errors: the enrollments that do not allow the action, each with the reason.
        batch: the changes, to be published after the commit.
    """

    current_ids: dict[UUID, UUID] = field(default_factory=dict[UUID, UUID])
    errors: dict[UUID, HogsendError] = field(default_factory=dict[UUID, HogsendError])
    batch: BatchResult = field(default_factory=lambda: BatchResult(topics={"enrollments", "sends"}))


async def run_operator_action(
    tx: Transaction,
    action: OperatorAction,
    ids: Sequence[UUID],
    *,
    rules: IngestRules,
    tally: Tally,
    now: datetime,
) -> OperatorActionResult:
    """Run an action inside a transaction; skip the enrollments that do not allow the action.

    Args:
        tx: the transaction.
        action: the action.
        ids: the enrollments.
        rules: the journeys, lists and switches that decide.
        tally: counts the changes; the caller writes the tally.
        now: the current time.
    """
    batch = _ActionBatch(action, rules, tally, now)
    await batch.load(tx, ids)
    for enrollment_id in ids:
        try:
            batch.result.current_ids[enrollment_id] = batch.run(enrollment_id)
        except HogsendError as error:
            batch.result.errors[enrollment_id] = error
    await batch.write(tx)
    return batch.result


class _ActionBatch:
    """One action on several enrollments: the rows that it reads and writes."""

    def __init__(
        self, action: OperatorAction, rules: IngestRules, tally: Tally, now: datetime
    ) -> None:
        self._action = action
        self._rules = rules
        self._tally = tally
        self._now = now
        self._enrollments: Mapping[UUID, Enrollment] = {}
        self._contacts = contacts.LockedContacts({}, {})
        self._live: dict[UUID, list[Enrollment]] = {}
        self._exit_events: dict[UUID, list[Event]] = {}
        self._compacted: frozenset[UUID] = frozenset()
        self._triggers: Triggers = {}
        self._resolver = ContactResolver(now)
        self._causes: Mapping[UUID, events.Cause] = {}
        self._changed: list[Enrollment] = []
        self._started: list[Enrollment] = []
        self._cancel: dict[UUID, str] = {}
        self._journal: list[Turn] = []
        self.result = OperatorActionResult()

    # -- reading ------------------------------------------------------------------------------

    async def load(self, tx: Transaction, ids: Sequence[UUID]) -> None:
        """Lock the contacts, as a turn's commit does, and read the rows that the action needs."""
        lock = tx.dialect.lock_rows
        self._contacts, self._enrollments = await tx.fetch(
            contacts.lock_by_enrollments(ids, lock), enrollments.find_by_ids(ids)
        )
        survivors = set(self._contacts.survivors.values()) | {
            enrollment.contact_id for enrollment in self._enrollments.values()
        }
        if missing := survivors - set(self._contacts.by_id):
            # These contacts were merged while this transaction waited for the locks.
            merged = await tx.fetch_one(contacts.lock(missing, lock))
            self._contacts.by_id.update(merged.by_id)
        if self._action.name == "retry":
            await self._load_for_retry(tx, survivors)
        elif self._action.name == "restart":
            events_of_survivors = [
                IncomingEvent("", contact_id=contact_id) for contact_id in survivors
            ]
            await self._resolver.load(tx, events_of_survivors)
            self._causes = await tx.fetch_one(events.find_triggers(ids))

    async def _load_for_retry(self, tx: Transaction, survivors: Iterable[UUID]) -> None:
        contact_ids = list(self._contacts.by_id)
        ending = {
            rule.event
            for enrollment in self._enrollments.values()
            if (journey := self._rules.find_definition(enrollment.journey_id))
            for rule in journey.exit_on
        }
        trigger_ids = {enrollment.trigger_event_id for enrollment in self._enrollments.values()}
        live: list[Enrollment]
        exit_events: list[Event]
        live, exit_events, self._compacted, self._triggers = await tx.fetch(
            enrollments.find_live(list(survivors)),
            events.find_by_names(contact_ids, sorted(ending)),
            enrollments.find_compacted(list(self._enrollments)),
            events.find_properties(trigger_ids),
        )
        for enrollment in live:
            self._live.setdefault(enrollment.contact_id, []).append(enrollment)
        for event in exit_events:
            assert event.contact_id is not None  # noqa: S101 (the query selects by contact)
            survivor_id = self._contacts.survivors.get(event.contact_id, event.contact_id)
            self._exit_events.setdefault(survivor_id, []).append(event)

    # -- deciding -----------------------------------------------------------------------------

    def run(self, enrollment_id: UUID) -> UUID:
        """Run the action on an enrollment; return the id of the enrollment that is current now.

        Raises:
            NotFound: there is no such enrollment.
            Conflict: the state of the enrollment, its contact or its journey does not allow the
                action.
        """
        enrollment = self._enrollments.get(enrollment_id)
        if enrollment is None:
            raise NotFound("This enrollment does not exist.")
        name = self._action.name
        required = _REQUIRED_STATES.get(name)
        state = RETRYING if enrollment.is_retrying else enrollment.state
        if name != "retry" and not enrollment.is_live:
            raise Conflict(f"This enrollment has ended already ({enrollment.state}).")
        if required is not None and state not in required:
            needed = " or ".join(required)
            raise Conflict(f"This action needs a {needed} enrollment; this one is {state}.")
        actions = {
            "wake": self._wake,
            "continue": self._continue,
            "restart": self._restart,
            "exit": self._exit,
            "retry": self._retry,
        }
        return actions[name](enrollment)

    def _wake(self, enrollment: Enrollment) -> UUID:
        if enrollment.state not in ("active", "waiting"):
            raise Conflict(f"This enrollment cannot be woken: it is {enrollment.state}.")
        wait = enrollment.wait
        if wait is not None:
            wait = replace(wait, until=min(wait.until or self._now, self._now))
        return self._resume(enrollment, replace(enrollment, wait=wait, wake_at=self._now))

    def _continue(self, enrollment: Enrollment) -> UUID:
        """Drop the lost wait: recorded calls keep their answers, and all other calls are made now.

        The next wait looks back as far as the lost wait did, and so finds the events that have
        arrived since. If an event ended the lost wait, that event is recorded as its answer, for
        code that makes the wait after all.
        """
        self._find_journey(enrollment)  # Raises Conflict if the journey is unavailable.
        active = replace(
            enrollment, state="active", attempt=0, wake_at=self._now, wait=None, wait_result=None
        )
        if enrollment.wait is not None and enrollment.wait_result is not None:
            active = replace(active, turn=enrollment.turn + 1)
            kind, _, label = enrollment.wait.key.partition(":")
            answer = encode(to_stored_event(enrollment.wait_result))
            step = Step(enrollment.wait.key, kind, label, answer)
            self._journal.append(
                Turn(enrollment.id, active.turn, self._now, enrollment.code_hash, "waiting", [step])
            )
        return self._resume(enrollment, replace(active, end_reason=None, error=None))

    def _restart(self, enrollment: Enrollment) -> UUID:
        journey, cause = (
            self._find_journey(enrollment),
            self._causes.get(enrollment.trigger_event_id),
        )
        state, _ = self._resolver.resolve(IncomingEvent("", contact_id=enrollment.contact_id))
        if cause is None or state is None:
            raise Conflict("The event that started this enrollment has been deleted.")
        live = state.live.get(enrollment.id)
        started = try_enroll(
            journey,
            cause,
            state,
            suppressed=self._resolver.suppressed_addresses,
            rules=self._rules,
            now=self._now,
            replaces=[live] if live else [],
        )
        if isinstance(started, str):
            raise Conflict(f"The journey does not enroll this contact again: {started}.")
        self._end(enrollment, self._action.reason)
        state.live.pop(enrollment.id, None)
        self._started.append(started)
        self.result.batch.wakes[started.id] = self._now
        self._tally.change_state(journey.id, None, "active")
        count_entry(started, self._tally)
        self._tally.add_today(counters.name_entered_total(journey.id))
        return started.id

    def _exit(self, enrollment: Enrollment) -> UUID:
        self._end(enrollment, self._action.reason)
        return enrollment.id

    def _retry(self, enrollment: Enrollment) -> UUID:
        """Reopen a failed enrollment, unless an event that exits the journey has arrived since.

        An enrollment that is retried is due now, and gets the whole schedule of retries again.
        """
        journey, contact = self._find_journey(enrollment), self._find_contact(enrollment)
        if enrollment.is_retrying:
            wake_at = min(enrollment.wake_at or self._now, self._now)
            return self._resume(enrollment, replace(enrollment, attempt=0, wake_at=wake_at))
        if enrollment.id in self._compacted:
            raise Conflict("This enrollment ended too long ago: its journal has been deleted.")
        entry = enrollment.journey_id, enrollment.entry_key
        others = self._live.setdefault(contact.id, [])
        if any((other.journey_id, other.entry_key) == entry for other in others):
            raise Conflict("This contact has entered the journey again and is in it now.")
        failed_at = enrollment.ended_at or self._now
        opened = replace(
            enrollment if contact.id == enrollment.contact_id else enrollment.move_to(contact.id),
            state="waiting" if enrollment.wait else "active",
            attempt=0,
            wake_at=self._now,
            ended_at=None,
            end_reason=None,
        )
        # What a wait follows may have changed since the failure.
        opened = opened.follow_properties(contact.properties, RETRY, self._now)
        self._tally.add_on_day(
            failed_at, counters.name_ended_total(enrollment.journey_id, "failed"), -1
        )
        if (reason := self._find_exit_reason_since(enrollment, journey, contact)) is not None:
            self._end(opened, reason)
            return enrollment.id
        others.append(opened)
        return self._resume(enrollment, opened)

    def _find_exit_reason_since(
        self, enrollment: Enrollment, journey: Journey, contact: Contact
    ) -> str | None:
        """Return why an event that arrived after the failure of an enrollment exits it."""
        failed_at = enrollment.ended_at or self._now
        # Ids are in the order of arrival, also when the clock was set back. An event of the same
        # millisecond arrived after the failure: before it, it would have been an exit.
        first = max(compute_first_id(failed_at), enrollment.trigger_event_id)
        for event in self._exit_events.get(contact.id, ()):
            if event.id > first and (
                rule := find_exit_rule(
                    journey,
                    event,
                    event.received_at,
                    entry_key=enrollment.entry_key,
                    trigger=self._triggers.get(enrollment.trigger_event_id),
                )
            ):
                return format_exit_reason(rule)
        return None

    def _find_contact(self, enrollment: Enrollment) -> Contact:
        """Return an enrollment's contact, or the survivor if the contact was merged since."""
        contact_id = self._contacts.survivors.get(enrollment.contact_id, enrollment.contact_id)
        contact = self._contacts.by_id.get(contact_id)
        if contact is None:
            raise Conflict("The contact of this enrollment was erased.")
        return contact

    def _find_journey(self, enrollment: Enrollment) -> Journey:
        journey = self._rules.journeys.get(enrollment.journey_id)
        if journey is None:
            raise Conflict(
                f"The code of {enrollment.journey_id} is gone or broken.",
                "Restore it first.",
            )
        return journey

    # -- changing -----------------------------------------------------------------------------

    def _resume(self, before: Enrollment, after: Enrollment) -> UUID:
        self._put(before, after)
        self.result.batch.wakes[after.id] = self._now
        return after.id

    def _end(self, enrollment: Enrollment, reason: str) -> None:
        """Exit an enrollment, and cancel its queued sends."""
        ended = enrollment.exit(reason, self._now)
        self._put(self._enrollments[enrollment.id], ended)
        self._tally.add_today(counters.name_ended_total(enrollment.journey_id, "exited"))
        self._cancel[enrollment.id] = reason
        self.result.batch.ended.append(enrollment.id)

    def _put(self, before: Enrollment, after: Enrollment) -> None:
        self._changed.append(after)
        self._tally.change_state(before.journey_id, before.state, after.state)
        self._tally.change_wait(
            before.journey_id, _get_counted_wait(before), _get_counted_wait(after)
        )

    async def write(self, tx: Transaction) -> None:
        """Write the changes of all runs, in an order that never violates a unique index."""
        if self._cancel:
            ended = [enrollment for enrollment in self._changed if enrollment.id in self._cancel]
            self._cancel |= await find_merged_cancellations(tx, ended, self._cancel)
            queued = await tx.fetch_one(sends.count_queued(self._cancel, ()))
            self._tally.add_today(counters.name_send_total("cancelled"), queued)
        await tx.apply(
            [
                enrollments.update(self._changed, self._now),
                enrollments.insert(self._started),
                sends.cancel_by_enrollments(self._cancel, self._now),
                *turns.insert(self._journal),
            ]
        )


def _get_counted_wait(enrollment: Enrollment) -> str | None:
    """Return the key of the wait that an enrollment is counted under, None if it has ended."""
    return enrollment.wait.key if enrollment.wait and enrollment.is_live else None
