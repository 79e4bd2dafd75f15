"""The audit log: what was changed, by whom."""

from __future__ import annotations

from ...services.audit import list_entries
from ..pages import context, page
from ..session import WebResponse
from .base import PAGE_SIZE, actor, before_id, blueprint, build_url


@blueprint.get("/audit")
async def show_audit_log() -> WebResponse:
    """Show changes, newest first."""
    entries = await list_entries(context(), actor(), PAGE_SIZE + 1, before_id())
    shown = entries[:PAGE_SIZE]
    return page(
        "admin/audit.html",
        entries=shown,
        older=build_url("/audit", before=shown[-1].id) if entries[PAGE_SIZE:] else "",
        newest="/audit" if before_id() else "",
    )
