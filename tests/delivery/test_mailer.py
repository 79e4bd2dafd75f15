"""Delivering mail: when and where it goes, and how refusals, exits and merges change that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.mailer import MAX_DELIVERIES
from hogsend.delivery.provider_pauses import STOPPED_PAUSE
from hogsend.delivery.providers.port import InDoubt, ProviderStopped, Rejected, TryLater
from hogsend.delivery.providers.smtp_replies import build_error
from hogsend.domain.ids import new_id
from hogsend.domain.incoming import IncomingEvent
from hogsend.services.content import load_content
from hogsend.store import meta, sends
from hogsend.store.fields import to_id
from tests.delivery.mailer_harness import (
    MailerHarness,
    Pause,
    ScriptedProvider,
    break_off,
    create_mailer,
    open_harness,
    refuse,
)
from tests.site import until

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
async def harness(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[MailerHarness]:
    """A mailer at work, on each kind of database."""
    async with open_harness(tmp_path, clock, database_url) as opened:
        yield opened


async def test_a_due_mail_is_handed_over_and_recorded(harness: MailerHarness) -> None:
    row = await harness.wait_for_status(await harness.queue(), "sent")

    (message,) = harness.provider.accepted
    assert (message.send_id, message.to[0].email) == (row.id, "ada@example.com")
    assert (row.provider, row.provider_id, row.reason) == ("scripted", "id-1", None)
    assert row.sent_at == row.handed_at == harness.site.clock.now() and row.due_at is None
    assert [(attempt["outcome"], attempt["reply"]) for attempt in row.attempts] == [
        ("accepted", "250 2.0.0 Ok")
    ]
    stored = await harness.site.runtime.database.read_one(sends.find_mail(row.id))
    assert stored is not None and stored.raw == message.mime_bytes
    assert await harness.fetch_counter("sends/sent") == 1


async def test_a_mail_that_is_not_due_waits(harness: MailerHarness) -> None:
    later = harness.site.clock.now() + MINUTE
    send_id = await harness.queue(due_at=later)
    await harness.wait_for_status(await harness.queue("bo"), "sent")
    assert (await harness.row(send_id)).status == "queued"

    await harness.pass_time(MINUTE)
    await harness.wait_for_status(send_id, "sent")


async def test_a_mail_goes_to_the_contacts_address_at_the_hand_over(
    harness: MailerHarness,
) -> None:
    send_id = await harness.queue(poll=False)
    await harness.site.event("moved", email="ada@new.example")

    row = await harness.wait_for_status(send_id, "sent")

    assert row.to_email == harness.provider.accepted[0].to[0].email == "ada@new.example"


async def test_an_address_that_changes_during_rendering_gets_the_mail(
    harness: MailerHarness,
) -> None:
    pause = Pause(handed=False)
    harness.script(pause)
    send_id = await harness.queue()
    await pause.reached.wait()
    await harness.site.event("moved", email="ada@new.example")
    pause.go_on.set()

    row = await harness.wait_for_status(send_id, "sent")

    assert row.to_email == "ada@new.example"
    assert [message.to[0].email for message in harness.provider.accepted] == ["ada@new.example"]


async def test_try_later_backs_off_and_keeps_the_replies(harness: MailerHarness) -> None:
    send_id = await harness.queue(poll=False)
    harness.script(*[refuse(TryLater(f"451 {n}")) for n in range(4)])
    pauses: list[float] = []
    harness.mailer.poll()
    for tries in range(1, 5):
        row = await harness.wait_for_status(send_id, "queued", tries=tries)
        assert row.due_at is not None
        pause = row.due_at - harness.site.clock.now()
        pauses.append(pause.total_seconds())
        await harness.pass_time(pause)

    row = await harness.wait_for_status(send_id, "sent")

    for n, seconds in enumerate(pauses):
        assert 30 * 2**n * 0.75 <= seconds <= 30 * 2**n * 1.25
    replies = [(attempt["outcome"], attempt["reply"]) for attempt in row.attempts]
    assert replies == [*(("deferred", f"451 {n}") for n in range(4)), ("accepted", "250 2.0.0 Ok")]


async def test_a_mail_is_tried_again_when_the_provider_asks_for_it(harness: MailerHarness) -> None:
    retry_at = harness.site.clock.now() + 3 * HOUR
    harness.script(refuse(TryLater("429 slow down", retry_at=retry_at)))
    send_id = await harness.queue()

    assert (await harness.wait_for_status(send_id, "queued", tries=1)).due_at == retry_at
    await harness.pass_time(3 * HOUR - timedelta(seconds=1))
    await harness.wait_for_status(await harness.queue("bo"), "sent")
    assert (await harness.row(send_id)).status == "queued" and harness.provider.calls == 2

    await harness.pass_time(timedelta(seconds=1))
    assert (await harness.wait_for_status(send_id, "sent")).sent_at == retry_at


async def test_a_mail_is_tried_again_at_once_when_the_time_to_retry_has_passed(
    harness: MailerHarness,
) -> None:
    now = harness.site.clock.now()
    harness.script(refuse(TryLater("429 slow down", retry_at=now - MINUTE)))

    row = await harness.wait_for_status(await harness.queue(), "queued", "sent", tries=1)

    assert row.status == "sent" or row.due_at == now
    row = await harness.wait_for_status(row.id, "sent")
    assert row.sent_at == now and len(row.attempts) == 2


async def test_after_four_days_of_refusals_a_mail_has_failed(harness: MailerHarness) -> None:
    harness.script(*[refuse(TryLater("451 no"))] * 2)
    # A mail may wait for its place for longer than it is tried again.
    send_id = await harness.queue(created_at=harness.site.clock.now() - timedelta(days=9))
    await harness.wait_for_status(send_id, "queued", tries=1)
    await harness.pass_time(timedelta(days=4))

    row = await harness.wait_for_status(send_id, "failed")

    assert row.reason == "refused for four days" and row.attempts[-1]["reply"] == "451 no"
    assert await harness.fetch_counter("sends/failed") == 1


async def test_a_provider_says_for_how_long_its_mails_are_tried_again(
    harness: MailerHarness,
) -> None:
    harness.provider.give_up_after = timedelta(hours=24)
    harness.script(*[refuse(TryLater("429 no"))] * 3)
    send_id = await harness.queue()
    await harness.wait_for_status(send_id, "queued", tries=1)
    await harness.pass_time(timedelta(hours=23))
    await harness.wait_for_status(send_id, "queued", tries=2)

    await harness.pass_time(timedelta(hours=1))

    assert (await harness.wait_for_status(send_id, "failed")).reason == "refused for 24 hours"


async def test_a_mailbox_that_stays_full_is_named_after_four_days(harness: MailerHarness) -> None:
    full = refuse(build_error(552, "5.2.2 mailbox is over quota", "RCPT"))
    harness.script(full, full)
    send_id = await harness.queue()
    row = await harness.wait_for_status(send_id, "queued", "failed", tries=1)
    assert row.status == "queued" and row.attempts[0]["outcome"] == "soft bounce"

    await harness.pass_time(timedelta(days=4))
    row = await harness.wait_for_status(send_id, "failed")

    assert row.reason == ("the mailbox was full for four days: 552 5.2.2 mailbox is over quota")
    assert await harness.fetch_suppressions() == {}


async def test_a_hard_bounce_suppresses_the_address_and_is_an_event(harness: MailerHarness) -> None:
    harness.script(refuse(Rejected("550 5.1.1 no such user", "hard_bounce")))
    send_id = await harness.queue()

    row = await harness.wait_for_status(send_id, "bounced")

    assert row.reason == "550 5.1.1 no such user" and row.due_at is None
    assert await harness.fetch_suppressions() == {"ada@example.com": "hard_bounce"}
    assert await harness.events() == ["email.bounced"]

    refused = await harness.wait_for_status(await harness.queue(), "suppressed")
    assert refused.reason == "suppressed" and harness.provider.accepted == []
    assert await harness.fetch_counter("sends/suppressed") == 1


@pytest.mark.parametrize("kind", ["content", "policy"])
async def test_a_rejection_for_other_reasons_suppresses_no_address(
    harness: MailerHarness, kind: str
) -> None:
    harness.script(refuse(Rejected("550 5.7.1 spam", kind)))  # type: ignore[arg-type]

    row = await harness.wait_for_status(await harness.queue(), "failed")

    assert row.reason == f"{kind}: 550 5.7.1 spam"
    assert await harness.fetch_suppressions() == {} and await harness.events() == []


async def test_a_provider_that_takes_no_mail_is_retried_and_no_mail_fails(
    harness: MailerHarness,
) -> None:
    harness.script(refuse(ProviderStopped("535 wrong password")))
    first = await harness.queue()

    async def get_problem() -> str | None:
        return harness.mailer.provider_problem

    assert await until(harness.site.runtime.change_feed, get_problem) == "535 wrong password"
    row = await harness.row(first)
    assert (row.status, row.attempts) == ("queued", [])
    second = await harness.queue("bo")
    await harness.pass_time(STOPPED_PAUSE / 2)
    assert harness.provider.calls == 1

    await harness.pass_time(STOPPED_PAUSE)
    await harness.wait_for_status(first, "sent")
    await harness.wait_for_status(second, "sent")
    assert harness.mailer.provider_problem is None


async def test_a_template_that_fails_names_the_variable(harness: MailerHarness) -> None:
    emails = harness.site.runtime.settings.journeys / "emails"
    (emails / "hello.html").write_text("---\nsubject: Hi {{ props.plan }}\n---\n<p>Hi</p>\n")
    content = load_content(harness.site.runtime.settings, harness.site.runtime.tokens)
    harness.mailer.renderer = content.renderer

    row = await harness.wait_for_status(await harness.queue(), "blocked", "failed")

    assert row.status == "blocked"
    assert "props.plan" in (row.reason or "") and "hello" in (row.reason or "")
    assert harness.provider.calls == 0


async def test_a_mail_withdrawn_between_claim_and_handoff_does_not_leave(
    harness: MailerHarness,
) -> None:
    pause = Pause(handed=False)
    harness.script(pause)
    send_id = await harness.queue(journey_id="welcome")
    await pause.reached.wait()

    await harness.site.event("user.deleted")
    pause.go_on.set()

    row = await harness.wait_for_status(send_id, "cancelled")
    assert row.reason == "exit_on user.deleted"
    await harness.wait_for_status(await harness.queue("bo"), "sent")
    assert [message.to[0].email for message in harness.provider.accepted] == ["bo@example.com"]
    assert (await harness.row(send_id)).attempts == []


async def test_consent_taken_back_between_claim_and_handoff_counts(harness: MailerHarness) -> None:
    pause = Pause(handed=False)
    harness.script(pause)
    send_id = await harness.queue()
    await pause.reached.wait()
    contact = await harness.site.contact()
    await harness.site.runtime.ingest.submit(
        IncomingEvent(name="contact.unsubscribed", contact_id=contact.id, lists={"*": False})
    )
    pause.go_on.set()

    row = await harness.wait_for_status(send_id, "skipped")

    assert row.reason == "unsubscribed_from_everything" and harness.provider.accepted == []
    assert await harness.fetch_counter("sends/skipped") == 1


async def test_a_deferred_mail_is_not_retried_after_an_exit(
    harness: MailerHarness,
) -> None:
    pause = Pause(handed=True, then=refuse(TryLater("451 greylisted")))
    harness.script(pause)
    send_id = await harness.queue(journey_id="welcome")
    await pause.reached.wait()

    await harness.site.event("user.deleted")
    assert (await harness.row(send_id)).status == "sending"
    pause.go_on.set()

    row = await harness.wait_for_status(send_id, "cancelled")
    assert row.reason == "exit_on user.deleted" and row.due_at is None
    assert row.attempts[-1]["reply"] == "451 greylisted"


async def test_a_mail_accepted_after_an_exit_is_sent(harness: MailerHarness) -> None:
    pause = Pause(handed=True)
    harness.script(pause)
    send_id = await harness.queue(journey_id="welcome")
    await pause.reached.wait()
    await harness.site.event("user.deleted")
    pause.go_on.set()

    assert (await harness.wait_for_status(send_id, "sent")).reason is None


async def test_a_deferred_mail_of_a_merged_contact_goes_to_the_survivor(
    harness: MailerHarness,
) -> None:
    await harness.site.post("/v1/events", {"name": "seen", "email": "ada@home.example"})
    (contact_row,) = await harness.site.rows(
        "SELECT id FROM contacts WHERE email = 'ada@home.example'"
    )
    pause = Pause(handed=True, then=refuse(TryLater("451 greylisted")))
    harness.script(pause)
    send_id = await harness.queue(contact_id=to_id(contact_row[0]))
    await pause.reached.wait()
    await harness.site.event("seen", email="ada@home.example")
    await harness.site.event("left", email="ada@home.example", lists={"news": False})
    pause.go_on.set()
    await harness.wait_for_status(send_id, "queued", tries=1)
    await harness.pass_time(MINUTE)

    row = await harness.wait_for_status(send_id, "skipped")
    assert row.reason == "unsubscribed_from_list"
    assert row.contact_id == (await harness.site.contact()).id


async def test_any_reply_of_a_provider_is_kept(harness: MailerHarness) -> None:
    reply = "550 5.1.1 \udcff\x00 no\r\n" + "x" * 3000
    harness.script(
        refuse(TryLater(reply)),
        break_off(InDoubt(reply)),
        refuse(Rejected(reply, "hard_bounce")),
        refuse(RuntimeError(reply)),
    )
    first = await harness.queue()
    await harness.wait_for_status(first, "queued", tries=1)
    await harness.wait_for_status(await harness.queue("bo"), "in_doubt")
    await harness.wait_for_status(await harness.queue("cy"), "bounced")
    row = await harness.wait_for_status(await harness.queue("di"), "queued", tries=1)
    assert row.attempts[0]["reply"].startswith("RuntimeError: 550 5.1.1 ?")


async def test_a_mail_that_hangs_does_not_delay_others(harness: MailerHarness) -> None:
    hanging = Pause(handed=True)
    harness.script(hanging)
    stuck = await harness.queue()
    await hanging.reached.wait()
    now = harness.site.clock.now()
    contact = await harness.site.contact()
    row = await harness.row(stuck)
    others = [
        replace(row, id=new_id(now), status="queued", due_at=now, contact_id=contact.id)
        for _ in range(3 * MAX_DELIVERIES)
    ]
    await harness.write(sends.insert(others))
    harness.mailer.poll()

    async def are_others_sent() -> bool:
        return await harness.site.fetch_value(
            "SELECT COUNT(*) FROM sends WHERE status = 'sent'"
        ) == len(others)

    await until(harness.site.runtime.change_feed, are_others_sent)
    hanging.go_on.set()
    await harness.wait_for_status(stuck, "sent")


async def test_concurrent_deliveries_never_exceed_the_limit(harness: MailerHarness) -> None:
    pauses = [Pause(handed=False) for _ in range(MAX_DELIVERIES + 5)]
    harness.script(*pauses)
    for n in range(MAX_DELIVERIES + 5):
        await harness.queue(f"u{n}", poll=False)
    harness.mailer.poll()
    await pauses[MAX_DELIVERIES - 1].reached.wait()
    assert harness.provider.calls == MAX_DELIVERIES
    for pause in pauses:
        pause.go_on.set()
    await harness.site.wait_for_sends(MAX_DELIVERIES + 5)
    assert harness.provider.calls == MAX_DELIVERIES + 5


async def test_nothing_is_sent_during_a_send_hold(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_harness(tmp_path, clock, sqlite_url) as harness:
        await harness.write(meta.set_value(meta.SEND_HOLD, "restored"))
        provider = ScriptedProvider()
        on_hold = create_mailer(harness.site, provider)
        await harness.mailer.close(0.0)
        send_id = await harness.queue()
        await on_hold.recover()
        working = asyncio.ensure_future(on_hold.run())
        for _ in range(30):
            # As often as the mailer would have to, to read and hand over what is due.
            on_hold.poll()
            assert (await harness.row(send_id)).status == "queued"
        await on_hold.close(0.0)
        await working
        assert on_hold.send_hold == "restored" and provider.calls == 0


async def test_in_test_mode_a_bounce_concerns_no_contact(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_harness(tmp_path, clock, sqlite_url, TEST_TO="me@test.example") as harness:
        harness.script(
            refuse(Rejected("550 5.1.1 no", "hard_bounce")),
            break_off(Rejected("550 5.1.1 no", "hard_bounce")),
        )
        for user_id in ("ada", "bo"):
            row = await harness.wait_for_status(await harness.queue(user_id), "failed")
            assert row.reason == "hard_bounce: 550 5.1.1 no"
        row = await harness.wait_for_status(await harness.queue("cy"), "sent")
        assert harness.provider.accepted[-1].to[0].email == row.to_email == "me@test.example"
        assert await harness.fetch_suppressions() == {} and await harness.events() == []
