"""One enrollment with all that happened in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from ...domain.contact import Contact
from ...domain.enrollment import Enrollment
from ...domain.journal_summary import Summary
from ...domain.send_policy import Consents, Send
from .. import (
    consents,
    contacts,
    enrollments,
    hatchet_runs,
    sends,
    summaries,
    turns,
)
from ..db import Database, Query
from ..hatchet_runs import RunLink
from ..turns import Turn
from . import emails
from .events import EventLine, trigger_of

MOST_TURNS = 500


@dataclass(frozen=True, slots=True)
class EnrollmentPage:
    """What the screen of one enrollment shows.

    Args:
        enrollment: as stored.
        contact: whose it is.
        trigger: the event that started it; None when it was kept too short a time.
        turns: the journal, oldest first.
        sends: the mails it queued or refused, by id.
        consents: what the contact said about lists.
        suppression: why the contact's address must not be mailed, if so.
        summary: of those of its turns that are not kept any more; None while all are.
        run: the Hatchet run that plays it; None where none does.
    """

    enrollment: Enrollment
    contact: Contact
    trigger: EventLine | None
    turns: Sequence[Turn]
    sends: Mapping[UUID, Send]
    consents: Consents
    suppression: str | None
    summary: Summary | None = None
    run: RunLink | None = None


def sends_of(enrollment_id: UUID) -> Query[dict[UUID, Send]]:
    """Ask for the mails of an enrollment."""
    return Query(
        f"SELECT {emails.COLUMNS} FROM sends s WHERE s.enrollment_id = ? LIMIT ?",
        [enrollment_id, MOST_TURNS],
        lambda rows: {send.id: send for send in map(sends.read_send, rows)},
    )


async def load(database: Database, enrollment_id: UUID) -> EnrollmentPage | None:
    """Read one enrollment; None when there is none with this id."""
    found, people, trigger, journal, mails, said, stopped, summary, run = await database.read(
        enrollments.by_ids([enrollment_id]),
        contacts.of_enrollments([enrollment_id]),
        trigger_of(enrollment_id),
        turns.of_enrollments([enrollment_id]),
        sends_of(enrollment_id),
        consents.of_enrollments([enrollment_id]),
        consents.suppressed_of_enrollments([enrollment_id]),
        summaries.of(enrollment_id),
        hatchet_runs.run_of(enrollment_id),
    )
    enrollment: Enrollment | None = found.get(enrollment_id)
    if enrollment is None or enrollment.contact_id not in people:
        return None
    return EnrollmentPage(
        enrollment=enrollment,
        contact=people[enrollment.contact_id],
        trigger=trigger,
        turns=journal.get(enrollment_id, [])[-MOST_TURNS:],
        sends=mails,
        consents=said.get(enrollment.contact_id, Consents()),
        suppression=next(iter(stopped.values()), None),
        summary=summary,
        run=run,
    )
