"""API keys: created, shown once, revoked."""

from __future__ import annotations

from quart import g

from ...services import keys
from ...services.keys import FULL_ADMIN, INGEST, INGEST_PUBLIC
from ..api.key_auth import get_key_authenticator
from ..pages import get_context, read_form, render_page
from ..session import WebResponse
from .base import FORM_ERRORS, blueprint, get_actor, parse_id, redirect_with_notice

SCOPES = {
    INGEST: "send events and contacts",
    INGEST_PUBLIC: "send events from a web page; needs the page's origin",
    "read": "read everything",
    "journey-admin": "enroll, wake and exit contacts",
    FULL_ADMIN: "do everything",
}


async def _render_keys(*, problem: str = "", new_key: str = "", status: int = 200) -> WebResponse:
    listed = await keys.list_keys(get_context(), get_actor())
    form = await read_form()
    return render_page(
        "admin/keys.html",
        status=status,
        keys=sorted(listed, key=lambda key: (key.revoked_at is not None, key.id)),
        scopes=SCOPES,
        problem=problem,
        new_key=new_key,
        chosen=form.getlist("scope") or [INGEST],
        form={"name": form.get("name", ""), "origins": form.get("origins", "")},
        is_owner=g.operator.role == "owner",
    )


@blueprint.get("/keys")
async def list_keys() -> WebResponse:
    """Show every key by its first characters."""
    return await _render_keys()


@blueprint.post("/keys")
async def create_key() -> WebResponse:
    """Create a key and show it once."""
    form = await read_form()
    try:
        _, text = await keys.create_key(
            get_context(),
            get_actor(),
            name=form.get("name", ""),
            scopes=form.getlist("scope"),
            origins=form.get("origins", "").split(),
        )
    except FORM_ERRORS as error:
        return await _render_keys(problem=str(error), status=400)
    return await _render_keys(new_key=text)


@blueprint.post("/keys/<key_id>/revoke")
async def revoke_key(key_id: str) -> WebResponse:
    """Revoke a key."""
    await keys.revoke_key(get_context(), get_actor(), parse_id(key_id, "key"))
    get_key_authenticator().forget_keys()
    return redirect_with_notice("/keys", "revoked")
