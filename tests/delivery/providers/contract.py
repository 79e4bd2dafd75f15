"""The promises that every provider keeps; a test class for each provider inherits them.

Mails are compared by meaning: decoded parts, addresses and headers, whatever the provider's wire
format is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import UUID

import pytest

from hogsend.delivery.providers.port import (
    Accepted,
    Address,
    Attachment,
    InvalidWebhook,
    Message,
    Provider,
    WebhookRequest,
    Withdrawn,
)
from hogsend.domain.ids import new_id

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SENDER = Address("hello@example.org", "Hogsend")
# Headers that the fields of a message stand for, and those of MIME.
_OWN_HEADERS = frozenset(
    [
        "from",
        "to",
        "cc",
        "subject",
        "date",
        "message-id",
        "reply-to",
        "mime-version",
        "content-type",
    ]
)


def make_message(
    to: str = "ada@example.com",
    *,
    from_: Address = SENDER,
    subject: str = "Welcome",
    html: str = "<p>Hello Ada</p>\n",
    text: str = "Hello Ada\n",
    send_id: UUID | None = None,
    cc: Sequence[Address] = (),
    bcc: Sequence[Address] = (),
    reply_to: Sequence[Address] = (),
    headers: Sequence[tuple[str, str]] = (),
    attachments: Sequence[Attachment] = (),
) -> Message:
    """Return a small finished mail."""
    send_id = send_id or new_id(NOW)
    return Message(
        send_id=send_id,
        message_id=f"<{send_id}@example.org>",
        date=NOW,
        from_=from_,
        to=(Address(to),),
        subject=subject,
        html=html,
        text=text,
        cc=cc,
        bcc=bcc,
        reply_to=reply_to,
        headers=headers,
        attachments=attachments,
    )


async def allow_handoff() -> None:
    """Let the mail leave: a `before_handoff` that records nothing."""


async def withdraw() -> None:
    """Withdraw the mail at the last moment."""
    raise Withdrawn


@dataclass(frozen=True, slots=True)
class ArrivedMail:
    """What a mail means at its destination.

    Args:
        recipients: the bare addresses that it was delivered to.
        from_: the sender.
        cc: the recipients of a copy whom the mail names.
        reply_to: where answers go.
        subject: as people read it.
        html: the HTML part, normalized.
        text: the plain part, likewise.
        headers: the further headers by name in lower case.
        attachments: the files.
    """

    recipients: frozenset[str]
    from_: Address
    cc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    subject: str
    html: str
    text: str
    headers: frozenset[tuple[str, str]]
    attachments: tuple[Attachment, ...]


def to_arrived_mail(message: Message) -> ArrivedMail:
    """Return what a message must mean at its destination."""
    return ArrivedMail(
        recipients=frozenset(message.recipients),
        from_=message.from_,
        cc=tuple(message.cc),
        reply_to=tuple(message.reply_to),
        subject=message.subject,
        html=normalize(message.html),
        text=normalize(message.text),
        headers=frozenset((name.lower(), value) for name, value in message.headers),
        attachments=tuple(message.attachments),
    )


def normalize(body: str) -> str:
    """Return a body with LF line ends and without the last one, which MIME does not keep."""
    return body.replace("\r\n", "\n").removesuffix("\n")


def read_mime(content: bytes, recipients: Sequence[str]) -> ArrivedMail:
    """Return what a mail in MIME means, as a mail client reads it."""
    mail = message_from_bytes(content, policy=policy.default)
    html, text = mail.get_body(("html",)), mail.get_body(("plain",))
    assert isinstance(mail, EmailMessage) and html is not None and text is not None
    return ArrivedMail(
        recipients=frozenset(recipients),
        from_=_addresses(mail, "From")[0],
        cc=_addresses(mail, "Cc"),
        reply_to=_addresses(mail, "Reply-To"),
        subject=mail["Subject"],
        html=normalize(html.get_content()),
        text=normalize(text.get_content()),
        headers=frozenset(
            (name.lower(), str(value))
            for name, value in mail.items()
            if name.lower() not in _OWN_HEADERS
        ),
        attachments=tuple(
            Attachment(part.get_filename() or "", part.get_content_type(), part.get_content())
            for part in mail.iter_attachments()
        ),
    )


def _addresses(mail: EmailMessage, name: str) -> tuple[Address, ...]:
    header = mail[name]
    return tuple(Address(a.addr_spec, a.display_name) for a in header.addresses) if header else ()


class Destination:
    """Where a provider's mails arrive."""

    async def mails(self) -> list[ArrivedMail]:
        """Return the mails that have arrived, the oldest first."""
        raise NotImplementedError


class ProviderContract:
    """The promises of the port; a subclass has the fixtures `provider` and `destination`."""

    def test_the_provider_implements_the_port(self, provider: Provider) -> None:
        assert isinstance(provider, Provider)
        assert provider.name == provider.name.lower()

    @pytest.mark.parametrize(
        "message",
        [
            make_message(),
            make_message(
                from_=Address("hello@example.org", 'Acme, Inc. "A"'),
                subject="Grüße, “quoted”",
                html="<p>Grüße aus Zürich 👩‍👩‍👧‍👦</p>\n",
                text="Grüße aus Zürich\n",
            ),
            make_message(
                cc=(Address("bo@example.com", "Bo"),),
                reply_to=(Address("help@example.org", "Help"),),
                headers=(
                    ("List-Unsubscribe", "<https://example.org/u/x>"),
                    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
                ),
            ),
            make_message(
                attachments=(
                    Attachment("invoice.pdf", "application/pdf", bytes(range(256)) * 9),
                    Attachment("Übersicht.bin", "application/octet-stream", b""),
                )
            ),
        ],
        ids=["small", "international", "copies and headers", "attachments"],
    )
    async def test_a_mail_arrives_with_the_same_meaning(
        self, provider: Provider, destination: Destination, message: Message
    ) -> None:
        accepted = await provider.deliver(message, allow_handoff)

        assert isinstance(accepted, Accepted)
        assert accepted.reply
        assert await destination.mails() == [to_arrived_mail(message)]

    @pytest.mark.parametrize(
        "text",
        [
            ".\nonly a dot above\n",
            "a line\n.\nRCPT TO:<eve@example.com>\n..\n.end\n",
            "\n",
            "x" * 900 + "\n",
            '"}]\\"\\u0000, {"to": ["eve@example.com"]}\n',
            "0123456789abcdef\n" * 60_000,
        ],
        ids=["first line a dot", "lines of dots", "empty", "long line", "JSON", "a megabyte"],
    )
    async def test_content_cannot_end_the_mail_early(
        self, provider: Provider, destination: Destination, text: str
    ) -> None:
        message = make_message(text=text, html=f"<pre>\n{text}</pre>\n")

        await provider.deliver(message, allow_handoff)

        assert await destination.mails() == [to_arrived_mail(message)]

    async def test_nothing_arrives_before_the_handoff_is_recorded(
        self, provider: Provider, destination: Destination
    ) -> None:
        arrived_before: list[int] = []

        async def before_handoff() -> None:
            arrived_before.append(len(await destination.mails()))

        await provider.deliver(make_message(), before_handoff)

        assert arrived_before == [0]

    async def test_a_withdrawn_mail_does_not_leave_and_the_next_one_does(
        self, provider: Provider, destination: Destination
    ) -> None:
        with pytest.raises(Withdrawn):
            await provider.deliver(make_message("gone@example.com"), withdraw)
        await provider.deliver(make_message("here@example.com"), allow_handoff)

        assert await _recipients(destination) == ["here@example.com"]

    async def test_a_mail_whose_handoff_cannot_be_recorded_does_not_leave(
        self, provider: Provider, destination: Destination
    ) -> None:
        async def disk_full() -> None:
            raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            await provider.deliver(make_message(), disk_full)

        assert await destination.mails() == []

    async def test_a_delivery_cancelled_before_the_handoff_leaves_nothing_behind(
        self, provider: Provider, destination: Destination
    ) -> None:
        reached = asyncio.Event()

        async def wait_forever() -> None:
            reached.set()
            await asyncio.Event().wait()

        delivery = asyncio.create_task(
            provider.deliver(make_message("gone@example.com"), wait_forever)
        )
        await reached.wait()
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
        await provider.deliver(make_message("here@example.com"), allow_handoff)

        assert await _recipients(destination) == ["here@example.com"]

    async def test_many_concurrent_mails_arrive_once_each(
        self, provider: Provider, destination: Destination
    ) -> None:
        messages = [make_message(f"user{number}@example.com") for number in range(60)]

        await asyncio.gather(*(provider.deliver(message, allow_handoff) for message in messages))

        arrived = await destination.mails()
        assert set(arrived) == {to_arrived_mail(message) for message in messages}
        assert len(arrived) == 60

    async def test_a_repeated_send_arrives_once_if_the_provider_is_idempotent(
        self, provider: Provider, destination: Destination
    ) -> None:
        message = make_message()

        await provider.deliver(message, allow_handoff)
        await provider.deliver(message, allow_handoff)

        assert len(await destination.mails()) == (2 if provider.idempotency_window is None else 1)

    async def test_an_unknown_webhook_reports_nothing(self, provider: Provider) -> None:
        with suppress(InvalidWebhook):
            assert list(await provider.feedback(WebhookRequest({}, b"{}"))) == []

    async def test_closing_twice_is_harmless(self, provider: Provider) -> None:
        await provider.deliver(make_message(), allow_handoff)

        await provider.close()
        await provider.close()


class TransportContract(ProviderContract):
    """The promises of providers whose mails leave the machine."""

    async def test_a_blind_copy_arrives_and_is_not_named(
        self, provider: Provider, destination: Destination
    ) -> None:
        message = make_message(bcc=(Address("cy@example.com"),))

        await provider.deliver(message, allow_handoff)

        assert await destination.mails() == [to_arrived_mail(message)]


async def _recipients(destination: Destination) -> list[str]:
    return [address for mail in await destination.mails() for address in mail.recipients]
