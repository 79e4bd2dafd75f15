"""Mail that may have left: after faults of the provider, crashes and stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.outcomes import resolve_interrupted
from hogsend.delivery.providers.port import InDoubt
from hogsend.domain.send_policy import OnDoubt, Send
from hogsend.store import sends
from tests.delivery.mailer_harness import (
    MailerHarness,
    Pause,
    ScriptedProvider,
    break_off,
    create_mailer,
    open_harness,
    refuse,
)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
async def harness(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[MailerHarness]:
    """A mailer at work, on each kind of database."""
    async with open_harness(tmp_path, clock, database_url) as opened:
        yield opened


async def test_a_mail_that_may_have_left_is_in_doubt_and_not_repeated(
    harness: MailerHarness,
) -> None:
    harness.script(break_off(InDoubt("connection lost after the dot")))
    send_id = await harness.queue()

    row = await harness.wait_for_status(send_id, "in_doubt")

    assert row.reason == "connection lost after the dot" and row.due_at is None
    assert await harness.fetch_counter("sends/in_doubt") == 1
    await harness.pass_time(timedelta(days=1))
    await harness.wait_for_status(await harness.queue("bo"), "sent")
    assert harness.provider.calls == 2


async def test_a_send_in_doubt_is_repeated_if_the_provider_recognizes_repeats(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    provider = ScriptedProvider(idempotency_window=HOUR)
    async with open_harness(tmp_path, clock, sqlite_url, provider=provider) as harness:
        harness.script(break_off(InDoubt("no answer")), break_off(RuntimeError("a bug")))
        send_id = await harness.queue()
        await harness.wait_for_status(send_id, "queued", tries=1)
        await harness.pass_time(MINUTE)
        await harness.wait_for_status(send_id, "queued", tries=2)
        await harness.pass_time(2 * MINUTE)
        row = await harness.wait_for_status(send_id, "sent")
        assert [attempt["outcome"] for attempt in row.attempts] == [
            "in_doubt",
            "in_doubt",
            "accepted",
        ]


async def test_a_send_in_doubt_is_repeated_until_just_before_the_idempotency_window_ends(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    provider = ScriptedProvider(idempotency_window=HOUR)
    async with open_harness(tmp_path, clock, sqlite_url, provider=provider) as harness:
        harness.script(break_off(InDoubt("no answer")))
        send_id = await harness.queue()
        await harness.wait_for_status(send_id, "queued", tries=1)

        await harness.pass_time(HOUR - timedelta(seconds=1))

        await harness.wait_for_status(send_id, "sent")
        assert provider.calls == 2


async def test_a_send_is_left_in_doubt_once_the_idempotency_window_has_ended(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    provider = ScriptedProvider(idempotency_window=HOUR)
    async with open_harness(tmp_path, clock, sqlite_url, provider=provider) as harness:
        harness.script(break_off(InDoubt("no answer")))
        send_id = await harness.queue()
        await harness.wait_for_status(send_id, "queued", tries=1)

        await harness.pass_time(HOUR)

        row = await harness.wait_for_status(send_id, "in_doubt", "sent")
        assert row.reason == "the provider no longer recognizes a repeat of this mail"
        assert (row.status, row.due_at, provider.calls) == ("in_doubt", None, 1)


async def test_the_idempotency_window_begins_with_the_first_attempt_in_doubt(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    provider = ScriptedProvider(idempotency_window=HOUR)
    async with open_harness(tmp_path, clock, sqlite_url, provider=provider) as harness:
        harness.script(*[break_off(InDoubt("no answer"))] * 2)
        send_id = await harness.queue()
        await harness.wait_for_status(send_id, "queued", tries=1)
        await harness.pass_time(HOUR - timedelta(seconds=1))

        # The second repeat would come after the window of the first attempt.
        row = await harness.wait_for_status(send_id, "in_doubt", "queued", tries=2)

        assert (row.status, row.reason, row.due_at) == ("in_doubt", "no answer", None)
        await harness.pass_time(timedelta(days=1))
        await harness.wait_for_status(await harness.queue("bo"), "sent")
        assert provider.calls == 3


async def test_a_fault_of_the_provider_before_the_handoff_backs_off(harness: MailerHarness) -> None:
    harness.script(refuse(KeyError("a bug")))
    send_id = await harness.queue()

    row = await harness.wait_for_status(send_id, "queued", tries=1)

    assert row.due_at is not None and row.due_at > harness.site.clock.now()
    assert "KeyError" in row.attempts[0]["reply"]
    await harness.pass_time(MINUTE)
    await harness.wait_for_status(send_id, "sent")


async def test_a_fault_of_the_provider_in_the_handoff_leaves_the_mail_in_doubt(
    harness: MailerHarness,
) -> None:
    harness.script(break_off(KeyError("a bug")))
    row = await harness.wait_for_status(await harness.queue(), "in_doubt")
    assert row.reason == "the provider failed in the middle of the hand-over"


async def test_the_outcome_of_a_mail_is_written_after_the_database_refused_once(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hogsend.delivery.send_delivery._RETRY_SECONDS", 0.0)
    async with open_harness(tmp_path, clock, sqlite_url) as harness:
        refusals = 3
        conclude = sends.conclude

        def fail_with_full_disk(*arguments: object) -> object:
            nonlocal refusals
            refusals -= 1
            if refusals >= 0:
                raise OSError("no space left on device")
            return conclude(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(sends, "conclude", fail_with_full_disk)
        row = await harness.wait_for_status(await harness.queue(), "sent")
        assert row.provider_id == "id-1" and harness.provider.calls == 1


async def cut_off_in_handoff(harness: MailerHarness) -> tuple[Pause, object]:
    pause = Pause(handed=True)
    harness.script(pause)
    send_id = await harness.queue()
    await pause.reached.wait()
    assert (await harness.row(send_id)).status == "sending"
    return pause, send_id


async def test_a_crash_in_the_handoff_leaves_the_mail_in_doubt(harness: MailerHarness) -> None:
    _, send_id = await cut_off_in_handoff(harness)

    # Another process, after a crash: all it has is the row.
    await create_mailer(harness.site, ScriptedProvider()).recover()

    row = await harness.row(send_id)  # type: ignore[arg-type]
    assert (row.status, row.reason) == ("in_doubt", "the process ended during the hand-over")
    assert row.attempts[-1]["outcome"] == "in_doubt"
    assert await harness.fetch_counter("sends/in_doubt") == 1


async def test_a_crash_in_the_handoff_is_repeated_where_that_is_harmless(
    harness: MailerHarness,
) -> None:
    _, send_id = await cut_off_in_handoff(harness)
    provider = ScriptedProvider(idempotency_window=timedelta(hours=1))
    await create_mailer(harness.site, provider).recover()
    row = await harness.row(send_id)  # type: ignore[arg-type]
    assert (row.status, row.due_at) == ("queued", harness.site.clock.now())


async def test_a_mail_withdrawn_in_the_handoff_is_not_repeated_after_a_crash(
    harness: MailerHarness,
) -> None:
    pause = Pause(handed=True)
    harness.script(pause)
    send_id = await harness.queue(journey_id="welcome")
    await pause.reached.wait()
    await harness.site.event("user.deleted")
    await create_mailer(
        harness.site, ScriptedProvider(idempotency_window=timedelta(hours=1))
    ).recover()
    row = await harness.row(send_id)
    assert (row.status, row.reason) == ("cancelled", "exit_on user.deleted")


async def test_stopping_waits_for_a_handoff(harness: MailerHarness) -> None:
    pause, send_id = await cut_off_in_handoff(harness)
    closing = asyncio.ensure_future(harness.mailer.close(10.0))
    await asyncio.sleep(0)
    pause.go_on.set()
    await closing
    assert (await harness.row(send_id)).status == "sent"  # type: ignore[arg-type]
    assert harness.provider.is_closed


async def test_stopping_leaves_a_handoff_that_takes_too_long_in_doubt(
    harness: MailerHarness,
) -> None:
    _, send_id = await cut_off_in_handoff(harness)
    await harness.mailer.close(0.05)
    row = await harness.row(send_id)  # type: ignore[arg-type]
    assert (row.status, row.reason) == ("in_doubt", "the server was stopped during the hand-over")


async def test_stopping_begins_no_handoff(harness: MailerHarness) -> None:
    pause = Pause(handed=False)
    harness.script(pause)
    send_id = await harness.queue()
    await pause.reached.wait()
    closing = asyncio.ensure_future(harness.mailer.close(10.0))
    await asyncio.sleep(0)
    pause.go_on.set()
    await closing
    row = await harness.row(send_id)
    assert (row.status, row.attempts) == ("queued", []) and harness.provider.accepted == []


async def test_stopping_cuts_off_a_mail_that_hangs_before_its_handoff(
    harness: MailerHarness,
) -> None:
    pause = Pause(handed=False)
    harness.script(pause)
    send_id = await harness.queue()
    await pause.reached.wait()
    await harness.mailer.close(0.05)
    assert (await harness.row(send_id)).status == "queued"


@pytest.mark.parametrize(
    ("on_doubt", "expected"),
    [("ask", ("in_doubt", 1)), ("resend", ("sent", 2)), ("drop", ("failed", 1))],
)
async def test_a_template_says_what_happens_with_a_mail_that_may_have_left(
    sqlite_url: str,
    tmp_path: Path,
    clock: ManualClock,
    on_doubt: OnDoubt,
    expected: tuple[str, int],
) -> None:
    status, calls = expected
    async with open_harness(tmp_path, clock, sqlite_url) as harness:
        set_on_doubt(harness, on_doubt)
        harness.script(break_off(InDoubt("no answer")))
        row = await harness.wait_for_status(await harness.queue(), status)
        assert harness.provider.calls == calls
        assert row.attempts[0]["outcome"] == "in_doubt"
        assert "no answer" in str(row.attempts[0]["reply"])
        if on_doubt == "drop":
            assert row.reason == "may or may not have left: no answer"


async def test_a_mail_that_stays_in_doubt_is_not_sent_again_for_ever(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_harness(tmp_path, clock, sqlite_url) as harness:
        set_on_doubt(harness, "resend")
        harness.script(*[break_off(InDoubt("no answer"))] * 9)
        await harness.wait_for_status(await harness.queue(), "failed")
        assert harness.provider.calls == 4


async def test_a_repeated_mail_has_the_files_of_its_template(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    provider = ScriptedProvider(idempotency_window=HOUR)
    async with open_harness(tmp_path, clock, sqlite_url, provider=provider) as harness:
        template = harness.mailer.renderer._templates.get("hello")
        object.__setattr__(template, "lines", {**template.lines, "attachments": "terms.txt"})
        (tmp_path / "journeys" / "emails" / "terms.txt").write_text("Terms")
        harness.script(break_off(InDoubt("no answer")))
        send_id = await harness.queue()
        await harness.wait_for_status(send_id, "queued", tries=1)
        await harness.pass_time(MINUTE)
        await harness.wait_for_status(send_id, "sent")
        (accepted,) = harness.provider.accepted
        assert [file.content for file in accepted.attachments] == [b"Terms"]


@pytest.mark.parametrize(("on_doubt", "status"), [("resend", "queued"), ("drop", "failed")])
def test_a_mail_whose_worker_ended_follows_its_template(
    clock: ManualClock, on_doubt: OnDoubt, status: str
) -> None:
    now = clock.now()
    send = Send(UUID(int=1), UUID(int=2), "hello", "news", "sending", now, handed_at=now)
    settled = resolve_interrupted(send, now, None, on_doubt)
    assert (settled.status, settled.handed_at) == (status, None)
    withdrawn = resolve_interrupted(replace(send, reason="exited"), now, None, "resend")
    assert withdrawn.status == "in_doubt"


def set_on_doubt(harness: MailerHarness, on_doubt: OnDoubt) -> None:
    template = harness.mailer.renderer._templates.get("hello")
    object.__setattr__(template, "on_doubt", on_doubt)
