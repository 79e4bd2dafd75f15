"""The engine without a server: due rows are looked up and played in sets, in this process.

Nothing is kept in memory for those who wait. One query asks for the rows that wake next; the
engine sleeps until the first is due, or until it is told of a new one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from ..clock import Clock
from ..store import enrollments
from ..store.db import Database
from ..store.enrollments import Due
from .port import PlayTurns, Wake

log = logging.getLogger("hogsend.engine")

# Turns in one set, and sets at once: while one set waits for the disk, another is driven.
SET = 256
SETS = 2
# A set that takes longer has a journey in it that keeps its thread: others do not wait for it. So
# many may be under way beside the others, lest a slow disk is given ever more to do.
LATE = 1.0
MOST_LATE = 8
# A clock that was set back or a laptop that slept is noticed after this long.
LONGEST_SLEEP = timedelta(seconds=30)
_AFTER_ERROR = 1.0


class EmbeddedEngine:
    """Plays due turns in this process.

    Args:
        database: where wake times are.
        clock: what tells the time.
        play: plays one turn of each given enrollment.
    """

    def __init__(self, database: Database, clock: Clock, play: PlayTurns) -> None:
        self._database = database
        self._clock = clock
        self._play = play
        self._news = asyncio.Event()
        self._closing = False
        self._running: set[asyncio.Task[None]] = set()
        self._late: set[asyncio.Task[None]] = set()
        self._held: dict[UUID, UUID] = {}
        self._let_go: set[UUID] = set()
        self._next_known: datetime | None = None

    async def schedule(self, wakes: Sequence[Wake]) -> None:
        known = self._next_known
        if known is None or any(wake.at < known for wake in wakes):
            self._news.set()

    async def cancel(self, enrollments: Sequence[UUID]) -> None:
        """Nothing is held for those who wait, so there is nothing to forget."""

    def look(self) -> None:
        """Look at the rows again: somebody else may have changed them."""
        self._news.set()

    async def work(self) -> None:
        while not self._closing:
            self._news.clear()
            try:
                wait = await self._begin_due()
            except Exception:
                log.exception("due turns could not be looked up; trying again")
                wait = _AFTER_ERROR
            await self._pause(wait)
        if self._running:
            await asyncio.wait(set(self._running))

    async def close(self) -> None:
        self._closing = True
        self._news.set()
        # Nothing of a turn that keeps its thread is committed: it is played again.
        for task in self._late:
            task.cancel()
        if self._running or self._late:
            await asyncio.wait(self._running | self._late)

    @property
    def idle(self) -> bool:
        """Whether no turn is under way."""
        return not self._running and not self._late

    async def _begin_due(self) -> float:
        """Begin as many due turns as there is room for; return how long to wait, in seconds."""
        while len(self._running) < SETS and not self._closing:
            # News that comes while the rows are read must lead to a new look.
            self._next_known = None
            self._let_go.clear()
            # Rows of turns under way are still due until they commit.
            rows = await self._database.read_one(enrollments.next_due(SET + len(self._held)))
            due, later = self._pick(rows, self._clock.now())
            if not due:
                return self._until(later)
            self._begin(due)
        return LONGEST_SLEEP.total_seconds()

    def _pick(self, rows: Iterator[Due], now: datetime) -> tuple[list[Due], datetime | None]:
        """Choose due rows, one for each contact, leaving out whom a turn is under way for.

        Those whose turn was committed while the rows were read may not be due any more.

        Returns:
            The rows, and when the first is due that is not yet, as far as that was seen.
        """
        contacts = set(self._held.values())
        picked: list[Due] = []
        for row in rows:
            if row.wake_at > now:
                return picked, row.wake_at
            if row.id in self._let_go or row.id in self._held or row.contact_id in contacts:
                continue
            contacts.add(row.contact_id)
            picked.append(row)
            if len(picked) == SET:
                break
        return picked, None

    def _until(self, later: datetime | None) -> float:
        """Return the seconds until an instant, at most the longest sleep."""
        self._next_known = later
        wait = min(later - self._clock.now(), LONGEST_SLEEP) if later else LONGEST_SLEEP
        return max(wait.total_seconds(), 0.0)

    def _begin(self, rows: Sequence[Due]) -> None:
        for row in rows:
            self._held[row.id] = row.contact_id
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
        self._news.set()
        if self._closing:
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._late.discard(task)
        # Only now is there room for another set.
        self._news.set()

    async def _run(self, ids: Sequence[UUID]) -> None:
        under_way = set(ids)

        def done(ids: Collection[UUID]) -> None:
            """Let the people of committed turns be due again."""
            let_go = under_way.intersection(ids)
            under_way.difference_update(let_go)
            self._let_go.update(let_go)
            for one in let_go:
                del self._held[one]
            self._news.set()

        try:
            await self._play(ids, done)
        except Exception:
            log.exception("a set of %d turns failed and will be played again", len(ids))
            await asyncio.sleep(_AFTER_ERROR)
        finally:
            done(ids)

    async def _pause(self, seconds: float) -> None:
        if self._closing:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            pass
