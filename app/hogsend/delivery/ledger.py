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
from ..domain.intake import Incoming, Suppress
from ..domain.retrying import retry_at
from ..domain.sending import Consents, Queue, Send, SendFacts, decide_send, leaves_at
from ..ingest import Ingest, Taking
from ..store import consents, contacts, sends
from ..store.batcher import Batcher
from ..store.counters import Tally
from ..store.db import Database, Transaction
from ..store.sends import RenderedMail
from .providers.port import Withdrawn


@dataclass(frozen=True, slots=True)
class Job:
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
class Outcome:
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
    """

    def __init__(self, database: Database, clock: Clock, ingest: Ingest, provider: str) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self._provider = provider
        self._handovers: Batcher[Handover, Send] = Batcher(self._mark, most=256, turn=database.turn)
        self._outcomes: Batcher[Outcome, None] = Batcher(
            self._conclude, most=256, turn=database.turn
        )

    async def mark(self, handover: Handover) -> Send:
        """Mark a send as being handed over, keeping its mail; the last thing before it leaves.

        Raises:
            Withdrawn: it must not leave any more: it was cancelled, or consent was taken back.
        """
        return await self._handovers.submit(handover)

    async def conclude(self, outcome: Outcome) -> None:
        """Write what a try came to."""
        await self._outcomes.submit(outcome)

    async def idle(self) -> None:
        """Return when everything that was handed in so far is written."""
        await self._handovers.idle()
        await self._outcomes.idle()

    def verdict(self, send: Send, facts: SendFacts, now: datetime) -> Send | None:
        """Decide again whether a mail may leave.

        Returns:
            None when it may, or the row as it becomes.
        """
        decision = decide_send(self._ingest.rules.list(send.list_id), facts, now=now)
        if isinstance(decision, Queue):
            return None
        return replace(send, status=decision.status, reason=decision.reason, due_at=None)

    def instead(self, job: Job, now: datetime) -> Send | None:
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

    async def _mark(self, handovers: Sequence[Handover]) -> Sequence[Send | Exception]:
        now = self._clock.now()
        async with self._database.transaction() as tx:
            return await self._mark_within(tx, handovers, now)

    async def _mark_within(
        self, tx: Transaction, handovers: Sequence[Handover], now: datetime
    ) -> list[Send | Exception]:
        ids = [handover.send.id for handover in handovers]
        # Locked before the sends are read, so that no exit comes in between.
        people, present, said, suppressed = await tx.fetch(
            contacts.of_sends(ids, tx.dialect.lock_rows),
            sends.by_ids(ids),
            consents.of_sends(ids),
            consents.suppressed_of_sends(ids),
        )
        tally, changed = Tally(now), list[Send]()
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
                tally.today(f"sends/{refused.status}")
                answers.append(Withdrawn())
            elif (send.address or contact.email) != handover.send.to_email:
                # The address changed while the mail was made: it is made again.
                answers.append(Withdrawn())
            else:
                present[send.id] = marked = self._marked(send, handover, now)
                changed.append(marked)
                kept.append(handover.mail)
                answers.append(marked)
        await tx.apply([sends.update(changed, now), sends.keep_mails(kept, now), tally.write()])
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

    async def _conclude(self, outcomes: Sequence[Outcome]) -> Sequence[Exception | None]:
        now = self._clock.now()
        tally = Tally(now)
        facts = [
            Incoming(
                name="email.bounced",
                contact_id=outcome.send.contact_id,
                properties={
                    "sendId": str(outcome.send.id),
                    "template": outcome.send.template,
                    "reason": outcome.send.reason or "",
                },
                source="delivery",
                send_id=outcome.send.id,
                suppress=outcome.suppress,
            )
            for outcome in outcomes
            if outcome.suppress is not None
        ]
        for outcome in outcomes:
            if outcome.send.status != "queued":
                tally.today(f"sends/{outcome.send.status}")

        taking = Taking()
        async with self._database.transaction() as tx:
            await tx.apply([sends.conclude([outcome.send for outcome in outcomes], now)])
            if facts:
                taking = await self._ingest.take_within(tx, facts, tally, now)
            await tx.apply([tally.write()])
        taking.topics.add("sends")
        await self._ingest.committed(taking)
        return [None] * len(outcomes)


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
