"""The changes that a batch of events made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment
from ..domain.ids import new_id
from ..domain.incoming import IngestResult
from ..store import contacts
from ..store.db import Transaction
from ..store.events import KnownKey

# The form of enrollments in the record of an event and in the response of the API.
EnrollmentRows = list[dict[str, Any]]


@dataclass
class BatchResult:
    """The changes of a transaction that stored events; published after the commit.

    Args:
        results: the result of each event, in the order of the events.
        wakes: the due times of enrollments, by enrollment.
        ended: the enrollments that were exited.
        topics: the kinds of rows that changed, for open dashboards.
    """

    results: list[IngestResult | Exception] = field(default_factory=list[IngestResult | Exception])
    wakes: dict[UUID, datetime] = field(default_factory=dict[UUID, datetime])
    ended: list[UUID] = field(default_factory=list[UUID])
    topics: set[str] = field(default_factory=set[str])


def to_row(enrollment: Enrollment) -> dict[str, Any]:
    """Return an enrollment in the form of `EnrollmentRows`."""
    return {"journeyId": enrollment.journey_id, "stateId": str(enrollment.id)}


def build_repeated_result(known_key: KnownKey, digest: bytes) -> IngestResult:
    """Return the result of the first request with an idempotency key.

    Args:
        known_key: what is known about the key.
        digest: the digest of the repeated request.
    """
    return IngestResult(
        stored=False,
        event_id=known_key.event_id,
        contact_id=known_key.contact_id,
        contact_key="",
        enrollments=known_key.decisions.get("enrollments", ()),
        exits=known_key.decisions.get("exits", ()),
        waits=known_key.decisions.get("waits", ()),
        conflict=known_key.digest != digest,
        lists_error=known_key.decisions.get("listsError"),
    )


def build_unchanged_result(contact: Contact, now: datetime) -> IngestResult:
    """Return the result of an event that is not stored, because it would change nothing."""
    return IngestResult(
        stored=False, event_id=new_id(now), contact_id=contact.id, contact_key=contact.key
    )


async def fill_in_contact_keys(tx: Transaction, result: BatchResult) -> None:
    """Fill in the contact keys of the results that repeat the result of an earlier request."""
    repeated = {
        index: event_result
        for index, event_result in enumerate(result.results)
        if isinstance(event_result, IngestResult)
        and not event_result.contact_key
        and event_result.contact_id
    }
    if not repeated:
        return
    ids = {event_result.contact_id for event_result in repeated.values() if event_result.contact_id}
    contacts_by_id = await tx.fetch_one(contacts.find_by_ids(ids))
    for index, event_result in repeated.items():
        contact_id = event_result.contact_id
        contact = contacts_by_id.get(contact_id) if contact_id else None
        key = contact.key if contact else str(contact_id)
        result.results[index] = replace(event_result, contact_key=key)
