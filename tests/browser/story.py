"""The whole product once through, as the people who use it live it.

An operator signs in and watches; the product sends an event; the recipient reads, clicks and
unsubscribes with one click; the journey's next mail is refused, and every screen says why.
"""

from __future__ import annotations

import os
import re
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser.program import Program

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


def pictures_folder() -> Path | None:
    """Return where screens are photographed: nowhere in CI, where nobody looks at them."""
    if os.environ.get("CI") == "true":
        return None
    folder = Path(__file__).parents[2] / "screenshots"
    folder.mkdir(exist_ok=True)
    return folder


@asynccontextmanager
async def browsing(executable: str, *, javascript: bool) -> AsyncIterator[Page]:
    """Open a page in a real browser; at the end nothing may have gone wrong in it."""
    async with async_playwright() as driver:
        browser: Browser = await driver.chromium.launch(
            executable_path=executable, args=list(_ARGUMENTS)
        )
        context = await browser.new_context(
            java_script_enabled=javascript, viewport={"width": 1440, "height": 900}
        )
        page = await context.new_page()
        page.set_default_timeout(15_000)
        troubles: list[str] = []
        page.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "response", lambda r: troubles.append(f"{r.status} {r.url}") if r.status > 399 else None
        )
        yield page
        await browser.close()
        assert troubles == []


class Story:
    """The story's steps.

    Args:
        program: the running program.
        page: the operator's browser.
        javascript: whether the browser runs scripts.
        pictures: where screens are photographed, if anywhere.
    """

    def __init__(
        self, program: Program, page: Page, *, javascript: bool, pictures: Path | None = None
    ) -> None:
        self.program = program
        self.page = page
        self.javascript = javascript
        self.pictures = pictures
        self.enrollment = ""
        self.mail: dict[str, str] = {}

    async def live(self) -> None:
        """Live the story from the first start to the refused mail."""
        link, key = self.program.first_run()
        await self.sign_in(link)
        await self.watch_an_event(key)
        await self.read_the_mail()
        await self.click_in_the_mail()
        await self.look_at_the_unsubscribe_page()
        await self.unsubscribe_with_one_click()
        await self.see_the_next_mail_refused()
        await self.end_someone_elses_journey(key)

    async def show(self, name: str) -> None:
        """Photograph a screen at both widths; it must fit into each."""
        for width, (across, down) in WIDTHS.items():
            await self.page.set_viewport_size({"width": across, "height": down})
            if self.javascript:
                wide = await self.page.evaluate("document.documentElement.scrollWidth")
                assert wide <= across, f"{name} scrolls sideways at {across} pixels"
            if self.pictures is not None:
                file = self.pictures / f"{name}-{width}.png"
                await self.page.screenshot(path=file, full_page=True)
        await self.page.set_viewport_size({"width": 1440, "height": 900})

    async def go(self, path: str) -> None:
        """Open a screen."""
        await self.page.goto(self.program.address + path, wait_until="load")

    async def again(self) -> None:
        """See what has changed: by itself with scripts, by a reload without."""
        if not self.javascript:
            await self.page.wait_for_load_state("load")
            await self.page.goto(self.page.url, wait_until="load")

    async def sign_in(self, link: str) -> None:
        """Use the one-time link, set a password, and come in."""
        page = self.page
        await page.goto(link)
        await self.show("first-run")
        await page.get_by_label("Email").fill("op@example.com")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Set password and sign in").click()
        await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        await self.show("overview-empty")
        await page.get_by_role("button", name="Sign out").first.click()
        await page.get_by_label("Email").fill("op@example.com")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    async def watch_an_event(self, key: str) -> None:
        """Send an event while the journey's page is open: the person appears on it."""
        page = self.page
        await self.go("/journeys/activation-welcome")
        await expect(page.get_by_role("link", name="Ada Lovelace")).to_have_count(0)
        first = self.program.send(key, EVENT)
        assert first["stored"] is True
        [decision] = first["enrollments"]
        assert decision["outcome"] == "enrolled"
        repeated = self.program.send(key, EVENT)
        assert repeated == {**first, "stored": False}
        await self.again()
        await expect(page.get_by_role("link", name="Ada Lovelace")).to_be_visible()
        await page.get_by_role("link", name="Ada Lovelace").click()
        self.enrollment = f"/enrollments/{decision['stateId']}"
        assert page.url == self.program.address + self.enrollment
        await expect(page.get_by_text("Sent “Welcome")).to_be_visible()
        await expect(page.get_by_role("main")).to_contain_text("post-welcome")
        await self.show("enrollment-waiting")

    async def read_the_mail(self) -> None:
        """Find the mail in the inbox, as a client would get it."""
        page = self.page
        await self.go("/inbox")
        await self.show("inbox")
        await page.get_by_role("link", name=re.compile("^Welcome")).first.click()
        await self.show("captured")
        frame = page.frame_locator("iframe").first
        await expect(frame.get_by_role("link").first).to_be_visible()
        body = await page.locator("iframe").first.get_attribute("src")
        html = await (await page.request.get(f"{self.program.address}{body}")).text()
        links = re.findall(r'href="([^"]+)"', html)
        self.mail["click"] = next(link for link in links if "/c/" in link)
        self.mail["preferences"] = next(link for link in links if "/p/" in link)
        await page.get_by_role("link", name="Headers").click()
        headers = await page.get_by_role("main").inner_text()
        assert "List-Unsubscribe=One-Click" in headers
        found = re.search(r"<(http://\S+/u/\S+)>", headers)
        assert found is not None
        self.mail["unsubscribe"] = found.group(1)
        await self.show("captured-headers")

    async def click_in_the_mail(self) -> None:
        """Follow a link of the mail: it is recorded and leads on."""
        answer = await self.page.request.get(self.mail["click"], max_redirects=0)
        assert answer.status == 302
        assert answer.headers["location"].startswith("https://")
        await self.go("/emails")
        await self.page.get_by_role(
            "link", name=re.compile("Welcome|activation-welcome")
        ).first.click()
        await expect(self.page.get_by_role("main")).to_contain_text("click")
        await self.show("email")

    async def look_at_the_unsubscribe_page(self) -> None:
        """GET changes nothing; the preference page switches lists."""
        page = self.page
        await page.goto(self.mail["unsubscribe"])
        await expect(page.get_by_role("heading", name="Unsubscribe?")).to_be_visible()
        await self.show("unsubscribe")
        await page.goto(self.mail["unsubscribe"])
        await expect(page.get_by_role("heading", name="Unsubscribe?")).to_be_visible()
        await page.goto(self.mail["preferences"])
        await self.show("preferences")
        ideas = page.get_by_role("switch", name="Tips and ideas")
        await expect(ideas).to_be_checked()
        await ideas.uncheck()
        if not self.javascript:
            await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("status")).to_contain_text("Saved")
        await page.goto(self.mail["preferences"])
        await expect(page.get_by_role("switch", name="Tips and ideas")).not_to_be_checked()
        await expect(page.get_by_role("switch", name="Product updates")).to_be_checked()

    async def unsubscribe_with_one_click(self) -> None:
        """Post what a mail client posts (RFC 8058): no cookie, no page, done at once."""
        one_click(self.mail["unsubscribe"])
        await self.page.goto(self.mail["unsubscribe"])
        await expect(
            self.page.get_by_role("heading", name="You are unsubscribed already")
        ).to_be_visible()

    async def see_the_next_mail_refused(self) -> None:
        """Wake the person: the nudge is not sent, and three screens say why."""
        page = self.page
        await self.go(self.enrollment)
        await page.get_by_role("button", name="Wake now").click()
        await self.again()
        refused = page.get_by_text("Did not send").first
        for _ in range(20):
            if await refused.is_visible():
                break
            await page.wait_for_timeout(100)
            await self.again()
        await expect(refused).to_be_visible()
        await expect(page.get_by_role("main")).to_contain_text("unsubscribed")
        await self.show("enrollment-refused")
        await page.get_by_role("link", name="open", exact=True).first.click()
        await expect(page.get_by_role("main")).to_contain_text("unsubscribed")
        await self.show("contact")
        await self.go("/emails?status=skipped")
        await expect(page.get_by_role("main")).to_contain_text("unsubscribed")
        await self.show("emails-skipped")

    async def end_someone_elses_journey(self, key: str) -> None:
        """Exit an enrollment, after being asked."""
        page = self.page
        taken = self.program.send(
            key, {"name": "user.created", "userId": "grace", "email": "grace@example.com"}
        )
        await self.go(f"/enrollments/{taken['enrollments'][0]['stateId']}")
        await page.locator("summary", has_text="Exit").click()
        await page.get_by_role("button", name="Exit 1 person").click()
        await self.again()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("exited")
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
            await self.show(name)


def one_click(address: str) -> None:
    """Do what a mail client does when its "unsubscribe" is pressed."""
    request = urllib.request.Request(
        address,
        urlencode({"List-Unsubscribe": "One-Click"}).encode(),
        {"Content-Type": "application/x-www-form-urlencoded"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert (answer.status, answer.geturl()) == (200, address)
