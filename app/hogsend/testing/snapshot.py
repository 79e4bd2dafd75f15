"""Everything that a test's installation holds, as of the last thing that happened in it."""

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
        people: the contacts, by id.
        survivors: into whom a contact was merged.
        enrollments: of everyone.
        turns: the journals, by enrollment.
        sends: the ledger.
        events: of everyone.
        refusals: for an event the journeys that it did not start, each with the reason.
    """

    people: dict[UUID, Contact] = field(default_factory=dict[UUID, Contact])
    survivors: dict[UUID, UUID] = field(default_factory=dict[UUID, UUID])
    enrollments: Sequence[Enrollment] = ()
    turns: dict[UUID, list[Turn]] = field(default_factory=dict[UUID, list[Turn]])
    sends: Sequence[Send] = ()
    events: Sequence[Event] = ()
    refusals: Mapping[UUID, Mapping[str, str]] = field(
        default_factory=dict[UUID, Mapping[str, str]]
    )

    def family(self, contact_id: UUID) -> set[UUID]:
        """Return the ids of everyone who is this person by now."""
        me = self.survivors.get(contact_id, contact_id)
        return {me, contact_id} | {one for one, into in self.survivors.items() if into == me}


async def read_records(database: Database) -> Snapshot:
    """Read everything."""
    people, entered, mailed, event_ids, survivors, refused = await database.read(
        snapshot.ids("contacts"),
        snapshot.ids("enrollments"),
        snapshot.ids("sends"),
        snapshot.ids("events"),
        snapshot.survivors(),
        snapshot.refusals(),
    )
    known, found, journals, ledger, *event_rows = await database.read(
        contacts.by_ids(people),
        enrollments.by_ids(entered),
        turns.of_enrollments(entered),
        sends.by_ids(mailed),
        *(events.find(one) for one in event_ids),
    )
    refusals: dict[UUID, dict[str, str]] = {}
    for event_id, journey_id, reason in refused:
        refusals.setdefault(event_id, {})[journey_id] = reason
    return Snapshot(
        people=known,
        survivors=survivors,
        enrollments=[found[one] for one in entered],
        turns=journals,
        sends=[ledger[one] for one in mailed],
        events=event_rows,
        refusals=refusals,
    )
