"""The engine without a server: due rows are looked up and played in sets, in this process.

Nothing is kept in memory for those who wait. The rows that wake next are asked for, some of each
journey, so that none waits for the crowd of another; the engine sleeps until the first is due, or
until it is told of a new one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from ..clock import Clock
from ..domain.round_robin import in_turns
from ..store.db import Database
from ..store.enrollments import DueEnrollment
from ..store.workers import Outage
from .due_rows import SET, DueRows
from .poller import Poller
from .port import Leases, PlayTurns, Rows, Wake

log = logging.getLogger("hogsend.engine")

# Sets at once: while one waits for the disk, another is driven.
SETS = 2
# A set that takes longer has a journey in it that keeps its thread: others do not wait for it. So
# many may be under way beside the others, lest a slow disk is given ever more to do.
LATE = 1.0
MOST_LATE = 8
# A clock that was set back or a laptop that slept is noticed after this long.
LONGEST_SLEEP = timedelta(seconds=30)
_AFTER_ERROR = 1.0
# While facts arrive faster than they are written, a set is begun this often, in seconds.
PRESSED_PAUSE = 0.05
# Who is with another worker is looked at again after this long, in seconds.
ELSEWHERE_PAUSE = 0.2


class EmbeddedEngine:
    """Plays due turns in this process.

    Args:
        database: where wake times are.
        clock: what tells the time.
        play: plays one turn of each given enrollment.
        is_pressed: says whether facts arrive faster than they are written.
        leases: keeps turns apart where several workers are at work; None where there is one.
        rows: finds the due rows; those of every journey, unless another way is given.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        play: PlayTurns,
        is_pressed: Callable[[], bool] = lambda: False,
        *,
        leases: Leases | None = None,
        rows: Rows | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._play = play
        self._is_pressed = is_pressed
        self._leases = leases
        self._rows = rows or DueRows(database, holder=leases.holder if leases else None)
        self._elsewhere: dict[UUID, float] = {}
        self._next_set = 0.0
        self._news = Poller(log, "due turns could not be looked up; trying again")
        self._closing = False
        self._running: set[asyncio.Task[None]] = set()
        self._late: set[asyncio.Task[None]] = set()
        self._held: dict[UUID, DueEnrollment] = {}
        self._let_go: set[UUID] = set()
        self._next_known: datetime | None = None

    @property
    def away(self) -> Outage | None:
        """Nothing: it leans on nothing but the database."""
        return None

    async def schedule(self, wakes: Sequence[Wake]) -> None:
        known = self._next_known
        if known is None or any(wake.at < known for wake in wakes):
            self._news.tell()

    async def cancel(self, enrollments: Sequence[UUID]) -> None:
        """Nothing is held for those who wait, so there is nothing to forget."""

    def look(self) -> None:
        """Look at the rows again: somebody else may have changed them."""
        self._news.tell()

    async def work(self) -> None:
        await self._news.follow(self._begin_due)
        if self._running:
            await asyncio.wait(set(self._running))

    async def close(self) -> None:
        self._closing = True
        self._news.end()
        # Nothing of a turn that keeps its thread is committed: it is played again.
        for task in self._late:
            task.cancel()
        if self._running or self._late:
            await asyncio.wait(self._running | self._late)

    @property
    def idle(self) -> bool:
        """Whether no turn is under way."""
        return not self._running and not self._late and not self._held

    async def _begin_due(self) -> float:
        """Begin as many due turns as there is room for; return how long to wait, in seconds."""
        while len(self._running) < SETS and not self._closing:
            wait = self._hold_back()
            if wait > 0:
                return wait
            # News that comes while the rows are read must lead to a new look.
            self._next_known = None
            self._let_go.clear()
            now = self._clock.now()
            rows = await self._rows.look_up(now, self._held)
            # Who has become due meanwhile is looked up in the order of the others.
            due, later = self._pick(rows, now)
            # It may have been closed while the rows were read.
            if not due or self._closing:
                wait = self._until(later)
                return min(wait, ELSEWHERE_PAUSE) if self._elsewhere else wait
            mine = await self._take(due)
            if self._closing:
                return 0.0
            if mine:
                self._begin(mine)
        return LONGEST_SLEEP.total_seconds()

    async def _take(self, due: Sequence[DueEnrollment]) -> Sequence[DueEnrollment]:
        """Return those of due rows that no other worker has."""
        if self._leases is None:
            return due
        taken = await self._leases.take(due, self._clock.now())
        again = asyncio.get_running_loop().time() + ELSEWHERE_PAUSE
        self._elsewhere.update({one.id: again for one in due if one.id not in taken})
        return [one for one in due if one.id in taken]

    def _hold_back(self) -> float:
        """Return how long turns let facts go first, in seconds: these answer somebody who waits.

        Meanwhile more people become due, and one set of many is played in less time than many.
        """
        now = asyncio.get_running_loop().time()
        if self._is_pressed() and now < self._next_set:
            return self._next_set - now
        self._next_set = now + PRESSED_PAUSE
        return 0.0

    def _pick(
        self, rows: Sequence[Sequence[DueEnrollment]], now: datetime
    ) -> tuple[list[DueEnrollment], datetime | None]:
        """Choose due rows, journeys taking turns, leaving out whom a turn is under way for.

        Those whose turn was committed while the rows were read may not be due any more.

        Returns:
            The rows, one for each contact, and when the first is due that is not yet, as far as
            that was seen.
        """
        moment = asyncio.get_running_loop().time()
        self._elsewhere = {one: at for one, at in self._elsewhere.items() if at > moment}
        out = {*self._let_go, *self._held, *self._elsewhere}
        contacts = {due.contact_id for due in self._held.values()}
        picked: list[DueEnrollment] = []
        later: list[datetime] = []
        for row in in_turns(rows):
            if row.wake_at > now:
                later.append(row.wake_at)
            elif not (row.id in out or row.contact_id in contacts):
                contacts.add(row.contact_id)
                picked.append(row)
                if len(picked) == SET:
                    break
        return picked, min(later, default=None)

    def _until(self, later: datetime | None) -> float:
        """Return the seconds until an instant, at most the longest sleep."""
        self._next_known = later
        wait = min(later - self._clock.now(), LONGEST_SLEEP) if later else LONGEST_SLEEP
        return max(wait.total_seconds(), 0.0)

    def _begin(self, rows: Sequence[DueEnrollment]) -> None:
        for row in rows:
            self._held[row.id] = row
        task = asyncio.create_task(self._run([row.id for row in rows]))
        self._running.add(task)
        task.add_done_callback(self._ended)
        asyncio.get_running_loop().call_later(LATE, self._let_by, task)

    def _let_by(self, task: asyncio.Task[None]) -> None:
        """Make room for another set beside one that takes too long."""
        if task not in self._running or len(self._late) >= MOST_LATE:
            return
        self._running.discard(task)
        self._late.add(task)
        self._news.tell()
        if self._closing:
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._late.discard(task)
        # Only now is there room for another set.
        self._news.tell()

    async def _run(self, ids: Sequence[UUID]) -> None:
        under_way = set(ids)

        def done(ids: Collection[UUID]) -> None:
            """Let the people of committed turns be due again."""
            let_go = under_way.intersection(ids)
            under_way.difference_update(let_go)
            self._let_go.update(let_go)
            for one in let_go:
                self._rows.over(self._held.pop(one))
            self._news.tell()

        going_on: Collection[UUID] = ()
        try:
            going_on = await self._play(ids, done)
        except Exception:
            log.exception("a set of %d turns failed and will be played again", len(ids))
            await asyncio.sleep(_AFTER_ERROR)
        finally:
            done([one for one in ids if one not in going_on])
