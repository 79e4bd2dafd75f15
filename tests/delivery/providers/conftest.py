"""An SMTP server that can misbehave, and providers that hand mail to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hogsend.delivery.providers.smtp import SmtpProvider
from hogsend.delivery.providers.smtp_server import parse_server
from hogsend.delivery.providers.smtp_session import SmtpTimeouts
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
