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
from .contacts import make_known
from .determinism_guard import DeterminismGuard
from .environment import KitEnvironment
from .findings import Findings
from .mailbox import Mail, Mailbox, Refusal, mail_of
from .person import Person
from .snapshot import Snapshot, read_records
from .time_driver import TimeDriver
from .timeline import timeline_of
from .views import Decisions, Place, decisions_of, place_of

_BROWSER = Visit("GET", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0", "192.0.2.1")


class World:
    """Everything that a test of a journey does and looks at; made by `play`.

    What is done (`contact`, `emit`, `advance`, …) is awaited, and returns when all that follows
    from it at this instant has been done: turns are played and mails have left. What is looked at
    (`mailbox`, `enrollment`, `events`, `timeline`) is there at once.
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
        """Make somebody known, without any event.

            ada = await world.contact("ada@example.com", plan="pro")

        A person who is known by the address or the id gets the rest of the values; if one person
        has the address and another one the id, the two become one.

        Args:
            email: the address that mail goes to.
            user_id: the product's id of them.
            properties: what the product told us of them.
        """
        database = self._environment.database
        contact = await make_known(database, email, user_id, properties, self.now)
        person = Person(contact.id, contact.email, contact.user_id)
        self._people = [one for one in self._people if one.id != person.id] + [person]
        await self._follow(self._time.settle())
        return person

    async def emit(self, person: Person, name: str, /, **properties: Any) -> Decisions:
        """Let an event happen to a person, as the product would report it.

            await world.emit(ada, "order.completed", order_id="A-1", total=49.0)

        Args:
            person: to whom.
            name: what happened.
            properties: the particulars.

        Returns:
            What it started and ended: `(await world.emit(…)).refused` has the reasons.

        Raises:
            AssertionError: a journey failed, or was not the same when played again.
        """
        taken = await self._take(IncomingEvent(name, contact_id=person.id, properties=properties))
        return decisions_of(taken)

    async def unsubscribe(self, person: Person, list: str | None = None) -> None:
        """Let a person leave a list, or all mail that is not owed.

        Args:
            person: who.
            list: the id of the list; everything unless given.
        """
        await self._say(person, "contact.unsubscribed", list, False)

    async def resubscribe(self, person: Person, list: str | None = None) -> None:
        """Let a person join a list, or take back that they want nothing.

        Args:
            person: who.
            list: the id of the list; everything unless given.
        """
        await self._say(person, "contact.preferences_changed", list, True)

    async def suppress(self, person: Person, reason: str = "hard_bounce") -> None:
        """Stop all mail to a person's address, as a bounce or a complaint does.

        Args:
            person: who.
            reason: why, as the ledger shows it.
        """
        contact = self._contact(person)
        if contact.email is None:
            raise ValueError(f"{person} has no address that could be suppressed.")
        stop = Suppress(contact.email, reason)
        await self._take(
            IncomingEvent("email.bounced", contact_id=person.id, source="delivery", suppress=stop)
        )

    def choose(self, experiment: str, arm: str) -> None:
        """Let `ctx.variant` answer this arm to everyone who asks from now on.

            world.choose("subject", "question")

        Unless told, it is decided by the person, and the same in every run of a test.

        Args:
            experiment: the key that `ctx.variant` is given.
            arm: one of its arms.
        """
        self._guard.arms[experiment] = arm

    # -- mails --------------------------------------------------------------------------------

    async def open(self, person: Person, template: str) -> None:
        """Let a person open the last mail of a template that they got."""
        mail = self._last_mail(person, template)
        await self._follow(self._environment.tracker.record("open", mail.send_id, _BROWSER))

    async def click(self, person: Person, template: str, url: str | None = None) -> None:
        """Let a person follow a link of the last mail of a template that they got.

        A click counts as a person's when no scanner has followed the mail's other links as well,
        which takes a few seconds to see: the clock moves on by up to twelve.

        Args:
            person: who.
            template: of which mail.
            url: where the link leads, or the beginning of that; the mail's first link unless given.

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
        """Let the provider refuse the next mail that is handed over.

        Args:
            kind: `hard_bounce`: the address does not exist and is suppressed; `soft`: the mailbox
                is full; `later`: the provider is busy. The last two are tried again later.
        """
        self._environment.provider.refuse(kind)

    def fail_next_step(self, error: Exception | None = None, *, times: int = 1) -> None:
        """Let the next effect of a `ctx.step` fail instead of being run.

        It is tried again with growing pauses, as after every failure: `advance` past them.

        Args:
            error: what it raises; `StepFailed` ends it at once, anything else is tried again.
            times: how many tries fail; `retries + 1` of them make the step fail for good.
        """
        self._guard.failing.extend([error or RuntimeError("meant to fail")] * times)

    # -- time ---------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The instant that the clock shows."""
        return self._environment.clock.now()

    async def advance(self, duration: timedelta) -> None:
        """Let time pass; whatever is due on the way is done at its own time, in order.

            await world.advance(days(2))

        Args:
            duration: how long.

        Raises:
            AssertionError: a journey failed, or was not the same when played again.
        """
        await self.advance_to(self.now + duration)

    async def advance_to(self, instant: datetime) -> None:
        """Let time pass until an instant, see `advance`.

        Args:
            instant: when, with a time zone; not before `now`.
        """
        if instant.tzinfo is None or instant < self.now:
            raise ValueError(f"The clock shows {self.now}; it cannot be moved to {instant}.")
        await self._move(instant)

    # -- what there is ------------------------------------------------------------------------

    def enrollment(self, person: Person, journey: str | None = None) -> Place:
        """Return where a person is in a journey, or how it ended; of several times the last.

            assert world.enrollment(ada).waiting_for == "post-welcome"

        Args:
            person: who.
            journey: the journey's id; needed only when a test plays several.

        Raises:
            AssertionError: the person has not entered.
        """
        found = self.enrollments(person, journey)
        if not found:
            raise AssertionError(f"{person} has not entered {journey or 'any journey'}.")
        return found[-1]

    def enrollments(self, person: Person, journey: str | None = None) -> list[Place]:
        """Return every time that a person entered, the oldest first; see `enrollment`."""
        family = self._records.family(person.id)
        return [
            place_of(one, self._records.turns.get(one.id, ()))
            for one in self._records.enrollments
            if one.contact_id in family and journey in (None, one.journey_id)
        ]

    def events(self, person: Person, name: str | None = None) -> list[Event]:
        """Return what happened to a person, the oldest first, also what journeys triggered.

        Args:
            person: who.
            name: only events of this name.
        """
        family = self._records.family(person.id)
        return [
            event
            for event in self._records.events
            if event.contact_id in family and name in (None, event.name)
        ]

    def timeline(self, person: Person | None = None) -> str:
        """Return what happened to a person as text, which a failing test prints by itself.

        Args:
            person: who; everyone unless given.
        """
        people = [person] if person else self._people
        timelines = [timeline_of(self._records, person.id, self.now) for person in people]
        return "\n\n".join(timelines) or "Nobody is known in this world."

    def expects_failure(self) -> None:
        """Let journeys fail from now on: a test of just that looks at `enrollment(…).error`."""
        self._findings.expected = True

    # -- how ----------------------------------------------------------------------------------

    async def _say(self, person: Person, name: str, list_id: str | None, joins: bool) -> None:
        scope = "category" if list_id else "all"
        lists = {list_id or EVERYTHING: joins}
        if list_id is not None and list_id not in self._environment.content.registry.lists:
            known = ", ".join(sorted(self._environment.content.registry.lists))
            raise ValueError(f"There is no list {list_id!r}; known: {known}.")
        await self._take(
            IncomingEvent(
                name,
                contact_id=person.id,
                properties={"scope": scope, "lists": lists},
                lists=lists,
                source="recipient",
            )
        )

    async def _take(self, incoming: IncomingEvent) -> IngestResult:
        taken = await self._environment.ingest.submit(incoming)
        await self._follow(self._time.settle())
        return taken

    def _contact(self, person: Person) -> Contact:
        return self._records.people[self._records.survivors.get(person.id, person.id)]

    def _last_mail(self, person: Person, template: str) -> Mail:
        mails = self.mailbox.mails(person, template)
        if not mails:
            got = self.mailbox.templates(person)
            raise AssertionError(f"{person} has got no mail {template!r}, but {got}.")
        return mails[-1]

    async def _move(self, instant: datetime) -> None:
        expected = self._findings.expected
        await self._follow(self._time.move(instant, through_failures=expected))

    async def _follow(self, work: Awaitable[None]) -> None:
        """Do something, look at what came of it, and fail the test for what is wrong with that."""
        try:
            await work
        finally:
            await self._look()
        self._findings.check(self._records)

    async def _look(self) -> None:
        """Read the state again for the views."""
        environment = self._environment
        self._records = records = await read_records(environment.database)
        for send in records.sends:
            sent = environment.provider.sent_mails.get(send.id)
            if sent is not None and send.id not in self._mails:
                kept = await environment.database.read_one(sends.mail_of(send.id))
                links = kept.links if kept else ()
                self._mails[send.id] = mail_of(sent, send.contact_id, send.template, links)
        mails = sorted(self._mails.values(), key=lambda mail: (mail.sent_at, mail.send_id))
        self.mailbox.take_in(mails, {one: records.family(one) for one in records.people})
