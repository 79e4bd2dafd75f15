"""The audit log: who changed what."""

from __future__ import annotations

from ...store import audit as store
from ..auth import Answer
from ..pages import context, page
from .base import PAGE_SIZE, address, blueprint, cursor


@blueprint.get("/audit")
async def list_changes() -> Answer:
    """Show what operators changed, newest first."""
    found = await context().database.read_one(store.newest(PAGE_SIZE + 1, cursor()))
    shown = found[:PAGE_SIZE]
    return page(
        "admin/audit.html",
        changes=shown,
        older=address("/audit", before=shown[-1].id) if found[PAGE_SIZE:] else "",
        newest="/audit" if cursor() else "",
    )
