"""The dashboard as people use it: a real Chromium against the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from playwright.async_api import BrowserContext, ConsoleMessage, Page, Route, async_playwright
from quart import Quart

from hogsend.domain.event import EventMatch
from hogsend.domain.graph import JourneyGraph
from hogsend.domain.incoming import IncomingEvent
from hogsend.process.runtime import Runtime
from hogsend.services.enrollment_actions import run_action
from hogsend.store import counters
from hogsend.store.counters import Tally
from hogsend.turns.static_analysis.graphs import build_graph_from_source
from hogsend.web.session import COOKIE
from tests.actors import OLGA
from tests.patience import PATIENCE
from tests.web import product
from tests.web.conftest import Browser
from tests.web.long_texts import add_long_texts
from tests.web.sample_data import SampleData
from tests.web.serving import serving
from tests.web.test_blocked_emails import REASON, add_email

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# For developers to look at; not part of the repository.
SCREENSHOTS = Path(__file__).parents[2] / "screenshots" / "dashboard"


@pytest.fixture
async def address(app: Quart, runtime: Runtime) -> AsyncIterator[str]:
    """The address of the running server."""
    async with serving(app, runtime.change_feed) as url:
        yield url


@pytest.fixture
async def window(
    browser_path: str, address: str, owner: Browser, request: pytest.FixtureRequest
) -> AsyncIterator[BrowserContext]:
    """A browser in which the owner is signed in; parametrize with `False` for no scripts."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=browser_path, args=ARGUMENTS)
        scripts = getattr(request, "param", True)
        opened = await chromium.new_context(base_url=address, java_script_enabled=scripts)
        await opened.add_cookies([{"name": COOKIE, "value": owner.cookie, "url": address}])
        opened.set_default_timeout(PATIENCE * 1000)
        yield opened
        await chromium.close()


def collect_messages(page: Page) -> list[str]:
    """Return a list that collects the console errors and warnings of a page."""
    messages: list[str] = []

    def console(message: ConsoleMessage) -> None:
        # The driver itself tries to run a script in the mail's frame, which refuses all scripts.
        if message.type in ("error", "warning") and "Blocked script execution" not in message.text:
            messages.append(message.text)

    page.on("console", console)
    page.on("pageerror", lambda error: messages.append(str(error)))
    return messages


async def test_a_list_updates_live_and_keeps_scroll_and_input(
    window: BrowserContext, runtime: Runtime, sample: SampleData
) -> None:
    page = await window.new_page()
    messages = collect_messages(page)
    await page.goto("/events")
    await page.locator("#fire-form > summary").click()
    await page.locator("#properties").fill('{"half": "written')
    await page.evaluate("window.scrollTo(0, 120)")
    await page.locator("#events tbody tr").first.evaluate("row => { row.kept = true }")
    await runtime.ingest.submit(IncomingEvent(name="seen.live", user_id="u_live"))
    await page.locator("#events >> text=seen.live").wait_for()
    assert await page.evaluate("window.scrollY") == 120
    assert await page.evaluate("document.activeElement.id") == "properties"
    assert await page.locator("#properties").input_value() == '{"half": "written'
    assert await page.locator("#fire-form").get_attribute("open") is not None
    kept = "[...document.querySelectorAll('#events tr')].filter(row => row.kept).length"
    assert await page.evaluate(kept) == 1
    assert messages == []


async def test_a_page_is_live_when_its_scripts_arrive_far_apart(
    window: BrowserContext, runtime: Runtime, sample: SampleData
) -> None:
    page = await window.new_page()

    async def hold_back(route: Route) -> None:
        # Polled by time: a page that is not painted yet has no frames to poll by.
        await page.wait_for_function("() => window.htmx !== undefined", polling=20)
        # What htmx has put off until the current script ends has run.
        await page.evaluate("new Promise(resolve => setTimeout(() => setTimeout(resolve)))")
        await route.continue_()

    await page.route("**/hx-sse-*", hold_back)
    await page.goto("/events")
    await runtime.ingest.submit(IncomingEvent(name="seen.live", user_id="u_live"))
    await page.locator("#events >> text=seen.live").wait_for()


async def test_an_enrollment_updates_live(
    window: BrowserContext, runtime: Runtime, sample: SampleData
) -> None:
    page = await window.new_page()
    enrollment_id = sample.ids["activation-welcome/Ada Lovelace"]
    await page.goto(f"/enrollments/{enrollment_id}")
    await run_action(runtime, OLGA, "exit", enrollment_id, note="the account is gone")
    await page.locator("h1 >> text=exited").wait_for()
    assert await page.locator("text=Wake now").count() == 0


async def test_the_search_updates_while_typing(window: BrowserContext, sample: SampleData) -> None:
    page = await window.new_page()
    await page.goto("/contacts")
    await page.locator("#q").press_sequentially("user_181")
    await page.wait_for_url("**/contacts?q=user_181")
    await page.locator("#people tbody tr").nth(0).wait_for()
    assert await page.locator("#people tbody tr").count() == 1
    await page.reload()
    assert await page.locator("#people tbody tr").count() == 1


@pytest.mark.parametrize("window", [False], indirect=True)
async def test_everything_works_without_scripts(window: BrowserContext, sample: SampleData) -> None:
    page = await window.new_page()
    await page.goto("/journeys/activation-welcome?wait=wait:plan.upgraded")
    await page.locator("#people a", has_text="Ada Lovelace").click()
    await page.locator("summary", has_text="Exit").click()
    await page.locator("#reason-exit").fill("asked by mail")
    await page.locator("button", has_text="Exit enrollment").click()
    assert "Exited." in await page.locator(".banner.done").inner_text()
    await page.locator("aside a", has_text="View").click()
    await page.locator(".switch:not(:disabled)").first.click()
    assert "Saved" in await page.locator(".banner.done").inner_text()
    await page.goto("/inbox")
    await page.locator("#mails tbody a").first.click()
    await page.locator(".tabs a", has_text="Source").click()
    assert "List-Unsubscribe-Post" in await page.locator("pre").inner_text()


# The scrolling of graphs, code, captured mails and text in fields is intended; a name in a table is
# shortened with an ellipsis, and its title has the whole.
CUT = """
    [...document.querySelectorAll("main, main *")]
      .filter(element => element.scrollWidth > element.clientWidth + 1 && element.clientWidth
        && getComputedStyle(element).display !== "inline"
        && !element.closest("pre, svg, .clip, .sr, input")
        && !element.querySelector(":scope > svg.graph"))
      .map(element => `${element.tagName} ${element.id || element.className}`)
"""


def list_screens(runtime: Runtime, sample: SampleData) -> dict[str, str]:
    """Return the paths of all pages, by the names of their screenshots."""
    ids, mail = sample.ids, sample.ids["welcome mail"]
    recipient = (ids["long"], "product-updates", mail)
    return {
        "overview": "/",
        "journeys": "/journeys",
        "journey": "/journeys/activation-welcome?wait=sleep:post-welcome",
        "journey-refused": "/journeys/activation-welcome?refused=where_not_met",
        "enrollment": f"/enrollments/{ids['activation-welcome/Ada Lovelace']}",
        "enrollment-failed": f"/enrollments/{ids['payment-recovery/grace@example.com']}",
        "contacts": "/contacts",
        "contact": f"/contacts/{ids['long']}",
        "events": "/events?fire=1",
        "event": f"/events/{ids['long event']}",
        "emails": "/emails",
        "email": f"/emails/{mail}?view=headers",
        "email-failed": f"/emails/{ids['long failed mail']}",
        "inbox": "/inbox",
        "captured": f"/inbox/{mail}?view=text",
        "templates": "/templates",
        "template": "/templates/activation-welcome",
        "keys": f"/keys?revoke={ids['long key']}",
        "audit": "/audit",
        "system": "/system",
        "not-found": "/journeys/none",
        "unsubscribe": f"/u/{runtime.tokens.sign_unsubscribe(*recipient)}",
        "preferences": f"/p/{runtime.tokens.sign_preferences(*recipient)}",
    }


async def test_no_page_is_cut_at_any_width(
    window: BrowserContext, runtime: Runtime, sample: SampleData
) -> None:
    await add_long_texts(runtime, sample)
    page = await window.new_page()
    messages = collect_messages(page)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name, path in list_screens(runtime, sample).items():
        await page.goto(path)
        for width in (2560, 1440, 390, 360):
            await page.set_viewport_size({"width": width, "height": 900})
            needed = await page.evaluate("document.documentElement.scrollWidth")
            assert needed <= width, f"{name} needs {needed} of {width} pixels"
            assert await page.evaluate(CUT) == [], f"{name} is cut at {width} pixels"
            if width in (1440, 390):
                await page.screenshot(path=SCREENSHOTS / f"{name}-{width}.png", full_page=True)
    assert [text for text in messages if "404" not in text] == []


async def test_the_reason_of_blocked_emails_is_readable_on_a_phone(
    window: BrowserContext, runtime: Runtime, sample: SampleData
) -> None:
    await add_email(runtime, sample, "blocked")
    page = await window.new_page()
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto("/emails?status=blocked")

    reason = page.locator("[aria-labelledby=blocked]").get_by_text(REASON).filter(visible=True)

    box = await reason.bounding_box()
    assert box is not None and box["width"] > 150


LABELS = {
    "long": "a" * 140,
    "words": "an_unbroken_name_of_a_step_that_someone_wrote " * 3,
    "wide": "W" * 40,
    "Chinese": "欢迎新用户并介绍最重要的功能" * 4,
    "emoji": "👨‍👩‍👧‍👦🏳️‍🌈" * 12,
    "Arabic": "مرحبا بكم في الخدمة الجديدة " * 4,
    "Hebrew": "ברוכים הבאים לשירות החדש " * 4,
    "Persian": "علی‌رضا " * 12,
    "stacked": "ṱ̶͉̇e̵̳͌x̷̜̿t̴̨͐" * 8,
    "one wide letter": "\ufdfd" * 20,
    "markup": '<b>&amp;"x"</b>' * 8,
}
HOSTILE = """
async def activation_welcome(user, ctx):
    match plan:
{cases}
    if not await ctx.wait_for({wide!r}, timeout=days(1), label={wide!r}):
        return
    for step_of_a_loop_with_a_long_name in {long!r}:
        await ctx.checkpoint({long!r})
"""
# For each box of text: whether what is drawn of the text lies within its box, and the box within
# its node, beside the mark with the number of people.
OUTSIDE = """
    [...document.querySelectorAll("svg.graph .line")].filter(line => {
        const inside = (inner, outer) => inner.left >= outer.left - .5
            && inner.top >= outer.top - .5 && inner.right <= outer.right + .5
            && inner.bottom <= outer.bottom + .5
        const box = line.getBoundingClientRect(), node = line.closest(".node")
        const frame = (node?.querySelector("rect") ?? line.closest("svg")).getBoundingClientRect()
        const pill = node?.querySelector(".pill")?.getBoundingClientRect()
        const style = getComputedStyle(line)
        return !(inside(box, frame) && (!pill || box.right <= pill.left + .5)
            && style.overflowX == "hidden" && style.textOverflow == "ellipsis" && box.height <= 20)
    }).map(line => line.textContent)
"""
# The pairs of text boxes and nodes that overlap, but for those of one node.
OVERLAPPING = """
    [...document.querySelectorAll("svg.graph foreignObject, svg.graph .node > rect")]
      .map(element => [element.closest(".node") ?? element, element.getBoundingClientRect()])
      .flatMap(([one, a], n, all) => all.slice(n + 1)
        .filter(([two, b]) => one !== two && a.left < b.right - 1 && b.left < a.right - 1
          && a.top < b.bottom - 1 && b.top < a.bottom - 1)
        .map(([two]) => `${one.textContent} / ${two.textContent}`))
"""


async def test_labels_of_any_length_and_script_stay_in_their_boxes(
    window: BrowserContext,
    runtime: Runtime,
    sample: SampleData,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured = replace(product.WELCOME, goal=EventMatch("order." + "paid" * 40))
    monkeypatch.setitem(product.JOURNEYS, measured.id, measured)
    cases = "".join(
        f"        case {name!r}:\n            await ctx.sleep(days(1), label={label!r})\n"
        for name, label in zip(LABELS.values(), LABELS.values(), strict=True)
    )
    source = HOSTILE.format(cases=cases, wide=LABELS["wide"], long=LABELS["long"])
    flow = build_graph_from_source(source)
    cast("dict[str, JourneyGraph]", runtime.content.registry.graphs)["activation-welcome"] = flow
    tally = Tally(runtime.clock.now())
    waits = [step.first_key for step in flow.walk_steps() if step.is_wait]
    assert len(waits) == len(LABELS) + 1
    for wait in waits:
        tally.add_to_gauge(counters.name_wait_gauge("activation-welcome", wait), 1_234_567)
    async with runtime.database.transaction() as tx:
        await tx.apply([tally.to_write()])
    page = await window.new_page()
    messages = collect_messages(page)
    await page.goto("/journeys/activation-welcome")
    for width in (1280, 390):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.locator("svg.graph .pill").count() == len(waits)
        assert await page.evaluate(OUTSIDE) == []
        assert await page.evaluate(OVERLAPPING) == []
        needed = await page.evaluate("document.documentElement.scrollWidth")
        assert needed <= width
        await page.screenshot(path=SCREENSHOTS / f"labels-{width}.png", full_page=True)
    titles = await page.locator("svg.graph .node > title").all_text_contents()
    for label in LABELS.values():
        assert any(label in title for title in titles)
    assert messages == []


async def test_the_description_of_the_api_is_shown_without_other_servers(
    window: BrowserContext, address: str
) -> None:
    page = await window.new_page()
    messages = collect_messages(page)
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    await page.goto("/docs")
    await page.get_by_text("/v1/events/batch").wait_for()
    assert not [url for url in urls if not url.startswith((address, "data:"))]
    assert messages == []
