"""The addressees of turns: checked, and created if needed, when the turns are committed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from ..domain.addressee import Addressee
from ..domain.contact import Contact
from ..domain.send_policy import Send
from ..ingest.addressee_resolver import AddresseeResolver
from ..store.counters import Tally
from ..store.db import Transaction
from .turn import TurnResult


class TurnAddressees:
    """The people whom the turns of a batch name with `to=`.

    Args:
        results: the results of the turns.
        now: the current time.
    """

    def __init__(self, results: Sequence[TurnResult], now: datetime) -> None:
        self._results = results
        self._resolver = AddresseeResolver(now)

    async def load(self, tx: Transaction, contact_ids: Collection[UUID]) -> None:
        """Lock the contacts of the addressees, together with the contacts of the turns.

        Locks nothing when no turn names anyone: the caller locks the contacts of the turns too.

        Args:
            tx: the transaction.
            contact_ids: the contacts of the turns.
        """
        named = {addressee for result in self._results for addressee in _list_addressees(result)}
        await self._resolver.load(tx, named, contact_ids)

    def are_unchanged(self, result: TurnResult) -> bool:
        """Return whether a turn's addressees are as they were when the turn decided about them.

        If one was created, was merged, or has another identity, address, consent or suppression
        now, the turn runs again.
        """
        return all(
            _get_version(facts.contact) == _get_version(self._resolver.find(facts.addressee))
            for facts in result.addressees.values()
        )

    def address(self, results: Sequence[TurnResult]) -> list[Send]:
        """Return the sends of turns, each with the contact that gets it.

        Contacts that are created for it are added by `write_contacts`.

        Args:
            results: the results of the turns that are written.
        """
        return [self._address(send, result) for result in results for send in result.sends]

    async def write_contacts(self, tx: Transaction, tally: Tally) -> bool:
        """Add the contacts that were created; return whether there are any.

        Args:
            tx: the transaction.
            tally: counts the contacts.
        """
        return await self._resolver.write(tx, tally)

    def _address(self, send: Send, result: TurnResult) -> Send:
        facts = result.addressees.get(send.id)
        if facts is None:
            return send
        contact = facts.contact or self._resolver.find_or_create(facts.addressee)
        return replace(send, contact_id=contact.id)


def _list_addressees(result: TurnResult) -> Iterator[Addressee]:
    for facts in result.addressees.values():
        yield facts.addressee
    for event in result.triggered:
        if event.contact_id is None:
            yield Addressee(event.email, event.user_id)


def _get_version(contact: Contact | None) -> tuple[UUID, int] | None:
    """Return the part of a contact that must be unchanged since a turn decided about it."""
    return (contact.id, contact.revision) if contact else None
