"""What operators do to enrollments: wake, continue, restart, exit, retry.

A drifted enrollment is continued, restarted or exited; only a failed one is retried (journeys,
"When the code changes under a waiting person", "Turns and the journal").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment, exit_of
from ..domain.event import Event
from ..domain.incoming import IncomingEvent
from ..domain.journal import Step, encode
from ..domain.journey import Journey
from ..errors import Conflict, HogsendError, NotFound
from ..store import contacts, counters, enrollments, events, sends, turns
from ..store.counters import Tally
from ..store.db import Transaction
from ..store.events import to_stored_event
from ..store.turns import Turn
from .batch_result import BatchResult
from .contact_resolver import ContactResolver
from .enroll import try_enroll
from .rules import IngestRules

ActionName = Literal["wake", "continue", "restart", "exit", "retry"]
# The state that an action needs, where it needs one.
REQUIRED_STATE: Mapping[ActionName, str] = {
    "continue": "drifted",
    "restart": "drifted",
    "retry": "failed",
}
_MAX_REASON_LENGTH = 200


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """An action of an operator on enrollments.

    Args:
        name: `wake` ends a wait, `continue` goes on without the wait that the code has lost,
            `restart` starts again with the same trigger, `exit` ends the enrollment, `retry`
            reopens it.
        operator: the operator's address, or `cli`.
        note: why, as the timeline shows it; may be empty.
    """

    name: ActionName
    operator: str
    note: str = ""

    @property
    def reason(self) -> str:
        """Why an enrollment ends, when it does."""
        reason = f"by {self.operator}"
        if self.name == "restart":
            reason = f"restarted {reason}"
        return (f"{reason}: {self.note}" if self.note else reason)[:_MAX_REASON_LENGTH]


@dataclass
class OperatorActionResult:
    """What an action did.

    Args:
        current_ids: the enrollments that it changed, each with the one that is current now: itself,
            or the one that was started instead.
        errors: the enrollments that it did not change, and why.
        batch: what changed, to be published after the commit.
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
    """Run an action inside a transaction; it skips enrollments that do not allow it.

    Args:
        tx: the transaction.
        action: what to do.
        ids: to which enrollments.
        rules: the journeys, lists and switches that decide.
        tally: where changes are counted; the caller writes it.
        now: the present instant.
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
    """One action on several enrollments: what it reads, and what is written."""

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
        self._resolver = ContactResolver(now)
        self._causes: Mapping[UUID, events.Cause] = {}
        self._changed: list[Enrollment] = []
        self._started: list[Enrollment] = []
        self._cancel: dict[UUID, str] = {}
        self._journal: list[Turn] = []
        self.result = OperatorActionResult()

    # -- reading ------------------------------------------------------------------------------

    async def load(self, tx: Transaction, ids: Sequence[UUID]) -> None:
        """Read what the action needs, under the contacts' locks, as a turn's commit does."""
        lock = tx.dialect.lock_rows
        self._contacts, self._enrollments = await tx.fetch(
            contacts.locked_of_enrollments(ids, lock), enrollments.by_ids(ids)
        )
        survivors = set(self._contacts.survivors.values()) | {
            one.contact_id for one in self._enrollments.values()
        }
        if missing := survivors - set(self._contacts.by_id):
            # Contacts that were merged while this waited for the locks.
            more = await tx.one(contacts.locked(missing, lock))
            self._contacts.by_id.update(more.by_id)
        if self._action.name == "retry":
            await self._load_for_retry(tx, survivors)
        elif self._action.name == "restart":
            events_of_survivors = [IncomingEvent("", contact_id=one) for one in survivors]
            await self._resolver.load(tx, events_of_survivors)
            self._causes = await tx.one(events.triggers_of(ids))

    async def _load_for_retry(self, tx: Transaction, survivors: Iterable[UUID]) -> None:
        contact_ids = list(self._contacts.by_id)
        ending = {
            rule.event
            for one in self._enrollments.values()
            if (journey := self._rules.definition(one.journey_id))
            for rule in journey.exit_on
        }
        live: list[Enrollment]
        exit_events: list[Event]
        live, exit_events, self._compacted = await tx.fetch(
            enrollments.live_of(list(survivors)),
            events.named(contact_ids, sorted(ending)),
            enrollments.compacted(list(self._enrollments)),
        )
        for one in live:
            self._live.setdefault(one.contact_id, []).append(one)
        for event in exit_events:
            assert event.contact_id is not None  # noqa: S101 (the query selects by contact)
            survivor_id = self._contacts.survivors.get(event.contact_id, event.contact_id)
            self._exit_events.setdefault(survivor_id, []).append(event)

    # -- deciding -----------------------------------------------------------------------------

    def run(self, enrollment_id: UUID) -> UUID:
        """Run the action on an enrollment; return the one that is current now.

        Raises:
            NotFound: there is no such enrollment.
            Conflict: its state does not allow this.
        """
        one = self._enrollments.get(enrollment_id)
        if one is None:
            raise NotFound("This enrollment does not exist.")
        name = self._action.name
        required = REQUIRED_STATE.get(name)
        if name != "retry" and not one.is_live:
            raise Conflict(f"This enrollment has ended already ({one.state}).")
        if required is not None and one.state != required:
            raise Conflict(f"This needs a {required} enrollment; this one is {one.state}.")
        actions = {
            "wake": self._wake,
            "continue": self._continue,
            "restart": self._restart,
            "exit": self._exit,
            "retry": self._retry,
        }
        return actions[name](one)

    def _wake(self, one: Enrollment) -> UUID:
        if one.state not in ("active", "waiting"):
            raise Conflict(f"This enrollment cannot be woken: it is {one.state}.")
        wait = one.wait
        if wait is not None:
            wait = replace(wait, until=min(wait.until or self._now, self._now))
        return self._resume(one, replace(one, wait=wait, wake_at=self._now))

    def _continue(self, one: Enrollment) -> UUID:
        """Drop the lost wait: recorded calls keep their answers, the others are made now.

        The next wait looks back as far as the lost one did, so that it finds events that arrived
        meanwhile. The event that ended the lost wait is recorded, for code that makes that wait
        after all.
        """
        self._journey(one)
        active = replace(
            one, state="active", attempt=0, wake_at=self._now, wait=None, wait_result=None
        )
        if one.wait is not None and one.wait_result is not None:
            active = replace(active, turn=one.turn + 1)
            kind, _, label = one.wait.key.partition(":")
            answer = encode(to_stored_event(one.wait_result))
            step = Step(one.wait.key, kind, label, answer)
            self._journal.append(
                Turn(one.id, active.turn, self._now, one.code_hash, "waiting", [step])
            )
        return self._resume(one, replace(active, end_reason=None, error=None))

    def _restart(self, one: Enrollment) -> UUID:
        journey, cause = self._journey(one), self._causes.get(one.trigger_event_id)
        state, _ = self._resolver.resolve(IncomingEvent("", contact_id=one.contact_id))
        if cause is None or state is None:
            raise Conflict("The event that started this enrollment is not kept any more.")
        live = state.live.get(one.id)
        enrollment = try_enroll(
            journey,
            cause,
            state,
            suppressed=self._resolver.suppressed_addresses,
            rules=self._rules,
            now=self._now,
            replaces=[live] if live else [],
        )
        if isinstance(enrollment, str):
            raise Conflict(f"The journey does not enroll this contact again: {enrollment}.")
        self._end(one, self._action.reason)
        state.live.pop(one.id, None)
        self._started.append(enrollment)
        self.result.batch.wakes[enrollment.id] = self._now
        self._tally.change_state(journey.id, None, "active")
        self._tally.today(counters.entered(journey.id))
        return enrollment.id

    def _exit(self, one: Enrollment) -> UUID:
        self._end(one, self._action.reason)
        return one.id

    def _retry(self, one: Enrollment) -> UUID:
        """Reopen a failed enrollment, unless an event that exits the journey has arrived since."""
        journey, contact = self._journey(one), self._contact(one)
        if one.id in self._compacted:
            raise Conflict("This enrollment ended too long ago: its journal is not kept any more.")
        place = one.journey_id, one.entry_key
        others = self._live.setdefault(contact.id, [])
        if any((other.journey_id, other.entry_key) == place for other in others):
            raise Conflict("This contact has entered the journey again and is in it now.")
        failed_at = one.ended_at or self._now
        opened = replace(
            one if contact.id == one.contact_id else one.moved_to(contact.id),
            state="waiting" if one.wait else "active",
            attempt=0,
            wake_at=self._now,
            ended_at=None,
            end_reason=None,
        )
        self._tally.on_day_of(failed_at, counters.ended(one.journey_id, "failed"), -1)
        if (reason := self._exit_reason_since(journey, contact, failed_at)) is not None:
            self._end(opened, reason)
            return one.id
        others.append(opened)
        return self._resume(one, opened)

    def _exit_reason_since(self, journey: Journey, contact: Contact, since: datetime) -> str | None:
        for event in self._exit_events.get(contact.id, ()):
            arrived = event.received_at or since
            # An event of the same instant arrived after it, or it would have ended the enrollment.
            if arrived >= since and (rule := exit_of(journey, event, arrived)):
                return f"exit_on {rule}"[:_MAX_REASON_LENGTH]
        return None

    def _contact(self, one: Enrollment) -> Contact:
        """Return an enrollment's contact; it may have been merged after the enrollment ended."""
        contact_id = self._contacts.survivors.get(one.contact_id, one.contact_id)
        return self._contacts.by_id[contact_id]

    def _journey(self, one: Enrollment) -> Journey:
        journey = self._rules.journeys.get(one.journey_id)
        if journey is None:
            raise Conflict(
                f"The code of {one.journey_id} is gone or broken.",
                "Restore it first.",
            )
        return journey

    # -- changing -----------------------------------------------------------------------------

    def _resume(self, before: Enrollment, after: Enrollment) -> UUID:
        self._put(before, after)
        self.result.batch.wakes[after.id] = self._now
        return after.id

    def _end(self, one: Enrollment, reason: str) -> None:
        """Exit an enrollment, and cancel its sends that were not handed over."""
        ended = replace(
            one,
            state="exited",
            end_reason=reason,
            ended_at=self._now,
            wake_at=None,
            wait=None,
            wait_result=None,
        )
        self._put(self._enrollments[one.id], ended)
        self._tally.today(counters.ended(one.journey_id, "exited"))
        self._cancel[one.id] = reason
        self.result.batch.ended.append(one.id)

    def _put(self, before: Enrollment, after: Enrollment) -> None:
        self._changed.append(after)
        self._tally.change_state(before.journey_id, before.state, after.state)
        self._tally.change_wait(before.journey_id, _wait_of(before), _wait_of(after))

    async def write(self, tx: Transaction) -> None:
        """Write everything that was decided, in an order that never violates a unique index."""
        if self._cancel:
            queued = await tx.one(sends.queued_of(self._cancel, ()))
            self._tally.today(counters.sends("cancelled"), queued)
        await tx.apply(
            [
                enrollments.update(self._changed, self._now),
                enrollments.insert(self._started),
                sends.cancel_of_enrollments(self._cancel, self._now),
                *turns.insert(self._journal),
            ]
        )


def _wait_of(one: Enrollment) -> str | None:
    """Return the wait that an enrollment is counted under: only live ones are in one."""
    return one.wait.key if one.wait and one.is_live else None
