"""Brevo, against its documentation."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.providers.brevo import Brevo
from hogsend.delivery.providers.port import (
    Address,
    Attachment,
    Feedback,
    InDoubt,
    InvalidWebhook,
    Message,
    Rejected,
    TryLater,
    WebhookRequest,
)
from tests.delivery.providers.api_contract import (
    PNG,
    ApiContract,
    Make,
    build_fault,
    expect_error,
    expect_feedback,
    name_case,
)
from tests.delivery.providers.contract import NOW, allow_handoff, make_message, to_arrived_mail
from tests.sinks.mail_apis import KEY, SEND_TAG, Fault, MailApis

SEND_ID = make_message().send_id
TOKEN = "s3cret"
BEARER = {"authorization": f"Bearer {TOKEN}"}


def build_event(event: str, **fields: Any) -> dict[str, Any]:
    return {
        "event": event,
        "email": "ada@example.com",
        "id": 7,
        "message-id": "<mail-1>",
        "ts_epoch": 1772442000000,
        "X-Mailin-custom": f"{SEND_TAG}:{SEND_ID}",
        **fields,
    }


class TestBrevo(ApiContract):
    build = Brevo
    mail = f"brevo://{KEY}?webhook_token={TOKEN}"

    @pytest.mark.parametrize(
        "message",
        [
            make_message(),
            make_message(
                from_=Address("hello@example.org", 'Acme, Inc. "A"'),
                subject="Grüße",
                html="<p>Zürich</p>\n",
                text="Zürich\n",
            ),
            make_message(
                cc=(Address("bo@example.com", "Bo"),),
                reply_to=(Address("help@example.org", "Help"),),
                headers=(("List-Unsubscribe", "<https://example.org/u/x>"),),
            ),
            make_message(attachments=(Attachment("invoice.pdf", "application/pdf", b"%PDF"),)),
        ],
        ids=["small", "international", "copies and headers", "attachments"],
    )
    async def test_a_mail_arrives_with_the_same_meaning(
        self,
        provider: Brevo,
        destination: Any,
        message: Message,
    ) -> None:
        await provider.deliver(message, allow_handoff)

        assert await destination.mails() == [to_arrived_mail(message)]

    async def test_an_image_within_the_mail_keeps_its_content_id(
        self, api: MailApis, provider: Brevo
    ) -> None:
        """Brevo has no such images: the mail fails with a sentence, and nothing leaves."""
        message = make_message(attachments=(Attachment("logo.png", "image/png", PNG, "logo"),))

        with pytest.raises(Rejected, match="link to them"):
            await provider.deliver(message, allow_handoff)

        assert not api.calls

    @pytest.mark.parametrize(
        ("fault", "expected"),
        [
            (build_fault(400, code="invalid_parameter", message="bad"), "Rejected content"),
            (
                build_fault(400, code="invalid_parameter", message="email is not valid in to"),
                "Rejected hard_bounce",
            ),
            (
                build_fault(
                    400, code="invalid_parameter", message="Sending has been rejected: the sender"
                ),
                "Rejected policy",
            ),
            (build_fault(400, code="not_enough_credits", message="no"), "ProviderStopped"),
            (build_fault(401, code="unauthorized", message="Key not found"), "ProviderStopped"),
            (build_fault(402, code="not_enough_credits", message="no"), "ProviderStopped"),
            (build_fault(403, code="permission_denied", message="no"), "ProviderStopped"),
            (build_fault(404, code="document_not_found", message="no"), "ProviderStopped"),
            (build_fault(413, code="too_large", message="20 MB"), "Rejected content"),
            (build_fault(429, code="too_many_requests", message="slow"), "TryLater"),
            (build_fault(500, code="internal_error", message="no"), "InDoubt"),
            (build_fault(503, message="no"), "InDoubt"),
        ],
        ids=name_case,
    )
    async def test_each_error_of_the_documentation_has_its_meaning(
        self, api: MailApis, provider: Brevo, fault: Fault, expected: str
    ) -> None:
        await expect_error(api, provider, fault, expected)

    async def test_the_reset_of_the_rate_is_the_time_of_the_next_attempt(
        self, api: MailApis, provider: Brevo, clock: ManualClock
    ) -> None:
        fault = Fault(429, "{}", {"x-sib-ratelimit-reset": "9"})

        error = await expect_error(api, provider, fault, "TryLater")

        assert isinstance(error, TryLater)
        assert error.retry_at == clock.now() + timedelta(seconds=9)

    async def test_a_known_key_means_that_the_first_was_taken(
        self, api: MailApis, provider: Brevo
    ) -> None:
        api.faults.append(Fault(action="take and drop"))
        with pytest.raises(InDoubt):
            await provider.deliver(make_message(send_id=SEND_ID), allow_handoff)

        accepted = await provider.deliver(make_message(send_id=SEND_ID), allow_handoff)

        assert "taken before" in accepted.reply
        assert len(api.mails) == 1

    async def test_several_addresses_for_replies_are_refused(
        self, api: MailApis, provider: Brevo
    ) -> None:
        message = make_message(reply_to=(Address("a@example.org"), Address("b@example.org")))

        with pytest.raises(Rejected, match="one address for replies"):
            await provider.deliver(message, allow_handoff)

        assert not api.calls

    @pytest.mark.parametrize(
        ("event", "kind"),
        [
            ("delivered", "delivered"),
            ("deferred", "delayed"),
            ("soft_bounce", "soft_bounce"),
            ("hard_bounce", "hard_bounce"),
            ("invalid_email", "hard_bounce"),
            ("blocked", "rejected"),
            ("error", "rejected"),
            ("spam", "complaint"),
            ("request", None),
            ("unique_opened", None),
            ("click", None),
            ("unsubscribed", None),
        ],
    )
    async def test_each_event_has_its_meaning(
        self, provider: Brevo, event: str, kind: str | None
    ) -> None:
        body = json.dumps(build_event(event)).encode()

        await expect_feedback(provider, BEARER, body, [kind] if kind else [])

    async def test_batched_events_are_read_and_a_repeat_has_the_same_id(
        self, provider: Brevo
    ) -> None:
        bounce = build_event("hard_bounce", reason="550 5.1.1 no such user")
        body = json.dumps([bounce, bounce, build_event("delivered")]).encode()

        first, second, third = await expect_feedback(
            provider, BEARER, body, ["hard_bounce", "hard_bounce", "delivered"]
        )

        assert (
            first
            == second
            == Feedback(
                kind="hard_bounce",
                at=NOW,
                email="ada@example.com",
                send_id=SEND_ID,
                provider_id="mail-1",
                event_id=first.event_id,
                reply="550 5.1.1 no such user",
                code="5.1.1",
            )
        )
        assert first.event_id and first.event_id != third.event_id

    @pytest.mark.parametrize(
        ("headers", "query", "is_right"),
        [
            (BEARER, {}, True),
            ({"authorization": "Basic " + base64.b64encode(b"hog:s3cret").decode()}, {}, True),
            ({}, {"token": TOKEN}, True),
            ({}, {}, False),
            ({}, {"token": "other"}, False),
            ({"authorization": "Bearer other"}, {"token": TOKEN}, False),
            ({"authorization": "Bearer \xe9"}, {}, False),
        ],
    )
    async def test_the_token_is_taken_from_the_header_or_the_url(
        self, provider: Brevo, headers: dict[str, str], query: dict[str, str], is_right: bool
    ) -> None:
        body = json.dumps(build_event("delivered")).encode()
        request = WebhookRequest(headers, body, query)

        if is_right:
            assert len(await provider.feedback(request)) == 1
        else:
            with pytest.raises(InvalidWebhook):
                await provider.feedback(request)

    async def test_a_webhook_is_refused_without_a_token_in_the_settings(
        self, make_api_provider: Make
    ) -> None:
        provider = make_api_provider(Brevo, f"brevo://{KEY}")

        with pytest.raises(InvalidWebhook):
            await provider.feedback(WebhookRequest({}, b"{}", {"token": ""}))
