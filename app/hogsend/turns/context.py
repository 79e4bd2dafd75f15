"""`ctx`: the durable calls of a journey."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf
from typing import Any, TypeVar, overload
from uuid import UUID

from ..domain.conditions import Condition
from ..domain.contact import Contact, from_snapshot
from ..domain.durations import describe_duration
from ..domain.event import Event, EventMatch, from_stored_event
from ..errors import JourneyCodeError
from .argument_checks import (
    AT_LEAST_ONE,
    OPTIONAL_EVENT,
    check_count,
    check_function,
    check_mapping,
    check_optional_text,
    check_span,
    check_text,
    read_addressee,
)
from .call_results import Sent, Throttle
from .calls import (
    Checkpoint,
    CheckSubscription,
    CheckThrottle,
    ChooseVariant,
    Digest,
    Exit,
    FormerLabels,
    Now,
    Random,
    RandomId,
    ReadContact,
    RunStep,
    SendMail,
    Trigger,
    When,
    perform,
)
from .calls.step import accept_step_id
from .history import History
from .waits import Waits

A = TypeVar("A", bound=str)
T = TypeVar("T")


@dataclass(frozen=True)
class Context(Waits):
    """The second argument of every journey.

    The journal records every call. When the journey continues after a wait, its function starts
    again from the top, and recorded calls return their recorded answers immediately.

    Every call that takes a label also takes `was=`, the label that the call had in earlier versions
    of the code: people who have made the call under that label have made it, and people who wait in
    it go on.

    Args:
        event: the event that started this enrollment.
        enrollment_id: the enrollment's id; `stateId` in the API.
        history: the past of this contact.
        when: instants in the contact's time zone, such as `ctx.when.tomorrow().at("09:00")`.
    """

    event: Event
    enrollment_id: UUID
    history: History = field(default_factory=History)
    when: When = field(default_factory=When)

    async def send(
        self,
        template: str,
        *,
        subject: str | None = None,
        props: Mapping[str, Any] | None = None,
        list: str | None = None,
        to: str | None = None,
        label: str | None = None,
        was: FormerLabels = None,
    ) -> Sent:
        """Send an email, at the address that the recipient has when the email leaves.

        Args:
            template: the key of a file in `journeys/emails/`.
            subject: replaces the template's subject.
            props: values for the template, which refers to them as `props.…`.
            list: the list that the email belongs to, instead of the journey's.
            to: another person, by email address or user id, such as the contact's manager; a
                contact is created if there is none. The recipient's subscriptions apply, and
                `contact` in the template is the recipient.
            label: the name on the timeline; the template's key unless given.
            was: the former label, or several; see `Context`.

        Returns:
            The decision: `queued`, or refused with the reason.
        """
        check_text("ctx.send", template)
        check_optional_text("subject=", subject)
        check_mapping("props=", props)
        addressee = read_addressee(to) if to is not None else None
        verdict = await perform(
            SendMail(label or template, template, subject, dict(props or {}), list, addressee), was
        )
        return Sent(verdict["status"], verdict.get("reason"), UUID(verdict["sendId"]))

    async def digest(
        self,
        window: timedelta,
        event: str | EventMatch | None = None,
        *,
        where: Condition | None = None,
        max_events: int = 100,
        label: str | None = None,
        was: FormerLabels = None,
    ) -> Sequence[Event]:
        """Collect events for a while, for one email about all of them.

        The result includes events since the end of the wait before. The call waits until the window
        is over or enough events have arrived.

        Args:
            window: how long events are collected, from this call on.
            event: the events' name, or `on(name, where=…)`. Unless given, events with the name of
                the journey's trigger, of which the trigger is the first.
            where: a condition on the events' properties, in addition to that of `on`.
            max_events: the number of events that ends the window.
            label: the name on the timeline; the event's name unless given.
            was: the former label, or several; see `Context`.

        Returns:
            The events, the oldest first.
        """
        check_span("ctx.digest", window)
        AT_LEAST_ONE("max_events=", max_events)
        OPTIONAL_EVENT("ctx.digest", event)
        match = event if event is None or isinstance(event, EventMatch) else EventMatch(event)
        name = label or (match.event if match else self.event.name)
        stored = await perform(Digest(name, match, where, window, max_events), was)
        return [from_stored_event(event) for event in stored]

    async def throttle(
        self,
        limit: int,
        window: timedelta,
        *,
        list: str | None = None,
        label: str | None = None,
        was: FormerLabels = None,
    ) -> Throttle:
        """Return whether this contact may get another email, by how many they got lately.

        Args:
            limit: the number of emails within the window, from all journeys together.
            window: the period before now in which emails are counted.
            list: only emails of this list are counted; all lists unless given.
            label: the name on the timeline; the limit and the window unless given.
            was: the former label, or several; see `Context`.
        """
        check_span("ctx.throttle", window)
        check_count("ctx.throttle", limit)
        name = label or f"{limit} in {describe_duration(window)}"
        stored = await perform(CheckThrottle(name, window, limit, list), was)
        return Throttle(stored["allowed"], stored["sent"], stored["limit"])

    @overload
    async def step(
        self,
        key: str,
        fn: Callable[[], Awaitable[T]] | Callable[[UUID], Awaitable[T]],
        *,
        retries: int = ...,
        timeout: timedelta = ...,  # noqa: ASYNC109
        passed: Callable[[], T] | None = ...,
        was: FormerLabels = ...,
    ) -> T: ...

    @overload
    async def step(
        self,
        key: str,
        fn: Callable[[], T] | Callable[[UUID], T],
        *,
        retries: int = ...,
        timeout: timedelta = ...,  # noqa: ASYNC109
        passed: Callable[[], T] | None = ...,
        was: FormerLabels = ...,
    ) -> T: ...

    async def step(
        self,
        key: str,
        fn: Callable[..., Any],
        *,
        retries: int = 5,
        timeout: timedelta = timedelta(minutes=1),  # noqa: ASYNC109 (of each attempt, not of the call)
        passed: Callable[[], Any] | None = None,
        was: FormerLabels = None,
    ) -> Any:
        """Run a function with side effects: call a service, read a database, compute for long.

        The function runs outside of the journey, at least once: after a crash at the wrong moment
        the function runs again. The journal records the result, so that the function does not run
        in later turns.

        Args:
            key: the name of this step in the journal and on the timeline.
            fn: the function, plain or `async`. A function that takes an argument gets the step's
                id, which is the same at every attempt: an idempotency key for services.
            retries: how often a failed attempt is repeated: after 10 s, 1 min, 5 min, 30 min, then
                every 2 h. `raise StepFailed("why")` in the function ends the retries.
            timeout: how long one attempt may take.
            passed: returns the answer for contacts who are past this step when it is added to the
                code; without `passed` they drift.
            was: the former key, or several; see `Context`.

        Returns:
            The function's result, in the journal's form: tuples are lists.

        Raises:
            StepFailed: the last attempt has failed.
        """
        check_text("ctx.step", key)
        check_span("timeout=", timeout)
        check_count("retries=", retries)
        check_function("ctx.step", fn)
        return await perform(RunStep(key, accept_step_id(fn), retries, timeout, passed), was)

    async def trigger(
        self,
        event: str,
        properties: Mapping[str, Any] | None = None,
        *,
        to: str | None = None,
        label: str | None = None,
        was: FormerLabels = None,
    ) -> UUID:
        """Ingest an event of this contact, or of another person, as if the product had sent it.

        Args:
            event: the event's name.
            properties: the event's properties.
            to: another person, by email address or user id; a contact is created if there is none.
            label: the name on the timeline; the event's name unless given.
            was: the former label, or several; see `Context`.

        Returns:
            The event's id.
        """
        check_text("ctx.trigger", event)
        check_mapping("ctx.trigger", properties)
        person = read_addressee(to) if to is not None else None
        call = Trigger(label or event, event, dict(properties or {}), person)
        return UUID(await perform(call, was))

    async def contact(self, *, label: str = "now", was: FormerLabels = None) -> Contact:
        """Return the contact as of now; a journey's first argument is the contact at enrollment."""
        stored = await perform(ReadContact(label), was)
        return from_snapshot(stored, self.event.received_at)

    async def is_subscribed(
        self, list: str | None = None, *, label: str | None = None, was: FormerLabels = None
    ) -> bool:
        """Return whether email of a list may go to this contact now.

        Args:
            list: the list; the journey's list unless given.
            label: the name on the timeline; the list's id unless given.
            was: the former label, or several; see `Context`.
        """
        is_subscribed: bool = await perform(
            CheckSubscription(label or list or "journey's list", list), was
        )
        return is_subscribed

    async def now(self, *, label: str = "now", was: FormerLabels = None) -> datetime:
        """Return the current time, the same at every replay."""
        instant: datetime = await perform(Now(label), was)
        return instant

    async def random(self, *, label: str = "random", was: FormerLabels = None) -> float:
        """Return a number from 0 up to 1, the same at every replay."""
        number: float = await perform(Random(label), was)
        return number

    async def uuid(self, *, label: str = "uuid", was: FormerLabels = None) -> UUID:
        """Return a new random id, the same at every replay."""
        return UUID(await perform(RandomId(label), was))

    async def variant(self, key: str, arms: Mapping[A, float], *, was: FormerLabels = None) -> A:
        """Choose an arm, stable for each contact and key.

        Args:
            key: the name of the experiment.
            arms: each arm with its weight.
            was: the former key, or several; see `Context`.
        """
        check_text("ctx.variant", key)
        weights = list(arms.values())
        if not any(weights) or any(not 0 <= weight < inf for weight in weights):
            raise JourneyCodeError("ctx.variant needs arms with weights, not all of them zero.")
        arm: A = await perform(ChooseVariant(key, dict(arms.items())), was)
        return arm

    async def checkpoint(self, label: str, *, was: FormerLabels = None) -> None:
        """Add an entry to the timeline."""
        await perform(Checkpoint(label), was)

    async def exit(self, reason: str = "exited by the journey") -> None:
        """End the journey here; nothing after this call runs.

        Args:
            reason: the reason that the timeline shows.
        """
        await perform(Exit(reason))
