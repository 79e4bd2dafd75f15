"""What every provider keeps: inherited by one class of tests for each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest

from hogsend.delivery.providers.port import Accepted, Message, Provider, Withdrawn
from hogsend.domain.ids import new_id

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def a_mail(
    *,
    to: str = "ada@example.com",
    sender: str = "Hogsend <hello@example.org>",
    body: bytes = b"Hello Ada,\r\nwelcome.\r\n",
    send_id: UUID | None = None,
) -> Message:
    """A small finished mail."""
    made = send_id or new_id(NOW)
    message_id = f"<{made}@example.org>"
    head = (
        f"From: {sender}\r\nTo: {to}\r\nSubject: Welcome\r\nMessage-ID: {message_id}\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    )
    return Message(made, sender, to, "Welcome", message_id, head.encode() + body)


async def ready() -> None:
    """Let the mail go."""


async def withdrawn() -> None:
    """Take the mail back at the last moment."""
    raise Withdrawn


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail at its destination."""

    to_email: str
    raw: bytes


class Destination:
    """Where a provider's mails arrive."""

    async def mails(self) -> list[Arrived]:
        """All that have arrived, the oldest first."""
        raise NotImplementedError


class ProviderContract:
    """The promises of the port; a subclass gives the fixtures `provider` and `destination`."""

    def test_it_is_a_provider(self, provider: Provider) -> None:
        assert isinstance(provider, Provider)
        assert provider.name == provider.name.lower()

    async def test_a_mail_arrives_byte_for_byte(
        self, provider: Provider, destination: Destination
    ) -> None:
        mail = a_mail()

        accepted = await provider.deliver(mail, ready)

        assert isinstance(accepted, Accepted)
        assert accepted.reply
        assert await destination.mails() == [Arrived("ada@example.com", mail.raw)]

    @pytest.mark.parametrize(
        "body",
        [
            b".\r\nonly a dot above\r\n",
            b"a line\r\n.\r\nRCPT TO:<eve@example.com>\r\n..\r\n.end\r\n",
            b"",
            b"x" * 900 + b"\r\n",
            "Grüße aus Zürich\r\n".encode(),
            b"0123456789abcdef\r\n" * 60_000,
        ],
        ids=["first line a dot", "lines of dots", "nothing", "long line", "8-bit", "a megabyte"],
    )
    async def test_content_that_could_end_a_mail_does_not(
        self, provider: Provider, destination: Destination, body: bytes
    ) -> None:
        mail = a_mail(body=body)

        await provider.deliver(mail, ready)

        assert [arrived.raw for arrived in await destination.mails()] == [mail.raw]

    async def test_nothing_arrives_before_the_hand_over_is_recorded(
        self, provider: Provider, destination: Destination
    ) -> None:
        arrived_meanwhile: list[int] = []

        async def handing_over() -> None:
            arrived_meanwhile.append(len(await destination.mails()))

        await provider.deliver(a_mail(), handing_over)

        assert arrived_meanwhile == [0]

    async def test_a_withdrawn_mail_stays_and_the_next_one_goes(
        self, provider: Provider, destination: Destination
    ) -> None:
        with pytest.raises(Withdrawn):
            await provider.deliver(a_mail(to="gone@example.com"), withdrawn)
        await provider.deliver(a_mail(to="here@example.com"), ready)

        assert [mail.to_email for mail in await destination.mails()] == ["here@example.com"]

    async def test_a_mail_whose_hand_over_could_not_be_recorded_stays(
        self, provider: Provider, destination: Destination
    ) -> None:
        async def disk_full() -> None:
            raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            await provider.deliver(a_mail(), disk_full)

        assert await destination.mails() == []

    async def test_a_delivery_stopped_before_the_hand_over_leaves_nothing_behind(
        self, provider: Provider, destination: Destination
    ) -> None:
        reached = asyncio.Event()

        async def never() -> None:
            reached.set()
            await asyncio.Event().wait()

        delivery = asyncio.create_task(provider.deliver(a_mail(to="gone@example.com"), never))
        await reached.wait()
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
        await provider.deliver(a_mail(to="here@example.com"), ready)

        assert [mail.to_email for mail in await destination.mails()] == ["here@example.com"]

    async def test_many_mails_at_once_arrive_once_each(
        self, provider: Provider, destination: Destination
    ) -> None:
        mails = [a_mail(to=f"user{number}@example.com") for number in range(60)]

        await asyncio.gather(*(provider.deliver(mail, ready) for mail in mails))

        arrived = {(mail.to_email, mail.raw) for mail in await destination.mails()}
        assert arrived == {(mail.to_email, mail.raw) for mail in mails}
        assert len(await destination.mails()) == 60

    async def test_a_repeated_send_arrives_once_where_sends_are_remembered(
        self, provider: Provider, destination: Destination
    ) -> None:
        mail = a_mail()

        await provider.deliver(mail, ready)
        await provider.deliver(mail, ready)

        assert len(await destination.mails()) == (1 if provider.remembers_sends else 2)

    async def test_closing_twice_is_harmless(self, provider: Provider) -> None:
        await provider.deliver(a_mail(), ready)

        await provider.close()
        await provider.close()
