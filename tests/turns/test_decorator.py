"""`@journey` only marks a function: what is made of the marks is nobody's global."""

from __future__ import annotations

import inspect
from pathlib import Path

from hogsend import Contact, Context, journey
from hogsend.turns.decorator import SPEC_ATTRIBUTE, JourneySpec
from hogsend.turns.folder_loader import load

SOURCE = """
from hogsend import journey

@journey("j", trigger="go")
async def j(user, ctx): ...
"""


def test_a_journey_is_the_function_that_was_written():
    async def welcome(user: Contact, ctx: Context) -> None:
        """Say hello."""

    marked = journey("welcome", trigger="go")(welcome)
    assert marked is welcome
    assert inspect.iscoroutinefunction(marked)
    assert isinstance(getattr(marked, SPEC_ATTRIBUTE), JourneySpec)


def test_each_loading_makes_a_registry_of_its_own(tmp_path: Path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        (folder / "journeys.py").write_text(SOURCE)
    first, second, again = load(one), load(other), load(one)
    assert list(first.journeys) == list(second.journeys) == list(again.journeys) == ["j"]
    assert not (first.broken or second.broken or again.broken)
    assert len({id(found.functions["j"]) for found in (first, second, again)}) == 3


def test_a_mark_outside_of_the_folder_registers_nothing(tmp_path: Path):
    @journey("elsewhere", trigger="go")
    async def elsewhere(user: Contact, ctx: Context) -> None: ...

    (tmp_path / "journeys.py").write_text(SOURCE)
    assert list(load(tmp_path).journeys) == ["j"]
