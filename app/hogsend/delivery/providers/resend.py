"""Resend: `resend://API_KEY?webhook_secret=whsec_…`.

Facts are from Resend's documentation: API reference (Send Email, Send Batch Emails, Errors),
Idempotency Keys, Webhooks (Event Types, Verify Webhooks Requests). docs/providers/resend.md has the
table of errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from ..message import Message
from .api_client import ApiAnswer, HandoverRequest
from .api_provider import SEND_TAG, ApiProvider, encode_content, format_display, unfold_headers
from .port import (
    Accepted,
    DeliveryError,
    Feedback,
    FeedbackKind,
    InDoubt,
    ProviderStopped,
    Rejected,
    RejectionKind,
    TryLater,
    WebhookRequest,
)
from .svix import verify_svix
from .webhook_reading import read_code, read_iso_time, read_json, read_send_id, read_text

# Marks a mail with copies, because its events do not say which recipient they are about.
_COPIES_TAG = "hogsend_copies"
_QUOTA_WAIT = timedelta(hours=1)
_QUOTAS = ("daily_quota_exceeded", "monthly_quota_exceeded")
_KINDS: Mapping[str, FeedbackKind] = {
    "email.delivered": "delivered",
    "email.delivery_delayed": "delayed",
    "email.complained": "complaint",
    "email.suppressed": "hard_bounce",
    "email.failed": "rejected",
}
_DETAILS = ("bounce", "suppressed", "failed")
_NO_DETAILS: Mapping[str, Any] = {}
# What the words in `bounce.type` and `bounce.subType` mean, the first that fits.
_BOUNCES: Sequence[tuple[FeedbackKind, tuple[str, ...]]] = (
    ("complaint", ("complaint", "abuse")),
    ("rejected", ("spam", "content", "attachment", "toolarge", "policy", "blocked")),
    ("soft_bounce", ("transient", "soft", "full", "throttled", "undetermined")),
    ("hard_bounce", ("permanent", "hard", "suppressed")),
)


class Resend(ApiProvider):
    """Hands mails to Resend, which remembers idempotency keys for 24 hours."""

    name = "resend"
    # An hour less than 24: an answer may come a while after the key was first seen.
    idempotency_window = timedelta(hours=23)
    form = "resend://API_KEY?webhook_secret=whsec_SECRET"
    options = frozenset({"webhook_secret"})
    webhook_option = "webhook_secret"
    default_base = "https://api.resend.com"

    def build_request(self, message: Message) -> HandoverRequest:
        return self.build_json_request(
            "/emails",
            build_payload(message),
            {
                "Authorization": f"Bearer {self.url.key}",
                "Idempotency-Key": str(message.send_id),
            },
        )

    def read_acceptance(self, answer: ApiAnswer) -> Accepted:
        provider_id = answer.get("id")
        if not isinstance(provider_id, str):
            raise InDoubt(f"the answer has no id: {answer.reply}")
        return Accepted(provider_id, answer.reply)

    def read_answer(self, answer: ApiAnswer, message: Message) -> Accepted:
        if answer.status == 409 and answer.get("name") == "invalid_idempotent_request":
            # The key is known, so the mail was taken; this attempt differs in details only.
            return Accepted(None, f"taken before: {answer.reply}")
        return super().read_answer(answer, message)

    def build_error(self, answer: ApiAnswer, message: Message) -> DeliveryError:
        name, details = answer.get("name"), read_text(answer.get("message"))
        if answer.status == 429 and name in _QUOTAS:
            retry_at = self.read_retry_time(answer) or self.clock.now() + _QUOTA_WAIT
            return TryLater(answer.reply, retry_at=retry_at, throttled=True)
        if answer.status == 409:
            return InDoubt(answer.reply)
        if answer.status == 400 and "API key" in details:
            return ProviderStopped(answer.reply)
        if kind := _classify_refusal(answer.status, details):
            return Rejected(answer.reply, kind)
        return super().build_error(answer, message)

    async def read_webhook(self, request: WebhookRequest) -> Sequence[Feedback]:
        secret = self.url.options.get("webhook_secret", "")
        event_id = verify_svix(request, secret, self.clock.now())
        event = read_json(request.body)
        data = event["data"]
        tags = _read_tags(data.get("tags"))
        kind = _classify(event["type"], data)
        if kind is None:
            return ()
        if kind in ("hard_bounce", "complaint") and _COPIES_TAG in tags:
            kind = "soft_bounce"
        details = next((data[name] for name in _DETAILS if data.get(name)), _NO_DETAILS)
        reply = read_text(details.get("message") or details.get("reason"))
        return [
            Feedback(
                kind=kind,
                at=read_iso_time(event["created_at"]),
                email=read_text(data["to"][0]),
                send_id=read_send_id(tags.get(SEND_TAG)),
                provider_id=read_text(data["email_id"]) or None,
                event_id=read_text(event_id),
                reply=reply,
                code=read_code(reply),
            )
        ]


def build_payload(message: Message) -> dict[str, Any]:
    """Build the JSON object of a mail."""
    tags = [{"name": SEND_TAG, "value": str(message.send_id)}]
    if message.cc or message.bcc:
        tags.append({"name": _COPIES_TAG, "value": "1"})
    payload: dict[str, Any] = {
        "from": format_display(message.from_),
        "to": [format_display(address) for address in message.to],
        "subject": message.subject,
        "text": message.text,
        "tags": tags,
    }
    optional: dict[str, Any] = {
        "html": message.html,
        "cc": [format_display(address) for address in message.cc],
        "bcc": [format_display(address) for address in message.bcc],
        "reply_to": [format_display(address) for address in message.reply_to],
        "headers": unfold_headers(message),
        "attachments": [
            {
                "filename": file.filename,
                "content_type": file.content_type,
                "content": encode_content(file),
                **({"content_id": file.content_id} if file.content_id else {}),
            }
            for file in message.attachments
        ],
    }
    return payload | {name: value for name, value in optional.items() if value}


def _classify_refusal(status: int, details: str) -> RejectionKind | None:
    """Return what is wrong with a mail, if it is something other than its content."""
    if status == 422 and details.startswith("Invalid `to`"):
        return "hard_bounce"
    is_policy = status == 451 or (status == 403 and "is not verified" in details)
    return "policy" if is_policy else None


def _classify(event: str, data: Mapping[str, Any]) -> FeedbackKind | None:
    if event != "email.bounced":
        return _KINDS.get(event)
    bounce: Mapping[str, Any] = data.get("bounce") or {}
    words = f"{bounce.get('subType', '')} {bounce.get('type', '')}".lower()
    for kind, patterns in _BOUNCES:
        if any(pattern in words for pattern in patterns):
            return kind
    return "soft_bounce"


def _read_tags(tags: Any) -> Mapping[str, Any]:
    """Return the tags by name; the documentation has them as an object and as a list."""
    if isinstance(tags, list):
        return {tag["name"]: tag["value"] for tag in cast(list[Any], tags)}
    return tags or {}
