"""Writes the ledger before and after a hand-over, in one batch for all mails at that point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from ..clock import Clock
from ..domain.contact import Contact
from ..domain.send_policy import Queue, Send, SendFacts, compute_send_time, decide_send
from ..domain.sending_policy import FrequencyCap, SendingPolicy
from ..ingest import BatchResult, Ingest
from ..store import consents, contacts, direct_mails, sends
from ..store.batcher import Batcher
from ..store.counters import Tally
from ..store.db import Database, Transaction, Write
from ..store.sends import RenderedMail
from .blocking import Unblock, write_unblocks
from .conclusions import lock_recipients, write_outcomes
from .deliverability import count_status
from .feedback.handler import OnBounces
from .frequency import FrequencyCheck
from .message import Attachment, Message
from .outcomes import DeliveryOutcome
from .providers.port import Withdrawn
from .send_jobs import SendJob, build_send_facts
from .stored_message import parse_message

__all__ = ["Handoff", "Ledger", "Unblock"]


@dataclass(frozen=True, slots=True)
class Handoff:
    """A mail that is about to leave.

    Args:
        send: the row of the ledger.
        message: the finished mail, which is stored.
        provider: the name of the provider that takes it.
        cap: the most mails that its recipient gets; None for no cap.
        archived: what is stored in place of a mail that must not be readable after it has left.
        skips_consent: whether it goes to a contact who has unsubscribed, too.
    """

    send: Send
    message: Message
    provider: str
    archived: Message | None = None
    skips_consent: bool = False
    cap: FrequencyCap | None = None


class Ledger:
    """Writes the send ledger for the mailer.

    Args:
        database: holds the ledger.
        clock: the source of the current time.
        ingest: ingests bounces as events, inside the transaction of their outcome.
        holder: this worker's id, where several workers deliver.
        test_address: the address that gets every mail in test mode.
        on_bounces: is called after the commit with the domains of senders whose mails bounced.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ingest: Ingest,
        holder: UUID | None = None,
        *,
        test_address: str | None = None,
        on_bounces: OnBounces | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self._test_address = test_address
        self._on_bounces = on_bounces
        self._holder = holder
        # One batcher for both, so that a mail that begins and a mail that ends share a commit.
        self._batcher: Batcher[Handoff | DeliveryOutcome | Unblock, Send | None] = Batcher(
            self._write, max_size=512, lock=database.write_lock
        )

    async def begin(self, handoff: Handoff) -> Send:
        """Record that a mail may have left from now on, and store the mail.

        This is the last step before the content leaves.

        Raises:
            Withdrawn: the mail must not leave: the send was cancelled, consent was withdrawn, or
                the address has changed.
            StoreUnavailable: the database accepts no writes at present.
        """
        row = await self._batcher.submit(handoff)
        assert row is not None  # noqa: S101 (only outcomes return None)
        return row

    async def conclude(self, outcome: DeliveryOutcome) -> None:
        """Record the outcome of an attempt."""
        await self._batcher.submit(outcome)

    async def unblock(self, unblock: Unblock) -> None:
        """Queue a blocked mail again, or fail it; a mail that is not blocked stays as it is."""
        await self._batcher.submit(unblock)

    async def flush(self) -> None:
        """Wait until all submitted hand-overs and outcomes are written."""
        await self._batcher.wait_until_idle()

    async def load_attachments(self, send_id: UUID) -> Sequence[Attachment]:
        """Return the files of a direct email."""
        return await self._database.read_one(direct_mails.find_attachments(send_id))

    async def load_message(self, send: Send) -> Message | None:
        """Return the mail of an earlier attempt at a send, if it is stored."""
        stored = await self._database.read_one(sends.find_mail(send.id))
        return parse_message(stored) if stored is not None else None

    def decide_refusal(
        self, send: Send, facts: SendFacts, now: datetime, *, skips_consent: bool = False
    ) -> Send | None:
        """Return None if a mail may leave by consent and suppressions, else its row as refused."""
        mail_list = self._ingest.rules.find_list(send.list_id)
        if skips_consent:
            mail_list = replace(mail_list, transactional=True)
        decision = decide_send(mail_list, facts, now=now)
        if isinstance(decision, Queue):
            return None
        return replace(send, status=decision.status, reason=decision.reason, due_at=None)

    def is_transactional(self, job: SendJob) -> bool:
        """Return whether a mail belongs to a transactional list, such as a receipt."""
        return job.skips_consent or self._ingest.rules.find_list(job.send.list_id).transactional

    def decide_again(self, job: SendJob, now: datetime, policy: SendingPolicy) -> Send | None:
        """Return None if a due mail may leave now, else its changed row.

        The changed row is refused, or waits for the send window of its journey, or for the end of
        the quiet hours.
        """
        refused = self.decide_refusal(job.send, job.facts, now, skips_consent=job.skips_consent)
        if refused is not None:
            return refused
        journey = self._ingest.rules.find_definition(job.send.journey_id or "")
        quiet_hours = None if self.is_transactional(job) else policy.quiet_hours
        due_at = compute_send_time(journey, job.contact.properties, now, quiet_hours)
        return replace(job.send, due_at=due_at) if due_at > now else None

    async def _write(
        self, items: Sequence[Handoff | DeliveryOutcome | Unblock]
    ) -> Sequence[Send | Exception | None]:
        """Write all items in one transaction, but bounces, which are events, in a second one."""
        handoffs = [item for item in items if isinstance(item, Handoff)]
        outcomes = [item for item in items if isinstance(item, DeliveryOutcome)]
        bounces = [outcome for outcome in outcomes if outcome.is_bounce]
        others = [outcome for outcome in outcomes if not outcome.is_bounce]
        unblocks = [item for item in items if isinstance(item, Unblock)]
        begun: list[Send | Exception] = []
        if handoffs and (others or unblocks):
            begun = await self._begin_and_conclude(handoffs, others, unblocks)
        elif handoffs:
            begun = await self._begin(handoffs)
        elif others or unblocks:
            await self._conclude(others, unblocks)
        failure = await self._conclude_bounces(bounces) if bounces else None
        results = iter(begun)
        return [
            next(results)
            if isinstance(item, Handoff)
            else failure
            if isinstance(item, DeliveryOutcome) and item.is_bounce
            else None
            for item in items
        ]

    async def _conclude_bounces(self, bounces: Sequence[DeliveryOutcome]) -> Exception | None:
        """Conclude bounces; return what prevented it.

        Nothing is raised, because the other mails of the batch are written already.
        """
        try:
            await self._conclude(bounces)
        except Exception as error:
            return error
        if self._on_bounces is not None:
            await self._on_bounces(frozenset(o.sender for o in bounces if o.sender))
        return None

    async def _begin(self, handoffs: Sequence[Handoff]) -> list[Send | Exception]:
        tally = Tally(self._clock.now())
        async with self._database.transaction() as tx:
            begun = await self._begin_within(tx, handoffs, tally)
            await tx.apply([tally.to_write()])
        return begun

    async def _conclude(
        self, outcomes: Sequence[DeliveryOutcome], unblocks: Sequence[Unblock] = ()
    ) -> None:
        tally = Tally(self._clock.now())
        async with self._database.transaction() as tx:
            batch = await self._write_within(tx, outcomes, unblocks, tally)
            await tx.apply([tally.to_write()])
        await self._ingest.publish_result(batch)

    async def _begin_and_conclude(
        self,
        handoffs: Sequence[Handoff],
        outcomes: Sequence[DeliveryOutcome],
        unblocks: Sequence[Unblock],
    ) -> list[Send | Exception]:
        tally = Tally(self._clock.now())
        async with self._database.transaction() as tx:
            await lock_recipients(tx, outcomes)
            begun = await self._begin_within(tx, handoffs, tally)
            batch = await self._write_within(tx, outcomes, unblocks, tally)
            await tx.apply([tally.to_write()])
        await self._ingest.publish_result(batch)
        return begun

    async def _write_within(
        self,
        tx: Transaction,
        outcomes: Sequence[DeliveryOutcome],
        unblocks: Sequence[Unblock],
        tally: Tally,
    ) -> BatchResult:
        now = self._clock.now()
        if unblocks:
            await write_unblocks(tx, unblocks, tally, now)
        return await write_outcomes(
            tx, self._ingest, outcomes, tally, now, test_address=self._test_address
        )

    async def _begin_within(
        self, tx: Transaction, handoffs: Sequence[Handoff], tally: Tally
    ) -> list[Send | Exception]:
        now = self._clock.now()
        ids = [handoff.send.id for handoff in handoffs]
        # The contacts are locked before the sends are read, so that no exit commits in between.
        recipients, rows, consents_of, suppressed = await tx.fetch(
            contacts.find_by_sends(ids, tx.dialect.lock_rows),
            sends.find_by_ids(ids),
            consents.find_by_sends(ids),
            consents.find_suppressed_by_sends(ids),
        )
        frequency = await self._load_frequency(tx, handoffs, recipients, now)
        changed: list[Send] = []
        results: list[Send | Exception] = []
        mails: list[RenderedMail] = []
        for handoff in handoffs:
            send: Send | None = rows.get(handoff.send.id)
            contact: Contact | None = recipients.get(send.contact_id) if send else None
            if send is None or contact is None or send.status != "queued":
                results.append(Withdrawn())
                continue
            facts = build_send_facts(contact, consents_of, suppressed, send)
            refused = self.decide_refusal(
                send, facts, now, skips_consent=handoff.skips_consent
            ) or frequency.decide(send, handoff.cap)
            if refused is not None and refused.reason == "invalid_address":
                # The next attempt blocks the mail, so that it can be made again with another one.
                results.append(Withdrawn())
            elif refused is not None:
                changed.append(refused)
                count_status(tally, refused)
                results.append(Withdrawn())
            elif (send.address or contact.email) != handoff.send.to_email:
                # The address has changed since the mail was rendered, so it is rendered again.
                results.append(Withdrawn())
            else:
                rows[send.id] = row = self._mark_sending(send, handoff, now)
                changed.append(row)
                mails.append(_to_rendered_mail(handoff.archived or handoff.message))
                results.append(row)
        await tx.apply(
            [
                sends.update(changed, now),
                sends.store_mails(mails, now),
                *direct_mails.forget_ended(changed),
                *self._keep_holder(mails),
            ]
        )
        return results

    def _keep_holder(self, mails: Sequence[RenderedMail]) -> list[Write]:
        """Let this worker hold mails that are handed over, where several workers deliver."""
        if self._holder is None:
            return []
        return [sends.set_holder([mail.send_id for mail in mails], self._holder)]

    async def _load_frequency(
        self,
        tx: Transaction,
        handoffs: Sequence[Handoff],
        recipients: Mapping[UUID, Contact],
        now: datetime,
    ) -> FrequencyCheck:
        cap = next((handoff.cap for handoff in handoffs if handoff.cap is not None), None)
        frequency = FrequencyCheck(cap, now)
        await frequency.load(tx, recipients.keys(), self._ingest.rules.transactional_lists)
        return frequency

    def _mark_sending(self, send: Send, handoff: Handoff, now: datetime) -> Send:
        return replace(
            send,
            status="sending",
            # A reason that is set after this means that the mail was withdrawn in the meantime.
            reason=None,
            to_email=handoff.message.to[0].email,
            due_at=None,
            handed_at=now,
            provider=handoff.provider,
        )


def _to_rendered_mail(message: Message) -> RenderedMail:
    return RenderedMail(
        message.send_id,
        message.subject,
        message.from_.email,
        message.mime_bytes,
        message.links,
    )
