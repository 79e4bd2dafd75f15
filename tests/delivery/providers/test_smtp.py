"""Mail over SMTP: what arrives, what is refused, and what is in doubt."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hogsend.delivery.providers.port import (
    InDoubt,
    Message,
    ProviderStopped,
    Rejected,
    TryLater,
    Withdrawn,
)
from hogsend.delivery.providers.smtp import SmtpProvider
from hogsend.delivery.providers.smtp_server import SmtpServer, parse_server
from tests.delivery.providers.contract import (
    Arrived,
    Destination,
    ProviderContract,
    a_mail,
    ready,
    withdrawn,
)
from tests.sinks.smtp_sink import DROP, EHLO, STALL, SmtpSink


class SinkDestination(Destination):
    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink

    async def mails(self) -> list[Arrived]:
        return [Arrived(mail.recipient[1:-1], mail.raw) for mail in self._sink.mails]


@pytest.fixture
def destination(sink: SmtpSink) -> Destination:
    return SinkDestination(sink)


class TestSmtp(ProviderContract):
    pass


def names_arrived(sink: SmtpSink) -> list[str]:
    return [mail.recipient[1:-1].partition("@")[0] for mail in sink.mails]


class TestRefusals:
    """What the server says decides, and the connection is used on."""

    @pytest.mark.parametrize("stage", ["RCPT", "DATA", "."])
    async def test_a_gone_recipient_is_a_hard_bounce_and_the_next_mail_goes(
        self, sink: SmtpSink, provider: SmtpProvider, stage: str
    ) -> None:
        sink.will_answer(stage, "550 5.1.1 No such user")

        with pytest.raises(Rejected) as refused:
            await provider.deliver(a_mail(to="gone@example.com"), ready)
        await provider.deliver(a_mail(to="here@example.com"), ready)

        assert refused.value.kind == "hard_bounce"
        assert refused.value.reply == "550 5.1.1 No such user"
        assert names_arrived(sink) == ["here"]
        assert sink.connections == 1

    async def test_a_refused_sender_is_our_fault(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        sink.will_answer("MAIL", "550 5.1.1 Sender unknown")

        with pytest.raises(Rejected) as refused:
            await provider.deliver(a_mail(), ready)

        assert refused.value.kind == "policy"

    async def test_a_refused_recipient_is_never_marked_as_handed_over(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        sink.will_answer("RCPT", "450 4.2.1 Greylisted")
        marked: list[bool] = []

        async def handing_over() -> None:
            marked.append(True)

        with pytest.raises(TryLater):
            await provider.deliver(a_mail(), handing_over)

        assert marked == []

    @pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "."])
    async def test_a_server_that_closes_down_gets_the_mail_later(
        self, sink: SmtpSink, provider: SmtpProvider, stage: str
    ) -> None:
        sink.will_answer(stage, "421 4.3.2 Closing down")

        with pytest.raises(TryLater):
            await provider.deliver(a_mail(to="first@example.com"), ready)
        await provider.deliver(a_mail(to="second@example.com"), ready)

        assert names_arrived(sink) == ["second"]
        assert sink.connections == 2

    async def test_a_full_mailbox_is_a_soft_bounce(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        sink.will_answer("RCPT", "452 4.2.2 Over quota")

        with pytest.raises(TryLater) as refused:
            await provider.deliver(a_mail(), ready)

        assert refused.value.soft_bounce

    async def test_a_withdrawn_mail_leaves_the_connection_usable(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        with pytest.raises(Withdrawn):
            await provider.deliver(a_mail(to="gone@example.com"), withdrawn)
        await provider.deliver(a_mail(), ready)

        assert "RSET" in sink.commands
        assert sink.connections == 1


class TestLostConnections:
    """Only a mail whose content may have left is in doubt."""

    @pytest.mark.parametrize("fault", [DROP, STALL])
    async def test_no_verdict_after_the_final_dot_leaves_the_mail_in_doubt(
        self, sink: SmtpSink, hasty: SmtpProvider, fault: str
    ) -> None:
        sink.will_answer(".", fault)

        with pytest.raises(InDoubt):
            await hasty.deliver(a_mail(to="doubtful@example.com"), ready)
        await hasty.deliver(a_mail(to="sure@example.com"), ready)

        assert names_arrived(sink) == ["sure"]

    async def test_a_verdict_that_is_no_reply_leaves_the_mail_in_doubt(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        sink.will_answer(".", "<html>")

        with pytest.raises(InDoubt):
            await provider.deliver(a_mail(), ready)

    @pytest.mark.parametrize("fault", [DROP, STALL])
    @pytest.mark.parametrize("stage", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
    async def test_a_connection_lost_before_the_content_means_later(
        self, sink: SmtpSink, hasty: SmtpProvider, stage: str, fault: str
    ) -> None:
        sink.will_answer(stage, fault)

        with pytest.raises(TryLater):
            await hasty.deliver(a_mail(to="later@example.com"), ready)
        await hasty.deliver(a_mail(to="now@example.com"), ready)

        assert names_arrived(sink) == ["now"]

    async def test_a_server_that_is_not_there_means_later(self, sink: SmtpSink) -> None:
        nobody = SmtpServer("127.0.0.1", sink.port, verify=False)
        await sink.stop()

        with pytest.raises(TryLater, match="cannot be reached"):
            await SmtpProvider(nobody).deliver(a_mail(), ready)

    @pytest.mark.parametrize("greeting", ["554 5.3.2 Not today", "421 4.7.0 Too many"])
    async def test_a_server_that_does_not_greet_means_later(
        self, sink: SmtpSink, provider: SmtpProvider, greeting: str
    ) -> None:
        sink.will_answer("GREETING", greeting)

        with pytest.raises(TryLater, match=greeting):
            await provider.deliver(a_mail(), ready)

    async def test_a_delivery_stopped_while_the_verdict_is_awaited_ends_its_connection(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        sink.will_answer(".", STALL)

        delivery = asyncio.create_task(provider.deliver(a_mail(), ready))
        await sink.stalled.wait()
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
        await provider.deliver(a_mail(to="next@example.com"), ready)

        assert names_arrived(sink) == ["next"]
        assert sink.connections == 2


class TestWhatTheServerOffers:
    """A mail is only offered to a server that can take it."""

    async def test_the_size_is_said_beforehand(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        mail = a_mail()

        await provider.deliver(mail, ready)

        assert sink.mails[0].sender == f"<hello@example.org> SIZE={len(mail.raw)}"

    @pytest.mark.parametrize(
        ("offers", "mail", "reason"),
        [
            (["sink", "SIZE 100"], a_mail(), "the server takes 100"),
            (["sink"], a_mail(body="Grüße\r\n".encode()), "7-bit"),
            ([*EHLO[:-2]], a_mail(to="jürgen@example.com"), "SMTPUTF8"),
            ([*EHLO[:-2]], a_mail(sender="Jürgen <hello@example.org>"), "SMTPUTF8"),
        ],
        ids=["too large", "8-bit", "international address", "international header"],
    )
    async def test_a_mail_that_the_server_cannot_take_is_not_offered(
        self, offers: list[str], mail: Message, reason: str
    ) -> None:
        async with SmtpSink(offers=offers) as sink:
            provider = SmtpProvider(parse_server(sink.url))
            with pytest.raises(Rejected, match=reason) as refused:
                await provider.deliver(mail, ready)
            await provider.close()

        assert refused.value.kind == "content"
        assert not [command for command in sink.commands if command.startswith("MAIL")]

    async def test_an_international_address_is_spoken_as_utf_8(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        await provider.deliver(a_mail(to="jürgen@bücher.example"), ready)

        assert sink.mails[0].recipient == "<jürgen@xn--bcher-kva.example>"
        assert sink.mails[0].sender.endswith(" BODY=8BITMIME SMTPUTF8")

    @pytest.mark.parametrize("option", ["starttls=auto", "starttls=never"])
    async def test_a_server_of_the_oldest_kind_is_greeted_in_its_own_way(
        self, sink: SmtpSink, option: str
    ) -> None:
        provider = SmtpProvider(parse_server(f"{sink.url}?{option}"))
        sink.will_answer("EHLO", "502 What")

        await provider.deliver(a_mail(), ready)
        await provider.close()

        assert sink.mails[0].sender == "<hello@example.org>"

    @pytest.mark.parametrize(
        "address",
        ["", "nobody", "@example.com", "a b@example.com", "a@b> SIZE=1", "a@b\r\nDATA", "a@\udce9"],
    )
    async def test_what_is_no_address_is_never_sent_to(
        self, sink: SmtpSink, provider: SmtpProvider, address: str
    ) -> None:
        with pytest.raises(Rejected, match="malformed"):
            await provider.deliver(replace(a_mail(), to_email=address), ready)

        assert sink.connections == 0

    async def test_content_that_begins_with_a_dot_keeps_it(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        await provider.deliver(replace(a_mail(), raw=b".\r\nDATA\r\n"), ready)

        assert sink.mails[0].raw == b".\r\nDATA\r\n"

    @pytest.mark.parametrize("end", [b"\n", b"\r", b"\n.\n", b"\r\r\n"])
    async def test_a_mail_with_a_lone_line_end_is_never_sent(
        self, sink: SmtpSink, provider: SmtpProvider, end: bytes
    ) -> None:
        with pytest.raises(Rejected, match="CR LF"):
            await provider.deliver(a_mail(body=b"one" + end + b"two\r\n"), ready)

        assert sink.connections == 0


class TestSigningIn:
    """Credentials that are refused stop everything, and fail nothing."""

    async def test_the_right_password_lets_mail_through(self) -> None:
        async with SmtpSink(credentials=("hog", "s3cret/?#")) as sink:
            provider = SmtpProvider(
                parse_server(f"smtp://hog:s3cret%2F%3F%23@127.0.0.1:{sink.port}")
            )
            await provider.deliver(a_mail(), ready)
            await provider.close()

        assert sink.count == 1

    async def test_a_wrong_password_stops_the_provider(self) -> None:
        async with SmtpSink(credentials=("hog", "right")) as sink:
            provider = SmtpProvider(parse_server(f"smtp://hog:wrong@127.0.0.1:{sink.port}"))
            with pytest.raises(ProviderStopped, match="535") as stopped:
                await provider.deliver(a_mail(), ready)

        assert "wrong@" not in stopped.value.reply

    async def test_a_server_that_wants_a_password_and_gets_none_stops_the_provider(self) -> None:
        async with SmtpSink(credentials=("hog", "right")) as sink:
            provider = SmtpProvider(parse_server(sink.url))
            with pytest.raises(ProviderStopped, match="530"):
                await provider.deliver(a_mail(), ready)
            await provider.close()

    async def test_a_failure_that_passes_means_later(self) -> None:
        async with SmtpSink({"AUTH": ["454 4.7.0 Busy"]}, credentials=("hog", "right")) as sink:
            provider = SmtpProvider(parse_server(f"smtp://hog:right@127.0.0.1:{sink.port}"))
            with pytest.raises(TryLater, match="454"):
                await provider.deliver(a_mail(), ready)

    async def test_a_server_without_sign_in_stops_a_provider_with_a_password(
        self, sink: SmtpSink
    ) -> None:
        provider = SmtpProvider(parse_server(f"smtp://hog:right@127.0.0.1:{sink.port}"))

        with pytest.raises(ProviderStopped, match="cannot be signed in"):
            await provider.deliver(a_mail(), ready)

    async def test_a_password_is_not_sent_where_encryption_is_required_and_not_offered(
        self, sink: SmtpSink
    ) -> None:
        provider = SmtpProvider(
            parse_server(f"smtp://hog:right@127.0.0.1:{sink.port}?starttls=require")
        )

        with pytest.raises(ProviderStopped, match="STARTTLS"):
            await provider.deliver(a_mail(), ready)

        assert not [command for command in sink.commands if command.startswith("AUTH")]
