"""The story against this checkout, with scripts and without."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.program import CHECKOUT, Program
from tests.browser.story import Story, browsing, pictures_folder


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
async def test_from_an_event_to_a_one_click_unsubscribe(
    tmp_path: Path, browser_path: str, javascript: bool
) -> None:
    pictures = pictures_folder() if javascript else None
    program = Program(CHECKOUT, tmp_path)
    program.init()
    program.start()
    try:
        async with browsing(browser_path, javascript=javascript) as page:
            await Story(program, page, javascript=javascript, pictures=pictures).live()
        assert program.stop() == 0
    finally:
        program.stop()
