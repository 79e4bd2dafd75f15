"""Tells Hatchet what the rows say: whom to begin, to wake and to end; and begins anew who is late.

Several workers may do so on one database: who is to be told is claimed in a row first.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from ...clock import Clock
from ...errors import HatchetApiUnavailable, HatchetUnavailable
from ...store import hatchet_runs
from ...store.db import Database
from ...store.hatchet_runs import RunStart
from ..poller import Poller
from .client import Client
from .connectivity import Connectivity

log = logging.getLogger("hogsend.hatchet")

# Told in one go.
_MOST = 500
# How often it is looked without news, and after Hatchet did not answer, in seconds.
LOOK_EVERY, AWAY_PAUSE = 2.0, 2.0
SWEEP_EVERY, RECONCILE_EVERY = 60.0, 15.0
# A chore that is asked for all the time is begun this often, in seconds.
CHORE_PAUSE = 0.5
# A turn is late after this long; and whatever else its journey does, after this long.
LATE, VERY_LATE = timedelta(minutes=1), timedelta(minutes=10)
# Ends are looked for so far back, so that none falls between two looks.
_OVERLAP = 2 * hatchet_runs.RETURNING
# Cancelled runs that were begun within the first are looked for every time, and within the second
# now and then; of older ones it is seen when their time has come, before another is begun.
_OF_LATE, _LONG_AGO = timedelta(days=1), timedelta(days=6)
_LOOKS_OF_LATE = 40


class Outbox:
    """Tells Hatchet.

    Args:
        database: where the rows are.
        clock: what tells the time.
        journeys: returns the ids of the journeys there is code for.
        cancelled: ends an enrollment whose run somebody has cancelled in Hatchet.
        played: returns how many turns of which journey have been played since it was asked last.
        reach: notes whether Hatchet answers.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        journeys: Callable[[], Collection[str]],
        cancelled: Callable[[UUID], Awaitable[None]],
        played: Callable[[], Counter[str]],
        *,
        reach: Connectivity,
    ) -> None:
        self._database = database
        self._clock = clock
        self._journeys = journeys
        self._cancelled = cancelled
        self._played = played
        complaint = "what Hatchet is to be told could not be looked up; trying again"
        self._news, self._ends = Poller(log, complaint), Poller(log, complaint)
        self._chores: set[str] = set()
        self._begun: dict[str, float] = {}
        self._ends_since = clock.now() - _LONG_AGO
        self._looks = 0
        self._reach = reach
        # Set when there is a client.
        self.client: Client | None = None

    def look(self) -> None:
        """Look at the rows again."""
        self._news.tell()
        self._ends.tell()

    def end(self) -> None:
        """Tell nothing more."""
        self._news.end()
        self._ends.end()

    def begin(self, chore: str) -> None:
        """Let Hatchet run a chore soon."""
        self._chores.add(chore)
        self._news.tell()

    async def work(self) -> None:
        """Tell until ended: ends apart from the rest, as they go another way, through the API."""
        await asyncio.gather(self._news.follow(self._tell), self._ends.follow(self._tell_ends))

    async def _tell(self) -> float:
        """Tell what there is to tell; return the seconds until it is looked again."""
        client = self.client
        if client is None:
            return AWAY_PAUSE
        try:
            pause = await self._begin_chores(client)
            more = await self._start(client)
            more = await self._wake(client) or more
        except HatchetUnavailable as error:
            self._reach.missed("tell", error)
            return AWAY_PAUSE
        self._reach.answered("tell")
        if more:
            self._news.tell()
        return min(LOOK_EVERY, pause)

    async def _begin_chores(self, client: Client) -> float:
        """Begin what was asked for, each now and then; return the seconds until the next may."""
        pause = LOOK_EVERY
        for name in sorted(self._chores):
            now = asyncio.get_running_loop().time()
            wait = self._begun.get(name, 0.0) + CHORE_PAUSE - now
            if wait > 0:
                pause = min(pause, wait)
                continue
            if name in client.tasks:
                # What is asked for while it is begun is for the next one.
                self._chores.discard(name)
                self._begun[name] = now
                try:
                    await client.begin(name)
                except HatchetUnavailable:
                    self._chores.add(name)
                    raise
        return pause

    def _known(self, client: Client) -> list[str]:
        return [one for one in self._journeys() if one in client.tasks]

    async def _start(self, client: Client) -> bool:
        """Start runs for due enrollments that have none; say whether there may be more."""
        now = self._clock.now()
        found = await self._database.read_one(
            hatchet_runs.unstarted(self._known(client), now, _MOST)
        )
        if not found:
            return False
        async with self._database.transaction() as tx:
            mine = await tx.one(
                hatchet_runs.claim_starts([one.enrollment_id for one in found], now)
            )
        try:
            await self._start_all(client, [one for one in found if one.enrollment_id in mine])
        except BaseException:
            # Those that were started come by themselves and are known then.
            async with self._database.transaction() as tx:
                await tx.apply([hatchet_runs.unclaim(list(mine))])
            raise
        return len(found) == _MOST

    async def _start_all(self, client: Client, starts: Sequence[RunStart]) -> None:
        """Start runs, those of each journey together, and record their names."""
        by_journey: dict[str, list[RunStart]] = {}
        for one in starts:
            by_journey.setdefault(one.journey_id, []).append(one)
        for journey_id, some in by_journey.items():
            runs = await client.start(journey_id, some)
            named = [(one.enrollment_id, run) for one, run in zip(some, runs, strict=True)]
            async with self._database.transaction() as tx:
                await tx.apply([hatchet_runs.name_runs(named)])

    async def _wake(self, client: Client) -> bool:
        """Wake sleeping runs whose turn is due; say whether there may be more."""
        found = await self._database.read_one(
            hatchet_runs.to_wake(self._known(client), self._clock.now(), _MOST)
        )
        if not found:
            return False
        async with self._database.transaction() as tx:
            mine = await tx.one(hatchet_runs.claim_wakes(found))
        try:
            await client.wake(list(mine.items()))
        except BaseException:
            async with self._database.transaction() as tx:
                await tx.apply([hatchet_runs.unclaim_wakes(list(mine))])
            raise
        return len(found) == _MOST

    async def _tell_ends(self) -> float:
        """Tell of those who have ended; return the seconds until it is looked again."""
        client = self.client
        if client is None:
            return AWAY_PAUSE
        try:
            await self._cancel(client)
        except HatchetUnavailable as error:
            self._reach.missed("api", error)
            return AWAY_PAUSE
        return LOOK_EVERY

    async def _cancel(self, client: Client) -> None:
        """Cancel the runs of those who have ended by something else than their own turn."""
        now = self._clock.now()
        ended_since = hatchet_runs.ended_since(self._ends_since, now, _MOST)
        while ended := await self._database.read_one(ended_since):
            await client.cancel({run for run in ended.values() if run})
            await self._forget(ended)
        self._ends_since = now - _OVERLAP

    async def _forget(self, runs: Mapping[UUID, str]) -> None:
        async with self._database.transaction() as tx:
            await tx.apply(hatchet_runs.forget(list(runs.items())))

    # -- what goes wrong elsewhere ---------------------------------------------------------------

    async def sweep_always(self) -> None:
        """Sweep every minute, until cancelled."""
        await self._repeat(SWEEP_EVERY, self.sweep)

    async def reconcile_always(self) -> None:
        """Look for runs that were cancelled in Hatchet, until cancelled."""
        await self._repeat(RECONCILE_EVERY, self.reconcile)

    async def _repeat(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await act()
            except HatchetApiUnavailable as error:
                self._reach.missed("api", error)
            except HatchetUnavailable as error:
                self._reach.missed("tell", error)
            except Exception:
                log.exception("what has become of Hatchet's runs could not be seen to")

    async def sweep(self) -> None:
        """Begin those anew whose turn is late, whatever Hatchet says of their runs.

        Where a journey gets on, its people only wait for their turn: more runs would make that
        longer. Who is very late is begun anew all the same.
        """
        client = self.client
        # Nobody is begun anew while Hatchet is away: their tries are for when it is there.
        if client is None or self._reach.away is not None:
            return
        now, played, known = self._clock.now(), self._played(), self._known(client)
        stuck = [one for one in known if not played[one]]
        late, very_late = await self._database.read(
            hatchet_runs.stalled(stuck, now - LATE, now, _MOST),
            hatchet_runs.stalled(known, now - VERY_LATE, now, _MOST),
        )
        found = {one.enrollment_id: one for one in [*very_late, *late][:_MOST]}
        if not found:
            return
        async with self._database.transaction() as tx:
            before = await tx.one(hatchet_runs.claim_restarts(list(found), now))
        try:
            await self._begin_anew(client, before, found)
        except BaseException:
            async with self._database.transaction() as tx:
                await tx.apply([hatchet_runs.unclaim_restarts(list(before), now)])
            raise

    async def _begin_anew(
        self, client: Client, before: Mapping[UUID, str], found: Mapping[UUID, RunStart]
    ) -> None:
        """Begin enrollments anew whose runs have not come, unless somebody has cancelled these."""
        runs = {run: one for one, run in before.items() if run}
        ended = await self._end_cancelled(client, runs)
        again = [found[one] for one in before if one not in ended]
        if not again:
            return
        log.warning(
            "%d turns are late: their runs in Hatchet have not come; started anew", len(again)
        )
        await self._start_all(client, again)
        lost = [run for run, one in runs.items() if one not in ended]
        async with self._database.transaction() as tx:
            await tx.apply([hatchet_runs.forget_waits(lost)])
        await client.cancel(lost)

    async def reconcile(self) -> None:
        """End the enrollments whose runs were cancelled in Hatchet's own dashboard."""
        client = self.client
        if client is None:
            return
        long = self._looks % _LOOKS_OF_LATE == 0
        self._looks += 1
        since = self._clock.now() - (_LONG_AGO if long else _OF_LATE)
        runs = await client.cancelled_since(since)
        self._reach.answered("api")
        if runs:
            await self._end_cancelled(
                client, await self._database.read_one(hatchet_runs.enrollments_of(runs))
            )

    async def _end_cancelled(self, client: Client, runs: Mapping[str, UUID]) -> set[UUID]:
        """End those of some live enrollments whose run somebody has cancelled.

        Args:
            client: Hatchet.
            runs: runs that play them, with whom each plays. Ours to cancel are only runs of those
                who have ended, or who have another run by now.
        """
        told = await asyncio.gather(*(client.told_to_cancel(run) for run in runs))
        ended = {one for one, was in zip(runs.values(), told, strict=True) if was}
        for one in ended:
            await self._cancelled(one)
        return ended
