"""Enrollments: listed, counted, and read with their journal."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from ..domain.enrollment import LIVE_STATES
from ..errors import NotFound
from ..store import counters
from ..store.hatchet_runs import RunLink
from ..store.read_models import enrollment as read_model
from ..store.read_models import journeys as journey_read_model
from ..store.read_models.enrollment import EnrollmentPage
from ..store.read_models.journeys import EnrollmentWithContact
from ..store.turns import Turn
from .actor import Actor, Permission
from .installation import Installation

__all__ = [
    "EnrollmentPage",
    "EnrollmentWithContact",
    "RunLink",
    "Turn",
    "count_enrollments",
    "get_enrollment",
    "list_enrollments",
]


async def list_enrollments(
    installation: Installation,
    actor: Actor,
    journey_id: str,
    *,
    states: Sequence[str] = LIVE_STATES,
    waits: Sequence[str] = (),
    is_retrying: bool = False,
    before: UUID | None = None,
    limit: int,
) -> Sequence[EnrollmentWithContact]:
    """Return enrollments of a journey with their contacts, the latest to enter first.

    Args:
        installation: whose enrollments.
        actor: who reads them.
        journey_id: which journey.
        states: only those in one of these states.
        waits: instead of `states`, only those in a wait with one of these journal keys.
        is_retrying: instead of both, only those whose last turn raised and will be tried again.
        before: only those that entered before this enrollment.
        limit: how many at most.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    if is_retrying:
        query = journey_read_model.find_retrying_ids(journey_id, before, limit)
    else:
        query = journey_read_model.find_enrollment_ids(journey_id, states, waits, before, limit)
    ids = await installation.database.read_one(query)
    return await journey_read_model.load_members(installation.database, ids)


async def count_enrollments(
    installation: Installation, actor: Actor, journey_id: str, state: str
) -> int:
    """Return how many enrollments of a journey are in a state.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    gauge = counters.name_state_gauge(journey_id, state)
    return (await installation.database.read_one(counters.find_gauges([gauge]))).get(gauge, 0)


async def get_enrollment(
    installation: Installation, actor: Actor, enrollment_id: UUID
) -> EnrollmentPage:
    """Return an enrollment with its journal, its mails and its contact's consent.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no such enrollment.
    """
    actor.require(Permission.READ)
    page = await read_model.load(installation.database, enrollment_id)
    if page is None:
        raise NotFound(
            "There is no such enrollment.", "It may have been removed, or the link is incomplete."
        )
    return page
