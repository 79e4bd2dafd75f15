"""What an operator sees of Hatchet: which run plays whom, and that it is away."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from playwright.async_api import expect

from tests.browser.program import CHECKOUT, Program
from tests.browser.story import EVENT, Story, browsing, pictures_folder
from tests.doubles.hatchet import hatchet_double


async def test_a_run_is_linked_and_hatchet_away_is_told_on_every_screen(
    tmp_path: Path, browser_path: str
) -> None:
    async with hatchet_double() as double:
        program = Program(CHECKOUT, tmp_path, double.environment)
        program.init()
        try:
            await asyncio.to_thread(program.start)
            async with browsing(browser_path, javascript=True) as page:
                story = Story(program, page, javascript=True, pictures=pictures_folder())
                link, key = program.first_run()
                await story.sign_in(link)
                enrolled = await asyncio.to_thread(program.send, key, EVENT)
                await story.go(f"/enrollments/{enrolled['enrollments'][0]['stateId']}")
                main = page.get_by_role("main")
                await expect(main).to_contain_text("post-welcome")
                [run] = [one for one, of in double.runs.items() if "enrollment" in of.metadata]
                linked = main.get_by_role("link", name=run[:8])
                await expect(linked).to_have_attribute("href", re.compile(f"^http.*/runs/{run}$"))
                await story.show("hatchet-run")
                await story.go("/system")
                await story.show("hatchet-system")

                await double.stop()
                banner = page.get_by_text("Hatchet is away")
                await expect(banner.first).to_be_visible(timeout=60_000)
                await story.show("hatchet-away-system")
                for screen in ("contacts", "journeys", ""):
                    await story.go(f"/{screen}")
                    await expect(banner.first).to_be_visible()
                    await story.show(f"hatchet-away-{screen or 'overview'}")
                await double.start()
                await expect(banner).to_have_count(0, timeout=60_000)
            assert await asyncio.to_thread(program.stop) == 0
        finally:
            await asyncio.to_thread(program.stop)
