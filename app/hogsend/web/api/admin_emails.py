"""`/v1/admin/emails`: the ledger, one email, and what operators do with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from ...domain.contact import Contact
from ...domain.forms import Body, Instant
from ...domain.send_policy import Send
from ...services.blocked_mails import retry_blocked
from ...services.send_actions import cancel_send, resend, resolve_doubt
from ...services.sends import SendDetail, SendFilter, get_send, list_sends
from .emails import AttemptView, build_attempts
from .routes import Answer, ApiCall, RouteTable
from .schemas import (
    InstantView,
    NoQuery,
    PageQuery,
    PageView,
    View,
    describe_page,
    format_instant,
    parse_cursor,
    parse_path_id,
)

routes = RouteTable("Sent emails")

# How clients of the original call the states of ours that they do not know.
_STATUSES = {
    "sending": "queued",
    "in_doubt": "queued",
    "blocked": "queued",
    "skipped": "failed",
    "cancelled": "failed",
}


class SendView(View):
    """An email in the ledger. `detail` is its exact state, `status` the word of older clients."""

    id: UUID
    journey_state_id: UUID | None
    template_key: str | None
    message_id: str | None
    resend_id: str | None
    from_email: str | None
    to_email: str | None
    subject: str | None
    category: str | None
    status: str
    detail: str
    reason: str | None
    user_id: str | None
    contact_id: UUID
    journey_id: str | None
    due_at: InstantView | None
    sent_at: InstantView | None
    delivered_at: InstantView | None
    opened_at: InstantView | None
    clicked_at: InstantView | None
    bounced_at: InstantView | None
    complained_at: InstantView | None
    created_at: InstantView
    updated_at: InstantView | None


class ActivityView(View):
    """An open, a click, or an attempt to hand an email over."""

    type: str
    timestamp: str
    url: str | None = None
    verdict: str | None = None
    reply: str | None = None


class TrackedLinkView(View):
    """A link of an email; `clicks` leaves out those by machines."""

    id: int
    original_url: str
    click_count: int
    clicks: int


class AttachmentView(View):
    """A file of an email."""

    filename: str
    content_type: str
    size: int


class SendDetailView(View):
    """An email with its attempts, its opens and clicks, and what it has besides."""

    email: SendView
    events: list[ActivityView]
    tracked_links: list[TrackedLinkView]
    attempts: list[AttemptView]
    props: dict[str, Any]
    attachments: list[AttachmentView]
    cc: list[str]
    bcc: list[str]
    original_id: UUID | None
    resends: list[UUID]


class SendsQuery(PageQuery):
    """Which emails to list."""

    to_email: str = Field("", max_length=320, description="Those to an address.")
    template_key: str = Field("", max_length=100, description="Those of a template.")
    status: str = Field("", max_length=20, description="Those in a state of the ledger.")
    journey_id: str = Field("", max_length=100, description="Those of a journey.")
    user_id: str = Field("", max_length=330, description="Those to one contact.")
    # `from` is a word of the language.
    since: Instant = Field("", alias="from", description="Those created then or later.")
    until: Instant = Field("", alias="to", description="Those created before.")


class SendsPage(PageView):
    """A page of emails."""

    emails: list[SendView]


class ResendAnswer(View):
    """The new email."""

    email_send_id: UUID
    original_id: UUID


class StatusAnswer(View):
    """An email and its state after an act."""

    email_send_id: UUID
    detail: str


class ResolveBody(Body):
    """What is known about an email in doubt."""

    sent: bool


SEND_ID = "01a20364-0bb6-73eb-9330-0f5a70953204"
EXAMPLE: dict[str, Any] = {
    "id": SEND_ID,
    "journeyStateId": None,
    "templateKey": "password-reset",
    "messageId": "4bD3xQ",
    "resendId": "4bD3xQ",
    "fromEmail": "hello@example.com",
    "toEmail": "ada@example.com",
    "subject": "Reset your password",
    "category": "transactional",
    "status": "sent",
    "detail": "sent",
    "reason": None,
    "userId": "ada",
    "contactId": "01a20364-0b6e-72a7-b294-d14dbb994441",
    "journeyId": None,
    "dueAt": None,
    "sentAt": "2026-05-04T09:00:01.200Z",
    "deliveredAt": None,
    "openedAt": None,
    "clickedAt": None,
    "bouncedAt": None,
    "complainedAt": None,
    "createdAt": "2026-05-04T09:00:00.000Z",
    "updatedAt": "2026-05-04T09:00:01.200Z",
}
EXAMPLE_DETAIL: dict[str, Any] = {
    "email": EXAMPLE,
    "events": [{"type": "accepted", "timestamp": "2026-05-04T09:00:01.200Z", "reply": "250 Ok"}],
    "trackedLinks": [],
    "attempts": [{"at": "2026-05-04T09:00:01.200Z", "outcome": "accepted", "reply": "250 Ok"}],
    "props": {"name": "Ada", "url": "•••"},
    "attachments": [{"filename": "terms.pdf", "contentType": "application/pdf", "size": 20480}],
    "cc": [],
    "bcc": [],
    "originalId": None,
    "resends": [],
}


@routes.route(
    "GET",
    "/v1/admin/emails",
    scope="read",
    query=SendsQuery,
    answers={
        200: Answer(SendsPage, "The emails.", {"emails": [EXAMPLE], "limit": 50, "offset": 0})
    },
)
async def list_all(call: ApiCall[SendsQuery, None]) -> SendsPage:
    """Return emails, newest first, those that were refused included.

    A page with several filters may have few emails and still a `nextCursor`.
    """
    query = call.query
    filters = SendFilter(
        status=query.status,
        journey_id=query.journey_id,
        template=query.template_key,
        to_email=query.to_email,
        user_id=query.user_id,
        since=datetime.fromisoformat(query.since) if query.since else None,
        until=datetime.fromisoformat(query.until) if query.until else None,
    )
    result = await list_sends(
        call.context,
        call.actor,
        filters,
        before=parse_cursor(query.cursor),
        offset=query.skipped,
        limit=query.limit,
    )
    views = [_build_view(send, result.contacts.get(send.contact_id)) for send in result.sends]
    return SendsPage(emails=views, **describe_page(query, str(result.next_before or "")))


@routes.route(
    "GET",
    "/v1/admin/emails/<send_id>",
    scope="read",
    answers={200: Answer(SendDetailView, "The email.", EXAMPLE_DETAIL)},
    errors=(404,),
)
async def show(call: ApiCall[NoQuery, None]) -> SendDetailView:
    """Return an email with its attempts, opens, clicks, props and files."""
    return _build_detail(await get_send(call.context, call.actor, _read_id(call)))


@routes.route(
    "POST",
    "/v1/admin/emails/<send_id>/resend",
    scope="journey-admin",
    answers={
        200: Answer(
            ResendAnswer,
            "The new email is queued.",
            {"emailSendId": "01a20364-0bdc-7194-8b6c-cfccf1a0cb37", "originalId": SEND_ID},
        )
    },
    errors=(404, 409),
)
async def send_again(call: ApiCall[NoQuery, None]) -> ResendAnswer:
    """Send an email again that was sent, has failed or has bounced, as a new email."""
    send_id = _read_id(call)
    new_id = await resend(call.context, call.actor, send_id)
    return ResendAnswer(email_send_id=new_id, original_id=send_id)


@routes.route(
    "POST",
    "/v1/admin/emails/<send_id>/cancel",
    scope="journey-admin",
    answers={
        200: Answer(
            StatusAnswer, "It is cancelled.", {"emailSendId": SEND_ID, "detail": "cancelled"}
        )
    },
    errors=(404, 409),
)
async def cancel(call: ApiCall[NoQuery, None]) -> StatusAnswer:
    """Cancel an email that has not left."""
    send_id = _read_id(call)
    await cancel_send(call.context, call.actor, send_id)
    return StatusAnswer(email_send_id=send_id, detail="cancelled")


@routes.route(
    "POST",
    "/v1/admin/emails/<send_id>/retry",
    scope="journey-admin",
    answers={
        200: Answer(StatusAnswer, "It is made again.", {"emailSendId": SEND_ID, "detail": "queued"})
    },
    errors=(404, 409),
)
async def retry(call: ApiCall[NoQuery, None]) -> StatusAnswer:
    """Make a blocked email again, from its template as it is now."""
    send_id = _read_id(call)
    await retry_blocked(call.context, call.actor, send_id)
    return StatusAnswer(email_send_id=send_id, detail="queued")


@routes.route(
    "POST",
    "/v1/admin/emails/<send_id>/resolve",
    scope="journey-admin",
    body=ResolveBody,
    body_example={"sent": True},
    answers={
        200: Answer(StatusAnswer, "It is recorded.", {"emailSendId": SEND_ID, "detail": "sent"})
    },
    errors=(404, 409),
)
async def resolve(call: ApiCall[NoQuery, ResolveBody]) -> StatusAnswer:
    """Record whether an email in doubt was sent; one that was not can be resent."""
    send_id, was_sent = _read_id(call), call.body.sent
    await resolve_doubt(call.context, call.actor, send_id, was_sent=was_sent)
    return StatusAnswer(email_send_id=send_id, detail="sent" if was_sent else "failed")


def _read_id(call: ApiCall[Any, Any]) -> UUID:
    return parse_path_id(call.values["send_id"], "Email")


def _build_view(send: Send, contact: Contact | None, from_email: str | None = None) -> SendView:
    has_ended = {"bounced": send.updated_at, "complained": send.updated_at}
    return SendView(
        id=send.id,
        journey_state_id=send.enrollment_id,
        template_key=send.template or None,
        message_id=send.provider_id,
        resend_id=send.provider_id,
        from_email=from_email,
        to_email=send.to_email,
        subject=send.subject,
        category=send.list_id,
        status=_STATUSES.get(send.status, send.status),
        detail=send.status,
        reason=send.reason,
        user_id=contact.key if contact else None,
        contact_id=send.contact_id,
        journey_id=send.journey_id,
        due_at=send.due_at,
        sent_at=send.sent_at,
        delivered_at=send.delivered_at,
        opened_at=send.opened_at,
        clicked_at=send.clicked_at,
        bounced_at=has_ended["bounced"] if send.status == "bounced" else None,
        complained_at=has_ended["complained"] if send.status == "complained" else None,
        created_at=send.created_at,
        updated_at=send.updated_at,
    )


def _build_detail(detail: SendDetail) -> SendDetailView:
    send, mail, direct = detail.send, detail.mail, detail.direct
    attempts = build_attempts(send)
    return SendDetailView(
        email=_build_view(send, detail.contact, mail.from_email if mail else None),
        events=_build_activity(detail, attempts),
        tracked_links=_build_links(detail),
        attempts=attempts,
        props=dict(send.props),
        attachments=[
            AttachmentView(filename=file.filename, content_type=file.content_type, size=file.size)
            for file in detail.attachments
        ],
        cc=[address for _, address in direct.cc] if direct else [],
        bcc=[address for _, address in direct.bcc] if direct else [],
        original_id=send.original_id,
        resends=list(detail.resends),
    )


def _build_activity(detail: SendDetail, attempts: list[AttemptView]) -> list[ActivityView]:
    activity = [
        ActivityView(type=attempt.outcome, timestamp=attempt.at, reply=attempt.reply)
        for attempt in attempts
    ]
    for hit in reversed(detail.engagement):
        kind = "opened" if hit.kind == "open" else "clicked"
        fields = {"url": hit.url} if hit.url else {}
        at = format_instant(hit.at)
        activity.append(ActivityView(type=kind, timestamp=at, verdict=hit.verdict, **fields))
    return activity


def _build_links(detail: SendDetail) -> list[TrackedLinkView]:
    clicks = [hit for hit in detail.engagement if hit.kind == "click"]
    urls = dict.fromkeys(detail.mail.links if detail.mail else ())
    return [
        TrackedLinkView(
            id=number,
            original_url=url,
            click_count=sum(click.url == url for click in clicks),
            clicks=sum(click.url == url and click.verdict != "machine" for click in clicks),
        )
        for number, url in enumerate(urls)
    ]
