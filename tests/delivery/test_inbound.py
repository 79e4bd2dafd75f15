"""Bounces concern only sends that they prove, over SMTP, LMTP or as bytes."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.config.bounces_setting import parse_bounces
from hogsend.delivery.feedback.inbound import InboundMail
from hogsend.delivery.feedback.listener import MAX_CONNECTIONS, BounceListener
from hogsend.delivery.feedback.return_path import ReturnPath
from hogsend.delivery.providers.port import Feedback
from hogsend.delivery.tokens import Tokens
from hogsend.errors import ConfigError

CORPUS = Path(__file__).parent / "bounces"
SEND, SECRETS = UUID(int=42), ["s" * 43]
RETURN_PATH = ReturnPath("Bounces@return.example.org", SECRETS)
TOKENS = Tokens(SECRETS)
BOUNCE = (CORPUS / "hard/postfix-unknown-user.eml").read_bytes().replace(b"\n", b"\r\n")
COMPLAINT = (CORPUS / "complaint/arf-abuse.eml").read_bytes()


@dataclass
class Recorder:
    """Keeps what it is given."""

    reports: list[Feedback] = field(default_factory=list[Feedback])
    failure: Exception | None = None

    async def handle(self, provider: str, reports: Sequence[Feedback]) -> int:
        if self.failure is not None:
            raise self.failure
        self.reports.extend(reports)
        return len(reports)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def inbound(clock: ManualClock, recorder: Recorder) -> InboundMail:
    return InboundMail(RETURN_PATH, TOKENS, clock, recorder)


def test_a_return_path_survives_what_servers_do_to_it() -> None:
    address = RETURN_PATH.build(SEND)

    assert len(address.partition("@")[0]) <= 64
    assert RETURN_PATH.read(f"<{address.upper()}>") == SEND
    assert RETURN_PATH.find(f"Delivered-To: {address.title()}\n") == SEND
    rotated = ReturnPath("bounces@return.example.org", ["t" * 43, *SECRETS])
    assert rotated.read(address) == SEND and rotated.build(SEND) != address


def test_a_forged_return_path_names_no_send() -> None:
    address = RETURN_PATH.build(SEND)
    token = address.partition("+")[2].partition("@")[0]
    other = "a" if token[5] != "a" else "b"

    for forged in (
        address.replace(token, token[:5] + other + token[6:]),
        address.replace("return.", "other."),
        address.replace("bounces+", "x+"),
        "bounces@return.example.org",
        "bounces+@return.example.org",
        f"bounces+{'é' * 42}@return.example.org",
        ReturnPath("bounces@return.example.org", ["t" * 43]).build(SEND),
    ):
        assert RETURN_PATH.read(forged) is None
    with pytest.raises(ConfigError, match="no room"):
        ReturnPath("a-very-long-name-for-bounces@example.org", SECRETS)


async def test_a_report_without_proof_concerns_nobody(
    inbound: InboundMail, recorder: Recorder
) -> None:
    link = f"https://example.org/u/{TOKENS.sign_unsubscribe(UUID(int=1), 'news', SEND)}".encode()

    await inbound.receive(BOUNCE)
    await inbound.receive(COMPLAINT)
    # The links of a mail are seen by all who get it forwarded, so they prove no bounce.
    await inbound.receive(BOUNCE.replace(b"https://example.org/u/token", link))
    assert recorder.reports == []

    await inbound.receive(COMPLAINT.replace(b"https://example.org/u/token", link))
    await inbound.receive(BOUNCE, [RETURN_PATH.build(SEND)])
    assert [(report.kind, report.send_id, report.code) for report in recorder.reports] == [
        ("complaint", SEND, None),
        ("hard_bounce", SEND, "5.1.1"),
    ]


async def test_a_repeated_mail_has_the_same_ids(inbound: InboundMail, recorder: Recorder) -> None:
    for _ in range(2):
        await inbound.receive(BOUNCE, [RETURN_PATH.build(SEND)])

    first, second = recorder.reports
    assert first.event_id == second.event_id


@pytest.mark.parametrize("is_lmtp", [True, False], ids=["LMTP", "SMTP"])
async def test_the_listener_takes_bounces_of_our_mails_only(
    inbound: InboundMail, recorder: Recorder, is_lmtp: bool
) -> None:
    listener = BounceListener(inbound, "127.0.0.1", 0, is_lmtp=is_lmtp)
    await listener.start()
    address = RETURN_PATH.build(SEND)

    def talk() -> list[int]:
        client_class = smtplib.LMTP if is_lmtp else smtplib.SMTP
        with client_class("127.0.0.1", listener.port) as client:
            client.ehlo_or_helo_if_needed()
            codes = [client.mail("")[0]]
            codes += [
                client.rcpt(to)[0] for to in ("ada@example.com", "bounces@return.example.org")
            ]
            codes += [client.rcpt(address)[0], client.rcpt(address)[0], client.data(BOUNCE)[0]]
            recorder.failure = OSError("disk full")
            codes += [client.mail("")[0], client.rcpt(address)[0], client.data(BOUNCE)[0]]
            return codes

    try:
        codes = await asyncio.to_thread(talk)
    finally:
        await listener.close()

    assert codes == [250, 550, 550, 250, 452, 250, 250, 250, 451]
    assert [(report.kind, report.send_id) for report in recorder.reports] == [("hard_bounce", SEND)]


async def test_the_listener_refuses_connections_above_its_limit(inbound: InboundMail) -> None:
    listener = BounceListener(inbound, "127.0.0.1", 0, is_lmtp=True)
    await listener.start()
    lines = [
        await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(MAX_CONNECTIONS)
    ]
    greetings = {(await reader.readline())[:3] for reader, _ in lines}
    late, late_writer = await asyncio.open_connection("127.0.0.1", listener.port)
    assert (greetings, (await late.readline())[:3]) == ({b"220"}, b"421")
    late_writer.close()

    await listener.close()
    # Nobody waits for the end of a connection that is idle.
    assert await lines[0][0].read() == b""
    for _, writer in lines:
        writer.close()


@pytest.mark.parametrize(
    "text",
    [
        "lmtp://127.0.0.1",
        "smtp://user@0.0.0.0:25",
        "imaps://host/INBOX",
        "imaps://user:pass%0d@host/INBOX",
        "imap://user:pass@imap.example.com/INBOX",
        "pop3://user:pass@host",
        "lmtp://127.0.0.1:99999",
    ],
)
def test_a_source_of_bounces_that_cannot_work_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="imaps://"):
        parse_bounces(text)


def test_a_source_of_bounces_never_shows_its_password() -> None:
    source = parse_bounces("imaps://me%40example.com:p%40ss@host/Bounces")

    assert (source.user, source.password, source.port) == ("me@example.com", "p@ss", 993)
    assert "p@ss" not in f"{source} {source!r}"
