"""What becomes of a mail, whatever the provider says and whenever the process stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.mailer import AT_ONCE, STOPPED_PAUSE
from hogsend.delivery.providers.port import InDoubt, ProviderStopped, Rejected, TryLater
from hogsend.domain.ids import new_id
from hogsend.domain.incoming import IncomingEvent
from hogsend.domain.send_policy import Send
from hogsend.services.content import load_content
from hogsend.store import meta, sends
from hogsend.store.fields import to_id
from tests.delivery.office import Office, Pause, Scripted, break_off, mailer_of, open_office, refuse
from tests.site import until

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def office(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Office]:
    """A mailer at work, on each kind of database."""
    async with open_office(tmp_path, clock, database_url) as opened:
        yield opened


async def test_a_due_mail_is_handed_over_and_recorded(office: Office) -> None:
    row = await office.becomes(await office.queue(), "sent")

    (message,) = office.provider.taken
    assert (message.send_id, message.to_email) == (row.id, "ada@example.com")
    assert (row.provider, row.provider_id, row.reason) == ("scripted", "id-1", None)
    assert row.sent_at == row.handed_at == office.site.clock.now() and row.due_at is None
    assert [(one["outcome"], one["reply"]) for one in row.attempts] == [
        ("accepted", "250 2.0.0 Ok")
    ]
    kept = await office.site.runtime.database.read_one(sends.mail_of(row.id))
    assert kept is not None and kept.raw == message.raw
    assert await office.counted("sends/sent") == 1


async def test_a_mail_that_is_not_due_waits(office: Office) -> None:
    later = office.site.clock.now() + MINUTE
    send_id = await office.queue(due_at=later)
    await office.becomes(await office.queue("bo"), "sent")
    assert (await office.row(send_id)).status == "queued"

    await office.pass_time(MINUTE)
    await office.becomes(send_id, "sent")


async def test_it_goes_to_the_address_that_the_contact_has_when_it_leaves(office: Office) -> None:
    send_id = await office.queue(look=False)
    await office.site.event("moved", email="ada@new.example")

    row = await office.becomes(send_id, "sent")

    assert row.to_email == office.provider.taken[0].to_email == "ada@new.example"


async def test_an_address_that_changes_while_a_mail_is_made_gets_the_mail(office: Office) -> None:
    pause = Pause(handed=False)
    office.will(pause)
    send_id = await office.queue()
    await pause.reached.wait()
    await office.site.event("moved", email="ada@new.example")
    pause.go_on.set()

    row = await office.becomes(send_id, "sent")

    assert row.to_email == "ada@new.example"
    assert [one.to_email for one in office.provider.taken] == ["ada@new.example"]


async def test_try_later_backs_off_and_keeps_what_was_said(office: Office) -> None:
    send_id = await office.queue(look=False)
    office.will(*[refuse(TryLater(f"451 {n}")) for n in range(4)])
    pauses: list[float] = []
    office.mailer.poll()
    for tries in range(1, 5):
        row = await office.becomes(send_id, "queued", tries=tries)
        assert row.due_at is not None
        pause = row.due_at - office.site.clock.now()
        pauses.append(pause.total_seconds())
        await office.pass_time(pause)

    row = await office.becomes(send_id, "sent")

    for n, seconds in enumerate(pauses):
        assert 30 * 2**n * 0.75 <= seconds <= 30 * 2**n * 1.25
    replies = [(one["outcome"], one["reply"]) for one in row.attempts]
    assert replies == [*(("deferred", f"451 {n}") for n in range(4)), ("accepted", "250 2.0.0 Ok")]


async def test_after_four_days_of_refusals_a_mail_has_failed(office: Office) -> None:
    send_id = await office.queue(look=False)
    office.site.clock.set(office.site.clock.now() + timedelta(days=4))
    office.will(refuse(TryLater("451 no")))
    office.mailer.poll()

    row = await office.becomes(send_id, "failed")

    assert row.reason == "refused for four days" and row.attempts[-1]["reply"] == "451 no"
    assert await office.counted("sends/failed") == 1


async def test_a_hard_bounce_suppresses_the_address_and_is_an_event(office: Office) -> None:
    office.will(refuse(Rejected("550 5.1.1 no such user", "hard_bounce")))
    send_id = await office.queue()

    row = await office.becomes(send_id, "bounced")

    assert row.reason == "550 5.1.1 no such user" and row.due_at is None
    assert await office.suppressed() == {"ada@example.com": "hard_bounce"}
    assert await office.events() == ["email.bounced"]

    refused = await office.becomes(await office.queue(), "suppressed")
    assert refused.reason == "suppressed" and office.provider.taken == []
    assert await office.counted("sends/suppressed") == 1


@pytest.mark.parametrize("kind", ["content", "policy"])
async def test_what_is_not_the_persons_fault_suppresses_nobody(office: Office, kind: str) -> None:
    office.will(refuse(Rejected("550 5.7.1 spam", kind)))  # type: ignore[arg-type]

    row = await office.becomes(await office.queue(), "failed")

    assert row.reason == f"{kind}: 550 5.7.1 spam"
    assert await office.suppressed() == {} and await office.events() == []


async def test_a_provider_that_refuses_us_is_asked_again_and_nothing_fails(office: Office) -> None:
    office.will(refuse(ProviderStopped("535 wrong password")))
    first = await office.queue()

    async def stopped() -> str | None:
        return office.mailer.stopped

    assert await until(office.site.runtime.change_feed, stopped) == "535 wrong password"
    row = await office.row(first)
    assert (row.status, row.attempts) == ("queued", [])
    second = await office.queue("bo")
    await office.pass_time(STOPPED_PAUSE / 2)
    assert office.provider.asked == 1

    await office.pass_time(STOPPED_PAUSE)
    await office.becomes(first, "sent")
    await office.becomes(second, "sent")
    assert office.mailer.stopped is None


async def test_a_mail_that_may_have_left_is_in_doubt_and_not_repeated(office: Office) -> None:
    office.will(break_off(InDoubt("connection lost after the dot")))
    send_id = await office.queue()

    row = await office.becomes(send_id, "in_doubt")

    assert row.reason == "connection lost after the dot" and row.due_at is None
    assert await office.counted("sends/in_doubt") == 1
    await office.pass_time(timedelta(days=1))
    await office.becomes(await office.queue("bo"), "sent")
    assert office.provider.asked == 2


async def test_a_provider_that_remembers_is_asked_again_when_in_doubt(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    provider = Scripted(remembers_sends=True)
    async with open_office(tmp_path, clock, sqlite_url, provider=provider) as office:
        office.will(break_off(InDoubt("no answer")), break_off(RuntimeError("a bug")))
        send_id = await office.queue()
        await office.becomes(send_id, "queued", tries=1)
        await office.pass_time(MINUTE)
        await office.becomes(send_id, "queued", tries=2)
        await office.pass_time(2 * MINUTE)
        row = await office.becomes(send_id, "sent")
        assert [one["outcome"] for one in row.attempts] == ["deferred", "deferred", "accepted"]


async def test_a_template_that_fails_names_the_variable(office: Office) -> None:
    emails = office.site.runtime.settings.journeys / "emails"
    (emails / "hello.html").write_text("---\nsubject: Hi {{ props.plan }}\n---\n<p>Hi</p>\n")
    content = load_content(office.site.runtime.settings, office.site.runtime.tokens)
    office.mailer.renderer = content.renderer

    row = await office.becomes(await office.queue(), "failed")

    assert "props.plan" in (row.reason or "") and "hello" in (row.reason or "")
    assert office.provider.asked == 0


@pytest.mark.parametrize("fault", ["gone", "broken"])
async def test_a_mail_waits_for_a_template_that_is_gone_or_broken(
    office: Office, fault: str
) -> None:
    runtime = office.site.runtime
    file = runtime.settings.journeys / "emails" / "hello.html"
    whole = file.read_text()
    if fault == "gone":
        file.unlink()
    else:
        file.write_text(whole + "{{ oops")
    office.mailer.renderer = load_content(runtime.settings, runtime.tokens).renderer
    send_id = await office.queue(look=False)
    office.mailer.poll()

    async def explained() -> Send | None:
        found = await office.row(send_id)
        return found if found.reason else None

    row = await until(runtime.change_feed, explained)
    assert (row.status, office.provider.asked) == ("queued", 0)
    assert "waits: " in (row.reason or "") and "hello" in (row.reason or "")

    file.write_text(whole)
    office.mailer.renderer = load_content(runtime.settings, runtime.tokens).renderer
    await office.pass_time(MINUTE)
    row = await office.becomes(send_id, "sent")
    assert row.reason is None


async def test_a_mail_withdrawn_between_claim_and_hand_over_does_not_leave(office: Office) -> None:
    pause = Pause(handed=False)
    office.will(pause)
    send_id = await office.queue(journey_id="welcome")
    await pause.reached.wait()

    await office.site.event("user.deleted")
    pause.go_on.set()

    row = await office.becomes(send_id, "cancelled")
    assert row.reason == "exit_on user.deleted"
    await office.becomes(await office.queue("bo"), "sent")
    assert [one.to_email for one in office.provider.taken] == ["bo@example.com"]
    assert (await office.row(send_id)).attempts == []


async def test_consent_taken_back_between_claim_and_hand_over_counts(office: Office) -> None:
    pause = Pause(handed=False)
    office.will(pause)
    send_id = await office.queue()
    await pause.reached.wait()
    contact = await office.site.contact()
    await office.site.runtime.ingest.submit(
        IncomingEvent(name="contact.unsubscribed", contact_id=contact.id, lists={"*": False})
    )
    pause.go_on.set()

    row = await office.becomes(send_id, "skipped")

    assert row.reason == "unsubscribed_from_everything" and office.provider.taken == []
    assert await office.counted("sends/skipped") == 1


async def test_a_mail_that_comes_back_after_an_exit_is_not_tried_again(office: Office) -> None:
    pause = Pause(handed=True, then=refuse(TryLater("451 greylisted")))
    office.will(pause)
    send_id = await office.queue(journey_id="welcome")
    await pause.reached.wait()

    await office.site.event("user.deleted")
    assert (await office.row(send_id)).status == "sending"
    pause.go_on.set()

    row = await office.becomes(send_id, "cancelled")
    assert row.reason == "exit_on user.deleted" and row.due_at is None
    assert row.attempts[-1]["reply"] == "451 greylisted"


async def test_a_mail_accepted_after_an_exit_is_sent(office: Office) -> None:
    pause = Pause(handed=True)
    office.will(pause)
    send_id = await office.queue(journey_id="welcome")
    await pause.reached.wait()
    await office.site.event("user.deleted")
    pause.go_on.set()

    assert (await office.becomes(send_id, "sent")).reason is None


async def test_a_mail_that_comes_back_follows_a_merged_person(office: Office) -> None:
    await office.site.post("/v1/events", {"name": "seen", "email": "ada@home.example"})
    (found,) = await office.site.rows("SELECT id FROM contacts WHERE email = 'ada@home.example'")
    pause = Pause(handed=True, then=refuse(TryLater("451 greylisted")))
    office.will(pause)
    send_id = await office.queue(contact_id=to_id(found[0]))
    await pause.reached.wait()
    await office.site.event("seen", email="ada@home.example")
    await office.site.event("left", email="ada@home.example", lists={"news": False})
    pause.go_on.set()
    await office.becomes(send_id, "queued", tries=1)
    await office.pass_time(MINUTE)

    row = await office.becomes(send_id, "skipped")
    assert row.reason == "unsubscribed_from_list"
    assert row.contact_id == (await office.site.contact()).id


async def test_what_a_provider_says_is_kept_whatever_it_says(office: Office) -> None:
    reply = "550 5.1.1 \udcff\x00 no\r\n" + "x" * 3000
    office.will(
        refuse(TryLater(reply)),
        break_off(InDoubt(reply)),
        refuse(Rejected(reply, "hard_bounce")),
        refuse(RuntimeError(reply)),
    )
    first = await office.queue()
    await office.becomes(first, "queued", tries=1)
    await office.becomes(await office.queue("bo"), "in_doubt")
    await office.becomes(await office.queue("cy"), "bounced")
    row = await office.becomes(await office.queue("di"), "queued", tries=1)
    assert row.attempts[0]["reply"].startswith("RuntimeError: 550 5.1.1 ?")


async def test_a_fault_of_the_provider_before_the_hand_over_backs_off(office: Office) -> None:
    office.will(refuse(KeyError("a bug")))
    send_id = await office.queue()

    row = await office.becomes(send_id, "queued", tries=1)

    assert row.due_at is not None and row.due_at > office.site.clock.now()
    assert "KeyError" in row.attempts[0]["reply"]
    await office.pass_time(MINUTE)
    await office.becomes(send_id, "sent")


async def test_a_fault_of_the_provider_in_the_hand_over_leaves_the_mail_in_doubt(
    office: Office,
) -> None:
    office.will(break_off(KeyError("a bug")))
    row = await office.becomes(await office.queue(), "in_doubt")
    assert row.reason == "the provider failed in the middle of the hand-over"


async def test_what_became_of_a_mail_is_written_though_the_database_refuses_at_first(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hogsend.delivery.mailer._AFTER_ERROR", 0.0)
    async with open_office(tmp_path, clock, sqlite_url) as office:
        refusals = 3
        conclude = sends.conclude

        def full(*arguments: object) -> object:
            nonlocal refusals
            refusals -= 1
            if refusals >= 0:
                raise OSError("no space left on device")
            return conclude(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(sends, "conclude", full)
        row = await office.becomes(await office.queue(), "sent")
        assert row.provider_id == "id-1" and office.provider.asked == 1


async def test_one_mail_that_hangs_holds_up_no_other(office: Office) -> None:
    hanging = Pause(handed=True)
    office.will(hanging)
    stuck = await office.queue()
    await hanging.reached.wait()
    now = office.site.clock.now()
    contact = await office.site.contact()
    row = await office.row(stuck)
    many = [
        replace(row, id=new_id(now), status="queued", due_at=now, contact_id=contact.id)
        for _ in range(3 * AT_ONCE)
    ]
    await office.write(sends.insert(many))
    office.mailer.poll()

    async def rest_sent() -> bool:
        return await office.site.one("SELECT COUNT(*) FROM sends WHERE status = 'sent'") == len(
            many
        )

    await until(office.site.runtime.change_feed, rest_sent)
    hanging.go_on.set()
    await office.becomes(stuck, "sent")


async def test_never_more_than_so_many_mails_are_under_way(office: Office) -> None:
    pauses = [Pause(handed=False) for _ in range(AT_ONCE + 5)]
    office.will(*pauses)
    for n in range(AT_ONCE + 5):
        await office.queue(f"u{n}", look=False)
    office.mailer.poll()
    await pauses[AT_ONCE - 1].reached.wait()
    assert office.provider.asked == AT_ONCE
    for pause in pauses:
        pause.go_on.set()
    await office.site.settled(AT_ONCE + 5)
    assert office.provider.asked == AT_ONCE + 5


async def test_behind_a_fence_nothing_is_sent(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_office(tmp_path, clock, sqlite_url) as office:
        await office.write(meta.put(meta.FENCE, "restored"))
        provider = Scripted()
        fenced = mailer_of(office.site, provider)
        await office.mailer.close(0.0)
        send_id = await office.queue()
        await fenced.recover()
        working = asyncio.ensure_future(fenced.run())
        for _ in range(30):
            # As often as the mailer would have to, to read and hand over what is due.
            fenced.poll()
            assert (await office.row(send_id)).status == "queued"
        await fenced.close(0.0)
        await working
        assert fenced.fence == "restored" and provider.asked == 0


async def handed_and_left(office: Office) -> tuple[Pause, object]:
    pause = Pause(handed=True)
    office.will(pause)
    send_id = await office.queue()
    await pause.reached.wait()
    assert (await office.row(send_id)).status == "sending"
    return pause, send_id


async def test_a_crash_in_the_hand_over_leaves_the_mail_in_doubt(office: Office) -> None:
    _, send_id = await handed_and_left(office)

    # Another process, after a crash: all it has is the row.
    await mailer_of(office.site, Scripted()).recover()

    row = await office.row(send_id)  # type: ignore[arg-type]
    assert (row.status, row.reason) == ("in_doubt", "the process ended during the hand-over")
    assert row.attempts[-1]["outcome"] == "in_doubt"
    assert await office.counted("sends/in_doubt") == 1


async def test_a_crash_in_the_hand_over_is_repeated_where_that_is_harmless(office: Office) -> None:
    _, send_id = await handed_and_left(office)
    provider = Scripted(remembers_sends=True)
    await mailer_of(office.site, provider).recover()
    row = await office.row(send_id)  # type: ignore[arg-type]
    assert (row.status, row.due_at) == ("queued", office.site.clock.now())


async def test_a_mail_withdrawn_in_the_hand_over_is_not_repeated_after_a_crash(
    office: Office,
) -> None:
    pause = Pause(handed=True)
    office.will(pause)
    send_id = await office.queue(journey_id="welcome")
    await pause.reached.wait()
    await office.site.event("user.deleted")
    await mailer_of(office.site, Scripted(remembers_sends=True)).recover()
    row = await office.row(send_id)
    assert (row.status, row.reason) == ("cancelled", "exit_on user.deleted")


async def test_stopping_waits_for_a_hand_over(office: Office) -> None:
    pause, send_id = await handed_and_left(office)
    closing = asyncio.ensure_future(office.mailer.close(10.0))
    await asyncio.sleep(0)
    pause.go_on.set()
    await closing
    assert (await office.row(send_id)).status == "sent"  # type: ignore[arg-type]
    assert office.provider.closed


async def test_stopping_leaves_a_hand_over_that_takes_too_long_in_doubt(office: Office) -> None:
    _, send_id = await handed_and_left(office)
    await office.mailer.close(0.05)
    row = await office.row(send_id)  # type: ignore[arg-type]
    assert (row.status, row.reason) == ("in_doubt", "the server was stopped meanwhile")


async def test_stopping_begins_no_hand_over(office: Office) -> None:
    pause = Pause(handed=False)
    office.will(pause)
    send_id = await office.queue()
    await pause.reached.wait()
    closing = asyncio.ensure_future(office.mailer.close(10.0))
    await asyncio.sleep(0)
    pause.go_on.set()
    await closing
    row = await office.row(send_id)
    assert (row.status, row.attempts) == ("queued", []) and office.provider.taken == []


async def test_stopping_cuts_off_a_mail_that_hangs_before_its_hand_over(office: Office) -> None:
    pause = Pause(handed=False)
    office.will(pause)
    send_id = await office.queue()
    await pause.reached.wait()
    await office.mailer.close(0.05)
    assert (await office.row(send_id)).status == "queued"


async def test_in_test_mode_a_bounce_concerns_no_contact(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_office(tmp_path, clock, sqlite_url, TEST_TO="me@test.example") as office:
        office.will(
            refuse(Rejected("550 5.1.1 no", "hard_bounce")),
            break_off(Rejected("550 5.1.1 no", "hard_bounce")),
        )
        for user_id in ("ada", "bo"):
            row = await office.becomes(await office.queue(user_id), "failed")
            assert row.reason == "hard_bounce: 550 5.1.1 no"
        row = await office.becomes(await office.queue("cy"), "sent")
        assert office.provider.taken[-1].to_email == row.to_email == "me@test.example"
        assert await office.suppressed() == {} and await office.events() == []
