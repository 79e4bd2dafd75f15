"""The pool of connections to an SMTP server."""

from __future__ import annotations

import asyncio

import pytest

from hogsend.delivery.providers.port import TryLater
from hogsend.delivery.providers.smtp import MAILS_PER_CONNECTION, SmtpProvider
from hogsend.delivery.providers.smtp_server import parse_server
from hogsend.delivery.providers.smtp_session import SmtpTimeouts
from tests.delivery.providers.contract import allow_handoff, make_message
from tests.sinks.smtp_sink import DROP, STALL, SmtpSink


async def test_one_connection_carries_several_mails(sink: SmtpSink, provider: SmtpProvider) -> None:
    for number in range(5):
        await provider.deliver(make_message(f"user{number}@example.com"), allow_handoff)

    assert sink.count == 5
    assert sink.connections == 1


async def test_there_are_never_more_connections_than_the_pool_allows(sink: SmtpSink) -> None:
    provider = SmtpProvider(parse_server(f"{sink.url}?pool=3"))

    await asyncio.gather(*(provider.deliver(make_message(), allow_handoff) for _ in range(40)))
    await provider.close()

    assert sink.count == 40
    assert sink.most_at_once == 3


async def test_a_connection_that_the_server_has_closed_is_replaced(
    sink: SmtpSink, provider: SmtpProvider
) -> None:
    await provider.deliver(make_message(), allow_handoff)
    await sink.drop_all()
    await provider.deliver(make_message(), allow_handoff)

    assert sink.count == 2


@pytest.mark.parametrize(
    ("stage", "fault"),
    [
        ("MAIL", DROP),
        ("MAIL", STALL),
        ("MAIL", "421 4.4.2 Idle for too long"),
        ("RCPT", DROP),
        ("RCPT", STALL),
    ],
)
async def test_a_dead_idle_connection_costs_no_attempt(
    sink: SmtpSink, impatient: SmtpProvider, stage: str, fault: str
) -> None:
    sink.set_answers(stage, None, fault)

    await impatient.deliver(make_message(), allow_handoff)
    await impatient.deliver(make_message(), allow_handoff)

    assert sink.count == 2
    assert sink.connections == 2


async def test_a_connection_is_closed_after_its_limit_of_mails(
    sink: SmtpSink, provider: SmtpProvider
) -> None:
    for _ in range(MAILS_PER_CONNECTION + 1):
        await provider.deliver(make_message(), allow_handoff)

    assert sink.count == MAILS_PER_CONNECTION + 1
    assert sink.connections == 2
    assert sink.commands.count("QUIT") == 1


async def test_an_idle_connection_is_closed_with_quit(sink: SmtpSink) -> None:
    provider = SmtpProvider(parse_server(sink.url), idle=0.01)

    await provider.deliver(make_message(), allow_handoff)
    await asyncio.wait_for(sink.wait_for_disconnect(), 5)
    await provider.close()

    assert sink.commands[-1] == "QUIT"


async def test_closing_sends_quit_on_every_connection(
    sink: SmtpSink, provider: SmtpProvider
) -> None:
    await asyncio.gather(*(provider.deliver(make_message(), allow_handoff) for _ in range(8)))
    await provider.close()

    assert sink.commands.count("QUIT") == sink.connections


async def test_a_server_that_does_not_answer_quit_delays_nothing(sink: SmtpSink) -> None:
    provider = SmtpProvider(parse_server(sink.url), timeouts=SmtpTimeouts(quit=0.2))
    sink.set_answers("QUIT", STALL)
    await provider.deliver(make_message(), allow_handoff)

    await asyncio.wait_for(provider.close(), 5)


async def test_a_closed_provider_takes_no_mail(provider: SmtpProvider) -> None:
    await provider.close()

    with pytest.raises(TryLater):
        await provider.deliver(make_message(), allow_handoff)
