"""`serve --reload`: an edit is in use without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hogsend import days
from hogsend.process import reload, runtime
from tests.patience import PATIENCE
from tests.world import AUTHORS_IMPORTS, World, sqlite_world

__all__ = ["sqlite_world"]

JOURNEY = """
@journey("j", trigger="go")
async def j(user, ctx):
    await ctx.sleep(days(1), label="rest")
    await ctx.send("welcome")
"""


@dataclass
class Edited:
    """An instance that looks for edits all the time.

    Args:
        world: the instance.
        used: how many edits it uses.
    """

    world: World
    used: asyncio.Semaphore

    async def edit(self, name: str, text: str) -> None:
        """Write a file of the author's folder, and wait until it is in use."""
        (self.world.runtime.settings.journeys / name).write_text(AUTHORS_IMPORTS + text)
        async with asyncio.timeout(PATIENCE):
            await self.used.acquire()


@pytest.fixture
async def edited(sqlite_world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Edited]:
    used = asyncio.Semaphore(0)
    plan = runtime.Runtime.plan_changes

    async def plan_and_tell(self: runtime.Runtime) -> None:
        await plan(self)
        used.release()

    monkeypatch.setattr(runtime.Runtime, "plan_changes", plan_and_tell)
    watching = asyncio.create_task(reload.reload_when_edited(sqlite_world.runtime))
    # The first edit comes after the folder is watched.
    await asyncio.sleep(0)
    yield Edited(sqlite_world, used)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_waiting_contacts_continue_with_the_edited_journey(edited: Edited):
    world = edited.world
    await edited.edit("journeys.py", JOURNEY)
    await world.emit("go")
    await edited.edit("journeys.py", JOURNEY.replace('send("welcome")', 'send("nudge")'))
    await world.advance(days(1))
    assert await world.mailbox() == ["nudge"]


async def test_an_edit_that_breaks_a_journey_parks_its_people_until_it_is_mended(edited: Edited):
    world = edited.world
    await edited.edit("journeys.py", JOURNEY)
    await world.emit("go")
    await edited.edit("journeys.py", "async def (")
    assert await world.states() == ["parked"]
    await edited.edit("journeys.py", JOURNEY)
    assert await world.states() == ["waiting"]
    await world.advance(days(1))
    assert await world.mailbox() == ["welcome"]


async def test_an_edited_mail_is_the_one_that_leaves(edited: Edited):
    world = edited.world
    await edited.edit("journeys.py", JOURNEY)
    await world.emit("go")
    mail = world.runtime.settings.journeys / "emails" / "welcome.html"
    mail.write_text("---\nsubject: Edited\n---\n<p>Edited</p>\n")
    async with asyncio.timeout(PATIENCE):
        await edited.used.acquire()
    await world.advance(days(1))
    assert await world.query("SELECT subject FROM inbox") == [("Edited",)]


async def test_a_folder_that_is_created_later_is_watched(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(reload, "CHECK_INTERVAL", 0.05)
    folder = tmp_path / "later"
    notifications = reload._notifications(folder)
    async with asyncio.timeout(PATIENCE):
        await anext(notifications)
        folder.mkdir()
        await anext(notifications)
        (folder / "journeys.py").write_text("")
        await anext(notifications)
    await notifications.aclose()


async def test_watching_stops_as_soon_as_it_is_cancelled(sqlite_world: World):
    watching = asyncio.create_task(reload.reload_when_edited(sqlite_world.runtime))
    await asyncio.sleep(0)
    watching.cancel()
    async with asyncio.timeout(reload.CHECK_INTERVAL / 2):
        await asyncio.gather(watching, return_exceptions=True)
