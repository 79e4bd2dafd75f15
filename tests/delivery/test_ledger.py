"""The two writes around a hand-over, when many come at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.ledger import Handover, HandoverOutcome, Ledger
from hogsend.delivery.providers.port import Withdrawn
from hogsend.domain.ids import new_id
from hogsend.domain.incoming import IncomingEvent, Suppress
from hogsend.domain.send_policy import Send
from hogsend.store import sends
from hogsend.store.sends import RenderedMail
from tests.delivery.office import Office, open_office


class Desk:
    """A ledger without a mailer.

    Args:
        office: an office whose mailer has stopped.
    """

    def __init__(self, office: Office) -> None:
        self.office, self.site = office, office.site
        runtime = office.site.runtime
        self.ledger = Ledger(runtime.database, office.site.clock, runtime.ingest, "scripted")

    async def handover(self, send_id: UUID) -> Handover:
        send = await self.office.row(send_id)
        mail = RenderedMail(send_id, "Hello", "from@example.com", b"From: x\r\n\r\nHi\r\n", ["u"])
        return Handover(send, send.to_email or "", mail)

    async def mark(self, *ids: UUID) -> list[Send | BaseException]:
        """Mark several at the same time."""
        handovers = [await self.handover(one) for one in ids]
        marks = (self.ledger.mark(one) for one in handovers)
        return list(await asyncio.gather(*marks, return_exceptions=True))


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Desk]:
    """A ledger, on each kind of database."""
    async with open_office(tmp_path, clock, database_url) as office:
        await office.mailer.close(0.0)
        yield Desk(office)


async def test_of_many_marked_at_once_only_those_that_may_leave_are(desk: Desk) -> None:
    queue = desk.office.queue
    fine, gone, moved, left, dead = [await queue(user) for user in ("a", "b", "c", "d", "e")]
    handovers = [await desk.handover(one) for one in (fine, gone, moved, left, dead)]
    now = desk.site.clock.now()
    cancelled = replace(await desk.office.row(gone), status="cancelled", due_at=None)
    await desk.office.write(sends.update([cancelled], now))
    await desk.site.event("moved", "c", email="c@new.example")
    await desk.site.event("left", "d", lists={"news": False})
    contact = await desk.site.contact("e")
    suppress = Suppress("e@example.com", "complaint")
    await desk.site.runtime.ingest.submit(
        IncomingEvent(name="email.complained", contact_id=contact.id, suppress=suppress)
    )

    answers = await asyncio.gather(
        *(desk.ledger.mark(one) for one in handovers), return_exceptions=True
    )

    assert isinstance(answers[0], Send) and answers[0].status == "sending"
    assert all(isinstance(answer, Withdrawn) for answer in answers[1:])
    rows = [await desk.office.row(one) for one in (fine, gone, moved, left, dead)]
    assert [(row.status, row.reason) for row in rows] == [
        ("sending", None),
        ("cancelled", None),
        ("queued", None),
        ("skipped", "unsubscribed_from_list"),
        ("suppressed", "suppressed"),
    ]
    kept = [await desk.site.runtime.database.read_one(sends.mail_of(row.id)) for row in rows]
    assert [mail is not None for mail in kept] == [True, False, False, False, False]
    assert await desk.office.counted("sends/skipped") == 1


async def test_a_mail_is_marked_once_whoever_asks(desk: Desk) -> None:
    send_id = await desk.office.queue()
    first, second = await desk.mark(send_id, send_id)
    (third,) = await desk.mark(send_id)
    assert isinstance(first, Send)
    assert isinstance(second, Withdrawn) and isinstance(third, Withdrawn)


async def test_a_mark_of_what_is_not_there_is_withdrawn(desk: Desk) -> None:
    handover = await desk.handover(await desk.office.queue())
    strange = replace(handover, send=replace(handover.send, id=new_id(desk.site.clock.now())))
    with pytest.raises(Withdrawn):
        await desk.ledger.mark(strange)


async def test_a_status_that_has_moved_on_is_not_put_back(desk: Desk) -> None:
    send_id = await desk.office.queue()
    (marked,) = await desk.mark(send_id)
    assert isinstance(marked, Send)
    now = desk.site.clock.now()
    await desk.office.write(sends.update([replace(marked, status="delivered")], now))

    await desk.ledger.conclude(HandoverOutcome(replace(marked, status="sent", sent_at=now)))

    assert (await desk.office.row(send_id)).status == "delivered"


async def test_a_bounce_is_recorded_suppressed_and_told_in_one_transaction(desk: Desk) -> None:
    ids = [await desk.office.queue(user) for user in ("a", "b")]
    marked = [send for send in await desk.mark(*ids) if isinstance(send, Send)]

    await asyncio.gather(
        *(
            desk.ledger.conclude(
                HandoverOutcome(
                    replace(send, status="bounced", reason="550"),
                    Suppress(send.to_email or "", "hard_bounce"),
                )
            )
            for send in marked
        )
    )

    assert await desk.office.suppressed() == {
        "a@example.com": "hard_bounce",
        "b@example.com": "hard_bounce",
    }
    assert await desk.office.events() == ["email.bounced"] * 2
    assert await desk.office.counted("sends/bounced") == 2


async def test_a_bounce_ends_a_journey_that_says_so(desk: Desk) -> None:
    await desk.site.event("user.created")
    (marked,) = await desk.mark(await desk.office.queue())
    assert isinstance(marked, Send)
    next_mail = await desk.office.queue(journey_id="welcome")
    bounced = replace(marked, status="bounced", reason="550")

    await desk.ledger.conclude(HandoverOutcome(bounced, Suppress("ada@example.com", "hard_bounce")))

    ended = await desk.site.rows("SELECT state, end_reason FROM enrollments")
    assert ended == [("exited", "exit_on email.bounced")]
    assert (await desk.office.row(next_mail)).status == "cancelled"


async def test_idle_means_written(desk: Desk) -> None:
    send_id = await desk.office.queue()
    (marked,) = await desk.mark(send_id)
    assert isinstance(marked, Send)
    concluding = asyncio.ensure_future(
        desk.ledger.conclude(HandoverOutcome(replace(marked, status="sent")))
    )
    await asyncio.sleep(0)
    concluding.cancel()
    await desk.ledger.idle()
    assert (await desk.office.row(send_id)).status == "sent"
