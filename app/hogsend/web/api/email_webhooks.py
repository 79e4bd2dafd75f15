"""`/v1/webhooks/email/…`: what mail providers report about the mails that they accepted."""

from __future__ import annotations

from quart import request

from ...services.email_feedback import WebhookRequest, receive_feedback
from .routes import JSON, Answer, ApiCall, RawBody, RouteTable
from .schemas import NoQuery, View

routes = RouteTable("Webhooks of mail providers")

# Providers collect reports: SendGrid posts up to 3 MB at once.
_MAX_BODY_BYTES = 5 * 1024 * 1024


class WebhookAnswer(View):
    """The reports are stored; repeated ones change nothing."""

    ok: bool = True


_ANSWERS = {200: Answer(WebhookAnswer, "The reports are stored.", {"ok": True})}
_BODY = RawBody((JSON, "text/plain", "application/x-www-form-urlencoded"))


async def _receive(call: ApiCall[NoQuery, None], provider: str) -> WebhookAnswer:
    webhook = WebhookRequest(
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await call.read_body(),
        query=dict(request.args.items()),
    )
    await receive_feedback(call.context, provider, webhook)
    return WebhookAnswer(ok=True)


@routes.route(
    "POST",
    "/v1/webhooks/email/<provider>",
    scope=None,
    answers=_ANSWERS,
    body=_BODY,
    body_example={"type": "email.delivered"},
    errors=(404, 413),
    max_body_bytes=_MAX_BODY_BYTES,
)
async def receive_webhook(call: ApiCall[NoQuery, None]) -> WebhookAnswer:
    """Take a webhook of a mail provider, which signs it.

    `provider` is the name in `HOGSEND_MAIL`, such as `resend`. A webhook without a valid signature
    is refused with 401.
    """
    return await _receive(call, call.values["provider"])


@routes.route(
    "POST",
    "/v1/webhooks/resend",
    scope=None,
    answers=_ANSWERS,
    body=_BODY,
    body_example={"type": "email.delivered"},
    errors=(404, 413),
    max_body_bytes=_MAX_BODY_BYTES,
)
async def receive_resend_webhook(call: ApiCall[NoQuery, None]) -> WebhookAnswer:
    """Take a webhook of Resend, at the address that the original Hogsend has."""
    return await _receive(call, "resend")
