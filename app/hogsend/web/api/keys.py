"""`/v1/admin/api-keys`: API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from ...domain.forms import Body, Instant, Text
from ...errors import InvalidInput
from ...services.keys import INGEST_PUBLIC, Key, create_key, list_keys, revoke_key
from .key_auth import get_key_authenticator
from .routes import Answer, ApiCall, Reply, RouteTable
from .schemas import InstantView, NoQuery, PageQuery, PageView, View, parse_path_id, slice_page

routes = RouteTable("API keys")


class KeyView(View):
    """An API key, without its text."""

    id: UUID
    name: str
    key_prefix: str
    scopes: list[str]
    allowed_origins: list[str] | None
    created_at: InstantView
    expires_at: InstantView | None
    last_used_at: InstantView | None = None
    revoked_at: InstantView | None = None


class CreatedKeyView(KeyView):
    """A new API key, with its text, which cannot be read again."""

    key: str


class KeysQuery(PageQuery):
    """Which keys to list."""

    include_revoked: bool = False


class KeysPage(PageView):
    """A page of keys."""

    keys: list[KeyView]


class KeyBody(Body):
    """A key to create."""

    name: Annotated[Text, StringConstraints(max_length=100)]
    scopes: list[Text] = Field(default_factory=lambda: ["read"], min_length=1)
    expires_at: Instant = ""
    publishable: bool = False
    allowed_origins: list[Text] = Field(default_factory=list[Text], max_length=50)


class RevokedView(View):
    """The key is revoked."""

    revoked: bool


EXAMPLE: dict[str, Any] = {
    "id": "01a20364-0bb6-73eb-9330-0f5a70953204",
    "name": "backend",
    "keyPrefix": "hsk_Ab3d",
    "scopes": ["ingest"],
    "allowedOrigins": None,
    "createdAt": "2026-01-02T03:04:05.678Z",
    "expiresAt": None,
}
_USED = {**EXAMPLE, "lastUsedAt": "2026-01-02T03:04:05.678Z", "revokedAt": None}


@routes.route(
    "GET",
    "/v1/admin/api-keys",
    scope="read",
    query=KeysQuery,
    answers={
        200: Answer(KeysPage, "The keys.", {"keys": [_USED], "total": 1, "limit": 50, "offset": 0})
    },
)
async def list_all(call: ApiCall[KeysQuery, None]) -> KeysPage:
    """Return the keys, newest first."""
    keys = [
        key
        for key in await list_keys(call.context, call.actor)
        if call.query.include_revoked or key.revoked_at is None
    ]
    page = slice_page(call.query, keys)
    views = [
        KeyView(**_describe(key), last_used_at=key.last_used_at, revoked_at=key.revoked_at)
        for key in page.items
    ]
    return KeysPage(keys=views, **page.fields)


@routes.route(
    "POST",
    "/v1/admin/api-keys",
    scope="full-admin",
    body=KeyBody,
    body_example={"name": "backend", "scopes": ["ingest"]},
    answers={201: Answer(CreatedKeyView, "The key is created.", {**EXAMPLE, "key": "hsk_…"})},
)
async def create(call: ApiCall[NoQuery, KeyBody]) -> Reply:
    """Create a key; its text is shown only now."""
    body, now = call.body, call.context.clock.now()
    expires_at = datetime.fromisoformat(body.expires_at) if body.expires_at else None
    if expires_at is not None and expires_at <= now:
        raise InvalidInput(f"expiresAt is in the past: {body.expires_at}")
    key, text = await create_key(
        call.context,
        call.actor,
        name=body.name,
        scopes=[INGEST_PUBLIC] if body.publishable else body.scopes,
        origins=body.allowed_origins,
        lifetime=expires_at - now if expires_at else None,
    )
    return Reply(CreatedKeyView(**_describe(key), key=text), 201)


@routes.route(
    "DELETE",
    "/v1/admin/api-keys/<key_id>",
    scope="full-admin",
    answers={200: Answer(RevokedView, "The key is revoked.", {"revoked": True})},
    errors=(404,),
)
async def revoke(call: ApiCall[NoQuery, None]) -> RevokedView:
    """Revoke a key; it is refused from now on."""
    await revoke_key(call.context, call.actor, parse_path_id(call.values["key_id"], "API key"))
    get_key_authenticator().forget_keys()
    return RevokedView(revoked=True)


def _describe(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "key_prefix": key.prefix,
        "scopes": sorted(key.scopes),
        "allowed_origins": list(key.origins) or None,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
    }
