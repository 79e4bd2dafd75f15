"""The writes before and after hand-overs, for many at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.ledger import Handoff, Ledger
from hogsend.delivery.outcomes import DeliveryOutcome
from hogsend.delivery.providers.port import Withdrawn
from hogsend.domain.ids import new_id
from hogsend.domain.incoming import IncomingEvent, Suppress
from hogsend.domain.send_policy import Send
from hogsend.store import sends
from tests.delivery.mailer_harness import MailerHarness, open_harness
from tests.delivery.providers.contract import make_message


class LedgerHarness(MailerHarness):
    """A ledger without a running mailer."""

    @cached_property
    def ledger(self) -> Ledger:
        runtime = self.site.runtime
        return Ledger(runtime.database, self.site.clock, runtime.ingest)

    async def handoff(self, send_id: UUID) -> Handoff:
        send = await self.row(send_id)
        return Handoff(send, make_message(send.to_email or "", send_id=send_id), "scripted")

    async def begin(self, *ids: UUID) -> list[Send | BaseException]:
        """Begin several hand-overs at the same time."""
        handoffs = [await self.handoff(send_id) for send_id in ids]
        results = (self.ledger.begin(handoff) for handoff in handoffs)
        return list(await asyncio.gather(*results, return_exceptions=True))


@pytest.fixture
async def harness(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[LedgerHarness]:
    """A ledger, on each kind of database."""
    async with open_harness(tmp_path, clock, database_url) as opened:
        await opened.mailer.close(0.0)
        yield LedgerHarness(opened.site, opened.provider, opened.mailer)


async def test_of_many_concurrent_handoffs_only_allowed_ones_begin(harness: LedgerHarness) -> None:
    queue = harness.queue
    _, cancelled, _, _, _ = ids = [await queue(user) for user in ("a", "b", "c", "d", "e")]
    handoffs = [await harness.handoff(send_id) for send_id in ids]
    now = harness.site.clock.now()
    row = replace(await harness.row(cancelled), status="cancelled", due_at=None)
    await harness.write(sends.update([row], now))
    await harness.site.event("moved", "c", email="c@new.example")
    await harness.site.event("left", "d", lists={"news": False})
    contact = await harness.site.contact("e")
    suppress = Suppress("e@example.com", "complaint")
    await harness.site.runtime.ingest.submit(
        IncomingEvent(name="email.complained", contact_id=contact.id, suppress=suppress)
    )

    results = await asyncio.gather(
        *(harness.ledger.begin(handoff) for handoff in handoffs), return_exceptions=True
    )

    assert isinstance(results[0], Send) and results[0].status == "sending"
    assert all(isinstance(result, Withdrawn) for result in results[1:])
    rows = [await harness.row(send_id) for send_id in ids]
    assert [(row.status, row.reason) for row in rows] == [
        ("sending", None),
        ("cancelled", None),
        ("queued", None),
        ("skipped", "unsubscribed_from_list"),
        ("suppressed", "suppressed"),
    ]
    mails = [await harness.site.runtime.database.read_one(sends.find_mail(row.id)) for row in rows]
    assert [mail is not None for mail in mails] == [True, False, False, False, False]
    assert await harness.fetch_counter("sends/skipped") == 1


async def test_a_handoff_begins_only_once(harness: LedgerHarness) -> None:
    send_id = await harness.queue()
    first, second = await harness.begin(send_id, send_id)
    (third,) = await harness.begin(send_id)
    assert isinstance(first, Send)
    assert isinstance(second, Withdrawn) and isinstance(third, Withdrawn)


async def test_a_handoff_of_an_unknown_send_is_withdrawn(harness: LedgerHarness) -> None:
    handoff = await harness.handoff(await harness.queue())
    unknown = replace(handoff, send=replace(handoff.send, id=new_id(harness.site.clock.now())))
    with pytest.raises(Withdrawn):
        await harness.ledger.begin(unknown)


async def test_a_later_status_is_not_overwritten(harness: LedgerHarness) -> None:
    send_id = await harness.queue()
    (begun,) = await harness.begin(send_id)
    assert isinstance(begun, Send)
    now = harness.site.clock.now()
    await harness.write(sends.update([replace(begun, status="delivered")], now))

    await harness.ledger.conclude(DeliveryOutcome(replace(begun, status="sent", sent_at=now)))

    assert (await harness.row(send_id)).status == "delivered"


async def test_a_bounce_is_recorded_suppressed_and_published_in_one_transaction(
    harness: LedgerHarness,
) -> None:
    ids = [await harness.queue(user) for user in ("a", "b")]
    begun = [send for send in await harness.begin(*ids) if isinstance(send, Send)]

    await asyncio.gather(
        *(
            harness.ledger.conclude(
                DeliveryOutcome(
                    replace(send, status="bounced", reason="550"),
                    Suppress(send.to_email or "", "hard_bounce"),
                )
            )
            for send in begun
        )
    )

    assert await harness.fetch_suppressions() == {
        "a@example.com": "hard_bounce",
        "b@example.com": "hard_bounce",
    }
    assert await harness.events() == ["email.bounced"] * 2
    assert await harness.fetch_counter("sends/bounced") == 2


async def test_a_bounce_ends_a_journey_with_that_exit_event(harness: LedgerHarness) -> None:
    await harness.site.event("user.created")
    (begun,) = await harness.begin(await harness.queue())
    assert isinstance(begun, Send)
    next_mail = await harness.queue(journey_id="welcome")
    bounced = replace(begun, status="bounced", reason="550")

    await harness.ledger.conclude(
        DeliveryOutcome(bounced, Suppress("ada@example.com", "hard_bounce"))
    )

    ended = await harness.site.rows("SELECT state, end_reason FROM enrollments")
    assert ended == [("exited", "exit_on email.bounced")]
    assert (await harness.row(next_mail)).status == "cancelled"


async def test_flush_waits_for_pending_writes(harness: LedgerHarness) -> None:
    send_id = await harness.queue()
    (begun,) = await harness.begin(send_id)
    assert isinstance(begun, Send)
    concluding = asyncio.ensure_future(
        harness.ledger.conclude(DeliveryOutcome(replace(begun, status="sent")))
    )
    await asyncio.sleep(0)
    concluding.cancel()
    await harness.ledger.flush()
    assert (await harness.row(send_id)).status == "sent"
