"""What recipients see: unsubscribe, preferences, a mail in the browser. No account, no cookie.

GET and HEAD never change anything, so a scanner that follows every link unsubscribes nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from quart import Blueprint, Response, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from ..delivery.tokens import RecipientToken
from ..domain.contact import Contact
from ..domain.incoming import IncomingEvent
from ..domain.journey import EVERYTHING, MailList
from ..domain.send_policy import Consents
from ..errors import InvalidInput, NotFound
from ..store import consents, contacts, sends
from .admin.mail_parts import framed, take_apart
from .auth import Answer
from .pages import context, harden, page, posted

blueprint = Blueprint("public", __name__)


@blueprint.after_request
async def _harden(answer: Response) -> Response:
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex"
    return harden(answer, private=False)


@blueprint.get("/u/<token>")
async def unsubscribe_page(token: str) -> Answer:
    """Show one button; looking changes nothing."""
    return await _unsubscribe_page(_known(context().tokens.read_unsubscribe(token)), token)


@blueprint.post("/u/<token>")
async def unsubscribe(token: str) -> Answer:
    """Unsubscribe at once (RFC 8058 §3.2): no cookie, no question, no redirect."""
    found = _known(context().tokens.read_unsubscribe(token))
    form = await _form()
    contact = await _contact(found.contact_id)
    undo = form.get("action") == "undo"
    scope = EVERYTHING if form.get("scope") == "everything" else found.list_id
    await _say(contact.id, {scope: undo}, found.send_id)
    if undo:
        return await _unsubscribe_page(found, token, undone=True)
    return await _unsubscribe_page(found, token, scope=scope)


@blueprint.get("/v1/email/unsubscribe")
async def unsubscribe_by_query() -> Answer:
    """The address that mails of other Hogsend versions carry."""
    return await unsubscribe_page(_token())


@blueprint.post("/v1/email/unsubscribe")
async def unsubscribe_by_query_now() -> Answer:
    """One click at the address that mails of other Hogsend versions carry."""
    return await unsubscribe(_token())


async def _unsubscribe_page(
    found: RecipientToken, token: str, *, scope: str | None = None, undone: bool = False
) -> Answer:
    contact = await _contact(found.contact_id)
    said = await _said(contact.id)
    mail_list = _list(found.list_id)
    return page(
        "public/unsubscribe.html",
        mail_list=mail_list,
        email=masked(contact.email),
        action=f"/u/{token}",
        preferences=_preferences_path(found),
        subscribed=said.gets(mail_list),
        stopped_everything=said.stopped_everything,
        done=scope,
        undone=undone,
    )


@blueprint.get("/p/<token>")
async def preferences_page(token: str) -> Answer:
    """Show every list with a switch."""
    return await _preferences_page(token, saved=request.args.get("saved") == "1")


@blueprint.post("/p/<token>")
async def save_preferences(token: str) -> Answer:
    """Save the switches; exactly what was changed, nothing more."""
    found = _known(context().tokens.read_preferences(token))
    contact = await _contact(found.contact_id)
    changes = _changes(await _form())
    if changes:
        await _say(contact.id, changes, found.send_id)
    if request.headers.get("HX-Request") == "true":
        return await _preferences_page(token, saved=True)
    return redirect(f"/p/{token}?saved=1", 303)


def _changes(form: MultiDict[str, str]) -> dict[str, bool]:
    """Return what the recipient switched, against what the page showed: the page may be old, and
    nothing that was changed elsewhere meanwhile may be taken back by it."""
    if form.get("action") == "stop":
        return {EVERYTHING: False}
    if form.get("action") == "resume":
        return {EVERYTHING: True}
    wanted = set(form.getlist("list"))
    changes = {list_id: True for list_id in wanted.intersection(form.getlist("off"))}
    changes.update({list_id: False for list_id in form.getlist("on") if list_id not in wanted})
    known = context().registry.lists
    return {
        list_id: subscribed
        for list_id, subscribed in changes.items()
        if list_id in known and not known[list_id].transactional
    }


@blueprint.get("/v1/email/preferences")
async def preferences_by_query() -> Answer:
    """The address that mails of other Hogsend versions carry."""
    return await preferences_page(_token())


@blueprint.post("/v1/email/preferences")
async def save_preferences_by_query() -> Answer:
    """The same switches at the address that mails of other Hogsend versions carry."""
    return await save_preferences(_token())


async def _preferences_page(token: str, *, saved: bool) -> Answer:
    found = _known(context().tokens.read_preferences(token))
    contact = await _contact(found.contact_id)
    said = await _said(contact.id)
    rows = [
        {
            "list": mail_list,
            "subscribed": mail_list.transactional
            or said.said.get(mail_list.id, mail_list.default_opt_in),
        }
        for mail_list in context().registry.lists.values()
    ]
    return page(
        "public/preferences.html",
        rows=rows,
        email=masked(contact.email),
        action=f"/p/{token}",
        stopped_everything=said.stopped_everything,
        saved=saved,
    )


@blueprint.get("/m/<token>")
async def view_mail(token: str) -> Answer:
    """Show a mail in the browser, as it was sent."""
    send_id = context().tokens.read_view(token)
    mail = await context().database.read_one(sends.mail_of(send_id)) if send_id else None
    if mail is None:
        raise NotFound("This mail is not kept any more.", "It is only shown for a limited time.")
    return framed(take_apart(mail.raw).html, links_work=True)


def _token() -> str:
    token = request.args.get("token")
    if not token:
        raise InvalidInput("The address has no token.", "Open it from the mail once more.")
    return token


async def _form() -> MultiDict[str, str]:
    """Return the form that was sent; what cannot be read is empty, for the POST itself says it."""
    try:
        return await posted()
    except BadRequest:
        return MultiDict()


def masked(email: str | None) -> str:
    """Return an address that its owner recognises and nobody else can use: `a…@example.com`."""
    if not email:
        return "this address"
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}"


def _known(found: RecipientToken | None) -> RecipientToken:
    if found is None:
        raise NotFound("This link is not complete.", "Open it from the mail once more.")
    return found


async def _contact(contact_id: UUID) -> Contact:
    """Return the contact of a token, or who they were merged into."""
    survivor = await context().database.read_one(contacts.survivor_of(contact_id))
    contact = await context().database.read_one(contacts.find(survivor or contact_id))
    if contact is None:
        raise NotFound("Nobody is known by this link any more.", "No mail will be sent to it.")
    return contact


async def _said(contact_id: UUID) -> Consents:
    found: Mapping[UUID, Consents] = await context().database.read_one(
        consents.of_contacts([contact_id])
    )
    return found.get(contact_id) or Consents()


def _list(list_id: str) -> MailList:
    return context().ingest.rules.list(list_id)


def _preferences_path(found: RecipientToken) -> str:
    token = context().tokens.preferences(found.contact_id, found.list_id, found.send_id)
    return f"/p/{token}"


async def _say(contact_id: UUID, changes: Mapping[str, bool], send_id: UUID | None) -> None:
    """Let a change of consent come in like every other fact."""
    left = not any(changes.values())
    properties: dict[str, Any] = {
        "scope": "all" if EVERYTHING in changes else "category",
        "lists": dict(changes),
    }
    if send_id is not None:
        properties["sendId"] = str(send_id)
    await context().ingest.submit(
        IncomingEvent(
            name="contact.unsubscribed" if left else "contact.preferences_changed",
            contact_id=contact_id,
            properties=properties,
            lists=changes,
            source="recipient",
            send_id=send_id,
        )
    )
