"""The people whom a set of facts concerns, in memory while the set is decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment
from ..domain.ids import new_id
from ..domain.incoming import IncomingEvent
from ..domain.send_policy import Consents
from ..store import consents, contacts, enrollments, events
from ..store.contacts import identities_of
from ..store.db import Transaction
from ..store.events import KnownKey


@dataclass
class ContactState:
    """What is known of one contact, changing as the set is decided."""

    contact: Contact
    is_new: bool = False
    changed: bool = False
    live: dict[UUID, Enrollment] = field(default_factory=dict[UUID, Enrollment])
    entries: dict[tuple[str, str], datetime] = field(
        default_factory=dict[tuple[str, str], datetime]
    )
    # Of the journeys that they have entered, whether they were held out: it stays so.
    held_out: dict[str, bool] = field(default_factory=dict[str, bool])
    said: dict[str, bool] = field(default_factory=dict[str, bool])

    @property
    def consents(self) -> Consents:
        """What the person said about lists."""
        return Consents(self.said)


class NeedsMerge(Exception):
    """A fact names several contacts that are one person."""

    def __init__(self, ids: Sequence[UUID]) -> None:
        super().__init__()
        self.ids = ids


class ContactResolver:
    """The contacts that a set of facts concerns."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._by_identity: dict[str, ContactState] = {}
        self._by_id: dict[UUID, ContactState] = {}
        self._moved: dict[UUID, UUID] = {}
        self.suppressed: dict[str, str] = {}
        self.named: list[tuple[str, UUID]] = []

    async def load(self, tx: Transaction, items: Sequence[IncomingEvent]) -> dict[str, KnownKey]:
        """Read everything that the set may touch; return the idempotency keys known already.

        Whoever is new costs one visit to the database, whoever is known a second one.
        """
        names: list[str] = []
        ids: list[UUID] = []
        emails = [item.email for item in items if item.email]
        for item in items:
            if item.contact_id is not None:
                ids.append(item.contact_id)
            else:
                names.extend(identities_of(item.user_id, item.email, item.anonymous_id))
        keys = [item.idempotency_key for item in items if item.idempotency_key]
        known, found, self.suppressed = await tx.fetch(
            events.known_keys(keys), contacts.by_identities(names), consents.suppressed(emails)
        )
        ids.extend(contact.id for contact in found.values())
        if ids:
            await self._load_people(tx, list(dict.fromkeys(ids)))
        for name, contact in found.items():
            self._by_identity[name] = self._by_id[contact.id]
        return known

    async def _load_people(self, tx: Transaction, ids: Sequence[UUID]) -> None:
        # The rows are locked before the rest is read, so that nobody changes it in between.
        known, live, entries, said, suppressed = await tx.fetch(
            contacts.locked(ids, tx.dialect.lock_rows),
            enrollments.live_of(ids),
            enrollments.entries_of(ids),
            consents.of_contacts(ids),
            consents.suppressed_contacts(ids),
        )
        self.suppressed.update(suppressed)
        for contact in known.people.values():
            spoken = said.get(contact.id)
            self._by_id[contact.id] = ContactState(
                contact, said=dict(spoken.said) if spoken else {}
            )
        for enrollment in live:
            self._by_id[enrollment.contact_id].live[enrollment.id] = enrollment
        for (contact_id, journey_id, key), entered in entries.items():
            person = self._by_id[contact_id]
            person.entries[journey_id, key] = entered.at
            held_out = person.held_out.get(journey_id, False)
            person.held_out[journey_id] = held_out or entered.held_out
        if known.moved:
            self._moved.update(known.moved)
            await self._load_people(tx, list(set(known.moved.values()) - set(self._by_id)))

    def everyone(self) -> Iterable[ContactState]:
        """Return all people of the set."""
        return self._by_id.values()

    def of(self, item: IncomingEvent) -> tuple[ContactState | None, bool]:
        """Find or make the person that a fact concerns.

        Returns:
            The person, None when a contact id is not known, the survivor when it is of one who
            was merged; and whether something in the fact belongs to somebody else, who keeps it.

        Raises:
            NeedsMerge: the fact shows that several contacts are one person.
        """
        if item.contact_id is not None:
            return self._by_id.get(self._moved.get(item.contact_id, item.contact_id)), False
        names = identities_of(item.user_id, item.email, item.anonymous_id)
        found = list({id(p): p for name in names if (p := self._by_identity.get(name))}.values())
        mine = _one_person(found, item.user_id)
        taken = len(mine) < len(found)
        if len(mine) > 1:
            raise NeedsMerge([p.contact.id for p in mine])
        person = mine[0] if mine else self._make()
        self._learn(person, item, names)
        return person, taken

    def _make(self) -> ContactState:
        contact = Contact(id=new_id(self._now), first_seen_at=self._now, last_seen_at=self._now)
        person = ContactState(contact, is_new=True)
        self._by_id[contact.id] = person
        return person

    def _learn(self, person: ContactState, item: IncomingEvent, names: Sequence[str]) -> None:
        """Fill in what is missing, and give the person the names that are free."""
        contact = person.contact
        for name in names:
            if name not in self._by_identity:
                self._by_identity[name] = person
                self.named.append((name, contact.id))
        owns_email = item.email and self._by_identity.get("e:" + item.email) is person
        user_id = contact.user_id or item.user_id
        # The newest address given together with the user id is the one that mail goes to.
        newest = owns_email and (item.user_id or not contact.email)
        email = item.email if newest else contact.email
        anonymous_id = contact.anonymous_id or item.anonymous_id
        if (user_id, email, anonymous_id) != (
            contact.user_id,
            contact.email,
            contact.anonymous_id,
        ):
            person.contact = replace(
                contact, user_id=user_id, email=email, anonymous_id=anonymous_id
            )


def _one_person(found: Sequence[ContactState], user_id: str | None) -> list[ContactState]:
    """Return those who can be one person, the one that is named most strongly first.

    Two people with different user ids are never one (ingest, "Identity").
    """
    mine: list[ContactState] = []
    for person in found:
        known = person.contact.user_id
        if user_id and known and known != user_id:
            continue
        user_id = user_id or known
        mine.append(person)
    return mine


def fold(properties: Mapping[str, Any], news: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return properties with news folded in at the top level; null deletes."""
    if not news:
        return properties
    merged = {**properties, **news}
    return {name: value for name, value in merged.items() if value is not None}
