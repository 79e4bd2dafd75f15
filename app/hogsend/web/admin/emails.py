"""Emails: the ledger, and one email with its attempts, its rendering and its engagement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from quart import Response, request

from ...services.blocked_mails import list_blocked_groups, retry_all_blocked, retry_blocked
from ...services.send_actions import cancel_send, list_send_actions, resend, resolve_doubt
from ...services.sends import (
    STATUSES,
    EngagementRecord,
    SendFilter,
    get_attachment,
    get_rendered_mail,
    get_send,
    list_sends,
)
from ..pages import get_content, get_context, read_form, render_page
from ..session import WebResponse
from .base import (
    FORM_ERRORS,
    PAGE_SIZE,
    blueprint,
    build_url,
    get_actor,
    parse_id,
    read_before_id,
    redirect_with_notice,
)
from .mail_parts import parse_mail, respond_with_mail

# No email has so many files; a greater number is none that a database takes.
MAX_POSITION = 1000
# The notice that confirms each action.
_NOTICES = {
    "retry": "email-retried",
    "cancel": "email-cancelled",
    "resend": "resent",
    "sent": "email-resolved",
    "not-sent": "email-resolved",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to hand an email to the provider.

    Args:
        at: when.
        outcome: how it ended.
        reply: the provider's reply.
    """

    at: datetime
    outcome: str
    reply: str


@dataclass(frozen=True, slots=True)
class LinkClicks:
    """A link of an email, and how often people and machines clicked it."""

    url: str
    people: int
    machines: int


@blueprint.get("/emails")
async def list_emails() -> WebResponse:
    """Show the ledger, newest first, refused emails with their reasons included."""
    query = request.args
    status = query.get("status", "") if query.get("status") in STATUSES else ""
    journey_id = query.get("journey", "").strip()[:100]
    template = query.get("template", "").strip()[:100]
    to_email = query.get("to", "").strip()[:320]
    result = await list_sends(
        get_context(),
        get_actor(),
        SendFilter(status=status, journey_id=journey_id, template=template, to_email=to_email),
        before=read_before_id(),
        limit=PAGE_SIZE,
    )
    blocked = await list_blocked_groups(get_context(), get_actor()) if status == "blocked" else ()
    filters = {"status": status, "journey": journey_id, "template": template, "to": to_email}
    return render_page(
        "admin/emails.html",
        sends=result.sends,
        contacts=result.contacts,
        status_filter=status,
        blocked=blocked,
        statuses=STATUSES,
        journey_id=journey_id,
        template_filter=template,
        templates=sorted(get_content().template_lists),
        to_filter=to_email,
        journeys=get_content().registry.journeys,
        older=build_url("/emails", **filters, before=result.next_before)
        if result.next_before
        else "",
        newest=build_url("/emails", **filters) if read_before_id() else "",
    )


@blueprint.get("/emails/<send_id>")
async def show_email(send_id: str) -> WebResponse:
    """Show one email: its status and why, the provider's replies, the mail, and who clicked."""
    return await _render_email(send_id)


async def _render_email(send_id: str, *, problem: str = "", status: int = 200) -> WebResponse:
    detail = await get_send(get_context(), get_actor(), parse_id(send_id, "email"))
    send, mail, registry = detail.send, detail.mail, get_content().registry
    return render_page(
        "admin/email.html",
        status=status,
        problem=problem,
        send=send,
        actions=list_send_actions(send),
        blocked=detail.blocked,
        resends=detail.resends,
        contact=detail.contact,
        on_behalf_of=detail.on_behalf_of,
        direct=detail.direct,
        attachments=detail.attachments,
        journeys=registry.journeys,
        mail_list=registry.lists.get(send.list_id),
        attempts=[_read_attempt(attempt) for attempt in send.attempts],
        mail=parse_mail(mail.raw) if mail else None,
        sender=mail.from_email if mail else "",
        links=_count_clicks(mail.links if mail else (), detail.engagement),
        engagement=detail.engagement,
        view=request.args.get("view", "html"),
    )


@blueprint.post("/emails/<send_id>/<any(retry, cancel, resend, sent, 'not-sent'):act>")
async def act_on_email(send_id: str, act: str) -> WebResponse:
    """Make a blocked email again, cancel one, resend one, or say whether one in doubt was sent."""
    context, actor, email_id = get_context(), get_actor(), parse_id(send_id, "email")
    try:
        if act == "resend":
            email_id = await resend(context, actor, email_id)
        elif act == "cancel":
            await cancel_send(context, actor, email_id)
        elif act in ("sent", "not-sent"):
            await resolve_doubt(context, actor, email_id, was_sent=act == "sent")
        else:
            await retry_blocked(context, actor, email_id)
    except FORM_ERRORS as error:
        return await _render_email(send_id, problem=str(error), status=409)
    return redirect_with_notice(f"/emails/{email_id}", _NOTICES[act])


@blueprint.post("/emails/retry")
async def retry_blocked_emails() -> WebResponse:
    """Make the blocked emails of a template, or those with a reason, again."""
    form = await read_form()
    template, reason = form.get("template", "")[:100], form.get("reason", "")[:200]
    await retry_all_blocked(get_context(), get_actor(), template=template, reason=reason)
    return redirect_with_notice("/emails", "emails-retried")


def _read_attempt(stored: Mapping[str, Any]) -> Attempt:
    return Attempt(
        datetime.fromisoformat(str(stored["at"])),
        str(stored.get("outcome", "")).replace("_", " "),
        str(stored.get("reply", "")),
    )


def _count_clicks(urls: Sequence[str], engagement: Sequence[EngagementRecord]) -> list[LinkClicks]:
    clicks = [record for record in engagement if record.kind == "click"]
    return [
        LinkClicks(
            url,
            sum(click.url == url and click.verdict != "machine" for click in clicks),
            sum(click.url == url and click.verdict == "machine" for click in clicks),
        )
        for url in dict.fromkeys(urls)
    ]


@blueprint.get("/emails/<send_id>/attachments/<position>")
async def download_attachment(send_id: str, position: str) -> Response:
    """Download a file of an email; it is never shown in the browser."""
    email_id = parse_id(send_id, "email")
    number = int(position) if position.isascii() and position.isdigit() else -1
    file = await get_attachment(get_context(), get_actor(), email_id, min(number, MAX_POSITION))
    response = Response(file.content, content_type="application/octet-stream")
    name = quote(file.filename, safe="")
    response.headers["Content-Disposition"] = f"attachment; filename*=utf-8''{name}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@blueprint.get("/emails/<send_id>/html")
async def serve_email_html(send_id: str) -> Response:
    """Serve an email's HTML to its frame; this records neither an open nor clicks."""
    mail = await get_rendered_mail(get_context(), get_actor(), parse_id(send_id, "email"))
    return respond_with_mail(parse_mail(mail.raw).page, has_working_links=False)
