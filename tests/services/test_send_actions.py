"""Operators retry blocked emails, resend those that were sent or failed, and cancel the others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.providers.port import Rejected
from hogsend.domain.ids import new_id
from hogsend.domain.send_policy import Send
from hogsend.errors import Conflict
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.blocked_mails import list_blocked_groups, retry_all_blocked, retry_blocked
from hogsend.services.content import load_content
from hogsend.services.send_actions import cancel_send, list_send_actions, resend
from hogsend.services.sends import get_send
from tests.delivery.mailer_harness import MailerHarness, accept, open_harness, refuse

NEEDS_PLAN = "---\nsubject: Hi\nlist: news\n---\n<p>{{ props.plan }}</p>"
WHOLE = "---\nsubject: Hi\nlist: news\n---\n<p>Hello {{ contact.properties.name or 'you' }}</p>"


@pytest.fixture
async def harness(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[MailerHarness]:
    """A mailer at work, on each kind of database."""
    async with open_harness(tmp_path, clock, database_url) as opened:
        yield opened


def edit(harness: MailerHarness, text: str, name: str = "hello") -> None:
    runtime = harness.site.runtime
    (runtime.settings.journeys / "emails" / f"{name}.html").write_text(text)
    runtime.content = load_content(runtime.settings, runtime.tokens)
    harness.mailer.renderer = runtime.content.renderer


async def block(harness: MailerHarness, user_id: str, template: str = "hello") -> Send:
    send_id = await harness.queue(user_id, template=template)
    return await harness.wait_for_status(send_id, "blocked", "failed")


async def read_audit(harness: MailerHarness) -> list[str]:
    return [action for (action,) in await harness.site.rows("SELECT action FROM audit ORDER BY id")]


async def test_an_operator_retries_one_blocked_email(harness: MailerHarness) -> None:
    runtime = harness.site.runtime
    edit(harness, NEEDS_PLAN)
    ada, bo = await block(harness, "ada"), await block(harness, "bo")
    edit(harness, WHOLE)

    await retry_blocked(runtime, COMMAND_LINE, ada.id)

    assert (await harness.wait_for_status(ada.id, "sent")).reason is None
    assert (await harness.row(bo.id)).status == "blocked"
    assert await read_audit(harness) == ["retry email"]
    with pytest.raises(Conflict, match="not blocked"):
        await retry_blocked(runtime, COMMAND_LINE, ada.id)


async def test_an_operator_retries_all_of_a_template_or_of_a_reason(harness: MailerHarness) -> None:
    runtime = harness.site.runtime
    edit(harness, NEEDS_PLAN)
    edit(harness, NEEDS_PLAN, "again")
    hello = [await block(harness, person) for person in ("ada", "bo")]
    again = await block(harness, "cy", "again")
    edit(harness, NEEDS_PLAN.replace("plan", "name"))
    late = await block(harness, "di")

    groups = await list_blocked_groups(runtime, COMMAND_LINE)

    assert [(group.template, group.mails) for group in groups] == [
        ("hello", 2),
        ("again", 1),
        ("hello", 1),
    ]
    edit(harness, WHOLE)
    edit(harness, WHOLE, "again")
    reason = hello[0].reason or ""
    assert await retry_all_blocked(runtime, COMMAND_LINE, template="hello", reason=reason) == 2
    for send in hello:
        await harness.wait_for_status(send.id, "sent")
    assert (await harness.row(late.id)).status == "blocked"
    assert await retry_all_blocked(runtime, COMMAND_LINE, template="again") == 1
    await harness.wait_for_status(again.id, "sent")
    assert await retry_all_blocked(runtime, COMMAND_LINE) == 1
    assert await retry_all_blocked(runtime, COMMAND_LINE) == 0


async def test_an_email_is_resent_as_a_new_one_that_names_the_old(harness: MailerHarness) -> None:
    runtime = harness.site.runtime
    old_id = await harness.queue(props={"n": 1}, journey_id="welcome", step_key="send:hello")
    old = await harness.wait_for_status(old_id, "sent")
    await harness.site.event("seen", properties={"x": 1})

    new_id_ = await resend(runtime, COMMAND_LINE, old_id)

    new = await harness.wait_for_status(new_id_, "sent")
    assert new.original_id == old_id and new.id != old_id
    assert (new.template, new.list_id, new.props, new.journey_id) == (
        old.template,
        old.list_id,
        old.props,
        old.journey_id,
    )
    assert await harness.row(old_id) == old
    first, second = harness.provider.accepted
    assert first.message_id != second.message_id
    assert await read_audit(harness) == ["resend email"]
    detail = await get_send(runtime, COMMAND_LINE, old_id)
    assert list(detail.resends) == [new_id_]


async def test_an_email_that_failed_in_a_former_version_can_be_resent(
    harness: MailerHarness,
) -> None:
    send_id = await harness.queue(
        poll=False, status="failed", due_at=None, reason="template hello: variable x is missing"
    )

    repeated = await resend(harness.site.runtime, COMMAND_LINE, send_id)

    await harness.wait_for_status(repeated, "sent")
    assert (await harness.row(send_id)).status == "failed"


async def test_a_resend_to_a_suppressed_address_is_refused_with_the_reason(
    harness: MailerHarness,
) -> None:
    harness.script(refuse(Rejected("550 5.1.1 no such user", "hard_bounce")))
    bounced = await harness.wait_for_status(await harness.queue(), "bounced")

    with pytest.raises(Conflict, match=r"ada@example\.com is suppressed: hard bounce"):
        await resend(harness.site.runtime, COMMAND_LINE, bounced.id)

    assert await harness.site.fetch_value("SELECT COUNT(*) FROM sends") == 1
    assert await read_audit(harness) == []


async def test_a_resend_to_someone_who_has_left_the_list_is_refused(
    harness: MailerHarness,
) -> None:
    sent = await harness.wait_for_status(await harness.queue(), "sent")
    await harness.site.event("contact.unsubscribed", lists={"news": False})

    with pytest.raises(Conflict, match="not subscribed"):
        await resend(harness.site.runtime, COMMAND_LINE, sent.id)


async def test_an_email_is_not_resent_twice_at_once(harness: MailerHarness) -> None:
    runtime = harness.site.runtime
    edit(harness, WHOLE)
    sent = await harness.wait_for_status(await harness.queue(), "sent")
    edit(harness, NEEDS_PLAN)
    first = await resend(runtime, COMMAND_LINE, sent.id)
    await harness.wait_for_status(first, "blocked")

    with pytest.raises(Conflict, match="being resent already"):
        await resend(runtime, COMMAND_LINE, sent.id)

    edit(harness, WHOLE)
    await retry_blocked(runtime, COMMAND_LINE, first)
    await harness.wait_for_status(first, "sent")
    await harness.wait_for_status(await resend(runtime, COMMAND_LINE, sent.id), "sent")


async def test_a_resend_reaches_the_survivor_of_a_merge(
    harness: MailerHarness,
) -> None:
    runtime = harness.site.runtime
    await harness.site.post("/v1/events", {"name": "seen", "email": "gone@example.com"})
    ghost = await harness.site.fetch_value(
        "SELECT contact_id FROM identities WHERE identity LIKE '%gone@example.com'"
    )
    ghost_id = UUID(bytes=ghost) if isinstance(ghost, bytes) else ghost
    sent = await harness.wait_for_status(await harness.queue(contact_id=ghost_id), "sent")
    await harness.site.event("seen", "gus", email="gone@example.com")
    survivor = await harness.site.contact("gus")

    new = await harness.wait_for_status(await resend(runtime, COMMAND_LINE, sent.id), "sent")

    assert new.contact_id == survivor.id and new.to_email == "gone@example.com"


@pytest.mark.parametrize("status", ["queued", "blocked"])
async def test_an_email_that_has_not_left_can_be_cancelled(
    harness: MailerHarness, status: str
) -> None:
    runtime = harness.site.runtime
    later = harness.site.clock.now() + timedelta(days=1)
    send_id = await harness.queue(due_at=later)
    if status == "blocked":
        edit(harness, NEEDS_PLAN)
        await harness.pass_time(timedelta(days=1))
        await harness.wait_for_status(send_id, "blocked")

    await cancel_send(runtime, COMMAND_LINE, send_id)
    edit(harness, WHOLE)
    await harness.pass_time(timedelta(days=2))
    await harness.wait_for_status(await harness.queue("bo"), "sent")

    row = await harness.row(send_id)
    assert (row.status, row.reason) == ("cancelled", "cancelled_by_operator")
    assert len(harness.provider.accepted) == 1
    assert await harness.fetch_counter("sends/cancelled") == 1
    assert await read_audit(harness) == ["cancel email"]
    with pytest.raises(Conflict, match="cannot be cancelled"):
        await cancel_send(runtime, COMMAND_LINE, send_id)


async def test_an_email_that_was_sent_cannot_be_cancelled_nor_a_queued_one_resent(
    harness: MailerHarness,
) -> None:
    harness.script(accept)
    sent = await harness.wait_for_status(await harness.queue(), "sent")
    queued = await harness.queue("bo", due_at=harness.site.clock.now() + timedelta(days=1))

    with pytest.raises(Conflict, match="cannot be cancelled"):
        await cancel_send(harness.site.runtime, COMMAND_LINE, sent.id)
    with pytest.raises(Conflict, match="cannot be resent"):
        await resend(harness.site.runtime, COMMAND_LINE, queued)


@pytest.mark.parametrize(
    ("status", "actions"),
    [
        ("queued", ("cancel",)),
        ("blocked", ("retry", "cancel")),
        ("sending", ()),
        ("sent", ("resend",)),
        ("failed", ("resend",)),
        ("bounced", ("resend",)),
        ("in_doubt", ("resolve", "resend")),
        ("skipped", ()),
        ("suppressed", ()),
        ("cancelled", ()),
    ],
)
def test_each_status_offers_what_can_be_done(
    clock: ManualClock, status: str, actions: tuple[str, ...]
) -> None:
    now = clock.now()
    send = Send(new_id(now), new_id(now), "hello", "news", status, now)  # type: ignore[arg-type]

    assert list_send_actions(send) == actions
