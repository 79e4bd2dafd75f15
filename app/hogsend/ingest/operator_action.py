"""What operators do to people who are in a journey: wake, continue, restart, exit, retry.

A drifted one is continued, restarted or exited; only a failed one is reopened (journeys, "When the
code changes under a waiting person", "Turns and the journal").
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
from .batch import BatchResult
from .contact_resolver import ContactResolver
from .enroll import enter
from .rules import IngestRules

ActionName = Literal["wake", "continue", "restart", "exit", "retry"]
# What an act is for, where that is one state.
STATE_OF: Mapping[ActionName, str] = {
    "continue": "drifted",
    "restart": "drifted",
    "retry": "failed",
}
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """What an operator wants done.

    Args:
        act: `wake` ends a wait, `continue` goes on without the wait that the code has lost,
            `restart` begins anew with the same trigger, `exit` ends, `retry` reopens.
        by: the operator's address, or `cli`.
        note: why, as the timeline shows it; may be empty.
    """

    act: ActionName
    by: str
    note: str = ""

    @property
    def reason(self) -> str:
        """Why an enrollment ends, when it does."""
        who = f"restarted by {self.by}" if self.act == "restart" else f"by {self.by}"
        return (f"{who}: {self.note}" if self.note else who)[:_LONGEST_REASON]


@dataclass
class OperatorActionResult:
    """What an order came to.

    Args:
        done: whom it was done to, each with the enrollment to look at now: itself, or the one that
            was begun instead.
        kept: whom it was not done to, and why.
        taking: what the engine and the dashboards must hear of.
    """

    done: dict[UUID, UUID] = field(default_factory=dict[UUID, UUID])
    kept: dict[UUID, HogsendError] = field(default_factory=dict[UUID, HogsendError])
    taking: BatchResult = field(
        default_factory=lambda: BatchResult(topics={"enrollments", "sends"})
    )


async def operate(
    tx: Transaction,
    order: OperatorAction,
    ids: Sequence[UUID],
    *,
    rules: IngestRules,
    tally: Tally,
    now: datetime,
) -> OperatorActionResult:
    """Do something to enrollments inside a transaction; one that it does not fit is left alone.

    Args:
        tx: the transaction.
        order: what to do.
        ids: to which enrollments.
        rules: the journeys, and what decides about entering them.
        tally: where changes are counted; the caller writes it.
        now: the present instant.
    """
    acting = _Acting(order, rules, tally, now)
    await acting.load(tx, ids)
    for one in ids:
        try:
            acting.operated.done[one] = acting.act_on(one)
        except HogsendError as problem:
            acting.operated.kept[one] = problem
    await acting.write(tx)
    return acting.operated


class _Acting:
    """One order for a set of enrollments: what it needs to know, and what is to be written."""

    def __init__(
        self, order: OperatorAction, rules: IngestRules, tally: Tally, now: datetime
    ) -> None:
        self._order = order
        self._rules = rules
        self._tally = tally
        self._now = now
        self._present: Mapping[UUID, Enrollment] = {}
        self._contacts = contacts.Locked({}, {})
        self._live: dict[UUID, list[Enrollment]] = {}
        self._came: dict[UUID, list[Event]] = {}
        self._compacted: frozenset[UUID] = frozenset()
        self._people = ContactResolver(now)
        self._causes: Mapping[UUID, events.Cause] = {}
        self._changed: list[Enrollment] = []
        self._begun: list[Enrollment] = []
        self._cancel: dict[UUID, str] = {}
        self._journal: list[Turn] = []
        self.operated = OperatorActionResult()

    # -- reading ------------------------------------------------------------------------------

    async def load(self, tx: Transaction, ids: Sequence[UUID]) -> None:
        """Read what the order touches, under the contacts' locks that a turn's commit takes too."""
        lock = tx.dialect.lock_rows
        self._contacts, self._present = await tx.fetch(
            contacts.locked_of_enrollments(ids, lock), enrollments.by_ids(ids)
        )
        survivors = set(self._contacts.moved.values()) | {
            one.contact_id for one in self._present.values()
        }
        if missing := survivors - set(self._contacts.people):
            # Merged while the locks were waited for.
            more = await tx.one(contacts.locked(missing, lock))
            self._contacts.people.update(more.people)
        if self._order.act == "retry":
            await self._load_for_retry(tx, survivors)
        elif self._order.act == "restart":
            people = [IncomingEvent("", contact_id=one) for one in survivors]
            await self._people.load(tx, people)
            self._causes = await tx.one(events.triggers_of(ids))

    async def _load_for_retry(self, tx: Transaction, survivors: Iterable[UUID]) -> None:
        everyone = list(self._contacts.people)
        ending = {
            rule.event
            for one in self._present.values()
            if (journey := self._rules.definition(one.journey_id))
            for rule in journey.exit_on
        }
        live: list[Enrollment]
        came: list[Event]
        live, came, self._compacted = await tx.fetch(
            enrollments.live_of(list(survivors)),
            events.named(everyone, sorted(ending)),
            enrollments.compacted(list(self._present)),
        )
        for one in live:
            self._live.setdefault(one.contact_id, []).append(one)
        for event in came:
            assert event.contact_id is not None  # noqa: S101 (they were asked for by contact)
            home = self._contacts.moved.get(event.contact_id, event.contact_id)
            self._came.setdefault(home, []).append(event)

    # -- deciding -----------------------------------------------------------------------------

    def act_on(self, enrollment_id: UUID) -> UUID:
        """Do it to one enrollment; return the one to look at now.

        Raises:
            NotFound: there is no such enrollment.
            Conflict: its state does not allow this.
        """
        one = self._present.get(enrollment_id)
        if one is None:
            raise NotFound("This enrollment does not exist.")
        act = self._order.act
        wanted = STATE_OF.get(act)
        if act != "retry" and not one.is_live:
            raise Conflict(f"This enrollment has ended already ({one.state}).")
        if wanted is not None and one.state != wanted:
            raise Conflict(f"Only who has {wanted} can do this: this enrollment is {one.state}.")
        acts = {
            "wake": self._wake,
            "continue": self._continue,
            "restart": self._restart,
            "exit": self._exit,
            "retry": self._retry,
        }
        return acts[act](one)

    def _wake(self, one: Enrollment) -> UUID:
        if one.state not in ("active", "waiting"):
            raise Conflict(f"This enrollment does not wait for a time: it is {one.state}.")
        wait = one.wait
        if wait is not None:
            wait = replace(wait, until=min(wait.until or self._now, self._now))
        return self._go_on(one, replace(one, wait=wait, wake_at=self._now))

    def _continue(self, one: Enrollment) -> UUID:
        """Forget the lost wait: what is recorded answers still, and what is not is done now.

        The next wait looks back as far as the lost one did, so that it finds what came meanwhile.
        What ended the lost wait is recorded, for code that asks for that wait after all.
        """
        self._journey(one)
        free = replace(
            one, state="active", attempt=0, wake_at=self._now, wait=None, wait_result=None
        )
        if one.wait is not None and one.wait_result is not None:
            free = replace(free, turn=one.turn + 1)
            kind, _, label = one.wait.key.partition(":")
            answer = encode(to_stored_event(one.wait_result))
            step = Step(one.wait.key, kind, label, answer)
            self._journal.append(
                Turn(one.id, free.turn, self._now, one.code_hash, "waiting", [step])
            )
        return self._go_on(one, replace(free, end_reason=None, error=None))

    def _restart(self, one: Enrollment) -> UUID:
        journey, cause = self._journey(one), self._causes.get(one.trigger_event_id)
        person, _ = self._people.of(IncomingEvent("", contact_id=one.contact_id))
        if cause is None or person is None:
            raise Conflict("The event that started this enrollment is not kept any more.")
        here = person.live.get(one.id)
        entered = enter(
            journey,
            cause,
            person,
            suppressed=self._people.suppressed,
            rules=self._rules,
            now=self._now,
            instead_of=[here] if here else [],
        )
        if isinstance(entered, str):
            raise Conflict(f"The journey does not take this person again: {entered}.")
        self._end(one, self._order.reason)
        person.live.pop(one.id, None)
        self._begun.append(entered)
        self.operated.taking.wakes[entered.id] = self._now
        self._tally.change_state(journey.id, None, "active")
        self._tally.today(counters.entered(journey.id))
        return entered.id

    def _exit(self, one: Enrollment) -> UUID:
        self._end(one, self._order.reason)
        return one.id

    def _retry(self, one: Enrollment) -> UUID:
        """Reopen a failed one, unless an event that ends the journey came since: that one wins."""
        journey, contact = self._journey(one), self._home(one)
        if one.id in self._compacted:
            raise Conflict("This enrollment ended too long ago: its journal is not kept any more.")
        place = one.journey_id, one.entry_key
        beside = self._live.setdefault(contact.id, [])
        if any((other.journey_id, other.entry_key) == place for other in beside):
            raise Conflict("This person has entered the journey anew and is in it now.")
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
        if (why := self._ended_since(journey, contact, failed_at)) is not None:
            self._end(opened, why)
            return one.id
        beside.append(opened)
        return self._go_on(one, opened)

    def _ended_since(self, journey: Journey, contact: Contact, since: datetime) -> str | None:
        for event in self._came.get(contact.id, ()):
            arrived = event.received_at or since
            # One of the very instant came after it too: it would else have ended the enrollment.
            if arrived >= since and (rule := exit_of(journey, event, arrived)):
                return f"exit_on {rule}"[:_LONGEST_REASON]
        return None

    def _home(self, one: Enrollment) -> Contact:
        """Return whose an enrollment is now: its contact may have been merged after it ended."""
        at = self._contacts.moved.get(one.contact_id, one.contact_id)
        return self._contacts.people[at]

    def _journey(self, one: Enrollment) -> Journey:
        journey = self._rules.journeys.get(one.journey_id)
        if journey is None:
            raise Conflict(
                f"The code of {one.journey_id} is gone or broken.",
                "Put it back first: without it nobody can go on.",
            )
        return journey

    # -- changing -----------------------------------------------------------------------------

    def _go_on(self, before: Enrollment, after: Enrollment) -> UUID:
        self._put(before, after)
        self.operated.taking.wakes[after.id] = self._now
        return after.id

    def _end(self, one: Enrollment, reason: str) -> None:
        """End an enrollment and cancel what it has not handed over."""
        ended = replace(
            one,
            state="exited",
            end_reason=reason,
            ended_at=self._now,
            wake_at=None,
            wait=None,
            wait_result=None,
        )
        self._put(self._present[one.id], ended)
        self._tally.today(counters.ended(one.journey_id, "exited"))
        self._cancel[one.id] = reason
        self.operated.taking.ended.append(one.id)

    def _put(self, before: Enrollment, after: Enrollment) -> None:
        self._changed.append(after)
        self._tally.change_state(before.journey_id, before.state, after.state)
        self._tally.change_wait(before.journey_id, _wait_of(before), _wait_of(after))

    async def write(self, tx: Transaction) -> None:
        """Write everything that was decided, in an order that keeps every index true."""
        if self._cancel:
            queued = await tx.one(sends.queued_of(self._cancel, ()))
            self._tally.today(counters.sends("cancelled"), queued)
        await tx.apply(
            [
                enrollments.update(self._changed, self._now),
                enrollments.insert(self._begun),
                sends.cancel_of_enrollments(self._cancel, self._now),
                *turns.insert(self._journal),
            ]
        )


def _wait_of(one: Enrollment) -> str | None:
    """Return the wait that an enrollment counts under: only who is live is in one."""
    return one.wait.key if one.wait and one.is_live else None
