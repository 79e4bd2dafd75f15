"""The rows of a test's database, read after each action of the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import Enrollment
from ..domain.event import Event
from ..domain.send_policy import Send
from ..store import contacts, enrollments, events, sends, snapshot, turns
from ..store.db import Database
from ..store.turns import Turn


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The rows, the oldest first.

    Args:
        contacts: the contacts, by id.
        survivors: the id of the surviving contact, by the id of the merged contact.
        enrollments: the enrollments of all contacts.
        turns: the journals, by enrollment.
        sends: the ledger.
        events: the events of all contacts.
        refusals: the reasons why an event did not start a journey, by event and by journey.
    """

    contacts: dict[UUID, Contact] = field(default_factory=dict[UUID, Contact])
    survivors: dict[UUID, UUID] = field(default_factory=dict[UUID, UUID])
    enrollments: Sequence[Enrollment] = ()
    turns: dict[UUID, list[Turn]] = field(default_factory=dict[UUID, list[Turn]])
    sends: Sequence[Send] = ()
    events: Sequence[Event] = ()
    refusals: Mapping[UUID, Mapping[str, str]] = field(
        default_factory=dict[UUID, Mapping[str, str]]
    )

    def find_family(self, contact_id: UUID) -> set[UUID]:
        """Return the ids of a contact, of its survivor, and of all contacts merged into it."""
        survivor_id = self.survivors.get(contact_id, contact_id)
        merged_ids = {
            merged_id for merged_id, into_id in self.survivors.items() if into_id == survivor_id
        }
        return {survivor_id, contact_id, *merged_ids}


async def read_snapshot(database: Database) -> Snapshot:
    """Read all rows."""
    contact_ids, enrollment_ids, send_ids, event_ids, survivors, refused = await database.read(
        snapshot.find_ids("contacts"),
        snapshot.find_ids("enrollments"),
        snapshot.find_ids("sends"),
        snapshot.find_ids("events"),
        snapshot.find_survivors(),
        snapshot.find_refusals(),
    )
    contacts_by_id, enrollments_by_id, journals, ledger, *events_in_order = await database.read(
        contacts.find_by_ids(contact_ids),
        enrollments.find_by_ids(enrollment_ids),
        turns.find_by_enrollments(enrollment_ids),
        sends.find_by_ids(send_ids),
        *(events.find(event_id) for event_id in event_ids),
    )
    refusals: dict[UUID, dict[str, str]] = {}
    for event_id, journey_id, reason in refused:
        refusals.setdefault(event_id, {})[journey_id] = reason
    return Snapshot(
        contacts=contacts_by_id,
        survivors=survivors,
        enrollments=[enrollments_by_id[enrollment_id] for enrollment_id in enrollment_ids],
        turns=journals,
        sends=[ledger[send_id] for send_id in send_ids],
        events=events_in_order,
        refusals=refusals,
    )
