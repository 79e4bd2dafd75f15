"""Postmark: `postmark://SERVER_TOKEN?webhook=user:password`.

Facts are from Postmark's documentation: Email API, API error codes and HTTP response codes in the
API overview, Bounce API (types), Webhooks. docs/providers/postmark.md has the table of errors.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ...clock import Clock
from ..message import Message
from .api_client import ApiAnswer, ApiTimeouts, HandoverRequest
from .api_provider import SEND_TAG, ApiProvider, encode_content, format_display, unfold_headers
from .port import (
    Accepted,
    BeforeHandoff,
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
from .request_batcher import RequestBatcher, Result
from .webhook_reading import (
    check_secret,
    read_basic_credentials,
    read_code,
    read_iso_time,
    read_json,
    read_send_id,
    read_text,
)

# Postmark takes 500 mails or 50 MB in one request.
MAX_BATCH = 100
MAX_BATCHED_BYTES = 400_000
_INVALID_REQUEST = 300
# The token is wrong, the account may not send, or the stream does not exist.
_STOPPED = frozenset([10, 405, 412, 413, 1226, 1235])
_REFUSALS: Mapping[int, RejectionKind] = {400: "policy", 401: "policy", 406: "hard_bounce"}
_MAINTENANCE, _RATE_LIMIT = 100, 429
_BOUNCES: Mapping[int, FeedbackKind | None] = {
    1: "hard_bounce",
    2: "delayed",
    16: None,  # Unsubscribe
    32: None,  # Subscribe
    64: None,  # AutoResponder
    128: None,  # AddressChange
    256: "delayed",
    512: "rejected",  # SpamNotification: a filter refused the content
    1024: None,  # OpenRelayTest
    16384: None,  # ChallengeVerification
    100000: "hard_bounce",
    100001: "complaint",
    100002: "hard_bounce",
    100003: "rejected",  # Unconfirmed
    100006: "rejected",  # Blocked
    100007: "rejected",  # SMTPApiError
    100009: "rejected",  # DMARCPolicy
    100010: "rejected",  # TemplateRenderingFailed
}
_TIMES = ("DeliveredAt", "BouncedAt")


class Postmark(ApiProvider):
    """Hands mails to Postmark, many in one request; Postmark does not recognize repeats."""

    name = "postmark"
    form = "postmark://SERVER_TOKEN?webhook=USER:PASSWORD"
    options = frozenset({"webhook", "stream"})
    webhook_option = "webhook"
    default_base = "https://api.postmarkapp.com"

    def __init__(self, mail: str, clock: Clock, timeouts: ApiTimeouts | None = None) -> None:
        super().__init__(mail, clock, timeouts)
        self._stream = self.url.options.get("stream", "outbound")
        self._batcher = RequestBatcher(self._send_batch, max_size=MAX_BATCH)

    async def deliver(self, message: Message, before_handoff: BeforeHandoff) -> Accepted:
        """Hand one mail over, together with others that are ready at the same moment."""
        if message.attachments:
            mail = await asyncio.to_thread(self._encode, message)
        else:
            mail = self._encode(message)
        await before_handoff()
        if len(mail) <= MAX_BATCHED_BYTES:
            return await self._batcher.submit(mail)
        return self.read_answer(await self.client.post(self._build_request("", mail)), message)

    def build_request(self, message: Message) -> HandoverRequest:
        return self._build_request("", self._encode(message))

    def read_acceptance(self, answer: ApiAnswer) -> Accepted:
        return _to_accepted(_read_result(answer.json, answer))

    def build_error(self, answer: ApiAnswer, message: Message) -> DeliveryError:
        return self._build_error(answer)

    async def read_webhook(self, request: WebhookRequest) -> Sequence[Feedback]:
        check_secret(self.url.options.get("webhook", ""), read_basic_credentials(request))
        event = read_json(request.body)
        record, email = event.get("RecordType"), event.get("Email") or event.get("Recipient")
        kind = _classify(record, event)
        if kind is None:
            return ()
        at = next(event[name] for name in _TIMES if event.get(name))
        reply = read_text(event.get("Details") or event.get("Description"))
        metadata: Mapping[str, Any] = event.get("Metadata") or {}
        event_id = event.get("ID") or f"{event['MessageID']}:{email}"
        return [
            Feedback(
                kind=kind,
                at=read_iso_time(at),
                email=read_text(email),
                send_id=read_send_id(metadata.get(SEND_TAG)),
                provider_id=read_text(event.get("MessageID")) or None,
                event_id=read_text(f"{record}:{event_id}"),
                reply=reply,
                code=read_code(reply),
            )
        ]

    async def close(self) -> None:
        """Close the connections; requests that are still running are in doubt."""
        await super().close()
        await self._batcher.close()

    async def _send_batch(self, mails: Sequence[bytes]) -> Sequence[Result]:
        if len(mails) == 1:
            answer = await self.client.post(self._build_request("", mails[0]))
            if 200 <= answer.status <= 299:
                return [_read_result(answer.json, answer)]
        else:
            body = b"[" + b",".join(mails) + b"]"
            answer = await self.client.post(self._build_request("/batch", body))
            if 200 <= answer.status <= 299:
                return _read_results(answer, len(mails))
        return [self._build_error(answer)] * len(mails)

    def _build_request(self, path: str, body: bytes) -> HandoverRequest:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "X-Postmark-Server-Token": self.url.key,
        }
        return HandoverRequest(f"{self.base}/email{path}", headers, body)

    def _build_error(self, answer: ApiAnswer) -> DeliveryError:
        if isinstance(answer.get("ErrorCode"), int) and answer.status == 422:
            return _build_code_error(answer.json, answer.reply)
        if answer.status == 503 and answer.json is not None:
            return TryLater(answer.reply, retry_at=self.read_retry_time(answer))
        return self.build_status_error(answer)

    def _encode(self, message: Message) -> bytes:
        return json.dumps(build_payload(message, self._stream)).encode()


def build_payload(message: Message, stream: str) -> dict[str, Any]:
    """Build the JSON object of a mail."""
    headers = [
        *unfold_headers(message).items(),
        ("Message-ID", message.message_id),
        # Postmark replaces the Message-ID without it.
        ("X-PM-KeepID", "true"),
    ]
    payload: dict[str, Any] = {
        "From": format_display(message.from_),
        "To": ", ".join(map(format_display, message.to)),
        "Subject": message.subject,
        "TextBody": message.text,
        "Headers": [{"Name": name, "Value": value} for name, value in headers],
        "Metadata": {SEND_TAG: str(message.send_id)},
        "MessageStream": stream,
        "TrackOpens": False,
        "TrackLinks": "None",
    }
    optional: dict[str, Any] = {
        "HtmlBody": message.html,
        "Cc": ", ".join(map(format_display, message.cc)),
        "Bcc": ", ".join(map(format_display, message.bcc)),
        "ReplyTo": ", ".join(map(format_display, message.reply_to)),
        "Attachments": [
            {
                "Name": file.filename,
                "ContentType": file.content_type,
                "Content": encode_content(file),
                **({"ContentID": f"cid:{file.content_id}"} if file.content_id else {}),
            }
            for file in message.attachments
        ],
    }
    return payload | {name: value for name, value in optional.items() if value}


def _read_results(answer: ApiAnswer, count: int) -> Sequence[Result]:
    results: Any = answer.json
    if not isinstance(results, list) or len(cast(list[Any], results)) != count:
        return [InDoubt(f"the answer is not one of a batch: {answer.reply}")] * count
    return [_read_result(result, answer) for result in cast(list[Any], results)]


def _read_result(result: Any, answer: ApiAnswer) -> Result:
    """Read the result of one mail; an answer of somebody else is in doubt."""
    if not isinstance(result, dict):
        return InDoubt(f"the answer is not one of Postmark: {answer.reply}")
    fields = cast(dict[str, Any], result)
    # The code is missing while Postmark takes mails that it will process later.
    code, provider_id = fields.get("ErrorCode", 0), fields.get("MessageID")
    reply = f"{answer.status} {read_text(fields.get('Message'))}".strip()
    if code == 0 and isinstance(provider_id, str):
        return Accepted(provider_id, reply)
    if not isinstance(code, int) or code == 0:
        return InDoubt(f"the answer is not one of Postmark: {answer.reply}")
    return _build_code_error(fields, reply)


def _build_code_error(fields: Mapping[str, Any], reply: str) -> DeliveryError:
    code: int = fields["ErrorCode"]
    if code in _STOPPED:
        return ProviderStopped(reply)
    if code in (_MAINTENANCE, _RATE_LIMIT):
        return TryLater(reply, throttled=code == _RATE_LIMIT)
    if code == _INVALID_REQUEST and "'To'" in read_text(fields.get("Message")):
        return Rejected(reply, "hard_bounce")
    return Rejected(reply, _REFUSALS.get(code, "content"))


def _to_accepted(result: Result) -> Accepted:
    if isinstance(result, DeliveryError):
        raise result
    return result


def _classify(record: Any, event: Mapping[str, Any]) -> FeedbackKind | None:
    match record:
        case "Delivery":
            return "delivered"
        case "SpamComplaint":
            return "complaint"
        case "Bounce":
            # Soft bounces and errors of the network remain.
            return _BOUNCES.get(event["TypeCode"], "soft_bounce")
        case _:
            return None
