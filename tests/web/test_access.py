"""Keys: who may call the API, and how soon a revoked key stops working."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from quart import Response

from hogsend.clock import ManualClock
from hogsend.store import keys, operators, sessions
from hogsend.store.db import Query
from hogsend.web.api import key_auth
from hogsend.web.session import COOKIE, derive_csrf_token
from tests.site import Site, open_site

EVENT = {"name": "seen", "userId": "ada"}
ROUTES = ("/v1/events", "/v1/events/batch")


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    """An installation without a worker."""
    async with open_site(tmp_path, clock, with_worker=False) as opened:
        yield opened


async def call(site: Site, authorization: str, path: str = "/v1/events") -> Response:
    """Send an event with this header."""
    body = EVENT if path == "/v1/events" else {"events": [EVENT]}
    return await site.post(path, body, Authorization=authorization)


async def create_key(site: Site, *scopes: str, **more: object) -> str:
    """Create a key and return its header."""
    now = site.clock.now()
    _, text = await keys.create(site.runtime.database, name="k", scopes=scopes, now=now, **more)  # type: ignore[arg-type]
    return f"Bearer {text}"


async def check_refusal(answer: Response, status: int, code: str) -> str:
    assert answer.status_code == status
    body = await answer.get_json()
    assert body["code"] == code
    return body["error"]


@pytest.mark.parametrize("path", ROUTES)
async def test_a_request_without_a_known_key_is_refused(site: Site, path: str) -> None:
    for header in (
        "",
        "Bearer ",
        "Bearer hsk_" + "x" * 43,
        site.key,
        f"Basic {site.key}",
        f"Bearer {site.key}x",
        f"Bearer {site.key[:-1]}",
        "Bearer \u00fc",
    ):
        sentence = await check_refusal(await call(site, header, path), 401, "unauthorized")
        assert sentence.startswith("Unauthorized") and "hogsend keys" in sentence
    assert (await call(site, f"bearer {site.key}", path)).status_code == 202
    assert await site.fetch_value("SELECT COUNT(*) FROM events") == 1


@pytest.mark.parametrize("path", ROUTES)
async def test_a_key_permits_only_what_its_scopes_allow(site: Site, path: str) -> None:
    assert (await call(site, await create_key(site, "full-admin"), path)).status_code == 202
    for scope in ("read", "journey-admin"):
        sentence = await check_refusal(
            await call(site, await create_key(site, scope), path), 403, "forbidden"
        )
        assert sentence == "Forbidden: insufficient scope. This key lacks the scope ingest."
    public = await create_key(site, "ingest-public", origins=["https://shop.example"])
    await check_refusal(await call(site, public, path), 403, "forbidden")


async def test_an_expired_key_is_refused_as_expired(site: Site) -> None:
    ends = site.clock.now() + timedelta(hours=1)
    header = await create_key(site, "ingest", expires_at=ends)
    assert (await call(site, header)).status_code == 202
    site.clock.set(ends)
    assert await check_refusal(await call(site, header), 401, "unauthorized") == "API key expired"


async def test_a_key_revoked_in_the_dashboard_stops_at_once(site: Site) -> None:
    assert (await call(site, f"Bearer {site.key}")).status_code == 202
    now = site.clock.now()
    owner = await operators.add(site.runtime.database, "o@example.com", "owner", now)
    cookie = await sessions.start(site.runtime.database, owner.id, now)
    site.client.set_cookie("localhost", COOKIE, cookie)
    (key,) = await keys.list_keys(site.runtime.database)

    answer = await site.client.post(
        f"/keys/{key.id}/revoke", form={"csrf": derive_csrf_token(cookie)}
    )

    assert answer.status_code == 303
    await check_refusal(await call(site, f"Bearer {site.key}"), 401, "unauthorized")


async def test_a_key_revoked_by_another_process_stops_when_the_change_is_noticed(
    site: Site,
) -> None:
    assert (await call(site, f"Bearer {site.key}")).status_code == 202
    (key,) = await keys.list_keys(site.runtime.database)
    await keys.revoke(site.runtime.database, key.id, site.clock.now())
    site.runtime.foreign_changes += 1
    await check_refusal(await call(site, f"Bearer {site.key}"), 401, "unauthorized")


async def test_a_key_revoked_during_its_look_up_is_not_cached(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = keys.find
    is_found, may_continue = asyncio.Event(), asyncio.Event()

    async def slowly(*arguments: object) -> object:
        key = await find(*arguments)  # type: ignore[arg-type]
        is_found.set()
        await may_continue.wait()
        return key

    monkeypatch.setattr(keys, "find", slowly)
    first = asyncio.ensure_future(call(site, f"Bearer {site.key}"))
    await is_found.wait()
    (key,) = await keys.list_keys(site.runtime.database)
    await keys.revoke(site.runtime.database, key.id, site.clock.now())
    site.app.extensions["key_authenticator"].forget_keys()
    may_continue.set()
    await first
    await check_refusal(await call(site, f"Bearer {site.key}"), 401, "unauthorized")


async def test_guessing_callers_wait_and_valid_keys_do_not(site: Site) -> None:
    for n in range(key_auth.MAX_FAILURES):
        await check_refusal(await call(site, f"Bearer hsk_{n:043}"), 401, "unauthorized")

    for path in ROUTES:
        answer = await call(site, f"Bearer hsk_{'z' * 43}", path)
        assert await check_refusal(answer, 429, "rate_limited") == "Rate limit exceeded"
        assert answer.headers["Retry-After"] == "60"
        assert (await call(site, f"Bearer {site.key}", path)).status_code == 202
        assert (await call(site, await create_key(site, "ingest"), path)).status_code == 202


async def test_the_last_use_of_a_key_is_recorded(site: Site) -> None:
    site.clock.set(site.clock.now() + timedelta(days=1))
    await call(site, f"Bearer {site.key}")
    (key,) = await keys.list_keys(site.runtime.database)
    assert key.last_used_at == site.clock.now()


async def test_the_text_of_a_key_is_not_stored(site: Site) -> None:
    await call(site, f"Bearer {site.key}")
    query = Query("SELECT * FROM api_keys", [], lambda rows: repr(rows))
    assert site.key[9:] not in await site.runtime.database.read_one(query)
