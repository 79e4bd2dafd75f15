"""The world of a test: people, events, mails, and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ..delivery.tracking import Visit
from ..domain.contact import Contact
from ..domain.engagement import HOLD, TOO_SOON
from ..domain.event import Event
from ..domain.incoming import IncomingEvent, IngestResult, Suppress
from ..domain.journey import EVERYTHING
from ..store import sends
from .contacts import upsert_contact
from .determinism_guard import DeterminismGuard
from .environment import KitEnvironment
from .findings import Findings
from .mailbox import Mail, Mailbox, Refusal, build_mail
from .person import Person
from .snapshot import Snapshot, read_snapshot
from .time_driver import TimeDriver
from .timeline import format_timeline
from .views import Decisions, Place, build_decisions, build_place

_BROWSER = Visit("GET", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0", "192.0.2.1")


class World:
    """What a test does with journeys, and what it checks; `play` opens one.

    Actions (`contact`, `emit`, `advance`, …) are awaited. They return when everything that they
    cause at this instant is done: turns have run and mails were sent. What a test checks
    (`mailbox`, `enrollment`, `events`, `timeline`) is not awaited.
    """

    def __init__(
        self, environment: KitEnvironment, guard: DeterminismGuard, *, twice: bool
    ) -> None:
        self._environment = environment
        self._guard = guard
        self._time = TimeDriver(environment)
        self._records = Snapshot()
        self._mails: dict[UUID, Mail] = {}
        self._people: list[Person] = []
        self._findings = Findings(guard, environment.content.broken, twice=twice)
        self.mailbox = Mailbox()

    # -- people -------------------------------------------------------------------------------

    async def contact(
        self, email: str | None = None, user_id: str | None = None, **properties: Any
    ) -> Person:
        """Create a contact, or update one, without an event.

            ada = await world.contact("ada@example.com", plan="pro")

        A contact that has the address or the id already is updated. If one contact has the address
        and another the id, they are merged.

        Args:
            email: the address that mail goes to.
            user_id: the product's id of the person.
            properties: properties to set.
        """
        database = self._environment.database
        contact = await upsert_contact(database, email, user_id, properties, self.now)
        person = Person(contact.id, contact.email, contact.user_id)
        self._people = [known for known in self._people if known.id != person.id] + [person]
        await self._check_after(self._time.settle())
        return person

    async def emit(self, person: Person, name: str, /, **properties: Any) -> Decisions:
        """Ingest an event of a person, as the product would report it.

            await world.emit(ada, "order.completed", order_id="A-1", total=49.0)

        Args:
            person: the person.
            name: the event's name.
            properties: the event's properties.

        Returns:
            What it started and ended: `(await world.emit(…)).refused` has the reasons.

        Raises:
            AssertionError: a journey failed, or made other calls when it was replayed.
        """
        result = await self._ingest(
            IncomingEvent(name, contact_id=person.id, properties=properties)
        )
        return build_decisions(result)

    async def unsubscribe(self, person: Person, list: str | None = None) -> None:
        """Unsubscribe a person from a list, or from all mail but transactional mail.

        Args:
            person: the person.
            list: the id of the list; all mail by default.
        """
        await self._change_subscription(person, "contact.unsubscribed", list, False)

    async def resubscribe(self, person: Person, list: str | None = None) -> None:
        """Subscribe a person to a list, or undo `unsubscribe` from all mail.

        Args:
            person: the person.
            list: the id of the list; all mail by default.
        """
        await self._change_subscription(person, "contact.preferences_changed", list, True)

    async def suppress(self, person: Person, reason: str = "hard_bounce") -> None:
        """Stop all mail to a person's address, as a bounce or a complaint does.

        Args:
            person: the person.
            reason: the reason that the ledger shows.
        """
        contact = self._contact(person)
        if contact.email is None:
            raise ValueError(f"{person} has no address to suppress.")
        suppression = Suppress(contact.email, reason)
        await self._ingest(
            IncomingEvent(
                "email.bounced", contact_id=person.id, source="delivery", suppress=suppression
            )
        )

    def choose(self, experiment: str, arm: str) -> None:
        """Let `ctx.variant` return this arm for every person from now on.

            world.choose("subject", "question")

        By default the arm depends on the person, and is the same in every run of a test.

        Args:
            experiment: the first argument of `ctx.variant`.
            arm: one of its arms.
        """
        self._guard.arms[experiment] = arm

    # -- mails --------------------------------------------------------------------------------

    async def open(self, person: Person, template: str) -> None:
        """Open the last mail of a template that a person has received."""
        mail = self._last_mail(person, template)
        await self._check_after(self._environment.tracker.record("open", mail.send_id, _BROWSER))

    async def click(self, person: Person, template: str, url: str | None = None) -> None:
        """Click a link in the last mail of a template that a person has received.

        A click counts as human only when the mail's other links are not followed as well, as a
        scanner does. Deciding that takes a few seconds: the clock moves by up to twelve.

        Args:
            person: the person.
            template: the mail's template.
            url: the link's target, or its beginning; by default the mail's first link.

        Raises:
            AssertionError: there is no such mail, or no such link in it.
        """
        mail = self._last_mail(person, template)
        position = next(
            (number for number, link in enumerate(mail.links) if link.startswith(url or "")), None
        )
        if position is None:
            raise AssertionError(f"{mail} has no link to {url}; its links: {list(mail.links)}")
        if self.now - mail.sent_at < TOO_SOON:
            await self._move(mail.sent_at + TOO_SOON)
        target = mail.links[position]
        await self._environment.tracker.record(
            "click", mail.send_id, _BROWSER, position=position, url=target
        )
        await self._move(self.now + HOLD)

    def fail_next_send(self, kind: Refusal = "hard_bounce") -> None:
        """Let the provider refuse the next mail.

        Args:
            kind: `hard_bounce`: the address does not exist and is suppressed; `soft`: the mailbox
                is full; `later`: the provider is busy. The last two are retried later.
        """
        self._environment.provider.refuse(kind)

    def fail_next_step(self, error: Exception | None = None, *, times: int = 1) -> None:
        """Let the next function of a `ctx.step` fail instead of running.

        It is retried after growing pauses, as after every failure: `advance` past them.

        Args:
            error: what it raises; `StepFailed` fails the step at once, other errors are retried.
            times: how many attempts fail; `retries + 1` of them make the step fail for good.
        """
        self._guard.step_errors.extend(
            [error or RuntimeError("the test lets this step fail")] * times
        )

    # -- time ---------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The instant that the clock shows."""
        return self._environment.clock.now()

    async def advance(self, duration: timedelta) -> None:
        """Let time pass; everything that is due meanwhile happens at its own instant, in order.

            await world.advance(days(2))

        Args:
            duration: how far to move the clock.

        Raises:
            AssertionError: a journey failed, or made other calls when it was replayed.
        """
        await self.advance_to(self.now + duration)

    async def advance_to(self, instant: datetime) -> None:
        """Let time pass until an instant, see `advance`.

        Args:
            instant: the instant, with a time zone; not before `now`.
        """
        if instant.tzinfo is None or instant < self.now:
            raise ValueError(f"The clock shows {self.now}; it cannot be moved to {instant}.")
        await self._move(instant)

    # -- checks -------------------------------------------------------------------------------

    def enrollment(self, person: Person, journey: str | None = None) -> Place:
        """Return where a person is in a journey, or how it ended; the last enrollment of several.

            assert world.enrollment(ada).waiting_for == "post-welcome"

        Args:
            person: the person.
            journey: the journey's id; needed only when a test runs several.

        Raises:
            AssertionError: the person has not entered.
        """
        enrollments = self.enrollments(person, journey)
        if not enrollments:
            raise AssertionError(f"{person} has not entered {journey or 'any journey'}.")
        return enrollments[-1]

    def enrollments(self, person: Person, journey: str | None = None) -> list[Place]:
        """Return all enrollments of a person, the oldest first; see `enrollment`."""
        family = self._records.family(person.id)
        return [
            build_place(enrollment, self._records.turns.get(enrollment.id, ()))
            for enrollment in self._records.enrollments
            if enrollment.contact_id in family and journey in (None, enrollment.journey_id)
        ]

    def events(self, person: Person, name: str | None = None) -> list[Event]:
        """Return the events of a person, the oldest first, including those that journeys triggered.

        Args:
            person: the person.
            name: only events of this name.
        """
        family = self._records.family(person.id)
        return [
            event
            for event in self._records.events
            if event.contact_id in family and name in (None, event.name)
        ]

    def timeline(self, person: Person | None = None) -> str:
        """Return the history of a person as text; a failing test prints it.

        Args:
            person: the person; all by default.
        """
        people = [person] if person else self._people
        texts = [format_timeline(self._records, each.id, self.now) for each in people]
        return "\n\n".join(texts) or "This world has no contacts."

    def expects_failure(self) -> None:
        """Let journeys fail without failing the test, which checks `enrollment(…).error` itself."""
        self._findings.are_expected = True

    # -- internals ----------------------------------------------------------------------------

    async def _change_subscription(
        self, person: Person, name: str, list_id: str | None, is_subscribed: bool
    ) -> None:
        scope = "category" if list_id else "all"
        lists = {list_id or EVERYTHING: is_subscribed}
        if list_id is not None and list_id not in self._environment.content.registry.lists:
            known = ", ".join(sorted(self._environment.content.registry.lists))
            raise ValueError(f"There is no list {list_id!r}; known: {known}.")
        await self._ingest(
            IncomingEvent(
                name,
                contact_id=person.id,
                properties={"scope": scope, "lists": lists},
                lists=lists,
                source="recipient",
            )
        )

    async def _ingest(self, incoming: IncomingEvent) -> IngestResult:
        result = await self._environment.ingest.submit(incoming)
        await self._check_after(self._time.settle())
        return result

    def _contact(self, person: Person) -> Contact:
        return self._records.contacts[self._records.survivors.get(person.id, person.id)]

    def _last_mail(self, person: Person, template: str) -> Mail:
        mails = self.mailbox.mails(person, template)
        if not mails:
            received = self.mailbox.templates(person)
            raise AssertionError(
                f"{person} has received no mail {template!r}; received: {received}."
            )
        return mails[-1]

    async def _move(self, instant: datetime) -> None:
        through_failures = self._findings.are_expected
        await self._check_after(self._time.move(instant, through_failures=through_failures))

    async def _check_after(self, action: Awaitable[None]) -> None:
        """Await an action, read its results, and fail the test if a turn or a mail has failed."""
        try:
            await action
        finally:
            await self._read()
        self._findings.check(self._records)

    async def _read(self) -> None:
        """Read the rows and the mails again."""
        environment = self._environment
        self._records = records = await read_snapshot(environment.database)
        for send in records.sends:
            sent = environment.provider.sent_mails.get(send.id)
            if sent is not None and send.id not in self._mails:
                mail = await environment.database.read_one(sends.find_mail(send.id))
                links = mail.links if mail else ()
                self._mails[send.id] = build_mail(sent, send.contact_id, send.template, links)
        mails = sorted(self._mails.values(), key=lambda mail: (mail.sent_at, mail.send_id))
        families = {contact_id: records.family(contact_id) for contact_id in records.contacts}
        self.mailbox.take_in(mails, families)
