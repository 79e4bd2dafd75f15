"""One enrollment for its page, with its journal, mails and consents."""

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
    results,
    summaries,
    turns,
)
from ..db import Database, Query
from ..hatchet_runs import RunLink
from ..results import MeasuredEnrollment
from ..turns import Turn
from . import emails
from .events import EventLine, find_trigger

MAX_TURNS = 500


@dataclass(frozen=True, slots=True)
class EnrollmentPage:
    """Everything that the page of one enrollment shows.

    Args:
        enrollment: the enrollment.
        contact: its contact.
        trigger: the event that started it; None when it was deleted.
        turns: the journal, oldest first.
        sends: the mails that it queued or refused, by id.
        consents: the contact's choices about lists.
        suppression: why the contact's address must not be mailed, if so.
        summary: what replaces its turns after they were deleted; None while they are kept.
        run: its Hatchet run, if it has one.
        measured: what it counts for in the journey's results.
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
    measured: MeasuredEnrollment | None = None


def find_sends(enrollment_id: UUID) -> Query[dict[UUID, Send]]:
    """Query the mails of an enrollment."""
    return Query(
        f"SELECT {emails.SENDS.columns} FROM sends s WHERE s.enrollment_id = ? LIMIT ?",
        [enrollment_id, MAX_TURNS],
        emails.SENDS.read_by("id"),
    )


async def load(database: Database, enrollment_id: UUID) -> EnrollmentPage | None:
    """Load one enrollment; return None when it does not exist."""
    (
        by_id,
        contacts_by_id,
        trigger,
        journal,
        mails,
        choices,
        reasons,
        summary,
        run,
        measured,
    ) = await database.read(
        enrollments.find_by_ids([enrollment_id]),
        contacts.find_by_enrollments([enrollment_id]),
        find_trigger(enrollment_id),
        turns.find_by_enrollments([enrollment_id]),
        find_sends(enrollment_id),
        consents.find_by_enrollments([enrollment_id]),
        consents.find_suppressed_by_enrollments([enrollment_id]),
        summaries.find(enrollment_id),
        hatchet_runs.find_run(enrollment_id),
        results.find_by_ids([enrollment_id]),
    )
    enrollment: Enrollment | None = by_id.get(enrollment_id)
    if enrollment is None or enrollment.contact_id not in contacts_by_id:
        return None
    return EnrollmentPage(
        enrollment=enrollment,
        contact=contacts_by_id[enrollment.contact_id],
        trigger=trigger,
        turns=journal.get(enrollment_id, [])[-MAX_TURNS:],
        sends=mails,
        consents=choices.get(enrollment.contact_id, Consents()),
        suppression=next(iter(reasons.values()), None),
        summary=summary,
        run=run,
        measured=next(iter(measured), None),
    )
