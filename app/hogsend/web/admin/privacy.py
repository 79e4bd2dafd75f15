"""Privacy: what is stored about a contact, to download or to erase."""

from __future__ import annotations

from quart import Response

from ...services.archive import open_archive
from ...services.contacts import get_contact
from ...services.privacy import count_stored, erase_contact
from ..background import run_in_background
from ..pages import get_context, render_page
from ..session import WebResponse
from .base import blueprint, get_actor, parse_id, redirect_with_notice

# How long a request waits for an erasure, in seconds; a longer one continues.
PATIENCE = 10.0


@blueprint.get("/contacts/<contact_id>/privacy")
async def show_privacy(contact_id: str) -> WebResponse:
    """Show how much is stored about a contact."""
    requested = parse_id(contact_id, "contact")
    contact = await get_contact(get_context(), get_actor(), requested)
    counts = await count_stored(get_context(), get_actor(), contact.id)
    return render_page("admin/privacy.html", contact=contact, counts=counts)


@blueprint.post("/contacts/<contact_id>/archive")
async def download_archive(contact_id: str) -> WebResponse:
    """Send everything that is stored about a contact as a file."""
    requested = parse_id(contact_id, "contact")
    archive = await open_archive(get_context(), get_actor(), requested)
    response = Response(archive.chunks, content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{archive.file_name}"'
    response.headers["Cache-Control"] = "no-store"
    # A large archive takes longer than the framework's limit of a minute.
    response.timeout = None
    return response


@blueprint.post("/contacts/<contact_id>/erase")
async def erase(contact_id: str) -> WebResponse:
    """Erase a contact; goes on without the request when that takes long."""
    requested, context, actor = parse_id(contact_id, "contact"), get_context(), get_actor()
    try:
        result = await run_in_background(lambda: erase_contact(context, actor, requested), PATIENCE)
    except TimeoutError:
        return redirect_with_notice("/contacts", "erasing")
    return redirect_with_notice("/contacts", "erased" if result.is_finished else "erasing")
