"""`@journey` attaches a spec to a function, and keeps no global registry."""

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


def test_the_decorator_returns_the_same_function():
    async def welcome(user: Contact, ctx: Context) -> None:
        """Say hello."""

    decorated = journey("welcome", trigger="go")(welcome)
    assert decorated is welcome
    assert inspect.iscoroutinefunction(decorated)
    assert isinstance(getattr(decorated, SPEC_ATTRIBUTE), JourneySpec)


def test_each_load_builds_a_separate_registry(tmp_path: Path):
    first_folder, second_folder = tmp_path / "one", tmp_path / "other"
    for folder in (first_folder, second_folder):
        folder.mkdir()
        (folder / "journeys.py").write_text(SOURCE)
    first, second, again = load(first_folder), load(second_folder), load(first_folder)
    assert list(first.journeys) == list(second.journeys) == list(again.journeys) == ["j"]
    assert not (first.broken or second.broken or again.broken)
    assert len({id(registry.functions["j"]) for registry in (first, second, again)}) == 3


def test_a_decorated_function_outside_of_the_folder_is_not_registered(tmp_path: Path):
    @journey("elsewhere", trigger="go")
    async def elsewhere(user: Contact, ctx: Context) -> None: ...

    (tmp_path / "journeys.py").write_text(SOURCE)
    assert list(load(tmp_path).journeys) == ["j"]
