"""The people whom turns name with `to=`: checked and created when the turns are committed."""

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
    """The people whom the turns of a batch name.

    Args:
        results: the results of the turns.
        now: the current time.
    """

    def __init__(self, results: Sequence[TurnResult], now: datetime) -> None:
        self._results = results
        self._resolver = AddresseeResolver(now)

    async def load(self, tx: Transaction, contact_ids: Collection[UUID]) -> None:
        """Lock the people's contacts together with the contacts of the turns.

        Does nothing when no turn names anyone.

        Args:
            tx: the transaction.
            contact_ids: the contacts of the turns.
        """
        named = {addressee for result in self._results for addressee in _list_addressees(result)}
        await self._resolver.load(tx, named, contact_ids)

    def are_unchanged(self, result: TurnResult) -> bool:
        """Return whether a turn's people are still as they were when the turn decided about them.

        If one was created, was merged, or has another identity, address, consent or suppression
        now, the turn runs again.
        """
        return all(
            _identify_version(facts.contact)
            == _identify_version(self._resolver.find(facts.addressee))
            for facts in result.addressees.values()
        )

    async def address(
        self, tx: Transaction, results: Sequence[TurnResult], tally: Tally
    ) -> tuple[list[Send], bool]:
        """Return the sends of turns with their contacts, and whether contacts were created.

        Args:
            tx: the transaction.
            results: the results of the turns that are written.
            tally: counts the contacts.
        """
        sends = [self._address(send, result) for result in results for send in result.sends]
        return sends, await self._resolver.write(tx, tally)

    def _address(self, send: Send, result: TurnResult) -> Send:
        expected = result.addressees.get(send.id)
        if expected is None:
            return send
        contact = expected.contact or self._resolver.find_or_create(expected.addressee)
        return replace(send, contact_id=contact.id)


def _list_addressees(result: TurnResult) -> Iterator[Addressee]:
    for facts in result.addressees.values():
        yield facts.addressee
    for event in result.triggered:
        if event.contact_id is None:
            yield Addressee(event.email, event.user_id)


def _identify_version(contact: Contact | None) -> tuple[UUID, int] | None:
    return (contact.id, contact.revision) if contact else None
