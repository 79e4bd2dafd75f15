"""What an operator sees of Hatchet: the run of an enrollment, and an outage."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from playwright.async_api import expect

from tests.browser.project import CHECKOUT, Project
from tests.browser.walkthrough import EVENT, Walkthrough, browsing, screenshots_folder
from tests.doubles.hatchet import hatchet_double


async def test_an_enrollment_links_to_its_run_and_an_outage_of_hatchet_is_on_every_screen(
    tmp_path: Path, browser_path: str
) -> None:
    async with hatchet_double() as double:
        project = Project(CHECKOUT, tmp_path, double.environment)
        project.init()
        try:
            await asyncio.to_thread(project.start)
            async with browsing(browser_path, javascript=True) as page:
                walkthrough = Walkthrough(
                    project, page, javascript=True, screenshots=screenshots_folder()
                )
                link, key = project.first_run()
                await walkthrough.sign_in(link)
                enrolled = await asyncio.to_thread(project.send, key, EVENT)
                await walkthrough.go(f"/enrollments/{enrolled['enrollments'][0]['stateId']}")
                main = page.get_by_role("main")
                await expect(main).to_contain_text("post-welcome")
                [run] = [id for id, run in double.runs.items() if "enrollment" in run.metadata]
                link_to_run = main.get_by_role("link", name=run[:8])
                await expect(link_to_run).to_have_attribute(
                    "href", re.compile(f"^http.*/runs/{run}$")
                )
                await walkthrough.check_widths("hatchet-run")
                await walkthrough.go("/system")
                await walkthrough.check_widths("hatchet-system")

                await double.stop()
                banner = page.get_by_text("Hatchet is unreachable")
                await expect(banner.first).to_be_visible()
                await walkthrough.check_widths("hatchet-away-system")
                for screen in ("contacts", "journeys", ""):
                    await walkthrough.go(f"/{screen}")
                    await expect(banner.first).to_be_visible()
                    await walkthrough.check_widths(f"hatchet-away-{screen or 'overview'}")
                await double.start()
                await expect(banner).to_have_count(0)
            assert await asyncio.to_thread(project.stop) == 0
        finally:
            await asyncio.to_thread(project.stop)
