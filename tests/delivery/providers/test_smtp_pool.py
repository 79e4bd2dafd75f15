"""Connections to an SMTP server are few, and used again."""

from __future__ import annotations

import asyncio

import pytest

from hogsend.delivery.providers.port import TryLater
from hogsend.delivery.providers.smtp import MAILS_PER_CONNECTION, SmtpProvider
from hogsend.delivery.providers.smtp_server import parse_server
from hogsend.delivery.providers.smtp_session import SmtpTimeouts
from tests.delivery.providers.contract import a_mail, ready
from tests.sinks.smtp_sink import DROP, STALL, SmtpSink


async def test_one_connection_carries_one_mail_after_the_other(
    sink: SmtpSink, provider: SmtpProvider
) -> None:
    for number in range(5):
        await provider.deliver(a_mail(to=f"user{number}@example.com"), ready)

    assert sink.count == 5
    assert sink.connections == 1


async def test_never_more_connections_than_the_pool_allows(sink: SmtpSink) -> None:
    provider = SmtpProvider(parse_server(f"{sink.url}?pool=3"))

    await asyncio.gather(*(provider.deliver(a_mail(), ready) for _ in range(40)))
    await provider.close()

    assert sink.count == 40
    assert sink.most_at_once == 3


async def test_a_connection_that_the_server_has_ended_is_replaced_unnoticed(
    sink: SmtpSink, provider: SmtpProvider
) -> None:
    await provider.deliver(a_mail(), ready)
    await sink.drop_all()
    await provider.deliver(a_mail(), ready)

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
async def test_a_kept_connection_that_turns_out_dead_costs_no_attempt(
    sink: SmtpSink, hasty: SmtpProvider, stage: str, fault: str
) -> None:
    sink.will_answer(stage, None, fault)

    await hasty.deliver(a_mail(), ready)
    await hasty.deliver(a_mail(), ready)

    assert sink.count == 2
    assert sink.connections == 2


async def test_a_connection_is_left_after_so_many_mails(
    sink: SmtpSink, provider: SmtpProvider
) -> None:
    for _ in range(MAILS_PER_CONNECTION + 1):
        await provider.deliver(a_mail(), ready)

    assert sink.count == MAILS_PER_CONNECTION + 1
    assert sink.connections == 2
    assert sink.commands.count("QUIT") == 1


async def test_a_resting_connection_is_left_with_a_goodbye(sink: SmtpSink) -> None:
    provider = SmtpProvider(parse_server(sink.url), idle=0.01)

    await provider.deliver(a_mail(), ready)
    await asyncio.wait_for(sink.deserted(), 5)
    await provider.close()

    assert sink.commands[-1] == "QUIT"


async def test_closing_says_goodbye_on_every_connection(
    sink: SmtpSink, provider: SmtpProvider
) -> None:
    await asyncio.gather(*(provider.deliver(a_mail(), ready) for _ in range(8)))
    await provider.close()

    assert sink.commands.count("QUIT") == sink.connections


async def test_a_server_that_does_not_say_goodbye_holds_nobody_up(sink: SmtpSink) -> None:
    provider = SmtpProvider(parse_server(sink.url), patience=SmtpTimeouts(farewell=0.2))
    sink.will_answer("QUIT", STALL)
    await provider.deliver(a_mail(), ready)

    await asyncio.wait_for(provider.close(), 5)


async def test_a_closed_provider_takes_no_mail(provider: SmtpProvider) -> None:
    await provider.close()

    with pytest.raises(TryLater):
        await provider.deliver(a_mail(), ready)
