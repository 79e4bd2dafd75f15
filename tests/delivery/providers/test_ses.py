"""Amazon SES, against its documentation."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from hogsend.clock import ManualClock
from hogsend.delivery.providers.port import (
    Address,
    Feedback,
    InvalidWebhook,
    TryLater,
    WebhookRequest,
)
from hogsend.delivery.providers.ses import Ses
from hogsend.delivery.providers.sns import build_signed_text
from tests.delivery.providers.api_contract import (
    ApiContract,
    Make,
    expect_error,
    expect_feedback,
    name_case,
)
from tests.delivery.providers.contract import NOW, allow_handoff, make_message
from tests.sinks.mail_apis import KEY, SEND_TAG, Fault, MailApis

TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"
HOST = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE_URL = f"{HOST}/SimpleNotificationService-0.pem"
SEND_ID = make_message().send_id
SIGNING_KEY = rsa.generate_private_key(65537, 2048)


def make_certificate(begin: datetime, days: int) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = x509.CertificateBuilder(name, name, SIGNING_KEY.public_key(), 7)
    builder = builder.not_valid_before(begin).not_valid_after(begin + timedelta(days=days))
    return builder.sign(SIGNING_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


CERTIFICATE = make_certificate(NOW - timedelta(days=10), 20)


def sign(fields: dict[str, Any], version: str = "2") -> bytes:
    """Return the body of a notification that is signed as Amazon does it."""
    message = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Timestamp": "2026-03-02T08:59:00.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
        **fields,
    }
    digest = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303
    signature = SIGNING_KEY.sign(build_signed_text(message), padding.PKCS1v15(), digest)
    message["Signature"] = base64.b64encode(signature).decode()
    return json.dumps(message).encode()


def build_event(name: str, part: str, *, key: str = "eventType", **details: Any) -> bytes:
    """Return the signed notification of an event."""
    event = {
        key: name,
        "mail": {
            "messageId": "0102",
            "timestamp": "2026-03-02T08:00:00.000Z",
            "tags": {SEND_TAG: [str(SEND_ID)], "ses:source-ip": ["192.0.2.1"]},
        },
        part: {"timestamp": "2026-03-02T09:00:00.000Z", **details},
    }
    return sign({"Message": json.dumps(event), "Subject": "Amazon SES Email Event Notification"})


def build_bounce(kind: str, subtype: str = "General", **recipient: str) -> bytes:
    fields = {"emailAddress": "ada@example.com", **recipient}
    return build_event(
        "Bounce",
        "bounce",
        bounceType=kind,
        bounceSubType=subtype,
        bouncedRecipients=[fields],
        feedbackId="f1",
    )


def build_complaint(**details: str) -> bytes:
    recipients = [{"emailAddress": "ada@example.com"}]
    return build_event(
        "Complaint", "complaint", complainedRecipients=recipients, feedbackId="f1", **details
    )


def build_amazon_fault(status: int, name: str, message: str = "no") -> Fault:
    return Fault(
        status,
        json.dumps({"message": message}),
        {"x-amzn-errortype": f"{name}:http://internal.amazon.com/"},
    )


class TestSes(ApiContract):
    build = Ses
    mail = f"ses://{KEY}:secret@eu-west-1?topic={TOPIC}"

    @pytest.fixture(autouse=True)
    def serve_certificate(self, api: MailApis) -> None:
        api.files["/SimpleNotificationService-0.pem"] = CERTIFICATE

    @pytest.mark.parametrize(
        ("fault", "expected"),
        [
            (build_amazon_fault(429, "TooManyRequestsException"), "TryLater"),
            (build_amazon_fault(400, "ThrottlingException", "Maximum sending rate"), "TryLater"),
            (build_amazon_fault(400, "LimitExceededException"), "TryLater"),
            (build_amazon_fault(400, "AccountSuspendedException"), "ProviderStopped"),
            (build_amazon_fault(400, "SendingPausedException"), "ProviderStopped"),
            (build_amazon_fault(404, "NotFoundException", "configuration set"), "ProviderStopped"),
            (build_amazon_fault(403, "UnrecognizedClientException"), "ProviderStopped"),
            (build_amazon_fault(403, "InvalidSignatureException"), "ProviderStopped"),
            (build_amazon_fault(403, "AccessDeniedException"), "ProviderStopped"),
            (build_amazon_fault(400, "MailFromDomainNotVerifiedException"), "Rejected policy"),
            (
                build_amazon_fault(
                    400,
                    "MessageRejected",
                    "Email address is not verified. The following identities failed the check in "
                    "region EU-WEST-1: hello@example.org",
                ),
                "Rejected policy",
            ),
            (
                build_amazon_fault(
                    400,
                    "MessageRejected",
                    "Email address is not verified. The following identities failed the check in "
                    "region EU-WEST-1: ada@example.com",
                ),
                "ProviderStopped",
            ),
            (build_amazon_fault(400, "MessageRejected", "a virus"), "Rejected content"),
            (build_amazon_fault(400, "BadRequestException"), "Rejected content"),
            (build_amazon_fault(413, "RequestEntityTooLarge"), "Rejected content"),
            (build_amazon_fault(500, "InternalFailure"), "TryLater"),
            (build_amazon_fault(503, "ServiceUnavailable"), "TryLater"),
            (Fault(500, "{}"), "InDoubt"),
            (Fault(504, ""), "InDoubt"),
        ],
        ids=name_case,
    )
    async def test_each_error_of_the_documentation_has_its_meaning(
        self, api: MailApis, provider: Ses, fault: Fault, expected: str
    ) -> None:
        await expect_error(api, provider, fault, expected)

    async def test_a_spent_daily_quota_is_tried_again_in_an_hour(
        self, api: MailApis, provider: Ses, clock: ManualClock
    ) -> None:
        fault = build_amazon_fault(400, "ThrottlingException", "Daily message quota exceeded")

        error = await expect_error(api, provider, fault, "TryLater")

        assert isinstance(error, TryLater)
        assert error.retry_at == clock.now() + timedelta(hours=1)

    async def test_a_request_is_signed_for_the_region_and_names_the_configuration_set(
        self, api: MailApis, make_api_provider: Make
    ) -> None:
        provider = make_api_provider(Ses, f"ses://{KEY}:secret@eu-west-1?configuration_set=news")

        await provider.deliver(make_message(cc=(Address("bo@example.com"),)), allow_handoff)

        (call,) = api.calls
        authorization = call.headers["authorization"]
        assert authorization.startswith(f"AWS4-HMAC-SHA256 Credential={KEY}/")
        assert "/eu-west-1/ses/aws4_request, SignedHeaders=content-type;host;" in authorization
        assert call.json["ConfigurationSetName"] == "news"
        assert call.json["Destination"]["CcAddresses"] == ["bo@example.com"]

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            (build_bounce("Permanent"), "hard_bounce"),
            (build_bounce("Permanent", "NoEmail"), "hard_bounce"),
            (build_bounce("Permanent", "Suppressed"), "hard_bounce"),
            (build_bounce("Permanent", "OnAccountSuppressionList"), "hard_bounce"),
            (build_bounce("Transient"), "soft_bounce"),
            (build_bounce("Transient", "MailboxFull"), "soft_bounce"),
            (build_bounce("Transient", "ContentRejected"), "rejected"),
            (build_bounce("Transient", "AttachmentRejected"), "rejected"),
            (build_bounce("Transient", "MessageTooLarge"), "rejected"),
            (
                build_bounce("Permanent", diagnosticCode="smtp; 550 5.7.1 blocked, see our policy"),
                "rejected",
            ),
            (build_bounce("Permanent", diagnosticCode="smtp; 550 5.4.4 no route"), "hard_bounce"),
            (build_bounce("Undetermined", "Undetermined"), "soft_bounce"),
            (build_bounce("Transient", action="delayed"), "delayed"),
            (build_bounce("Transient", action="relayed"), None),
            (build_complaint(complaintFeedbackType="abuse"), "complaint"),
            (build_complaint(complaintSubType="OnAccountSuppressionList"), "complaint"),
            (build_complaint(complaintFeedbackType="not-spam"), None),
            (build_complaint(complaintFeedbackType="auth-failure"), None),
            (build_complaint(complaintFeedbackType="virus"), None),
            (
                build_event(
                    "DeliveryDelay",
                    "deliveryDelay",
                    delayedRecipients=[{"emailAddress": "ada@example.com", "status": "4.4.1"}],
                ),
                "delayed",
            ),
            (
                build_event("Delivery", "delivery", recipients=["ada@example.com"]),
                "delivered",
            ),
            (
                build_event(
                    "Delivery",
                    "delivery",
                    key="notificationType",
                    recipients=["ada@example.com"],
                ),
                "delivered",
            ),
            (build_event("Send", "send"), None),
            (build_event("Open", "open"), None),
            (build_event("Reject", "reject", reason="Bad content"), "rejected"),
            (build_event("Rendering Failure", "failure", errorMessage="no name"), "rejected"),
            (
                sign({"Message": "Successfully validated SNS topic for Amazon SES publishing."}),
                None,
            ),
            (sign({"Type": "UnsubscribeConfirmation", "Message": "x", "Token": "t"}), None),
        ],
        ids=name_case,
    )
    async def test_each_event_has_its_meaning(
        self, provider: Ses, body: bytes, kind: str | None
    ) -> None:
        await expect_feedback(provider, {}, body, [kind] if kind else [])

    @pytest.mark.parametrize("version", ["1", "2"])
    async def test_a_bounce_names_each_recipient_the_send_and_the_reply(
        self, api: MailApis, provider: Ses, version: str
    ) -> None:
        diagnostic = "smtp; 550 5.1.1 no such user"
        recipients = [
            {"emailAddress": email, "status": "5.1.1", "diagnosticCode": diagnostic}
            for email in ("ada@example.com", "bo@example.com")
        ]
        event = {
            "notificationType": "Bounce",
            "mail": {"messageId": "0102", "tags": {SEND_TAG: [str(SEND_ID)]}},
            "bounce": {
                "bounceType": "Permanent",
                "bouncedRecipients": recipients,
                "feedbackId": "f1",
                "timestamp": "2026-03-02T09:00:00Z",
            },
        }
        body = sign({"Message": json.dumps(event)}, version)

        first, second = await expect_feedback(provider, {}, body, ["hard_bounce", "hard_bounce"])
        await provider.feedback(WebhookRequest({}, body))

        assert first == Feedback(
            kind="hard_bounce",
            at=datetime(2026, 3, 2, 9, tzinfo=UTC),
            email="ada@example.com",
            send_id=SEND_ID,
            provider_id="0102",
            event_id="Bounce:f1:ada@example.com",
            reply=diagnostic,
            code="5.1.1",
        )
        assert second.event_id != first.event_id
        # The certificate is fetched once.
        assert [call.path for call in api.calls] == ["/SimpleNotificationService-0.pem"]

    async def test_the_subscription_of_the_topic_is_confirmed(
        self, api: MailApis, provider: Ses
    ) -> None:
        api.files["/?Action=ConfirmSubscription&Token=t"] = b"<ok/>"
        url = f"{HOST}/?Action=ConfirmSubscription&Token=t"
        body = sign(
            {
                "Type": "SubscriptionConfirmation",
                "Message": "You have chosen",
                "SubscribeURL": url,
                "Token": "t",
            }
        )

        await expect_feedback(provider, {}, body, [])

        assert api.calls[-1].path == "/?Action=ConfirmSubscription&Token=t"

    @pytest.mark.parametrize(
        "url",
        [
            "http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
            "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription",
            "https://sns.eu-west-1.amazonaws.com.example.org/",
            "https://sns.eu-west-1.amazonaws.com@example.org/",
            "https://example.org/sns.eu-west-1.amazonaws.com",
            "https://sns.eu-west-1.amazonaws.com:8443/",
            "file:///etc/passwd",
            "",
        ],
    )
    async def test_no_url_is_fetched_that_leads_elsewhere(
        self, api: MailApis, provider: Ses, url: str
    ) -> None:
        confirmation = {"Type": "SubscriptionConfirmation", "Message": "", "Token": "t"}
        bodies = [
            sign(confirmation | {"SubscribeURL": url}),
            sign({"Message": "{}", "SigningCertURL": f"{url}x.pem"}),
        ]

        for body in bodies:
            with pytest.raises(InvalidWebhook):
                await provider.feedback(WebhookRequest({}, body))

        assert {call.path for call in api.calls} <= {"/SimpleNotificationService-0.pem"}

    @pytest.mark.parametrize(
        "fields",
        [
            {"TopicArn": "arn:aws:sns:eu-west-1:999999999999:mail"},
            {"Timestamp": "2026-03-01T08:00:00.000Z"},
            {"Timestamp": "2026-03-02T09:06:00.000Z"},
            {"SigningCertURL": f"{HOST}/missing.pem"},
            {"SigningCertURL": f"{HOST}/SimpleNotificationService-0.html"},
            {"Message": '{"eventType": "Delivery"}'},
        ],
        ids=name_case,
    )
    async def test_a_notification_that_does_not_fit_is_refused(
        self, api: MailApis, provider: Ses, fields: dict[str, str]
    ) -> None:
        with pytest.raises(InvalidWebhook):
            await provider.feedback(WebhookRequest({}, sign({"Message": "{}"} | fields)))

    async def test_a_changed_notification_is_refused(self, provider: Ses) -> None:
        body = build_bounce("Permanent").replace(b"ada@", b"eve@")

        with pytest.raises(InvalidWebhook, match="signature is wrong"):
            await provider.feedback(WebhookRequest({}, body))

    async def test_a_signature_of_an_expired_certificate_is_refused(
        self, api: MailApis, provider: Ses
    ) -> None:
        certificate = make_certificate(NOW - timedelta(days=10), 9)
        api.files["/SimpleNotificationService-0.pem"] = certificate

        with pytest.raises(InvalidWebhook, match="certificate"):
            await provider.feedback(WebhookRequest({}, build_bounce("Permanent")))

    async def test_a_webhook_is_refused_without_a_topic_in_the_settings(
        self, api: MailApis, make_api_provider: Make
    ) -> None:
        provider = make_api_provider(Ses, f"ses://{KEY}:secret@eu-west-1")

        with pytest.raises(InvalidWebhook, match="topic"):
            await provider.feedback(WebhookRequest({}, build_bounce("Permanent")))

        assert not api.calls
