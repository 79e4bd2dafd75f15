"""Contacts: searched by what they are known by, and one with everything that concerns it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast
from urllib.parse import urlencode
from uuid import UUID

from quart import redirect, request

from ...domain.property_filter import FORMS
from ...errors import InvalidInput
from ...services.consent import EVERYTHING, change_consent, list_choices
from ...services.contact_changes import ContactChange, create_contact, edit_contact
from ...services.contact_search import (
    ContactList,
    ContactQuery,
    IdentityKind,
    Sort,
    is_cursor,
    search_contacts,
)
from ...services.contact_timeline import KINDS, EntryKind, is_timeline_cursor, list_timeline
from ...services.contacts import (
    find_contact,
    get_contact_detail,
    suppress_address,
    unsuppress_address,
)
from ...services.merging import merge_contacts, unmerge_contact
from ..pages import get_content, get_context, read_form, render_page
from ..session import WebResponse
from .base import (
    FORM_ERRORS,
    PAGE_SIZE,
    blueprint,
    build_url,
    get_actor,
    parse_id,
    redirect_with_notice,
)
from .contact_history import HISTORY_PAGE_SIZE, build_history
from .forms import parse_properties

# How many filters a URL may have; the service says how many are too many.
_MAX_WHERE = 10
_MAX_CURSOR_LENGTH = 500
# How many journeys and emails the page of a contact reads.
_MAX_ROWS = 100
# The kinds of entries that a page's history shows, by the name in the URL.
_SHOWN_KINDS: Mapping[str, Sequence[EntryKind]] = {
    "": KINDS,
    "events": ("event",),
    "journeys": ("journey", "journey_ended", "steps", "refusal"),
    "emails": ("email", "engagement"),
    "consent": ("consent", "suppression"),
    "merges": ("merge",),
}


@blueprint.get("/contacts")
async def show_contacts() -> WebResponse:
    """Show the contacts that a search, filters by property and an order select."""
    return await _render_contacts()


async def _render_contacts(*, problem: str = "", status: int = 200) -> WebResponse:
    arguments = request.args
    sort = arguments.get("sort", "-lastSeen")
    cursor = arguments.get("after", "")[:_MAX_CURSOR_LENGTH]
    if not is_cursor(cursor, sort):
        cursor = ""
    where = [text.strip() for text in arguments.getlist("where")[:_MAX_WHERE] if text.strip()]
    query = ContactQuery(
        text=arguments.get("q", "").strip()[:320],
        identity=cast("IdentityKind", arguments.get("identity", "all")),
        where=where,
        sort=cast("Sort", sort),
        limit=PAGE_SIZE,
        cursor=cursor,
    )
    error, page = "", ContactList([])
    try:
        page = await search_contacts(get_context(), get_actor(), query)
    except InvalidInput as refusal:
        error = f"{refusal.message} {refusal.remedy or ''}".strip()
    shown = {"q": query.text, "identity": query.identity, "sort": query.sort}
    defaults = {"identity": "all", "sort": "-lastSeen"}
    parameters = [(name, value) for name, value in shown.items() if value != defaults.get(name, "")]
    parameters += [("where", text) for text in where]
    return render_page(
        "admin/contacts.html",
        status=status,
        problem=problem,
        form={"person": "", "email": "", "properties": "", **await read_form()},
        page=page,
        query=query,
        error=error,
        is_filtered=bool(query.text or where or query.identity != "all"),
        older=_build_list_url([*parameters, ("after", page.next_cursor)])
        if page.next_cursor
        else "",
        newest=_build_list_url(parameters) if cursor else "",
        without=[
            (text, _build_list_url([pair for pair in parameters if pair != ("where", text)]))
            for text in where
        ],
        filter_forms=FORMS,
    )


def _build_list_url(parameters: Sequence[tuple[str, str]]) -> str:
    return f"/contacts?{urlencode(parameters)}" if parameters else "/contacts"


@blueprint.post("/contacts")
async def create_new_contact() -> WebResponse:
    """Create a contact."""
    form = await read_form()
    try:
        change = ContactChange(
            user_id=form.get("person", "").strip() or None,
            email=form.get("email", "").strip() or None,
            properties=parse_properties(form.get("properties", ""), "Properties"),
        )
        contact = await create_contact(get_context(), get_actor(), change)
    except FORM_ERRORS as error:
        return await _render_contacts(problem=str(error), status=400)
    return redirect_with_notice(_build_path(contact.id), "contact-created")


@blueprint.get("/contacts/<contact_id>")
async def show_contact(contact_id: str) -> WebResponse:
    """Show one contact: properties, consent, journeys, emails, and its history."""
    return await _render_contact(parse_id(contact_id, "contact"))


async def _render_contact(
    contact_id: UUID, *, problem: str = "", opened: str = "", status: int = 200
) -> WebResponse:
    """Return the page of a contact, with the problem of the form that is open, if one is."""
    context, actor = get_context(), get_actor()
    detail = await get_contact_detail(context, actor, contact_id, limit=_MAX_ROWS)
    contact = detail.contact
    if contact.id != contact_id:
        return redirect(_build_path(contact.id), 303)
    shown = request.args.get("show", "")
    cursor = request.args.get("before", "")[:200]
    if not is_timeline_cursor(cursor):
        cursor = ""
    timeline = await list_timeline(
        context,
        actor,
        contact.id,
        kinds=_SHOWN_KINDS.get(shown, KINDS),
        limit=HISTORY_PAGE_SIZE,
        cursor=cursor,
    )
    registry = get_content().registry
    everything = detail.consents.get(EVERYTHING)
    choices = {list_id: record.subscribed for list_id, record in detail.consents.items()}
    path, older = _build_path(contact.id), timeline.next_cursor
    stored = json.dumps(dict(contact.properties), indent=2, ensure_ascii=False)
    empty = {"other": "", "note": "", "force": ""}
    form = {**empty, "email": contact.email or "", "properties": stored, **await read_form()}
    return render_page(
        "admin/contact.html",
        status=status,
        detail=detail,
        contact=contact,
        choices=list_choices(registry.lists, choices),
        has_stopped_everything=everything is not None and not everything.subscribed,
        everything=everything,
        history=build_history(timeline, registry),
        shown=shown,
        shown_kinds=_SHOWN_KINDS,
        older=build_url(path, show=shown, before=older) if older else "",
        newest=build_url(path, show=shown) if cursor else "",
        journeys=registry.journeys,
        problem=problem,
        opened=opened,
        form=form,
        stored_properties=form.get("before", stored),
    )


@blueprint.post("/contacts/<contact_id>/edit")
async def save_contact(contact_id: str) -> WebResponse:
    """Change a contact's address and properties."""
    contact, form = parse_id(contact_id, "contact"), await read_form()
    try:
        before = parse_properties(form.get("before", ""), "Properties")
        after = parse_properties(form.get("properties", ""), "Properties")
        # What an event has changed since the page was opened stays. As JSON, true is not 1.
        changes = {
            name: value
            for name, value in after.items()
            if json.dumps(before.get(name)) != json.dumps(value)
        }
        changes |= dict.fromkeys(before.keys() - after.keys())
        email = form.get("email", "").strip()
        await edit_contact(
            get_context(), get_actor(), contact, email=email or None, properties=changes
        )
    except FORM_ERRORS as error:
        return await _render_contact(contact, problem=str(error), opened="edit", status=400)
    return redirect_with_notice(_build_path(contact), "contact-saved")


@blueprint.post("/contacts/<contact_id>/merge")
async def merge_contact(contact_id: str) -> WebResponse:
    """Merge another contact with this one."""
    contact, form = parse_id(contact_id, "contact"), await read_form()
    try:
        other = form.get("other", "").strip()
        if not other:
            raise InvalidInput("“Other contact” is empty.", "Enter a user ID or an email address.")
        second = await find_contact(get_context(), get_actor(), other[:320])
        survivor = await merge_contacts(
            get_context(),
            get_actor(),
            contact,
            second.id,
            force=form.get("force") == "1",
            note=form.get("note", ""),
        )
    except FORM_ERRORS as error:
        return await _render_contact(contact, problem=str(error), opened="merge", status=400)
    return redirect_with_notice(_build_path(survivor.id), "contacts-merged")


@blueprint.post("/contacts/<contact_id>/unmerge")
async def split_contact(contact_id: str) -> WebResponse:
    """Undo the merge of a contact into another one."""
    split = await unmerge_contact(get_context(), get_actor(), parse_id(contact_id, "contact"))
    notice = "contact-split-in-part" if split.stay_ended else "contact-split"
    return redirect_with_notice(_build_path(split.contact.id), notice)


@blueprint.post("/contacts/<contact_id>/consent")
async def save_consent(contact_id: str) -> WebResponse:
    """Subscribe a contact to a list, or unsubscribe it."""
    contact, form = parse_id(contact_id, "contact"), await read_form()
    list_id, subscribed = form.get("list", ""), form.get("subscribed") == "1"
    await change_consent(get_context(), get_actor(), contact, list_id, subscribed=subscribed)
    if list_id == EVERYTHING:
        notice = "resumed" if subscribed else "stopped"
    else:
        notice = "subscribed" if subscribed else "unsubscribed"
    return redirect_with_notice(_build_path(contact), notice)


@blueprint.post("/contacts/<contact_id>/suppress")
async def suppress_contact(contact_id: str) -> WebResponse:
    """Stop all email to a contact's address."""
    contact = parse_id(contact_id, "contact")
    await suppress_address(get_context(), get_actor(), contact)
    return redirect_with_notice(_build_path(contact), "suppressed")


@blueprint.post("/contacts/<contact_id>/unsuppress")
async def unsuppress_contact(contact_id: str) -> WebResponse:
    """Allow email to a contact's address again."""
    contact, form = parse_id(contact_id, "contact"), await read_form()
    await unsuppress_address(get_context(), get_actor(), contact, form.get("note", ""))
    return redirect_with_notice(_build_path(contact), "unsuppressed")


def _build_path(contact_id: UUID) -> str:
    return f"/contacts/{contact_id}"
