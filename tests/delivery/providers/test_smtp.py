"""SMTP: what arrives, what is refused, and what is in doubt."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from hogsend.delivery.providers.port import (
    Address,
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
    ArrivedMail,
    Destination,
    TransportContract,
    allow_handoff,
    make_message,
    read_mime,
    withdraw,
)
from tests.sinks.smtp_sink import DROP, EHLO, STALL, SmtpSink


class SinkDestination(Destination):
    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink

    async def mails(self) -> list[ArrivedMail]:
        return [read_mime(mail.raw, mail.recipients) for mail in self._sink.mails]


@pytest.fixture
def destination(sink: SmtpSink) -> Destination:
    return SinkDestination(sink)


class TestSmtp(TransportContract):
    pass


@dataclass(frozen=True)
class RawMessage(Message):
    """A message whose bytes are given, such as 8-bit text, which the renderer never makes."""

    content: bytes = b""

    @property
    def mime_bytes(self) -> bytes:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.content


def make_raw_message(content: bytes) -> RawMessage:
    message = make_message()
    return RawMessage(
        message.send_id,
        message.message_id,
        message.date,
        message.from_,
        message.to,
        message.subject,
        message.html,
        message.text,
        content=content,
    )


def list_arrived_names(sink: SmtpSink) -> list[str]:
    return [mail.recipients[0].partition("@")[0] for mail in sink.mails]


async def test_a_mail_arrives_byte_for_byte(sink: SmtpSink, provider: SmtpProvider) -> None:
    message = make_message()

    await provider.deliver(message, allow_handoff)

    assert [mail.raw for mail in sink.mails] == [message.mime_bytes]


@pytest.mark.parametrize(
    "content",
    [
        b".\r\nonly a dot above\r\n",
        b"a line\r\n.\r\nRCPT TO:<eve@example.com>\r\n..\r\n.end\r\n",
        b"",
        b"x" * 900 + b"\r\n",
        "Grüße aus Zürich\r\n".encode(),
        b"0123456789abcdef\r\n" * 60_000,
    ],
    ids=["first line a dot", "lines of dots", "empty", "long line", "8-bit", "a megabyte"],
)
async def test_every_byte_of_the_body_arrives(
    sink: SmtpSink, provider: SmtpProvider, content: bytes
) -> None:
    message = make_raw_message(b"Subject: Welcome\r\n\r\n" + content)

    await provider.deliver(message, allow_handoff)

    assert [mail.raw for mail in sink.mails] == [message.mime_bytes]


@pytest.mark.parametrize("refusal", ["550 5.1.1 No such user", "452 4.2.2 Mailbox full"])
async def test_a_refused_copy_keeps_the_mail_from_nobody_else(
    sink: SmtpSink, provider: SmtpProvider, refusal: str
) -> None:
    sink.set_answers("RCPT", None, refusal, None)
    copies = (Address("gone@example.com"), Address("bo@example.com"))

    accepted = await provider.deliver(make_message(cc=copies), allow_handoff)

    assert [mail.recipients for mail in sink.mails] == [("ada@example.com", "bo@example.com")]
    assert accepted.reply.endswith(f"no copy to gone@example.com: {refusal}")


async def test_a_mail_waits_for_a_copy_that_may_be_taken_later(
    sink: SmtpSink, provider: SmtpProvider
) -> None:
    sink.set_answers("RCPT", None, "451 4.7.1 Greylisted")

    with pytest.raises(TryLater):
        await provider.deliver(make_message(bcc=(Address("bo@example.com"),)), allow_handoff)

    assert sink.mails == []


async def test_a_refusal_of_the_content_suppresses_nobody_when_there_are_copies(
    sink: SmtpSink, provider: SmtpProvider
) -> None:
    sink.set_answers(".", "550 5.1.1 No such user")

    with pytest.raises(Rejected) as refused:
        await provider.deliver(make_message(cc=(Address("bo@example.com"),)), allow_handoff)

    assert refused.value.kind == "refused"


class TestRefusals:
    """The reply decides, and the connection remains in use."""

    @pytest.mark.parametrize("stage", ["RCPT", "DATA", "."])
    async def test_an_unknown_recipient_is_a_hard_bounce_and_the_next_mail_leaves(
        self, sink: SmtpSink, provider: SmtpProvider, stage: str
    ) -> None:
        sink.set_answers(stage, "550 5.1.1 No such user")

        with pytest.raises(Rejected) as refused:
            await provider.deliver(make_message("gone@example.com"), allow_handoff)
        await provider.deliver(make_message("here@example.com"), allow_handoff)

        assert refused.value.kind == "hard_bounce"
        assert refused.value.reply == "550 5.1.1 No such user"
        assert list_arrived_names(sink) == ["here"]
        assert sink.connections == 1

    async def test_a_refused_sender_is_not_blamed_on_the_recipient(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        sink.set_answers("MAIL", "550 5.1.1 Sender unknown")

        with pytest.raises(Rejected) as refused:
            await provider.deliver(make_message(), allow_handoff)

        assert refused.value.kind == "policy"

    async def test_a_refused_recipient_is_never_recorded_as_handed_over(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        sink.set_answers("RCPT", "450 4.2.1 Greylisted")
        recorded: list[bool] = []

        async def before_handoff() -> None:
            recorded.append(True)

        with pytest.raises(TryLater):
            await provider.deliver(make_message(), before_handoff)

        assert recorded == []

    @pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "."])
    async def test_a_server_that_shuts_down_is_tried_later(
        self, sink: SmtpSink, provider: SmtpProvider, stage: str
    ) -> None:
        sink.set_answers(stage, "421 4.3.2 Closing down")

        with pytest.raises(TryLater):
            await provider.deliver(make_message("first@example.com"), allow_handoff)
        await provider.deliver(make_message("second@example.com"), allow_handoff)

        assert list_arrived_names(sink) == ["second"]
        assert sink.connections == 2

    async def test_a_full_mailbox_is_a_soft_bounce(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        sink.set_answers("RCPT", "452 4.2.2 Over quota")

        with pytest.raises(TryLater) as refused:
            await provider.deliver(make_message(), allow_handoff)

        assert refused.value.soft_bounce

    async def test_a_withdrawn_mail_leaves_the_connection_usable(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        with pytest.raises(Withdrawn):
            await provider.deliver(make_message("gone@example.com"), withdraw)
        await provider.deliver(make_message(), allow_handoff)

        assert "RSET" in sink.commands
        assert sink.connections == 1


class TestLostConnections:
    """Only a mail whose content may have left is in doubt."""

    @pytest.mark.parametrize("fault", [DROP, STALL])
    async def test_no_reply_after_the_final_dot_leaves_the_mail_in_doubt(
        self, sink: SmtpSink, impatient: SmtpProvider, fault: str
    ) -> None:
        sink.set_answers(".", fault)

        with pytest.raises(InDoubt):
            await impatient.deliver(make_message("doubtful@example.com"), allow_handoff)
        await impatient.deliver(make_message("sure@example.com"), allow_handoff)

        assert list_arrived_names(sink) == ["sure"]

    async def test_a_malformed_reply_after_the_final_dot_leaves_the_mail_in_doubt(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        sink.set_answers(".", "<html>")

        with pytest.raises(InDoubt):
            await provider.deliver(make_message(), allow_handoff)

    @pytest.mark.parametrize("fault", [DROP, STALL])
    @pytest.mark.parametrize("stage", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
    async def test_a_connection_lost_before_the_content_is_tried_later(
        self, sink: SmtpSink, impatient: SmtpProvider, stage: str, fault: str
    ) -> None:
        sink.set_answers(stage, fault)

        with pytest.raises(TryLater):
            await impatient.deliver(make_message("later@example.com"), allow_handoff)
        await impatient.deliver(make_message("now@example.com"), allow_handoff)

        assert list_arrived_names(sink) == ["now"]

    async def test_an_unreachable_server_is_tried_later(self, sink: SmtpSink) -> None:
        unreachable = SmtpServer("127.0.0.1", sink.port, verify=False)
        await sink.stop()

        with pytest.raises(TryLater, match="cannot be reached"):
            await SmtpProvider(unreachable).deliver(make_message(), allow_handoff)

    @pytest.mark.parametrize("greeting", ["554 5.3.2 Not today", "421 4.7.0 Too many"])
    async def test_a_server_that_refuses_connections_is_tried_later(
        self, sink: SmtpSink, provider: SmtpProvider, greeting: str
    ) -> None:
        sink.set_answers("GREETING", greeting)

        with pytest.raises(TryLater, match=greeting):
            await provider.deliver(make_message(), allow_handoff)

    async def test_a_delivery_cancelled_while_the_last_reply_is_awaited_closes_its_connection(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        sink.set_answers(".", STALL)

        delivery = asyncio.create_task(provider.deliver(make_message(), allow_handoff))
        await sink.stalled.wait()
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
        await provider.deliver(make_message("next@example.com"), allow_handoff)

        assert list_arrived_names(sink) == ["next"]
        assert sink.connections == 2


class TestServerExtensions:
    """A mail is only sent to a server that can take it."""

    async def test_the_size_is_announced(self, sink: SmtpSink, provider: SmtpProvider) -> None:
        message = make_message()

        await provider.deliver(message, allow_handoff)

        assert sink.mails[0].sender == f"<hello@example.org> SIZE={len(message.mime_bytes)}"

    @pytest.mark.parametrize(
        ("extensions", "message", "reason"),
        [
            (["sink", "SIZE 100"], make_message(), "the server takes 100"),
            (["sink"], make_raw_message("To: a\r\n\r\nGrüße\r\n".encode()), "7-bit"),
            ([*EHLO[:-2]], make_message("jürgen@example.com"), "SMTPUTF8"),
            (
                [*EHLO[:-2]],
                make_raw_message("From: Jürgen <hello@example.org>\r\n\r\n".encode()),
                "SMTPUTF8",
            ),
        ],
        ids=["too large", "8-bit", "international address", "international header"],
    )
    async def test_a_mail_that_the_server_cannot_take_is_not_sent(
        self, extensions: list[str], message: Message, reason: str
    ) -> None:
        async with SmtpSink(extensions=extensions) as sink:
            provider = SmtpProvider(parse_server(sink.url))
            with pytest.raises(Rejected, match=reason) as refused:
                await provider.deliver(message, allow_handoff)
            await provider.close()

        assert refused.value.kind == "content"
        assert not [command for command in sink.commands if command.startswith("MAIL")]

    async def test_an_international_address_is_sent_as_utf_8(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        await provider.deliver(make_message("jürgen@bücher.example"), allow_handoff)

        assert sink.mails[0].recipients == ("jürgen@xn--bcher-kva.example",)
        assert sink.mails[0].sender.endswith(" BODY=8BITMIME SMTPUTF8")

    @pytest.mark.parametrize("option", ["starttls=auto", "starttls=never"])
    async def test_a_server_without_ehlo_is_greeted_with_helo(
        self, sink: SmtpSink, option: str
    ) -> None:
        provider = SmtpProvider(parse_server(f"{sink.url}?{option}"))
        sink.set_answers("EHLO", "502 What")

        await provider.deliver(make_message(), allow_handoff)
        await provider.close()

        assert sink.mails[0].sender == "<hello@example.org>"

    @pytest.mark.parametrize(
        "address",
        [
            "",
            "unreachable",
            "@example.com",
            "a b@example.com",
            "a@b> SIZE=1",
            "a@b\r\nDATA",
            "a@\udce9",
        ],
    )
    async def test_a_malformed_address_is_never_sent_to(
        self, sink: SmtpSink, provider: SmtpProvider, address: str
    ) -> None:
        with pytest.raises(Rejected, match="malformed"):
            await provider.deliver(make_message(address), allow_handoff)

        assert sink.connections == 0

    async def test_content_that_begins_with_a_dot_keeps_it(
        self, sink: SmtpSink, provider: SmtpProvider
    ) -> None:
        await provider.deliver(make_raw_message(b".\r\nDATA\r\n"), allow_handoff)

        assert sink.mails[0].raw == b".\r\nDATA\r\n"

    @pytest.mark.parametrize("end", [b"\n", b"\r", b"\n.\n", b"\r\r\n"])
    async def test_a_mail_with_a_lone_line_end_is_never_sent(
        self, sink: SmtpSink, provider: SmtpProvider, end: bytes
    ) -> None:
        with pytest.raises(Rejected, match="CR LF"):
            await provider.deliver(make_raw_message(b"one" + end + b"two\r\n"), allow_handoff)

        assert sink.connections == 0


class TestSigningIn:
    """Refused credentials stop the provider and fail no mail."""

    async def test_the_right_password_lets_mail_through(self) -> None:
        async with SmtpSink(credentials=("hog", "s3cret/?#")) as sink:
            provider = SmtpProvider(
                parse_server(f"smtp://hog:s3cret%2F%3F%23@127.0.0.1:{sink.port}")
            )
            await provider.deliver(make_message(), allow_handoff)
            await provider.close()

        assert sink.count == 1

    async def test_a_wrong_password_stops_the_provider(self) -> None:
        async with SmtpSink(credentials=("hog", "right")) as sink:
            provider = SmtpProvider(parse_server(f"smtp://hog:wrong@127.0.0.1:{sink.port}"))
            with pytest.raises(ProviderStopped, match="535") as stopped:
                await provider.deliver(make_message(), allow_handoff)

        assert "wrong@" not in stopped.value.reply

    async def test_a_missing_password_stops_the_provider(self) -> None:
        async with SmtpSink(credentials=("hog", "right")) as sink:
            provider = SmtpProvider(parse_server(sink.url))
            with pytest.raises(ProviderStopped, match="530"):
                await provider.deliver(make_message(), allow_handoff)
            await provider.close()

    async def test_a_temporary_sign_in_failure_is_tried_later(self) -> None:
        async with SmtpSink({"AUTH": ["454 4.7.0 Busy"]}, credentials=("hog", "right")) as sink:
            provider = SmtpProvider(parse_server(f"smtp://hog:right@127.0.0.1:{sink.port}"))
            with pytest.raises(TryLater, match="454"):
                await provider.deliver(make_message(), allow_handoff)

    async def test_a_server_without_sign_in_stops_a_provider_with_a_password(
        self, sink: SmtpSink
    ) -> None:
        provider = SmtpProvider(parse_server(f"smtp://hog:right@127.0.0.1:{sink.port}"))

        with pytest.raises(ProviderStopped, match="cannot be signed in"):
            await provider.deliver(make_message(), allow_handoff)

    async def test_a_password_is_not_sent_without_the_required_encryption(
        self, sink: SmtpSink
    ) -> None:
        provider = SmtpProvider(
            parse_server(f"smtp://hog:right@127.0.0.1:{sink.port}?starttls=require")
        )

        with pytest.raises(ProviderStopped, match="STARTTLS"):
            await provider.deliver(make_message(), allow_handoff)

        assert not [command for command in sink.commands if command.startswith("AUTH")]
