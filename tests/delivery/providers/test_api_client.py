"""What a request means that gets no proper answer, and when the next attempt may be."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.providers.api_client import ApiTimeouts
from hogsend.delivery.providers.api_provider import ApiProvider
from hogsend.delivery.providers.port import InDoubt, ProviderStopped, TryLater
from hogsend.delivery.providers.resend import Resend
from tests.delivery.providers.api_contract import Make
from tests.delivery.providers.contract import allow_handoff, make_message
from tests.sinks.mail_apis import KEY, Action, Fault, MailApis

SHORT = ApiTimeouts(connect=2, read=0.15, total=0.3)
LOCALHOST = Path(__file__).parents[2] / "sinks" / "localhost.pem"


@pytest.fixture
def provider(make_api_provider: Make) -> ApiProvider:
    return make_api_provider(Resend, f"resend://{KEY}")


@pytest.mark.parametrize("action", ["drop", "hang", "drip", "huge"])
async def test_a_request_without_a_complete_answer_is_in_doubt(
    api: MailApis, make_api_provider: Make, action: Action
) -> None:
    provider = make_api_provider(Resend, f"resend://{KEY}", timeouts=SHORT)
    api.faults.append(Fault(action=action))

    with pytest.raises(InDoubt):
        await asyncio.wait_for(provider.deliver(make_message(), allow_handoff), 5)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("7", 7), ("Mon, 02 Mar 2026 09:01:00 GMT", 60), ("9" * 30, 86_400), ("soon", None)],
)
async def test_a_rate_limit_names_the_time_of_the_next_attempt(
    api: MailApis,
    provider: ApiProvider,
    clock: ManualClock,
    retry_after: str,
    seconds: int | None,
) -> None:
    api.faults.append(Fault(429, "{}", {"Retry-After": retry_after}))

    with pytest.raises(TryLater) as refused:
        await provider.deliver(make_message(), allow_handoff)

    at = None if seconds is None else clock.now() + timedelta(seconds=seconds)
    assert refused.value.retry_at == at


async def test_a_server_with_an_invalid_certificate_gets_nothing(clock: ManualClock) -> None:
    """The certificate in the tests is not one of the system's authorities."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(LOCALHOST)

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    provider = Resend(f"resend://{KEY}?url=https://localhost:{port}", clock)

    with pytest.raises(ProviderStopped, match="certificate"):
        await provider.deliver(make_message(), allow_handoff)

    await provider.close()
    server.close()


async def test_a_delivery_that_is_cut_off_by_the_end_is_in_doubt(
    api: MailApis, provider: ApiProvider
) -> None:
    api.faults.append(Fault(action="hang"))
    delivery = asyncio.create_task(provider.deliver(make_message(), allow_handoff))
    await api.has_arrived.wait()

    await provider.close()

    with pytest.raises(InDoubt):
        await delivery
