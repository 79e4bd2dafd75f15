"""The examples of docs/changing-journeys.md have the outcomes that the document gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hogsend.services.content import load_content
from hogsend.turns.plan import plan_journeys
from hogsend.turns.turn_inputs import JourneyCode
from tests.world import World

DOCUMENT = Path(__file__).parents[2] / "docs" / "changing-journeys.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
BEFORE, EDITS = BLOCKS[0], BLOCKS[1:]
OUTCOMES = {"identical": "identical", "moved on": "moved", "drift": "drifted"}


def read_expected_outcome(edit: str) -> str:
    """Return the outcome that an example gives for waiting contacts, as a count of the plan."""
    match = re.search(r"# Contacts waiting in settle-in: ([a-z ]+)\.", edit)
    assert match, edit
    return OUTCOMES[match[1]]


@pytest.mark.parametrize("edit", EDITS, ids=range(len(EDITS)))
async def test_waiting_contacts_get_the_outcome_that_the_guide_gives(
    sqlite_world: World, edit: str
):
    emails = sqlite_world.runtime.settings.journeys / "emails"
    for name in set(re.findall(r'send\("([a-z-]+)"\)', DOCUMENT.read_text())):
        (emails / f"{name}.html").write_text(f"---\nsubject: {name}\n---\n<p>{name}</p>\n")
    await sqlite_world.define(BEFORE)
    await sqlite_world.emit("user.created")
    assert await sqlite_world.states() == ["waiting"]

    sqlite_world.write("journeys", edit)
    content = load_content(sqlite_world.runtime.settings, sqlite_world.runtime.tokens)
    assert not content.broken
    code = JourneyCode(content.registry, content.template_lists)
    (plan,) = await plan_journeys(sqlite_world.database, sqlite_world.clock, code, ["first-week"])

    assert (getattr(plan, read_expected_outcome(edit)), plan.people) == (1, 1)


def test_the_document_shows_each_outcome():
    assert {read_expected_outcome(edit) for edit in EDITS} == set(OUTCOMES.values())
