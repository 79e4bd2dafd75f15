"""Contacts: searched by what they are known by, and one with everything that concerns it."""

from __future__ import annotations

from uuid import UUID

from quart import redirect, request

from ...services.consent import EVERYTHING, change_consent, list_choices
from ...services.contacts import (
    get_contact_detail,
    list_contacts,
    search_contacts,
    unsuppress_address,
)
from ..pages import get_content, get_context, read_form, render_page
from ..session import WebResponse
from .base import PAGE_SIZE, blueprint, build_url, get_actor, parse_id, redirect_with_notice
from .contact_history import MAX_HISTORY_ENTRIES, build_history


@blueprint.get("/contacts")
async def show_contacts() -> WebResponse:
    """Show the contacts that were seen last, or those that a search finds."""
    text, cursor = request.args.get("q", "").strip()[:320], request.args.get("after", "")
    if text:
        result = await search_contacts(get_context(), get_actor(), text, limit=PAGE_SIZE)
    else:
        result = await list_contacts(get_context(), get_actor(), limit=PAGE_SIZE, cursor=cursor)
    older = build_url("/contacts", after=result.next_cursor) if result.next_cursor else ""
    return render_page(
        "admin/contacts.html",
        contacts=result.contacts,
        text=text,
        older=older,
        newest="/contacts" if cursor and not text else "",
        is_cut=result.is_cut,
    )


@blueprint.get("/contacts/<contact_id>")
async def show_contact(contact_id: str) -> WebResponse:
    """Show one contact: properties, consent, journeys, emails, and its history."""
    requested = parse_id(contact_id, "contact")
    detail = await get_contact_detail(
        get_context(), get_actor(), requested, limit=MAX_HISTORY_ENTRIES
    )
    if detail.contact.id != requested:
        return redirect(_build_path(detail.contact.id), 303)
    registry = get_content().registry
    everything = detail.consents.get(EVERYTHING)
    choices = {list_id: record.subscribed for list_id, record in detail.consents.items()}
    return render_page(
        "admin/contact.html",
        detail=detail,
        contact=detail.contact,
        choices=list_choices(registry.lists, choices),
        has_stopped_everything=everything is not None and not everything.subscribed,
        everything=everything,
        history=build_history(detail, registry),
        journeys=registry.journeys,
    )


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


@blueprint.post("/contacts/<contact_id>/unsuppress")
async def unsuppress_contact(contact_id: str) -> WebResponse:
    """Allow email to a contact's address again."""
    contact = parse_id(contact_id, "contact")
    await unsuppress_address(get_context(), get_actor(), contact)
    return redirect_with_notice(_build_path(contact), "unsuppressed")


def _build_path(contact_id: UUID) -> str:
    return f"/contacts/{contact_id}"
