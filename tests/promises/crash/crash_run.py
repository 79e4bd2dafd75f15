"""Kills a worker under load again and again, and checks each time what it has left behind."""

from __future__ import annotations

import random
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

from hogsend.store.migrations import apply_pending

from .audit import count_parked
from .fork_server import ForkServer, open_fork_server
from .kill_points import HANDOFF, INBOX, TRANSACTIONS, UNNAMED
from .report import Report
from .step_functions import POINTS
from .testbed import NEW_CUSTOMERS, PATIENCE, Testbed, open_testbed, wait_for

# Kills on one database, after which all work must come to its end.
ROUND = 100
# The last kills of a round are at random moments.
AT_RANDOM = 25
# How often a point may be missed in a round: the work that leads to it may be done already.
MAX_MISSED = 3
# A kill here leaves a mail that may have left.
AFTER_MARK = "mark: after COMMIT"
# Points that are reached only if the previous worker was killed at another one.
PREPARATION = {
    "recover: before UPDATE sends": AFTER_MARK,
    "recover: before INSERT counters": AFTER_MARK,
    "journeys: before UPDATE enrollments": "park: after COMMIT",
    "journeys: before INSERT counters": "park: after COMMIT",
}

_INSIDE_TRANSACTION = re.compile("before (INSERT|UPDATE|DELETE)")


class CrashRun:
    """Many kills.

    Args:
        folder: an empty folder.
        kills: how many.
        seed: of the random choices. Other processes still differ in their timing.
        over_smtp: whether mail goes to a mail server; otherwise to the local inbox.
        only: the transactions and hand-overs to kill in; all unless given.
        on_progress: receives a line of text from time to time.
    """

    def __init__(
        self,
        folder: Path,
        kills: int,
        seed: int,
        *,
        over_smtp: bool = True,
        only: Collection[str] = (),
        on_progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._folder = folder
        self._kills = kills
        self._over_smtp = over_smtp
        self._only = only
        self._on_progress = on_progress
        self._rng = random.Random(seed)  # noqa: S311 - a seed makes a run repeatable
        self._template = folder / "template.db"
        self._log = folder / "log.txt"
        self.report = Report(seed, over_smtp)

    async def run(self) -> Report:
        """Kill workers, and return the report."""
        start = time.monotonic()
        await apply_pending(f"sqlite://{self._template}", backups=None)
        async with open_fork_server(self._log) as fork_server:
            async with self._open_testbed(fork_server, "discovery") as testbed:
                points = await self._discover_points(testbed)
            while self.report.kills < self._kills:
                name = f"round-{self.report.kills}"
                async with self._open_testbed(fork_server, name) as testbed:
                    await self._run_round(testbed, points)
        self._check_log()
        self.report.seconds = round(time.monotonic() - start, 1)
        self.report.at = datetime.now(UTC).isoformat(timespec="seconds")
        return self.report

    def _open_testbed(
        self, fork_server: ForkServer, name: str
    ) -> AbstractAsyncContextManager[Testbed]:
        return open_testbed(
            self._folder / name,
            self._template,
            fork_server,
            self.report,
            self._rng,
            over_smtp=self._over_smtp,
        )

    async def _discover_points(self, testbed: Testbed) -> list[str]:
        """Return the points that a worker reaches when it is not killed."""
        await testbed.run_until_killed(AFTER_MARK)
        product = testbed.product
        product.add_customers(2 * NEW_CUSTOMERS)
        await testbed.start_connected_worker(testbed.worker_settings("park"))
        await wait_for(lambda: not product.pending and count_parked(testbed.data) > 0, PATIENCE)
        reached = await testbed.stop_worker()
        product.add_customers(2 * NEW_CUSTOMERS)
        reached += await testbed.finish()
        self._check_points(testbed, reached)
        return sorted(p for p in reached if not self._only or p.partition(":")[0] in self._only)

    def _check_points(self, testbed: Testbed, reached: Collection[str]) -> None:
        """Report transactions without a name, and points that were not reached."""
        names = {point.partition(":")[0] for point in reached}
        for name in sorted(name for name in names if name.startswith(UNNAMED)):
            testbed.add_wrong(f"a transaction has no name: {name}")
        not_here = {INBOX} if self._over_smtp else set[str]()
        for name in sorted({*TRANSACTIONS.values()} - not_here - names):
            testbed.add_wrong(f"there was no transaction {name}")
        for point in {*(HANDOFF if self._over_smtp else ()), *POINTS} - {*reached}:
            testbed.add_wrong(f"the point {point} was not reached")
        self._on_progress(f"{len(reached)} points in {len(names)} transactions and hand-overs")

    async def _run_round(self, testbed: Testbed, points: Sequence[str]) -> None:
        """Kill at named points, then at random moments, and finish all work."""
        plan, missed = deque(self._plan_round(points)), Counter[str]()
        is_prepared = False
        for kills_left in range(min(ROUND, self._kills - self.report.kills), 0, -1):
            point = plan[0] if plan and kills_left > AT_RANDOM else None
            if point in PREPARATION and not is_prepared:
                is_prepared = await testbed.run_until_killed(PREPARATION[point])
                continue
            is_prepared = False
            if await testbed.run_until_killed(point) or point is None:
                plan.popleft() if point else None
            elif missed[point] < MAX_MISSED:
                missed[point] += 1
                plan.rotate(-1)
            else:
                testbed.add_wrong(f"no worker reached the point {plan.popleft()}")
        await testbed.finish()
        self._on_progress(f"{self.report.kills} kills, {len(self.report.faults)} faults")

    def _plan_round(self, points: Sequence[str]) -> list[str]:
        """Return the points in the order of a round.

        Points with the fewest kills come first, and among them the borders of transactions.
        """
        by_point = self.report.by_point
        order = {
            point: (by_point[point], bool(_INSIDE_TRANSACTION.search(point))) for point in points
        }
        return sorted(self._rng.sample(points, len(points)), key=order.__getitem__)

    def _check_log(self) -> None:
        text = self._log.read_text()
        for sign in ("Traceback", "ERROR:"):
            if sign in text:
                self.report.wrong += 1
                at = text.index(sign)
                self.report.faults.append(f"wrong: in the log: {text[at : at + 2000]}")
