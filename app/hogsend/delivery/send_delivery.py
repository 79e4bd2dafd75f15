"""Delivers a send: decides again, renders, hands over, and records the outcome."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from ..clock import Clock
from ..domain.direct_mail import DirectMail, mask_secrets
from ..domain.provider_choice import choose_provider
from ..domain.send_policy import OnDoubt, Send
from ..errors import StoreUnavailable
from . import outcomes
from .deliverability import get_domain
from .governor import MAX_WAIT, Governor, Way
from .ledger import Handoff, Ledger
from .message import Message
from .outcomes import PACED, Block, DeliveryOutcome
from .provider_pauses import ProviderPauses
from .providers.port import (
    DeliveryError,
    InDoubt,
    ProviderStopped,
    Rejected,
    TryLater,
    Withdrawn,
)
from .providers.provider_set import ProviderSet
from .render import INVALID_ADDRESS, Renderer, RenderFailed
from .send_jobs import SendJob
from .template_context import describe_facts

log = logging.getLogger("hogsend.mail")

# How long mail of a stopped sender or provider waits until it is looked at again.
_STOP_PAUSE = timedelta(minutes=15)
_RETRY_SECONDS = 1.0
_MAX_LOGGED_PROBLEMS = 1_000
# The maximum number of mails with attachments that are handed over at the same time.
_MAX_WITH_ATTACHMENTS = 4
REMEDY = "They are made again when the template changes, or with `hogsend emails retry`."


class SendDelivery:
    """Delivers sends, many concurrently.

    Args:
        clock: the source of the current time.
        ledger: records hand-overs and outcomes.
        providers: the providers that the mails are handed to.
        pauses: begin when providers take no mail at all.
        governor: decides when mails may leave, and by whom they do.
        renderer: renders the mails; may be replaced at any time.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        *,
        providers: ProviderSet,
        pauses: ProviderPauses,
        governor: Governor,
        renderer: Renderer,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._providers = providers
        self._pauses = pauses
        self._governor = governor
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

        If its provider recognizes repeats, nothing is recorded: the next start repeats the send.
        """
        now, reply = self._clock.now(), "the server was stopped during the hand-over"
        await asyncio.gather(
            *(
                self._conclude(outcomes.leave_in_doubt(send, now, reply, self._get_on_doubt(send)))
                for send in sends
                if self._providers.get_window(send.provider) is None
            )
        )

    async def _deliver(self, job: SendJob, send: Send) -> DeliveryOutcome:
        now = self._clock.now()
        decided = self._ledger.decide_again(job, now, self._governor.policy)
        if decided is not None and decided.reason == "invalid_address":
            # The contact's address can be corrected, and the mail be made again then.
            return self._block(job, send, INVALID_ADDRESS)
        if decided is not None:
            return DeliveryOutcome(decided)
        if not outcomes.is_repeat_harmless(send, now, self._providers.get_window(send.provider)):
            reply = "the provider no longer recognizes a repeat of this mail"
            if self._get_on_doubt(send) != "resend":
                return outcomes.leave_in_doubt(send, now, reply, self._get_on_doubt(send))
        try:
            message = await self._make_message(job, send, now)
        except RenderFailed as error:
            return self._block(job, send, error.reason)
        way = self._find_way(send, message, now)
        is_transactional = self._ledger.is_transactional(job)
        delayed = await self._pace(send, way, now, is_urgent=is_transactional)
        if delayed is not None:
            return delayed
        cap = None if is_transactional else self._governor.policy.frequency_cap
        handoff = Handoff(send, message, way.provider, cap=cap)
        try:
            outcome = await (
                self._hand_over_journey(handoff)
                if job.direct is None
                else self._hand_over_direct(job, job.direct, handoff)
            )
            self._governor.record_accepted(way, self._clock.now())
        except DeliveryError as error:
            outcome = self._handle_refusal(error, send, message, way)
        return replace(outcome, sender=way.sender)

    async def _make_message(self, job: SendJob, send: Send, now: datetime) -> Message:
        """Render a mail, or return the one that may have left in an earlier attempt."""
        stored = None
        if outcomes.may_have_left(send) and (job.direct is None or not job.direct.is_private):
            stored = await self._ledger.load_message(send)
            if stored is not None and not self.renderer.has_files(send.template, stored):
                return stored
        message = self.renderer.render(send, job.contact, job.event, now, job.direct)
        # A mail is stored without the files of its template.
        return message if stored is None else replace(stored, attachments=message.attachments)

    def _find_way(self, send: Send, message: Message, now: datetime) -> Way:
        """Return by whom a mail leaves, and what paces it."""
        sender, recipient = get_domain(message.from_.email), get_domain(message.to[0].email)
        if len(self._providers) == 1:
            return Way(self._providers.names[0], sender, recipient)
        provider = choose_provider(
            self._governor.policy,
            self._providers.names,
            send,
            sender=sender,
            recipient=recipient,
            is_stopped=lambda name: (
                # After its pause a provider is asked again, although another could take the mail.
                self._pauses[name].compute_seconds_left(now) > 0
                or ("provider", name) in self._governor.stopped
            ),
        )
        return Way(provider, sender, recipient)

    async def _pace(
        self, send: Send, way: Way, now: datetime, *, is_urgent: bool
    ) -> DeliveryOutcome | None:
        """Wait for a moment until a mail may leave; return its new due time if that is later."""
        if self._governor.is_stopped(way):
            return outcomes.postpone(send, now + _STOP_PAUSE, "sending_stopped")
        seconds_left = self._pauses[way.provider].compute_seconds_left(now)
        if seconds_left > 0:
            return outcomes.postpone(
                send, now + timedelta(seconds=seconds_left), "provider_stopped"
            )
        place = self._governor.find_time(
            way, now, is_urgent=is_urgent, is_back=send.reason == PACED
        )
        if place > now + MAX_WAIT:
            return outcomes.postpone(send, place, PACED)
        if place > now:
            await asyncio.sleep((place - now).total_seconds())
        return None

    async def _hand_over_journey(self, handoff: Handoff) -> DeliveryOutcome:
        """Hand a mail over; one with files is stored without them, because each has the same."""
        message = handoff.message
        if not message.attachments:
            return await self._hand_over(handoff)
        archived = replace(message, attachments=())
        async with self._attachment_slots:
            # Encoding megabytes would block everything else.
            await asyncio.to_thread(lambda: message.mime_bytes)
            return await self._hand_over(replace(handoff, archived=archived))

    async def _hand_over_direct(
        self, job: SendJob, direct: DirectMail, handoff: Handoff
    ) -> DeliveryOutcome:
        """Hand a direct email over with its files, of which few are in memory at a time."""
        send, message = handoff.send, handoff.message
        own = replace(message, attachments=()) if message.attachments else message
        archived = self.renderer.render_archived(own, send, job.contact, job.event, direct)
        handoff = replace(handoff, archived=archived, skips_consent=direct.skips_consent)
        if not direct.attachments and not message.attachments:
            return await self._hand_over(handoff)
        async with self._attachment_slots:
            files = await self._ledger.load_attachments(send.id) if direct.attachments else ()
            complete = replace(message, attachments=(*message.attachments, *files))
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

        accepted = await self._providers[handoff.provider].deliver(handoff.message, before_handoff)
        self._pauses[handoff.provider].end()
        return outcomes.accept(self._get_row(send), self._clock.now(), handoff.provider, accepted)

    def _handle_refusal(
        self, error: DeliveryError, send: Send, message: Message, way: Way
    ) -> DeliveryOutcome:
        row, now = self._get_row(send), self._clock.now()
        is_test = message.to[0].email != send.to_email
        contact_email = None if is_test else send.to_email
        match error:
            case Rejected():
                return outcomes.reject(row, now, error, contact_email)
            case TryLater():
                if error.throttled:
                    self._governor.record_throttled(way, outcomes.to_one_line(error.reply), now)
                give_up_after = self._providers[way.provider].give_up_after
                return outcomes.defer(row, now, error, contact_email, give_up_after)
            case ProviderStopped():
                self._pauses[way.provider].begin(outcomes.to_one_line(error.reply), now)
                return outcomes.wait_for_provider(row, now)
            case InDoubt():
                return self._resolve_doubt(row, outcomes.to_one_line(error.reply), way.provider)
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
            reply = "the provider failed in the middle of the hand-over"
            return self._resolve_doubt(row, reply, row.provider)
        reply = f"{type(error).__name__}: {error}"
        send = replace(job.send, to_email=job.facts.email)
        return outcomes.defer(send, self._clock.now(), TryLater(reply))

    def _resolve_doubt(self, row: Send, reply: str, provider: str | None) -> DeliveryOutcome:
        return outcomes.resolve_doubt(
            row,
            self._clock.now(),
            reply,
            self._providers.get_window(provider),
            self._get_on_doubt(row),
        )

    def _get_on_doubt(self, send: Send) -> OnDoubt:
        return self.renderer.get_on_doubt(send.template)

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
