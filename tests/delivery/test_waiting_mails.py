"""A mail that has waited for its template is retried like any other mail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.providers.port import TryLater
from tests.delivery.mailer_harness import MailerHarness, Step, break_off, open_harness, refuse


@pytest.fixture
async def harness(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[MailerHarness]:
    """A mailer at work, on each kind of database."""
    async with open_harness(tmp_path, clock, database_url) as opened:
        yield opened


@pytest.mark.parametrize("refusal", [refuse(TryLater("451")), break_off(TryLater("451"))])
async def test_a_deferred_mail_is_retried_when_the_provider_asks(
    harness: MailerHarness, refusal: Step
) -> None:
    harness.script(refusal)
    send_id = await harness.queue(reason="waits: hello is not there")
    row = await harness.wait_for_status(send_id, "queued", "cancelled", tries=1)
    assert (row.status, row.reason) == ("queued", None)
    await harness.pass_time(timedelta(hours=1))
    row = await harness.wait_for_status(send_id, "sent")
    assert len(harness.provider.accepted) == 1 and row.reason is None
