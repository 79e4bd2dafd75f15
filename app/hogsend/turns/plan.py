"""Runs every live journal against other code, without effects, and counts the outcomes.

`hogsend journeys plan` shows the outcomes before code is deployed; `serve` logs them when code has
changed (docs/changing-journeys.md).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from ..clock import Clock
from ..domain.enrollment import LIVE_STATES, Enrollment
from ..domain.ids import new_id
from ..store import enrollment_states, enrollments
from ..store.db import Database
from .calls import find_call_by_kind
from .driver import Driver
from .execution import TurnExecution
from .reads import answer_reads
from .turn_inputs import JourneyCode, TurnLimits, load_turns
from .turn_state import ENROLLMENT_ENTRIES

log = logging.getLogger("hogsend.plan")

# The number of journals in one batch.
BATCH = 500
# Beside a server, batches are small, with pauses in which other work can use the database.
BATCH_BESIDE_SERVER, PAUSE_BESIDE_SERVER = 50, 0.01
# A turn of a plan has no effects, so a turn that takes this long is blocked.
MAX_TURN = timedelta(seconds=5)
# The number of enrollments that are listed for each outcome.
SAMPLES = 5
# The plan runs no further turns of a journey that has blocked this often.
MAX_STUCK = 3
OUTCOMES = ("identical", "moved", "drifted", "failing", "parked", "stuck", "freed")

# Gets the number of journals that have been run, after each batch.
OnProgress = Callable[[int], None]


@dataclass
class JourneyPlan:
    """The outcomes of new code for the contacts in one journey.

    Args:
        journey_id: the journey.
        identical: contacts for whom the code makes the calls of their journal and no others.
        moved: contacts who would continue, past calls that are new or in another order.
        drifted: contacts who would drift, and have not drifted yet.
        failing: contacts for whom the code raises an error before it reaches their wait.
        parked: contacts who would be parked because the journey is not in the code, and are not
            parked yet.
        stuck: contacts who have drifted or are parked, and would remain so.
        freed: contacts who have drifted or are parked, and could continue with this code.
        lost: the number of contacts who would drift, by their wait.
        behind: the number of contacts for whom a new call would be skipped, by the call.
        reasons: the number of contacts who would drift or fail, by the reason.
        samples: a few enrollments for each outcome.
    """

    journey_id: str
    identical: int = 0
    moved: int = 0
    drifted: int = 0
    failing: int = 0
    parked: int = 0
    stuck: int = 0
    freed: int = 0
    lost: Counter[str] = field(default_factory=Counter[str])
    behind: Counter[str] = field(default_factory=Counter[str])
    reasons: Counter[str] = field(default_factory=Counter[str])
    samples: dict[str, list[UUID]] = field(default_factory=dict[str, list[UUID]])

    @property
    def people(self) -> int:
        """The number of contacts in the journey."""
        continuing = self.identical + self.moved + self.freed
        return continuing + self.drifted + self.failing + self.parked + self.stuck

    @property
    def endangered(self) -> int:
        """The number of contacts who can continue now, and could not with this code."""
        return self.drifted + self.failing + self.parked

    def count(self, outcome: str, enrollment_id: UUID) -> None:
        """Add an enrollment to one of the `OUTCOMES`."""
        setattr(self, outcome, getattr(self, outcome) + 1)
        sample = self.samples.setdefault(outcome, [])
        if len(sample) < SAMPLES:
            sample.append(enrollment_id)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as data."""
        return {
            "journey": self.journey_id,
            "people": self.people,
            **{outcome: getattr(self, outcome) for outcome in OUTCOMES},
            "lost": dict(self.lost.most_common()),
            "behind": dict(self.behind.most_common()),
            "reasons": dict(self.reasons.most_common()),
            "samples": {name: [str(i) for i in ids] for name, ids in self.samples.items()},
        }


@dataclass(frozen=True, slots=True)
class PlanPace:
    """The speed of a plan.

    Args:
        batch: the number of journals in one batch.
        pause: the pause between two batches, in seconds.
    """

    batch: int = BATCH
    pause: float = 0.0


async def count_live(database: Database) -> Mapping[str, int]:
    """Return the number of live enrollments, by journey."""
    return await database.read_one(enrollments.count_live())


async def plan_journeys(
    database: Database,
    clock: Clock,
    code: JourneyCode,
    journey_ids: Iterable[str],
    *,
    limits: TurnLimits | None = None,
    pace: PlanPace | None = None,
    on_progress: OnProgress = lambda count: None,
) -> list[JourneyPlan]:
    """Run the journals of live enrollments against code, without writing to the database.

    Args:
        database: where the enrollments are.
        clock: the source of the current time.
        code: the code.
        journey_ids: the journeys.
        limits: the limits of each turn.
        pace: the speed; without pauses unless given.
        on_progress: gets the number of journals that have been run, after each batch.

    Returns:
        A plan for each journey, in the order of `journey_ids`.
    """
    limits = limits or TurnLimits()
    limits = TurnLimits(min(limits.time, MAX_TURN), limits.calls)
    planner = _Planner(database, clock, code, limits)
    count, plans, pace = 0, list[JourneyPlan](), pace or PlanPace()
    for journey_id in journey_ids:
        plans.append(JourneyPlan(journey_id))
        until = new_id(clock.now())
        for state in LIVE_STATES:
            after: UUID | None = None
            while ids := await database.read_one(
                enrollment_states.find_ids_in_state(journey_id, state, after, until, pace.batch)
            ):
                after = ids[-1]
                await planner.run(ids, plans[-1])
                count += len(ids)
                on_progress(count)
                await asyncio.sleep(pace.pause)
    return plans


class _Planner:
    def __init__(
        self, database: Database, clock: Clock, code: JourneyCode, limits: TurnLimits
    ) -> None:
        self._database = database
        self._clock = clock
        self._code = code
        self._limits = limits
        self._driver = Driver(limits.time)
        self._stuck: Counter[str] = Counter()

    async def run(self, ids: Sequence[UUID], plan: JourneyPlan) -> None:
        """Run the journals of enrollments of one journey, and count the outcomes."""
        loaded = await load_turns(
            self._database,
            ids,
            self._code,
            self._code.build_environment(self._clock.now(), self._limits),
            is_selected=lambda enrollment: enrollment.is_live,
            is_dry_run=True,
        )
        for enrollment in loaded.without_code:
            plan.count("stuck" if _is_stopped(enrollment) else "parked", enrollment.id)
        for turn in loaded.failed:
            _count_failure(plan, turn.enrollment, turn.result.error or "")
        executions = loaded.executions
        if self._stuck[plan.journey_id] >= MAX_STUCK:
            _give_up(executions)
        else:
            await self._drive(executions)
        for execution in executions:
            self._stuck[plan.journey_id] += execution.is_stuck
            _count_outcome(plan, execution)

    async def _drive(self, executions: Sequence[TurnExecution]) -> None:
        turns: Sequence[tuple[TurnExecution, Any]] = [(e, None) for e in executions]
        while turns:
            # The plan waits for slow turns too, because the other turns have nothing to commit.
            slow = await self._driver.advance(turns)
            for task in slow.values():
                await task
            reading = [e for e, _ in turns if e.pending is not None and not e.is_stuck]
            postponed = [execution for execution, _ in turns if execution.is_postponed]
            if sum(execution.is_stuck for execution in executions) >= MAX_STUCK:
                _give_up(postponed)
                postponed = []
            answered = await answer_reads(self._database, reading) if reading else []
            turns = [*answered, *((execution, None) for execution in postponed)]
            for execution in postponed:
                execution.is_postponed = False


def _give_up(executions: Sequence[TurnExecution]) -> None:
    for execution in executions:
        execution.discard()
        execution.fail("The journey blocks, so the plan has not run this turn.")


def _count_outcome(plan: JourneyPlan, execution: TurnExecution) -> None:
    enrollment, result = execution.inputs.enrollment, execution.result
    behind = _calls_behind(execution)
    if result.outcome == "failed":
        _count_failure(plan, enrollment, result.error or "")
    elif result.outcome == "drifted":
        if _is_stopped(enrollment):
            plan.count("stuck", enrollment.id)
            return
        plan.count("drifted", enrollment.id)
        plan.lost[enrollment.wait.key if enrollment.wait else ""] += 1
        plan.reasons[result.reason or ""] += 1
    elif _is_stopped(enrollment):
        plan.count("freed", enrollment.id)
    elif behind or not _is_in_recorded_order(execution):
        plan.count("moved", enrollment.id)
        plan.behind.update(key for key in behind if _is_skipped(key))
    else:
        plan.count("identical", enrollment.id)


def _count_failure(plan: JourneyPlan, enrollment: Enrollment, error: str) -> None:
    if _is_stopped(enrollment):
        plan.count("stuck", enrollment.id)
        return
    plan.count("failing", enrollment.id)
    lines = [line for line in error.strip().splitlines() if line.strip()]
    plan.reasons[lines[-1].strip()[:300] if lines else "the turn failed"] += 1


def _is_stopped(enrollment: Enrollment) -> bool:
    return enrollment.state in ("drifted", "parked")


def _calls_behind(execution: TurnExecution) -> list[str]:
    """Return the keys of the new calls before the contact's position."""
    new, keys = execution.replay.new_keys, execution.replay.keys
    wait = execution.inputs.enrollment.wait
    is_at_wait = wait is not None and keys[-1:] == [wait.key]
    is_ahead = execution.result.outcome == "reached" and not is_at_wait
    return new[:-1] if is_ahead else new


def _is_skipped(key: str) -> bool:
    """Return whether a new call that the contact is past would be skipped."""
    return not find_call_by_kind(key.partition(":")[0]).runs_behind


def _is_in_recorded_order(execution: TurnExecution) -> bool:
    """Return whether the recorded calls were made in the order in which they were recorded."""
    new = set(execution.replay.new_keys)
    steps = execution.inputs.steps
    recorded = dict.fromkeys(step.key for step in steps if step.kind not in ENROLLMENT_ENTRIES)
    return [key for key in execution.replay.keys if key not in new] == list(recorded)


# -- the log --------------------------------------------------------------------------------------


async def log_plan(
    database: Database,
    clock: Clock,
    code: JourneyCode,
    changed: Collection[str],
    limits: TurnLimits,
) -> None:
    """Log the outcomes of changed code, one line for each journey.

    Args:
        database: where the enrollments are.
        clock: the source of the current time.
        code: the present code.
        changed: the journeys whose code has changed.
        limits: the limits of each turn.
    """
    pace = PlanPace(BATCH_BESIDE_SERVER, PAUSE_BESIDE_SERVER)
    try:
        for journey_id in sorted(changed):
            (plan,) = await plan_journeys(
                database, clock, code, [journey_id], limits=limits, pace=pace
            )
            if plan.people:
                level = logging.WARNING if plan.endangered else logging.INFO
                log.log(level, "%s has changed: %s", journey_id, summarize(plan))
    except Exception:
        log.exception("could not compute the effect of the changed code")


def summarize(plan: JourneyPlan) -> str:
    """Return the outcomes of a plan in one line."""
    names = {
        "identical": "go on as before",
        "moved": "moved on",
        "drifted": "would drift",
        "failing": "would fail",
        "parked": "would be parked",
        "stuck": "stuck as before",
        "freed": "could go on again",
    }
    parts = [f"{getattr(plan, name):,} {words}" for name, words in names.items()]
    counts = ", ".join(part for part in parts if not part.startswith("0 "))
    if not plan.endangered:
        return counts
    reasons = "; ".join(f"{why} ({count:,})" for why, count in plan.reasons.most_common(3))
    ids = [i for name in ("drifted", "failing", "parked") for i in plan.samples.get(name, ())]
    return f"{counts}{': ' if reasons else ''}{reasons}, such as {ids[0]}"
