"""`/hogsend.js` in a real Chromium, on a page of another origin."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, async_playwright
from quart import Quart

from hogsend.clock import ManualClock
from hogsend.domain.user_tokens import sign_user_token
from hogsend.store import keys
from hogsend.store.change_feed import ChangeFeed
from tests.patience import PATIENCE
from tests.site import SECRET, Site, open_site, until
from tests.web.serving import serving
from tests.web.test_in_the_browser import ARGUMENTS, collect_messages

GUIDE = (Path(__file__).parents[2] / "docs/browser.md").read_text()
PAGE = '<!doctype html><title>Shop</title><script src="{url}/hogsend.js" data-key="{key}"></script>'


def read_guide(kind: str) -> str:
    """Return the first block of code of a kind in the guide."""
    return GUIDE.split(f"```{kind}\n")[1].split("```")[0]


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    clock.set(datetime.now(UTC))
    async with open_site(tmp_path, clock, with_worker=False) as opened:
        yield opened


@pytest.fixture
async def page(site: Site, browser_path: str) -> AsyncIterator[Page]:
    """A page of a shop, which is on another origin than Hogsend."""
    shop = Quart("shop")
    async with (
        serving(site.app, site.runtime.change_feed) as url,
        serving(shop, ChangeFeed()) as shop_url,
    ):
        _, key = await keys.create(
            site.runtime.database,
            name="shop",
            scopes=["ingest-public"],
            origins=[shop_url],
            now=site.clock.now(),
        )

        @shop.get("/")
        async def show() -> str:  # pyright: ignore[reportUnusedFunction]
            return PAGE.format(url=url, key=key)

        @shop.get("/guide")
        async def show_guide() -> str:  # pyright: ignore[reportUnusedFunction]
            return read_guide("html").replace("https://mail.example.com", url).replace("pk_…", key)

        @shop.get("/favicon.ico")
        async def show_icon() -> tuple[str, int]:  # pyright: ignore[reportUnusedFunction]
            return "", 204  # Otherwise the browser reports a missing one, sooner or later.

        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(
                executable_path=browser_path, args=ARGUMENTS
            )
            context = await chromium.new_context(base_url=shop_url)
            context.set_default_timeout(PATIENCE * 1000)
            opened = await context.new_page()
            await opened.goto("/")
            yield opened
            await chromium.close()


async def names(site: Site) -> list[str]:
    return [name for (name,) in await site.rows("SELECT name FROM events ORDER BY id")]


async def has(site: Site, *wanted: str) -> bool:
    return set(wanted) <= set(await names(site))


async def test_a_page_of_another_origin_captures_identifies_and_subscribes(
    site: Site, page: Page
) -> None:
    messages = collect_messages(page)
    await page.evaluate(
        "hogsend.capture('viewed', {product: 7}, {value: 12.5, currency: 'EUR'}); hogsend.flush()"
    )
    assert await names(site) == ["viewed"]
    assert await site.rows("SELECT source, value FROM events") == [("inapp", 12.5)]

    token = sign_user_token(SECRET, "ada", site.clock.now() + timedelta(hours=1))
    await page.evaluate(
        "token => hogsend.identify('ada', {userToken: token, properties: {plan: 'pro'}})", token
    )
    contact = await site.contact()
    assert contact.properties == {"plan": "pro"}
    assert contact.anonymous_id == await page.evaluate("hogsend.getAnonymousId()")
    await page.evaluate("hogsend.capture('bought'); hogsend.flush()")
    seen = await site.fetch_value("SELECT COUNT(*) FROM events WHERE contact_id IS NOT NULL")
    assert seen == len(await names(site))
    lists = await page.evaluate("hogsend.lists()")
    assert {"news", "tips"} <= {choice["id"] for choice in lists["lists"]}
    await page.evaluate("hogsend.reset()")
    assert await page.evaluate("hogsend.getAnonymousId()") != contact.anonymous_id
    assert messages == []


async def test_the_code_of_the_guide_works(site: Site, page: Page) -> None:
    messages = collect_messages(page)
    await page.goto("/guide")
    await until(site.runtime.change_feed, lambda: has(site, "product.viewed"))
    token = sign_user_token(SECRET, "ada", site.clock.now() + timedelta(hours=1))
    await page.evaluate(f"async (token) => {{ {read_guide('js')} }}", token)
    ada = {"userId": "ada", "email": "ada@example.com", "contactProperties": {}}
    await site.post("/v1/events", {"name": "seen", **ada})
    calls = re.findall(r"`(hogsend\.\w+\([^)]*\))`", GUIDE.split("## Preferences")[1])
    answers = {call: await page.evaluate(call.replace("(id)", "('tips')")) for call in calls}
    assert answers["hogsend.me()"]["identified"] is True and len(answers) == 6
    assert answers["hogsend.preferences()"]["categories"] == {"tips": False}
    assert [name for name in await names(site) if name != "contact.updated"][:2] == [
        "product.viewed",
        "seen",
    ]
    assert (await site.contact("ada")).properties == {"plan": "pro"}
    assert messages == []


async def test_what_could_not_be_sent_is_sent_by_the_next_page(site: Site, page: Page) -> None:
    is_lost = asyncio.Event()

    async def lose(route: Route) -> None:
        await route.abort()
        is_lost.set()

    await page.route("**/v1/events", lose)
    await page.evaluate("hogsend.capture('first'); hogsend.capture('second'); 0")
    await is_lost.wait()
    await page.unroute("**/v1/events")
    await page.reload()
    await until(site.runtime.change_feed, lambda: has(site, "first", "second"))
    await page.reload()
    await page.evaluate("hogsend.flush()")
    assert sorted(await names(site)) == ["first", "second"]


async def test_an_event_of_a_page_that_is_left_arrives(site: Site, page: Page) -> None:
    # Nothing is sent before the page is left: the script waits for other events first.
    await page.evaluate(
        "addEventListener('pagehide', () => hogsend.capture('last'));"
        "hogsend.capture('left'); location.href = 'about:blank'; 0"
    )
    await until(site.runtime.change_feed, lambda: has(site, "left", "last"))


async def test_a_beacon_with_the_key_in_its_address_is_accepted(site: Site, page: Page) -> None:
    sent = await page.evaluate(
        """() => {
          const tag = document.querySelector("script[data-key]");
          const url = new URL(tag.src).origin + "/v1/events?key=" + tag.dataset.key;
          const body = JSON.stringify({name: "beacon", anonymousId: "b1"});
          return navigator.sendBeacon(url, new Blob([body], {type: "text/plain"}));
        }"""
    )
    assert sent is True
    await until(site.runtime.change_feed, lambda: has(site, "beacon"))
    secret = await site.post(
        f"/v1/events?key={site.key}", {"name": "x", "userId": "ada"}, Authorization=""
    )
    assert secret.status_code == 401
