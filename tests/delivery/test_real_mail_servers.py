"""Bounces as real mail servers bring them: Postfix over LMTP, and Dovecot's mailbox over IMAP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hogsend.clock import ManualClock
from hogsend.config.bounces_setting import parse_bounces
from hogsend.delivery.feedback.inbound import InboundMail
from hogsend.delivery.feedback.mailbox import BounceMailbox
from hogsend.errors import StoreUnavailable
from tests.delivery.test_inbound import BOUNCE, RETURN_PATH, SEND, TOKENS, Recorder
from tests.mail_servers import DOMAIN, RETURN_DOMAIN, Mailbox, run_dovecot, run_postfix
from tests.ports import free_port
from tests.site import open_site, until


@pytest.mark.parametrize("is_test_mode", [False, True], ids=["live", "test mode"])
async def test_a_mail_that_postfix_cannot_deliver_comes_back_and_suppresses_its_recipient_only(
    postfix: tuple[int, int],
    sqlite_url: str,
    tmp_path: Path,
    clock: ManualClock,
    is_test_mode: bool,
) -> None:
    port, lmtp_port = postfix
    settings: dict[str, Any] = {"TEST_TO": f"tester@{DOMAIN}"} if is_test_mode else {}
    async with open_site(
        tmp_path,
        clock,
        DATABASE_URL=sqlite_url,
        MAIL=f"smtp://127.0.0.1:{port}",
        FROM="news@example.org",
        RETURN_PATH=f"bounces@{RETURN_DOMAIN}",
        BOUNCES=f"lmtp://127.0.0.1:{lmtp_port}",
        **settings,
    ) as site:
        await site.event("user.created", "ada", email=f"No.Such.User@{DOMAIN}")

        async def has_bounced() -> bool:
            return bool(await site.sends("bounced"))

        await until(site.runtime.change_feed, has_bounced)

        (send,) = await site.sends("bounced")
        assert send.reason is not None and "5.1.1" in send.reason
        assert [attempt["outcome"] for attempt in send.attempts] == ["accepted", "hard_bounce"]
        assert await site.rows("SELECT address, reason FROM suppressions") == (
            [] if is_test_mode else [(f"no.such.user@{DOMAIN}", "hard_bounce")]
        )


@pytest.fixture(scope="module")
def postfix() -> Iterator[tuple[int, int]]:
    """The port of Postfix, and that where it hands over its bounces."""
    lmtp_port = free_port()
    with run_postfix(lmtp_port) as port:
        yield port, lmtp_port


async def test_the_mailbox_is_read_once_and_survives_whatever_goes_wrong(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder()
    inbound = InboundMail(RETURN_PATH, TOKENS, clock, recorder)
    address = RETURN_PATH.build(SEND)
    bounce = b"Delivered-To: " + address.encode() + b"\r\n" + BOUNCE
    with run_dovecot() as mailbox:
        reader = BounceMailbox(inbound, parse_bounces(mailbox.url))
        mailbox.add("1", bounce)
        mailbox.add("2", b"Subject: Hello\r\n\r\nWhen do you open?\r\n")
        # Only the beginning of a mail is read.
        mailbox.add("3", bounce + b"x" * 5_000_000)

        assert await reader.poll() and reader.problem is None
        assert [report.send_id for report in recorder.reports] == [SEND, SEND]
        assert {report.email for report in recorder.reports} == {""}
        assert await reader.poll() and len(recorder.reports) == 2
        assert count_unread(mailbox) == 0

        recorder.failure = StoreUnavailable("disk full")
        mailbox.add("4", bounce)
        assert await reader.poll()
        assert count_unread(mailbox) == 1 and "disk full" in (reader.problem or "")
        recorder.failure = None
        assert await reader.poll() and reader.problem is None
        assert count_unread(mailbox) == 0 and len(recorder.reports) == 3

        mailbox.create_folder("Processed")
        mailbox.add("5", bounce)
        assert await reader.poll() and len(recorder.reports) == 4
        assert len(list((mailbox.folder / ".Processed/cur").iterdir())) == 1

        wrong = BounceMailbox(inbound, parse_bounces(mailbox.url.replace("horse", "cow")))
        caplog.clear()
        assert await wrong.poll() and await wrong.poll()
        assert "failed" in (wrong.problem or "") and len(caplog.records) == 1
    assert await reader.poll()
    assert "refused" in (reader.problem or "")


def count_unread(mailbox: Mailbox) -> int:
    """Return how many mails of the inbox are unread."""
    names = [path.name for part in ("new", "cur") for path in (mailbox.folder / part).iterdir()]
    return sum("S" not in name.partition(":2,")[2] for name in names)
