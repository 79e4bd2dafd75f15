"""Every error is one sentence and a remedy; over the API it also has a code."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hogsend import errors
from hogsend.clock import ManualClock
from hogsend.store import operators, sessions
from hogsend.web.errors import get_status, to_json
from hogsend.web.session import COOKIE
from tests.site import Site, open_site
from tests.web.conftest import extract_text


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    """An installation without a worker."""
    async with open_site(tmp_path, clock, with_worker=False) as opened:
        yield opened


def list_kinds(base: type[errors.HogsendError]) -> list[type[errors.HogsendError]]:
    """Return a class of errors and all its subclasses."""
    return [base, *(kind for child in base.__subclasses__() for kind in list_kinds(child))]


def test_every_kind_of_error_has_its_own_code() -> None:
    codes = [kind.code for kind in list_kinds(errors.HogsendError)]
    assert len(codes) == len(set(codes))
    for kind in list_kinds(errors.HogsendError):
        error = kind("Something")
        body = to_json(error)
        assert body["code"] == kind.code and isinstance(body["error"], str)
        assert get_status(error) in (400, 401, 403, 404, 409, 413, 429, 500, 503)


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/batch"])
async def test_an_unexpected_error_is_logged_and_not_shown_to_the_caller(
    site: Site, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(site.runtime.ingest, "submit", fail)
    monkeypatch.setattr("hogsend.web.api.events._read_items", fail)
    with caplog.at_level(logging.ERROR):
        answer = await site.post(path, {"name": "x", "userId": "ada"})

    assert answer.status_code == 500
    assert await answer.get_json() == {"error": "Internal Server Error", "code": "internal"}
    assert "secret detail" in caplog.text


async def test_an_unexpected_error_on_a_page_is_a_page(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(site.runtime.tokens, "read_unsubscribe", fail)
    answer = await site.client.get("/u/x")

    assert answer.status_code == 500 and answer.content_type.startswith("text/html")
    page = extract_text(await answer.get_data(as_text=True))
    assert "Something went wrong" in page and "secret" not in page


async def test_an_unknown_path_is_a_page_or_json(site: Site) -> None:
    page = await site.client.get("/v2/events")
    assert page.status_code in (303, 404) and "json" not in (page.content_type or "")
    assert "Check its address" in extract_text(await page.get_data(as_text=True))
    wrong = await site.client.delete("/u/x")
    assert wrong.status_code == 405
    assert "does not support that request" in extract_text(await wrong.get_data(as_text=True))
    api = await site.client.get("/v1/none")
    assert await api.get_json() == {"error": "Not Found", "code": "not_found"}


ODD_PATHS = (
    "/u/", "/u/%00", "/u/%ff%fe", "/u/" + "A" * 9000, "/p/.", "/p/%2e%2e", "/m/%F0%9F%92%A9",
    "/c/", "/c/%0d%0aX: y", "/o/.gif", "/o/%00.gif", "/o/x", "/static/../app.py",
    "/static/%2e%2e/%2e%2e/pyproject.toml", "/static/", "/enrollments/x", "/contacts/%00",
    "/emails/" + "0" * 32, "/journeys/%ff", "/sign-in/%00", "/sign-in?next=//evil.example",
    "/events?before=%00&q=%ff", "/contacts?q=%00&sort='", "/inbox/x/raw", "/?done=%00", "//", "/;",
    "/v1/email/unsubscribe?token=%00", "/v1/email/preferences?token=%ff",
)  # fmt: skip


@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("path", ODD_PATHS)
async def test_no_path_causes_a_server_error(site: Site, path: str, signed_in: bool) -> None:
    if signed_in:
        now = site.clock.now()
        owner = await operators.add(site.runtime.database, "o@example.com", "owner", now)
        cookie = await sessions.start(site.runtime.database, owner.id, now)
        site.client.set_cookie("localhost", COOKIE, cookie)
    for ask in (site.client.get, site.client.head, site.client.post, site.client.delete):
        answer = await ask(path)
        assert answer.status_code < 500, f"{ask} {path}"
        assert "evil.example" not in answer.headers.get("Location", "")


@pytest.mark.parametrize(
    "name", ["Cookie", "User-Agent", "Authorization", "X-Request-Id", "Origin"]
)
async def test_no_header_causes_a_server_error(site: Site, name: str) -> None:
    for value in ("\xff\xfe", "=;=;\x7f", "hogsend_session=\xff", "x" * 20_000, "null"):
        for path in ("/", "/u/x", "/c/x", "/v1/events", "/healthz"):
            assert (await site.client.get(path, headers={name: value})).status_code < 500
        assert (await site.client.post("/v1/events", headers={name: value})).status_code < 500
