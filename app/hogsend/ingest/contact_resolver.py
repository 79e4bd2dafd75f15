"""Finds or creates the contacts of a batch of events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.contact import Contact
from ..domain.erasure import ERASED
from ..domain.ids import new_id
from ..domain.incoming import IncomingEvent
from ..errors import Conflict
from ..store import consents, contacts, enrollments, erasures, events, meta
from ..store.contacts import to_identities
from ..store.db import Query, Transaction
from ..store.events import KnownKey
from .contact_properties import refuse_growth
from .contact_state import ContactState
from .same_person import select_same_person


class MergeNeeded(Exception):
    """An event names several contacts that are one person.

    Args:
        contact_ids: the contacts; empty when events of the batch have to be stored first, so that
            their contact is made.
    """

    def __init__(self, contact_ids: Sequence[UUID]) -> None:
        super().__init__()
        self.contact_ids = contact_ids


class ContactResolver:
    """Finds or creates the contact of each event of a batch.

    Args:
        now: the current time.

    Attributes:
        suppressed_addresses: the addresses that must not be mailed, each with the reason.
        new_identities: the identities to add, each with its contact.
        new_suppressions: the suppressions to add: new identities that are addresses of erased
            contacts. Of these, only hashes were stored; an address that a contact has again needs
            an ordinary suppression.
        identity_changes: how often a contact has been created, or its identities have changed.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._by_identity: dict[str, ContactState] = {}
        self._by_id: dict[UUID, ContactState] = {}
        self._survivors: dict[UUID, UUID] = {}
        self.suppressed_addresses: dict[str, str] = {}
        self.new_identities: list[tuple[str, UUID]] = []
        self.new_suppressions: list[tuple[str, str, UUID | None]] = []
        self._erased_identities: frozenset[str] = frozenset()
        self.identity_changes = 0

    async def load(
        self, tx: Transaction, incoming: Sequence[IncomingEvent], *, with_entries: bool = True
    ) -> dict[str, KnownKey]:
        """Read the rows that the batch needs; return the idempotency keys that are known.

        That takes one round trip to the database, and a second one if contacts are known.

        Args:
            tx: the transaction.
            incoming: the events.
            with_entries: whether to read which journeys the contacts have entered, which decides
                about new enrollments.
        """
        identities: list[str] = []
        ids: list[UUID] = []
        emails = [event.email for event in incoming if event.email]
        keys = [event.idempotency_key for event in incoming if event.idempotency_key]
        for event in incoming:
            if event.contact_id is not None:
                ids.append(event.contact_id)
                if event.is_contact_change and event.email:
                    identities.append("e:" + event.email)
            else:
                identities.extend(to_identities(event.user_id, event.email, event.anonymous_id))
        further = [events.find_used_keys(keys)]
        (known_keys,) = await self._load(tx, identities, emails, ids, with_entries, *further)
        return known_keys

    async def load_identities(self, tx: Transaction, identities: Sequence[str]) -> None:
        """Read the contacts that have some identities, without the journeys they have entered."""
        emails = [identity[2:] for identity in identities if identity.startswith("e:")]
        await self._load(tx, identities, emails, [], False)

    async def _load(
        self,
        tx: Transaction,
        identities: Sequence[str],
        emails: Sequence[str],
        ids: list[UUID],
        with_entries: bool,
        *further: Query[Any],
    ) -> list[Any]:
        """Read the contacts of identities and ids; return the results of further queries."""
        owners, self.suppressed_addresses, *results = await tx.fetch(
            contacts.find_owners(identities), consents.find_suppressed_or_salt(emails), *further
        )
        salt = self.suppressed_addresses.pop(consents.SALT_ADDRESS, None)
        ids.extend(owners.values())
        if ids:
            await self._load_contacts(tx, list(dict.fromkeys(ids)), with_entries=with_entries)
        for identity, contact_id in owners.items():
            # Another process may have merged the contact before its row was locked, or erased it.
            state = self._by_id.get(self._find_survivor_id(contact_id))
            if state is not None:
                self._by_identity[identity] = state
            elif salt is None:
                salt = await tx.fetch_one(meta.find_value(erasures.SALT))
        if salt is not None:
            await self._load_erased(tx, salt, emails)
        return results

    async def _load_erased(self, tx: Transaction, salt: str, emails: Sequence[str]) -> None:
        """Read which of the addresses that no contact has are those of erased contacts.

        Args:
            tx: the transaction.
            salt: the salt of the hashes of erased addresses.
            emails: the addresses.
        """
        unknown = list({email for email in emails if "e:" + email not in self._by_identity})
        if unknown:
            erased = await tx.fetch_one(erasures.find_erased(salt, unknown))
            self._erased_identities = frozenset("e:" + address for address in erased)
            self.suppressed_addresses.update(dict.fromkeys(erased, ERASED))

    def _find_survivor_id(self, contact_id: UUID) -> UUID:
        """Return the contact that a contact was merged into, also down a chain of merges."""
        survivors = self._survivors
        while survivors and contact_id in survivors:
            contact_id = survivors[contact_id]
        return contact_id

    async def _load_contacts(
        self, tx: Transaction, ids: Sequence[UUID], *, with_entries: bool
    ) -> None:
        # The contacts are locked first, so that their other rows cannot change after they are read.
        locked, live, entries, consents_by_contact, suppressed = await tx.fetch(
            contacts.lock(ids, tx.dialect.lock_rows),
            enrollments.find_live(ids),
            enrollments.find_last_entries(ids if with_entries else []),
            consents.find_by_contacts(ids),
            consents.find_suppressed_by_contacts(ids),
        )
        self.suppressed_addresses.update(suppressed)
        for contact in locked.by_id.values():
            choices = consents_by_contact.get(contact.id)
            subscriptions = dict(choices.choices) if choices else {}
            self._by_id[contact.id] = ContactState(
                contact, loaded=contact, subscriptions=subscriptions
            )
        for enrollment in live:
            self._by_id[enrollment.contact_id].live[enrollment.id] = enrollment
        for (contact_id, journey_id, key), entry in entries.items():
            state = self._by_id.get(contact_id)
            if state is None:
                continue
            if entry.at is not None:
                state.entries[journey_id, key] = entry.at
            if entry.unaddressed_at is not None:
                state.unaddressed_entries[journey_id, key] = entry.unaddressed_at
            held_out = state.held_out_by_journey.get(journey_id, False)
            state.held_out_by_journey[journey_id] = held_out or entry.held_out
        if locked.survivors:
            self._survivors.update(locked.survivors)
            survivor_ids = set(locked.survivors.values()) - set(self._by_id)
            await self._load_contacts(tx, list(survivor_ids), with_entries=with_entries)

    def list_states(self) -> Iterable[ContactState]:
        """Return all contacts of the batch."""
        return self._by_id.values()

    def find_by_identity(self, identity: str) -> Contact | None:
        """Return the loaded contact with an identity; None when there is none."""
        state = self._by_identity.get(identity)
        return state.contact if state else None

    def resolve(
        self, incoming: IncomingEvent, aliases: Sequence[str] = ()
    ) -> tuple[ContactState | None, bool]:
        """Find or create the contact of an event.

        Args:
            incoming: the event.
            aliases: further identities of its contact, in their stored form.

        Returns:
            The contact: None when its id is unknown, the survivor when the contact was merged.
            Then whether another contact owns, and keeps, an identity of the event.

        Raises:
            MergeNeeded: the event shows that several contacts are one person.
            TooLarge: the event makes the contact's properties too large.
            Conflict: the contact's new address belongs to another contact.
            Forbidden: a web page names a known person by a browser only.
        """
        if incoming.contact_id is not None:
            known = self._by_id.get(self._find_survivor_id(incoming.contact_id))
            if known is not None:
                refuse_growth(known.contact, incoming)
                if incoming.is_contact_change and incoming.email:
                    self._change_address(known, incoming.email)
            return known, False
        identities = to_identities(incoming.user_id, incoming.email, incoming.anonymous_id)
        identities.extend(aliases)
        owners = list(
            {
                id(state): state
                for identity in identities
                if (state := self._by_identity.get(identity))
            }.values()
        )
        user_id = incoming.user_id
        if user_id and (owner := self._by_identity.get("u:" + user_id)):
            # The user id of a contact that an operator has merged into another user's is an alias.
            user_id = owner.contact.user_id
        matching = select_same_person(owners, user_id, is_public=incoming.is_public)
        has_conflict = len(matching) < len(owners)
        if len(matching) > 1:
            raise MergeNeeded([state.contact.id for state in matching])
        if not matching:
            return self._create(incoming, identities), has_conflict
        (state,) = matching
        refuse_growth(state.contact, incoming)
        self._add_identities(state, incoming, identities)
        return state, has_conflict

    def _change_address(self, state: ContactState, email: str) -> None:
        """Give a contact another address; the former one stays an alias.

        Raises:
            Conflict: another contact has the address.
        """
        identity = "e:" + email
        owner = self._by_identity.get(identity)
        if owner is not None and owner is not state:
            raise Conflict(
                f"The address {email} belongs to another contact, {owner.contact.key}.",
                "Merge the two contacts if they are one person.",
            )
        contact = state.contact
        if owner is None:
            self._by_identity[identity] = state
            self._add_identity(identity, contact.id)
        if email != contact.email:
            state.contact = contact.take_identities(contact.user_id, email, contact.anonymous_id)
        if owner is None or email != contact.email:
            self.identity_changes += 1

    def _add_identity(self, identity: str, contact_id: UUID) -> None:
        """Add an identity that no contact has; the address of an erased one stays suppressed."""
        self.new_identities.append((identity, contact_id))
        if identity in self._erased_identities:
            self.new_suppressions.append((identity.removeprefix("e:"), ERASED, None))

    def are_unknown(self, identities: Iterable[str]) -> bool:
        """Return whether no contact has any of some identities."""
        return self._by_identity.keys().isdisjoint(identities)

    def find_identified(
        self,
        identities: Sequence[str],
        user_id: str | None,
        email: str | None,
        anonymous_id: str | None,
    ) -> ContactState | None:
        """Return the contact that has some identities already; None when any of them is new to it.

        When it returns a contact, `resolve` would return the same one, unchanged.

        Args:
            identities: the identities, at least one.
            user_id: the user id among them.
            email: the address among them.
            anonymous_id: the browser id among them.
        """
        state = self._by_identity.get(identities[0])
        if state is None or any(
            self._by_identity.get(identity) is not state for identity in identities
        ):
            return None
        contact = state.contact
        if (user_id and not contact.user_id) or (anonymous_id and not contact.anonymous_id):
            return None
        takes_email = email and _takes_email(contact, user_id)
        return None if takes_email and email != contact.email else state

    def add(self, contact: Contact, identities: Iterable[str]) -> ContactState:
        """Add a new contact with all its identities, which no contact has."""
        state = ContactState(contact, is_new=True)
        self._by_id[contact.id] = state
        for identity in dict.fromkeys(identities):
            self._by_identity[identity] = state
            self._add_identity(identity, contact.id)
        self.identity_changes += 1
        return state

    def _create(self, incoming: IncomingEvent, identities: Sequence[str]) -> ContactState:
        """Create the contact of an event, with the identities that no other contact has.

        Raises:
            TooLarge: the event has too many properties for a contact.
        """
        email = incoming.email
        contact = Contact(
            id=new_id(self._now),
            user_id=incoming.user_id,
            email=None if email and "e:" + email in self._by_identity else email,
            anonymous_id=incoming.anonymous_id,
            first_seen_at=self._now,
            last_seen_at=self._now,
            revision=1,
        )
        refuse_growth(contact, incoming)
        new = [identity for identity in identities if identity not in self._by_identity]
        return self.add(contact, new)

    def _add_identities(
        self, state: ContactState, incoming: IncomingEvent, identities: Sequence[str]
    ) -> None:
        """Give the contact the identities that no other contact has, and fill in missing fields."""
        contact = state.contact
        for identity in identities:
            if identity not in self._by_identity:
                self._by_identity[identity] = state
                self._add_identity(identity, contact.id)
                self.identity_changes += 1
        owns_email = incoming.email and self._by_identity.get("e:" + incoming.email) is state
        user_id = contact.user_id or incoming.user_id
        takes_email = owns_email and _takes_email(contact, incoming.user_id)
        email = incoming.email if takes_email else contact.email
        anonymous_id = contact.anonymous_id or incoming.anonymous_id
        if incoming.is_public and self._by_identity.get(f"a:{anonymous_id}") is not state:
            # The page has no claim to the browser that it names.
            anonymous_id = contact.anonymous_id
        if (user_id, email, anonymous_id) != (
            contact.user_id,
            contact.email,
            contact.anonymous_id,
        ):
            state.contact = contact.take_identities(user_id, email, anonymous_id)
            self.identity_changes += 1


def _takes_email(contact: Contact, user_id: str | None) -> bool:
    """Return whether mail to a contact goes to an address that comes with a user id, if any.

    Mail goes to the newest address that came together with a user id; without one, to the first.
    """
    return bool(user_id) or not contact.email
