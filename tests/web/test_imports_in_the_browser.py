"""Uploading, mapping, trying and importing a file in a real Chromium."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from playwright.async_api import async_playwright

from hogsend.clock import ManualClock
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.imports import list_imports
from hogsend.web.session import COOKIE
from tests.patience import PATIENCE
from tests.site import open_site
from tests.web.conftest import sign_in_as
from tests.web.serving import serving
from tests.web.test_in_the_browser import ARGUMENTS, collect_messages

# For developers to look at; not part of the repository.
SCREENSHOTS = Path(__file__).parents[2] / "screenshots" / "imports"
PEOPLE = b"Correo;Plan\n" + b"".join(b"u%d@example.com;pro\n" % n for n in range(800)) + b"x;y\n"


async def test_a_file_is_imported_while_the_page_follows(
    browser_path: str, sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    async with (
        open_site(tmp_path, clock, with_worker=False) as site,
        serving(site.app, site.runtime.change_feed) as address,
        async_playwright() as playwright,
    ):
        site.runtime.settings = replace(site.runtime.settings, max_import_size=1)
        owner = await sign_in_as(site.app, site.runtime, "owner")
        chromium = await playwright.chromium.launch(executable_path=browser_path, args=ARGUMENTS)
        window = await chromium.new_context(base_url=address)
        window.set_default_timeout(PATIENCE * 1000)
        await window.add_cookies([{"name": COOKIE, "value": owner.cookie, "url": address}])
        page = await window.new_page()
        messages = collect_messages(page)

        async def look(name: str) -> None:
            for width in (1440, 390):
                await page.set_viewport_size({"width": width, "height": 900})
                needed = await page.evaluate("document.documentElement.scrollWidth")
                assert needed <= width, f"{name} needs {needed} of {width} pixels"
                await page.screenshot(path=SCREENSHOTS / f"{name}-{width}.png", full_page=True)

        await page.goto("/contacts")
        await page.get_by_role("link", name="Import", exact=True).click()
        file = page.locator("#file")
        await file.set_input_files(
            {"name": "big.csv", "mimeType": "text/csv", "buffer": b"x" * 1_100_000}
        )
        await page.get_by_role("button", name="Upload").click()
        await page.get_by_text("This file is larger than 1 MiB.").wait_for()
        await file.set_input_files({"name": "p.csv", "mimeType": "text/csv", "buffer": PEOPLE})
        await page.get_by_role("button", name="Upload").click()
        await page.get_by_text("No column holds an email address").wait_for()
        await look("columns")
        # Only a property has a name to type.
        assert await page.locator("#name-0").is_visible()
        await page.locator("#target-0").select_option("email")
        assert not await page.locator("#name-0").is_visible()
        await page.locator("#name-1").fill("plan")

        await page.get_by_role("button", name="Dry run", exact=True).click()
        await page.evaluate("document.body.dataset.kept = 'yes'")
        await page.get_by_role("button", name="Import 800 rows").wait_for()
        assert await page.evaluate("document.body.dataset.kept") == "yes"
        await look("checked")
        await page.get_by_role("link", name="Change the columns").click()
        assert await page.locator("#name-1").input_value() == "plan"
        await page.get_by_role("button", name="Import 800 rows").click()
        await page.locator("#progress .tag.ok").wait_for()
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Download all as CSV").click()
        assert (await download.value).suggested_filename == "refused-rows.csv"
        assert messages == []
        (job,) = await list_imports(site.runtime, COMMAND_LINE, 10)
        assert (job.created, job.refused) == (800, 1)
        await chromium.close()
