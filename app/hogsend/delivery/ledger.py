"""The two writes around a hand-over, each done for all mails that come to it at the same time."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from ..clock import Clock
from ..domain.contact import Contact
from ..domain.event import Event
from ..domain.incoming import IncomingEvent, Suppress
from ..domain.retry_schedule import retry_at
from ..domain.send_policy import Consents, Queue, Send, SendFacts, decide_send, leaves_at
from ..ingest import BatchResult, Ingest
from ..store import consents, contacts, counters, sends
from ..store.batcher import Batcher
from ..store.counters import Tally
from ..store.db import Database, Transaction
from ..store.sends import RenderedMail, SendState
from .providers.port import Withdrawn


@dataclass(frozen=True, slots=True)
class SendJob:
    """A send that is due, with what its mail is made of."""

    send: Send
    contact: Contact
    event: Event | None
    facts: SendFacts


@dataclass(frozen=True, slots=True)
class Handover:
    """A mail whose recipient the provider has accepted, about to be handed over."""

    send: Send
    to_email: str
    mail: RenderedMail


@dataclass(frozen=True, slots=True)
class HandoverOutcome:
    """What a try to hand a mail over came to.

    Args:
        send: the ledger row as it becomes.
        suppress: the address that must not be mailed any more, if the try showed that.
    """

    send: Send
    suppress: Suppress | None = None


class Ledger:
    """Writes the send ledger for the mailer.

    Args:
        database: where the ledger is.
        clock: what tells the time.
        ingest: takes the events that outcomes are, inside their transaction.
        provider: the provider's name.
        holder: what this worker's hand-overs are held by, where several are at work.
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
        # Of both in one, so that a mail that ends and one that begins share a commit.
        self._batcher: Batcher[Handover | HandoverOutcome, Send | None] = Batcher(
            self._write, most=512, turn=database.turn
        )

    async def mark(self, handover: Handover) -> Send:
        """Mark a send as being handed over, keeping its mail; the last thing before it leaves.

        Raises:
            Withdrawn: it must not leave any more: it was cancelled, or consent was taken back.
        """
        marked = await self._batcher.submit(handover)
        assert marked is not None  # noqa: S101 (only outcomes are answered by nothing)
        return marked

    async def conclude(self, outcome: HandoverOutcome) -> None:
        """Write what a try came to."""
        await self._batcher.submit(outcome)

    async def idle(self) -> None:
        """Return when everything that was handed in so far is written."""
        await self._batcher.idle()

    def verdict(self, send: Send, facts: SendFacts, now: datetime) -> Send | None:
        """Decide again whether a mail may leave.

        Returns:
            None when it may, or the row as it becomes.
        """
        decision = decide_send(self._ingest.rules.list(send.list_id), facts, now=now)
        if isinstance(decision, Queue):
            return None
        return replace(send, status=decision.status, reason=decision.reason, due_at=None)

    def instead(self, job: SendJob, now: datetime) -> Send | None:
        """Return the row of a mail that is due and may not leave now; None when it may.

        It is refused, or it waits for the hours that its journey sends in.
        """
        refused = self.verdict(job.send, job.facts, now)
        journey = self._ingest.rules.definition(job.send.journey_id or "")
        if refused is not None or journey is None:
            return refused
        leaves = leaves_at(journey, job.contact.properties, now)
        return replace(job.send, due_at=leaves) if leaves > now else None

    def later(self, send: Send, reply: str, now: datetime) -> Send:
        """Return a send that was not taken, due again later or failed at last."""
        tried = [*send.attempts, sends.attempt(now, "deferred", reply)]
        again = retry_at(len(tried), send.created_at, now, random.random())  # noqa: S311
        if again is None:
            return replace(
                send, status="failed", reason="refused for four days", due_at=None, attempts=tried
            )
        return replace(send, status="queued", reason=None, due_at=again, attempts=tried)

    async def _write(
        self, items: Sequence[Handover | HandoverOutcome]
    ) -> Sequence[Send | Exception | None]:
        """Write both kinds in one transaction, but bounces, which are facts, in another."""
        handovers = [one for one in items if isinstance(one, Handover)]
        outcomes = [one for one in items if isinstance(one, HandoverOutcome)]
        bounces = [one for one in outcomes if one.suppress is not None]
        plain = [one for one in outcomes if one.suppress is None]
        marked: list[Send | Exception] = []
        if handovers and plain:
            marked = await self._mark_and_conclude(handovers, plain)
        elif handovers:
            marked = await self._mark(handovers)
        elif plain:
            await self._conclude(plain)
        if bounces:
            await self._conclude(bounces)
        answers = iter(marked)
        return [next(answers) if isinstance(one, Handover) else None for one in items]

    async def _mark(self, handovers: Sequence[Handover]) -> list[Send | Exception]:
        tally = Tally(self._clock.now())
        async with self._database.transaction() as tx:
            marked = await self._mark_within(tx, handovers, tally)
            await tx.apply([tally.write()])
        return marked

    async def _conclude(self, outcomes: Sequence[HandoverOutcome]) -> None:
        tally = Tally(self._clock.now())
        async with self._database.transaction() as tx:
            taking = await self._conclude_within(tx, outcomes, tally)
            await tx.apply([tally.write()])
        await self._ingest.publish_result(taking)

    async def _mark_and_conclude(
        self, handovers: Sequence[Handover], outcomes: Sequence[HandoverOutcome]
    ) -> list[Send | Exception]:
        tally = Tally(self._clock.now())
        async with self._database.transaction() as tx:
            marked = await self._mark_within(tx, handovers, tally)
            taking = await self._conclude_within(tx, outcomes, tally)
            await tx.apply([tally.write()])
        await self._ingest.publish_result(taking)
        return marked

    async def _mark_within(
        self, tx: Transaction, handovers: Sequence[Handover], tally: Tally
    ) -> list[Send | Exception]:
        now = self._clock.now()
        ids = [handover.send.id for handover in handovers]
        # Locked before the sends are read, so that no exit comes in between.
        people, present, said, suppressed = await tx.fetch(
            contacts.of_sends(ids, tx.dialect.lock_rows),
            sends.by_ids(ids),
            consents.of_sends(ids),
            consents.suppressed_of_sends(ids),
        )
        changed: list[Send] = []
        answers: list[Send | Exception] = []
        kept: list[RenderedMail] = []
        for handover in handovers:
            send: Send | None = present.get(handover.send.id)
            contact: Contact | None = people.get(send.contact_id) if send else None
            if send is None or contact is None or send.status != "queued":
                answers.append(Withdrawn())
                continue
            refused = self.verdict(send, facts_of(contact, said, suppressed, send), now)
            if refused is not None:
                changed.append(refused)
                tally.today(counters.sends(refused.status))
                answers.append(Withdrawn())
            elif (send.address or contact.email) != handover.send.to_email:
                # The address changed while the mail was made: it is made again.
                answers.append(Withdrawn())
            else:
                present[send.id] = marked = self._marked(send, handover, now)
                changed.append(marked)
                kept.append(handover.mail)
                answers.append(marked)
        await tx.apply([sends.update(changed, now), sends.keep_mails(kept, now)])
        if self._holder is not None:
            await tx.apply([sends.hold([mail.send_id for mail in kept], self._holder)])
        return answers

    def _marked(self, send: Send, handover: Handover, now: datetime) -> Send:
        return replace(
            send,
            status="sending",
            # One that is there from now on says that it was withdrawn meanwhile.
            reason=None,
            to_email=handover.to_email,
            due_at=None,
            handed_at=now,
            provider=self._provider,
        )

    async def _conclude_within(
        self, tx: Transaction, outcomes: Sequence[HandoverOutcome], tally: Tally
    ) -> BatchResult:
        now = self._clock.now()
        standing = await tx.one(sends.states_of([outcome.send.id for outcome in outcomes]))
        after = [
            row
            for outcome in outcomes
            if (row := _concluded(outcome.send, standing.get(outcome.send.id))) is not None
        ]
        for row in after:
            if row.status != "queued":
                tally.today(counters.sends(row.status))
        await tx.apply([sends.conclude(after, now)])
        facts = [_bounce(outcome) for outcome in outcomes if outcome.suppress is not None]
        taking = await self._ingest.submit_within(tx, facts, tally, now) if facts else BatchResult()
        taking.topics.add("sends")
        return taking


def _concluded(send: Send, standing: SendState | None) -> Send | None:
    """Return what a mail becomes after a try; None when it has ended meanwhile, and stays.

    One that was not taken and was withdrawn during its hand-over is cancelled, not tried again.
    """
    if standing is None or standing.status not in ("queued", "sending"):
        return None
    if send.status == "queued" and standing.status == "sending" and standing.reason is not None:
        return replace(send, status="cancelled", reason=standing.reason, due_at=None)
    return send


def _bounce(outcome: HandoverOutcome) -> IncomingEvent:
    """Return the fact that a bounce is."""
    send = outcome.send
    return IncomingEvent(
        name="email.bounced",
        contact_id=send.contact_id,
        properties={
            "sendId": str(send.id),
            "template": send.template,
            "reason": send.reason or "",
        },
        source="delivery",
        send_id=send.id,
        suppress=outcome.suppress,
    )


def facts_of(
    contact: Contact, said: Mapping[UUID, Consents], suppressed: Mapping[str, str], send: Send
) -> SendFacts:
    """Put together what decides whether a mail may leave."""
    email = send.address or contact.email
    return SendFacts(
        email=email,
        consents=said.get(contact.id) or Consents(),
        suppression=suppressed.get(email) if email else None,
    )
