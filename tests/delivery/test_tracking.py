"""Clicks are held until their neighbours are seen; only people's become events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.tracking import Tracker, Visit
from hogsend.domain.engagement import HOLD, TOO_SOON
from hogsend.domain.ids import new_id
from hogsend.store import link_totals
from hogsend.store.fields import to_id
from tests.delivery.mailer_harness import MailerHarness, open_harness
from tests.site import until

PERSON = Visit("GET", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "203.0.113.77")
SCANNER = Visit("GET", "Mozilla/5.0 (Macintosh) Safari/605.1.15", "2001:db8:1:2:3::4")
BOT = Visit("GET", "Mozilla/5.0 (compatible; linkbot/1.0)", "203.0.113.9")
PROXY = Visit("GET", "Mozilla/5.0 GoogleImageProxy", "203.0.113.10")
SECOND = timedelta(seconds=1)


class Mailbox:
    """A mail that was handed over, and what records its clicks.

    Args:
        harness: where it came from.
        send_id: which one it is.
    """

    def __init__(self, harness: MailerHarness, send_id: UUID) -> None:
        self.harness, self.send_id = harness, send_id
        self.site, self.tracker = harness.site, harness.site.runtime.tracker

    async def click(self, position: int = 0, visit: Visit = PERSON) -> None:
        url = f"https://example.com/{position}"
        await self.tracker.record("click", self.send_id, visit, position=position, url=url)

    def wait(self, time: timedelta) -> None:
        self.site.clock.set(self.site.clock.now() + time)

    async def list_verdicts(self) -> list[str]:
        rows = await self.site.rows("SELECT verdict FROM hits ORDER BY id")
        return [verdict for (verdict,) in rows]


@pytest.fixture
async def box(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Mailbox]:
    """A mail that came a minute ago, on each kind of database."""
    async with open_harness(tmp_path, clock, database_url) as harness:
        send_id = await harness.queue()
        await harness.wait_for_status(send_id, "sent")
        clock.set(clock.now() + timedelta(minutes=1))
        yield Mailbox(harness, send_id)


async def test_a_click_is_no_event_until_ten_seconds_have_passed(box: Mailbox) -> None:
    await box.click()
    assert await box.tracker.judge_due() == HOLD.total_seconds() == 10
    box.wait(HOLD - SECOND)
    assert await box.tracker.judge_due() == 1
    assert await box.harness.events() == [] and await box.list_verdicts() == ["unsure"]

    box.wait(SECOND)
    await box.tracker.judge_due()

    assert await box.harness.events() == ["email.clicked"] and await box.list_verdicts() == [
        "human"
    ]
    await box.tracker.judge_due()
    assert await box.harness.events() == ["email.clicked"]


async def test_the_event_has_the_clicked_link_and_the_time(box: Mailbox) -> None:
    clicked_at = box.site.clock.now()
    await box.click(2)
    box.wait(timedelta(minutes=3))
    await box.tracker.judge_due()

    rows = await box.site.rows(
        "SELECT properties, source, occurred_at, contact_id FROM events "
        "WHERE name = 'email.clicked'"
    )
    ((properties, source, occurred_at, contact_id),) = rows
    for text in (str(box.send_id), "hello", "https://example.com/2"):
        assert text in str(properties)
    assert source == "recipient" and occurred_at == clicked_at.timestamp() * 1_000_000
    assert to_id(contact_id) == (await box.site.contact()).id
    assert (await box.harness.row(box.send_id)).clicked_at == clicked_at
    assert await box.harness.fetch_counter("clicks/human") == 1


async def test_clicks_on_all_links_at_once_are_a_scanners(box: Mailbox) -> None:
    for position in range(3):
        await box.click(position, SCANNER)
        box.wait(SECOND)
    box.wait(HOLD)
    await box.tracker.judge_due()

    assert await box.list_verdicts() == ["machine"] * 3 and await box.harness.events() == []
    assert (await box.harness.row(box.send_id)).clicked_at is None
    assert await box.harness.fetch_counter("clicks/machine") == 3


async def test_a_later_second_click_counts_as_human(box: Mailbox) -> None:
    for position in (0, 1, 1, 2):
        await box.click(position)
        box.wait(HOLD)
    await box.tracker.judge_due()
    # The second click on a link repeats the first.
    assert await box.list_verdicts() == ["human"] * 3
    assert await box.harness.events() == ["email.clicked"] * 3


async def test_links_of_different_mails_are_not_neighbours(box: Mailbox) -> None:
    others = [await box.harness.queue(f"u{n}") for n in range(3)]
    for send_id in others:
        await box.harness.wait_for_status(send_id, "sent")
    box.wait(timedelta(minutes=1))
    for position, send_id in enumerate(others):
        await box.tracker.record("click", send_id, PERSON, position=position, url="https://e.com/")
    box.wait(HOLD)
    await box.tracker.judge_due()
    assert await box.list_verdicts() == ["human"] * 3


async def test_a_click_right_after_the_handoff_is_a_scanners(box: Mailbox) -> None:
    send_id = await box.harness.queue("bo")
    await box.harness.wait_for_status(send_id, "sent")
    box.wait(TOO_SOON - timedelta(milliseconds=1))
    await box.tracker.record("click", send_id, PERSON, url="https://example.com/")
    box.wait(timedelta(milliseconds=1))
    await box.tracker.record("click", send_id, PERSON, url="https://example.com/")
    box.wait(HOLD)
    await box.tracker.judge_due()
    assert await box.list_verdicts() == ["machine", "human"]


async def test_held_clicks_survive_a_restart(box: Mailbox) -> None:
    await box.click()
    box.wait(HOLD)
    runtime = box.site.runtime
    await Tracker(runtime.database, box.site.clock, runtime.ingest, runtime.change_feed).judge_due()
    assert await box.harness.events() == ["email.clicked"]


async def test_more_clicks_than_one_batch_are_all_classified(box: Mailbox) -> None:
    await asyncio.gather(*(box.click(position) for position in range(450)))
    box.wait(HOLD)
    await box.tracker.judge_due()
    assert await box.list_verdicts() == ["machine"] * 450
    assert await box.harness.fetch_counter("clicks/machine") == 450


async def test_the_first_click_and_open_are_kept(box: Mailbox) -> None:
    first = box.site.clock.now()
    for _ in range(2):
        await box.click()
        await box.tracker.record("open", box.send_id, PERSON)
        box.wait(HOLD)
    await box.tracker.judge_due()
    row = await box.harness.row(box.send_id)
    assert (row.opened_at, row.clicked_at) == (first, first)
    assert await box.harness.fetch_counter("opens/human") == 1


@pytest.mark.parametrize("wait", [timedelta(0), HOLD])
async def test_a_link_that_is_followed_again_and_again_counts_once(
    box: Mailbox, wait: timedelta
) -> None:
    for _ in range(5):
        await asyncio.gather(*(box.click() for _ in range(200)))
        box.wait(wait)
        await box.tracker.judge_due()
    box.wait(HOLD)
    await box.tracker.judge_due()

    assert await box.list_verdicts() == ["human"]
    assert await box.harness.events() == ["email.clicked"]
    assert await box.harness.fetch_counter("clicks/human") == 1


async def test_a_mail_that_is_opened_again_and_again_counts_once(box: Mailbox) -> None:
    for visit in (PERSON, PROXY, PERSON, PROXY):
        await asyncio.gather(*(box.tracker.record("open", box.send_id, visit) for _ in range(200)))
    assert sorted(await box.list_verdicts()) == ["human", "machine"]
    assert await box.harness.fetch_counter("opens/human") == 1
    assert await box.harness.fetch_counter("opens/machine") == 1


async def test_a_machine_that_follows_links_again_and_again_counts_once_for_each(
    box: Mailbox,
) -> None:
    for _ in range(20):
        for position in range(3):
            await box.click(position, SCANNER)
            await box.click(position, BOT)
        box.wait(HOLD)
        await box.tracker.judge_due()
    assert await box.list_verdicts() == ["machine"] * 3
    assert await box.harness.events() == []
    assert await box.harness.fetch_counter("clicks/machine") == 3


async def test_a_person_counts_after_a_machine_and_while_its_click_is_held(box: Mailbox) -> None:
    for position in range(3):
        await box.click(position, SCANNER)
    box.wait(HOLD + SECOND)
    # The scanner's clicks are not judged yet.
    await box.click(1)
    await box.tracker.judge_due()
    box.wait(HOLD)
    await box.tracker.judge_due()

    assert sorted(await box.list_verdicts()) == ["human"] + ["machine"] * 3
    assert await box.harness.events() == ["email.clicked"]


async def test_a_machine_after_a_person_counts_apart(box: Mailbox) -> None:
    await box.click()
    box.wait(HOLD)
    await box.tracker.judge_due()
    await box.click(0, BOT)
    assert await box.list_verdicts() == ["human", "machine"]


async def test_a_click_stores_no_address_and_no_user_agent(box: Mailbox) -> None:
    await box.click()
    await box.click(1, SCANNER)
    rows = await box.site.rows("SELECT agent, network FROM hits ORDER BY id")
    assert rows == [("desktop", "203.0.113.0/24"), ("desktop", "2001:db8:1::/48")]


async def test_a_click_of_a_deleted_mail_is_not_stored(box: Mailbox) -> None:
    await box.tracker.record("click", new_id(box.site.clock.now()), PERSON, url="https://e.com/")
    assert await box.list_verdicts() == []


async def test_a_click_of_a_merged_contact_belongs_to_the_surviving_contact(
    box: Mailbox,
) -> None:
    site = box.site
    await site.post("/v1/events", {"name": "seen", "email": "ada@home.example"})
    ((old,),) = await site.rows("SELECT id FROM contacts WHERE email = 'ada@home.example'")
    send_id = await box.harness.queue(contact_id=to_id(old))
    await box.harness.wait_for_status(send_id, "sent")
    box.wait(timedelta(minutes=1))
    await box.tracker.record("click", send_id, PERSON, url="https://example.com/")
    await site.event("seen", email="ada@home.example")
    box.wait(HOLD)

    await box.tracker.judge_due()

    ((clicked_by,),) = await site.rows("SELECT contact_id FROM events WHERE name = 'email.clicked'")
    assert to_id(clicked_by) == (await site.contact()).id != to_id(old)


async def test_the_classifier_wakes_for_a_click_and_stops_on_request(box: Mailbox) -> None:
    working = asyncio.ensure_future(box.tracker.run())
    box.site.clock.set(box.site.clock.now())
    await box.click()
    box.wait(HOLD)
    # The next click wakes the classifier, which finds that the hold of the first is over.
    await box.click(1)

    async def find_human_clicks() -> list[Any]:
        return await box.site.rows("SELECT id FROM hits WHERE verdict = 'human'")

    assert len(await until(box.site.runtime.change_feed, find_human_clicks)) == 1
    await box.tracker.close()
    await working


async def test_clicks_are_counted_by_the_links_of_their_template(box: Mailbox) -> None:
    async def click(url: str, visit: Visit, position: int) -> None:
        await box.tracker.record("click", box.send_id, visit, position=position, url=url)

    await click("https://me@example.com/a?user=ada#top", PERSON, 0)
    await click("https://example.com/a?user=bo", BOT, 1)
    assert await list_totals(box) == [("https://example.com/a", 0, 1)]
    box.wait(HOLD)
    await box.tracker.judge_due()
    await box.tracker.judge_due()
    assert await list_totals(box) == [("https://example.com/a", 1, 1)]

    # A repeat is counted no more than in the other figures.
    await click("https://example.com/a?user=ada", PERSON, 0)
    await click("https://example.com/a?user=bo", BOT, 1)
    box.wait(HOLD)
    await box.tracker.judge_due()
    assert await list_totals(box) == [("https://example.com/a", 1, 1)]


async def test_links_past_the_limit_are_counted_together(box: Mailbox) -> None:
    await asyncio.gather(*(box.click(position, BOT) for position in range(201)))
    await box.click(201, BOT)
    totals = await list_totals(box)
    assert len(totals) == 201 and sum(machine for _, _, machine in totals) == 202
    assert ("", 0, 2) in totals


async def list_totals(box: Mailbox) -> list[Any]:
    query = link_totals.find_by_template("hello")
    rows = await box.site.runtime.database.read_one(query)
    return [(row.url, row.human, row.machine) for row in rows]
