"""Every declared route: who may call it, how often, and that it is declared at all."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from hogsend.clock import ManualClock
from hogsend.domain.user_tokens import read_user_token, sign_user_token
from hogsend.store import keys
from hogsend.web.api import list_routes
from hogsend.web.api.openapi import build_openapi, format_path, list_models
from hogsend.web.api.rate_limits import RequestLimiter
from hogsend.web.api.routes import RawBody, Route
from tests.site import SECRET, Site, open_site

SHOP = "https://shop.example"
# Which scopes open a route that needs a scope.
OPENED_BY: Mapping[str, frozenset[str]] = {
    "ingest-public": frozenset({"ingest-public", "ingest", "full-admin"}),
    "ingest": frozenset({"ingest", "full-admin"}),
    "read": frozenset({"read", "journey-admin", "full-admin"}),
    "journey-admin": frozenset({"journey-admin", "full-admin"}),
    "full-admin": frozenset({"full-admin"}),
}
ROUTES = list_routes()
# What the API's paths begin with; all other pages are for people.
API = ("/v1/", "/segment/", "/posthog/", "/healthz", "/readyz")
# Pages for recipients, whose addresses the original's mails contain.
PAGES = {"/v1/email/unsubscribe", "/v1/email/preferences"}


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    async with open_site(tmp_path, clock, with_worker=False) as opened:
        yield opened


async def create_key(site: Site, scope: str, **options: object) -> tuple[keys.Key, str]:
    origins = [SHOP] if scope == "ingest-public" else []
    return await keys.create(
        site.runtime.database,
        name=scope,
        scopes=[scope],
        origins=origins,
        now=site.clock.now(),
        **options,  # type: ignore[arg-type]
    )


async def call(site: Site, route: Route, key: str, origin: str = SHOP) -> tuple[int, str]:
    """Call a route with an empty body; return the status and the error's sentence."""
    path = format_path(route).replace("{", "").replace("}", "")
    headers = {"Authorization": f"Bearer {key}", "Origin": origin} if key else {}
    response = await site.client.open(path, method=route.method, json={}, headers=headers)
    body = await response.get_json(silent=True)
    return response.status_code, body.get("error", "") if isinstance(body, dict) else ""


def is_refused(result: tuple[int, str]) -> bool:
    status, sentence = result
    return status == 401 or (status == 403 and sentence.startswith("Forbidden: "))


async def test_every_route_opens_for_its_scopes_and_for_no_other_key(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RequestLimiter, "count", lambda *_: None)
    texts = {scope: (await create_key(site, scope))[1] for scope in OPENED_BY}
    _, expired = await create_key(site, "full-admin", expires_at=site.clock.now())
    revoked_key, revoked = await create_key(site, "full-admin")
    await keys.revoke(site.runtime.database, revoked_key.id, site.clock.now())
    wrong: list[object] = []
    for route, (scope, text) in product(ROUTES, texts.items()):
        opens = route.scope is None or scope in OPENED_BY[route.scope]
        if is_refused(result := await call(site, route, text)) is opens:
            wrong.append((route.method, route.path, scope, result))
    for route, text in product(ROUTES, ("", expired, revoked, "hsk_" + "x" * 43)):
        site.app.extensions["key_authenticator"].forget_failures()
        if ((result := await call(site, route, text))[0] == 401) is (route.scope is None):
            wrong.append((route.method, route.path, text, result))
    for route, origin in product(ROUTES, ("", "https://evil.example", SHOP + ".evil.example")):
        result = await call(site, route, texts["ingest-public"], origin)
        if (result == (403, "Forbidden: origin not allowed")) is (route.scope is None):
            wrong.append((route.method, route.path, origin, result))
    assert not wrong


def test_every_route_of_the_application_is_documented_and_no_other(site: Site) -> None:
    real = {
        (method, rule.rule)
        for rule in site.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(API) and rule.rule not in PAGES
    }
    assert real | {("POST", "/v1/events")} == {(route.method, route.path) for route in ROUTES}
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_the_openapi_document_is_valid_and_has_valid_examples() -> None:
    document = build_openapi(ROUTES, "https://mail.example.com")
    validate(document)  # type: ignore[arg-type]
    missing: list[str] = []
    for route in ROUTES:
        operation = document["paths"][format_path(route)][route.method.lower()]
        contents = [
            content
            for part in (operation.get("requestBody"), *operation["responses"].values())
            for kind, content in (part or {}).get("content", {}).items()
            if kind == "application/json"
        ]
        for content in contents:
            if "example" not in content:
                missing.append(f"{route.method} {route.path}")
                continue
            schema = {**content.get("schema", {}), "components": document["components"]}
            Draft202012Validator(schema).validate(content["example"])
    assert not missing


def test_examples_of_bodies_are_accepted() -> None:
    for route in ROUTES:
        if route.body is not None and not isinstance(route.body, RawBody):
            route.body.model_validate(route.body_example)


def test_every_field_is_written_in_camel_case() -> None:
    document = build_openapi(ROUTES, "https://mail.example.com")
    assert list_models(ROUTES[0])
    for name, schema in document["components"]["schemas"].items():
        assert not [field for field in schema.get("properties", {}) if "_" in field], name


async def test_the_document_is_served_and_cached(site: Site) -> None:
    first = await site.client.get("/openapi.json")
    assert (await first.get_json())["openapi"] == "3.1.0"
    again = await site.client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


async def test_a_key_that_calls_too_often_has_to_wait(site: Site, clock: ManualClock) -> None:
    _, text = await create_key(site, "read")
    path = "/v1/admin/journeys/welcome/results"
    headers = {"Authorization": f"Bearer {text}"}
    left = [
        (await site.client.get(path, headers=headers)).headers["X-RateLimit-Remaining"]
        for _ in range(100)
    ]
    refused = await site.client.get(path, headers=headers)
    assert left == [str(number) for number in reversed(range(100))]
    assert refused.status_code == 429 and 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["X-RateLimit-Limit"] == refused.headers["RateLimit-Limit"] == "100"
    _, other = await create_key(site, "read")
    answer = await site.client.get(path, headers={"Authorization": f"Bearer {other}"})
    assert answer.status_code == 200


def test_refused_requests_count_and_the_window_slides() -> None:
    seconds = iter([0.0, 30.0, 59.0, 61.0, 89.0, 150.0])
    limiter = RequestLimiter(2, lambda: next(seconds))
    statuses = [limiter.count("key") for _ in range(6)]
    assert [status.is_refused for status in statuses if status] == [
        False, False, True, True, True, False
    ]  # fmt: skip


async def test_a_web_page_acts_for_its_visitor_only(site: Site) -> None:
    _, text = await create_key(site, "ingest-public")
    in_an_hour = site.clock.now() + timedelta(hours=1)
    token = sign_user_token(SECRET, "ada", in_an_hour)
    expired = sign_user_token(SECRET, "ada", site.clock.now())
    forged = sign_user_token("x" * 43, "ada", in_an_hour)

    async def send(**fields: str) -> tuple[int, str]:
        body = {"name": "seen", **fields}
        answer = await site.post("/v1/events", body, Authorization=f"Bearer {text}", Origin=SHOP)
        return answer.status_code, (await answer.get_json()).get("error", "")

    no_token = "publishable key cannot act on another identity without a userToken"
    other = "userToken does not authorize this identity"
    assert (await send(anonymousId="visitor"))[0] == 202
    assert await send(userId="ada") == (403, no_token)
    assert await send(email="ada@example.com") == (403, no_token)
    for invalid in (expired, forged, token + "x", "x" * 300, "é.é", "."):
        status, sentence = await send(userId="ada", userToken=invalid)
        assert status == 403 and sentence.startswith("Invalid userToken"), invalid
    assert await send(userId="bo", userToken=token) == (403, other)
    assert await send(userId="ada", email="ada@example.com", userToken=token) == (403, other)
    assert (await send(userId="ada", userToken=token))[0] == 202
    sources = await site.rows("SELECT source FROM events")
    assert sources == [("inapp",), ("inapp",)]
    await site.event("seen", "bo", anonymousId="browser of bo")
    attached = "publishable anonymous write cannot attach to or merge an identified contact"
    assert await send(anonymousId="browser of bo") == (403, attached)


def test_a_token_is_accepted_under_every_present_secret(clock: ManualClock) -> None:
    token = sign_user_token("first", " ada ", clock.now() + timedelta(seconds=2))
    assert read_user_token(["second", "first"], token, clock.now()) == "ada"
    assert read_user_token(["second"], token, clock.now()) is None
    assert read_user_token(["first"], token, clock.now() + timedelta(seconds=2)) is None


@pytest.mark.parametrize(
    "content", ['{"userId": "\\ud800", "exp": 1e12}', '{"userId": "ada", "exp": NaN}']
)
def test_a_signed_token_that_names_nobody_or_no_end_is_refused(
    content: str, clock: ManualClock
) -> None:
    payload = urlsafe_b64encode(content.encode()).rstrip(b"=").decode()
    mac = hmac.new(b"first", payload.encode(), hashlib.sha256).digest()
    token = f"{payload}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert read_user_token(["first"], token, clock.now()) is None
