"""An SMTP server that can be told to misbehave, and providers that hand mail to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hogsend.delivery.providers.smtp import SmtpProvider
from hogsend.delivery.providers.smtp_server import parse_server
from hogsend.delivery.providers.smtp_session import SmtpTimeouts
from tests.sinks.smtp_sink import SmtpSink

HASTE = SmtpTimeouts(connect=0.4, command=0.4, stale=0.3, accept=0.4, farewell=0.4)


@pytest.fixture
async def sink() -> AsyncIterator[SmtpSink]:
    """A server that takes everything until its script says otherwise."""
    async with SmtpSink() as server:
        yield server


@pytest.fixture
async def provider(sink: SmtpSink) -> AsyncIterator[SmtpProvider]:
    """A provider with the patience that ships."""
    made = SmtpProvider(parse_server(sink.url))
    yield made
    await made.close()


@pytest.fixture
async def hasty(sink: SmtpSink) -> AsyncIterator[SmtpProvider]:
    """A provider that waits for answers a moment only."""
    made = SmtpProvider(parse_server(sink.url), patience=HASTE)
    yield made
    await made.close()
