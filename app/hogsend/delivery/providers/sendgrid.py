"""SendGrid: `sendgrid://API_KEY?webhook_key=KEY`.

Facts are from Twilio SendGrid's documentation: Mail Send, v3 API errors, 4XX API Errors and
Troubleshooting Suggestions, Event Webhook Reference, Event Webhook Security Features.
docs/providers/sendgrid.md has the table of errors.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ...clock import Clock
from ...errors import ConfigError
from ..message import Message
from .api_client import ApiAnswer, ApiTimeouts, HandoverRequest
from .api_provider import (
    MAX_WAIT,
    SEND_TAG,
    ApiProvider,
    encode_content,
    to_mailbox,
    unfold_headers,
)
from .port import (
    Accepted,
    DeliveryError,
    Feedback,
    FeedbackKind,
    InDoubt,
    InvalidWebhook,
    Rejected,
    TryLater,
    WebhookRequest,
)
from .webhook_reading import (
    check_time,
    read_code,
    read_json,
    read_send_id,
    read_text,
    read_unix_time,
)

_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
# SendGrid repeats a webhook for a day; whether it signs it again is not documented.
_MAX_AGE = timedelta(hours=25)
_KINDS: Mapping[str, FeedbackKind] = {
    "delivered": "delivered",
    "deferred": "delayed",
    "spamreport": "complaint",
}
# Classes of bounces that are about the sender, the content or the network.
_NOT_ABOUT_ADDRESS = frozenset(
    ["content", "reputation", "technical", "frequency or volume too high"]
)
# The class of a full mailbox, among others.
_UNAVAILABLE = "mailbox unavailable"
# Why an address is on SendGrid's lists; an address that has unsubscribed can get mail.
_DROPPED = frozenset(["bounced address", "invalid", "spam reporting address"])


class Sendgrid(ApiProvider):
    """Hands mails to SendGrid, which does not recognize repeats."""

    name = "sendgrid"
    form = "sendgrid://API_KEY?webhook_key=KEY"
    options = frozenset({"webhook_key"})
    webhook_option = "webhook_key"
    default_base = "https://api.sendgrid.com"

    def __init__(self, mail: str, clock: Clock, timeouts: ApiTimeouts | None = None) -> None:
        super().__init__(mail, clock, timeouts)
        self._key = _load_key(self.url.options.get("webhook_key", ""))

    def build_request(self, message: Message) -> HandoverRequest:
        headers = {"Authorization": f"Bearer {self.url.key}"}
        return self.build_json_request("/v3/mail/send", build_payload(message), headers)

    def read_acceptance(self, answer: ApiAnswer) -> Accepted:
        provider_id = answer.headers.get("x-message-id")
        if answer.status != 202 or not provider_id:
            raise InDoubt(f"the answer is not one of SendGrid: {answer.reply}")
        return Accepted(provider_id, answer.reply)

    def build_error(self, answer: ApiAnswer, message: Message) -> DeliveryError:
        if answer.status == 403 and "verified Sender Identity" in answer.text:
            return Rejected(answer.reply, "policy")
        if answer.status == 400 and _is_about_recipient(answer):
            return Rejected(answer.reply, "hard_bounce")
        if answer.status == 503 and answer.json is not None:
            # "The API is not available."
            return TryLater(answer.reply, retry_at=self.read_retry_time(answer))
        return super().build_error(answer, message)

    def read_retry_time(self, answer: ApiAnswer) -> datetime | None:
        """Return the time in `Retry-After`, or in SendGrid's own header."""
        reset, now = answer.headers.get("x-ratelimit-reset", ""), self.clock.now()
        if "retry-after" not in answer.headers and reset.isdecimal() and len(reset) <= 12:
            return min(max(read_unix_time(reset), now), now + MAX_WAIT)
        return super().read_retry_time(answer)

    async def read_webhook(self, request: WebhookRequest) -> Sequence[Feedback]:
        self._verify(request)
        reports: list[Feedback] = []
        for event in read_json(request.body):
            kind = _classify(event)
            if kind is None:
                continue
            reply = read_text(event.get("reason") or event.get("response"))
            reports.append(
                Feedback(
                    kind=kind,
                    at=read_unix_time(event["timestamp"]),
                    email=read_text(event["email"]),
                    send_id=read_send_id(event.get(SEND_TAG)),
                    # What follows the first dot names the recipient.
                    provider_id=read_text(event.get("sg_message_id")).partition(".")[0] or None,
                    event_id=read_text(event["sg_event_id"]),
                    reply=reply,
                    code=read_text(event.get("status"), 20) or read_code(reply),
                )
            )
        return reports

    def _verify(self, request: WebhookRequest) -> None:
        if self._key is None:
            raise InvalidWebhook("webhook_key is missing in HOGSEND_MAIL")
        timestamp = request.headers[_TIMESTAMP]
        signature = base64.b64decode(request.headers[_SIGNATURE], validate=True)
        signed = timestamp.encode() + request.body
        try:
            self._key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as error:
            raise InvalidWebhook("the signature is wrong") from error
        check_time(read_unix_time(timestamp), self.clock.now(), _MAX_AGE)


def build_payload(message: Message) -> dict[str, Any]:
    """Build the JSON object of a mail."""
    recipients = {"to": message.to, "cc": message.cc, "bcc": message.bcc}
    personalization: dict[str, Any] = {
        name: [to_mailbox(address) for address in addresses]
        for name, addresses in recipients.items()
        if addresses
    }
    content = [{"type": "text/plain", "value": message.text or "\n"}]
    if message.html:
        content.append({"type": "text/html", "value": message.html})
    payload: dict[str, Any] = {
        "personalizations": [personalization | {"custom_args": {SEND_TAG: str(message.send_id)}}],
        "from": to_mailbox(message.from_),
        "subject": message.subject,
        "content": content,
        "headers": {**unfold_headers(message), "Message-ID": message.message_id},
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
        },
    }
    if message.reply_to:
        payload["reply_to_list"] = [to_mailbox(address) for address in message.reply_to]
    if message.attachments:
        payload["attachments"] = [
            {
                "filename": file.filename,
                "type": file.content_type,
                "content": encode_content(file),
                "disposition": "inline" if file.content_id else "attachment",
                **({"content_id": file.content_id} if file.content_id else {}),
            }
            for file in message.attachments
        ]
    return payload


def _load_key(text: str) -> ec.EllipticCurvePublicKey | None:
    if not text:
        return None
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except ValueError:
        key = None
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key
    raise ConfigError(
        "HOGSEND_MAIL has a webhook_key that is not a key of SendGrid.",
        "Copy the verification key from the settings of the event webhook.",
    )


def _is_about_recipient(answer: ApiAnswer) -> bool:
    errors = answer.get("errors")
    return isinstance(errors, list) and any(
        str(error.get("field")).startswith("personalizations.0.to")  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        for error in errors  # pyright: ignore[reportUnknownVariableType]
        if isinstance(error, dict)
    )


def _classify(event: Mapping[str, Any]) -> FeedbackKind | None:
    name = event["event"]
    if name == "bounce":
        is_blocked = event.get("type") == "blocked"
        group = read_text(event.get("bounce_classification")).lower()
        if is_blocked and group == _UNAVAILABLE:
            return "soft_bounce"
        return "rejected" if is_blocked or group in _NOT_ABOUT_ADDRESS else "hard_bounce"
    if name == "dropped":
        is_listed = read_text(event.get("reason")).lower() in _DROPPED
        return "hard_bounce" if is_listed else "rejected"
    return _KINDS.get(name)
