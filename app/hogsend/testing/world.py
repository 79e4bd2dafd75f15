"""The world of a test: people, events, emails, and a clock that the test moves."""

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
    """The actions and the checks of a test of journeys; `play` opens a world.

    Actions (`contact`, `emit`, `advance`, …) are awaited. An action returns when all work that is
    due at this instant is done: turns have run and emails were sent. Checks (`mailbox`,
    `enrollment`, `events`, `timeline`) are not awaited.
    """

    def __init__(
        self, environment: KitEnvironment, guard: DeterminismGuard, *, checks_determinism: bool
    ) -> None:
        self._environment = environment
        self._guard = guard
        self._time = TimeDriver(environment)
        self._records = Snapshot()
        self._mails: dict[UUID, Mail] = {}
        self._people: list[Person] = []
        self._findings = Findings(
            guard, environment.content.broken, checks_determinism=checks_determinism
        )
        self.mailbox = Mailbox()

    # -- people -------------------------------------------------------------------------------

    async def contact(
        self, email: str | None = None, user_id: str | None = None, **properties: Any
    ) -> Person:
        """Create a contact, or update one, without an event.

            ada = await world.contact("ada@example.com", plan="pro")

        A property that is set to None is deleted, as null does in the API.
        An existing contact with the address or the id is updated. If one contact has the address
        and another contact has the id, they are merged.

        Args:
            email: the address that email goes to.
            user_id: the product's id of the person.
            properties: properties to set.
        """
        database = self._environment.database
        rules = self._environment.ingest.rules
        contact = await upsert_contact(
            database, email, user_id, properties, rules=rules, now=self.now
        )
        person = Person(contact.id, contact.email, contact.user_id)
        self._people = [other for other in self._people if other.id != person.id] + [person]
        # A wait that follows a property may be over now.
        self._environment.worker.poll()
        await self._check_after(self._time.wait_until_idle())
        return person

    async def emit(self, person: Person, name: str, /, **properties: Any) -> Decisions:
        """Ingest an event of a person, as the product would report it.

            await world.emit(ada, "order.completed", order_id="A-1", total=49.0)

        Args:
            person: the person.
            name: the event's name.
            properties: the event's properties.

        Returns:
            The journeys that the event started and ended, and those that refused it with the
            reasons, as in `(await world.emit(…)).refused`.

        Raises:
            AssertionError: a journey has failed, or has made other calls when it was replayed.
        """
        result = await self._ingest(
            IncomingEvent(name, contact_id=person.id, properties=properties)
        )
        return build_decisions(result)

    async def unsubscribe(self, person: Person, list: str | None = None) -> None:
        """Unsubscribe a person from a list, or from all email but transactional email.

        Args:
            person: the person.
            list: the id of the list; all email by default.
        """
        await self._change_subscription(person, "contact.unsubscribed", list, False)

    async def resubscribe(self, person: Person, list: str | None = None) -> None:
        """Subscribe a person to a list, or undo `unsubscribe` from all email.

        Args:
            person: the person.
            list: the id of the list; all email by default.
        """
        await self._change_subscription(person, "contact.preferences_changed", list, True)

    async def suppress(self, person: Person, reason: str = "hard_bounce") -> None:
        """Stop all email to a person's address, as a bounce or a complaint does.

        Args:
            person: the person.
            reason: the reason that the ledger shows.

        Raises:
            ValueError: the person has no address.
        """
        contact = self._find_contact(person)
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

        By default the arm depends on the person, and is the same in every run of the test.

        Args:
            experiment: the first argument of `ctx.variant`.
            arm: one of its arms.
        """
        self._guard.arms[experiment] = arm

    # -- emails -------------------------------------------------------------------------------

    async def open(self, person: Person, template: str) -> None:
        """Open the last email of a template that a person has received.

        Raises:
            AssertionError: there is no such email.
        """
        mail = self._find_last_mail(person, template)
        await self._check_after(self._environment.tracker.record("open", mail.send_id, _BROWSER))

    async def click(self, person: Person, template: str, url: str | None = None) -> None:
        """Click a link in the last email of a template that a person has received.

        A click counts as human unless the other links are followed as well, as a scanner does. The
        verdict takes a few seconds, so the clock moves by up to twelve seconds.

        Args:
            person: the person.
            template: the template of the email.
            url: the link's target, or its beginning; by default the email's first link.

        Raises:
            AssertionError: there is no such email, or no such link in the email.
        """
        mail = self._find_last_mail(person, template)
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
        """Let the provider refuse the next email.

        Args:
            kind: `hard_bounce`: the address does not exist and is suppressed; `soft`: the mailbox
                is full; `later`: the provider is busy. The last two are retried later.
        """
        self._environment.provider.refuse(kind)

    def fail_next_step(self, error: Exception | None = None, *, times: int = 1) -> None:
        """Let the next function of a `ctx.step` fail instead of running.

        The step is repeated after growing pauses, as after every failure: `advance` past them.

        Args:
            error: the error; `StepFailed` fails the step immediately, other errors are retried.
            times: how many attempts fail; `retries + 1` attempts make the step fail for good.
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
        """Let time pass; all work that is due meanwhile happens at its own instant, in order.

            await world.advance(days(2))

        Args:
            duration: how far to move the clock.

        Raises:
            AssertionError: a journey has failed, or has made other calls when it was replayed.
            ValueError: the duration is negative.
        """
        await self.advance_to(self.now + duration)

    async def advance_to(self, instant: datetime) -> None:
        """Let time pass until an instant, see `advance`.

        Args:
            instant: the instant, with a time zone; not before `now`.

        Raises:
            AssertionError: a journey has failed, or has made other calls when it was replayed.
            ValueError: the instant is before `now`, or has no time zone.
        """
        if instant.tzinfo is None or instant < self.now:
            raise ValueError(f"The clock shows {self.now}; it cannot be moved to {instant}.")
        await self._move(instant)

    # -- checks -------------------------------------------------------------------------------

    def enrollment(self, person: Person, journey: str | None = None) -> Place:
        """Return the place of a person in a journey, or the end; the last enrollment of several.

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
        family = self._records.find_family(person.id)
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
        family = self._records.find_family(person.id)
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
        texts = [format_timeline(self._records, person.id, self.now) for person in people]
        return "\n\n".join(texts) or "This world has no contacts."

    def expects_failure(self) -> None:
        """Let journeys fail without failing the test, which can check `enrollment(…).error`."""
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
        await self._check_after(self._time.wait_until_idle())
        return result

    def _find_contact(self, person: Person) -> Contact:
        return self._records.contacts[self._records.survivors.get(person.id, person.id)]

    def _find_last_mail(self, person: Person, template: str) -> Mail:
        mails = self.mailbox.mails(person, template)
        if not mails:
            received = self.mailbox.templates(person)
            raise AssertionError(
                f"{person} has received no email {template!r}; received: {received}."
            )
        return mails[-1]

    async def _move(self, instant: datetime) -> None:
        through_failures = self._findings.are_expected
        await self._check_after(self._time.move(instant, through_failures=through_failures))

    async def _check_after(self, action: Awaitable[None]) -> None:
        """Await an action, read the rows, and fail the test if a turn or an email has failed."""
        try:
            await action
        finally:
            await self._read()
        self._findings.check(self._records)

    async def _read(self) -> None:
        """Read the rows and the emails again."""
        environment = self._environment
        self._records = records = await read_snapshot(environment.database)
        for send in records.sends:
            sent = environment.provider.sent_mails.get(send.id)
            if sent is not None and send.id not in self._mails:
                mail = await environment.database.read_one(sends.find_mail(send.id))
                links = mail.links if mail else ()
                self._mails[send.id] = build_mail(sent, send.contact_id, send.template, links)
        mails = sorted(self._mails.values(), key=lambda mail: (mail.sent_at, mail.send_id))
        families = {contact_id: records.find_family(contact_id) for contact_id in records.contacts}
        self.mailbox.take_in(mails, families)
