"""Delivers a send: decides again, renders, hands over, and records the outcome."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from ..clock import Clock
from ..domain.direct_mail import DirectMail, mask_secrets
from ..domain.send_policy import Send
from ..errors import StoreUnavailable
from . import outcomes
from .ledger import Handoff, Ledger
from .message import Message
from .outcomes import Block, DeliveryOutcome
from .providers.port import (
    DeliveryError,
    InDoubt,
    Provider,
    ProviderStopped,
    Rejected,
    TryLater,
    Withdrawn,
)
from .render import INVALID_ADDRESS, Renderer, RenderFailed
from .send_jobs import SendJob
from .template_context import describe_facts

log = logging.getLogger("hogsend.mail")

# How long to wait before the next attempt with a provider that takes no mail.
STOPPED_PAUSE = timedelta(minutes=1)
_RETRY_SECONDS = 1.0
_MAX_LOGGED_PROBLEMS = 1_000
# The maximum number of mails with attachments that are handed over at the same time.
_MAX_WITH_ATTACHMENTS = 4
REMEDY = "They are made again when the template changes, or with `hogsend emails retry`."


class ProviderPause:
    """Pauses deliveries while the provider takes no mail at all, such as with a wrong password.

    Args:
        on_end: called when the provider takes mail again.

    Attributes:
        reason: why the provider takes no mail; None if it takes mail.
    """

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._until: datetime | None = None
        self.reason: str | None = None

    def begin(self, reply: str, now: datetime) -> None:
        """Pause deliveries because the provider takes no mail."""
        if self.reason is None:
            log.error("the mail provider takes no mail: %s", reply)
        self.reason = reply
        self._until = now + STOPPED_PAUSE

    def end(self) -> None:
        """End the pause because the provider took a mail."""
        if self.reason is not None:
            self.reason = self._until = None
            self._on_end()

    def compute_seconds_left(self, now: datetime) -> float:
        """Return how long to wait before the next attempt, in seconds."""
        return (self._until - now).total_seconds() if self._until and now < self._until else 0.0


class SendDelivery:
    """Delivers sends, many concurrently.

    Args:
        clock: the source of the current time.
        ledger: records hand-overs and outcomes.
        provider: the provider that the mails are handed to.
        pause: begins when the provider takes no mail at all.
        renderer: renders the mails; may be replaced at any time.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        provider: Provider,
        pause: ProviderPause,
        renderer: Renderer,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._provider = provider
        self._pause = pause
        self._is_closing = False
        self._logged_problems: set[tuple[str, str, str]] = set()
        self._attachment_slots = asyncio.Semaphore(_MAX_WITH_ATTACHMENTS)
        # The sends that may have left and whose outcome is not known yet, by id.
        self._in_handoff: dict[UUID, Send] = {}
        self.renderer = renderer

    @property
    def sends_in_handoff(self) -> list[Send]:
        """The sends that are being handed over."""
        return list(self._in_handoff.values())

    def stop_handoffs(self) -> None:
        """Let no further mail begin its hand-over."""
        self._is_closing = True

    async def run(self, job: SendJob) -> bool:
        """Deliver one send and record the outcome; return False if the mail was withdrawn.

        Args:
            job: the send with the data that its mail needs.
        """
        send = replace(job.send, to_email=job.facts.email)
        try:
            try:
                outcome = await self._deliver(job, send)
            except Withdrawn:
                return False
            except Exception as error:
                outcome = self._handle_fault(job, error)
            if job.direct is not None and job.direct.secrets:
                outcome = outcomes.mask(outcome, job.direct.secrets)
            # The outcome is known, so a stop after this does not leave the mail in doubt.
            self._in_handoff.pop(send.id, None)
            await self._conclude(outcome)
            return True
        finally:
            self._in_handoff.pop(send.id, None)

    async def leave_in_doubt(self, sends: Iterable[Send]) -> None:
        """Record sends as in doubt whose hand-over is cut off because this process stops.

        If the provider recognizes repeats, nothing is recorded: the next start repeats the sends.
        """
        if self._provider.idempotency_window is not None:
            return
        now, reply = self._clock.now(), "the server was stopped during the hand-over"
        await asyncio.gather(
            *(self._conclude(outcomes.leave_in_doubt(send, now, reply)) for send in sends)
        )

    async def _deliver(self, job: SendJob, send: Send) -> DeliveryOutcome:
        now, window = self._clock.now(), self._provider.idempotency_window
        decided = self._ledger.decide_again(job, now)
        if decided is not None and decided.reason == "invalid_address":
            # The contact's address can be corrected, and the mail be made again then.
            return self._block(job, send, INVALID_ADDRESS)
        if decided is not None:
            return DeliveryOutcome(decided)
        if not outcomes.is_repeat_harmless(send, now, window):
            reply = "the provider no longer recognizes a repeat of this mail"
            return outcomes.leave_in_doubt(send, now, reply)
        try:
            message = self.renderer.render(send, job.contact, job.event, now, job.direct)
        except RenderFailed as error:
            return self._block(job, send, error.reason)
        try:
            return await (
                self._hand_over(Handoff(send, message))
                if job.direct is None
                else self._hand_over_direct(job, job.direct, send, message)
            )
        except DeliveryError as error:
            return self._handle_refusal(error, send, message)

    async def _hand_over_direct(
        self, job: SendJob, direct: DirectMail, send: Send, message: Message
    ) -> DeliveryOutcome:
        """Hand a direct email over with its files, of which few are in memory at a time."""
        archived = self.renderer.render_archived(message, send, job.contact, job.event, direct)
        handoff = Handoff(send, message, archived, direct.skips_consent)
        if not direct.attachments:
            return await self._hand_over(handoff)
        async with self._attachment_slots:
            files = await self._ledger.load_attachments(send.id)
            complete = replace(message, attachments=files)
            # Encoding megabytes would block everything else.
            await asyncio.to_thread(lambda: complete.mime_bytes)
            return await self._hand_over(replace(handoff, message=complete))

    async def _hand_over(self, handoff: Handoff) -> DeliveryOutcome:
        send = handoff.send

        async def before_handoff() -> None:
            if self._is_closing:
                raise Withdrawn
            self._in_handoff[send.id] = send
            try:
                self._in_handoff[send.id] = await self._ledger.begin(handoff)
            except BaseException:
                del self._in_handoff[send.id]
                raise

        accepted = await self._provider.deliver(handoff.message, before_handoff)
        self._pause.end()
        return outcomes.accept(
            self._get_row(send), self._clock.now(), self._provider.name, accepted
        )

    def _handle_refusal(
        self, error: DeliveryError, send: Send, message: Message
    ) -> DeliveryOutcome:
        row, now = self._get_row(send), self._clock.now()
        match error:
            case Rejected():
                is_test = message.to[0].email != send.to_email
                return outcomes.reject(row, now, error, None if is_test else send.to_email)
            case TryLater():
                return outcomes.defer(row, now, error)
            case ProviderStopped():
                self._pause.begin(outcomes.to_one_line(error.reply), now)
                return outcomes.wait_for_provider(row, now)
            case InDoubt():
                return self._resolve_doubt(row, outcomes.to_one_line(error.reply))
            case _:
                raise error

    def _handle_fault(self, job: SendJob, error: Exception) -> DeliveryOutcome:
        """Return the outcome after an error that no provider should raise."""
        row = self._in_handoff.get(job.send.id)
        if row is None and isinstance(error, StoreUnavailable):
            # The hand-over could not be recorded, so nothing has left, and no attempt is counted.
            return DeliveryOutcome(job.send)
        # A traceback has values of the mail, which may be sensitive.
        is_private = job.direct is not None and job.direct.is_private
        log.error("a mail could not be delivered", exc_info=None if is_private else error)
        if row is not None:
            return self._resolve_doubt(row, "the provider failed in the middle of the hand-over")
        reply = f"{type(error).__name__}: {error}"
        send = replace(job.send, to_email=job.facts.email)
        return outcomes.defer(send, self._clock.now(), TryLater(reply))

    def _resolve_doubt(self, row: Send, reply: str) -> DeliveryOutcome:
        return outcomes.resolve_doubt(
            row, self._clock.now(), reply, self._provider.idempotency_window
        )

    def _get_row(self, send: Send) -> Send:
        """Return the row with the changes of the hand-over, if the hand-over has begun."""
        return self._in_handoff.get(send.id, send)

    def _block(self, job: SendJob, send: Send, reason: str) -> DeliveryOutcome:
        version = self.renderer.get_version(send.template)
        # The same problem is logged once, however many mails have it.
        if job.direct is not None and job.direct.secrets:
            reason = mask_secrets(reason, job.direct.secrets)
        problem = (send.template, version, reason)
        if problem not in self._logged_problems:
            if len(self._logged_problems) >= _MAX_LOGGED_PROBLEMS:
                self._logged_problems.clear()
            self._logged_problems.add(problem)
            shown = reason.rstrip(".")
            source = f"of the template {send.template}" if send.template else "without a template"
            log.error("mails %s are blocked: %s. %s", source, shown, REMEDY)
        block = Block(version, describe_facts(job.contact, job.event))
        return outcomes.block(send, self._clock.now(), reason, block)

    async def _conclude(self, outcome: DeliveryOutcome) -> None:
        """Record an outcome; retry until the database takes it, because the mail may have left."""
        is_logged = False
        while True:
            try:
                return await self._ledger.conclude(outcome)
            except Exception:
                if not is_logged:
                    log.exception("the outcome of a mail could not be recorded; trying again")
                is_logged = True
                await asyncio.sleep(_RETRY_SECONDS)
