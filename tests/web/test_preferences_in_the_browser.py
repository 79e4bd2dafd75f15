"""The preference page in a real Chromium, on a connection whose answers come late or never."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config
from playwright.async_api import Locator, Page, Route, async_playwright, expect

from hogsend.clock import ManualClock
from tests.patience import PATIENCE
from tests.site import FILES, Site, open_site, until
from tests.web.test_in_the_browser import ARGUMENTS, collect_messages

# Without the word by which a browser without a window gives itself away.
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
# For developers to look at; not part of the repository.
SCREENSHOTS = Path(__file__).parents[2] / "screenshots" / "preferences"
# So many that a phone does not show the end of the page.
MORE_LISTS = "".join(
    f'more{number} = MailList("more{number}", "Topic {number}", "About topic {number}.")\n'
    for number in range(12)
)


@dataclass
class HeldRequest:
    """A request to save that has left the page, and that waits for the test.

    Args:
        fields: the form that it carries.
        route: lets it go on.
    """

    fields: dict[str, list[str]]
    route: Route


@dataclass
class Visit:
    """A recipient's visit to the preference page.

    Args:
        site: the installation.
        page: the open page.
        path: its path.
        held: the requests that wait for the test, in the order in which they came.
    """

    site: Site
    page: Page
    path: str
    held: asyncio.Queue[HeldRequest] = field(default_factory=asyncio.Queue)

    async def open(self) -> None:
        """Open the page, and read it for a while."""
        await self.page.goto(self.path)
        self.site.clock.set(self.site.clock.now() + timedelta(seconds=5))

    async def consents(self) -> dict[str, bool]:
        rows = await self.site.rows("SELECT list_id, subscribed FROM consents")
        return {name: bool(subscribed) for name, subscribed in rows}

    def get_switch(self, name: str) -> Locator:
        return self.page.get_by_role("switch", name=name, exact=True)

    @property
    def status(self) -> Locator:
        return self.page.get_by_role("status")

    async def hold_requests(self) -> None:
        """Let no request to save go on until `release`."""

        async def hold(route: Route) -> None:
            if route.request.method != "POST":
                await route.continue_()
                return
            fields = parse_qs(route.request.post_data or "")
            await self.held.put(HeldRequest(fields, route))

        await self.page.route("**/p/*", hold)

    async def release(self) -> dict[str, list[str]]:
        """Let the next request go on; return its form."""
        async with asyncio.timeout(PATIENCE):
            request = await self.held.get()
        await request.route.continue_()
        return request.fields

    async def measure_switches(self) -> list[float]:
        """Return how far each switch is from the top of the document."""
        return await self.page.evaluate(
            "[...document.querySelectorAll('input.toggle')]"
            ".map(input => input.getBoundingClientRect().top + window.scrollY)"
        )


@pytest.fixture(params=[PHONE, DESKTOP], ids=["phone", "desktop"])
async def visit(
    sqlite_url: str,
    tmp_path: Path,
    clock: ManualClock,
    browser_path: str,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Visit]:
    """A visit to the preference page of a recipient who has had one mail."""
    files = {**FILES, "lists.py": FILES["lists.py"] + MORE_LISTS}
    async with open_site(tmp_path, clock, files=files) as site:
        await site.event("user.created")
        (send,) = await site.wait_for_sends(1)
        # No scanner is at work any more.
        clock.set(clock.now() + timedelta(minutes=5))
        token = site.runtime.tokens.sign_preferences(send.contact_id, "news", send.id)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            config = Config()
            config.bind = [f"fd://{listener.fileno()}"]
            config.errorlog = None
            stopping = asyncio.Event()
            serving = asyncio.create_task(
                serve(site.app, config, shutdown_trigger=stopping.wait)  # type: ignore[arg-type]
            )
            async with async_playwright() as playwright:
                chromium = await playwright.chromium.launch(
                    executable_path=browser_path,
                    # Of the whole browser: a beacon of a page that is left has no other agent.
                    args=[*ARGUMENTS, f"--user-agent={AGENT}"],
                )
                context = await chromium.new_context(
                    base_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
                    viewport=request.param,
                )
                context.set_default_timeout(PATIENCE * 1000)
                expect.set_options(timeout=PATIENCE * 1000)
                yield Visit(site, await context.new_page(), f"/p/{token}")
                await chromium.close()
            stopping.set()
            site.runtime.change_feed.close()
            await serving
            listener.detach()


async def test_taps_that_overtake_an_answer_are_saved_in_order_and_the_last_wins(
    visit: Visit,
) -> None:
    messages = collect_messages(visit.page)
    await visit.open()
    await visit.hold_requests()
    news, tips = visit.get_switch("News"), visit.get_switch("Tips")

    await tips.check()
    await tips.uncheck()
    await news.uncheck()
    await tips.check()
    await tips.uncheck()

    # Each request says which state it wants of which switch; the next one waits for the answer.
    assert await visit.release() == {"list": ["tips"], "off": ["tips"]}
    await visit.release()
    await expect(tips).not_to_be_checked()
    await visit.release()
    await expect(visit.status).to_contain_text("saved")
    assert visit.held.empty()
    await expect(tips).not_to_be_checked()
    await expect(news).not_to_be_checked()
    assert await visit.consents() == {"news": False, "tips": False}
    assert messages == []


async def test_no_answer_moves_a_switch(visit: Visit) -> None:
    await visit.open()
    before = await visit.measure_switches()
    await visit.hold_requests()

    for name in ("Tips", "News", "Topic 3"):
        await visit.get_switch(name).click()
        scrolled = await visit.page.evaluate("window.scrollY")
        assert await visit.measure_switches() == before
        await visit.release()
        await expect(visit.status).to_contain_text("saved")
        assert await visit.measure_switches() == before
        assert await visit.page.evaluate("window.scrollY") == scrolled
        # What was saved can be read where the finger is.
        await expect(visit.status).to_be_in_viewport(ratio=1)

    await visit.page.screenshot(path=_name_screenshot(visit, "saved"))


@pytest.mark.parametrize("latency", [150, 400])
async def test_on_a_slow_connection_the_page_ends_up_showing_what_is_stored(
    visit: Visit, latency: int
) -> None:
    await visit.open()
    session = await visit.page.context.new_cdp_session(visit.page)
    await session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": latency,
            "downloadThroughput": -1,
            "uploadThroughput": -1,
        },
    )
    names = ["News", "Tips", "Topic 0", "Topic 1"]
    rng = random.Random(latency)  # noqa: S311 - a seed makes the taps repeatable
    wanted = {name: await visit.get_switch(name).is_checked() for name in names}

    for _ in range(20):
        name = rng.choice(names)
        await visit.get_switch(name).click()
        wanted[name] = not wanted[name]

    await expect(visit.status).to_contain_text("saved")
    shown = {name: await visit.get_switch(name).is_checked() for name in names}
    assert shown == wanted
    await visit.page.reload()
    assert {name: await visit.get_switch(name).is_checked() for name in names} == wanted


async def test_a_failed_save_shows_what_is_stored_and_says_so(visit: Visit) -> None:
    await visit.open()
    await visit.get_switch("Tips").check()
    await expect(visit.status).to_contain_text("saved")
    before = await visit.measure_switches()

    await visit.page.context.set_offline(True)
    await visit.get_switch("Tips").click()
    await visit.get_switch("News").click()

    await expect(visit.page.get_by_role("alert")).to_contain_text("Not saved")
    await expect(visit.get_switch("Tips")).to_be_checked()
    await expect(visit.get_switch("News")).to_be_checked()
    await expect(visit.page.get_by_role("alert")).to_be_in_viewport(ratio=1)
    await expect(visit.status).not_to_contain_text("saved")
    assert await visit.measure_switches() == before
    assert await visit.consents() == {"tips": True}
    await visit.page.screenshot(path=_name_screenshot(visit, "failed"))

    await visit.page.context.set_offline(False)
    await visit.get_switch("Tips").click()
    await expect(visit.status).to_contain_text("saved")
    await expect(visit.page.get_by_role("alert")).not_to_contain_text("Not saved")
    assert await visit.consents() == {"tips": False}


async def test_a_save_whose_answer_is_lost_shows_what_is_stored(visit: Visit) -> None:
    await visit.open()

    async def lose_the_answer(route: Route) -> None:
        if route.request.method == "POST":
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await visit.page.route("**/p/*", lose_the_answer)
    await visit.get_switch("Tips").check()

    await expect(visit.status).to_contain_text("saved")
    await expect(visit.get_switch("Tips")).to_be_checked()
    assert await visit.consents() == {"tips": True}


async def test_a_tap_is_saved_though_the_page_is_left_at_once(visit: Visit) -> None:
    await visit.open()
    await visit.hold_requests()
    await visit.get_switch("Tips").click()
    await visit.get_switch("News").click()
    await visit.page.unroute("**/p/*")

    await visit.page.goto("about:blank")

    async def condition() -> bool:
        return (await visit.consents()).get("news") is False

    await until(visit.site.runtime.change_feed, condition)


async def test_stopping_everything_saves_the_taps_before_it(visit: Visit) -> None:
    await visit.open()
    await visit.hold_requests()
    await visit.get_switch("Tips").check()
    await visit.get_switch("News").uncheck()
    await visit.page.get_by_role("button", name="unsubscribe from all emails").click()
    await visit.release()
    await visit.release()
    await visit.release()

    await expect(visit.page.get_by_text("unsubscribed from all emails, except")).to_be_visible()
    assert await visit.consents() == {"tips": True, "news": False, "*": False}
    await visit.page.screenshot(path=_name_screenshot(visit, "stopped"))


async def test_the_next_answer_shows_what_was_changed_elsewhere(visit: Visit) -> None:
    await visit.open()
    await visit.site.event("settings.saved", lists={"tips": True})
    await visit.get_switch("News").uncheck()
    await expect(visit.get_switch("Tips")).to_be_checked()

    await visit.site.event("settings.saved", lists={"*": False})
    await visit.get_switch("Topic 1").uncheck()
    await expect(visit.page.get_by_text("unsubscribed from all emails, except")).to_be_visible()


def _name_screenshot(visit: Visit, name: str) -> Path:
    size = visit.page.viewport_size
    assert size is not None
    return SCREENSHOTS / f"{name}-{size['width']}.png"
