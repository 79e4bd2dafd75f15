"""Kills a worker under load again and again, and looks each time at what is left."""

from __future__ import annotations

import random
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

from hogsend.store.migrations import bring_up_to_date

from .books import parked
from .ground import NEWCOMERS, PATIENCE, Ground, open_ground, within
from .nursery import Nursery, open_nursery
from .points import HAND_OVER, INBOX, KINDS, UNNAMED
from .posting import POINTS
from .report import Report

# So many kills on one database; then everything must come to its end.
ROUND = 100
# The last ones of a round come at random moments.
AT_RANDOM = 25
# A point may be missed so often: what leads to it may have been done already.
MOST_MISSED = 3
# A point at which a mail may have left.
CUT_OFF = "mark: after COMMIT"
# What a life must have left behind, for the next one to come to a point.
AFTERMATH = {
    "recover: before UPDATE sends": CUT_OFF,
    "recover: before INSERT counters": CUT_OFF,
    "journeys: before UPDATE enrollments": "park: after COMMIT",
    "journeys: before INSERT counters": "park: after COMMIT",
}

_INNER = re.compile("before (INSERT|UPDATE|DELETE)")


class Campaign:
    """Many kills.

    Args:
        folder: an empty folder.
        kills: how many.
        seed: decides what is left to chance; the moments of other processes still differ.
        over_smtp: whether mail goes to a server, or is captured in the local inbox.
        about: the kinds of points that it dies at; all unless given.
        say: told of the progress.
    """

    def __init__(
        self,
        folder: Path,
        kills: int,
        seed: int,
        *,
        over_smtp: bool = True,
        about: Collection[str] = (),
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._folder = folder
        self._kills = kills
        self._over_smtp = over_smtp
        self._about = about
        self._say = say
        self._chance = random.Random(seed)  # noqa: S311 - it is to be the same each time
        self._template = folder / "template.db"
        self._log = folder / "log.txt"
        self.report = Report(seed, over_smtp)

    async def run(self) -> Report:
        """Kill, and return what came of it."""
        began = time.monotonic()
        await bring_up_to_date(f"sqlite://{self._template}", backups=None)
        async with open_nursery(self._log) as nursery:
            async with self._ground(nursery, "rehearsal") as ground:
                points = await self._rehearse(ground)
            while self.report.kills < self._kills:
                name = f"round-{self.report.kills}"
                async with self._ground(nursery, name) as ground:
                    await self._round(ground, points)
        self._read_log()
        self.report.seconds = round(time.monotonic() - began, 1)
        self.report.at = datetime.now(UTC).isoformat(timespec="seconds")
        return self.report

    def _ground(self, nursery: Nursery, name: str) -> AbstractAsyncContextManager[Ground]:
        return open_ground(
            self._folder / name,
            self._template,
            nursery,
            self.report,
            self._chance,
            over_smtp=self._over_smtp,
        )

    async def _rehearse(self, ground: Ground) -> list[str]:
        """Find the points that there are: those that a run without misfortune passes."""
        await ground.kill(CUT_OFF)
        ground.product.tell_of_more(2 * NEWCOMERS)
        await ground.begin_to_stay(ground.life("park"))
        await within(PATIENCE, lambda: not ground.product.unanswered and parked(ground.data) > 0)
        passed = await ground.stop()
        ground.product.tell_of_more(2 * NEWCOMERS)
        passed += await ground.settle()
        kinds = {point.partition(":")[0] for point in passed}
        for kind in sorted(kind for kind in kinds if kind.startswith(UNNAMED)):
            ground.wrong(f"a transaction has no name: {kind}")
        others = set[str]() if not self._over_smtp else {INBOX}
        for kind in sorted({*KINDS.values()} - others - kinds):
            ground.wrong(f"there was no transaction of the kind {kind}")
        for point in {*(HAND_OVER if self._over_smtp else ()), *POINTS} - {*passed}:
            ground.wrong(f"there is no point {point}")
        self._say(f"{len(passed)} points in {len(kinds)} kinds of transactions and hand-overs")
        return sorted(p for p in passed if not self._about or p.partition(":")[0] in self._about)

    async def _round(self, ground: Ground, points: Sequence[str]) -> None:
        """Kill at named points, then at random moments, and let everything come to its end."""
        plan, missed = deque(self._plan(points)), Counter[str]()
        prepared = False
        for left in range(min(ROUND, self._kills - self.report.kills), 0, -1):
            point = plan[0] if plan and left > AT_RANDOM else None
            if point in AFTERMATH and not prepared:
                prepared = await ground.kill(AFTERMATH[point])
                continue
            prepared = False
            if await ground.kill(point) or point is None:
                plan.popleft() if point else None
            elif missed[point] < MOST_MISSED:
                missed[point] += 1
                plan.rotate(-1)
            else:
                ground.wrong(f"no life came to the point {plan.popleft()}")
        await ground.settle()
        self._say(f"{self.report.kills} kills, {len(self.report.faults)} faults")

    def _plan(self, points: Sequence[str]) -> list[str]:
        """Return the points in the order of a round.

        Those where a kill has been seldom come first; of these, the borders of transactions.
        """
        by_point = self.report.by_point
        order = {point: (by_point[point], bool(_INNER.search(point))) for point in points}
        return sorted(self._chance.sample(points, len(points)), key=order.__getitem__)

    def _read_log(self) -> None:
        text = self._log.read_text()
        for sign in ("Traceback", "ERROR:"):
            if sign in text:
                self.report.wrong += 1
                at = text.index(sign)
                self.report.faults.append(f"wrong: in the log: {text[at : at + 2000]}")
