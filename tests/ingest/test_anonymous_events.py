"""Events of unknown browsers wait without a contact, and are adopted (docs/identity.md)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from hogsend.domain.incoming import IngestResult
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.contact_changes import ContactChange, upsert_contact
from tests.world import World

WAITING = """
    @journey("waiting", trigger="go", exit_on=["stop"])
    async def waiting(user, ctx):
        answer = await ctx.wait_for("viewed", timeout=days(7))
        await ctx.checkpoint("viewed" if answer else "nothing")
"""


async def view(world: World, name: str = "viewed", **fields: Any) -> IngestResult:
    return await world.submit(name, anonymous_id="b1", needs_contact=False, **fields)


async def list_owners(world: World) -> list[tuple[str, bool, int, str | None]]:
    rows = await world.query("SELECT name, contact_id, seq, anonymous_id FROM events ORDER BY id")
    return [(row[0], row[1] is not None, row[2], row[3]) for row in rows]


async def test_an_anonymous_event_makes_no_contact_until_the_person_is_known(idle_world: World):
    first = await view(idle_world, idempotency_key="k")
    assert (first.stored, first.contact_id, first.contact_key) == (True, None, "b1")
    assert (await view(idle_world, idempotency_key="k")).stored is False
    await view(idle_world, "clicked")
    assert await idle_world.contacts() == []
    assert await list_owners(idle_world) == [
        ("viewed", False, 0, "b1"),
        ("clicked", False, 0, "b1"),
    ]
    signed_up = await idle_world.submit("signed_up", user_id="ada", anonymous_id="b1")
    (ada,) = await idle_world.contacts()
    assert (ada.id, ada.user_id, ada.event_seq) == (signed_up.contact_id, "ada", 3)
    assert await list_owners(idle_world) == [
        ("viewed", True, 1, None),
        ("clicked", True, 2, None),
        ("signed_up", True, 3, None),
    ]
    # Now the browser is known.
    assert (await view(idle_world)).contact_id == ada.id
    assert await idle_world.counter_drift() == {}


async def test_events_of_one_batch_are_adopted_in_the_same_batch(idle_world: World):
    results = await asyncio.gather(
        view(idle_world),
        view(idle_world, "clicked"),
        idle_world.submit("signed_up", user_id="ada", anonymous_id="b1"),
        view(idle_world),
    )
    (ada,) = await idle_world.contacts()
    assert [result.contact_id for result in results] == [None, None, ada.id, ada.id]
    assert [owned for _, owned, _, _ in await list_owners(idle_world)] == [True] * 4
    assert ada.event_seq == 4


async def test_an_event_that_a_journey_begins_with_makes_the_contact(idle_world: World):
    await idle_world.define(WAITING)
    await view(idle_world)
    started = await view(idle_world, "go")
    (visitor,) = await idle_world.contacts()
    assert (started.contact_id, visitor.anonymous_id) == (visitor.id, "b1")
    assert [entry["outcome"] for entry in started.enrollments] == ["enrolled"]
    assert [owned for _, owned, _, _ in await list_owners(idle_world)] == [True, True]


async def test_a_contact_of_waiting_events_is_as_old_as_the_first(idle_world: World):
    await view(idle_world)
    idle_world.clock.set(idle_world.clock.now() + timedelta(days=1))
    later = await idle_world.submit("hi", email="ada@example.com")
    merged = await idle_world.submit("hi", email="ada@example.com", anonymous_id="b1")
    (ada,) = await idle_world.contacts()
    assert merged.contact_id == ada.id != later.contact_id
    assert ada.first_seen_at == idle_world.clock.now() - timedelta(days=1)


async def test_adopted_events_count_for_the_waits_and_exits_of_the_person(world: World):
    await world.define(WAITING)
    await world.submit("go", user_id="ada")
    await world.submit("go", user_id="bo")
    await world.settle()
    await view(world)
    await world.submit("stop", anonymous_id="b2", needs_contact=False)
    await upsert_contact(world.runtime, COMMAND_LINE, ContactChange("ada", anonymous_id="b1"))
    await upsert_contact(world.runtime, COMMAND_LINE, ContactChange("bo", anonymous_id="b2"))
    await world.settle()
    assert await world.states() == ["completed", "exited"]
    assert await world.counter_drift() == {}
