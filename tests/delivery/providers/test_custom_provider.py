"""The provider of docs/sending-mail.md keeps the promises of the port with a JSON API."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hogsend.clock import ManualClock
from hogsend.config.settings import load_settings
from hogsend.delivery.providers.port import (
    Feedback,
    InDoubt,
    InvalidWebhook,
    Provider,
    ProviderStopped,
    Rejected,
    TryLater,
    WebhookRequest,
)
from hogsend.delivery.providers.select import select_providers
from hogsend.store.change_feed import ChangeFeed
from hogsend.store.db import Database
from tests.delivery.providers.contract import (
    ArrivedMail,
    Destination,
    TransportContract,
    allow_handoff,
    make_message,
)
from tests.delivery.providers.courier_api import KEY, CourierApi

DOC = Path(__file__).parents[3] / "docs" / "sending-mail.md"
SETTINGS = {
    "HOGSEND_MAIL": "courier:Courier",
    "HOGSEND_FROM": "Example <hello@example.com>",
    "HOGSEND_BASE_URL": "https://app.example.com",
}


class CourierDestination(Destination):
    def __init__(self, api: CourierApi) -> None:
        self._api = api

    async def mails(self) -> list[ArrivedMail]:
        return self._api.mails


@pytest.fixture
async def api() -> AsyncIterator[CourierApi]:
    async with CourierApi() as server:
        yield server


@pytest.fixture
def destination(api: CourierApi) -> Destination:
    return CourierDestination(api)


@pytest.fixture
async def provider(
    api: CourierApi, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Provider]:
    """The provider of the documentation, made as HOGSEND_MAIL makes it."""
    example = re.search(r"<!-- example: courier.py -->\n```python\n(.*?)```", DOC.read_text(), re.S)
    assert example is not None
    (tmp_path / "journeys").mkdir()
    (tmp_path / "journeys" / "courier.py").write_text(example[1])
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("COURIER_URL", api.url)
    monkeypatch.setenv("COURIER_KEY", KEY)
    monkeypatch.setenv("COURIER_WEBHOOK_SECRET", KEY)
    settings = load_settings(SETTINGS, tmp_path)
    [provider] = select_providers(
        settings, Database(settings.database_url), clock, ChangeFeed()
    ).values()
    yield provider
    await provider.close()
    sys.modules.pop("courier")


class TestCourier(TransportContract):
    pass


async def test_the_mails_id_at_the_provider_is_returned(provider: Provider) -> None:
    accepted = await provider.deliver(make_message(), allow_handoff)

    assert accepted.provider_id == "mail-1"


async def test_a_rate_limit_names_the_time_of_the_next_attempt(
    api: CourierApi, provider: Provider
) -> None:
    api.failures.append((429, "Retry-After: 7\r\n", "slow down"))
    before = datetime.now(UTC)

    with pytest.raises(TryLater) as refused:
        await provider.deliver(make_message(), allow_handoff)

    retry_at = refused.value.retry_at
    assert retry_at is not None
    assert before + timedelta(seconds=7) <= retry_at <= datetime.now(UTC) + timedelta(seconds=7)


async def test_a_wrong_key_stops_the_provider(api: CourierApi, provider: Provider) -> None:
    api.failures.append((401, "", "wrong key"))

    with pytest.raises(ProviderStopped, match="401 wrong key"):
        await provider.deliver(make_message(), allow_handoff)


@pytest.mark.parametrize("failure", [(0, "", ""), (503, "", "overloaded")])
async def test_a_mail_without_an_answer_is_in_doubt_and_repeated_without_harm(
    api: CourierApi, provider: Provider, failure: tuple[int, str, str]
) -> None:
    api.failures.append(failure)
    message = make_message()

    with pytest.raises(InDoubt):
        await provider.deliver(message, allow_handoff)
    await provider.deliver(message, allow_handoff)
    await provider.deliver(message, allow_handoff)

    assert len(api.mails) == 1


async def test_an_unreachable_api_is_tried_later(api: CourierApi, provider: Provider) -> None:
    await api.stop()

    with pytest.raises(TryLater):
        await provider.deliver(make_message(), allow_handoff)


@pytest.mark.parametrize(
    ("body", "kind"), [("unknown recipient", "hard_bounce"), ("too large", "content")]
)
async def test_a_permanent_refusal_rejects_the_mail(
    api: CourierApi, provider: Provider, body: str, kind: str
) -> None:
    api.failures.append((422, "", body))

    with pytest.raises(Rejected) as refused:
        await provider.deliver(make_message(), allow_handoff)

    assert refused.value.kind == kind


async def test_a_signed_webhook_becomes_feedback(provider: Provider) -> None:
    send_id = make_message().send_id
    body = json.dumps(
        {
            "event": "e1",
            "type": "bounce",
            "at": "2026-03-02T09:00:00+00:00",
            "to": "ada@example.com",
            "key": str(send_id),
            "id": "mail-1",
            "detail": "550 no such user",
        }
    ).encode()
    signature = hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()

    feedback = await provider.feedback(WebhookRequest({"x-signature": signature}, body))

    assert feedback == [
        Feedback(
            kind="hard_bounce",
            at=datetime(2026, 3, 2, 9, tzinfo=UTC),
            email="ada@example.com",
            send_id=send_id,
            provider_id="mail-1",
            event_id="e1",
            reply="550 no such user",
        )
    ]


async def test_a_webhook_with_a_wrong_signature_is_refused(provider: Provider) -> None:
    with pytest.raises(InvalidWebhook):
        await provider.feedback(WebhookRequest({"x-signature": "0" * 64}, b"{}"))
