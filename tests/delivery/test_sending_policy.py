"""Mails follow the sending policy: rates, quiet hours, caps, stops of bad senders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from hogsend import FrequencyCap, Rate, SendingPolicy
from hogsend.clock import ManualClock
from hogsend.delivery.providers.port import Feedback
from hogsend.domain.send_policy import Send
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.content import Content
from hogsend.services.sending import get_sending_report, release_mail, stop_mail
from hogsend.store import sending_stops
from tests.delivery.mailer_harness import MailerHarness, open_harness
from tests.site import until

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
async def harness(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[MailerHarness]:
    """A mailer at work, on each kind of database."""
    async with open_harness(tmp_path, clock, database_url) as opened:
        yield opened


def _with_policy(content: Content, policy: SendingPolicy) -> Content:
    return replace(content, registry=replace(content.registry, sending_policy=policy))


async def queue_in_order(harness: MailerHarness, users: str) -> list[UUID]:
    """Queue a mail to each user, due one after the other; return their ids."""
    now = harness.site.clock.now()
    return [
        await harness.queue(user, poll=False, due_at=now - timedelta(seconds=len(users) - n))
        for n, user in enumerate(users)
    ]


async def wait_for_reason(harness: MailerHarness, send_id: UUID, reason: str) -> Send:
    """Return a row once it has a reason."""

    async def condition() -> Send | None:
        row = await harness.row(send_id)
        return row if row.reason == reason else None

    return await until(harness.site.runtime.change_feed, condition)


async def test_mails_beyond_a_rate_wait_for_their_places(harness: MailerHarness) -> None:
    harness.mailer.use_policy(SendingPolicy(provider_rates={"scripted": Rate(1, HOUR)}))
    ids = await queue_in_order(harness, "abc")
    harness.mailer.poll()
    first = await harness.wait_for_status(ids[0], "sent")
    waiting = [await wait_for_reason(harness, send_id, "paced") for send_id in ids[1:]]
    places = [row.due_at for row in waiting]
    assert places[0] is not None and places[1] is not None
    assert places[1] - places[0] == HOUR and first.sent_at is not None
    assert all(row.attempts == [] for row in waiting)

    await harness.pass_time(HOUR)
    await harness.wait_for_status(ids[1], "sent")
    assert (await harness.row(ids[2])).status == "queued"


async def test_a_transactional_mail_passes_a_backlog(harness: MailerHarness) -> None:
    harness.mailer.use_policy(SendingPolicy(provider_rates={"scripted": Rate(2, HOUR)}))
    ids = await queue_in_order(harness, "abcd")
    harness.mailer.poll()
    await wait_for_reason(harness, ids[3], "paced")
    await harness.pass_time(HOUR / 2)
    receipt = await harness.queue("e", list_id="bills")
    await wait_for_reason(harness, ids[3], "paced")
    await harness.pass_time(HOUR / 2)
    await harness.wait_for_status(receipt, "sent")
    assert (await harness.row(ids[3])).status == "queued"


async def test_quiet_hours_hold_all_but_transactional_mail(harness: MailerHarness) -> None:
    # It is nine o'clock.
    harness.mailer.use_policy(SendingPolicy(quiet_hours=("08:00", "12:00")))
    news = await harness.queue("a")
    receipt = await harness.queue("b", list_id="bills")
    await harness.wait_for_status(receipt, "sent")

    async def is_postponed() -> Send | None:
        row = await harness.row(news)
        return row if row.due_at == harness.site.clock.now() + 3 * HOUR else None

    await until(harness.site.runtime.change_feed, is_postponed)
    await harness.pass_time(3 * HOUR)
    await harness.wait_for_status(news, "sent")


async def test_a_mail_beyond_the_cap_is_skipped_however_many_come_at_once(
    harness: MailerHarness,
) -> None:
    harness.mailer.use_policy(SendingPolicy(frequency_cap=FrequencyCap(2, 7 * DAY)))
    ids = [await harness.queue("ada", poll=False) for _ in range(5)]
    receipt = await harness.queue("ada", list_id="bills", poll=False)
    harness.mailer.poll()
    await harness.wait_for_status(receipt, "sent")
    rows = [await harness.wait_for_status(send_id, "sent", "skipped") for send_id in ids]
    assert sorted((row.status, row.reason) for row in rows) == [
        ("sent", None),
        ("sent", None),
        *[("skipped", "frequency_cap")] * 3,
    ]
    await harness.pass_time(8 * DAY)
    await harness.wait_for_status(await harness.queue("ada"), "sent")


async def test_a_mail_beyond_the_cap_can_wait_instead(harness: MailerHarness) -> None:
    cap = FrequencyCap(1, DAY, then="defer")
    harness.mailer.use_policy(SendingPolicy(frequency_cap=cap))
    await harness.wait_for_status(await harness.queue("ada"), "sent")
    second = await harness.queue("ada")
    row = await wait_for_reason(harness, second, "frequency_cap")
    assert (row.status, row.due_at) == ("queued", harness.site.clock.now() + DAY)
    await harness.pass_time(DAY)
    await harness.wait_for_status(second, "sent")


async def test_without_a_usable_policy_mail_waits(harness: MailerHarness) -> None:
    harness.mailer.use_policy(None)
    send_id = await harness.queue()
    await asyncio.sleep(0)
    assert harness.mailer.policy_problem is not None
    harness.mailer.use_policy(SendingPolicy())
    await harness.wait_for_status(send_id, "sent")
    # Later a broken file changes nothing: the last good policy holds.
    harness.mailer.use_policy(SendingPolicy(provider_rates={"scripted": Rate(9, HOUR)}))
    harness.mailer.use_policy(None)
    assert harness.mailer.policy_problem is None
    assert "scripted" in harness.mailer.governor.policy.provider_rates


async def test_a_policy_that_names_an_unknown_provider_is_logged(
    harness: MailerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.mailer.use_policy(SendingPolicy(provider_rates={"resnd": Rate(1, HOUR)}))
    assert "names providers that HOGSEND_MAIL does not have: resnd" in caplog.text
    await harness.wait_for_status(await harness.queue(), "sent")


async def test_an_operator_stops_a_sender_and_lets_its_mail_leave_again(
    harness: MailerHarness,
) -> None:
    runtime = harness.site.runtime
    await stop_mail(runtime, COMMAND_LINE, "sender", "localhost", "a mistake")
    await harness.mailer.read_stops()
    send_id = await harness.queue()
    await wait_for_reason(harness, send_id, "sending_stopped")

    await release_mail(runtime, COMMAND_LINE, "sender", "localhost", "mended")
    await harness.mailer.read_stops()
    harness.mailer.poll()
    await harness.wait_for_status(send_id, "sent")
    [stop] = await runtime.database.read_one(sending_stops.find_latest(5))
    assert (stop.ended_by, stop.note) == (COMMAND_LINE.name, "mended")
    assert await harness.site.rows("SELECT action FROM audit ORDER BY id") == [
        ("stop mail",),
        ("release mail",),
    ]


async def test_too_many_bounces_of_a_sender_stop_its_mail(
    harness: MailerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = harness.site.runtime
    policy = SendingPolicy(min_sample=4, max_bounce_rate=0.3)
    runtime.content = _with_policy(runtime.content, policy)
    ids = [await harness.queue(user) for user in ("a", "b", "c", "d")]
    for send_id in ids:
        await harness.wait_for_status(send_id, "sent")
    for number, send_id in enumerate(ids[:2]):
        report = Feedback("hard_bounce", harness.site.clock.now(), "", send_id=send_id)
        await runtime.feedback.handle("scripted", [report])
        stops = await runtime.database.read_one(sending_stops.find_active())
        assert [(stop.scope, stop.name) for stop in stops] == [("sender", "localhost")] * number
    assert "mail from localhost is stopped: 2 of 4 mails bounced" in caplog.text

    report = await get_sending_report(runtime, COMMAND_LINE, harness.site.clock.now())
    assert [stop.name for stop in report.stops] == ["localhost"]
    [sender] = report.by_sender
    assert (sender.name, sender.sent, sender.bounced) == ("localhost", 4, 2)
    # An operator lets it leave again; the same bounces do not stop it a second time.
    await release_mail(runtime, COMMAND_LINE, "sender", "localhost", "")
    bounce = Feedback("hard_bounce", harness.site.clock.now(), "", send_id=ids[2])
    await runtime.feedback.handle("scripted", [bounce])
    assert await runtime.database.read_one(sending_stops.find_active()) == []
