"""The inbox: mail that was captured instead of sent, as its recipient would see it."""

from __future__ import annotations

from quart import Response, request

from ...config.mail_setting import describe_mail
from ...services import inbox
from ..pages import get_context, render_page
from ..session import WebResponse
from .base import (
    PAGE_SIZE,
    blueprint,
    build_url,
    get_actor,
    parse_id,
    read_before_id,
    redirect_with_notice,
)
from .mail_parts import parse_mail, respond_with_mail


@blueprint.get("/inbox")
async def list_inbox() -> WebResponse:
    """Show captured mails, newest first."""
    to = request.args.get("to", "").strip().lower()
    mails = await inbox.list_mails(
        get_context(), get_actor(), to=to, before=read_before_id(), limit=PAGE_SIZE + 1
    )
    shown = mails[:PAGE_SIZE]
    return render_page(
        "admin/inbox.html",
        mails=shown,
        to=to,
        older=build_url("/inbox", to=to, before=shown[-1].send_id) if mails[PAGE_SIZE:] else "",
        newest=build_url("/inbox", to=to) if read_before_id() else "",
        provider=describe_mail(get_context().settings.mail),
    )


@blueprint.get("/inbox/<send_id>")
async def show_captured_mail(send_id: str) -> WebResponse:
    """Show one captured mail, which is read from now on unless a viewer opens it."""
    captured = await inbox.open_mail(get_context(), get_actor(), parse_id(send_id, "mail"))
    return render_page(
        "admin/captured_mail.html",
        entry=captured.entry,
        mail=parse_mail(captured.raw),
        send=captured.send,
        view=request.args.get("view", "html"),
    )


@blueprint.get("/inbox/<send_id>/html")
async def serve_captured_html(send_id: str) -> Response:
    """Serve a captured mail's HTML to its frame; its links work and its opening counts.

    Neither is so for a viewer.
    """
    actor = get_actor()
    captured = await inbox.open_mail(get_context(), actor, parse_id(send_id, "mail"))
    return respond_with_mail(
        parse_mail(captured.raw).html, has_working_links=actor.can_act_for_recipients
    )


@blueprint.post("/inbox/clear")
async def clear_inbox() -> WebResponse:
    """Delete all captured mails; the ledger keeps its record of them."""
    await inbox.clear_inbox(get_context(), get_actor())
    return redirect_with_notice("/inbox", "cleared")
