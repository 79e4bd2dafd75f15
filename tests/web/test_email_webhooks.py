"""Providers report the outcomes of mails at an address of their own, which checks signatures."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.providers.port import (
    Accepted,
    BeforeHandoff,
    Feedback,
    InvalidWebhook,
    Message,
    Provider,
    UncheckedWebhook,
    WebhookRequest,
)
from hogsend.delivery.providers.provider_set import ProviderSet
from tests.site import Site, open_site


class SignedProvider(Provider):
    """A provider whose signature is a header."""

    name = "signed"

    async def deliver(self, message: Message, before_handoff: BeforeHandoff) -> Accepted:
        raise NotImplementedError

    async def feedback(self, request: WebhookRequest) -> Sequence[Feedback]:
        if request.headers.get("x-signature") == "unknown":
            raise UncheckedWebhook("the certificate cannot be fetched")
        if request.headers.get("x-signature") != "good":
            raise InvalidWebhook("the signature is wrong")
        body = json.loads(request.body)
        return [
            Feedback("delivered", datetime.now(UTC), "", send_id=UUID(body["id"]), event_id="e1")
        ]


@pytest.fixture
async def site(tmp_path: Path, clock: ManualClock, sqlite_url: str) -> AsyncIterator[Site]:
    """A server with such a provider."""
    async with open_site(tmp_path, clock, with_worker=False, DATABASE_URL=sqlite_url) as site:
        site.runtime.providers = ProviderSet({"mine": SignedProvider()})
        yield site


async def test_a_signed_report_is_stored_and_a_repeat_answers_the_same(site: Site) -> None:
    for _ in range(2):
        answer = await site.client.post(
            "/v1/webhooks/email/mine",
            json={"id": str(UUID(int=7))},
            headers={"X-Signature": "good"},
        )
        assert (answer.status_code, await answer.get_json()) == (200, {"ok": True})
    assert await site.fetch_value("SELECT COUNT(*) FROM feedback") == 1


async def test_a_wrong_signature_is_refused_and_stores_nothing(site: Site) -> None:
    answer = await site.client.post("/v1/webhooks/email/mine", data=b"\x00 not json")
    assert answer.status_code == 401
    assert (await answer.get_json())["error"] == "Webhook verification failed"
    assert await site.fetch_value("SELECT COUNT(*) FROM feedback") == 0


@pytest.mark.parametrize("path", ["/v1/webhooks/email/other", "/v1/webhooks/resend"])
async def test_a_provider_that_is_not_set_up_is_unknown(site: Site, path: str) -> None:
    answer = await site.client.post(path, json={})
    assert answer.status_code == 404
    assert "Unknown email provider" in (await answer.get_json())["error"]


async def test_a_report_that_cannot_be_checked_now_is_to_be_repeated(site: Site) -> None:
    headers = {"X-Signature": "unknown"}
    answer = await site.client.post("/v1/webhooks/email/mine", json={}, headers=headers)
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
