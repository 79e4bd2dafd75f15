"""The Hatchet engine: lets Hatchet decide when and where a turn runs.

The rows decide which turns are due; Hatchet only decides when the rows are read. Notifications are
hints that may be lost. The outbox finds due enrollments without a run and starts runs for them,
wakes sleeping runs whose turn is due, and cancels runs of ended enrollments. The sweeper restarts
runs that are late nevertheless, and the reconciler exits enrollments whose run was cancelled in
Hatchet.
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
from uuid import UUID, uuid4

from ...clock import Clock
from ...errors import HatchetUnavailable, StoreUnavailable
from ...store import hatchet_runs, meta
from ...store.batcher import Batcher
from ...store.db import Database
from ...store.hatchet_runs import RunState, RunWait
from ...store.workers import Outage
from ..embedded import EmbeddedEngine
from ..port import Leases, RunTurns, Wake
from .client import Client
from .connectivity import Connectivity
from .engine_context import EngineContext
from .host import WorkerHost
from .outbox import Outbox
from .reconciler import Reconciler
from .requested_turns import RequestedTurns
from .restorer import Restorer
from .sweeper import Sweeper
from .tasks import CronTask, WorkerSpec

# How long a run without a wake time sleeps before it asks for its next wait.
_MAX_SLEEP = timedelta(days=20)
# How far the clocks of machines may differ. A wait also counts wakes from this long before it was
# recorded.
_CLOCK_SKEW = timedelta(seconds=20)
# Hatchet sleeps whole seconds.
_SECOND = timedelta(seconds=1)
# The interval between pings, and between attempts to connect, in seconds.
PING_INTERVAL, CONNECT_INTERVAL = 10.0, 10.0
# How long the Hatchet worker may take to stop, in seconds.
_STOP_TIMEOUT = 5.0
_ENDED_STATES = ("completed", "exited", "failed", "held_out")


@dataclass(frozen=True, slots=True)
class HatchetEventHandler:
    """Ingests the events that other services push to Hatchet.

    Args:
        event_names: the names of the events to ingest, wildcards allowed; may be empty.
        ingest_event: ingests an event by its id, name and payload; returns the result that Hatchet
            shows.
    """

    event_names: Sequence[str]
    ingest_event: Callable[[str, str, Mapping[str, Any]], Awaitable[Mapping[str, str]]]


class HatchetEngine:
    """Runs turns when Hatchet starts or wakes the enrollment's run.

    Args:
        database: the database with the enrollments.
        clock: the source of the current time.
        run_turns: runs one turn of each given enrollment.
        journey_ids: the journeys that this process has code for.
        exit_cancelled: exits an enrollment whose run was cancelled in Hatchet.
        event_handler: ingests the events that other services push to Hatchet.
        cron_tasks: the tasks that Hatchet runs besides the journeys, by name.
        mail_task: the name of the cron task that hands due mails over, if there is one.
        leases: keeps several workers from running the same turn.
        is_ingest_busy: returns whether events arrive faster than they are written.
        on_connectivity_change: called when Hatchet becomes unreachable, and when it answers again.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        run_turns: RunTurns,
        *,
        journey_ids: Collection[str],
        exit_cancelled: Callable[[UUID], Awaitable[None]],
        event_handler: HatchetEventHandler,
        cron_tasks: Mapping[str, CronTask] = {},
        mail_task: str | None = None,
        leases: Leases | None = None,
        is_ingest_busy: Callable[[], bool] = lambda: False,
        on_connectivity_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._requested_turns = RequestedTurns(database, self._poll_turns)
        self._turns = EmbeddedEngine(
            database,
            clock,
            run_turns,
            is_ingest_busy,
            leases=leases,
            due_turns=self._requested_turns,
        )
        self._cron_tasks = cron_tasks
        self._mail_task = mail_task
        self._event_handler = event_handler
        self._connectivity = Connectivity(clock, self._handle_connectivity_change)
        self._on_connectivity_change = on_connectivity_change
        self._context = EngineContext(database, clock, self._connectivity, journey_ids)
        self._outbox = Outbox(self._context)
        self._reconciler = Reconciler(self._context, exit_cancelled)
        is_requested = self._requested_turns.is_requested
        self._sweeper = Sweeper(self._context, is_requested, self._reconciler)
        self._restorer = Restorer(self._context, is_requested)
        self._wait_writes: Batcher[tuple[str, RunWait], None] = Batcher(
            self._write_waits, lock=database.write_lock
        )
        self._state_reads: Batcher[UUID, RunState | None] = Batcher(self._read_states)
        self._closing = asyncio.Event()
        self._code_changed = asyncio.Event()
        self._host: WorkerHost | None = None
        self._background: list[asyncio.Task[None]] = []

    # -- the port -----------------------------------------------------------------------------

    @property
    def outage(self) -> Outage | None:
        """Which part of Hatchet is unreachable, if any."""
        return self._connectivity.outage

    @property
    def is_idle(self) -> bool:
        return self._turns.is_idle

    async def schedule(self, wakes: Sequence[Wake]) -> None:
        now = self._clock.now()
        if any(wake.at <= now for wake in wakes):
            self._outbox.poll()

    async def cancel(self, enrollments: Sequence[UUID]) -> None:
        self._outbox.poll()

    def notify_mail(self) -> None:
        # Even if the task is running: it may have just found that no mail is due.
        if self._mail_task is not None:
            self.start_task(self._mail_task)

    def use_code(self, journey_ids: Collection[str]) -> None:
        """Register the journeys with Hatchet again, because some may be new."""
        self._context.journey_ids = journey_ids
        self._code_changed.set()
        self.poll()

    def poll(self) -> None:
        self._turns.poll()
        self._outbox.poll()

    async def run(self) -> None:
        turns = asyncio.create_task(self._turns.run())
        try:
            await self._run_connected()
        finally:
            await turns

    async def close(self) -> None:
        self._closing.set()
        self._outbox.close()
        await asyncio.gather(self._close_turns(), self._stop_host())

    def start_task(self, name: str) -> None:
        """Let Hatchet run a cron task soon."""
        self._outbox.start_task(name)

    async def _close_turns(self) -> None:
        await self._turns.close()
        # A run whose turn did not start gets a wait, and asks another worker after the wait.
        self._requested_turns.close()

    async def _stop_host(self) -> None:
        if self._host is not None:
            await self._host.stop(_STOP_TIMEOUT)

    def _poll_turns(self) -> None:
        self._turns.poll()

    def _handle_connectivity_change(self) -> None:
        self.poll()
        self._on_connectivity_change()

    # -- calls of the runs ----------------------------------------------------------------------

    async def load_recorded_waits(self, run_id: str) -> Sequence[RunWait]:
        """Return the waits that a run has made so far."""
        return await self._database.read_one(hatchet_runs.find_waits(run_id))

    async def run_until_wait(
        self, run_id: str, enrollment_id: UUID, number: int, before: RunWait | None
    ) -> RunWait | str:
        """Run the turn that is due; return the next wait, or the status with which the run ends.

        Any run may run a turn that is due. A run that is not the enrollment's own ends afterwards.

        Args:
            run_id: the run that asks.
            enrollment_id: the enrollment that it runs.
            number: the position of the next wait in the run, from 0.
            before: the wait that has just ended, if any.
        """
        while True:
            now = self._clock.now()
            state = await self._state_reads.submit(enrollment_id)
            if state is None or state.state in _ENDED_STATES:
                await self._forget(enrollment_id, run_id)
                return state.state if state else "gone"
            if _is_due(state, now) and not self._closing.is_set():
                await self._requested_turns.request(enrollment_id)
            elif state.run_id not in ("", run_id):
                return "superseded"
            else:
                if not state.run_id:
                    await self._adopt(enrollment_id, run_id)
                wait = _make_wait(number, state, now, before)
                await self._wait_writes.submit((run_id, wait))
                return wait

    async def hand_over(self, run_id: str, enrollment_id: UUID) -> str:
        """Forget a run, so that the outbox starts another one when the enrollment is due."""
        await self._forget(enrollment_id, run_id)
        self._outbox.poll()
        return "restarted"

    async def refuse_foreign_run(self, run_id: str, installation_id: str) -> str:
        """Log that a run belongs to another installation; return the reason to refuse it."""
        return self._context.log_foreign_run(run_id, installation_id)

    async def _adopt(self, enrollment_id: UUID, run_id: str) -> None:
        """Record a run as the enrollment's own, because it began before its id was recorded."""
        namespace, now = self._context.namespace, self._clock.now()
        async with self._database.transaction() as tx:
            await tx.apply([hatchet_runs.adopt_run(enrollment_id, run_id, namespace, now)])

    async def _forget(self, enrollment_id: UUID, run_id: str) -> None:
        async with self._database.transaction() as tx:
            await tx.apply(hatchet_runs.delete([(enrollment_id, run_id)]))

    async def _write_waits(self, waits: Sequence[tuple[str, RunWait]]) -> Sequence[None]:
        async with self._database.transaction() as tx:
            await tx.apply([hatchet_runs.record_waits(waits)])
        return [None] * len(waits)

    async def _read_states(self, ids: Sequence[UUID]) -> Sequence[RunState | None]:
        states = await self._database.read_one(hatchet_runs.find_states(ids))
        return [states.get(enrollment_id) for enrollment_id in ids]

    # -- the connection -----------------------------------------------------------------------

    async def _run_connected(self) -> None:
        client = await self._connect()
        if client is None:
            return
        self._context.client = client
        self._background = [
            asyncio.create_task(self._outbox.run()),
            asyncio.create_task(self._sweeper.run()),
            asyncio.create_task(self._restorer.run()),
            asyncio.create_task(self._reconciler.run()),
            asyncio.create_task(self._ping_repeatedly(client)),
        ]
        try:
            while not self._closing.is_set():
                self._code_changed.clear()
                self._host = WorkerHost(
                    client, self._outbox.poll, lambda: self._check_health(client)
                )
                running = asyncio.create_task(self._host.run(self._build_worker_spec()))
                await _wait_for_first(running, self._closing, self._code_changed)
                if not self._closing.is_set():
                    await self._host.stop(_STOP_TIMEOUT)
                await running
        finally:
            # Before the client: a call that fails because the client is closed is no outage.
            for task in self._background:
                task.cancel()
            await asyncio.gather(*self._background, return_exceptions=True)
            client.close()

    async def _connect(self) -> Client | None:
        """Connect to Hatchet, with unlimited attempts; return None once the engine is closed."""
        while not self._closing.is_set():
            try:
                return await Client.connect(await self._load_installation_id())
            except HatchetUnavailable as error:
                self._connectivity.record_failure("ping", error)
            except StoreUnavailable:
                # The database's health reports it.
                pass
            with suppress(TimeoutError):
                async with asyncio.timeout(CONNECT_INTERVAL):
                    await self._closing.wait()
        return None

    async def _load_installation_id(self) -> str:
        """Return the id of this installation, which is made at the first call."""
        async with self._database.transaction() as tx:
            await tx.apply([meta.set_default(meta.INSTALLATION, uuid4().hex)])
            installation_id = await tx.fetch_one(meta.find_value(meta.INSTALLATION))
        return installation_id or ""

    def _build_worker_spec(self) -> WorkerSpec:
        return WorkerSpec(
            loop=asyncio.get_running_loop(),
            context=copy_context(),
            run_handler=self,
            journey_ids=sorted(self._context.journey_ids),
            cron_tasks=self._cron_tasks,
            event_names=self._event_handler.event_names,
            ingest_event=self._event_handler.ingest_event,
        )

    async def _ping_repeatedly(self, client: Client) -> None:
        """Ping Hatchet at intervals, until cancelled."""
        while True:
            await self._ping(client)
            await asyncio.sleep(PING_INTERVAL)

    async def _check_health(self, client: Client) -> bool:
        return await self._ping(client) and not self._connectivity.had_outage_lately

    async def _ping(self, client: Client) -> bool:
        """Ping Hatchet; return whether it answered."""
        try:
            await client.fetch_version()
        except HatchetUnavailable as error:
            self._connectivity.record_failure("ping", error)
            return False
        self._connectivity.record_answer("ping")
        return True


def _is_due(state: RunState, now: datetime) -> bool:
    return (
        state.state in ("active", "waiting") and state.wake_at is not None and state.wake_at <= now
    )


def _make_wait(number: int, state: RunState, now: datetime, before: RunWait | None) -> RunWait:
    """Return a run's next wait: until the enrollment's wake time, or until it is woken."""
    # The turn of the last wait did not run. If the wake that ended the last wait still counted, it
    # would end each new wait immediately, so only later wakes count.
    is_same_turn = before is not None and before.turn == state.turn
    sleep = _MAX_SLEEP
    if state.wake_at is not None and state.state in ("active", "waiting"):
        sleep = min(state.wake_at - now, _MAX_SLEEP)
    seconds = max(ceil(sleep / _SECOND), 1)
    since = now if is_same_turn else now - _CLOCK_SKEW
    return RunWait(number, seconds, since, state.turn)


async def _wait_for_first(running: asyncio.Task[None], *events: asyncio.Event) -> None:
    """Wait until a task has ended or an event is set."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait([running, *waits], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
