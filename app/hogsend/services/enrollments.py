"""Enrollments: listed, counted, and read with their journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from ..domain.contact import Contact
from ..domain.enrollment import LIVE_STATES, Enrollment
from ..domain.failure_filter import ALL_FAILURES, RETRYING, FailureFilter
from ..domain.ids import new_id
from ..errors import NotFound
from ..store import counters
from ..store.enrollment_states import find_ids_in_state
from ..store.hatchet_runs import RunLink
from ..store.read_models import enrollment as read_model
from ..store.read_models import journeys as journey_read_model
from ..store.read_models.enrollment import EnrollmentPage
from ..store.read_models.journeys import EnrollmentWithContact
from ..store.turns import Turn
from .actor import Actor, Permission
from .contacts import find_contact
from .installation import Installation
from .journeys import STATES
from .masked_mail import mask_event, mask_values
from .stepwise import StepwisePage, read_stepwise

__all__ = [
    "CountedEnrollment",
    "EnrollmentPage",
    "EnrollmentWithContact",
    "FailureFilter",
    "RunLink",
    "Turn",
    "count_enrollments",
    "count_entries",
    "estimate_failures",
    "get_enrollment",
    "list_contact_enrollments",
    "list_enrollments",
    "list_failures",
    "list_recent_enrollments",
]

# How many failures a page counts.
_MAX_ESTIMATED = 5000
# Ids of one read while failures are counted.
_COUNTED_AT_ONCE = 1000


async def list_enrollments(
    installation: Installation,
    actor: Actor,
    journey_id: str,
    *,
    states: Sequence[str] = LIVE_STATES,
    waits: Sequence[str] = (),
    failures: FailureFilter = ALL_FAILURES,
    before: UUID | None = None,
    limit: int,
    offset: int = 0,
) -> Sequence[EnrollmentWithContact]:
    """Return enrollments of a journey with their contacts, the latest to enter first.

    Links in errors are masked for an actor who may only read.

    Args:
        installation: whose enrollments.
        actor: who reads them.
        journey_id: which journey.
        states: only those in one of these states; `retrying` are those whose last turn raised and
            will be tried again.
        waits: instead of `states`, only those in a wait with one of these journal keys.
        failures: only those that failed like this, however long it takes; see `list_failures`.
        before: only those that entered before this enrollment.
        limit: how many at most.
        offset: how many of the latest to leave out.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    query = journey_read_model.find_enrollment_ids(
        journey_id, states, waits, before, limit, offset=offset, failures=failures
    )
    return await _load_members(installation, actor, await installation.database.read_one(query))


async def _load_members(
    installation: Installation, actor: Actor, ids: Sequence[UUID]
) -> Sequence[EnrollmentWithContact]:
    members = await journey_read_model.load_members(installation.database, ids)
    if actor.can_act_for_recipients:
        return members
    return [replace(member, enrollment=_mask_error(member.enrollment)) for member in members]


async def list_failures(
    installation: Installation,
    actor: Actor,
    journey_id: str,
    state: str,
    failures: FailureFilter,
    *,
    before: UUID | None = None,
    limit: int,
) -> StepwisePage[EnrollmentWithContact]:
    """Return the enrollments of a journey that failed in one way, the latest to enter first.

    No index knows the errors, so the page may have fewer than the limit although there are more.

    Args:
        installation: whose enrollments.
        actor: who reads them.
        journey_id: which journey.
        state: the state, or `retrying`.
        failures: how they failed.
        before: only those that entered before this enrollment.
        limit: how many at most.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    page = await _find_failures(
        installation, journey_id, state, failures, before=before, limit=limit
    )
    members = await _load_members(installation, actor, page.items)
    return StepwisePage(members, page.next_before)


async def _find_failures(
    installation: Installation,
    journey_id: str,
    state: str,
    failures: FailureFilter,
    *,
    before: UUID | None,
    limit: int,
) -> StepwisePage[UUID]:
    return await read_stepwise(
        installation.database,
        lambda before, budget: journey_read_model.find_failure_bound(
            journey_id, state, before, budget
        ),
        lambda before, down_to, limit: journey_read_model.find_enrollment_ids(
            journey_id, [state], (), before, limit, failures=failures, down_to=down_to
        ),
        lambda enrollment_id: enrollment_id,
        before=before,
        limit=limit,
    )


async def estimate_failures(
    installation: Installation,
    actor: Actor,
    journey_id: str,
    state: str,
    failures: FailureFilter,
) -> tuple[int, bool]:
    """Count the enrollments that failed in one way, for as long as a page may take.

    Args:
        installation: whose enrollments.
        actor: who counts them.
        journey_id: which journey.
        state: the state, or `retrying`.
        failures: how they failed.

    Returns:
        How many were counted, and whether these are all.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    page = await _find_failures(
        installation, journey_id, state, failures, before=None, limit=_MAX_ESTIMATED
    )
    return len(page.items), page.next_before is None


@dataclass(frozen=True, slots=True)
class CountedEnrollment:
    """An enrollment with its contact, and the number of this entry of the contact, from 1."""

    enrollment: Enrollment
    contact: Contact
    entry_number: int


async def count_entries(
    installation: Installation, actor: Actor, members: Sequence[EnrollmentWithContact]
) -> Sequence[CountedEnrollment]:
    """Return enrollments with the number of the contact's entries into the journey until then.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    if not members:
        return []
    ids = [member.enrollment.id for member in members]
    numbers = await installation.database.read_one(journey_read_model.count_entries(ids))
    return [
        CountedEnrollment(member.enrollment, member.contact, numbers.get(member.enrollment.id, 1))
        for member in members
    ]


async def list_recent_enrollments(
    installation: Installation, actor: Actor, journey_id: str, *, limit: int
) -> Sequence[CountedEnrollment]:
    """Return the latest enrollments of a journey in any state, the latest to enter first.

    Raises:
        Forbidden: the actor may not read.
    """
    members = await list_enrollments(installation, actor, journey_id, states=STATES, limit=limit)
    return await count_entries(installation, actor, members)


async def list_contact_enrollments(
    installation: Installation,
    actor: Actor,
    journey_id: str,
    identity: str,
    *,
    states: Sequence[str] = STATES,
    before: UUID | None = None,
    limit: int,
    offset: int = 0,
) -> Sequence[EnrollmentWithContact]:
    """Return the enrollments of one contact in a journey, the latest to enter first.

    Args:
        installation: whose enrollments.
        actor: who reads them.
        journey_id: the journey.
        identity: a user id, an email address, an anonymous id or a contact id, in full.
        states: only those in one of these states.
        before: only those that entered before this enrollment.
        limit: how many at most.
        offset: how many of the latest to leave out.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    try:
        contact = await find_contact(installation, actor, identity)
    except NotFound:
        return []
    ids = await installation.database.read_one(
        journey_read_model.find_ids_of_contact(
            journey_id, contact.id, states, before, limit, offset=offset
        )
    )
    return await _load_members(installation, actor, ids)


async def count_enrollments(
    installation: Installation,
    actor: Actor,
    journey_id: str,
    state: str,
    failures: FailureFilter = ALL_FAILURES,
) -> int:
    """Return how many enrollments of a journey are in a state.

    Args:
        installation: whose enrollments.
        actor: who counts them.
        journey_id: which journey.
        state: the state, or `retrying`.
        failures: only those that failed like this.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    database = installation.database
    if failures:
        return await _count_failures(installation, journey_id, state, failures)
    if state == RETRYING:
        retrying = await database.read_one(journey_read_model.count_retrying([journey_id]))
        return retrying.get(journey_id, 0)
    gauge = counters.name_state_gauge(journey_id, state)
    return (await database.read_one(counters.find_gauges([gauge]))).get(gauge, 0)


async def _count_failures(
    installation: Installation, journey_id: str, state: str, failures: FailureFilter
) -> int:
    """Count in short reads, because no index knows the errors."""
    until, after, count = new_id(installation.clock.now()), None, 0
    while ids := await installation.database.read_one(
        find_ids_in_state(journey_id, state, after, until, _COUNTED_AT_ONCE, failures=failures)
    ):
        after, count = ids[-1], count + len(ids)
    return count


async def get_enrollment(
    installation: Installation, actor: Actor, enrollment_id: UUID
) -> EnrollmentPage:
    """Return an enrollment with its journal, its mails and its contact's consent.

    Links are masked for an actor who may only read.

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
    return page if actor.can_act_for_recipients else _mask(page)


def _mask(page: EnrollmentPage) -> EnrollmentPage:
    contact, trigger = page.contact, page.trigger
    return replace(
        page,
        enrollment=_mask_error(page.enrollment),
        contact=replace(contact, properties=mask_values(contact.properties)),
        trigger=mask_event(trigger) if trigger else None,
        turns=[_mask_turn(turn) for turn in page.turns],
    )


def _mask_error(enrollment: Enrollment) -> Enrollment:
    return replace(enrollment, error=mask_values(enrollment.error))


def _mask_turn(turn: Turn) -> Turn:
    steps = [
        replace(step, answer=mask_values(step.answer), detail=mask_values(step.detail))
        for step in turn.steps
    ]
    return replace(turn, steps=steps, error=mask_values(turn.error))
