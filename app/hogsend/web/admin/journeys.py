"""Journeys: all of them, and one with who is where in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from quart import request

from ...domain.enrollment import LIVE_STATES, SkipReason
from ...domain.incoming import IncomingEvent
from ...domain.journey import Journey
from ...errors import HogsendError
from ...store import counters
from ...store import journeys as stored
from ...store.counters import DailyTotal, day_of
from ...store.journeys import StoredJourney
from ...store.read_models import counts
from ...store.read_models import journeys as screen
from ...store.read_models.counts import Days
from .. import formatting
from ..auth import Answer
from ..pages import content, context, page, posted
from . import available_actions, graph
from .base import PAGE_SIZE, address, back, blueprint, change, cursor, missing
from .forms import person_of, properties_of

# By how many keys of one step people are looked for: a loop may have any number.
_MOST_KEYS = 50
_NOTHING: Mapping[str, Any] = {}
STATES = ("active", "waiting", "completed", "exited", "failed", "drifted", "parked")
# Listed like a state: those whose last turn raised and is tried again.
RETRIED = "retrying"
REASONS: tuple[str, ...] = get_args(SkipReason)


@dataclass(frozen=True, slots=True)
class Row:
    """A journey with its figures.

    Args:
        journey: its definition.
        switched_on: whether the operator lets it run.
        gone: whether the code has lost it.
        by_state: how many enrollments are in which state.
        days: what happened in it lately.
        retried: how many are tried again after a turn that raised.
    """

    journey: Journey
    switched_on: bool
    gone: bool
    by_state: Mapping[str, int]
    days: Days
    retried: int = 0

    @property
    def stopped(self) -> bool:
        """Whether it is not played though its code is here: it kept its thread too often."""
        return not self.gone and self.by_state.get("parked", 0) > 0

    @property
    def missed(self) -> int:
        """How many triggers of seven days it missed while it was gone or broken."""
        return self.days.total(counters.refused(self.journey.id, "journey_broken"))

    @property
    def live(self) -> int:
        return sum(self.by_state.get(state, 0) for state in LIVE_STATES)

    @property
    def troubled(self) -> int:
        return self.by_state.get("failed", 0) + self.by_state.get("drifted", 0)

    @property
    def refusals(self) -> dict[str, int]:
        found = {
            reason: self.days.total(counters.refused(self.journey.id, reason)) for reason in REASONS
        }
        return dict(sorted(((r, n) for r, n in found.items() if n), key=lambda pair: -pair[1]))

    def week(self, what: str) -> int:
        """Return how often something happened in it in seven days: `entered`, `completed`, …"""
        return self.days.total(_total(self.journey.id, what))

    def series(self, what: str) -> list[int]:
        """Return how often something happened in it on each of fourteen days."""
        return self.days.series(_total(self.journey.id, what))


def _total(journey_id: str, what: str) -> DailyTotal:
    return counters.entered(journey_id) if what == "entered" else counters.ended(journey_id, what)


async def rows() -> list[Row]:
    """Read every journey with its figures: those of the code first, then those it has lost."""
    known = await context().database.read_one(stored.all_known())
    registered = content().registry.journeys
    return await _rows([*registered, *(one for one in known if one not in registered)], known)


async def _rows(ids: Sequence[str], known: Mapping[str, StoredJourney]) -> list[Row]:
    """Read the figures of some journeys, and no counter of any other."""
    current = context()
    states = {one: [counters.enrollments_in_state(one, state) for state in STATES] for one in ids}
    totals = [
        name
        for one in ids
        for name in (
            counters.entered(one),
            *(counters.ended(one, how) for how in ("completed", "exited", "failed")),
            *(counters.refused(one, reason) for reason in REASONS),
        )
    ]
    gauges, days, retried = await current.database.read(
        counters.values([name for names in states.values() for name in names]),
        counts.days(totals, day_of(current.clock.now())),
        screen.retried(ids),
    )
    registered = content().registry.journeys
    return [
        Row(
            journey=registered.get(one) or known[one].journey,
            switched_on=known[one].switched_on if one in known else True,
            gone=one not in registered,
            by_state={
                state: max(0, gauges.get(name, 0))
                for state, name in zip(STATES, states[one], strict=True)
            },
            days=days,
            retried=retried.get(one, 0),
        )
        for one in ids
    ]


@blueprint.get("/journeys")
async def list_journeys() -> Answer:
    """Show every journey with how many are in it and what came of them."""
    found = await rows()
    shown = [row for row in found if not row.gone or row.live]
    return page("admin/journeys.html", rows=shown, broken=content().broken)


async def row_of(journey_id: str) -> Row:
    """Read one journey with its figures.

    Raises:
        NotFound: there is none with this id.
    """
    known = await context().database.read_one(stored.all_known())
    if journey_id not in known and journey_id not in content().registry.journeys:
        raise missing("journey")
    (row,) = await _rows([journey_id], known)
    return row


@blueprint.get("/journeys/<journey_id>")
async def show_journey(journey_id: str) -> Answer:
    """Show one journey: its graph, who waits where, who is in it, and who did not get in."""
    return await journey_page(await row_of(journey_id))


async def journey_page(row: Row, *, problem: str = "", status: int = 200) -> Answer:
    """Return the page of one journey.

    Args:
        row: the journey.
        problem: what could not be done, said above everything else.
        status: the HTTP status.
    """
    current, asked = context(), request.args
    journey = row.journey
    wait, state, reason = asked.get("wait", ""), asked.get("state", ""), asked.get("refused", "")
    states = [state] if state in STATES else list(LIVE_STATES)
    waiting = await current.database.read_one(
        counters.waits_of(journey.id, is_sqlite=current.database.is_sqlite)
    )
    flow = content().registry.flows.get(journey.id)
    drawn = graph.draw(flow, journey.trigger.event, waiting) if flow else None
    chosen = _chosen(drawn, wait)
    keys = list(chosen.waits[:_MOST_KEYS] if chosen else ()) or [wait] * bool(wait)
    listed = screen.people_ids(journey.id, states, keys, cursor(), PAGE_SIZE + 1)
    if state == RETRIED:
        listed = screen.retried_ids(journey.id, cursor(), PAGE_SIZE + 1)
    ids, missed = await current.database.read(listed, screen.missed(journey.id))
    people = await screen.people(current.database, ids[:PAGE_SIZE])
    refused: Sequence[screen.Refused] = []
    if reason in REASONS:
        refused = await screen.refused(current.database, journey.id, reason, PAGE_SIZE)
    here = f"/journeys/{journey.id}"
    more = address(
        here, state=state, wait=wait, before=ids[PAGE_SIZE - 1] if ids[PAGE_SIZE:] else ""
    )
    return page(
        "admin/journey.html",
        status=status,
        row=row,
        journey=journey,
        mail_list=content().registry.lists.get(journey.list_id),
        drawn=drawn,
        chosen=chosen,
        wait=wait,
        waiting=waiting,
        state=state,
        states={RETRIED: row.retried, **row.by_state},
        offers=available_actions.for_everyone(state, row.by_state.get(state, 0)),
        missed=missed,
        people=people,
        older=more if ids[PAGE_SIZE:] else "",
        newest=address(here, state=state, wait=wait) if cursor() else "",
        reason=reason,
        refused=refused,
        problem=problem,
    )


def _chosen(drawn: graph.Graph | None, wait: str) -> graph.Node | None:
    nodes = drawn.nodes if drawn else ()
    return next((node for node in nodes if wait and node.wait == wait), None)


@blueprint.post("/journeys/<journey_id>/switch")
async def switch_journey(journey_id: str) -> Answer:
    """Let a journey enroll people, or stop it from doing so; whoever is inside goes on."""
    row = await row_of(journey_id)
    on = (await posted()).get("on") == "1"
    await change(
        [stored.switch(journey_id, on)],
        "enable" if on else "disable",
        f"/journeys/{journey_id}",
        "journeys",
        before={"enabled": row.switched_on},
        after={"enabled": on},
    )
    await context().refresh_rules()
    return back(f"/journeys/{journey_id}", "enabled" if on else "disabled")


@blueprint.post("/journeys/<journey_id>/enroll")
async def enroll_person(journey_id: str) -> Answer:
    """Enroll one person by hand, under the same guards as an event."""
    row, form = await row_of(journey_id), await posted()
    named = form.get("person", "").strip()
    try:
        person = person_of(named)
        incoming = IncomingEvent(
            name=row.journey.trigger.event,
            properties=properties_of(form.get("properties", "")),
            source="dashboard",
            only_journey=journey_id,
            user_id=person.user_id,
            email=person.email,
        )
        taken = await context().ingest.submit(incoming)
    except HogsendError as error:
        return await journey_page(row, problem=str(error), status=400)
    decision: Mapping[str, Any] = next(iter(taken.enrollments), _NOTHING)
    state_id = decision.get("stateId")
    if not state_id:
        why = formatting.reason(str(decision.get("reason") or "the journey does not run"))
        return await journey_page(row, problem=f"{named} was not enrolled: {why}.", status=409)
    await change([], "enroll", f"/enrollments/{state_id}", after={"person": named})
    return back(f"/enrollments/{state_id}")
