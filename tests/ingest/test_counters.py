"""Stored counts equal recounted rows, with the same result on both databases."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hogsend.clock import ManualClock
from hogsend.errors import HogsendError
from hogsend.ingest import ActionName
from hogsend.services.enrollment_actions import run_action
from tests.actors import OLGA
from tests.world import World, open_world

JOURNEYS = """
    news = MailList("news", "News")

    @journey("onboarding", trigger="signed.up", exit_on=["left"], list="news", suppress=hours(6))
    async def onboarding(user, ctx):
        await ctx.send("welcome")
        used = await ctx.wait_for("used", timeout=days(2))
        if not used:
            await ctx.send("nudge")
        await ctx.sleep(days(1))
        if (await ctx.history.count("used")) > 1:
            await ctx.trigger("activated")
        await ctx.send("bye")

    @journey("carts", trigger="cart", key=prop("cart"), entry="unlimited", exit_on=["paid"])
    async def carts(user, ctx):
        await ctx.sleep(hours(2))
        await ctx.send("offer")
        await ctx.wait_for("cart", timeout=days(1))

    @journey("again", trigger="used", entry="unlimited", on_retrigger="restart")
    async def again(user, ctx):
        await ctx.sleep(hours(30))
        await ctx.send("nudge")

    @journey("flaky", trigger="activated", entry=once_per(days(3)))
    async def flaky(user, ctx):
        await ctx.sleep(hours(1))
        if ctx.event.seq % 3 == 0:
            raise ValueError("every third")
        await ctx.exit("done")
"""
EVENTS = ("signed.up", "used", "cart", "paid", "left", "hello")
PAUSES = (timedelta(minutes=10), timedelta(hours=3), timedelta(days=1))


class RandomHistory:
    """A random sequence of events, pauses and actions; the same seed gives the same sequence.

    Args:
        world: the world to run it in.
        seed: the seed of the random choices.
    """

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._random = random.Random(seed)  # noqa: S311

    async def run(self, length: int) -> None:
        await self._world.define(JOURNEYS)
        actions = (self._event, self._event, self._event, self._pause, self._operator, self._code)
        weights = (6, 6, 6, 4, 2, 1)
        for _ in range(length):
            await self._random.choices(actions, weights)[0]()
            await self._world.settle()

    async def _event(self) -> None:
        number = self._random.randrange(5)
        identities: dict[str, Any] = {
            "user_id": f"u{number}",
            "email": f"p{number % 4}@example.com",
            "anonymous_id": f"b{number % 3}",
        }
        for name in self._random.sample(list(identities), self._random.randrange(3)):
            del identities[name]
        lists = {}
        if self._random.random() < 0.15:
            lists = {self._random.choice(["news", "journey", "*"]): self._random.random() < 0.5}
        await self._world.submit(
            self._random.choice(EVENTS),
            **identities,
            properties={"cart": self._random.randrange(2)},
            lists=lists,
            idempotency_key=f"k{self._random.randrange(200)}",
        )

    async def _pause(self) -> None:
        await self._world.advance(self._random.choice(PAUSES))

    async def _operator(self) -> None:
        live = [
            enrollment for enrollment in await self._world.all_enrollments() if enrollment.is_live
        ]
        if not live:
            return
        action: ActionName = "wake" if self._random.random() < 0.5 else "exit"
        enrollment_id = self._random.choice(live).id
        try:
            await run_action(self._world.runtime, OLGA, action, enrollment_id, note="asked")
        except HogsendError as refused:
            assert "does not wait" in str(refused)

    async def _code(self) -> None:
        self._world.remove("journeys")
        await self._world.load()
        await self._event()
        await self._world.define(JOURNEYS)

    async def fetch_outcome(self) -> dict[str, Any]:
        """Return the resulting rows and counts, without ids."""
        enrollments = await self._world.all_enrollments()
        return {
            "people": [
                (contact.user_id, contact.email, contact.anonymous_id, contact.event_seq)
                for contact in await self._world.contacts()
            ],
            "enrollments": Counter(
                (
                    enrollment.journey_id,
                    enrollment.entry_key,
                    enrollment.state,
                    enrollment.turn,
                    enrollment.end_reason,
                )
                for enrollment in enrollments
            ),
            "mails": Counter(await self._world.send_outcomes()),
            "consents": Counter(
                (row[0], bool(row[1]))
                for row in await self._world.query("SELECT list_id, subscribed FROM consents")
            ),
            "counters": await self._world.counters(),
        }


@pytest.mark.parametrize("seed", range(4))
async def test_stored_counts_equal_recounted_rows(world: World, seed: int):
    history = RandomHistory(world, seed)
    await history.run(80)
    assert await world.counter_drift() == {}
    assert len(await world.all_enrollments()) > 5


async def test_postgres_and_sqlite_give_the_same_outcome(
    sqlite_url: str, postgres_url: str, tmp_path: Path, clock: ManualClock
):
    outcomes: list[dict[str, Any]] = []
    for url in (sqlite_url, postgres_url):
        clock_copy = ManualClock(clock.now())
        async with open_world(url, tmp_path, clock_copy, with_worker=True) as world:
            history = RandomHistory(world, 99)
            await history.run(120)
            outcomes.append(await history.fetch_outcome())
    assert outcomes[0] == outcomes[1]


async def test_a_long_wait_of_a_journey_with_a_long_id_is_counted(world: World):
    journey, label = "j" * 99, "l" * 180
    await world.define(
        f'''
        @journey("{journey}", trigger="go")
        async def long(user, ctx):
            await ctx.sleep(days(1), label="{label}")
        '''
    )
    await world.emit("go", "ada")
    rows = await world.query("SELECT name, value FROM counters WHERE name LIKE 'waiting/%'")
    [(name, value)] = rows
    assert (len(name), value) == (200, 1)
    await world.advance(timedelta(days=1))
    assert await world.query("SELECT value FROM counters WHERE name LIKE 'waiting/%'") == [(0,)]
    assert await world.states() == ["completed"]
