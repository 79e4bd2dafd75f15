"""Brevo: `brevo://API_KEY?webhook_token=TOKEN`.

Facts are from Brevo's documentation: Send a transactional email, Idempotency for batch emails,
Transactional webhooks, Secure webhook calls, Rate limits. docs/providers/brevo.md has the table of
errors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from ..message import Message
from .api_client import ApiAnswer, HandoverRequest
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
    ProviderStopped,
    Rejected,
    WebhookRequest,
)
from .webhook_reading import (
    check_secret,
    read_basic_credentials,
    read_code,
    read_json,
    read_send_id,
    read_text,
    read_unix_time,
)

_PREFIX = f"{SEND_TAG}:"
_KINDS: Mapping[str, FeedbackKind] = {
    "delivered": "delivered",
    "deferred": "delayed",
    "soft_bounce": "soft_bounce",
    "hard_bounce": "hard_bounce",
    "invalid_email": "hard_bounce",
    # The list of blocked addresses has people who have unsubscribed, too.
    "blocked": "rejected",
    "error": "rejected",
    "spam": "complaint",
}


class Brevo(ApiProvider):
    """Hands mails to Brevo, which remembers idempotency keys for a quarter of an hour."""

    name = "brevo"
    # The guide says 30 minutes, the changelog of the API says 15.
    idempotency_window = timedelta(minutes=12)
    form = "brevo://API_KEY?webhook_token=TOKEN"
    options = frozenset({"webhook_token"})
    webhook_option = "webhook_token"
    default_base = "https://api.brevo.com"

    def build_request(self, message: Message) -> HandoverRequest:
        headers = {"api-key": self.url.key}
        return self.build_json_request("/v3/smtp/email", build_payload(message), headers)

    def read_acceptance(self, answer: ApiAnswer) -> Accepted:
        provider_id = answer.get("messageId")
        if not isinstance(provider_id, str):
            raise InDoubt(f"the answer has no messageId: {answer.reply}")
        return Accepted(provider_id.strip("<>"), answer.reply)

    def read_answer(self, answer: ApiAnswer, message: Message) -> Accepted:
        if answer.status == 400 and answer.get("code") == "duplicate_parameter":
            return Accepted(None, f"taken before: {answer.reply}")
        return super().read_answer(answer, message)

    def build_error(self, answer: ApiAnswer, message: Message) -> DeliveryError:
        details = read_text(answer.get("message")).lower()
        if answer.status == 402 or answer.get("code") == "not_enough_credits":
            return ProviderStopped(answer.reply)
        if answer.status == 400 and "sender" in details:
            return Rejected(answer.reply, "policy")
        if answer.status == 400 and "not valid in to" in details:
            return Rejected(answer.reply, "hard_bounce")
        return super().build_error(answer, message)

    def read_retry_time(self, answer: ApiAnswer) -> datetime | None:
        """Return the time in `Retry-After`, or in Brevo's own header."""
        reset = answer.headers.get("x-sib-ratelimit-reset", "")
        if "retry-after" not in answer.headers and reset.isdecimal() and len(reset) <= 6:
            return self.clock.now() + min(timedelta(seconds=int(reset)), MAX_WAIT)
        return super().read_retry_time(answer)

    async def read_webhook(self, request: WebhookRequest) -> Sequence[Feedback]:
        check_secret(self.url.options.get("webhook_token", ""), _read_token(request))
        body: Any = read_json(request.body)
        events = cast(list[Any], body) if isinstance(body, list) else [body]
        return [report for event in events if (report := _read_event(event)) is not None]


def build_payload(message: Message) -> dict[str, Any]:
    """Build the JSON object of a mail.

    Raises:
        Rejected: Brevo cannot send such a mail.
    """
    if any(file.content_id for file in message.attachments):
        raise Rejected("Brevo has no images within a mail: link to them instead", "content")
    if len(message.reply_to) > 1:
        raise Rejected("Brevo has one address for replies only", "content")
    payload: dict[str, Any] = {
        "sender": to_mailbox(message.from_),
        "to": [to_mailbox(address) for address in message.to],
        "subject": message.subject,
        "textContent": message.text,
        "headers": {
            **unfold_headers(message),
            "idempotencyKey": str(message.send_id),
            "X-Mailin-custom": f"{_PREFIX}{message.send_id}",
        },
    }
    optional: dict[str, Any] = {
        "htmlContent": message.html,
        "cc": [to_mailbox(address) for address in message.cc],
        "bcc": [to_mailbox(address) for address in message.bcc],
        "replyTo": to_mailbox(message.reply_to[0]) if message.reply_to else None,
        "attachment": [
            {"name": file.filename, "content": encode_content(file)} for file in message.attachments
        ],
    }
    return payload | {name: value for name, value in optional.items() if value}


def _read_token(request: WebhookRequest) -> str:
    """Return the token: as bearer token, as password of Basic authentication, or in the URL."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    password = read_basic_credentials(request).partition(":")[2]
    return password or request.query.get("token", "")


def _read_event(event: Mapping[str, Any]) -> Feedback | None:
    kind = _KINDS.get(event["event"])
    if kind is None:
        return None
    email, provider_id = read_text(event["email"]), read_text(event.get("message-id")).strip("<>")
    milliseconds: float = event["ts_epoch"]
    reply = read_text(event.get("reason"))
    # Brevo gives events no id of their own.
    identity = f"{event['event']}\n{provider_id}\n{email}\n{milliseconds}"
    return Feedback(
        kind=kind,
        at=read_unix_time(milliseconds / 1000),
        email=email,
        send_id=read_send_id(read_text(event.get("X-Mailin-custom")).removeprefix(_PREFIX)),
        provider_id=provider_id or None,
        event_id=hashlib.sha256(identity.encode()).hexdigest(),
        reply=reply,
        code=read_code(reply),
    )
