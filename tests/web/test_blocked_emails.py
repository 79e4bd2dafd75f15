"""Blocked emails are on the overview, their journey's page and their own, and can be retried."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hogsend.domain.ids import new_id
from hogsend.domain.send_policy import Send
from hogsend.process.runtime import Runtime
from hogsend.store import blocked_mails, sends
from hogsend.store.blocked_mails import BlockedMail
from tests.web.conftest import Browser, extract_text
from tests.web.sample_data import SampleData

REASON = "template activation-welcome: variable contact.properties.firstName is missing"


async def add_email(
    runtime: Runtime, sample: SampleData, status: str, list_id: str = "product-updates"
) -> Send:
    """Add an email to Ada with a status; a blocked one has the values that it had."""
    now = runtime.clock.now()
    send = Send(
        new_id(now),
        sample.ids["ada"],
        "activation-welcome",
        list_id,
        status,  # type: ignore[arg-type]
        now,
        journey_id="activation-welcome",
        reason=REASON if status in ("blocked", "failed") else None,
        to_email="ada@example.com",
    )
    facts = {"contact": {"email": "ada@example.com", "city": "London"}}
    block = BlockedMail(send.id, send.template, "1a2b", now - timedelta(hours=1), facts)
    async with runtime.database.transaction() as tx:
        await tx.apply([sends.insert([send]), blocked_mails.store([block])])
    return send


async def read_row(runtime: Runtime, send: Send) -> Send:
    return (await runtime.database.read_one(sends.find_by_ids([send.id])))[send.id]


async def test_blocked_emails_are_shown_with_the_reason_wherever_one_looks(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    send = await add_email(runtime, sample, "blocked")

    for path in (
        "/",
        "/journeys/activation-welcome",
        "/emails?status=blocked",
        f"/emails/{send.id}",
    ):
        text = extract_text(await owner.read(path))
        assert REASON in text and "blocked" in text, path
    page = extract_text(await owner.read(f"/emails/{send.id}"))
    assert "Values when it was blocked" in page and "London" in page
    assert REASON not in extract_text(await owner.read("/journeys/payment-recovery"))


async def test_a_blocked_email_is_retried_from_its_page(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    send = await add_email(runtime, sample, "blocked")

    answer = await owner.post(f"/emails/{send.id}/retry")

    assert answer.headers["Location"] == f"/emails/{send.id}?done=email-retried"
    row = await read_row(runtime, send)
    assert (row.status, row.reason, row.due_at) == ("queued", None, runtime.clock.now())
    again = await owner.post(f"/emails/{send.id}/retry")
    assert again.status_code == 409
    assert "not blocked" in extract_text(await again.get_data(as_text=True))


async def test_all_emails_with_a_reason_are_retried_from_the_list(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    blocked = [await add_email(runtime, sample, "blocked") for _ in range(3)]

    await owner.post("/emails/retry", template="activation-welcome", reason="another")
    assert (await read_row(runtime, blocked[0])).status == "blocked"
    answer = await owner.post("/emails/retry", template="activation-welcome", reason=REASON)

    assert answer.headers["Location"] == "/emails?done=emails-retried"
    assert {(await read_row(runtime, send)).status for send in blocked} == {"queued"}


async def test_a_failed_email_is_resent_and_both_pages_name_each_other(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    send = await add_email(runtime, sample, "failed", "receipts")

    answer = await owner.post(f"/emails/{send.id}/resend")

    location = answer.headers["Location"]
    assert location.endswith("?done=resent") and str(send.id) not in location
    new = await owner.read(location)
    assert f"/emails/{send.id}" in new and "It repeats an earlier email" in extract_text(new)
    assert location.partition("?")[0] in await owner.read(f"/emails/{send.id}")
    cancelled = await owner.post(location.partition("?")[0] + "/cancel")
    assert cancelled.headers["Location"].endswith("?done=email-cancelled")


@pytest.mark.parametrize("act", ["retry", "cancel", "resend"])
async def test_a_viewer_sees_blocked_emails_and_can_do_nothing(
    viewer: Browser, sample: SampleData, runtime: Runtime, act: str
) -> None:
    send = await add_email(runtime, sample, "blocked")

    for path in ("/emails?status=blocked", f"/emails/{send.id}"):
        page = await viewer.read(path)
        assert REASON in extract_text(page) and "/retry" not in page
    assert (await viewer.post(f"/emails/{send.id}/{act}")).status_code == 403
    assert (await viewer.post("/emails/retry")).status_code == 403
    assert (await read_row(runtime, send)).status == "blocked"
