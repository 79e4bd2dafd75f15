"""Mailgun, against its documentation."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from hogsend.delivery.providers.mailgun import Mailgun
from hogsend.delivery.providers.port import (
    Address,
    Feedback,
    InvalidWebhook,
    Rejected,
    WebhookRequest,
)
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
INVALID_TO = build_fault(400, message="to parameter is not a valid address. please check")


def build_event(
    event: str, *, at: datetime = NOW, key: str = "signing", tag: str = "t0", **fields: Any
) -> bytes:
    """Return the body of a webhook, signed as Mailgun does it."""
    timestamp = str(int(at.timestamp()))
    signature = hmac.new(key.encode(), f"{timestamp}{tag}".encode(), hashlib.sha256).hexdigest()
    data = {
        "event": event,
        "id": "Ase7i2zsRYeDXztHGENqRA",
        "timestamp": 1772442000.25,
        "recipient": "ada@example.com",
        "message": {"headers": {"message-id": "mail-1@mg.example.org"}},
        "user-variables": {SEND_TAG: str(SEND_ID)},
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    signed = {"timestamp": timestamp, "token": tag, "signature": signature}
    return json.dumps({"signature": signed, "event-data": data}).encode()


def build_failure(severity: str, reason: str, code: Any = None, message: str = "") -> bytes:
    status = {"code": code, "message": message}
    return build_event("failed", severity=severity, reason=reason, delivery_status=status)


class TestMailgun(ApiContract):
    build = Mailgun
    mail = f"mailgun://{KEY}@mg.example.org?signing_key=signing"

    @pytest.mark.parametrize(
        ("fault", "expected"),
        [
            (build_fault(400, message="from parameter is missing"), "Rejected content"),
            (INVALID_TO, "Rejected hard_bounce"),
            (
                build_fault(400, message="Sandbox subdomains are for test purposes only."),
                "ProviderStopped",
            ),
            (Fault(401, "Forbidden"), "ProviderStopped"),
            (build_fault(402, message="payment"), "ProviderStopped"),
            (
                build_fault(403, message="Please add the address to authorized recipients"),
                "ProviderStopped",
            ),
            (build_fault(404, message="Domain not found: mg.example.org"), "ProviderStopped"),
            (build_fault(413, message="too large"), "Rejected content"),
            (build_fault(429, message="Too many requests"), "TryLater"),
            (build_fault(500, message="Internal Server Error"), "TryLater"),
            (Fault(503, "{}"), "InDoubt"),
        ],
        ids=name_case,
    )
    async def test_each_error_of_the_documentation_has_its_meaning(
        self, api: MailApis, provider: Mailgun, fault: Fault, expected: str
    ) -> None:
        await expect_error(api, provider, fault, expected)

    async def test_an_invalid_address_suppresses_nobody_if_there_are_copies(
        self, api: MailApis, provider: Mailgun
    ) -> None:
        api.faults.append(INVALID_TO)

        with pytest.raises(Rejected) as refused:
            await provider.deliver(make_message(cc=(Address("bo@x.org"),)), allow_handoff)

        assert refused.value.kind == "content"

    async def test_the_mail_arrives_byte_for_byte(self, api: MailApis, provider: Mailgun) -> None:
        message = make_message()

        await provider.deliver(message, allow_handoff)

        assert message.mime_bytes in api.calls[0].body
        assert message.message_id.encode() in message.mime_bytes

    def test_the_region_chooses_the_api(self, make_api_provider: Make) -> None:
        assert Mailgun(f"{self.mail}&region=eu", None).base == "https://api.eu.mailgun.net"  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            (build_event("delivered"), "delivered"),
            (build_event("complained"), "complaint"),
            (build_failure("temporary", "generic", 450, "try later"), "delayed"),
            (build_failure("permanent", "bounce", 550, "5.1.1 no such user"), "hard_bounce"),
            (build_failure("permanent", "bounce"), "hard_bounce"),
            (build_failure("permanent", "generic", 550, "5.7.1 spam"), "rejected"),
            (build_failure("permanent", "bounce", 552, "5.2.2 mailbox full"), "soft_bounce"),
            (build_failure("permanent", "old", 450, "retried too long"), "soft_bounce"),
            (build_failure("permanent", "suppress-bounce", 605), "hard_bounce"),
            (build_failure("permanent", "suppress-complaint", 607), "hard_bounce"),
            (build_failure("permanent", "suppress-unsubscribe", 606), "rejected"),
            (build_failure("permanent", "espblock", 421), "rejected"),
            (build_failure("permanent", "bounce", 552, "5.3.4 too big"), "rejected"),
            (build_event("opened"), None),
            (build_event("clicked"), None),
            (build_event("unsubscribed"), None),
            (build_event("accepted"), None),
        ],
        ids=name_case,
    )
    async def test_each_event_has_its_meaning(
        self, provider: Mailgun, body: bytes, kind: str | None
    ) -> None:
        await expect_feedback(provider, {}, body, [kind] if kind else [])

    async def test_a_bounce_names_the_send_and_the_reply_of_the_server(
        self, provider: Mailgun
    ) -> None:
        body = build_failure("permanent", "bounce", 550, "5.1.1 no such user")

        reports = await expect_feedback(provider, {}, body, ["hard_bounce"])

        assert reports == [
            Feedback(
                kind="hard_bounce",
                at=NOW + timedelta(seconds=0.25),
                email="ada@example.com",
                send_id=SEND_ID,
                provider_id="mail-1@mg.example.org",
                event_id="Ase7i2zsRYeDXztHGENqRA:1772442000.25",
                reply="5.1.1 no such user",
                code="5.1.1",
            )
        ]

    async def test_a_repeated_webhook_has_the_same_id(self, provider: Mailgun) -> None:
        bodies = [build_event("delivered", tag=tag) for tag in ("t1", "t2")]

        reports = [await expect_feedback(provider, {}, body, ["delivered"]) for body in bodies]

        assert reports[0] == reports[1]

    @pytest.mark.parametrize(
        "body",
        [
            build_event("delivered", key="other"),
            build_event("delivered", at=NOW - timedelta(hours=10)),
            build_event("delivered", at=NOW + timedelta(minutes=6)),
            build_event("delivered").replace(b'"t0"', b'"t1"'),
            build_event("delivered").replace(b'"signature": "', b'"signature": "\xc3\xa9'),
        ],
        ids=["other key", "old", "future", "other token", "no hex"],
    )
    async def test_a_webhook_that_mailgun_did_not_sign_now_is_refused(
        self, provider: Mailgun, body: bytes
    ) -> None:
        with pytest.raises(InvalidWebhook):
            await provider.feedback(WebhookRequest({}, body))

    async def test_a_webhook_is_refused_without_a_key_in_the_settings(
        self, make_api_provider: Make
    ) -> None:
        provider = make_api_provider(Mailgun, f"mailgun://{KEY}@mg.example.org")

        with pytest.raises(InvalidWebhook, match="signing_key"):
            await provider.feedback(WebhookRequest({}, build_event("delivered", key="")))
