"""A mail that cannot be made is blocked, not lost: it is made again when its template changes."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.blocked_mails import BlockedMails
from hogsend.delivery.providers.port import TryLater
from hogsend.domain.send_policy import Send
from hogsend.services.blocked_mails import retry_blocked
from hogsend.services.content import load_content
from hogsend.store import blocked_mails, history
from hogsend.store.db import Write
from tests.actors import OLGA
from tests.delivery.mailer_harness import MailerHarness, break_off, open_harness, refuse

DAY = timedelta(days=1)
NEEDS_PLAN = "---\nsubject: Hi\nlist: news\n---\n<p>{{ props.plan }}</p>"
WHOLE = "---\nsubject: Hi\nlist: news\n---\n<p>Hello</p>"
MISSING = "template hello: variable props.plan is missing"


@pytest.fixture
async def harness(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[MailerHarness]:
    """A mailer at work, on each kind of database."""
    async with open_harness(tmp_path, clock, database_url) as opened:
        yield opened


def edit(harness: MailerHarness, text: str | None, name: str = "hello.html") -> None:
    """Write or remove a template, and let the mailer use what the folder has now."""
    runtime = harness.site.runtime
    file = runtime.settings.journeys / "emails" / name
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    runtime.content = load_content(runtime.settings, runtime.tokens)
    harness.mailer.renderer = runtime.content.renderer


def watch(harness: MailerHarness, keep: timedelta | None = 7 * DAY) -> BlockedMails:
    """Return what looks after blocked mails, with the templates of now."""
    runtime = harness.site.runtime
    templates = runtime.content.templates
    return BlockedMails(runtime.database, runtime.clock, harness.mailer.ledger, templates, keep)


async def apply(harness: MailerHarness, keep: timedelta | None = 7 * DAY) -> None:
    await watch(harness, keep).run_once()
    harness.mailer.poll()


async def block(harness: MailerHarness, **fields: Any) -> Send:
    edit(harness, NEEDS_PLAN)
    return await harness.wait_for_status(await harness.queue(**fields), "blocked", "failed")


async def read_block(harness: MailerHarness, send_id: UUID) -> Any:
    return (await harness.site.runtime.database.read_one(blocked_mails.find([send_id])))[send_id]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (NEEDS_PLAN, MISSING),
        (None, "there is no template hello"),
        (WHOLE + "{{ oops", "template hello is broken: "),
        (WHOLE.replace("<p>", "{% include '_part.html' %}<p>"), "template hello is broken: "),
        (WHOLE.replace("<p>", "{% include props.part %}<p>"), MISSING.replace("plan", "part")),
        (WHOLE.replace("Hello", "{{ 1 / 0 }}"), "template hello: ZeroDivisionError: "),
        (WHOLE.replace("Hi", "{{ '' }}"), "template hello: the subject is empty"),
        (
            WHOLE.replace("Hello", "{{ ('<i>' * 20000) | safe }}"),
            "template hello: its elements are nested more than 1000 deep",
        ),
    ],
)
async def test_a_mail_that_cannot_be_rendered_is_blocked_until_its_template_changes(
    harness: MailerHarness, text: str | None, reason: str
) -> None:
    edit(harness, text)
    send_id = await harness.queue()

    row = await harness.wait_for_status(send_id, "blocked", "failed")
    assert row.status == "blocked" and (row.reason or "").startswith(reason)
    assert row.due_at is None and harness.provider.calls == 0
    await apply(harness)
    assert (await harness.row(send_id)).status == "blocked"

    edit(harness, WHOLE)
    await apply(harness)
    row = await harness.wait_for_status(send_id, "sent")
    assert row.reason is None and len(harness.provider.accepted) == 1


async def test_a_mail_is_rendered_again_when_a_layout_changes(harness: MailerHarness) -> None:
    (harness.site.runtime.settings.journeys / "emails" / "_layout.html").write_text(
        "{{ props.brand }}{% block content %}{% endblock %}"
    )
    edit(
        harness,
        "---\nsubject: Hi\n---\n{% extends '_layout.html' %}{% block content %}x{% endblock %}",
    )
    send_id = await harness.queue()
    row = await harness.wait_for_status(send_id, "blocked", "failed")
    assert "props.brand" in (row.reason or "")

    edit(harness, "Acme{% block content %}{% endblock %}", "_layout.html")
    await apply(harness)

    await harness.wait_for_status(send_id, "sent")
    assert "Acme" in harness.provider.accepted[0].html


async def test_a_mail_to_an_address_that_is_not_valid_waits_for_its_correction(
    harness: MailerHarness,
) -> None:
    site = harness.site
    send_id = await harness.queue(poll=False)
    # As earlier versions have stored it.
    await harness.write(Write("UPDATE contacts SET email = 'name+tag.@example.com'"))
    harness.mailer.poll()
    row = await harness.wait_for_status(send_id, "blocked", "skipped", "failed")
    assert (row.status, row.reason) == (
        "blocked",
        "the recipient's email address is not valid: correct it, then retry",
    )

    await site.event("user.updated", "ada", email="name@example.com")
    await retry_blocked(site.runtime, OLGA, row.id)
    harness.mailer.poll()
    row = await harness.wait_for_status(row.id, "sent")
    assert row.to_email == "name@example.com"


async def test_a_blocked_mail_keeps_the_values_it_had(harness: MailerHarness) -> None:
    row = await block(harness)

    kept = await read_block(harness, row.id)

    assert kept.facts["contact"]["user_id"] == "ada" and kept.blocked_at == row.created_at
    assert [attempt["outcome"] for attempt in row.attempts] == ["blocked"]


async def test_a_problem_is_logged_once_for_all_its_mails(
    harness: MailerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "hogsend.mail"):
        for person in ("ada", "bo", "cy"):
            await block(harness, user_id=person)

    blocked = [record.getMessage() for record in caplog.records if "blocked" in record.message]
    assert len(blocked) == 1
    assert "hello" in blocked[0] and "props.plan" in blocked[0] and "retry" in blocked[0]


async def test_a_change_that_does_not_help_keeps_the_first_instant(harness: MailerHarness) -> None:
    row = await block(harness)
    harness.site.clock.set(harness.site.clock.now() + DAY)
    edit(harness, NEEDS_PLAN + "<p>more</p>")

    await apply(harness)
    harness.mailer.poll()
    await harness.wait_for_status(row.id, "blocked")
    kept = await read_block(harness, row.id)

    assert kept.blocked_at == row.created_at


async def test_a_blocked_mail_fails_for_good_after_the_time_that_is_set(
    harness: MailerHarness,
) -> None:
    row = await block(harness)
    harness.site.clock.set(harness.site.clock.now() + 7 * DAY)
    await apply(harness)
    assert (await harness.row(row.id)).status == "blocked"

    harness.site.clock.set(harness.site.clock.now() + timedelta(seconds=1))
    await apply(harness, None)
    assert (await harness.row(row.id)).status == "blocked"
    await apply(harness)

    failed = await harness.row(row.id)
    assert (failed.status, failed.reason) == ("failed", f"blocked for 7 days: {MISSING}")
    assert await harness.fetch_counter("sends/failed") == 1


async def test_the_end_of_the_enrollment_cancels_a_blocked_mail(harness: MailerHarness) -> None:
    row = await block(harness, journey_id="welcome")

    await harness.site.event("user.deleted")

    cancelled = await harness.row(row.id)
    assert cancelled.status == "cancelled" and cancelled.due_at is None
    assert await harness.fetch_counter("sends/cancelled") == 1
    edit(harness, WHOLE)
    await apply(harness)
    assert (await harness.row(row.id)).status == "cancelled" and harness.provider.calls == 0


async def test_consent_is_decided_again_for_a_blocked_mail(
    harness: MailerHarness,
) -> None:
    row = await block(harness)
    await harness.site.event("contact.unsubscribed", lists={"news": False})
    edit(harness, WHOLE)

    await apply(harness)

    row = await harness.wait_for_status(row.id, "skipped", "sent")
    assert (row.status, row.reason) == ("skipped", "unsubscribed_from_list")


async def test_a_mail_that_was_blocked_for_long_gets_its_own_four_days(
    harness: MailerHarness,
) -> None:
    row = await block(harness)
    harness.site.clock.set(harness.site.clock.now() + 5 * DAY)
    edit(harness, WHOLE)
    harness.script(refuse(TryLater("451 busy")), break_off(TryLater("451 busy")))

    await apply(harness)
    row = await harness.wait_for_status(row.id, "queued", "failed", tries=2)
    assert row.status == "queued"
    await harness.pass_time(timedelta(hours=1))
    row = await harness.wait_for_status(row.id, "queued", "failed", tries=3)
    assert row.status == "queued"
    await harness.pass_time(timedelta(hours=1))
    await harness.wait_for_status(row.id, "sent")


async def test_a_worker_with_older_templates_does_not_hold_a_mail_back(
    harness: MailerHarness,
) -> None:
    row = await block(harness)
    older = watch(harness)
    await older.run_once()
    assert (await harness.row(row.id)).status == "blocked"
    edit(harness, NEEDS_PLAN + "<p>newer</p>")
    newer = watch(harness)
    await newer.run_once()
    harness.mailer.poll()
    await harness.wait_for_status(row.id, "blocked")

    # Both versions have failed, so neither worker makes the other one try again.
    await older.run_once()
    await newer.run_once()

    assert (await harness.row(row.id)).status == "blocked"
    assert len((await read_block(harness, row.id)).versions.split()) == 2


async def test_a_blocked_mail_counts_like_a_queued_one(harness: MailerHarness) -> None:
    row = await block(harness, journey_id="welcome")
    database = harness.site.runtime.database

    past = await database.read_one(history.find_email_histories([row.contact_id], ["hello"]))
    counts = await database.read_one(
        history.count_sent([row.contact_id], harness.site.clock.now() + DAY)
    )

    assert past[(row.contact_id, "hello")].sent == 1 and counts[row.contact_id] == 1


async def test_a_row_that_waited_in_the_former_version_is_blocked_and_sent(
    harness: MailerHarness,
) -> None:
    edit(harness, None)
    send_id = await harness.queue(reason="waits: there is no template hello")
    await harness.wait_for_status(send_id, "blocked")

    edit(harness, WHOLE)
    await apply(harness)

    assert (await harness.wait_for_status(send_id, "sent")).reason is None
