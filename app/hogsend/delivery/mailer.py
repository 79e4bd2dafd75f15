"""Hands due mails to the provider: claims rows, makes mails, and keeps the ledger true."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from ..clock import Clock
from ..domain.incoming import Suppress
from ..domain.round_robin import in_turns, parts
from ..domain.send_policy import Send
from ..engines.poller import Poller
from ..errors import StoreUnavailable
from ..ingest import Ingest
from ..store import counters, lag, meta, sends, workers
from ..store.change_feed import ChangeFeed
from ..store.counters import Tally
from ..store.db import Database
from ..store.sends import RenderedMail
from .drain_gate import DrainGate
from .ledger import Handover, HandoverOutcome, Ledger, SendJob
from .outcomes import failed, in_doubt, line, sent, settled_one
from .providers.port import (
    DeliveryError,
    InDoubt,
    Message,
    Provider,
    Rejected,
    TryLater,
    Withdrawn,
)
from .rate_limiter import RateLimiter
from .render import ContentMissing, Rendered, Renderer, RenderFailed
from .send_jobs import load_jobs

log = logging.getLogger("hogsend.mail")

# Mails under way at once; the provider bounds its connections itself.
AT_ONCE = 64
READ_AHEAD = 256
# While facts arrive faster than they are written, a set of mails is begun this often, in seconds.
PRESSED_PAUSE = 0.05
# Journeys that one statement asks for.
MOST_JOURNEYS = 64
LONGEST_SLEEP = timedelta(seconds=30)
# A provider that refuses our credentials is asked again after this long.
STOPPED_PAUSE = timedelta(minutes=1)
# A mail whose template is missing or broken is made again after this long.
MISSING_PAUSE = timedelta(minutes=1)
# Mail that nobody has drained for so long leaves all the same.
LATE = timedelta(minutes=1)
_AFTER_ERROR = 1.0
# How long mails that are not being handed over yet may take to notice that we stop, in seconds.
_PREPARING = 1.0


class Mailer:
    """Delivers the ledger's due mails.

    Args:
        database: where the ledger is.
        clock: what tells the time.
        ingest: takes what delivery finds out, such as bounces.
        provider: takes the mails.
        changes: where dashboards hear of it.
        renderer: makes the mails; may be replaced at any time.
        rate: how many mails may be begun in a second; 0 for as many as the provider takes.
        holder: what this worker's mails are held by, where several are at work.
        drain_gate: lets mails leave only while `drain` runs, or when they are late; by default
            they leave as soon as they are due.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        ingest: Ingest,
        provider: Provider,
        changes: ChangeFeed,
        renderer: Renderer,
        rate: float = 0,
        holder: UUID | None = None,
        drain_gate: DrainGate | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._provider = provider
        self._changes = changes
        self._ingest = ingest
        self._holder = holder
        self._ledger = Ledger(database, clock, ingest, provider.name, holder)
        self._poller = Poller(log, "due mails could not be read; trying again")
        self._closing = False
        self._gate = drain_gate
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: set[UUID] = set()
        self._missing: set[str] = set()
        self._ready: deque[SendJob] = deque()
        self._handing: dict[UUID, Send] = {}
        self._crowded = False
        self._next_set = 0.0
        self._pace = RateLimiter(rate)
        self.renderer = renderer
        self.stopped: str | None = None
        self._ask_again_at: datetime | None = None
        self.fence: str | None = None

    def poll(self) -> None:
        """Read the ledger again soon: a send may be due."""
        self._poller.notify()

    @property
    def is_idle(self) -> bool:
        """Whether no mail is under way."""
        return not self._held

    @property
    def is_draining(self) -> bool:
        """Whether due mails are being handed over."""
        return self._gate is None or self._gate.is_open

    async def drain(self) -> int:
        """Hand due mails over until there are none, for a while at most; return how many were."""
        begun = self._count
        if self._gate is not None:
            await self._gate.drain(self._poller.notify)
        return self._count - begun

    async def _shut(self, now: datetime) -> float:
        """Return for how long no mail is to be begun, in seconds."""
        if self._ask_again_at is not None and now < self._ask_again_at:
            return (self._ask_again_at - now).total_seconds()
        if self.is_draining or self._tasks:
            return 0.0
        # Nobody drains: mail that is late does not wait for that any more.
        due = await self._database.read_one(lag.next_send())
        return 0.0 if due is not None and now - due > LATE else LATE.total_seconds() / 2

    async def recover(self) -> None:
        """Settle what was being handed over by a worker that is gone.

        Where the provider remembers sends, repeating is harmless; else such a mail may have left,
        is in doubt, and is never repeated blindly.
        """
        now = self._clock.now()
        self.fence = await self._database.read_one(meta.value(meta.FENCE))
        tally = Tally(now)
        async with self._database.transaction() as tx:
            caught: list[Send] = await tx.one(sends.left_in_hand(tx.dialect.lock_free_rows))
            remembers = self._provider.remembers_sends
            settled = [settled_one(send, now, remembered=remembers) for send in caught]
            for send in settled:
                if send.status != "queued":
                    tally.today(counters.sends(send.status))
            await tx.apply([sends.update(settled, now), tally.write()])
        in_doubt = sum(send.status == "in_doubt" for send in settled)
        if in_doubt:
            log.warning("%d mails may or may not have left when their worker ended", in_doubt)

    async def run(self) -> None:
        """Deliver until closed."""
        await self._poller.run(self._begin_due)

    async def close(self, patience: float) -> None:
        """Start no new hand-over, and wait for those past the point of no return.

        Args:
            patience: how long they may take, in seconds; then they are in doubt.
        """
        self._closing = True
        self._poller.close()
        ends = asyncio.get_running_loop().time() + patience
        preparing = [t for t in self._tasks if not self._is_handing(t)]
        if preparing:
            # They see that we are closing as soon as they want to hand over; those that hang on
            # a connection are cut off: nothing of theirs has left.
            await asyncio.wait(preparing, timeout=min(patience, _PREPARING))
            for task in preparing:
                if not self._is_handing(task):
                    task.cancel()
        if self._tasks:
            left = ends - asyncio.get_running_loop().time()
            await asyncio.wait(set(self._tasks), timeout=max(left, 0.0))
        overdue, cut_off = list(self._handing.values()), set(self._tasks)
        for task in cut_off:
            task.cancel()
        if cut_off:
            await asyncio.wait(cut_off, timeout=_PREPARING)
        if not self._provider.remembers_sends:
            reply = "the server was stopped meanwhile"
            await asyncio.gather(
                *(self._conclude(in_doubt(one, self._clock.now(), reply)) for one in overdue)
            )
        await self._provider.close()
        await self._ledger.idle()

    def _is_handing(self, task: asyncio.Task[None]) -> bool:
        return any(task.get_name() == str(send_id) for send_id in self._handing)

    async def _begin_due(self) -> float:
        """Begin as many due mails as there is room for; return how long to wait, in seconds."""
        self._crowded = False
        while not self._closing and self.fence is None:
            now = self._clock.now()
            shut = await self._shut(now)
            if shut > 0:
                return shut
            room = (AT_ONCE if self.stopped is None else 1) - len(self._tasks)
            paced = self._pace.room(now, room)
            while self._ready and paced > 0:
                self._begin(self._ready.popleft())
                self._pace.begun(1)
                paced, room = paced - 1, room - 1
            if room <= 0:
                self._crowded = True
                return LONGEST_SLEEP.total_seconds()
            if paced <= 0 or self._ready:
                return self._pace.wait
            wait = self._hold_back()
            if wait > 0:
                return wait
            # Rows are read ahead in sets; those that wait here are looked at again when marked.
            rows = await self._look_up(self._clock.now())
            now = self._clock.now()
            due = [one for one, at in in_turns(rows) if at <= now and one not in self._held]
            if not due:
                if self._gate is not None and not self._tasks:
                    self._gate.close()
                later = min((at for queue in rows for _, at in queue if at > now), default=None)
                return min(later - now if later else LONGEST_SLEEP, LONGEST_SLEEP).total_seconds()
            self._ready.extend(await self._claim(due[: self._pace.ahead(READ_AHEAD)]))
        return LONGEST_SLEEP.total_seconds()

    def _hold_back(self) -> float:
        """Return how long mails let facts go first, in seconds: these answer somebody who waits."""
        now = asyncio.get_running_loop().time()
        if self._ingest.is_pressed and now < self._next_set:
            return self._next_set - now
        self._next_set = now + PRESSED_PAUSE
        return 0.0

    async def _look_up(self, now: datetime) -> Sequence[Sequence[tuple[UUID, datetime]]]:
        """Return the mails that are due and the next that is not, by journey, so that the mails
        of one do not wait for the crowd of another."""
        limit = READ_AHEAD + len(self._held)
        journeys = [None, *await self._database.read_one(sends.waiting_journeys())]
        answers = await self._database.read(
            *(sends.due(part, limit, now, self._holder) for part in parts(journeys, MOST_JOURNEYS))
        )
        return [queue for answer in answers for queue in answer]

    async def _claim(self, ids: Sequence[UUID]) -> list[SendJob]:
        self._held.update(ids)
        try:
            mine = ids if self._holder is None else await self._take(ids, self._holder)
            jobs = await load_jobs(self._database, mine, self._clock.now())
        except BaseException:
            self._held.difference_update(ids)
            raise
        self._held.difference_update(set(ids) - {job.send.id for job in jobs})
        return jobs

    async def _take(self, ids: Sequence[UUID], holder: UUID) -> Sequence[UUID]:
        """Return those of due mails that no other worker has."""
        async with self._database.transaction() as tx:
            return await tx.one(workers.lease_mails(ids, holder))

    def _begin(self, job: SendJob) -> None:
        self._count += 1
        task = asyncio.create_task(self._run(job), name=str(job.send.id))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._crowded or not self._tasks:
            self._poller.notify()

    async def _run(self, job: SendJob) -> None:
        try:
            try:
                outcome = await self._deliver(job)
            except Withdrawn:
                # Cancelled, or its address changed meanwhile and it is made again.
                self._changes.publish("sends")
                self._poller.notify()
                return
            except Exception as error:
                if isinstance(error, StoreUnavailable) and job.send.id not in self._handing:
                    # It could not be marked, so it has not left: no fault of the mail's.
                    outcome = HandoverOutcome(job.send)
                else:
                    log.exception("a mail could not be delivered")
                    outcome = self._after_fault(job.send, error)
            # What became of it is known, so that it is not in doubt should we be stopped now.
            self._handing.pop(job.send.id, None)
            await self._conclude(outcome)
        finally:
            self._handing.pop(job.send.id, None)
            self._held.discard(job.send.id)

    async def _conclude(self, outcome: HandoverOutcome) -> None:
        """Write what a try came to, however long the database refuses: it may have left."""
        refused = False
        while True:
            try:
                await self._ledger.conclude(outcome)
                return
            except Exception:
                if not refused:
                    log.exception("what became of a mail could not be written; trying again")
                refused = True
                await asyncio.sleep(_AFTER_ERROR)

    def _after_fault(self, send: Send, error: Exception) -> HandoverOutcome:
        """Keep the ledger true when something failed that no provider should let through."""
        if send.id in self._handing:
            return self._left_open(send, "the provider failed in the middle of the hand-over")
        reply = line(f"{type(error).__name__}: {error}")
        return HandoverOutcome(self._ledger.later(send, reply, self._clock.now()))

    async def _deliver(self, job: SendJob) -> HandoverOutcome:
        now = self._clock.now()
        instead = self._ledger.instead(job, now)
        if instead is not None:
            return HandoverOutcome(instead)
        send = replace(job.send, to_email=job.facts.email)
        try:
            mail = self.renderer.render(send, job.contact, job.event, now)
        except ContentMissing as error:
            return self._waiting(send, error.reason)
        except RenderFailed as error:
            return failed(send, now, error.reason[:200], "failed", error.reason)
        try:
            return await self._hand_over(send, mail)
        except Rejected as error:
            return self._rejected(send, mail, error)
        except DeliveryError as error:
            return self._refused(send, error)

    def _waiting(self, send: Send, reason: str) -> HandoverOutcome:
        """Let a mail wait for its template: the file may come back, a failed mail would not."""
        if reason not in self._missing:
            self._missing.add(reason)
            log.warning("mail waits: %s", reason)
        again = self._clock.now() + MISSING_PAUSE
        return HandoverOutcome(replace(send, reason=f"waits: {reason}"[:200], due_at=again))

    def _refused(self, send: Send, error: DeliveryError) -> HandoverOutcome:
        """Return what a mail becomes that the provider did not take, or not for certain."""
        row, now = self._row(send), self._clock.now()
        if isinstance(error, TryLater):
            return HandoverOutcome(self._ledger.later(row, line(error.reply), now))
        if isinstance(error, InDoubt):
            return self._left_open(send, line(error.reply))
        if self.stopped is None:
            log.error("the mail provider refuses us: %s", error.reply)
        self.stopped = line(error.reply)
        self._ask_again_at = now + STOPPED_PAUSE
        # It certainly did not leave, is not failed, and waits.
        return HandoverOutcome(replace(row, status="queued", due_at=now, handed_at=None))

    async def _hand_over(self, send: Send, mail: Rendered) -> HandoverOutcome:
        message = Message(
            send_id=send.id,
            from_email=mail.from_email,
            to_email=mail.to_email,
            subject=mail.subject,
            message_id=mail.message_id,
            raw=mail.raw,
        )

        async def handing_over() -> None:
            if self._closing:
                raise Withdrawn
            kept = RenderedMail(send.id, mail.subject, mail.from_email, mail.raw, mail.links)
            self._handing[send.id] = send
            try:
                self._handing[send.id] = await self._ledger.mark(
                    Handover(send, mail.to_email, kept)
                )
            except BaseException:
                del self._handing[send.id]
                raise

        accepted = await self._provider.deliver(message, handing_over)
        if self.stopped is not None:
            self.stopped, self._ask_again_at = None, None
            self._poller.notify()
        provider = self._provider.name
        return sent(self._row(send), self._clock.now(), provider, accepted)

    def _row(self, send: Send) -> Send:
        """Return the ledger row as it stands: marked, once the hand-over has begun."""
        return self._handing.get(send.id, send)

    def _rejected(self, send: Send, mail: Rendered, error: Rejected) -> HandoverOutcome:
        row, reply, now = self._row(send), line(error.reply), self._clock.now()
        # In test mode the address that does not exist is not the contact's.
        if error.kind != "hard_bounce" or mail.to_email != send.to_email:
            return failed(row, now, f"{error.kind}: {reply}"[:200], "refused", reply)
        tried = [*row.attempts, sends.attempt(now, "bounced", reply)]
        bounced = replace(row, status="bounced", reason=reply[:200], due_at=None, attempts=tried)
        return HandoverOutcome(bounced, Suppress(mail.to_email, "hard_bounce"))

    def _left_open(self, send: Send, reply: str) -> HandoverOutcome:
        """Return what a mail becomes that may have left: in doubt, where repeating doubles it."""
        row = self._row(send)
        if self._provider.remembers_sends:
            return HandoverOutcome(self._ledger.later(row, reply, self._clock.now()))
        return in_doubt(row, self._clock.now(), reply)
