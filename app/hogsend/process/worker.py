"""The worker: the engine that runs journeys, the mailer, tracking and retention."""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from ..clock import Clock
from ..delivery.blocked_mails import BlockedMails
from ..delivery.feedback.listener import BounceListener
from ..delivery.feedback.mailbox import BounceMailbox
from ..delivery.governor import Governor
from ..delivery.mailer import Mailer
from ..delivery.provider_pauses import ProviderPause
from ..delivery.tracking import Tracker
from ..engines.port import Engine, Wake
from ..errors import CorruptRow
from ..ingest import BatchResult
from ..services.content import Content
from ..services.send_hold import RESUME
from ..store.corrupt_row_failures import fail_send
from ..store.db import Database
from ..store.workers import Outage
from ..turns.runner import TurnRunner
from .event_bus import EventBus, WorkersLost
from .journey_sync import sync_journeys
from .retention import Retention
from .worker_registry import Heartbeat, WorkerRegistry

log = logging.getLogger("hogsend.worker")


class Worker:
    """Runs journeys and delivers mail.

    Args:
        bus: delivers what was committed, and which workers are lost.
        database: the database.
        clock: the source of the current time.
        turn_runner: runs turns.
        engine: decides when they run.
        mailer: delivers mail.
        tracker: decides which clicks were a person's; None where its caller drives it.
        retention: removes what is kept no longer; None where everything is kept.
        blocked_mails: makes blocked mails again; None where they stay blocked.
        bounce_reader: takes the mails that came back; None where no setting says how.
        registry: the workers on this database; None where there is only one.
        heartbeat: shows the other workers that this one runs; None where there is only one.
    """

    def __init__(
        self,
        *,
        bus: EventBus,
        database: Database,
        clock: Clock,
        turn_runner: TurnRunner,
        engine: Engine,
        mailer: Mailer,
        tracker: Tracker | None = None,
        retention: Retention | None = None,
        blocked_mails: BlockedMails | None = None,
        bounce_reader: BounceListener | BounceMailbox | None = None,
        registry: WorkerRegistry | None = None,
        heartbeat: Heartbeat | None = None,
    ) -> None:
        self.turn_runner = turn_runner
        self.engine = engine
        self.mailer = mailer
        self._database = database
        self._clock = clock
        self.retention = retention
        self._blocked_mails = blocked_mails
        self._bounce_reader = bounce_reader
        background = (tracker, retention, blocked_mails, bounce_reader)
        self._background = [part for part in background if part is not None]
        self._registry = registry
        self._heartbeat = heartbeat
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping: asyncio.Future[None] | None = None
        bus.subscribe(BatchResult, self._on_committed)
        bus.subscribe(WorkersLost, self._on_workers_lost)

    @property
    def id(self) -> UUID | None:
        """The id of this worker among others; None where there is only one."""
        return self._registry.id if self._registry else None

    @property
    def is_idle(self) -> bool:
        """Whether no turn is running and no mail is being delivered."""
        return self.engine.is_idle and self.mailer.is_idle

    @property
    def is_stopped(self) -> bool:
        """Whether the worker has begun to stop, after which it does not run again."""
        return self._stopping is not None

    @property
    def outage(self) -> Outage | None:
        """What the engine cannot reach, if anything."""
        return self.engine.outage

    @property
    def provider_problem(self) -> str | None:
        """Why the mail provider refuses everything, if it does."""
        return self.mailer.provider_problem

    @property
    def bounce_problem(self) -> str | None:
        """Why bounces cannot be received, if they should be and cannot."""
        return self._bounce_reader.problem if self._bounce_reader else None

    @property
    def governor(self) -> Governor:
        """Paces the mails."""
        return self.mailer.governor

    @property
    def policy_problem(self) -> str | None:
        """Why no mail may leave, if the sending policy cannot be used."""
        return self.mailer.policy_problem

    def find_pause(self, provider: str) -> ProviderPause | None:
        """Return whether a provider takes mail; None for one that is not set up."""
        return self.mailer.pauses.find(provider)

    @property
    def send_hold(self) -> str | None:
        """Why nothing may be sent, if sending is on hold."""
        return self.mailer.send_hold

    def use(self, content: Content) -> None:
        """Use the author's content from now on."""
        self.turn_runner.code = content.journey_code
        self.mailer.renderer = content.renderer
        self.mailer.use_policy(content.sending_policy)
        if self._blocked_mails is not None:
            self._blocked_mails.use(content.templates)
        if self._registry is not None:
            self._registry.use_code(content.registry.journeys)
        self.engine.use_code(content.registry.journeys)
        self.poll()

    def poll(self) -> None:
        """Read due turns and due mails again: another process may have changed them."""
        self.engine.poll()
        self.mailer.poll()

    async def start(self) -> None:
        """Settle the mails that the last stop left in the middle of their hand-over, and begin."""
        if self._heartbeat is not None:
            await self._heartbeat.start()
        await self._recover_sends()
        if self.send_hold is not None:
            text = "sending is on hold because this database is a %s. %s"
            log.warning(text, self.send_hold, RESUME)
        parts = (self.engine, self.mailer, *self._background)
        self._tasks = [asyncio.create_task(part.run()) for part in parts]

    async def stop(self, patience: float) -> None:
        """End running turns at their next step, and let hand-overs finish.

        A second call waits for the same end.

        Args:
            patience: how long a hand-over may take, in seconds.
        """
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self._stop(patience))
        await asyncio.shield(self._stopping)

    async def _stop(self, patience: float) -> None:
        for part in self._background:
            await part.close()
        await asyncio.gather(self._stop_turns(), self.mailer.close(patience))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._heartbeat is not None:
            await self._heartbeat.stop()

    async def _stop_turns(self) -> None:
        await self.engine.close()
        await self.turn_runner.close()

    async def _on_committed(self, result: BatchResult) -> None:
        if result.wakes:
            await self.engine.schedule(
                [Wake(enrollment_id, at) for enrollment_id, at in result.wakes.items()]
            )
        if result.ended:
            await self.engine.cancel(result.ended)
        if "sends" in result.topics:
            self.mailer.poll()
            self.engine.notify_mail()

    async def _on_workers_lost(self, event: WorkersLost) -> None:
        """Settle the mails that lost workers left, and park enrollments only they had code for."""
        await self._recover_sends()
        registry = self.turn_runner.code.registry
        await sync_journeys(self._database, registry, self._clock.now(), self.id)

    async def _recover_sends(self) -> None:
        """Settle mails in the middle of their hand-over; a mail with a corrupt row fails."""
        while True:
            try:
                return await self.mailer.recover()
            except CorruptRow as error:
                if error.table != "sends":
                    raise
                await fail_send(self._database, UUID(error.row), error, self._clock.now())
