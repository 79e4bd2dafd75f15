"""One pass through everything that an operator, a product and a recipient do.

The operator signs in, the product sends an event, the recipient reads the mail, clicks a link and
unsubscribes with one click. The journey's next mail is skipped, and every screen shows the reason.
"""

from __future__ import annotations

import os
import re
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from tests.browser.project import Project
from tests.patience import PATIENCE

expect.set_options(timeout=PATIENCE * 1000)
PASSWORD = "a sentence is a good password"
EVENT = {
    "name": "user.created",
    "userId": "ada",
    "email": "Ada@Example.com",
    "eventProperties": {"plan": "pro"},
    "contactProperties": {"firstName": "Ada", "name": "Ada Lovelace"},
    "idempotencyKey": "signup-1",
}
WIDTHS = {"desktop": (1440, 900), "phone": (390, 844)}
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def screenshots_folder() -> Path | None:
    """Return the folder for screenshots; None in CI, where nobody looks at them."""
    if os.environ.get("CI") == "true":
        return None
    folder = Path(__file__).parents[2] / "screenshots"
    folder.mkdir(exist_ok=True)
    return folder


@asynccontextmanager
async def browsing(executable: str, *, javascript: bool) -> AsyncIterator[Page]:
    """Open a page in Chromium. Fails at the end if the page had an error.

    Args:
        executable: the path of Chromium.
        javascript: whether the browser runs scripts.
    """
    async with async_playwright() as driver:
        browser: Browser = await driver.chromium.launch(
            executable_path=executable, args=list(_ARGUMENTS)
        )
        context = await browser.new_context(
            java_script_enabled=javascript, viewport={"width": 1440, "height": 900}
        )
        page = await context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        errors: list[str] = []
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "response", lambda r: errors.append(f"{r.status} {r.url}") if r.status > 399 else None
        )
        yield page
        await browser.close()
        assert errors == []


class Walkthrough:
    """The steps of the walkthrough.

    Args:
        project: a project whose server runs.
        page: the operator's browser.
        javascript: whether the browser runs scripts.
        screenshots: the folder for screenshots; None for none.
    """

    def __init__(
        self, project: Project, page: Page, *, javascript: bool, screenshots: Path | None = None
    ) -> None:
        self.project = project
        self.page = page
        self.javascript = javascript
        self.screenshots = screenshots
        self.enrollment = ""
        self.mail: dict[str, str] = {}

    async def run(self) -> None:
        """Run all steps, from the first start to the skipped mail."""
        link, key = self.project.first_run()
        await self.sign_in(link)
        await self.watch_an_event(key)
        await self.read_the_mail()
        await self.click_in_the_mail()
        await self.open_unsubscribe_and_preference_pages()
        await self.unsubscribe_with_one_click()
        await self.check_that_the_next_mail_is_skipped()
        await self.exit_an_enrollment(key)

    async def check_widths(self, name: str) -> None:
        """Check that a screen fits into both widths, and take a screenshot of each."""
        for width, (across, down) in WIDTHS.items():
            await self.page.set_viewport_size({"width": across, "height": down})
            if self.javascript:
                wide = await self.page.evaluate("document.documentElement.scrollWidth")
                assert wide <= across, f"{name} scrolls sideways at {across} pixels"
            if self.screenshots is not None:
                file = self.screenshots / f"{name}-{width}.png"
                await self.page.screenshot(path=file, full_page=True)
        await self.page.set_viewport_size({"width": 1440, "height": 900})

    async def go(self, path: str) -> None:
        """Open a screen."""
        await self.page.goto(self.project.address + path, wait_until="load")

    async def expect_visible(self, locator: Locator) -> None:
        """Wait until something is visible. Without scripts the page is reloaded until then."""
        if not self.javascript:
            deadline = time.monotonic() + PATIENCE
            await self.page.wait_for_load_state("load")
            while not await locator.is_visible() and time.monotonic() < deadline:
                await self.page.wait_for_timeout(100)
                await self.page.goto(self.page.url, wait_until="load")
        await expect(locator).to_be_visible()

    async def sign_in(self, link: str) -> None:
        """Use the one-time link, set a password, sign out and in again."""
        page = self.page
        await page.goto(link)
        await self.check_widths("first-run")
        await page.get_by_label("Email").fill("op@example.com")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Set password and sign in").click()
        await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        await self.check_widths("overview-empty")
        await page.get_by_role("button", name="Sign out").first.click()
        await page.get_by_label("Email").fill("op@example.com")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    async def watch_an_event(self, key: str) -> None:
        """Send an event while the journey's page is open: the contact appears on it."""
        page = self.page
        await self.go("/journeys/activation-welcome")
        await expect(page.get_by_role("link", name="Ada Lovelace")).to_have_count(0)
        first = self.project.send(key, EVENT)
        assert first["stored"] is True
        [decision] = first["enrollments"]
        assert decision["outcome"] == "enrolled"
        repeated = self.project.send(key, EVENT)
        assert repeated == {**first, "stored": False}
        await self.expect_visible(page.get_by_role("link", name="Ada Lovelace"))
        await page.get_by_role("link", name="Ada Lovelace").click()
        self.enrollment = f"/enrollments/{decision['stateId']}"
        assert page.url == self.project.address + self.enrollment
        await self.expect_visible(page.get_by_text("Sent “Welcome"))
        await self.expect_visible(page.get_by_role("main").get_by_text("post-welcome").first)
        await self.check_widths("enrollment-waiting")

    async def read_the_mail(self) -> None:
        """Open the mail in the inbox, and read its links and headers."""
        page = self.page
        await self.go("/inbox")
        await self.check_widths("inbox")
        await page.get_by_role("link", name=re.compile("^Welcome")).first.click()
        await self.check_widths("captured")
        frame = page.frame_locator("iframe").first
        await expect(frame.get_by_role("link").first).to_be_visible()
        body = await page.locator("iframe").first.get_attribute("src")
        html = await (await page.request.get(f"{self.project.address}{body}")).text()
        links = re.findall(r'href="([^"]+)"', html)
        self.mail["click"] = next(link for link in links if "/c/" in link)
        self.mail["preferences"] = next(link for link in links if "/p/" in link)
        await page.get_by_role("link", name="Headers").click()
        headers = await page.get_by_role("main").inner_text()
        assert "List-Unsubscribe=One-Click" in headers
        match = re.search(r"<(http://\S+/u/\S+)>", headers)
        assert match is not None
        self.mail["unsubscribe"] = match.group(1)
        await self.check_widths("captured-headers")

    async def click_in_the_mail(self) -> None:
        """Click a link in the mail: the click is recorded and redirected."""
        answer = await self.page.request.get(self.mail["click"], max_redirects=0)
        assert answer.status == 302
        assert answer.headers["location"].startswith("https://")
        await self.go("/emails")
        await self.page.get_by_role(
            "link", name=re.compile("Welcome|activation-welcome")
        ).first.click()
        await expect(self.page.get_by_role("main")).to_contain_text("click")
        await self.check_widths("email")

    async def open_unsubscribe_and_preference_pages(self) -> None:
        """GET of the unsubscribe page changes nothing; the preference page switches lists."""
        page = self.page
        await page.goto(self.mail["unsubscribe"])
        await expect(page.get_by_role("heading", name="Unsubscribe?")).to_be_visible()
        await self.check_widths("unsubscribe")
        await page.goto(self.mail["unsubscribe"])
        await expect(page.get_by_role("heading", name="Unsubscribe?")).to_be_visible()
        await page.goto(self.mail["preferences"])
        await self.check_widths("preferences")
        ideas = page.get_by_role("switch", name="Tips and ideas")
        await expect(ideas).to_be_checked()
        await ideas.click()
        # The mail has just left, so the page asks whether a scanner pressed its button.
        if self.javascript:
            await expect(page.get_by_role("alert")).to_contain_text("tap the switch again")
            await page.wait_for_timeout(2100)
            await ideas.click()
        else:
            await page.get_by_role("button", name="Save preferences").click()
            await expect(page.get_by_role("heading", name="Please confirm")).to_be_visible()
            await page.wait_for_timeout(2100)
            await page.get_by_role("button", name="Yes, that was me").click()
        await expect(page.get_by_role("status")).to_contain_text("saved")
        await page.goto(self.mail["preferences"])
        await expect(page.get_by_role("switch", name="Tips and ideas")).not_to_be_checked()
        await expect(page.get_by_role("switch", name="Product updates")).to_be_checked()

    async def unsubscribe_with_one_click(self) -> None:
        """Unsubscribe as a mail client does (RFC 8058), with one request without a cookie."""
        one_click(self.mail["unsubscribe"])
        await self.page.goto(self.mail["unsubscribe"])
        await expect(
            self.page.get_by_role("heading", name=re.compile("already unsubscribed"))
        ).to_be_visible()

    async def check_that_the_next_mail_is_skipped(self) -> None:
        """Wake the enrollment: the next mail is skipped, and three screens show the reason."""
        page = self.page
        await self.go(self.enrollment)
        await page.get_by_role("button", name="Wake now").click()
        await self.expect_visible(page.get_by_text("Did not send").first)
        await expect(page.get_by_role("main")).to_contain_text("unsubscribed")
        await self.check_widths("enrollment-skipped")
        await page.get_by_role("link", name="View", exact=True).first.click()
        await expect(page.get_by_role("main")).to_contain_text("unsubscribed")
        await self.check_widths("contact")
        await self.go("/emails?status=skipped")
        await expect(page.get_by_role("main")).to_contain_text("unsubscribed")
        await self.check_widths("emails-skipped")

    async def exit_an_enrollment(self, key: str) -> None:
        """Exit an enrollment, after a confirmation, and open every other screen."""
        page = self.page
        answer = self.project.send(
            key, {"name": "user.created", "userId": "grace", "email": "grace@example.com"}
        )
        await self.go(f"/enrollments/{answer['enrollments'][0]['stateId']}")
        await page.locator("summary", has_text="Exit").click()
        await page.get_by_role("button", name="Exit enrollment").click()
        await self.expect_visible(page.locator("h1", has_text="exited"))
        for path, name in (
            ("/", "overview"),
            ("/journeys", "journeys"),
            ("/journeys/activation-welcome", "journey"),
            ("/contacts", "contacts"),
            ("/events", "events"),
            ("/emails", "emails"),
            ("/templates", "templates"),
            ("/system", "system"),
            ("/keys", "keys"),
            ("/audit", "audit"),
        ):
            await self.go(path)
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
            await self.check_widths(name)


def one_click(address: str) -> None:
    """Send the request that a mail client sends when its "unsubscribe" is pressed."""
    request = urllib.request.Request(
        address,
        urlencode({"List-Unsubscribe": "One-Click"}).encode(),
        {"Content-Type": "application/x-www-form-urlencoded"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert (answer.status, answer.geturl()) == (200, address)
