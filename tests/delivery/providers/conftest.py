"""An SMTP server that can misbehave, and providers that hand mail to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.providers.api_provider import ApiProvider
from hogsend.delivery.providers.smtp import SmtpProvider
from hogsend.delivery.providers.smtp_server import parse_server
from hogsend.delivery.providers.smtp_session import SmtpTimeouts
from tests.sinks.mail_apis import MailApis
from tests.sinks.smtp_sink import SmtpSink

SHORT = SmtpTimeouts(connect=0.4, command=0.4, stale=0.3, accept=0.4, quit=0.4)


@pytest.fixture
async def sink() -> AsyncIterator[SmtpSink]:
    """A server that accepts everything unless its script says otherwise."""
    async with SmtpSink() as server:
        yield server


@pytest.fixture
async def provider(sink: SmtpSink) -> AsyncIterator[SmtpProvider]:
    """A provider with the default timeouts."""
    provider = SmtpProvider(parse_server(sink.url))
    yield provider
    await provider.close()


@pytest.fixture
async def impatient(sink: SmtpSink) -> AsyncIterator[SmtpProvider]:
    """A provider with very short timeouts."""
    provider = SmtpProvider(parse_server(sink.url), timeouts=SHORT)
    yield provider
    await provider.close()


@pytest.fixture
async def api() -> AsyncIterator[MailApis]:
    """The APIs of providers on loopback."""
    async with MailApis() as server:
        yield server


@pytest.fixture
async def make_api_provider(
    api: MailApis, clock: ManualClock
) -> AsyncIterator[Callable[..., ApiProvider]]:
    """Return a function that makes a provider for the stand-in, closed after the test."""
    providers: list[ApiProvider] = []

    def make(build: Callable[..., ApiProvider], mail: str, **arguments: Any) -> ApiProvider:
        separator = "&" if "?" in mail else "?"
        providers.append(build(f"{mail}{separator}url={api.url}", clock, **arguments))
        return providers[-1]

    yield make
    for provider in providers:
        await provider.close()
