"""The read of a person whom an author names with `to=`."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ...domain.addressee import Addressee
from ...domain.contact import Contact
from ...domain.send_policy import Consents, SendFacts
from ..turn import AddresseeFacts
from .read import Read

if TYPE_CHECKING:
    from ...store.db import Query


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a group of reads.

    Args:
        contacts: the contacts, by identity.
        consents: the contacts' choices, by contact.
        suppressed: the reasons, by address.
        last_sent: when the journey last queued a mail, by contact and journey.
    """

    contacts: Mapping[str, Contact]
    consents: Mapping[UUID, Consents]
    suppressed: Mapping[str, str]
    last_sent: Mapping[tuple[UUID, str], datetime]


@dataclass(frozen=True, slots=True)
class AddresseeRead(Read):
    """What decides whether an email may go to a person.

    Args:
        addressee: the person.
        journey_id: the journey whose last email to the person counts; None without a gap.
    """

    addressee: Addressee
    journey_id: str | None

    @property
    def group(self) -> Hashable:
        return self.journey_id

    @classmethod
    def build_queries(cls, reads: Sequence[AddresseeRead]) -> Sequence[Query[Any]]:
        from ...store import consents, contacts, last_mails

        identities = [_get_identity(read.addressee) for read in reads]
        addresses = [read.addressee.email for read in reads if read.addressee.email]
        journey_id = reads[0].journey_id
        queries: list[Query[Any]] = [
            contacts.find_by_identities(identities),
            consents.find_by_identities(identities),
            consents.find_suppressed_by_identities(identities, addresses),
        ]
        if journey_id is not None:
            queries.append(last_mails.find_last_queued_by_identities(identities, [journey_id]))
        return queries

    @classmethod
    def combine_results(cls, results: Sequence[Any]) -> _Rows:
        known, choices, suppressed, *last_sent = results
        return _Rows(known, choices, suppressed, last_sent[0] if last_sent else {})

    @classmethod
    def extract_answers(
        cls, reads: Sequence[AddresseeRead], result: _Rows
    ) -> Iterable[AddresseeFacts]:
        for read in reads:
            yield _build_facts(read, result)


def _build_facts(read: AddresseeRead, rows: _Rows) -> AddresseeFacts:
    addressee = read.addressee
    contact = rows.contacts.get(_get_identity(addressee))
    email = contact.email if contact else addressee.email
    choices = rows.consents.get(contact.id) if contact else None
    last_sent_at = (
        rows.last_sent.get((contact.id, read.journey_id)) if contact and read.journey_id else None
    )
    facts = SendFacts(
        email=email,
        consents=choices or Consents(),
        suppression=rows.suppressed.get(email) if email else None,
        last_sent_at=last_sent_at,
    )
    return AddresseeFacts(addressee, contact, facts)


def _get_identity(addressee: Addressee) -> str:
    from ...store.contacts import to_identities

    return to_identities(addressee.user_id, addressee.email, None)[0]
