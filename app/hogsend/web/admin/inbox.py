"""The inbox: mail that was captured instead of sent, as its recipient would see it."""

from __future__ import annotations

from quart import Response, request

from ...store import inbox as store
from ...store import sends
from ...store.inbox import CapturedMail
from ...store.read_models import inbox as screen
from ..auth import Answer
from ..pages import context, now, page
from . import mail_parts
from .base import PAGE_SIZE, address, back, blueprint, change, cursor, id_from, missing


@blueprint.get("/inbox")
async def list_inbox() -> Answer:
    """Show captured mails, newest first."""
    to = request.args.get("to", "").strip().lower()
    found = await context().database.read_one(screen.page(PAGE_SIZE + 1, cursor(), to))
    older = (
        address("/inbox", to=to, before=found[PAGE_SIZE - 1].send_id) if found[PAGE_SIZE:] else ""
    )
    return page(
        "admin/inbox.html",
        mails=found[:PAGE_SIZE],
        to=to,
        older=older,
        newest=address("/inbox", to=to) if cursor() else "",
        provider=context().settings.mail.partition(":")[0],
    )


async def _captured(send_id: str) -> CapturedMail:
    found = await context().database.read_one(store.one(id_from(send_id, "mail")))
    if found is None:
        raise missing("mail")
    return found


@blueprint.get("/inbox/<send_id>")
async def show_captured(send_id: str) -> Answer:
    """Show one captured mail; the first look marks it as read."""
    current = context()
    found = await _captured(send_id)
    if found.entry.read_at is None:
        async with current.database.transaction() as transaction:
            await transaction.apply([store.mark_read(found.entry.send_id, now())])
    ledger = await current.database.read_one(sends.by_ids([found.entry.send_id]))
    return page(
        "admin/captured.html",
        entry=found.entry,
        mail=mail_parts.take_apart(found.raw),
        send=ledger.get(found.entry.send_id),
        view=request.args.get("view", "html"),
    )


@blueprint.get("/inbox/<send_id>/html")
async def captured_html(send_id: str) -> Response:
    """Give a captured mail's HTML to its frame; its links work and its opening counts."""
    found = await _captured(send_id)
    return mail_parts.framed(mail_parts.take_apart(found.raw).html, links_work=True)


@blueprint.post("/inbox/clear")
async def clear_inbox() -> Answer:
    """Throw all captured mails away; the ledger keeps its record of them."""
    await change([store.clear()], "clear", "/inbox", "inbox")
    return back("/inbox", "cleared")
