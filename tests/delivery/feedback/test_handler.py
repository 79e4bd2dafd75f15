"""Reports about mails that were accepted: in any order, as often as they come, and of any kind."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.providers.port import Feedback, FeedbackKind
from hogsend.domain.direct_mail import DirectMail
from hogsend.domain.ids import new_id
from hogsend.store import direct_mails, feedback
from tests.delivery.mailer_harness import MailerHarness, Pause, open_harness

DAY = timedelta(days=1)


@pytest.fixture
async def harness(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[MailerHarness]:
    """A mailer at work, on each kind of database."""
    async with open_harness(tmp_path, clock, database_url) as opened:
        yield opened


async def report(
    harness: MailerHarness,
    kind: FeedbackKind,
    send_id: UUID | None = None,
    *,
    provider_id: str | None = None,
    email: str = "ada@example.com",
    event_id: str | None = None,
) -> int:
    """Hand in one report; return 1 when it is new."""
    return await harness.site.runtime.feedback.handle(
        "scripted",
        [
            Feedback(
                kind,
                harness.site.clock.now(),
                email,
                send_id=send_id,
                provider_id=provider_id,
                event_id=event_id,
                reply=f"said {kind}",
            )
        ],
    )


@pytest.mark.parametrize(
    ("kind", "status", "events", "suppressed"),
    [
        ("delivered", "delivered", [], {}),
        ("delayed", "sent", [], {}),
        ("soft_bounce", "bounced", ["email.bounced"], {}),
        ("hard_bounce", "bounced", ["email.bounced"], {"ada@example.com": "hard_bounce"}),
        ("complaint", "complained", ["email.complained"], {"ada@example.com": "complaint"}),
    ],
)
async def test_each_kind_of_report_changes_what_it_means(
    harness: MailerHarness,
    kind: FeedbackKind,
    status: str,
    events: list[str],
    suppressed: dict[str, str],
) -> None:
    send_id = await harness.queue()
    await harness.wait_for_status(send_id, "sent")

    assert await report(harness, kind, send_id) == 1

    row = await harness.row(send_id)
    assert row.status == status
    assert [attempt["outcome"] for attempt in row.attempts] == ["accepted", kind]
    assert await harness.events() == events
    assert await harness.fetch_suppressions() == suppressed
    assert await harness.fetch_counter(f"sends/{status}") == 1
    assert await harness.fetch_counter(f"delivery/template/hello/{status}") == 1
    assert await harness.fetch_counter(f"delivery/domain/other/{status}") == 1
    delivered_at = await harness.site.fetch_value("SELECT delivered_at FROM sends")
    assert (delivered_at is not None) is (kind == "delivered")


async def test_a_repeated_report_changes_nothing(harness: MailerHarness) -> None:
    send_id = await harness.queue()
    await harness.wait_for_status(send_id, "sent")
    first = await report(harness, "hard_bounce", send_id, event_id="evt_1")
    before = await harness.row(send_id)

    again = await report(harness, "hard_bounce", send_id, event_id="evt_1")
    same = await report(harness, "hard_bounce", send_id, event_id="evt_2")

    assert (first, again, same) == (1, 0, 1)
    after = await harness.row(send_id)
    assert (after.status, after.reason) == (before.status, before.reason)
    assert await harness.events() == ["email.bounced"]
    assert await harness.fetch_counter("sends/bounced") == 1


@pytest.mark.parametrize(
    "kinds", list(itertools.permutations(("delivered", "hard_bounce", "complaint")))
)
async def test_the_order_of_reports_does_not_matter(
    tmp_path: Path, clock: ManualClock, sqlite_url: str, kinds: tuple[FeedbackKind, ...]
) -> None:
    async with open_harness(tmp_path, clock, sqlite_url) as harness:
        send_id = await harness.queue()
        await harness.wait_for_status(send_id, "sent")
        for kind in kinds:
            await report(harness, kind, send_id)
        assert (await harness.row(send_id)).status == "complained"
        assert await harness.site.fetch_value("SELECT delivered_at FROM sends") is not None
        assert "ada@example.com" in await harness.fetch_suppressions()


async def test_a_hard_bounce_after_a_soft_one_suppresses_and_keeps_a_complaint(
    harness: MailerHarness,
) -> None:
    send_id = await harness.queue()
    await harness.wait_for_status(send_id, "sent")
    await report(harness, "soft_bounce", send_id)
    await report(harness, "hard_bounce", send_id)
    assert await harness.fetch_suppressions() == {"ada@example.com": "hard_bounce"}
    await report(harness, "complaint", send_id)
    # A weaker reason of another mail does not replace that the person wants no mail.
    other_id = await harness.queue(status="in_doubt", due_at=None, to_email="ada@example.com")
    await report(harness, "hard_bounce", other_id)
    assert await harness.fetch_suppressions() == {"ada@example.com": "complaint"}


async def test_a_report_may_come_before_the_mail_is_recorded_as_sent(
    harness: MailerHarness,
) -> None:
    pause = Pause(handed=True)
    harness.script(pause)
    send_id = await harness.queue()
    await pause.reached.wait()

    await report(harness, "delivered", send_id)
    assert (await harness.row(send_id)).status == "delivered"
    pause.go_on.set()

    row = await harness.wait_for_status(send_id, "delivered", tries=2)
    assert (row.provider_id, row.sent_at) == ("id-1", harness.site.clock.now())
    assert sorted(attempt["outcome"] for attempt in row.attempts) == ["accepted", "delivered"]


async def test_a_report_by_the_providers_id_waits_until_the_id_is_known(
    harness: MailerHarness,
) -> None:
    pause = Pause(handed=True)
    harness.script(pause)
    send_id = await harness.queue()
    await pause.reached.wait()

    assert await report(harness, "hard_bounce", provider_id="id-1") == 1
    assert (await harness.row(send_id)).status == "sending"
    pause.go_on.set()

    await harness.wait_for_status(send_id, "bounced")
    assert await harness.fetch_suppressions() == {"ada@example.com": "hard_bounce"}
    unmatched = await harness.site.runtime.database.read_one(feedback.find_unmatched(["id-1"]))
    assert unmatched == []


async def test_a_report_by_the_providers_id_finds_a_mail_that_was_sent(
    harness: MailerHarness,
) -> None:
    send_id = await harness.queue()
    await harness.wait_for_status(send_id, "sent")
    await report(harness, "delivered", provider_id="id-1")
    assert (await harness.row(send_id)).status == "delivered"


async def test_a_report_settles_a_mail_in_doubt(harness: MailerHarness) -> None:
    send_id = await harness.queue(status="in_doubt", due_at=None, to_email="ada@example.com")
    await report(harness, "delivered", send_id)
    assert (await harness.row(send_id)).status == "delivered"


async def test_a_report_about_an_unknown_mail_is_kept_and_changes_nothing(
    harness: MailerHarness,
) -> None:
    assert await report(harness, "hard_bounce", new_id(harness.site.clock.now())) == 1
    assert await report(harness, "hard_bounce", provider_id="nobody") == 1
    assert await harness.fetch_suppressions() == {}
    assert await harness.site.fetch_value("SELECT COUNT(*) FROM feedback") == 2


async def test_soft_bounces_on_five_days_suppress_an_address(harness: MailerHarness) -> None:
    for day in range(5):
        # Two on the same day count once; the first one of the fifth day is enough.
        for _ in range(2 if day < 4 else 1):
            send_id = await harness.queue()
            await harness.wait_for_status(send_id, "sent")
            await report(harness, "soft_bounce", send_id)
        expected = {"ada@example.com": "soft_bounce"} if day == 4 else {}
        assert await harness.fetch_suppressions() == expected
        if day < 4:
            await harness.pass_time(DAY)


async def test_a_delivery_forgets_earlier_soft_bounces(harness: MailerHarness) -> None:
    before: list[FeedbackKind] = ["soft_bounce"] * 4
    after: list[FeedbackKind] = ["delivered", "soft_bounce"]
    for kind in (*before, *after):
        send_id = await harness.queue()
        await harness.wait_for_status(send_id, "sent")
        await report(harness, kind, send_id)
        await harness.pass_time(DAY)
    assert await harness.fetch_suppressions() == {}


async def test_a_report_about_a_copy_concerns_only_the_address_of_the_copy(
    harness: MailerHarness,
) -> None:
    send_id = await harness.queue()
    await harness.wait_for_status(send_id, "sent")
    now = harness.site.clock.now()
    mail = DirectMail(send_id, b"", now, cc=[("", "copy@example.com")])
    await harness.write(*direct_mails.insert(mail, []))
    await report(harness, "hard_bounce", send_id, email="Copy@Example.com")
    assert (await harness.row(send_id)).status == "sent"
    assert await harness.fetch_suppressions() == {"copy@example.com": "hard_bounce"}
    assert await harness.events() == []


async def test_a_report_about_an_address_that_got_no_mail_changes_nothing(
    harness: MailerHarness,
) -> None:
    send_id = await harness.queue()
    await harness.wait_for_status(send_id, "sent")
    for kind in ("hard_bounce", "soft_bounce", "complaint"):
        await report(harness, kind, send_id, email="victim@example.com")
    assert (await harness.row(send_id)).status == "sent"
    assert await harness.fetch_suppressions() == {}
    assert await harness.events() == []


async def test_in_test_mode_nobody_is_suppressed(
    tmp_path: Path, clock: ManualClock, sqlite_url: str
) -> None:
    async with open_harness(tmp_path, clock, sqlite_url, TEST_TO="me@example.com") as harness:
        send_id = await harness.queue()
        await harness.wait_for_status(send_id, "sent")
        await report(harness, "complaint", send_id, email="me@example.com")
        assert await harness.fetch_suppressions() == {}
