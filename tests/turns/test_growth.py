"""A year of use leaves no more behind than was promised, and nothing that goes is missed."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from hogsend import days
from hogsend.store import turns
from tests.world import World

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
BIG = {"story": "once upon a time, " * 300}
LOOKS = """
    @journey("j", trigger="go", entry="unlimited")
    async def j(user, ctx):
        first = await ctx.contact()
        await ctx.sleep(days(200), label="long")
        again = await ctx.contact()
        story = user.properties["story"] + first.properties["story"] + again.properties["story"]
        await ctx.trigger("reported", {"length": len(story)})
        await ctx.send("welcome")
"""


async def keep(world: World) -> Any:
    """Do what is done every hour."""
    assert world.runtime.worker is not None
    assert world.runtime.worker.retention is not None
    return await world.runtime.worker.retention.apply()


async def test_a_large_read_is_kept_once_and_replayed_whole(world: World):
    await world.define(LOOKS)
    await world.submit("go", user_id="ada", email="ada@example.com", contact_properties=BIG)
    await world.settle()
    await world.advance(days(200))

    (event,) = await world.events("reported")
    assert event.properties == {"length": 3 * len(BIG["story"])}
    # The contact was looked at three times, and changed between the looks in its age alone.
    sizes = await world.query("SELECT LENGTH(body) FROM answers")
    assert sum(row[0] for row in sizes) < len(BIG["story"])
    assert max(len(row[0]) for row in await world.query("SELECT steps FROM turns")) < 2_000


async def test_a_wait_of_any_length_continues(world: World):
    await world.define(LOOKS)
    await world.submit("go", user_id="ada", email="ada@example.com", contact_properties=BIG)
    await world.settle()
    await world.advance(days(150))
    await keep(world)
    await world.advance(days(50))

    assert await world.states() == ["completed"]
    assert await world.mailbox() == ["welcome"]


async def test_a_contact_can_enter_again_after_the_journal_was_removed(world: World):
    await world.define(LOOKS)
    for _ in range(2):
        await world.submit("go", user_id="ada", email="ada@example.com", contact_properties=BIG)
        await world.settle()
        await world.advance(days(200))
        await world.advance(days(91))
        assert (await keep(world))["journals"] == 1

    assert await world.states() == ["completed", "completed"]
    assert len(await world.sends()) == 2
    for table in ("turns", "answers", "steps", "messages", "inbox"):
        assert await world.query(f"SELECT * FROM {table}") == []  # noqa: S608 - from the list above


async def test_once_is_once_also_when_the_journal_is_gone(world: World):
    await world.define(LOOKS.replace(', entry="unlimited"', ""))
    await world.submit("go", user_id="ada", email="ada@example.com", contact_properties=BIG)
    await world.settle()
    await world.advance(days(200))
    await world.advance(days(91))
    await keep(world)

    again = await world.emit("go")

    assert [one["reason"] for one in again.enrollments] == ["already_entered"]
    (only,) = await world.all_enrollments()
    assert await world.database.read_one(turns.find_by_enrollments([only.id])) == {}


async def test_a_key_is_known_for_thirty_days_and_is_new_after_that(world: World):
    for _ in range(2):
        assert (await world.submit("go", user_id="ada", idempotency_key="k")).stored
        assert not (await world.submit("go", user_id="ada", idempotency_key="k")).stored
        await world.advance(days(30))
        await keep(world)
        assert not (await world.submit("go", user_id="ada", idempotency_key="k")).stored
        await world.advance(days(1))
        await keep(world)
    assert len(await world.events("go")) == 2


async def test_an_enrollment_takes_no_more_bytes_than_was_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its row and its journal on SQLite, indexes included, as the benchmark counts them."""
    monkeypatch.delenv("HOGSEND_DATABASE_URL", raising=False)
    monkeypatch.syspath_prepend(BENCHMARKS)
    disk = importlib.import_module("disk")
    found: dict[str, int] = {}

    def note(what: str, figure: str, goal: str, *, detail: str) -> None:
        found[what.removeprefix("bytes of an enrollment ")] = int(figure.replace(",", ""))

    monkeypatch.setattr(disk, "report", note)

    await disk.live(tmp_path, 1_000)

    assert found.keys() == {"that waits", "that is over", "that is summed up"}
    assert 500 < found["that waits"] <= 1_500
    assert found["that waits"] < found["that is over"] <= 2_000
