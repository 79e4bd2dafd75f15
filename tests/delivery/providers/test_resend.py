"""Resend, against its documentation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from hogsend.clock import ManualClock
from hogsend.delivery.providers.api_provider import ApiProvider
from hogsend.delivery.providers.port import (
    Address,
    Feedback,
    InDoubt,
    InvalidWebhook,
    WebhookRequest,
)
from hogsend.delivery.providers.resend import Resend
from tests.delivery.providers.api_contract import (
    ApiContract,
    Make,
    build_fault,
    expect_error,
)
from tests.delivery.providers.contract import allow_handoff, make_message
from tests.sinks.mail_apis import KEY, SEND_TAG, Fault, MailApis

SECRET = base64.b64encode(b"s" * 31 + b"\xfb").decode()
MAIL = f"resend://{KEY}?webhook_secret=whsec_{SECRET}"
SEND_ID = make_message().send_id


class TestResend(ApiContract):
    build = Resend
    mail = MAIL


@pytest.fixture
def make(make_api_provider: Callable[..., ApiProvider]) -> Make:
    return partial(make_api_provider, Resend)


@pytest.fixture
def resend(make: Make) -> ApiProvider:
    return make(MAIL)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (
            build_fault(400, name="invalid_idempotency_key", message="1-256 chars"),
            "Rejected content",
        ),
        (build_fault(400, name="validation_error", message="An error"), "Rejected content"),
        (
            build_fault(400, name="validation_error", message="API key is invalid"),
            "ProviderStopped",
        ),
        (build_fault(401, name="missing_api_key", message="Missing API Key"), "ProviderStopped"),
        (build_fault(401, name="restricted_api_key", message="restricted"), "ProviderStopped"),
        (build_fault(403, name="invalid_api_key", message="API key"), "ProviderStopped"),
        (
            build_fault(
                403,
                name="validation_error",
                message="You can only send testing emails to your own email address (a@b.c).",
            ),
            "ProviderStopped",
        ),
        (
            build_fault(
                403, name="validation_error", message="The example.org domain is not verified."
            ),
            "Rejected policy",
        ),
        (build_fault(404, name="not_found", message="no such endpoint"), "ProviderStopped"),
        (build_fault(405, name="method_not_allowed", message="no"), "ProviderStopped"),
        (build_fault(409, name="concurrent_idempotent_requests", message="later"), "InDoubt"),
        (build_fault(413, name="too_large", message="40 MB"), "Rejected content"),
        (build_fault(422, name="invalid_attachment", message="no content"), "Rejected content"),
        (
            build_fault(422, name="validation_error", message="Invalid `cc` field."),
            "Rejected content",
        ),
        (
            build_fault(422, name="validation_error", message="Invalid `to` field."),
            "Rejected hard_bounce",
        ),
        (build_fault(429, name="rate_limit_exceeded", message="2 per second"), "TryLater"),
        (build_fault(429, name="daily_quota_exceeded", message="quota"), "TryLater"),
        (build_fault(429, name="monthly_quota_exceeded", message="quota"), "TryLater"),
        (build_fault(451, name="security_error", message="security"), "Rejected policy"),
        (build_fault(500, name="application_error", message="unexpected"), "InDoubt"),
        (build_fault(503, name="service_unavailable", message="down"), "InDoubt"),
        (Fault(418), "Rejected content"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.status}{value.body[:24]}",
)
async def test_each_error_of_the_documentation_has_its_meaning(
    api: MailApis, resend: ApiProvider, fault: Fault, expected: str
) -> None:
    await expect_error(api, resend, fault, expected)


async def test_a_spent_quota_is_tried_again_in_an_hour(
    api: MailApis, resend: ApiProvider, clock: ManualClock
) -> None:
    fault = build_fault(429, name="daily_quota_exceeded", message="quota")

    error = await expect_error(api, resend, fault, "TryLater")

    assert error.retry_at == clock.now() + timedelta(hours=1)  # type: ignore[attr-defined]


async def test_a_known_key_with_other_content_means_that_the_first_was_taken(
    api: MailApis, resend: ApiProvider
) -> None:
    api.faults.append(Fault(action="take and drop"))
    with pytest.raises(InDoubt):
        await resend.deliver(make_message(send_id=SEND_ID), allow_handoff)

    accepted = await resend.deliver(
        make_message(send_id=SEND_ID, text="Hello again\n"), allow_handoff
    )

    assert accepted.provider_id is None
    assert "taken before" in accepted.reply
    assert len(api.mails) == 1


def sign(
    body: bytes, at: datetime, secret: str = SECRET, message_id: str = "msg_1"
) -> dict[str, str]:
    """Return the headers that Svix adds to a webhook."""
    timestamp = str(int(at.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.digest(base64.b64decode(secret), signed, hashlib.sha256)
    signature = base64.b64encode(digest).decode()
    return {
        "svix-id": message_id,
        "svix-timestamp": timestamp,
        "svix-signature": f"v1,{base64.b64encode(b'x' * 32).decode()} v1,{signature}",
    }


def build_event(event: str, **data: Any) -> bytes:
    """Return the body of a webhook."""
    return json.dumps(
        {
            "type": event,
            "created_at": "2026-03-02T08:59:58.126Z",
            "data": {
                "created_at": "2026-03-02T08:00:00.000Z",
                "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
                "from": "Acme <hello@example.org>",
                "to": ["ada@example.com"],
                "subject": "Welcome",
                "tags": {SEND_TAG: str(SEND_ID)},
                **data,
            },
        }
    ).encode()


@pytest.mark.parametrize(
    ("event", "data", "kind"),
    [
        ("email.delivered", {}, "delivered"),
        ("email.delivery_delayed", {}, "delayed"),
        ("email.complained", {}, "complaint"),
        ("email.suppressed", {"suppressed": {"message": "on the list"}}, "hard_bounce"),
        ("email.bounced", {"bounce": {"type": "Permanent", "subType": "General"}}, "hard_bounce"),
        (
            "email.bounced",
            {"bounce": {"type": "Permanent", "subType": "Suppressed"}},
            "hard_bounce",
        ),
        (
            "email.bounced",
            {"bounce": {"type": "Transient", "subType": "MailboxFull"}},
            "soft_bounce",
        ),
        (
            "email.bounced",
            {"bounce": {"type": "Transient", "subType": "ContentRejected"}},
            "rejected",
        ),
        (
            "email.bounced",
            {"bounce": {"type": "Transient", "subType": "MessageTooLarge"}},
            "rejected",
        ),
        ("email.bounced", {"bounce": {"type": "Undetermined"}}, "soft_bounce"),
        ("email.bounced", {"bounce": {"type": "complaint"}}, "complaint"),
        ("email.bounced", {}, "soft_bounce"),
        (
            "email.bounced",
            {"bounce": {"type": "Permanent"}, "tags": {"hogsend_copies": "1"}},
            "soft_bounce",
        ),
        ("email.sent", {}, None),
        ("email.opened", {}, None),
        ("email.clicked", {"click": {"link": "https://example.org"}}, None),
        ("email.failed", {"failed": {"reason": "reached_daily_quota"}}, "rejected"),
        ("contact.created", {}, None),
    ],
)
async def test_each_event_has_its_meaning(
    resend: ApiProvider, clock: ManualClock, event: str, data: dict[str, Any], kind: str | None
) -> None:
    body = build_event(event, **data)

    reports = await resend.feedback(WebhookRequest(sign(body, clock.now()), body))

    assert [report.kind for report in reports] == ([kind] if kind else [])


async def test_a_bounce_names_the_send_and_the_reply_of_the_server(
    resend: ApiProvider, clock: ManualClock
) -> None:
    body = build_event(
        "email.bounced",
        bounce={"type": "Permanent", "subType": "General", "message": "550 5.1.1 no such user"},
    )

    reports = await resend.feedback(WebhookRequest(sign(body, clock.now()), body))

    assert reports == [
        Feedback(
            kind="hard_bounce",
            at=datetime(2026, 3, 2, 8, 59, 58, 126_000, tzinfo=UTC),
            email="ada@example.com",
            send_id=SEND_ID,
            provider_id="56761188-7520-42d8-8898-ff6fc54ce618",
            event_id="msg_1",
            reply="550 5.1.1 no such user",
            code="5.1.1",
        )
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"svix-signature": "v1," + base64.b64encode(b"x" * 32).decode()},
        {"svix-signature": ""},
        {"svix-id": "msg_2"},
        {"svix-timestamp": "soon"},
        {"svix-timestamp": "1e400"},
        {"age": timedelta(minutes=6)},
        {"age": timedelta(minutes=-6)},
        {"secret": base64.b64encode(b"other").decode()},
        {"body": b"{}"},
    ],
    ids=str,
)
async def test_a_webhook_that_resend_did_not_sign_now_is_refused(
    resend: ApiProvider, clock: ManualClock, change: dict[str, Any]
) -> None:
    body = build_event("email.delivered")
    at = clock.now() - change.pop("age", timedelta())
    sent = change.pop("body", body)
    headers = sign(body, at, change.pop("secret", SECRET)) | change

    with pytest.raises(InvalidWebhook):
        await resend.feedback(WebhookRequest(headers, sent))


async def test_a_webhook_is_refused_without_a_secret_in_the_settings(
    make: Make, clock: ManualClock
) -> None:
    body = build_event("email.delivered")

    with pytest.raises(InvalidWebhook, match="webhook_secret"):
        await make(f"resend://{KEY}").feedback(WebhookRequest(sign(body, clock.now()), body))


async def test_a_mail_with_copies_is_marked(api: MailApis, resend: ApiProvider) -> None:
    await resend.deliver(make_message(bcc=(Address("cy@example.com"),)), allow_handoff)

    assert {tag["name"] for tag in api.calls[0].json["tags"]} == {SEND_TAG, "hogsend_copies"}
