"""A mail server that answers nonsense costs neither connections nor memory, and loses no mail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from hogsend.delivery import outcomes
from hogsend.delivery.providers.port import DeliveryError, InDoubt, ProviderStopped, TryLater
from hogsend.delivery.providers.smtp import SmtpProvider
from hogsend.delivery.providers.smtp_server import parse_server
from tests.delivery.providers.conftest import SHORT
from tests.delivery.providers.contract import allow_handoff, make_message
from tests.patience import PATIENCE
from tests.sinks.smtp_sink import DROP, GREETING, STALL, VERDICT, SmtpSink

HUGE = 200_000
ENDLESS = "\r\n".join("250-more" for _ in range(HUGE // 10))


def build_greeting(*lines: str) -> str:
    """Return a reply to `EHLO` that offers some extensions."""
    return "\r\n".join([*(f"250-{line}" for line in ("sink", *lines)), "250 8BITMIME"])


@pytest.fixture
async def sink() -> AsyncIterator[SmtpSink]:
    async with SmtpSink() as server:
        yield server


async def deliver(sink: SmtpSink, *, credentials: str = "") -> None:
    """Deliver a mail through a new provider, and check that it leaves no connection open."""
    url = sink.url.replace("://", f"://{credentials}", 1)
    provider = SmtpProvider(parse_server(url), timeouts=SHORT)
    try:
        await provider.deliver(make_message(), allow_handoff)
    finally:
        # The provider's end closes idle sessions; a session that never was one has no other end.
        await provider.close()
        async with asyncio.timeout(PATIENCE):
            await sink.wait_for_disconnect()


@pytest.mark.parametrize(
    "size",
    ["9" * 5000, "9" * 30_000, "-1", "1e9", "٣٣", "", "1 2 3", "0" * 5000, "\0", "9" * 21],
    ids=lambda size: size[:9],
)
async def test_a_size_limit_that_is_no_number_is_none(sink: SmtpSink, size: str) -> None:
    sink.set_answers("EHLO", build_greeting(f"SIZE {size}" if size else "SIZE"))
    if len(size) > 8192:
        with pytest.raises(TryLater):
            await deliver(sink)
    else:
        await deliver(sink)
        assert sink.count == 1


SET_UP_FAULTS = {
    "a greeting that is refused": {GREETING: "554 5.7.1 go away"},
    "a greeting without end": {GREETING: ENDLESS.replace("250", "220")},
    "a greeting in one long line": {GREETING: "220 " + "x" * HUGE},
    "a greeting that is no SMTP": {GREETING: "HTTP/1.1 400 Bad Request"},
    "no greeting": {GREETING: STALL},
    "a greeting that is cut": {GREETING: DROP},
    "a greeting of NULs": {GREETING: "\0" * 1000},
    "EHLO and HELO refused": {"EHLO": "502 no", "HELO": "550 no"},
    "EHLO without end": {"EHLO": ENDLESS},
    "EHLO in one long line": {"EHLO": "250 " + "x" * HUGE},
    "EHLO that is no SMTP": {"EHLO": "nonsense"},
    "EHLO that is not answered": {"EHLO": STALL},
    "EHLO that is cut": {"EHLO": DROP},
    "EHLO refused, HELO without end": {"EHLO": "502 no", "HELO": ENDLESS},
    "EHLO of 5,000 digits": {"EHLO": "9" * 5000, "HELO": "9" * 5000},
    "STARTTLS that is refused": {"EHLO": build_greeting("STARTTLS"), "STARTTLS": "454 no"},
    "STARTTLS that is no TLS": {"EHLO": build_greeting("STARTTLS"), "STARTTLS": "220 go on\r\nx"},
}


@pytest.mark.parametrize("fault", SET_UP_FAULTS)
async def test_a_session_whose_set_up_fails_is_closed(sink: SmtpSink, fault: str) -> None:
    for step, answer in SET_UP_FAULTS[fault].items():
        sink.set_answers(step, answer)

    with pytest.raises((TryLater, ProviderStopped)):
        await deliver(sink)
    assert sink.count == 0


@pytest.mark.parametrize(
    "challenge", ["334 !!!", "334 " + "A" * 50, "334", "334 \0", "334 =", "abc", STALL, DROP]
)
@pytest.mark.parametrize("method", ["CRAM-MD5", "PLAIN", "LOGIN", "UNHEARD-OF"])
async def test_a_session_whose_signing_in_fails_is_closed(
    sink: SmtpSink, method: str, challenge: str
) -> None:
    sink.set_answers("EHLO", build_greeting(f"AUTH {method}"))
    sink.set_answers("AUTH", challenge, challenge, challenge)

    with pytest.raises((TryLater, ProviderStopped)):
        await deliver(sink, credentials="user:password@")
    assert sink.count == 0


async def test_a_session_whose_set_up_is_cancelled_is_closed(sink: SmtpSink) -> None:
    sink.set_answers("EHLO", "502 no")
    sink.set_answers("HELO", STALL)
    delivery = asyncio.create_task(deliver(sink))
    async with asyncio.timeout(PATIENCE):
        await sink.stalled.wait()
        delivery.cancel()
        await asyncio.wait([delivery])
        await sink.wait_for_disconnect()
    assert delivery.cancelled()


async def test_many_mails_to_a_hostile_server_leave_no_connection(sink: SmtpSink) -> None:
    provider = SmtpProvider(parse_server(sink.url), timeouts=SHORT)
    for number in range(50):
        sink.set_answers("EHLO", build_greeting("SIZE " + "9" * 5000) if number % 2 else "502 no")
        sink.set_answers("HELO", "nonsense" if number % 4 else "250 " + "x" * HUGE)
        with suppress(DeliveryError):
            await provider.deliver(make_message(), allow_handoff)
        assert len(sink.open) <= 1
    await provider.close()


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "RSET"])
@pytest.mark.parametrize(
    "answer",
    [ENDLESS, "550 " + "x" * HUGE, "nonsense", "550 5.0.0 a\0b"],
    ids=["endless", "long", "nonsense", "NUL"],
)
async def test_a_long_or_senseless_reply_closes_no_other_mail(
    sink: SmtpSink, step: str, answer: str
) -> None:
    if step == "RSET":
        sink.set_answers("RCPT", "450 4.7.1 later")
    sink.set_answers(step, answer)
    try:
        await deliver(sink)
    except DeliveryError as error:
        assert_can_be_stored(error)
    await deliver(sink)
    assert sink.count >= 1


@pytest.mark.parametrize(
    "verdict",
    [ENDLESS, "250 " + "x" * HUGE, "nonsense", "354 go on", "150 what", "999 what", "-25 what"],
    ids=lambda verdict: verdict[:9],
)
async def test_a_senseless_reply_after_the_content_leaves_the_mail_in_doubt(
    sink: SmtpSink, verdict: str
) -> None:
    sink.set_answers(VERDICT, verdict)
    with pytest.raises(InDoubt) as caught:
        await deliver(sink)
    assert_can_be_stored(caught.value)


def assert_can_be_stored(error: DeliveryError) -> None:
    line = outcomes.to_one_line(error.reply)
    assert len(line) <= outcomes.MAX_REPLY_LENGTH
    assert line.isprintable()
