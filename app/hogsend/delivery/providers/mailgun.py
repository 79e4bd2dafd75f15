"""Mailgun: `mailgun://API_KEY@DOMAIN?signing_key=KEY`.

Facts are from Mailgun's documentation: Messages (Send an email in MIME format), API response codes,
Event types and Event structure, Webhooks (Securing webhooks). docs/providers/mailgun.md has the
table of errors.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from ...clock import Clock
from ...errors import ConfigError
from ..message import Message
from .api_client import ApiAnswer, ApiTimeouts, HandoverRequest
from .api_provider import SEND_TAG, ApiProvider
from .port import (
    Accepted,
    DeliveryError,
    Feedback,
    FeedbackKind,
    InDoubt,
    InvalidWebhook,
    ProviderStopped,
    Rejected,
    TryLater,
    WebhookRequest,
)
from .webhook_reading import (
    check_secret,
    check_time,
    classify_bounce,
    read_code,
    read_json,
    read_send_id,
    read_text,
    read_unix_time,
)

REGIONS = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
# Mailgun repeats a webhook for eight hours; whether it signs it again is not documented.
_MAX_AGE = timedelta(hours=9)
_SUPPRESSED = frozenset(["suppress-bounce", "suppress-complaint"])
# The recipient's provider blocks Mailgun, or the recipient is on the domain's list of people who
# have unsubscribed, who can get mail of other lists.
_NOT_ABOUT_ADDRESS = frozenset(["espblock", "suppress-unsubscribe"])
# It is parsed before its signature can be checked.
_MAX_WEBHOOK_BYTES = 300_000


class Mailgun(ApiProvider):
    """Hands mails to Mailgun as they are; Mailgun does not recognize repeats."""

    name = "mailgun"
    form = "mailgun://API_KEY@DOMAIN?signing_key=KEY"
    options = frozenset({"signing_key", "region"})
    webhook_option = "signing_key"
    default_base = REGIONS["us"]

    def __init__(self, mail: str, clock: Clock, timeouts: ApiTimeouts | None = None) -> None:
        super().__init__(mail, clock, timeouts)
        region = self.url.options.get("region", "us")
        if region not in REGIONS:
            raise ConfigError(
                f"HOGSEND_MAIL names a region that Mailgun does not have: {region[:20]}.",
                "Use region=us or region=eu.",
            )
        self.base = self.url.choose_base(REGIONS[region])

    def build_request(self, message: Message) -> HandoverRequest:
        fields = [
            *(("to", email) for email in message.recipients),
            (f"v:{SEND_TAG}", str(message.send_id)),
            ("o:tracking", "no"),
        ]
        credentials = base64.b64encode(f"api:{self.url.key}".encode()).decode()
        boundary = f"=_form_{message.send_id.hex}"
        return HandoverRequest(
            f"{self.base}/v3/{quote(self.url.host, safe='')}/messages.mime",
            {
                "Authorization": f"Basic {credentials}",
                "Content-Type": f'multipart/form-data; boundary="{boundary}"',
            },
            _build_form(fields, message.mime_bytes, boundary),
        )

    def read_acceptance(self, answer: ApiAnswer) -> Accepted:
        provider_id = answer.get("id")
        if not isinstance(provider_id, str):
            raise InDoubt(f"the answer has no id: {answer.reply}")
        return Accepted(provider_id.strip("<>"), answer.reply)

    def build_error(self, answer: ApiAnswer, message: Message) -> DeliveryError:
        details = read_text(answer.get("message"))
        if answer.status in (400, 402, 403) and _is_about_account(answer.status, details):
            return ProviderStopped(answer.reply)
        if answer.status == 400 and "to parameter is not a valid address" in details:
            # The field names the copies, too.
            is_only = len(message.recipients) == 1
            return Rejected(answer.reply, "hard_bounce" if is_only else "content")
        if answer.status == 500 and details:
            # "Retries are recommended."
            return TryLater(answer.reply, retry_at=self.read_retry_time(answer))
        return super().build_error(answer, message)

    async def read_webhook(self, request: WebhookRequest) -> Sequence[Feedback]:
        if len(request.body) > _MAX_WEBHOOK_BYTES:
            raise InvalidWebhook("the webhook is larger than those of Mailgun")
        body = read_json(request.body)
        self._verify(body["signature"])
        event = body["event-data"]
        kind = _classify(event)
        if kind is None:
            return ()
        status: Mapping[str, Any] = event.get("delivery-status") or {}
        reply = read_text(status.get("message")) or read_text(status.get("description"))
        headers = event["message"]["headers"]
        variables: Mapping[str, Any] = event.get("user-variables") or {}
        return [
            Feedback(
                kind=kind,
                at=read_unix_time(event["timestamp"]),
                email=read_text(event["recipient"]),
                send_id=read_send_id(variables.get(SEND_TAG)),
                provider_id=read_text(headers["message-id"]).strip("<>") or None,
                # The id alone is unique within a day only.
                event_id=read_text(f"{event['id']}:{event['timestamp']}"),
                reply=reply or read_text(event.get("reason")),
                code=read_text(status.get("enhanced-code"), 20) or read_code(reply),
            )
        ]

    def _verify(self, signature: Mapping[str, str]) -> None:
        key = self.url.options.get("signing_key", "")
        if not key:
            raise InvalidWebhook("signing_key is missing in HOGSEND_MAIL")
        timestamp, token = signature["timestamp"], signature["token"]
        signed = f"{timestamp}{token}".encode()
        expected = hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()
        check_secret(expected, signature["signature"])
        check_time(read_unix_time(timestamp), self.clock.now(), _MAX_AGE)


def _is_about_account(status: int, details: str) -> bool:
    """Return whether nothing can be sent, or only to the owner of a test account."""
    return status != 400 or "authorized recipients" in details or "test purposes" in details


def _build_form(fields: Sequence[tuple[str, str]], mail: bytes, boundary: str) -> bytes:
    """Build a form with a file (RFC 7578); the boundary is in no line of a mail of ours."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    head = (
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="message"; filename="message.eml"\r\n'
        "Content-Type: message/rfc822\r\n\r\n"
    ).encode()
    return b"".join((*parts, head, mail, f"\r\n--{boundary}--\r\n".encode()))


def _classify(event: Mapping[str, Any]) -> FeedbackKind | None:
    match event["event"], event.get("severity"):
        case "delivered", _:
            return "delivered"
        case "complained", _:
            return "complaint"
        case "failed", "temporary":
            return "delayed"
        case "failed", _:
            return _classify_failure(event)
        case _:
            return None


def _classify_failure(event: Mapping[str, Any]) -> FeedbackKind:
    reason = event.get("reason")
    if reason in _SUPPRESSED:
        return "hard_bounce"
    status: Mapping[str, Any] = event.get("delivery-status") or {}
    code, words = status.get("code"), read_text(status.get("message"))
    if isinstance(code, int) and 500 <= code <= 599 and words:
        return classify_bounce(code, words)
    if reason in _NOT_ABOUT_ADDRESS:
        return "rejected"
    return "hard_bounce" if reason == "bounce" else "soft_bounce"
