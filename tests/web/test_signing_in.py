"""Signing in: no page without a session, and no password by guessing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from argon2.exceptions import VerificationError
from quart import Quart

from hogsend.delivery.tokens import Tokens
from hogsend.process.runtime import Runtime
from hogsend.store import operators, passwords
from hogsend.web.app import create_app
from hogsend.web.session import COOKIE, sanitize_next_url
from tests.web.conftest import PASSWORD, Browser

EMAIL = "grete@example.com"


async def new_operator(runtime: Runtime) -> None:
    operator = await operators.add(runtime.database, EMAIL, "owner", runtime.clock.now())
    await operators.set_password(runtime.database, operator.id, PASSWORD)


async def sign_in(client: Any, password: str = PASSWORD, **more: str) -> Any:
    return await client.post("/sign-in", form={"email": EMAIL, "password": password, **more})


def every_dashboard_path(app: Quart) -> list[str]:
    return sorted(
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith(("admin.", "live.")) and "GET" in (rule.methods or ())
    )


async def test_every_page_of_the_dashboard_requires_a_session(app: Quart) -> None:
    paths = every_dashboard_path(app)
    assert len(paths) > 15
    for path in paths:
        answer = await app.test_client().get(path.replace("<", "").replace(">", ""))
        assert answer.status_code == 303, path
        assert answer.headers["Location"].startswith("/sign-in"), path


async def test_signing_in_returns_to_the_requested_page(app: Quart, runtime: Runtime) -> None:
    await new_operator(runtime)
    client = app.test_client()
    sent = await client.get("/emails?status=failed")
    assert sent.headers["Location"] == "/sign-in?next=/emails%3Fstatus%3Dfailed"
    answer = await sign_in(client, next="/emails?status=failed")
    assert answer.headers["Location"] == "/emails?status=failed"
    assert (await client.get("/emails")).status_code == 200


@pytest.mark.parametrize(
    "address", ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/a\nb", ""]
)
def test_signing_in_redirects_to_this_site_only(address: str) -> None:
    assert sanitize_next_url(address) == "/"


async def test_the_session_cookie_is_out_of_reach_of_scripts(app: Quart, runtime: Runtime) -> None:
    await new_operator(runtime)
    cookie = (await sign_in(app.test_client())).headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


async def test_a_wrong_password_is_refused_in_one_sentence(app: Quart, runtime: Runtime) -> None:
    await new_operator(runtime)
    answer = await sign_in(app.test_client(), "wrong")
    assert answer.status_code == 401
    assert "The email or password is incorrect." in await answer.get_data(as_text=True)
    assert "Set-Cookie" not in answer.headers


async def test_passwords_cannot_be_guessed(app: Quart, runtime: Runtime, clock: Any) -> None:
    await new_operator(runtime)
    client = app.test_client()
    for _ in range(5):
        assert (await sign_in(client, "wrong")).status_code == 401
    stopped = await sign_in(client)
    assert stopped.status_code == 429
    assert 0 < int(stopped.headers["Retry-After"]) <= 901
    clock.set(clock.now() + timedelta(minutes=16))
    assert (await sign_in(client)).status_code == 303


async def lock_out(client: Any) -> None:
    for _ in range(5):
        assert (await sign_in(client, "wrong")).status_code == 401
    assert (await sign_in(client)).status_code == 429


async def test_a_browser_that_signed_in_before_gets_past_the_lock(
    app: Quart, runtime: Runtime
) -> None:
    await new_operator(runtime)
    known, strange = app.test_client(), app.test_client()
    assert (await sign_in(known)).status_code == 303
    await lock_out(strange)
    assert (await sign_in(known)).status_code == 303
    # It can guess no more often than others: it is counted by itself.
    await lock_out(strange)
    for _ in range(5):
        assert (await sign_in(known, "wrong")).status_code == 401
    assert (await sign_in(known)).status_code == 429


async def test_a_browser_is_known_for_its_operator_only_and_by_a_valid_signature(
    app: Quart, runtime: Runtime
) -> None:
    await new_operator(runtime)
    tokens, strange = runtime.tokens, app.test_client()
    await lock_out(strange)
    for cookie in (
        tokens.sign_device("bo@example.com"),
        "forged",
        Tokens(["x"]).sign_device(EMAIL),
    ):
        client = app.test_client()
        client.set_cookie("localhost", "hogsend_device", cookie, path="/sign-in")
        assert (await sign_in(client)).status_code == 429


async def test_a_browser_that_used_a_link_is_known(app: Quart, runtime: Runtime) -> None:
    token = await operators.create_link(runtime.database, runtime.clock.now())
    known, form = app.test_client(), {"email": EMAIL, "password": PASSWORD}
    assert (await known.post(f"/sign-in/{token}", form=form)).status_code == 303
    await lock_out(app.test_client())
    assert (await sign_in(known)).status_code == 303


async def test_overlong_attempts_are_refused_before_they_are_counted(
    app: Quart, runtime: Runtime
) -> None:
    await new_operator(runtime)
    client = app.test_client()
    for _ in range(6):
        assert (await sign_in(client, "x" * 1025)).status_code == 401
        long = {"email": "x" * 321, "password": PASSWORD}
        assert (await client.post("/sign-in", form=long)).status_code == 401
    assert (await sign_in(client)).status_code == 303


async def test_a_server_without_memory_says_so_and_counts_no_failure(
    app: Quart, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await new_operator(runtime)
    client = app.test_client()

    class NoMemory:
        def verify(self, *_: Any) -> bool:
            raise VerificationError("Memory allocation error")

    with monkeypatch.context() as patch:
        patch.setattr(passwords, "_create_hasher", NoMemory)
        for _ in range(6):
            answer = await sign_in(client)
            assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
            assert "lacks memory" in await answer.get_data(as_text=True)
    assert (await sign_in(client)).status_code == 303


async def test_failures_of_others_behind_a_trusted_proxy_do_not_lock_the_owner_out(
    runtime: Runtime,
) -> None:
    # The address of the test client.
    runtime.settings = replace(runtime.settings, trusted_proxies=("127.0.0.1/32",))
    client = create_app(runtime).test_client()
    await new_operator(runtime)

    async def sign_in_from(address: str, password: str = PASSWORD) -> int:
        form = {"email": EMAIL, "password": password}
        headers = {"X-Forwarded-For": f"203.0.113.77, {address}"}
        scope = {"client": ("127.0.0.1", 1234)}
        return (
            await client.post("/sign-in", form=form, headers=headers, scope_base=scope)
        ).status_code

    for _ in range(5):
        assert await sign_in_from("198.51.100.1", "wrong") == 401
    assert await sign_in_from("198.51.100.1") == 429
    assert await sign_in_from("198.51.100.2") == 303


async def test_a_sign_in_link_is_used_by_posting_and_only_once(
    app: Quart, runtime: Runtime
) -> None:
    token = await operators.create_link(runtime.database, runtime.clock.now())
    client, form = app.test_client(), {"email": EMAIL, "password": PASSWORD}
    for _ in range(2):
        assert (await client.get(f"/sign-in/{token}")).status_code == 200
    assert (await client.post(f"/sign-in/{token}", form=form)).status_code == 303
    assert (await client.get("/")).status_code == 200
    again = await app.test_client().get(f"/sign-in/{token}")
    assert again.status_code == 410
    assert "hogsend operators link" in await again.get_data(as_text=True)


async def test_a_short_password_leaves_the_link_usable(app: Quart, runtime: Runtime) -> None:
    token = await operators.create_link(runtime.database, runtime.clock.now())
    client = app.test_client()
    refused = await client.post(f"/sign-in/{token}", form={"email": EMAIL, "password": "short"})
    assert refused.status_code == 400
    assert "at least 10 characters" in await refused.get_data(as_text=True)
    assert (await client.get(f"/sign-in/{token}")).status_code == 200


async def test_an_expired_link_names_the_remedy(app: Quart, runtime: Runtime, clock: Any) -> None:
    token = await operators.create_link(runtime.database, clock.now())
    clock.set(clock.now() + timedelta(hours=25))
    assert (await app.test_client().get(f"/sign-in/{token}")).status_code == 410


async def test_signing_out_everywhere_ends_the_other_browsers(app: Quart, runtime: Runtime) -> None:
    await new_operator(runtime)
    here, there = app.test_client(), app.test_client()
    await sign_in(here)
    await sign_in(there)
    page = await (await here.get("/system")).get_data(as_text=True)
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    assert (await here.post("/sign-out-everywhere", form={"csrf": csrf})).status_code == 303
    assert (await there.get("/")).status_code == 303


async def test_a_form_of_another_session_is_refused(owner: Browser) -> None:
    answer = await owner.client.post("/inbox/clear", form={"csrf": "of somebody else"})
    assert answer.status_code == 403
    assert "another session" in await answer.get_data(as_text=True)


async def test_a_form_of_another_site_cannot_sign_anyone_in(app: Quart, runtime: Runtime) -> None:
    await new_operator(runtime)
    form = {"email": EMAIL, "password": PASSWORD}
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = await app.test_client().post("/sign-in", form=form, headers=foreign)
        assert answer.status_code == 403, foreign


# A valid request for every change that the dashboard can make.
ID = "00000000-0000-7000-8000-000000000000"
POSTS: dict[str, dict[str, str]] = {
    "/contacts": {"person": "u1", "email": "", "properties": "{}"},
    f"/contacts/{ID}/archive": {},
    f"/contacts/{ID}/consent": {"list": "*", "subscribed": "1"},
    f"/contacts/{ID}/edit": {"before": "{}", "properties": '{"plan": "pro"}', "email": ""},
    f"/contacts/{ID}/erase": {},
    f"/contacts/{ID}/merge": {"other": "u2"},
    f"/contacts/{ID}/suppress": {},
    f"/contacts/{ID}/unmerge": {},
    f"/contacts/{ID}/unsuppress": {},
    "/contacts/export": {"format": "csv"},
    f"/emails/{ID}/resend": {},
    "/emails/retry": {"template": "welcome"},
    f"/enrollments/{ID}/exit": {},
    "/events": {"event": "user.created", "person": "u1"},
    f"/events/{ID}/replay": {},
    "/imports": {"kind": "contacts"},
    f"/imports/{ID}": {"next": "start"},
    f"/imports/{ID}/cancel": {},
    f"/imports/{ID}/delete": {},
    f"/imports/{ID}/read": {"preset": "loops"},
    f"/imports/{ID}/start": {},
    "/inbox/clear": {},
    "/journeys/activation-welcome/enroll": {"person": "u1"},
    "/journeys/activation-welcome/everyone": {"act": "retry", "state": "failed"},
    "/journeys/activation-welcome/replay": {},
    "/journeys/activation-welcome/switch": {"on": "0"},
    "/keys": {"name": "backend", "scope": "ingest"},
    f"/keys/{ID}/revoke": {},
    "/sending/stop": {"scope": "provider", "name": "inbox"},
    "/sending/release": {"scope": "provider", "name": "inbox"},
}


def test_the_table_has_a_request_for_every_change(app: Quart) -> None:
    adapter = app.url_map.bind("localhost")
    tested = {adapter.match(path, method="POST")[0] for path in POSTS}
    changing = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("admin.") and "POST" in (rule.methods or ())
    }
    assert tested == changing


@pytest.mark.parametrize("path", POSTS)
async def test_a_viewer_changes_nothing(viewer: Browser, path: str) -> None:
    answer = await viewer.post(path, **POSTS[path])
    assert answer.status_code == 403
    assert "needs the role" in await answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "path",
    [
        "/enrollments/nope/wake",
        "/keys/nope/revoke",
        "/events",
        "/journeys/activation-welcome/enroll",
    ],
)
async def test_a_viewer_is_refused_before_a_form_is_checked(viewer: Browser, path: str) -> None:
    answer = await viewer.post(path, properties="{bad", person="")
    assert answer.status_code == 403


async def test_an_htmx_request_without_a_session_is_sent_to_the_sign_in_page(app: Quart) -> None:
    answer = await app.test_client().get(
        "/events",
        headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/events?name=a"},
    )
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/events%3Fname%3Da"
