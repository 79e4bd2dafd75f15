"""Finds or creates the contacts of addressees: the people whom `to=` names."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from ..domain.addressee import Addressee
from ..domain.contact import Contact
from ..domain.incoming import IncomingEvent
from ..store import consents, contacts, counters
from ..store.contacts import to_identities
from ..store.counters import Tally
from ..store.db import Transaction
from .contact_resolver import ContactResolver


class AddresseeResolver:
    """Finds or creates the contacts of addressees, inside the transaction that needs them.

    Call `load` first: `find` and `find_or_create` know only the contacts that it has read. Call
    `write` last: it adds the contacts that were created.

    Args:
        now: the current time.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._resolver = ContactResolver(now)

    async def load(
        self, tx: Transaction, addressees: Collection[Addressee], contact_ids: Collection[UUID]
    ) -> None:
        """Read and lock the contacts of addressees, together with further contacts.

        All are locked in the order of their ids, so that two transactions cannot deadlock. Nothing
        is read or locked when there are no addressees: the caller locks the further contacts too.

        Args:
            tx: the transaction.
            addressees: the addressees.
            contact_ids: the further contacts.
        """
        if addressees:
            further = [IncomingEvent("", contact_id=contact_id) for contact_id in contact_ids]
            incoming = [*further, *map(_to_incoming, addressees)]
            await self._resolver.load(tx, incoming, with_entries=False)

    def find(self, addressee: Addressee) -> Contact | None:
        """Return the contact of a loaded addressee; None when there is none."""
        (identity,) = to_identities(addressee.user_id, addressee.email, None)
        return self._resolver.find_by_identity(identity)

    def find_or_create(self, addressee: Addressee) -> Contact:
        """Return the contact of a loaded addressee; create the contact if there is none."""
        state, _ = self._resolver.resolve(_to_incoming(addressee))
        assert state is not None  # noqa: S101 (only unknown ids have no contact)
        return state.contact

    async def write(self, tx: Transaction, tally: Tally) -> bool:
        """Add the created contacts; return whether there are any.

        Args:
            tx: the transaction.
            tally: counts the contacts.
        """
        created = [state.contact for state in self._resolver.list_states() if state.is_new]
        if created:
            tally.add_to_gauge(counters.CONTACTS, len(created))
            await tx.apply(
                [
                    contacts.insert(created, self._now),
                    contacts.add_identities(self._resolver.new_identities),
                    consents.suppress(self._resolver.new_suppressions, self._now),
                ]
            )
        return bool(created)


def _to_incoming(addressee: Addressee) -> IncomingEvent:
    """Return an event that names the addressee and is not ingested, for the contact resolver."""
    return IncomingEvent("", user_id=addressee.user_id, email=addressee.email)
