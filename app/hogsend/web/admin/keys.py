"""API keys: made, shown once, revoked."""

from __future__ import annotations

from quart import g

from ...errors import HogsendError
from ...store import keys as store
from ..api.key_auth import access
from ..auth import Answer, needs
from ..pages import context, now, page, posted
from .base import back, blueprint, change, id_from

SCOPES = {
    store.INGEST: "send events and contacts",
    store.INGEST_PUBLIC: "send events from a web page; needs the page's origin",
    "read": "read everything",
    "journey-admin": "enroll, wake and exit people",
    store.FULL_ADMIN: "everything",
}


async def _page(*, problem: str = "", fresh: str = "", status: int = 200) -> Answer:
    found = await store.list_keys(context().database)
    form = await posted()
    return page(
        "admin/keys.html",
        status=status,
        keys=sorted(found, key=lambda key: (key.revoked_at is not None, key.id), reverse=False),
        scopes=SCOPES,
        problem=problem,
        fresh=fresh,
        chosen=form.getlist("scope") or [store.INGEST],
        given={"name": form.get("name", ""), "origins": form.get("origins", "")},
        owner=g.operator.role == "owner",
    )


@blueprint.get("/keys")
async def list_keys() -> Answer:
    """Show every key by its beginning."""
    return await _page()


@blueprint.post("/keys")
@needs("owner")
async def create_key() -> Answer:
    """Make a key and show it this once."""
    form = await posted()
    try:
        key, text = await store.create(
            context().database,
            name=form.get("name", ""),
            scopes=form.getlist("scope"),
            origins=form.get("origins", "").split(),
            now=now(),
        )
    except HogsendError as error:
        return await _page(problem=str(error), status=400)
    await change([], "create key", f"key {key.prefix}", after={"scopes": sorted(key.scopes)})
    return await _page(fresh=text)


@blueprint.post("/keys/<key_id>/revoke")
@needs("owner")
async def revoke_key(key_id: str) -> Answer:
    """Stop a key from working."""
    key = await store.revoke(context().database, id_from(key_id, "key"), now())
    access().forget()
    await change([], "revoke key", f"key {key.prefix}")
    return back("/keys", "revoked")
