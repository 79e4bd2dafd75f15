"""The walkthrough with this checkout, with and without scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.project import CHECKOUT, Project
from tests.browser.walkthrough import Walkthrough, browsing, screenshots_folder


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
async def test_from_an_event_to_a_one_click_unsubscribe(
    tmp_path: Path, browser_path: str, javascript: bool
) -> None:
    screenshots = screenshots_folder() if javascript else None
    project = Project(CHECKOUT, tmp_path)
    project.init()
    project.start()
    try:
        async with browsing(browser_path, javascript=javascript) as page:
            walkthrough = Walkthrough(project, page, javascript=javascript, screenshots=screenshots)
            await walkthrough.run()
        assert project.stop() == 0
    finally:
        project.stop()
