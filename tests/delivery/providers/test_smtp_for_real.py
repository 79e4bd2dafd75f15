"""The promises of a provider with aiosmtpd as the server, and with encryption."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from hogsend.delivery.providers.port import ProviderStopped
from hogsend.delivery.providers.smtp import SmtpProvider
from hogsend.delivery.providers.smtp_server import parse_server
from tests.delivery.providers.contract import (
    ArrivedMail,
    Destination,
    TransportContract,
    allow_handoff,
    make_message,
    read_mime,
)

# For localhost, valid until 2126, self-signed.
CERTIFICATE = Path(__file__).parents[2] / "sinks" / "localhost.pem"


class Mailbox(Destination):
    """An aiosmtpd handler that keeps the mails it receives."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.encrypted: list[bool] = []
        self.greetings: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        self.greetings.append(session.host_name)
        return "250 OK"

    async def mails(self) -> list[ArrivedMail]:
        return [read_mime(_content(envelope), envelope.rcpt_tos) for envelope in self.envelopes]


def _content(envelope: Envelope) -> bytes:
    assert isinstance(envelope.original_content, bytes)
    return envelope.original_content


def _authenticate(
    server: SMTP, session: Any, envelope: Envelope, kind: str, login: Any
) -> AuthResult:
    assert isinstance(login, LoginPassword)
    is_right = (login.login, login.password) == (b"hog", "geheim-ä".encode())
    return AuthResult(success=is_right, handled=False)


@pytest.fixture(scope="module")
def server_context() -> Iterator[ssl.SSLContext]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    yield context


@asynccontextmanager
async def run_server(
    mailbox: Mailbox, *, tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[int]:
    """Run a server and yield its port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(
            mailbox, enable_SMTPUTF8=True, data_size_limit=2**22, loop=loop, ident="real", **options
        ),
        "127.0.0.1",
        0,
        ssl=tls,
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.fixture
def destination() -> Mailbox:
    return Mailbox()


@pytest.fixture
async def provider(destination: Mailbox) -> AsyncIterator[SmtpProvider]:
    async with run_server(destination) as port:
        provider = SmtpProvider(parse_server(f"smtp://127.0.0.1:{port}"))
        yield provider
        await provider.close()


class TestSmtpWithAiosmtpd(TransportContract):
    pass


async def deliver_to(url: str) -> None:
    provider = SmtpProvider(parse_server(url), greeting="app.example.com")
    try:
        await provider.deliver(make_message(), allow_handoff)
    finally:
        await provider.close()


async def test_the_connection_is_encrypted_when_the_server_offers_it(
    destination: Mailbox, server_context: ssl.SSLContext
) -> None:
    async with run_server(destination, tls_context=server_context) as port:
        await deliver_to(f"smtp://localhost:{port}")
        await deliver_to(f"smtp://localhost:{port}?starttls=never")

    assert destination.encrypted == [True, False]
    assert destination.greetings == ["app.example.com", "app.example.com"]


async def test_a_password_is_sent_over_an_encrypted_connection(
    destination: Mailbox, server_context: ssl.SSLContext
) -> None:
    async with run_server(
        destination,
        tls_context=server_context,
        require_starttls=True,
        auth_required=True,
        authenticator=_authenticate,
    ) as port:
        await deliver_to(f"smtp://hog:geheim-%C3%A4@localhost:{port}?starttls=require")
        with pytest.raises(ProviderStopped, match="535"):
            await deliver_to(f"smtp://hog:other@localhost:{port}?starttls=require")

    assert len(destination.envelopes) == 1


async def test_a_connection_can_be_encrypted_from_its_first_byte(
    destination: Mailbox, server_context: ssl.SSLContext
) -> None:
    async with run_server(destination, tls=server_context) as port:
        await deliver_to(f"smtps://localhost:{port}")

    assert destination.encrypted == [True]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_an_untrusted_certificate_stops_the_provider(
    destination: Mailbox, server_context: ssl.SSLContext, scheme: str
) -> None:
    options: dict[str, Any] = (
        {"tls": server_context} if scheme == "smtps" else {"tls_context": server_context}
    )
    async with run_server(destination, **options) as port:
        with pytest.raises(ProviderStopped, match=r"certificate.*verify=0"):
            await deliver_to(f"{scheme}://localhost:{port}?verify=1")

    assert destination.envelopes == []


async def test_an_international_address_arrives(destination: Mailbox) -> None:
    async with run_server(destination) as port:
        provider = SmtpProvider(parse_server(f"smtp://127.0.0.1:{port}"))
        await provider.deliver(make_message("jürgen@bücher.example"), allow_handoff)
        await provider.close()

    assert destination.envelopes[0].rcpt_tos == ["jürgen@xn--bcher-kva.example"]
    assert destination.envelopes[0].mail_options[-1] == "SMTPUTF8"
