"""Schedules deliveries: starts due sends as fast as the limits allow, and stops gracefully."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from datetime import datetime, timedelta
from uuid import UUID

from ..clock import Clock
from ..domain.sending_policy import NO_POLICY, SendingPolicy
from ..engines.poller import Poller
from ..ingest import Ingest
from ..store import meta, sending_stops
from ..store.change_feed import ChangeFeed
from ..store.db import Database
from .drain_gate import DrainGate
from .due_sends import DueSends
from .feedback.handler import OnBounces
from .governor import Governor
from .ledger import Ledger
from .provider_pauses import ProviderPauses
from .providers.provider_set import ProviderSet
from .rate_limiter import RateLimiter
from .recovery import settle_interrupted_sends
from .render import Renderer
from .send_delivery import SendDelivery
from .send_jobs import SendJob

log = logging.getLogger("hogsend.mail")

# The maximum number of concurrent deliveries; the provider limits its own connections.
MAX_DELIVERIES = 64
# The maximum number of sends that are claimed at once.
READ_AHEAD = 256
# The interval between batches of mails while ingest is under load, in seconds.
INGEST_LOAD_PAUSE = 0.05
MAX_SLEEP = timedelta(seconds=30)
# With a drain gate, a mail that is overdue for this long leaves although the gate is closed.
LATE_AFTER = timedelta(minutes=1)
# How long mails before their hand-over have to end after the mailer stops, in seconds.
_PREPARING_SECONDS = 1.0


class Mailer:
    """Delivers the due sends of the ledger.

    Args:
        database: holds the ledger.
        clock: the source of the current time.
        ingest: ingests the events of delivery, such as bounces.
        providers: the providers that the mails are handed to.
        changes: notified when sends change.
        renderer: renders the mails; may be replaced at any time.
        rate: the maximum number of mails a second; 0 for no limit.
        holder: this worker's id, where several workers deliver.
        drain_gate: with a gate, mails leave only while `drain` runs, or when they are overdue for
            `LATE_AFTER`; without one, mails leave as soon as they are due.
        governor: paces the mails; one without limits unless given.
        test_address: the address that gets every mail in test mode.
        on_bounces: is called with the domains of senders whose mails bounced.

    Attributes:
        send_hold: why nothing may be sent, if sending is on hold.
        policy_problem: why no mail may leave, if the sending policy cannot be used.
        ledger: records hand-overs and outcomes.
        governor: paces the mails.
        pauses: the pauses of the providers.
        providers: the providers.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        ingest: Ingest,
        providers: ProviderSet,
        changes: ChangeFeed,
        renderer: Renderer,
        rate: float = 0,
        holder: UUID | None = None,
        drain_gate: DrainGate | None = None,
        governor: Governor | None = None,
        test_address: str | None = None,
        on_bounces: OnBounces | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self.providers = providers
        self._changes = changes
        self._ingest = ingest
        self.governor = governor or Governor()
        self.ledger = Ledger(
            database, clock, ingest, holder, test_address=test_address, on_bounces=on_bounces
        )
        self._due_sends = DueSends(database, holder)
        self._poller = Poller(log, "due mails could not be read; trying again")
        self.pauses = ProviderPauses(providers.names, on_end=self._poller.notify)
        self._delivery = SendDelivery(
            clock,
            self.ledger,
            providers=providers,
            pauses=self.pauses,
            governor=self.governor,
            renderer=renderer,
        )
        self._rate_limiter = RateLimiter(rate)
        self._gate = drain_gate
        self._is_closing = False
        self._begun = 0
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._ready: deque[SendJob] = deque()
        self._is_full = False
        self._next_batch_at = 0.0
        self.send_hold: str | None = None
        self.policy_problem: str | None = None

    @property
    def renderer(self) -> Renderer:
        """The renderer of the mails whose delivery begins from now on."""
        return self._delivery.renderer

    @renderer.setter
    def renderer(self, renderer: Renderer) -> None:
        self._delivery.renderer = renderer

    @property
    def provider_problem(self) -> str | None:
        """Why no mail leaves through one of the providers, if so."""
        problems = self.pauses.problems
        if len(self.providers) == 1:
            return next(iter(problems.values()), None)
        return "; ".join(f"{name}: {reason}" for name, reason in problems.items()) or None

    @property
    def is_idle(self) -> bool:
        """Whether no mail is claimed or being delivered."""
        return not self._due_sends.has_claims

    @property
    def is_draining(self) -> bool:
        """Whether due mails may leave now."""
        return self._gate is None or self._gate.is_open

    def poll(self) -> None:
        """Read the ledger again soon: a send may be due."""
        self._poller.notify()

    async def drain(self) -> int:
        """Deliver due mails until none is due, for a limited time; return how many began."""
        begun_before = self._begun
        if self._gate is not None:
            await self._gate.drain(self._poller.notify)
        return self._begun - begun_before

    async def recover(self) -> None:
        """Read whether sending is on hold, and settle the hand-overs of workers that have ended."""
        self.send_hold = await self._database.read_one(meta.find_value(meta.SEND_HOLD))
        await settle_interrupted_sends(
            self._database,
            self._clock.now(),
            self.providers.get_window,
            self._delivery.renderer.get_on_doubt,
        )
        await self.read_stops()

    def use_policy(self, policy: SendingPolicy | None) -> None:
        """Send by a policy from now on.

        Args:
            policy: the policy; None when the author's file cannot be used: then the last one holds,
                and without one no mail leaves.
        """
        if policy is not None:
            unknown = sorted(policy.list_provider_names().difference(self.providers.names))
            if unknown and policy != self.governor.policy:
                text = "journeys/sending.py names providers that HOGSEND_MAIL does not have: %s"
                log.warning(text, ", ".join(unknown))
            self.governor.policy = policy
            self.policy_problem = None
        elif self.governor.policy is NO_POLICY:
            self.policy_problem = "journeys/sending.py cannot be used, so mail waits"
        self._poller.notify()

    async def read_stops(self) -> None:
        """Read for which providers and senders no mail leaves."""
        stops = await self._database.read_one(sending_stops.find_active())
        self.governor.stopped = frozenset((stop.scope, stop.name) for stop in stops)

    async def run(self) -> None:
        """Deliver until closed."""
        await self._poller.run(self._begin_due)

    async def close(self, patience: float) -> None:
        """Start no more hand-overs, and wait for those that are running.

        Args:
            patience: how long running hand-overs may take, in seconds; then they are in doubt.
        """
        self._is_closing = True
        self._delivery.stop_handoffs()
        self._poller.close()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        await self._cancel_preparing(min(patience, _PREPARING_SECONDS))
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=max(deadline - loop.time(), 0.0))
        overdue, running = self._delivery.sends_in_handoff, list(self._tasks.values())
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=_PREPARING_SECONDS)
        await self._delivery.leave_in_doubt(overdue)
        await self.providers.close()
        await self.ledger.flush()

    async def _cancel_preparing(self, seconds: float) -> None:
        """Wait for deliveries that are before their hand-over, then cancel the remaining ones."""
        preparing = self._find_preparing_tasks()
        if preparing:
            await asyncio.wait(preparing, timeout=seconds)
            for task in self._find_preparing_tasks():
                task.cancel()

    def _find_preparing_tasks(self) -> list[asyncio.Task[None]]:
        in_handoff = {send.id for send in self._delivery.sends_in_handoff}
        return [task for send_id, task in self._tasks.items() if send_id not in in_handoff]

    async def _begin_due(self) -> float:
        """Begin as many due sends as the limits allow; return how long to wait, in seconds."""
        self._is_full = False
        while not self._is_closing and self.send_hold is None and self.policy_problem is None:
            now = self._clock.now()
            wait = await self._compute_closed_seconds(now)
            if wait > 0:
                return wait
            room = self._begin_ready(now)
            if room <= 0:
                self._is_full = True
                return MAX_SLEEP.total_seconds()
            if self._ready or self._rate_limiter.compute_room(now, room) <= 0:
                return self._rate_limiter.wait
            wait = self._compute_yield_seconds()
            if wait > 0:
                return wait
            wait = await self._read_ahead()
            if wait > 0:
                return wait
        return MAX_SLEEP.total_seconds()

    def _begin_ready(self, now: datetime) -> int:
        """Begin deliveries of claimed sends; return how many more may run at the same time."""
        is_paused = self.pauses.are_all_stopped
        room = (1 if is_paused else MAX_DELIVERIES) - len(self._tasks)
        allowed = self._rate_limiter.compute_room(now, room)
        while self._ready and allowed > 0:
            self._begin(self._ready.popleft())
            self._rate_limiter.record_begun(1)
            allowed, room = allowed - 1, room - 1
        return room

    async def _read_ahead(self) -> float:
        """Claim due sends; return how long to wait, in seconds, or 0 if sends were claimed.

        The row of each send is checked again when its hand-over begins.
        """
        due, next_due_at = await self._due_sends.find(READ_AHEAD, self._clock.now())
        now = self._clock.now()
        if not due:
            if self._gate is not None and not self._tasks:
                self._gate.close()
            wait = next_due_at - now if next_due_at else MAX_SLEEP
            return max(min(wait, MAX_SLEEP).total_seconds(), 0.0)
        jobs = await self._due_sends.claim(
            due[: self._rate_limiter.limit_read_ahead(READ_AHEAD)], now
        )
        self._ready.extend(jobs)
        return 0.0

    async def _compute_closed_seconds(self, now: datetime) -> float:
        """Return for how long no mail may begin, in seconds."""
        paused = self.pauses.compute_seconds_left(now)
        if paused > 0 or self.is_draining or self._tasks:
            return paused
        due_at = await self._due_sends.find_next_due_at()
        is_late = due_at is not None and now - due_at > LATE_AFTER
        return 0.0 if is_late else LATE_AFTER.total_seconds() / 2

    def _compute_yield_seconds(self) -> float:
        """Return how long mails wait for ingest, which has waiting callers, in seconds."""
        now = asyncio.get_running_loop().time()
        if self._ingest.is_under_load and now < self._next_batch_at:
            return self._next_batch_at - now
        self._next_batch_at = now + INGEST_LOAD_PAUSE
        return 0.0

    def _begin(self, job: SendJob) -> None:
        self._begun += 1
        task = asyncio.create_task(self._deliver(job))
        self._tasks[job.send.id] = task
        task.add_done_callback(lambda _: self._finish(job.send.id))

    def _finish(self, send_id: UUID) -> None:
        del self._tasks[send_id]
        if self._is_full or not self._tasks:
            self._poller.notify()

    async def _deliver(self, job: SendJob) -> None:
        try:
            if not await self._delivery.run(job):
                # The send was cancelled, or its address has changed and it is still queued.
                self._changes.publish("sends")
                self._poller.notify()
        finally:
            self._due_sends.release(job.send.id)
