"""A restored copy says that sending is on hold, and what to do, where operators look."""

from __future__ import annotations

import pytest

from hogsend.process.runtime import Runtime
from hogsend.store import meta
from tests.web.conftest import Browser, extract_text

REASON = "restored copy of 2 March"


@pytest.fixture(autouse=True)
async def restored_copy(runtime: Runtime) -> None:
    """The database is a restored copy."""
    async with runtime.database.transaction() as transaction:
        await transaction.apply([meta.set_value(meta.SEND_HOLD, REASON)])


async def test_the_overview_lists_a_send_hold_first_and_links_to_the_system_page(
    owner: Browser,
) -> None:
    html = await owner.read("/")
    text = extract_text(html)
    hold = text.index(f"Sending is on hold because this database is a {REASON}")
    assert text.index("Needs attention") < hold < text.index("win_back.py cannot be used")
    assert 'href="/system" aria-label="View: Sending is on hold"' in html


async def test_the_system_page_names_the_command_that_lifts_a_send_hold(owner: Browser) -> None:
    text = extract_text(await owner.read("/system"))
    assert f"Sending is on hold because this database is a {REASON}." in text
    assert "run hogsend resume-sending and restart this one." in text
