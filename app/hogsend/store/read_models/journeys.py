"""Journeys: how many are where, who they are, and who did not get in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ...domain.contact import Contact
from ...domain.enrollment import Enrollment
from .. import contacts, enrollments
from ..db import Database, Query, Row
from ..fields import from_micros, to_id
from ..models import RETRIED
from .counts import Bounded, bounded


@dataclass(frozen=True, slots=True)
class Person:
    """Someone in a journey: the enrollment and whose it is."""

    enrollment: Enrollment
    contact: Contact


@dataclass(frozen=True, slots=True)
class Refused:
    """Someone whom an event did not enroll, and why."""

    contact: Contact
    reason: str
    event_id: UUID
    at: datetime


def people_ids(
    journey_id: str, states: Sequence[str], waits: Sequence[str], before: UUID | None, limit: int
) -> Query[list[UUID]]:
    """Ask for enrollments of a journey, those who entered last first.

    Args:
        journey_id: which journey.
        states: in one of these states.
        waits: instead, those in one of the waits with these keys; empty for none.
        before: only those who entered before this one.
        limit: how many at most.
    """
    conditions, values = ["journey_id = ?"], list[object]([journey_id])
    if before is not None:
        conditions.append("id < ?")
        values.append(before)
    # Whoever is in a wait is live, so that the wait alone says enough and has its index.
    column = "wait_key IS NOT NULL AND wait_key" if waits else "state"
    # One ordered walk of the index for each value; a single one over several would sort.
    part = f"SELECT id FROM enrollments WHERE {' AND '.join(conditions)} AND {column} = ? "
    wanted = waits or states
    selects = [
        f"SELECT id FROM ({part}ORDER BY id DESC LIMIT ?) p{n}" for n, _ in enumerate(wanted)
    ]
    bound = [value for one in wanted for value in (*values, one, limit)]
    return Query(
        f"SELECT id FROM ({' UNION ALL '.join(selects)}) found ORDER BY id DESC LIMIT ?",
        [*bound, limit],
        _ids,
    )


def retried_ids(journey_id: str, before: UUID | None, limit: int) -> Query[list[UUID]]:
    """Ask for enrollments of a journey whose last turn raised and is tried again.

    Args:
        journey_id: which journey.
        before: only those who entered before this one.
        limit: how many at most.
    """
    older = "" if before is None else "AND id < ? "
    return Query(
        f"SELECT id FROM enrollments WHERE journey_id = ? AND {RETRIED} {older}"
        "ORDER BY id DESC LIMIT ?",
        [journey_id, limit] if before is None else [journey_id, before, limit],
        _ids,
    )


def retried(journey_ids: Sequence[str]) -> Query[dict[str, int]]:
    """Query how many enrollments of some journeys are retried; journeys without any are absent."""
    return Query(
        f"SELECT journey_id, COUNT(*) FROM enrollments WHERE journey_id IN ? AND {RETRIED} "
        "GROUP BY journey_id",
        [list(journey_ids)],
        lambda rows: {row[0]: row[1] for row in rows},
    )


def missed(journey_id: str) -> Query[Bounded]:
    """Count the triggers that a journey missed while it was gone or broken."""
    return bounded(
        "SELECT id FROM refusals WHERE journey_id = ? AND reason = 'journey_broken'", [journey_id]
    )


def _ids(rows: list[Row]) -> list[UUID]:
    return [to_id(row[0]) for row in rows]


async def people(database: Database, ids: Sequence[UUID]) -> list[Person]:
    """Read enrollments with their contacts, in the order of the ids."""
    if not ids:
        return []
    found, known = await database.read(enrollments.by_ids(ids), contacts.of_enrollments(ids))
    return [
        Person(found[one], known[found[one].contact_id])
        for one in ids
        if one in found and found[one].contact_id in known
    ]


async def refused(database: Database, journey_id: str, reason: str, limit: int) -> list[Refused]:
    """Read who was not enrolled lately for one reason, newest first.

    Args:
        database: where.
        journey_id: which journey did not enroll them.
        reason: why.
        limit: how many at most.
    """
    rows = await database.read_one(
        Query(
            "SELECT contact_id, reason, event_id, at FROM refusals "
            "WHERE journey_id = ? AND reason = ? ORDER BY id DESC LIMIT ?",
            [journey_id, reason, limit],
            lambda rows: [
                (to_id(row[0]), str(row[1]), to_id(row[2]), from_micros(row[3])) for row in rows
            ],
        )
    )
    if not rows:
        return []
    known = await database.read_one(contacts.by_ids({row[0] for row in rows}))
    return [
        Refused(known[contact_id], why, event_id, at)
        for contact_id, why, event_id, at in rows
        if contact_id in known
    ]
