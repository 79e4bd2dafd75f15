"""Writes the ledger before and after a hand-over, in one batch for all mails at that point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from ..clock import Clock
from ..domain.contact import Contact
from ..domain.erasure import ERASED
from ..domain.incoming import IncomingEvent
from ..domain.send_policy import UNSENT, Queue, Send, SendFacts, compute_send_time, decide_send
from ..ingest import BatchResult, Ingest
from ..store import blocked_mails, consents, contacts, counters, direct_mails, sends
from ..store.batcher import Batcher
from ..store.blocked_mails import BlockedMail
from ..store.counters import Tally
from ..store.db import Database, Transaction
from ..store.sends import RenderedMail, SendState
from .message import Attachment, Message
from .outcomes import DeliveryOutcome
from .providers.port import Withdrawn
from .send_jobs import SendJob, build_send_facts

__all__ = ["Handoff", "Ledger", "Unblock"]


@dataclass(frozen=True, slots=True)
class Handoff:
    """A mail that is about to leave.

    Args:
        send: the row of the ledger.
        message: the finished mail, which is stored.
        archived: what is stored in place of a mail that must not be readable after it has left.
        skips_consent: whether it goes to a contact who has unsubscribed, too.
    """

    send: Send
    message: Message
    archived: Message | None = None
    skips_consent: bool = False


@dataclass(frozen=True, slots=True)
class Unblock:
    """A blocked mail that is made again, or that fails for good.

    Args:
        send_id: the mail's send.
        reason: why the mail fails; None to make it again.
    """

    send_id: UUID
    reason: str | None = None


class Ledger:
    """Writes the send ledger for the mailer.

    Args:
        database: holds the ledger.
        clock: the source of the current time.
        ingest: ingests bounces as events, inside the transaction of their outcome.
        provider: the provider's name.
        holder: this worker's id, where several workers deliver.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ingest: Ingest,
        provider: str,
        holder: UUID | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self._provider = provider
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

    def decide_again(self, job: SendJob, now: datetime) -> Send | None:
        """Return None if a due mail may leave now, else its changed row.

        The changed row is refused, or waits for the send window of its journey.
        """
        refused = self.decide_refusal(job.send, job.facts, now, skips_consent=job.skips_consent)
        journey = self._ingest.rules.find_definition(job.send.journey_id or "")
        if refused is not None or journey is None:
            return refused
        due_at = compute_send_time(journey, job.contact.properties, now)
        return replace(job.send, due_at=due_at) if due_at > now else None

    async def _write(
        self, items: Sequence[Handoff | DeliveryOutcome | Unblock]
    ) -> Sequence[Send | Exception | None]:
        """Write all items in one transaction, but bounces, which are events, in a second one."""
        handoffs = [item for item in items if isinstance(item, Handoff)]
        outcomes = [item for item in items if isinstance(item, DeliveryOutcome)]
        bounces = [outcome for outcome in outcomes if outcome.suppress is not None]
        others = [outcome for outcome in outcomes if outcome.suppress is None]
        unblocks = [item for item in items if isinstance(item, Unblock)]
        begun: list[Send | Exception] = []
        if handoffs and (others or unblocks):
            begun = await self._begin_and_conclude(handoffs, others, unblocks)
        elif handoffs:
            begun = await self._begin(handoffs)
        elif others or unblocks:
            await self._conclude(others, unblocks)
        if bounces:
            await self._conclude(bounces)
        results = iter(begun)
        return [next(results) if isinstance(item, Handoff) else None for item in items]

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
            batch = await self._conclude_within(tx, outcomes, unblocks, tally)
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
            begun = await self._begin_within(tx, handoffs, tally)
            batch = await self._conclude_within(tx, outcomes, unblocks, tally)
            await tx.apply([tally.to_write()])
        await self._ingest.publish_result(batch)
        return begun

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
            refused = self.decide_refusal(send, facts, now, skips_consent=handoff.skips_consent)
            if refused is not None and refused.reason == "invalid_address":
                # The next attempt blocks the mail, so that it can be made again with another one.
                results.append(Withdrawn())
            elif refused is not None:
                changed.append(refused)
                tally.add_today(counters.name_send_total(refused.status))
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
            ]
        )
        if self._holder is not None:
            await tx.apply([sends.set_holder([mail.send_id for mail in mails], self._holder)])
        return results

    def _mark_sending(self, send: Send, handoff: Handoff, now: datetime) -> Send:
        return replace(
            send,
            status="sending",
            # A reason that is set after this means that the mail was withdrawn in the meantime.
            reason=None,
            to_email=handoff.message.to[0].email,
            due_at=None,
            handed_at=now,
            provider=self._provider,
        )

    async def _conclude_within(
        self,
        tx: Transaction,
        outcomes: Sequence[DeliveryOutcome],
        unblocks: Sequence[Unblock],
        tally: Tally,
    ) -> BatchResult:
        now = self._clock.now()
        if unblocks:
            await _write_unblocks(tx, unblocks, tally, now)
        states = await tx.fetch_one(sends.find_states([outcome.send.id for outcome in outcomes]))
        changed = [
            row
            for outcome in outcomes
            if (row := _conclude_row(outcome.send, states.get(outcome.send.id))) is not None
        ]
        for row in changed:
            if row.status not in UNSENT:
                tally.add_today(counters.name_send_total(row.status))
        await tx.apply([sends.conclude(changed, now), *direct_mails.forget_ended(changed)])
        blocked_ids = {row.id for row in changed if row.status == "blocked"}
        if blocked_ids:
            await _store_blocks(tx, [o for o in outcomes if o.send.id in blocked_ids], now)
        bounces = [
            _build_bounce_event(outcome) for outcome in outcomes if outcome.suppress is not None
        ]
        batch = (
            await self._ingest.submit_within(tx, bounces, tally, now) if bounces else BatchResult()
        )
        batch.topics.add("sends")
        return batch


async def _store_blocks(
    tx: Transaction, outcomes: Sequence[DeliveryOutcome], now: datetime
) -> None:
    """Store why mails are blocked, with the versions of their templates that failed before."""
    blocks = {outcome.send.id: outcome for outcome in outcomes if outcome.block is not None}
    known = await tx.fetch_one(blocked_mails.find(list(blocks)))
    mails: list[BlockedMail] = []
    for send_id, outcome in blocks.items():
        assert outcome.block is not None  # noqa: S101 (selected above)
        version, facts = outcome.block.version, outcome.block.facts
        before = known.get(send_id)
        versions = before.add_version(version) if before else version
        mails.append(BlockedMail(send_id, outcome.send.template, versions, now, facts))
    await tx.apply([blocked_mails.store(mails)])


async def _write_unblocks(
    tx: Transaction, unblocks: Sequence[Unblock], tally: Tally, now: datetime
) -> None:
    blocked = await tx.fetch_one(
        blocked_mails.find_reasons([unblock.send_id for unblock in unblocks], tx.dialect.lock_rows)
    )
    current = [unblock for unblock in unblocks if unblock.send_id in blocked]
    failed = {unblock.send_id: unblock.reason for unblock in current if unblock.reason is not None}
    for _ in failed:
        tally.add_today(counters.name_send_total("failed"))
    released = [unblock.send_id for unblock in current if unblock.reason is None]
    await tx.apply(
        [
            blocked_mails.release(released, now),
            blocked_mails.fail(failed, now),
            *direct_mails.forget(failed),
        ]
    )


def _to_rendered_mail(message: Message) -> RenderedMail:
    return RenderedMail(
        message.send_id,
        message.subject,
        message.from_.email,
        message.mime_bytes,
        message.links,
    )


def _conclude_row(send: Send, state: SendState | None) -> Send | None:
    """Return the row after an attempt, or None if the send has ended in the meantime.

    A mail that was withdrawn during the hand-over and was not accepted is cancelled, not retried.
    What the provider says about a mail to an erased contact is not kept.
    """
    if state is None or state.status not in ("queued", "sending"):
        return None
    if send.status == "queued" and state.status == "sending" and state.reason is not None:
        send = replace(send, status="cancelled", reason=state.reason, due_at=None)
    if state.reason == ERASED:
        return replace(send, reason=ERASED, provider_id=None, attempts=())
    return send


def _build_bounce_event(outcome: DeliveryOutcome) -> IncomingEvent:
    send = outcome.send
    return IncomingEvent(
        name="email.bounced",
        contact_id=None if send.address else send.contact_id,
        email=send.address,
        properties={
            "sendId": str(send.id),
            "template": send.template,
            "reason": send.reason or "",
        },
        source="delivery",
        send_id=send.id,
        suppress=outcome.suppress,
    )
