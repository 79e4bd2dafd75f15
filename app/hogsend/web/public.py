"""Pages for recipients: unsubscribe, preferences, and an email in the browser.

They need no account and set no cookie. GET and HEAD change nothing, so a scanner that follows every
link unsubscribes no one.
"""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, current_app, g, jsonify, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from ..domain.languages import LANGUAGES, resolve_language
from ..errors import InvalidInput
from ..services import consent
from ..services.consent import EVERYTHING, Recipient
from ..services.page_forms import FormGuard, SubmittedForm, sign_form
from ..services.sends import get_mail_for_recipient
from .admin.mail_parts import parse_mail, respond_with_mail
from .pages import (
    add_security_headers,
    get_content,
    get_context,
    get_language,
    get_texts,
    read_form,
    render_page,
)
from .session import WebResponse

# The fields of the pages' forms, none of which the header's POST has.
_FORM_FIELDS = {"action", "scope", "on", "off", "list", "language"}
_MAX_FIELDS = 1000

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
    """Unsubscribe at once (RFC 8058 §3.2): no cookie, no question, no redirect.

    The page's own form has further fields; it is judged, because scanners submit it too.
    """
    # A body is read only for a valid link.
    consent.check_unsubscribe_token(get_context(), token)
    form = await _read_form()
    is_header = form.get("List-Unsubscribe") == "One-Click" or not form.keys() & _FORM_FIELDS
    undo, from_everything = False, False
    if not is_header:
        undo, from_everything = form.get("action") == "undo", form.get("scope") == "everything"
        recipient = await consent.open_unsubscribe(get_context(), token)
        name = f"{'undo' if undo else 'unsubscribe'} {form.get('scope', '')}"
        if not _is_by_person(token, recipient, name):
            return _ask_again(recipient, f"/u/{token}", token, form)
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
    return _render(
        "public/unsubscribe.html",
        recipient,
        mail_list=recipient.mail_list,
        action=_build_action(f"/u/{token}", token),
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
    """Save what the recipient changed on the page, and nothing else."""
    consent.check_preferences_token(get_context(), token)
    form = await _read_form()
    recipient = await consent.open_preferences(get_context(), token)
    action = form.get("action", "")
    if not _is_by_person(token, recipient, action):
        if _wants_json():
            return _describe_choices(recipient, action=_build_action(f"/p/{token}", token, True))
        return _ask_again(recipient, f"/p/{token}", token, form)
    if action == "language":
        await consent.save_language(get_context(), token, form.get("language", ""))
    else:
        recipient = await consent.save_preferences(get_context(), token, _read_changes(form))
    if _wants_json():
        return _describe_choices(recipient)
    return redirect(f"/p/{token}?saved=1", 303)


def _wants_json() -> bool:
    return request.headers.get("Accept") == "application/json"


def _describe_choices(recipient: Recipient, *, action: str = "") -> WebResponse:
    """Return what is stored, which the page shows after each tap of a switch.

    Args:
        recipient: who tapped.
        action: where a tap is sent that is repeated because a program may have sent this one;
            empty when it was saved.
    """
    choices = consent.list_choices(get_content().registry.lists, recipient.choices)
    response = jsonify(
        lists={choice.list.id: choice.is_chosen for choice in choices},
        hasStoppedEverything=recipient.has_stopped_everything,
        **({"action": action} if action else {}),
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
    return _render(
        "public/preferences.html",
        recipient,
        choices=consent.list_choices(get_content().registry.lists, recipient.choices),
        action=_build_action(f"/p/{token}", token),
        has_stopped_everything=recipient.has_stopped_everything,
        is_saved=is_saved,
        languages=LANGUAGES,
    )


# -- the forms of both ----------------------------------------------------------------------------


def _render(template: str, recipient: Recipient, **values: Any) -> WebResponse:
    """Render a page in the recipient's language."""
    g.recipient_properties = recipient.contact.properties
    texts = get_texts()
    email = recipient.contact.email
    return render_page(
        template,
        t=texts,
        email=mask_email(email) if email else texts.this_address,
        list_language=resolve_language(recipient.contact.properties) or get_language(),
        **values,
    )


def _build_action(path: str, token: str, asks_again: bool | None = None) -> str:
    """Return where the forms of a page lead: to its path, with a signed token.

    Args:
        path: the path of the page.
        token: from the link.
        asks_again: whether the page asks to press a button again; None for a page that may follow
            such a question, whose answer then counts for this page too.
    """
    if asks_again is None:
        asks_again = bool(g.get("has_answered"))
    return f"{path}?form={sign_form(get_context(), token, asks_again=asks_again)}"


def _is_by_person(token: str, recipient: Recipient, name: str) -> bool:
    """Return whether a person submitted the form of the request.

    Args:
        token: from the link.
        recipient: who follows it.
        name: which form of the page.
    """
    guard: FormGuard = current_app.extensions.setdefault("form_guard", FormGuard(get_context()))
    agent = request.headers.get("User-Agent", "")
    form = SubmittedForm(f"{request.path[:3]} {name}", request.args.get("form", ""), agent)
    verdict = guard.judge(token, recipient, form)
    g.has_answered = verdict.has_answered
    return verdict.is_by_person


def _ask_again(
    recipient: Recipient, path: str, token: str, form: MultiDict[str, str]
) -> WebResponse:
    """Show a page with the same form and a question; nothing has changed."""
    fields = [(name, value) for name, value in form.items(multi=True) if name in _FORM_FIELDS]
    action = _build_action(path, token, asks_again=True)
    return _render("public/press_again.html", recipient, action=action, fields=fields[:_MAX_FIELDS])


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


def mask_email(email: str) -> str:
    """Return an address that its owner recognises and no one else can use: `a…@example.com`."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}"
