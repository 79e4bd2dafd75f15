"""The gaps between a journey's mails to people whom turns name with `to=`, checked at the commit.

A contact runs one turn at a time, but the turns of several contacts can name one person at the same
moment, and each sees the mails from before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from ..domain.journey import Journey
from ..domain.send_policy import Send
from ..store import contacts, last_mails
from ..store.db import Transaction, Write
from .turn import AddresseeFacts, TurnResult

# A person, by contact or as named, and a journey.
_Place = tuple[object, str]


class SendGaps:
    """The mails to named people of a batch of turns, in journeys with `suppress`.

    Without such mails nothing is read, compared or written.

    Args:
        turns: the turns' journeys, contacts and results.
    """

    def __init__(self, turns: Sequence[tuple[Journey, UUID, TurnResult]]) -> None:
        self._named = [
            (send, facts)
            for journey, _, result in turns
            if journey.suppress is not None and result.addressees
            for send, facts in _list_named(result)
        ]
        self._last_queued: Mapping[tuple[UUID, str], datetime] = {}
        # The mails of the turns that are written.
        self._queued: set[_Place] = set()

    async def load(self, tx: Transaction) -> None:
        """Read when the journeys last queued a mail for these people, whose contacts are locked."""
        contact_ids = {facts.contact.id for _, facts in self._named if facts.contact}
        journey_ids = {send.journey_id for send, _ in self._named if send.journey_id}
        if contact_ids:
            query = last_mails.find_last_queued(sorted(contact_ids), sorted(journey_ids))
            self._last_queued = await tx.fetch_one(query)

    def keep(self, journey: Journey, contact_id: UUID, result: TurnResult) -> bool:
        """Return whether a turn may be written, and count its mails if so.

        It may not when a mail to one of its recipients was queued after the turn decided; the turn
        then runs again.
        """
        if not self._named or journey.suppress is None:
            return True
        places = set[_Place]()
        if _has_own_mail(result):
            places.add((contact_id, journey.id))
        for send, facts in _list_named(result):
            if self._is_outdated(facts, send):
                return False
            places.add((facts.key, journey.id))
        if places & self._queued:
            return False
        self._queued |= places
        return True

    def _is_outdated(self, facts: AddresseeFacts, send: Send) -> bool:
        if facts.contact is None or send.journey_id is None:
            return False
        last, seen = (
            self._last_queued.get((facts.contact.id, send.journey_id)),
            facts.send_facts.last_sent_at,
        )
        return last is not None and (seen is None or last > seen)

    def build_writes(self) -> list[Write]:
        """Return the writes that let turns of these people's own run again."""
        contact_ids = {
            facts.contact.id
            for send, facts in self._named
            if facts.contact and (facts.key, send.journey_id) in self._queued
        }
        return [contacts.raise_revisions(contact_ids)] if contact_ids else []


def _list_named(result: TurnResult) -> Iterator[tuple[Send, AddresseeFacts]]:
    """Yield the queued mails to named people."""
    for send in result.sends:
        facts = result.addressees.get(send.id)
        if facts is not None and send.status == "queued":
            yield send, facts


def _has_own_mail(result: TurnResult) -> bool:
    return any(
        send.status == "queued" and send.id not in result.addressees for send in result.sends
    )
