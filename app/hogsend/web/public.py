"""Pages for recipients: unsubscribe, preferences, and an email in the browser.

They need no account and set no cookie. GET and HEAD change nothing, so a scanner that follows every
link unsubscribes no one.
"""

from __future__ import annotations

from quart import Blueprint, Response, jsonify, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from ..errors import InvalidInput
from ..services import consent
from ..services.consent import EVERYTHING, Recipient
from ..services.sends import get_mail_for_recipient
from .admin.mail_parts import parse_mail, respond_with_mail
from .pages import add_security_headers, get_content, get_context, read_form, render_page
from .session import WebResponse

blueprint = Blueprint("public", __name__)


@blueprint.after_request
async def _harden(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return add_security_headers(response, private=False)


# -- unsubscribe ----------------------------------------------------------------------------------


@blueprint.get("/u/<token>")
async def show_unsubscribe(token: str) -> WebResponse:
    """Show one button; opening the page changes nothing."""
    return _render_unsubscribe_page(await consent.open_unsubscribe(get_context(), token), token)


@blueprint.post("/u/<token>")
async def unsubscribe(token: str) -> WebResponse:
    """Unsubscribe at once (RFC 8058 §3.2): no cookie, no question, no redirect."""
    # A body is read only for a valid link.
    consent.check_unsubscribe_token(get_context(), token)
    form = await _read_form()
    undo, from_everything = form.get("action") == "undo", form.get("scope") == "everything"
    recipient = await consent.unsubscribe(
        get_context(), token, from_everything=from_everything, undo=undo
    )
    if undo:
        return _render_unsubscribe_page(recipient, token, is_undone=True)
    left = EVERYTHING if from_everything else recipient.mail_list.id
    return _render_unsubscribe_page(recipient, token, left=left)


@blueprint.get("/v1/email/unsubscribe")
async def show_unsubscribe_by_query() -> WebResponse:
    """Show the same page at the URL that emails of other Hogsend versions carry."""
    return await show_unsubscribe(_read_query_token())


@blueprint.post("/v1/email/unsubscribe")
async def unsubscribe_by_query() -> WebResponse:
    """Unsubscribe by the URL that emails of other Hogsend versions carry."""
    return await unsubscribe(_read_query_token())


def _render_unsubscribe_page(
    recipient: Recipient, token: str, *, left: str = "", is_undone: bool = False
) -> WebResponse:
    """Render the page.

    Args:
        recipient: who opened it.
        token: from the link.
        left: the list that the recipient has just left; `*` for everything, empty for none.
        is_undone: whether the recipient has just subscribed again.
    """
    return render_page(
        "public/unsubscribe.html",
        mail_list=recipient.mail_list,
        email=mask_email(recipient.contact.email),
        action=f"/u/{token}",
        preferences=f"/p/{consent.create_preferences_token(get_context(), recipient)}",
        is_subscribed=recipient.is_subscribed,
        has_stopped_everything=recipient.has_stopped_everything,
        left=left,
        is_undone=is_undone,
    )


# -- preferences ----------------------------------------------------------------------------------


@blueprint.get("/p/<token>")
async def show_preferences(token: str) -> WebResponse:
    """Show every list with a switch; a script gets the stored state as JSON."""
    recipient = await consent.open_preferences(get_context(), token)
    if _wants_json():
        return _describe_choices(recipient)
    return _render_preferences_page(recipient, token, is_saved=request.args.get("saved") == "1")


@blueprint.post("/p/<token>")
async def save_preferences(token: str) -> WebResponse:
    """Save the switches that the recipient changed, and nothing else."""
    consent.check_preferences_token(get_context(), token)
    changes = _read_changes(await _read_form())
    recipient = await consent.save_preferences(get_context(), token, changes)
    if _wants_json():
        return _describe_choices(recipient)
    return redirect(f"/p/{token}?saved=1", 303)


def _wants_json() -> bool:
    return request.headers.get("Accept") == "application/json"


def _describe_choices(recipient: Recipient) -> WebResponse:
    """Return what is stored, which the page shows after each tap of a switch."""
    choices = consent.list_choices(get_content().registry.lists, recipient.choices)
    response = jsonify(
        lists={choice.list.id: choice.is_chosen for choice in choices},
        hasStoppedEverything=recipient.has_stopped_everything,
    )
    response.headers["Vary"] = "Accept"
    return response


def _read_changes(form: MultiDict[str, str]) -> dict[str, bool]:
    """Return what the recipient switched, compared with what the page showed.

    The page may be old: what was changed elsewhere since then must not be reverted.
    """
    if form.get("action") == "stop":
        return {EVERYTHING: False}
    if form.get("action") == "resume":
        return {EVERYTHING: True}
    checked = set(form.getlist("list"))
    changes = {list_id: True for list_id in checked.intersection(form.getlist("off"))}
    changes.update({list_id: False for list_id in form.getlist("on") if list_id not in checked})
    # Everything has buttons of its own; it is not one of the switches.
    changes.pop(EVERYTHING, None)
    return changes


@blueprint.get("/v1/email/preferences")
async def show_preferences_by_query() -> WebResponse:
    """Show the same page at the URL that emails of other Hogsend versions carry."""
    return await show_preferences(_read_query_token())


@blueprint.post("/v1/email/preferences")
async def save_preferences_by_query() -> WebResponse:
    """Save the switches at the URL that emails of other Hogsend versions carry."""
    return await save_preferences(_read_query_token())


def _render_preferences_page(recipient: Recipient, token: str, *, is_saved: bool) -> WebResponse:
    return render_page(
        "public/preferences.html",
        choices=consent.list_choices(get_content().registry.lists, recipient.choices),
        email=mask_email(recipient.contact.email),
        action=f"/p/{token}",
        has_stopped_everything=recipient.has_stopped_everything,
        is_saved=is_saved,
    )


# -- an email in the browser ----------------------------------------------------------------------


@blueprint.get("/m/<token>")
async def view_mail(token: str) -> WebResponse:
    """Show an email in the browser, as it was sent."""
    mail = await get_mail_for_recipient(get_context(), token)
    return respond_with_mail(parse_mail(mail.raw).page, has_working_links=True)


def _read_query_token() -> str:
    token = request.args.get("token")
    if not token:
        raise InvalidInput("This link is incomplete.", "Open it from the email again.")
    return token


async def _read_form() -> MultiDict[str, str]:
    """Return the posted form; one that cannot be read counts as empty, the POST itself decides."""
    try:
        return await read_form()
    except BadRequest:
        return MultiDict()


def mask_email(email: str | None) -> str:
    """Return an address that its owner recognises and no one else can use: `a…@example.com`."""
    if not email:
        return "this address"
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}"
