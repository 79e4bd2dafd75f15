"""The engine that lets Hatchet decide when and where a turn runs.

The rows decide what is due; Hatchet only says when somebody looks. What is told here is a hint, as
everywhere: due enrollments that no run plays are found and their runs started, sleeping runs whose
turn is due are woken, runs of those who have ended are cancelled, and what is overdue all the same
is begun anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from ...clock import Clock
from ...errors import HatchetUnavailable
from ...store import hatchet_runs
from ...store.batcher import Batcher
from ...store.db import Database
from ...store.hatchet_runs import RunState, RunWait
from ...store.workers import Outage
from ..embedded import EmbeddedEngine
from ..port import Leases, PlayTurns, Wake
from .client import Client
from .connectivity import Connectivity
from .host import WorkerHost
from .outbox import Outbox
from .requested_turns import RequestedTurns
from .tasks import Chore, Work

# Who waits for no time looks up again after this long.
_LONGEST_SLEEP = timedelta(days=20)
# Clocks of machines differ: a wake that came so long before a wait was recorded counts for it.
_CLOCKS_DIFFER = timedelta(seconds=20)
# The clock of a run goes in whole seconds.
_SECOND = timedelta(seconds=1)
# How often Hatchet is asked whether it is there, and its client made that could not be, in seconds.
PING_EVERY, CONNECT_EVERY = 10.0, 10.0
# How long the worker may take to leave, in seconds.
_LEAVING = 5.0
_OVER = ("completed", "exited", "failed", "held_out")


@dataclass(frozen=True, slots=True)
class HatchetEventHandler:
    """What events come in by that other services push to Hatchet itself.

    Args:
        events: their names, wildcards allowed; none by default.
        take: takes one in: its id, its name, and what it says; returns what Hatchet shows of it.
    """

    events: Sequence[str]
    take: Callable[[str, str, Mapping[str, Any]], Awaitable[Mapping[str, str]]]


class HatchetEngine:
    """Plays turns when Hatchet says so.

    Args:
        database: where everything is.
        clock: what tells the time.
        play: plays one turn of each given enrollment.
        journeys: returns the ids of the journeys there is code for.
        cancelled: ends an enrollment whose run somebody has cancelled in Hatchet.
        doors: what Hatchet's own events come in by.
        chores: what Hatchet is to run beside the journeys, by name.
        leases: keeps turns apart where several workers are at work.
        is_pressed: says whether facts arrive faster than they are written.
        on_reach: is called whenever Hatchet goes away or is there again.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        play: PlayTurns,
        *,
        journeys: Callable[[], Collection[str]],
        cancelled: Callable[[UUID], Awaitable[None]],
        doors: HatchetEventHandler,
        chores: Mapping[str, Chore] = {},
        leases: Leases | None = None,
        is_pressed: Callable[[], bool] = lambda: False,
        on_reach: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._journeys = journeys
        self._asked = RequestedTurns(database)
        self._turns = EmbeddedEngine(
            database, clock, play, is_pressed, leases=leases, rows=self._asked
        )
        self._asked.look = self._turns.look
        self._chores, self._doors = chores, doors
        self._reach = Connectivity(clock, self._reach_changed)
        self._on_reach = on_reach
        self._outbox = Outbox(
            database, clock, journeys, cancelled, self._asked.played, reach=self._reach
        )
        self._waits: Batcher[tuple[str, RunWait], None] = Batcher(
            self._write_waits, turn=database.turn
        )
        self._standings: Batcher[UUID, RunState | None] = Batcher(self._read_standings)
        self._closing = asyncio.Event()
        self._reload = asyncio.Event()
        self._host: WorkerHost | None = None
        self._working: list[asyncio.Task[None]] = []

    # -- the port -----------------------------------------------------------------------------

    @property
    def away(self) -> Outage | None:
        """What of Hatchet does not answer, if anything."""
        return self._reach.away

    async def schedule(self, wakes: Sequence[Wake]) -> None:
        now = self._clock.now()
        if any(wake.at <= now for wake in wakes):
            self._outbox.look()

    async def cancel(self, enrollments: Sequence[UUID]) -> None:
        self._outbox.look()

    def look(self) -> None:
        """Look at the rows again: somebody else may have changed them."""
        self._turns.look()
        self._outbox.look()

    def begin(self, chore: str) -> None:
        """Let Hatchet run a chore soon."""
        self._outbox.begin(chore)

    def use_other_code(self) -> None:
        """Register the journeys anew: there may be others."""
        self._reload.set()
        self.look()

    async def work(self) -> None:
        turns = asyncio.create_task(self._turns.work())
        try:
            await self._connected()
        finally:
            await turns

    async def close(self) -> None:
        self._closing.set()
        self._outbox.end()
        await asyncio.gather(self._end_turns(), self._stop_host())
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)

    async def _end_turns(self) -> None:
        await self._turns.close()
        # Whoever has asked for a turn in vain gets a wait, and asks another worker after it.
        self._asked.end()

    async def _stop_host(self) -> None:
        if self._host is not None:
            await self._host.stop(_LEAVING)

    @property
    def idle(self) -> bool:
        """Whether no turn is under way."""
        return self._turns.idle

    def _reach_changed(self) -> None:
        self.look()
        self._on_reach()

    # -- what runs ask ------------------------------------------------------------------------

    async def recorded(self, run_id: str) -> Sequence[RunWait]:
        """Return the waits that a run was told to make so far."""
        return await self._database.read_one(hatchet_runs.waits_of(run_id))

    async def next(
        self, run_id: str, enrollment_id: UUID, number: int, before: RunWait | None
    ) -> RunWait | str:
        """Play what is due, and return the next wait, or how the run ends.

        Any run may play a turn that is due; the one that is not the enrollment's own then ends.

        Args:
            run_id: the run that asks.
            enrollment_id: whom it plays.
            number: the how many-th wait of the run it would be.
            before: the wait that has just ended.
        """
        while True:
            asked_at = self._clock.now()
            standing = await self._standings.submit(enrollment_id)
            if standing is None or standing.state in _OVER:
                await self._forget(enrollment_id, run_id)
                return standing.state if standing else "gone"
            if _is_due(standing, asked_at) and not self._closing.is_set():
                await self._asked.play(enrollment_id)
            elif standing.run_id not in ("", run_id):
                return "superseded"
            else:
                if not standing.run_id:
                    await self._adopt(enrollment_id, run_id)
                wait = _wait(number, standing, asked_at, before)
                await self._waits.submit((run_id, wait))
                return wait

    async def _adopt(self, enrollment_id: UUID, run_id: str) -> None:
        """Note a run as the enrollment's own that has come before its name was written down."""
        async with self._database.transaction() as tx:
            await tx.apply([hatchet_runs.adopt(enrollment_id, run_id, self._clock.now())])

    async def _forget(self, enrollment_id: UUID, run_id: str) -> None:
        async with self._database.transaction() as tx:
            await tx.apply(hatchet_runs.forget([(enrollment_id, run_id)]))

    async def _write_waits(self, waits: Sequence[tuple[str, RunWait]]) -> Sequence[None]:
        async with self._database.transaction() as tx:
            await tx.apply([hatchet_runs.note_waits(waits)])
        return [None] * len(waits)

    async def _read_standings(self, ids: Sequence[UUID]) -> Sequence[RunState | None]:
        found = await self._database.read_one(hatchet_runs.standings(ids))
        return [found.get(one) for one in ids]

    # -- Hatchet ------------------------------------------------------------------------------

    async def _connected(self) -> None:
        client = await self._connect()
        if client is None:
            return
        self._outbox.client = client
        works = (
            self._outbox.work,
            self._outbox.sweep_always,
            self._outbox.reconcile_always,
        )
        self._working = [asyncio.create_task(work()) for work in works]
        self._working.append(asyncio.create_task(self._ping(client)))
        try:
            while not self._closing.is_set():
                self._reload.clear()
                self._host = WorkerHost(client, self._outbox.look)
                running = asyncio.create_task(self._host.run(self._work_of()))
                await _first(running, self._closing, self._reload)
                if not self._closing.is_set():
                    await self._host.stop(_LEAVING)
                await running
        finally:
            client.close()

    async def _connect(self) -> Client | None:
        while not self._closing.is_set():
            try:
                return await Client.connect()
            except HatchetUnavailable as error:
                self._reach.missed("ping", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(CONNECT_EVERY):
                    await self._closing.wait()
        return None

    def _work_of(self) -> Work:
        return Work(
            asyncio.get_running_loop(),
            copy_context(),
            self,
            sorted(self._journeys()),
            self._chores,
            self._doors.events,
            self._doors.take,
        )

    async def _ping(self, client: Client) -> None:
        """Ask again and again whether Hatchet is there, until cancelled."""
        while True:
            try:
                await client.version()
            except HatchetUnavailable as error:
                self._reach.missed("ping", error)
            else:
                self._reach.answered("ping")
            await asyncio.sleep(PING_EVERY)


def _is_due(standing: RunState, now: datetime) -> bool:
    wake_at = standing.wake_at
    return standing.state in ("active", "waiting") and wake_at is not None and wake_at <= now


def _wait(number: int, standing: RunState, now: datetime, before: RunWait | None) -> RunWait:
    """Return a run's next wait: until the enrollment's own time, or until it is woken."""
    # After a wait for the same turn, which was not played, the wake that has ended that wait would
    # end this one at once, and so on: no earlier wake counts any more.
    is_same = before is not None and before.turn == standing.turn
    sleep = _LONGEST_SLEEP
    if standing.wake_at is not None and standing.state in ("active", "waiting"):
        sleep = min(standing.wake_at - now, _LONGEST_SLEEP)
    seconds = max(ceil(sleep / _SECOND), 1)
    since = now if is_same else now - _CLOCKS_DIFFER
    return RunWait(number, seconds, since, standing.turn)


async def _first(running: asyncio.Task[None], *events: asyncio.Event) -> None:
    """Return when something has ended or happened."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait([running, *waits], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
