"""Retention limits the rows of a year of use, and removes nothing that is still needed."""

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
READS_CONTACT = """
    @journey("j", trigger="go", entry="unlimited")
    async def j(user, ctx):
        first = await ctx.contact()
        await ctx.sleep(days(200), label="long")
        again = await ctx.contact()
        story = user.properties["story"] + first.properties["story"] + again.properties["story"]
        await ctx.trigger("reported", {"length": len(story)})
        await ctx.send("welcome")
"""


async def apply_retention(world: World) -> Any:
    """Apply retention, as the worker does every hour."""
    assert world.runtime.worker is not None
    assert world.runtime.worker.retention is not None
    return await world.runtime.worker.retention.apply()


async def test_a_large_answer_is_stored_once_and_replayed_completely(world: World):
    await world.define(READS_CONTACT)
    await world.submit("go", user_id="ada", email="ada@example.com", contact_properties=BIG)
    await world.settle()
    await world.advance(days(200))

    (event,) = await world.events("reported")
    assert event.properties == {"length": 3 * len(BIG["story"])}
    # The journal has three equal snapshots of the contact.
    sizes = await world.query("SELECT LENGTH(body) FROM answers")
    assert sum(row[0] for row in sizes) < len(BIG["story"])
    assert max(len(row[0]) for row in await world.query("SELECT steps FROM turns")) < 2_000


async def test_a_wait_of_any_length_continues(world: World):
    await world.define(READS_CONTACT)
    await world.submit("go", user_id="ada", email="ada@example.com", contact_properties=BIG)
    await world.settle()
    await world.advance(days(150))
    await apply_retention(world)
    await world.advance(days(50))

    assert await world.states() == ["completed"]
    assert await world.mailbox() == ["welcome"]


async def test_a_contact_can_enter_again_after_the_journal_was_removed(world: World):
    await world.define(READS_CONTACT)
    for _ in range(2):
        await world.submit("go", user_id="ada", email="ada@example.com", contact_properties=BIG)
        await world.settle()
        await world.advance(days(200))
        await world.advance(days(91))
        assert (await apply_retention(world))["journals"] == 1

    assert await world.states() == ["completed", "completed"]
    assert len(await world.sends()) == 2
    for table in ("turns", "answers", "steps", "messages", "inbox"):
        assert await world.query(f"SELECT * FROM {table}") == []  # noqa: S608 - from the list above


async def test_entry_once_holds_after_the_journal_was_removed(world: World):
    await world.define(READS_CONTACT.replace(', entry="unlimited"', ""))
    await world.submit("go", user_id="ada", email="ada@example.com", contact_properties=BIG)
    await world.settle()
    await world.advance(days(200))
    await world.advance(days(91))
    await apply_retention(world)

    again = await world.emit("go")

    assert [row["reason"] for row in again.enrollments] == ["already_entered"]
    (only,) = await world.all_enrollments()
    assert await world.database.read_one(turns.find_by_enrollments([only.id])) == {}


async def test_an_idempotency_key_expires_after_thirty_days(world: World):
    for _ in range(2):
        assert (await world.submit("go", user_id="ada", idempotency_key="k")).stored
        assert not (await world.submit("go", user_id="ada", idempotency_key="k")).stored
        await world.advance(days(30))
        await apply_retention(world)
        assert not (await world.submit("go", user_id="ada", idempotency_key="k")).stored
        await world.advance(days(1))
        await apply_retention(world)
    assert len(await world.events("go")) == 2


async def test_an_enrollment_takes_no_more_bytes_than_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The row and the journal on SQLite, with indexes, as the benchmark counts them."""
    monkeypatch.delenv("HOGSEND_DATABASE_URL", raising=False)
    monkeypatch.syspath_prepend(BENCHMARKS)
    disk = importlib.import_module("disk")
    sizes_by_state: dict[str, int] = {}

    def note(what: str, figure: str, goal: str, *, detail: str) -> None:
        sizes_by_state[what.removeprefix("bytes of an enrollment ")] = int(figure.replace(",", ""))

    monkeypatch.setattr(disk, "report", note)

    await disk.live(tmp_path, 1_000)

    assert sizes_by_state.keys() == {"that waits", "that is over", "that is summed up"}
    assert 500 < sizes_by_state["that waits"] <= 1_500
    assert sizes_by_state["that waits"] < sizes_by_state["that is over"] <= 2_000
