"""Journeys for pages: their enrollments, and the events that did not enroll a contact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ...domain.contact import Contact
from ...domain.enrollment import Enrollment
from ...domain.failure_filter import ALL_FAILURES, RETRYING, FailureFilter
from .. import contacts, enrollments
from ..db import Database, Query
from ..distinct import select_distinct
from ..enrollment_states import build_condition
from ..models import RETRIED, RefusalRow
from ..rows import RowMapper, read_column, read_first, read_pairs
from .counts import BoundedCount, count_up_to_limit

# A wait in a loop has a key for each round.
MAX_WAIT_KEYS = 5000


@dataclass(frozen=True, slots=True)
class EnrollmentWithContact:
    """An enrollment with its contact."""

    enrollment: Enrollment
    contact: Contact


@dataclass(frozen=True, slots=True)
class RefusalRecord:
    """A contact that an event did not enroll, and the reason."""

    contact: Contact
    reason: str
    event_id: UUID
    at: datetime


def find_enrollment_ids(
    journey_id: str,
    states: Sequence[str],
    waits: Sequence[str],
    before: UUID | None,
    limit: int,
    *,
    offset: int = 0,
    failures: FailureFilter = ALL_FAILURES,
    down_to: UUID | None = None,
) -> Query[list[UUID]]:
    """Query enrollments of a journey, newest first.

    Args:
        journey_id: the journey.
        states: only enrollments in one of these states, of which `retrying` may be one.
        waits: instead of the states, the keys of waits; only enrollments in one of these.
        before: only enrollments that are older than this one.
        limit: how many at most.
        offset: how many of the newest to leave out.
        failures: only enrollments that failed like this.
        down_to: only this enrollment and those that are newer.
    """
    # An enrollment that waits is live, so the wait alone selects it, by its own index.
    in_wait = "journey_id = ? AND wait_key IS NOT NULL AND wait_key = ?"
    conditions = [(in_wait, [journey_id, key]) for key in waits] or [
        build_condition(journey_id, state, failures) for state in states
    ]
    bounds = [pair for pair in ((" AND id < ?", before), (" AND id >= ?", down_to)) if pair[1]]
    between, bound = "".join(sql for sql, _ in bounds), [value for _, value in bounds]
    # One ordered index scan for each value: a single scan for several values would sort.
    selects = [
        f"SELECT id FROM (SELECT id FROM enrollments WHERE {condition}{between} "
        f"ORDER BY id DESC LIMIT ?) p{n}"
        for n, (condition, _) in enumerate(conditions)
    ]
    parameters = [value for _, values in conditions for value in (*values, *bound, limit + offset)]
    # An enrollment may be both waiting and retrying. A UNION of all would sort them twice.
    union = " UNION " if RETRYING in states else " UNION ALL "
    return Query(
        f"SELECT id FROM ({union.join(selects)}) pages ORDER BY id DESC LIMIT ? OFFSET ?",
        [*parameters, limit, offset],
        read_column(UUID),
    )


def find_failure_bound(
    journey_id: str, state: str, before: UUID | None, budget: int
) -> Query[UUID | None]:
    """Query the enrollment in a state that is `budget` enrollments further back.

    Args:
        journey_id: the journey.
        state: the state, or `retrying`.
        before: the enrollment to begin before; None begins at the newest.
        budget: how many enrollments further.
    """
    condition, values = build_condition(journey_id, state)
    older, bound = ("", []) if before is None else (" AND id < ?", [before])
    return Query(
        f"SELECT id FROM enrollments WHERE {condition}{older} ORDER BY id DESC LIMIT 1 OFFSET ?",
        [*values, *bound, budget],
        read_first(UUID),
    )


def find_ids_of_contact(
    journey_id: str,
    contact_id: UUID,
    states: Sequence[str],
    before: UUID | None,
    limit: int,
    *,
    offset: int = 0,
) -> Query[list[UUID]]:
    """Query a contact's enrollments in a journey that are in one of some states, newest first."""
    older, bound = ("", []) if before is None else (" AND id < ?", [before])
    return Query(
        "SELECT id FROM enrollments WHERE contact_id = ? AND journey_id = ? AND state IN ?"
        f"{older} ORDER BY id DESC LIMIT ? OFFSET ?",
        [contact_id, journey_id, list(states), *bound, limit, offset],
        read_column(UUID),
    )


def find_wait_keys(journey_id: str) -> Query[list[str]]:
    """Query the keys of the waits that enrollments of a journey are in."""
    sql = select_distinct("enrollments", "wait_key", "journey_id = ? AND wait_key IS NOT NULL")
    return Query(f"{sql} LIMIT ?", [journey_id, journey_id, MAX_WAIT_KEYS], read_column(str))


def count_retrying(journey_ids: Sequence[str]) -> Query[dict[str, int]]:
    """Query how many enrollments are being retried, by journey; zeros are left out."""
    # COALESCE keeps SQLite, which has no statistics, from reading all that wait in a journey.
    return Query(
        "SELECT journey_id, COUNT(*) FROM enrollments WHERE COALESCE(journey_id, '') IN ? "
        f"AND {RETRIED} GROUP BY journey_id",
        [list(journey_ids)],
        read_pairs(str, int),
    )


def count_entries(ids: Sequence[UUID]) -> Query[dict[UUID, int]]:
    """Query how often the contact of each enrollment had entered the journey by then."""
    return Query(
        "SELECT e.id, (SELECT COUNT(*) FROM enrollments o WHERE o.contact_id = e.contact_id "
        "AND o.journey_id = e.journey_id AND o.id <= e.id) FROM enrollments e WHERE e.id IN ?",
        [list(ids)],
        read_pairs(UUID, int),
    )


def count_missed(journey_id: str) -> Query[BoundedCount]:
    """Query how many triggers a journey missed while its code was missing or broken."""
    return count_up_to_limit(
        "SELECT 1 FROM refusals WHERE journey_id = ? AND reason = 'journey_broken'", [journey_id]
    )


async def load_members(database: Database, ids: Sequence[UUID]) -> list[EnrollmentWithContact]:
    """Load enrollments with their contacts, in the order of the ids."""
    if not ids:
        return []
    by_id, contacts_by_id = await database.read(
        enrollments.find_by_ids(ids), contacts.find_by_enrollments(ids)
    )
    return [
        EnrollmentWithContact(enrollment, contacts_by_id[enrollment.contact_id])
        for enrollment in by_id.values()
        if enrollment.contact_id in contacts_by_id
    ]


class _Refusal(NamedTuple):
    contact_id: UUID
    reason: str
    event_id: UUID
    at: datetime


_REFUSALS = RowMapper(_Refusal, RefusalRow)


async def load_refusals(
    database: Database, journey_id: str, reason: str, limit: int
) -> list[RefusalRecord]:
    """Load the contacts that a journey did not enroll for one reason, newest first.

    Args:
        database: the open database.
        journey_id: the journey.
        reason: the reason.
        limit: how many at most.
    """
    refusals = await database.read_one(
        Query(
            f"SELECT {_REFUSALS.columns} FROM refusals "
            "WHERE journey_id = ? AND reason = ? ORDER BY id DESC LIMIT ?",
            [journey_id, reason, limit],
            _REFUSALS.read_all,
        )
    )
    if not refusals:
        return []
    contact_ids = {refusal.contact_id for refusal in refusals}
    contacts_by_id = await database.read_one(contacts.find_by_ids(contact_ids))
    return [
        RefusalRecord(
            contacts_by_id[refusal.contact_id], refusal.reason, refusal.event_id, refusal.at
        )
        for refusal in refusals
        if refusal.contact_id in contacts_by_id
    ]
