"""SendGrid, against its documentation."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hogsend.clock import ManualClock
from hogsend.delivery.providers.port import Feedback, InvalidWebhook, TryLater, WebhookRequest
from hogsend.delivery.providers.sendgrid import Sendgrid
from tests.delivery.providers.api_contract import (
    ApiContract,
    Make,
    build_fault,
    expect_error,
    expect_feedback,
    name_case,
)
from tests.delivery.providers.contract import NOW, allow_handoff, make_message
from tests.sinks.mail_apis import KEY, SEND_TAG, Fault, MailApis

SEND_ID = make_message().send_id
SIGNING_KEY, OTHER_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
PUBLIC_KEY = base64.b64encode(
    SIGNING_KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
).decode()


def sign(
    body: bytes, at: datetime = NOW, key: ec.EllipticCurvePrivateKey = SIGNING_KEY
) -> dict[str, str]:
    """Return the headers of a signed event webhook."""
    timestamp = str(int(at.timestamp()))
    signature = key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "x-twilio-email-event-webhook-timestamp": timestamp,
        "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
    }


def build_event(event: str, **fields: Any) -> dict[str, Any]:
    return {
        "event": event,
        "email": "ada@example.com",
        "timestamp": 1772442000,
        "sg_event_id": f"{event}-1",
        "sg_message_id": "mail-1.recvd-5f54b5d587-1-67BADEEA-6.0",
        SEND_TAG: str(SEND_ID),
        **fields,
    }


def build_errors(status: int, message: str, field: str | None = None) -> Fault:
    return build_fault(status, errors=[{"message": message, "field": field, "help": None}])


class TestSendgrid(ApiContract):
    build = Sendgrid
    mail = f"sendgrid://{KEY}?webhook_key={PUBLIC_KEY}"

    @pytest.mark.parametrize(
        ("fault", "expected"),
        [
            (build_errors(400, "Bad Request"), "Rejected content"),
            (build_errors(400, "not valid", "from.email"), "Rejected content"),
            (
                build_errors(400, "not a valid address", "personalizations.0.to.0.email"),
                "Rejected hard_bounce",
            ),
            (
                build_errors(400, "not a valid address", "personalizations.0.cc.0.email"),
                "Rejected content",
            ),
            (build_fault(400, errors="text"), "Rejected content"),
            (build_errors(401, "invalid, expired, or revoked"), "ProviderStopped"),
            (build_errors(401, "Maximum credits exceeded"), "ProviderStopped"),
            (
                build_errors(
                    403, "The from address does not match a verified Sender Identity.", "from"
                ),
                "Rejected policy",
            ),
            (build_errors(403, "access forbidden"), "ProviderStopped"),
            (build_errors(404, "not found"), "ProviderStopped"),
            (build_errors(406, "Accept"), "Rejected content"),
            (build_errors(413, "too large"), "Rejected content"),
            (build_errors(429, "too many requests"), "TryLater"),
            (build_errors(500, "internal"), "InDoubt"),
            (build_errors(503, "not available"), "TryLater"),
            (Fault(503, "<html>"), "InDoubt"),
            (Fault(200, "{}"), "InDoubt"),
        ],
        ids=name_case,
    )
    async def test_each_error_of_the_documentation_has_its_meaning(
        self, api: MailApis, provider: Sendgrid, fault: Fault, expected: str
    ) -> None:
        await expect_error(api, provider, fault, expected)

    async def test_the_reset_of_the_rate_is_the_time_of_the_next_attempt(
        self, api: MailApis, provider: Sendgrid, clock: ManualClock
    ) -> None:
        reset = str(int(clock.now().timestamp()) + 9)
        fault = Fault(429, "{}", {"X-RateLimit-Reset": reset})

        error = await expect_error(api, provider, fault, "TryLater")

        assert isinstance(error, TryLater)
        assert error.retry_at == clock.now() + timedelta(seconds=9)

    async def test_a_mail_keeps_its_id_and_its_links(
        self, api: MailApis, provider: Sendgrid
    ) -> None:
        message = make_message()

        await provider.deliver(message, allow_handoff)

        mail = api.calls[0].json
        assert mail["headers"]["Message-ID"] == message.message_id
        assert not any(setting["enable"] for setting in mail["tracking_settings"].values())

    @pytest.mark.parametrize(
        ("event", "kind"),
        [
            (build_event("delivered"), "delivered"),
            (build_event("deferred"), "delayed"),
            (build_event("spamreport"), "complaint"),
            (build_event("bounce", type="bounce"), "hard_bounce"),
            (
                build_event("bounce", type="bounce", bounce_classification="Invalid Address"),
                "hard_bounce",
            ),
            (
                build_event("bounce", type="bounce", bounce_classification="Reputation"),
                "rejected",
            ),
            (build_event("bounce", type="bounce", bounce_classification="Content"), "rejected"),
            (build_event("bounce", type="blocked"), "rejected"),
            (
                build_event("bounce", type="blocked", bounce_classification="Mailbox Unavailable"),
                "soft_bounce",
            ),
            (build_event("dropped", reason="Bounced Address"), "hard_bounce"),
            (build_event("dropped", reason="Spam Reporting Address"), "hard_bounce"),
            (build_event("dropped", reason="Invalid"), "hard_bounce"),
            (build_event("dropped", reason="Unsubscribed Address"), "rejected"),
            (build_event("dropped", reason="Spam Content"), "rejected"),
            (build_event("processed"), None),
            (build_event("open"), None),
            (build_event("click"), None),
            (build_event("unsubscribe"), None),
            (build_event("group_unsubscribe"), None),
        ],
        ids=name_case,
    )
    async def test_each_event_has_its_meaning(
        self, provider: Sendgrid, event: dict[str, Any], kind: str | None
    ) -> None:
        body = json.dumps([event]).encode()

        await expect_feedback(provider, sign(body), body, [kind] if kind else [])

    async def test_a_webhook_has_several_events(self, provider: Sendgrid) -> None:
        bounce = build_event(
            "bounce", type="bounce", status="5.1.1", reason="550 5.1.1 no such user"
        )
        body = json.dumps([build_event("delivered"), build_event("open"), bounce]).encode()

        reports = await expect_feedback(provider, sign(body), body, ["delivered", "hard_bounce"])

        assert reports[1] == Feedback(
            kind="hard_bounce",
            at=NOW,
            email="ada@example.com",
            send_id=SEND_ID,
            provider_id="mail-1",
            event_id="bounce-1",
            reply="550 5.1.1 no such user",
            code="5.1.1",
        )

    @pytest.mark.parametrize(
        "change",
        [
            {"key": OTHER_KEY},
            {"at": NOW - timedelta(hours=26)},
            {"at": NOW + timedelta(minutes=6)},
            {"body": b"[]"},
            {"headers": {}},
            {"headers": {"x-twilio-email-event-webhook-signature": "!"}},
        ],
        ids=["other key", "old", "future", "other body", "none", "no base64"],
    )
    async def test_a_webhook_that_sendgrid_did_not_sign_now_is_refused(
        self, provider: Sendgrid, change: dict[str, Any]
    ) -> None:
        body = json.dumps([build_event("delivered")]).encode()
        headers = sign(body, change.get("at", NOW), change.get("key", SIGNING_KEY))
        if "headers" in change:
            headers = change["headers"] and headers | change["headers"]

        with pytest.raises(InvalidWebhook):
            await provider.feedback(WebhookRequest(headers, change.get("body", body)))

    async def test_a_webhook_is_refused_without_a_key_in_the_settings(
        self, make_api_provider: Make
    ) -> None:
        provider = make_api_provider(Sendgrid, f"sendgrid://{KEY}")

        with pytest.raises(InvalidWebhook, match="webhook_key"):
            await provider.feedback(WebhookRequest(sign(b"[]"), b"[]"))
