"""`/v1/emails`: emails that a product sends without a journey, and their outcome."""

from __future__ import annotations

from typing import Literal

from quart import request

from ...domain.send_policy import Send
from ...services.direct_mails import (
    MAX_BODY_BYTES,
    DirectMailAnswer,
    EmailBody,
    describe_answer,
    describe_for_caller,
    send_email_body,
)
from ...services.sends import SendDetail, get_delivery
from .routes import Answer, ApiCall, RouteTable
from .schemas import InstantView, NoQuery, View, parse_path_id

routes = RouteTable("Emails")

CallerStatus = Literal["sent", "suppressed", "unsubscribed", "skipped"]


class EmailAnswer(View):
    """The answer to a request to send an email.

    `status` is `sent` once the ledger has the email and nothing refuses it; `detail` is its state
    in the ledger.
    """

    email_send_id: str
    status: CallerStatus
    detail: str
    reason: str | None = None
    conflict: bool | None = None


class AttemptView(View):
    """An attempt to hand an email over, and what the provider replied."""

    at: str
    outcome: str
    reply: str


class DeliveryView(View):
    """An email and its outcome."""

    email_send_id: str
    status: CallerStatus
    detail: str
    reason: str | None = None
    to: str | None
    template: str | None
    subject: str | None
    list: str
    created_at: InstantView
    due_at: InstantView | None
    sent_at: InstantView | None
    opened_at: InstantView | None
    clicked_at: InstantView | None
    opens: int
    clicks: int
    message_id: str | None
    attempts: list[AttemptView]


SEND_ID = "01a20364-0bb6-73eb-9330-0f5a70953204"
EXAMPLE = {
    "to": "ada@example.com",
    "template": "password-reset",
    "props": {"name": "Ada", "url": "https://example.com/reset?token=4f9a7c1e"},
    "sensitiveProps": ["url"],
    "idempotencyKey": "reset-2041",
}
EXAMPLE_ANSWER = {"emailSendId": SEND_ID, "status": "sent", "detail": "queued"}
EXAMPLE_DELIVERY = {
    **EXAMPLE_ANSWER,
    "detail": "sent",
    "to": "ada@example.com",
    "template": "password-reset",
    "subject": "Reset your password",
    "list": "transactional",
    "createdAt": "2026-05-04T09:00:00.000Z",
    "dueAt": None,
    "sentAt": "2026-05-04T09:00:01.200Z",
    "openedAt": None,
    "clickedAt": None,
    "opens": 0,
    "clicks": 0,
    "messageId": "4bD3xQ",
    "attempts": [
        {"at": "2026-05-04T09:00:01.200Z", "outcome": "accepted", "reply": "250 2.0.0 Ok"}
    ],
}


@routes.route(
    "POST",
    "/v1/emails",
    scope="ingest",
    answers={202: Answer(EmailAnswer, "The email is in the ledger.", EXAMPLE_ANSWER)},
    body=EmailBody,
    body_example=EXAMPLE,
    errors=(404, 413),
    max_body_bytes=MAX_BODY_BYTES,
)
async def send_email(call: ApiCall[NoQuery, EmailBody]) -> EmailAnswer:
    """Send one email, such as a password reset or a receipt.

    The email is in the ledger when the answer is sent, and is delivered right after that, or at
    `sendAt`. A second request with the same idempotency key sends nothing and gets the same id.
    """
    answer = await send_email_body(
        call.context, call.context, call.actor, call.body, request.headers.get("Idempotency-Key")
    )
    return _build_answer(answer)


@routes.route(
    "GET",
    "/v1/emails/<send_id>",
    scope="ingest",
    answers={200: Answer(DeliveryView, "The email.", EXAMPLE_DELIVERY)},
    errors=(404,),
)
async def show_email(call: ApiCall[NoQuery, None]) -> DeliveryView:
    """Return the outcome of an email: its status, the provider's replies, opens and clicks."""
    send_id = parse_path_id(call.values["send_id"], "Email")
    return _build_delivery(await get_delivery(call.context, call.actor, send_id))


def _build_answer(answer: DirectMailAnswer) -> EmailAnswer:
    return EmailAnswer.model_validate(describe_answer(answer))


def build_attempts(send: Send) -> list[AttemptView]:
    """Return the attempts to hand an email over, the first one first."""
    return [
        AttemptView(
            at=str(attempt.get("at", "")),
            outcome=str(attempt.get("outcome", "")),
            reply=str(attempt.get("reply", "")),
        )
        for attempt in send.attempts
    ]


def _build_delivery(detail: SendDetail) -> DeliveryView:
    send = detail.send
    status, _ = describe_for_caller(send)
    reason = {"reason": send.reason} if send.reason else {}
    return DeliveryView(
        email_send_id=str(send.id),
        status=status,
        detail=send.status,
        to=send.to_email,
        template=send.template or None,
        subject=send.subject,
        list=send.list_id,
        created_at=send.created_at,
        due_at=send.due_at,
        sent_at=send.sent_at,
        opened_at=send.opened_at,
        clicked_at=send.clicked_at,
        opens=detail.opens,
        clicks=detail.clicks,
        message_id=send.provider_id,
        attempts=build_attempts(send),
        **reason,
    )
