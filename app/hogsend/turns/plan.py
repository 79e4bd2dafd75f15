"""Plays every live journal against other code, without doing anything, and says what would happen.

`hogsend journeys plan` shows it before code is used, `serve` logs it when code has changed
(journeys, "When the code changes under a waiting person").
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ..clock import Clock
from ..domain.enrollment import LIVE_STATES, Enrollment
from ..domain.ids import new_id
from ..store import enrollments
from ..store.db import Database
from .driver import Driver
from .execution import TurnExecution
from .reads import answer_each
from .replay import USER, ZONE
from .turn_inputs import JourneyCode, TurnLimits, load_plays

log = logging.getLogger("hogsend.plan")

# Journals in one set.
SET = 500
# Beside a server the sets are small and leave the reading connection to others in between.
SET_BESIDE, PAUSE_BESIDE = 50, 0.01
# A turn of a plan does nothing, so that one which takes this long blocks.
LONGEST_TURN = timedelta(seconds=5)
# People named for each thing that can become of them.
SAMPLES = 5
# What is not done when it lies behind somebody; looks are, and their answers recorded.
_EFFECTS = frozenset({"send", "trigger", "sleep", "wait", "digest", "step"})
# A journey that blocks so often is not played any further.
MOST_STUCK = 3

# Is told after each set how many journals have been played so far.
Told = Callable[[int], None]


@dataclass
class JourneyPlan:
    """What would become of the people in one journey.

    Args:
        journey_id: which journey.
        identical: for how many the code asks for just what the journal has.
        moved: how many would go on all the same, past calls that are new or in another order.
        drifted: how many would drift, who do not now.
        failing: for how many the code raises before it comes to the wait that they are in.
        parked: how many would be parked, who are not now: the journey is not in the code.
        stuck: how many have drifted or are parked already, and would be still.
        freed: how many of those could go on with this code.
        lost: the waits that those who would drift are in, and how many are in each.
        behind: new calls that lie behind people, and for how many: they would not be done.
        reasons: why people would drift or fail, and how many.
        samples: for each of the counts above, a few enrollments.
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
        """How many people are in the journey."""
        good = self.identical + self.moved + self.freed
        return good + self.drifted + self.failing + self.parked + self.stuck

    @property
    def endangered(self) -> int:
        """How many people would not go on, who do now."""
        return self.drifted + self.failing + self.parked

    def count(self, what: str, one: UUID) -> None:
        """Add a person to one of the counts."""
        setattr(self, what, getattr(self, what) + 1)
        sample = self.samples.setdefault(what, [])
        if len(sample) < SAMPLES:
            sample.append(one)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as data."""
        return {
            "journey": self.journey_id,
            "people": self.people,
            **{name: getattr(self, name) for name in COUNTS},
            "lost": dict(self.lost.most_common()),
            "behind": dict(self.behind.most_common()),
            "reasons": dict(self.reasons.most_common()),
            "samples": {name: [str(one) for one in ids] for name, ids in self.samples.items()},
        }


COUNTS = ("identical", "moved", "drifted", "failing", "parked", "stuck", "freed")


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast journals are played.

    Args:
        size: how many in one set.
        pause: how long others have the database between two sets, in seconds.
    """

    size: int = SET
    pause: float = 0.0


async def journeys_with_people(database: Database) -> Mapping[str, int]:
    """Return how many live enrollments each journey has."""
    return await database.read_one(enrollments.live_counts())


async def plan(
    database: Database,
    clock: Clock,
    code: JourneyCode,
    journey_ids: Iterable[str],
    *,
    limits: TurnLimits | None = None,
    pace: Pace | None = None,
    told: Told = lambda played: None,
) -> list[JourneyPlan]:
    """Play the journals of live enrollments against code; nothing is written.

    Args:
        database: where they are.
        clock: what tells the time.
        code: the code.
        journey_ids: the people of which journeys.
        limits: what one turn may use up.
        pace: how fast; at full speed unless given.
        told: is told after each set how many journals have been played so far.

    Returns:
        A plan for each journey, in the order given.
    """
    limits = limits or TurnLimits()
    limits = TurnLimits(min(limits.time, LONGEST_TURN), limits.steps)
    rehearsal = _Rehearsal(database, clock, code, limits)
    played, plans, pace = 0, list[JourneyPlan](), pace or Pace()
    for journey_id in journey_ids:
        plans.append(JourneyPlan(journey_id))
        until = new_id(clock.now())
        for state in LIVE_STATES:
            after: UUID | None = None
            while ids := await database.read_one(
                enrollments.ids_in(journey_id, state, after, until, pace.size)
            ):
                after = ids[-1]
                await rehearsal.play(ids, plans[-1])
                played += len(ids)
                told(played)
                await asyncio.sleep(pace.pause)
    return plans


class _Rehearsal:
    def __init__(
        self, database: Database, clock: Clock, code: JourneyCode, limits: TurnLimits
    ) -> None:
        self._database = database
        self._clock = clock
        self._code = code
        self._limits = limits
        self._driver = Driver(limits.time)
        self._stuck: Counter[str] = Counter()

    async def play(self, ids: Sequence[UUID], into: JourneyPlan) -> None:
        """Play the journals of enrollments of one journey, and count what would become of them."""
        now = self._clock.now()
        loaded = await load_plays(
            self._database,
            ids,
            self._code,
            self._code.world(now, self._limits),
            chosen=lambda enrollment: enrollment.is_live,
            rehearsal=True,
        )
        for one in loaded.lost:
            into.count("stuck" if one.state in ("parked", "drifted") else "parked", one.id)
        for one in loaded.failed:
            _fail(into, one.enrollment, one.result.error or "")
        plays = loaded.plays
        if self._stuck[into.journey_id] >= MOST_STUCK:
            _give_up(plays)
        else:
            await self._drive(plays, now)
        for play in plays:
            self._stuck[into.journey_id] += play.stuck
            _count(play, into)

    async def _drive(self, plays: Sequence[TurnExecution], now: datetime) -> None:
        moving: Sequence[tuple[TurnExecution, Any]] = [(play, None) for play in plays]
        while moving:
            # Those that keep their thread are waited for: nobody waits for the others.
            kept = await self._driver.advance(moving)
            for end in kept.values():
                await end
            needy = [play for play, _ in moving if play.need is not None and not play.stuck]
            left = [play for play, _ in moving if play.left]
            if sum(play.stuck for play in plays) >= MOST_STUCK:
                _give_up(left)
                left = []
            moving = await answer_each(self._database, needy, now) if needy else []
            moving = [*moving, *((play, None) for play in left)]
            for play in left:
                play.left = False


def _give_up(plays: Sequence[TurnExecution]) -> None:
    for play in plays:
        play.drop()
        play.fail("The journey blocks: it was not played any further.")


def _count(play: TurnExecution, into: JourneyPlan) -> None:
    enrollment, final = play.facts.enrollment, play.final
    behind = _behind(play)
    if final.outcome == "failed":
        _fail(into, enrollment, final.error or "")
    elif final.outcome == "drifted":
        if enrollment.state in ("drifted", "parked"):
            into.count("stuck", enrollment.id)
            return
        into.count("drifted", enrollment.id)
        into.lost[enrollment.wait.key if enrollment.wait else ""] += 1
        into.reasons[final.reason or ""] += 1
    elif enrollment.state in ("drifted", "parked"):
        into.count("freed", enrollment.id)
    elif behind or not _as_recorded(play):
        into.count("moved", enrollment.id)
        into.behind.update(key for key in behind if key.partition(":")[0] in _EFFECTS)
    else:
        into.count("identical", enrollment.id)


def _fail(into: JourneyPlan, enrollment: Enrollment, error: str) -> None:
    if enrollment.state in ("drifted", "parked"):
        into.count("stuck", enrollment.id)
        return
    into.count("failing", enrollment.id)
    lines = [line for line in error.strip().splitlines() if line.strip()]
    into.reasons[lines[-1].strip()[:300] if lines else "it failed"] += 1


def _behind(play: TurnExecution) -> list[str]:
    """Return the new calls that were asked for before the place where the person is."""
    new, asked = play.answers.new, play.answers.asked
    wait = play.facts.enrollment.wait
    at_wait = wait is not None and asked[-1:] == [wait.key]
    ahead = play.final.outcome == "reached" and not at_wait
    return new[:-1] if ahead else new


def _as_recorded(play: TurnExecution) -> bool:
    """Say whether the recorded calls were asked for in the order in which they were recorded."""
    new = set(play.answers.new)
    recorded = dict.fromkeys(step.key for step in play.facts.steps if step.kind not in (USER, ZONE))
    return [key for key in play.answers.asked if key not in new] == list(recorded)


# -- the log --------------------------------------------------------------------------------------


async def log_plan(
    database: Database,
    clock: Clock,
    code: JourneyCode,
    changed: Collection[str],
    limits: TurnLimits,
) -> None:
    """Log what becomes of the people in journeys whose code has changed, one line a journey.

    Args:
        database: where they are.
        clock: what tells the time.
        code: the code as it is now.
        changed: the journeys.
        limits: what one turn may use up.
    """
    pace = Pace(SET_BESIDE, PAUSE_BESIDE)
    try:
        for journey_id in sorted(changed):
            (found,) = await plan(database, clock, code, [journey_id], limits=limits, pace=pace)
            if found.people:
                level = logging.WARNING if found.endangered else logging.INFO
                log.log(level, "%s has changed: %s", journey_id, summary(found))
    except Exception:
        log.exception("it could not be found out what changed code means for people")


def summary(found: JourneyPlan) -> str:
    """Say in one line what would become of the people in a journey."""
    names = {
        "identical": "go on as before",
        "moved": "moved on",
        "drifted": "would drift",
        "failing": "would fail",
        "parked": "would be parked",
        "stuck": "stuck as before",
        "freed": "could go on again",
    }
    parts = [f"{getattr(found, name):,} {said}" for name, said in names.items()]
    counted = ", ".join(part for part in parts if not part.startswith("0 "))
    if not found.endangered:
        return counted
    why = "; ".join(f"{reason} ({count:,})" for reason, count in found.reasons.most_common(3))
    ids = [one for name in ("drifted", "failing", "parked") for one in found.samples.get(name, ())]
    return f"{counted}{': ' if why else ''}{why}, such as {ids[0]}"
