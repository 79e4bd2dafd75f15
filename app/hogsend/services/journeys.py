"""Journeys: listed with their figures, switched on and off, and entered by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args
from uuid import UUID

from ..domain.enrollment import LIVE_STATES
from ..domain.enrollment_decision import SkipReason
from ..domain.incoming import IncomingEvent, IngestResult
from ..domain.journey import Journey
from ..errors import NotFound
from ..store import counters
from ..store import journeys as journey_store
from ..store.counters import DailyTotal, to_day
from ..store.db import Write
from ..store.journeys import StoredJourney
from ..store.read_models import counts
from ..store.read_models import journeys as read_model
from ..store.read_models.counts import BoundedCount, DailyTotals
from ..store.read_models.journeys import RefusalRecord
from .actor import Actor, Permission
from .audit import apply_audited, build_audit_entry
from .installation import Installation
from .journey_context import JourneyContext

__all__ = [
    "REFUSAL_REASONS",
    "STATES",
    "BoundedCount",
    "EnrollmentDecision",
    "JourneySummary",
    "RefusalRecord",
    "count_missed_triggers",
    "count_waiting",
    "enroll_contact",
    "get_journey",
    "list_journeys",
    "list_refusals",
    "set_enabled",
]

STATES = (
    "active",
    "waiting",
    "completed",
    "exited",
    "failed",
    "drifted",
    "parked",
    "held_out",
)
REFUSAL_REASONS: tuple[str, ...] = get_args(SkipReason)
_ENDED = ("completed", "exited", "failed")

# What a journey's figures count by day.
DailyFigure = Literal["entered", "completed", "exited", "failed"]


@dataclass(frozen=True, slots=True)
class JourneySummary:
    """A journey with its figures.

    Args:
        journey: its definition, as it was last loaded.
        is_switched_on: whether operators let it enroll contacts.
        is_unavailable: whether its code is gone or fails to load.
        by_state: how many of its enrollments are in each state.
        retrying: how many of its enrollments retry a turn that raised.
        days: its totals of the last 14 days.
    """

    journey: Journey
    is_switched_on: bool
    is_unavailable: bool
    by_state: Mapping[str, int]
    retrying: int
    days: DailyTotals

    @property
    def is_halted(self) -> bool:
        """Whether it does not run although its code is loaded: it blocked its thread too often."""
        return not self.is_unavailable and self.by_state["parked"] > 0

    @property
    def live(self) -> int:
        """How many enrollments have not ended."""
        return sum(self.by_state[state] for state in LIVE_STATES)

    @property
    def failed_or_drifted(self) -> int:
        """How many enrollments need an operator's decision."""
        return self.by_state["failed"] + self.by_state["drifted"]

    @property
    def missed_triggers(self) -> int:
        """How many triggers of the last 7 days it missed while it was unavailable."""
        return self.days.sum_up(counters.name_refused_total(self.journey.id, "journey_broken"))

    @property
    def refusals(self) -> Mapping[str, int]:
        """How many triggers of the last 7 days did not enroll, by reason, most frequent first."""
        totals = {
            reason: self.days.sum_up(counters.name_refused_total(self.journey.id, reason))
            for reason in REFUSAL_REASONS
        }
        by_count = sorted(totals.items(), key=lambda total: -total[1])
        return {reason: count for reason, count in by_count if count}

    def count_week(self, figure: DailyFigure) -> int:
        """Return a figure's total of the last 7 days."""
        return self.days.sum_up(_name_total(self.journey.id, figure))

    def count_daily(self, figure: DailyFigure) -> Sequence[int]:
        """Return a figure's totals of each of the last 14 days, oldest first."""
        return self.days.list_by_day(_name_total(self.journey.id, figure))


@dataclass(frozen=True, slots=True)
class EnrollmentDecision:
    """What came of enrolling a contact by hand.

    Args:
        enrollment_id: the new enrollment; None when the journey did not take the contact.
        reason: why it did not; empty otherwise.
        to_json: the decision as the API returns it.
    """

    enrollment_id: UUID | None
    reason: str
    to_json: Mapping[str, Any]


# -- reading --------------------------------------------------------------------------------------


async def list_journeys(context: JourneyContext, actor: Actor) -> Sequence[JourneySummary]:
    """Return every journey with its figures: loaded ones first, then those whose code is missing.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    stored = await context.database.read_one(journey_store.find_all())
    loaded = context.registry.journeys
    missing = [journey_id for journey_id in stored if journey_id not in loaded]
    return await _summarize(context, [*loaded, *missing], stored)


async def get_journey(context: JourneyContext, actor: Actor, journey_id: str) -> JourneySummary:
    """Return one journey with its figures.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no journey with this id.
    """
    actor.require(Permission.READ)
    stored = await context.database.read_one(journey_store.find_all())
    if journey_id not in stored and journey_id not in context.registry.journeys:
        raise _build_not_found(journey_id)
    (summary,) = await _summarize(context, [journey_id], stored)
    return summary


async def count_waiting(
    context: JourneyContext, actor: Actor, journey_id: str
) -> Mapping[str, int]:
    """Return how many contacts are in each wait of a journey, by the wait's journal key.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    query = counters.find_wait_gauges(journey_id, is_sqlite=context.database.is_sqlite)
    waiting = await context.database.read_one(query)
    if not any(counters.may_be_shortened(journey_id, key) for key in waiting):
        return waiting
    keys = await context.database.read_one(read_model.find_wait_keys(journey_id))
    long_keys = {counters.shorten_wait_key(journey_id, key): key for key in keys}
    return {long_keys.get(key, key): count for key, count in waiting.items()}


async def count_missed_triggers(
    installation: Installation, actor: Actor, journey_id: str
) -> BoundedCount:
    """Return how many triggers a journey missed while it was unavailable.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    return await installation.database.read_one(read_model.count_missed(journey_id))


async def list_refusals(
    context: JourneyContext, actor: Actor, journey_id: str, reason: str, *, limit: int
) -> Sequence[RefusalRecord]:
    """Return the contacts that a journey did not enroll for one reason, newest first.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    return await read_model.load_refusals(context.database, journey_id, reason, limit)


async def _summarize(
    context: JourneyContext, ids: Sequence[str], stored: Mapping[str, StoredJourney]
) -> list[JourneySummary]:
    """Read the figures of some journeys, and no counter of any other."""
    gauges = {
        journey_id: {state: counters.name_state_gauge(journey_id, state) for state in STATES}
        for journey_id in ids
    }
    values, days, retrying = await context.database.read(
        counters.find_gauges(
            [gauge for by_state in gauges.values() for gauge in by_state.values()]
        ),
        counts.find_totals(
            [total for journey_id in ids for total in _name_totals(journey_id)],
            to_day(context.clock.now()),
        ),
        read_model.count_retrying(ids),
    )
    loaded = context.registry.journeys
    return [
        JourneySummary(
            journey=loaded.get(journey_id) or stored[journey_id].journey,
            is_switched_on=journey_id not in stored or stored[journey_id].is_switched_on,
            is_unavailable=journey_id not in loaded,
            by_state={
                state: max(0, values.get(gauge, 0)) for state, gauge in gauges[journey_id].items()
            },
            retrying=retrying.get(journey_id, 0),
            days=days,
        )
        for journey_id in ids
    ]


def _name_total(journey_id: str, figure: DailyFigure) -> DailyTotal:
    if figure == "entered":
        return counters.name_entered_total(journey_id)
    return counters.name_ended_total(journey_id, figure)


def _name_totals(journey_id: str) -> list[DailyTotal]:
    return [
        counters.name_entered_total(journey_id),
        *(counters.name_ended_total(journey_id, state) for state in _ENDED),
        *(counters.name_refused_total(journey_id, reason) for reason in REFUSAL_REASONS),
    ]


def _build_not_found(journey_id: str) -> NotFound:
    return NotFound(
        f"There is no journey {journey_id!r}.",
        "Its file may have been removed, or the id is mistyped.",
    )


# -- changing -------------------------------------------------------------------------------------


async def set_enabled(
    context: JourneyContext, actor: Actor, journey_id: str, *, enabled: bool
) -> None:
    """Let a journey enroll contacts, or stop it from doing so; contacts in it continue.

    Args:
        context: whose journey.
        actor: who switches it.
        journey_id: which journey.
        enabled: whether it may enroll.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no journey with this id.
    """
    actor.require(Permission.OPERATE)
    stored = await context.database.read_one(journey_store.find_all())
    writes: list[Write] = []
    if journey_id in stored and stored[journey_id].is_switched_on == enabled:
        return
    if journey_id not in stored:
        loaded = context.registry.journeys.get(journey_id)
        if loaded is None:
            raise _build_not_found(journey_id)
        # Only this journey: a running server knows best which others there are.
        writes += journey_store.record_code([loaded], [], context.clock.now())
    await apply_audited(
        context,
        actor,
        [*writes, journey_store.switch(journey_id, enabled)],
        "enable" if enabled else "disable",
        f"/journeys/{journey_id}",
        "journeys",
        before={"enabled": journey_id not in stored or stored[journey_id].is_switched_on},
        after={"enabled": enabled},
    )
    await context.refresh_rules()


async def enroll_contact(
    context: JourneyContext,
    actor: Actor,
    journey_id: str,
    *,
    user_id: str | None = None,
    email: str | None = None,
    properties: Mapping[str, Any],
) -> EnrollmentDecision:
    """Enroll a contact in one journey, by the same rules as an event would.

    Args:
        context: whose journey.
        actor: who enrolls the contact.
        journey_id: which journey; no other journey sees the trigger.
        user_id: the contact, by the product's id.
        email: the contact, by address.
        properties: the properties of the trigger.

    Raises:
        Forbidden: the actor may not operate.
        NotFound: there is no journey with this id.
    """
    actor.require(Permission.OPERATE)
    journey = await find_definition(context, journey_id)

    def write_audit_entry(result: IngestResult) -> Sequence[Write]:
        """Return the audit entry of an enrollment; a contact who is refused leaves none."""
        enrollment_id = _read_decision(result).enrollment_id
        if enrollment_id is None:
            return []
        subject, after = f"/enrollments/{enrollment_id}", {"person": user_id or email}
        return [build_audit_entry(context, actor, "enroll", subject, after=after)]

    result = await context.ingest.submit_with_rows(
        IncomingEvent(
            name=journey.trigger.event,
            properties=properties,
            source=actor.event_source,
            only_journey=journey_id,
            user_id=user_id,
            email=email,
        ),
        write_audit_entry,
    )
    return _read_decision(result)


async def find_definition(context: JourneyContext, journey_id: str) -> Journey:
    """Return a journey as it is loaded, or as it was before its code was lost.

    Raises:
        NotFound: there is no journey with this id.
    """
    journey = context.registry.journeys.get(journey_id)
    if journey is not None:
        return journey
    stored = await context.database.read_one(journey_store.find_all())
    if journey_id not in stored:
        raise _build_not_found(journey_id)
    return stored[journey_id].journey


def _read_decision(result: IngestResult) -> EnrollmentDecision:
    """Return what the only journey of an event decided."""
    decision: Mapping[str, Any] = next(iter(result.enrollments), dict[str, Any]())
    enrollment_id = decision.get("stateId")
    if not enrollment_id:
        reason = str(decision.get("reason") or "journey_broken")
        return EnrollmentDecision(None, reason, decision)
    return EnrollmentDecision(UUID(str(enrollment_id)), "", decision)
