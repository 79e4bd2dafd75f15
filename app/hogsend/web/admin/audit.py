"""The audit log: what was changed, by whom."""

from __future__ import annotations

from ...services.audit import list_entries
from ..pages import get_context, render_page
from ..session import WebResponse
from .base import PAGE_SIZE, blueprint, build_url, get_actor, read_before_id


@blueprint.get("/audit")
async def show_audit_log() -> WebResponse:
    """Show changes, newest first."""
    entries = await list_entries(get_context(), get_actor(), PAGE_SIZE + 1, read_before_id())
    shown = entries[:PAGE_SIZE]
    return render_page(
        "admin/audit.html",
        entries=shown,
        older=build_url("/audit", before=shown[-1].id) if entries[PAGE_SIZE:] else "",
        newest="/audit" if read_before_id() else "",
    )
