"""Everything that acts by itself: the engine that plays journeys, the mailer, the click judge."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from ..clock import Clock
from ..delivery.mailer import Mailer
from ..delivery.providers.port import Provider
from ..delivery.tracking import Tracker
from ..engines.due_rows import DueRows
from ..engines.embedded import EmbeddedEngine
from ..engines.hatchet.engine import HatchetEngine, HatchetEventHandler
from ..engines.hatchet.tasks import Chore
from ..engines.leases import RowLeases
from ..engines.port import Done, Wake
from ..errors import Conflict, CorruptRow, NotFound, StartError
from ..ingest import BatchResult, Ingest
from ..services.actor import HATCHET
from ..services.content import Content
from ..services.enrollments import run_action
from ..store.change_feed import ChangeFeed
from ..store.corrupt_rows import fail_enrollment, fail_send
from ..store.db import Database
from ..store.workers import Outage
from ..turns.runner import TurnRunner
from ..turns.turn_inputs import JourneyCode, TurnLimits
from .journey_sync import see_journeys
from .retention import Retention
from .worker_registry import WorkerRegistry

# What Hatchet calls the chore of handing due mails over.
DRAIN_MAIL = "drain-mail"


class WorkerLock:
    """Keeps a second worker off the same data folder; the system frees it when we end.

    Args:
        folder: the data folder.

    Raises:
        StartError: another process works on this folder.
    """

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "worker.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise StartError(
                f"Another worker is already at work on {folder}.",
                "Stop it first, or start this one without --with-worker.",
            ) from None

    def release(self) -> None:
        """Let another process work on the folder."""
        os.close(self._file)


class Worker:
    """Plays journeys and delivers mail.

    Args:
        database: the database.
        clock: what tells the time.
        ingest: the door; it tells this worker of everything that was committed.
        changes: where dashboards hear of it.
        provider: takes the mails.
        content: the author's content; `use` replaces it.
        tracker: judges held clicks.
        retention: removes what is past its time.
        limits: what one turn may use up.
        twice: whether turns are played twice, to show what the journal does not decide.
        rate: how many mails may be begun in a second; 0 for as many as the provider takes.
        roster: the workers on this database; None where there is one only.
        hatchet: what Hatchet's own events come in by, when Hatchet decides when turns run.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        ingest: Ingest,
        changes: ChangeFeed,
        provider: Provider,
        content: Content,
        tracker: Tracker,
        retention: Retention,
        limits: TurnLimits | None = None,
        twice: bool = False,
        rate: float = 0,
        roster: WorkerRegistry | None = None,
        hatchet: HatchetEventHandler | None = None,
    ) -> None:
        self.runner = TurnRunner(database, clock, ingest, _code(content), limits, twice=twice)
        self.mailer = Mailer(
            database=database,
            clock=clock,
            ingest=ingest,
            provider=provider,
            changes=changes,
            renderer=content.renderer,
            rate=rate,
            holder=roster.id if roster else None,
        )
        self._roster = roster
        self._tell_roster(content)
        self._database = database
        self._clock = clock
        self._changes = changes
        self._tracker = tracker
        self.retention = retention
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping: asyncio.Future[None] | None = None
        self._ingest = ingest
        self.engine = self._hatchet(hatchet) if hatchet else self._embedded()
        if roster is not None:
            roster.away = lambda: self.engine.away
        ingest.on_commit = self._committed

    def _embedded(self) -> EmbeddedEngine:
        leases = self._leases()
        return EmbeddedEngine(
            self._database,
            self._clock,
            self._play,
            lambda: self._ingest.is_pressed,
            leases=leases,
            rows=DueRows(
                self._database, holder=leases.holder if leases else None, knows=self._knows
            ),
        )

    def _hatchet(self, doors: HatchetEventHandler) -> HatchetEngine:
        self.mailer.only_when_asked()
        return HatchetEngine(
            self._database,
            self._clock,
            self._play,
            journeys=lambda: self.runner.code.registry.journeys,
            cancelled=self._end_cancelled,
            chores=self._chores(),
            doors=doors,
            is_pressed=lambda: self._ingest.is_pressed,
            leases=self._leases(),
            on_reach=lambda: self._changes.publish("journeys"),
        )

    def _leases(self) -> RowLeases | None:
        return RowLeases(self._database, self._roster.id) if self._roster else None

    @property
    def id(self) -> UUID | None:
        """What this worker is called among others; None where it is alone."""
        return self._roster.id if self._roster else None

    @property
    def outage(self) -> Outage | None:
        """What the engine cannot reach, if anything."""
        return self.engine.away

    @property
    def provider_problem(self) -> str | None:
        """Why the mail provider refuses everything, if it does."""
        return self.mailer.stopped

    @property
    def send_hold(self) -> str | None:
        """Why nothing may be sent, if sending is on hold."""
        return self.mailer.fence

    def use(self, content: Content) -> None:
        """Play and send with other content from now on."""
        self.runner.code = _code(content)
        self.mailer.renderer = content.renderer
        self._tell_roster(content)
        if isinstance(self.engine, HatchetEngine):
            self.engine.use_other_code()
        self.look()

    def look(self) -> None:
        """Look at every row anew: another process may have changed them."""
        self.engine.look()
        self.mailer.look()

    async def start(self) -> None:
        """Settle what the last stop left, and begin."""
        if self._roster is not None:
            self._roster.settle = self._take_over
            await self._roster.start()
        await self._recover()
        works: tuple[Callable[[], Awaitable[None]], ...] = (
            self.engine.work,
            self.mailer.work,
            self._tracker.work,
            self.retention.work,
        )
        self._tasks = [asyncio.ensure_future(work()) for work in works]

    async def _take_over(self) -> None:
        """Settle what a worker that is gone has left, and park those whom only it had code for."""
        await self._recover()
        registry = self.runner.code.registry
        await see_journeys(self._database, registry, self._clock.now(), self.id)

    async def _recover(self) -> None:
        """Settle mails that were being handed over; one that cannot be read has failed."""
        while True:
            try:
                return await self.mailer.recover()
            except CorruptRow as error:
                if error.table != "sends":
                    raise
                await fail_send(self._database, UUID(error.row), error, self._clock.now())

    async def stop(self, patience: float) -> None:
        """End running turns at their next step, and let hand-overs finish.

        Whoever asks again waits for the same end.

        Args:
            patience: how long a hand-over may take, in seconds.
        """
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self._stop(patience))
        await asyncio.shield(self._stopping)

    async def _stop(self, patience: float) -> None:
        await self._tracker.close()
        await self.retention.close()
        await asyncio.gather(self._end_turns(), self.mailer.close(patience))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._roster is not None:
            await self._roster.stop()

    def _knows(self, journey_id: str) -> bool:
        """Whether people of a journey are played or parked here: alone there is nobody else."""
        known = self.runner.code.registry.journeys
        return (
            self._roster is None
            or journey_id in known
            or (journey_id not in self._roster.elsewhere)
        )

    def _tell_roster(self, content: Content) -> None:
        if self._roster is not None:
            journeys = content.registry.journeys
            self._roster.knows({one: journey.code_hash for one, journey in journeys.items()})

    async def _end_turns(self) -> None:
        await self.engine.close()
        await self.runner.close()

    async def _play(self, ids: Sequence[UUID], done: Done) -> Collection[UUID]:
        """Play turns, unless what they came to could not be kept: no step must run in vain."""
        self._database.standing.check()
        try:
            return await self.runner.run(ids, done)
        except CorruptRow:
            going_on = [await self._play_apart(one, done) for one in ids]
            return [one for some in going_on for one in some]

    async def _play_apart(self, one: UUID, done: Done) -> Collection[UUID]:
        """Play a turn by itself: where a row cannot be read, only its enrollment fails."""
        try:
            return await self.runner.run([one], done)
        except CorruptRow as error:
            await fail_enrollment(self._database, one, error, self._clock.now())
            self._changes.publish("enrollments")
            return ()

    async def _committed(self, taking: BatchResult) -> None:
        if taking.wakes:
            await self.engine.schedule([Wake(one, at) for one, at in taking.wakes.items()])
        if taking.ended:
            await self.engine.cancel(taking.ended)
        if "sends" in taking.topics:
            self._look_at_mails()

    # -- what Hatchet runs beside the journeys ----------------------------------------------------

    def _chores(self) -> dict[str, Chore]:
        return {
            DRAIN_MAIL: Chore(self._drain, ["* * * * *"]),
            "remove-old": Chore(self._remove_old, ["17 * * * *"]),
        }

    def _look_at_mails(self) -> None:
        """Let mails leave that are due: at once, or when Hatchet comes to it."""
        self.mailer.look()
        if isinstance(self.engine, HatchetEngine):
            # Also when it is under way: it may just have seen that nothing more is due.
            self.engine.begin(DRAIN_MAIL)

    async def _drain(self) -> Mapping[str, Any]:
        return {"mails": await self.mailer.drain()}

    async def _remove_old(self) -> Mapping[str, Any]:
        return dict(await self.retention.run())

    async def _end_cancelled(self, enrollment_id: UUID) -> None:
        """End an enrollment whose run somebody has cancelled in Hatchet."""
        context = _ActionContext(self._database, self._clock, self._ingest)
        try:
            await run_action(context, HATCHET, "exit", enrollment_id, note="cancelled_in_hatchet")
        except (Conflict, NotFound):
            # It has ended meanwhile.
            return


@dataclass(frozen=True, slots=True)
class _ActionContext:
    """What an action on an enrollment needs."""

    database: Database
    clock: Clock
    ingest: Ingest


def _code(content: Content) -> JourneyCode:
    return JourneyCode(content.registry, content.template_lists)
