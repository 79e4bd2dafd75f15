"""The same key again changes nothing at all and gets the first answer."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.world import World

WELCOME = """
    @journey("welcome", trigger="go", entry="unlimited", exit_on=["go"])
    async def welcome(user, ctx): ...
"""


async def everything(world: World) -> list[Any]:
    """Return all that an event could change."""
    tables = ("contacts", "identities", "events", "enrollments", "refusals", "consents", "counters")
    return [await world.query(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]  # noqa: S608


async def test_a_repeated_event_enrolls_once_and_changes_nothing(idle_world: World):
    await idle_world.define(WELCOME)
    fields: dict[str, Any] = {
        "user_id": "ada",
        "email": "ada@example.com",
        "contact_properties": {"plan": "pro"},
        "lists": {"journey": True},
        "idempotency_key": "order-7",
    }
    first = await idle_world.submit("go", **fields)
    before = await everything(idle_world)
    fields["contact_properties"] = {"plan": "free"}
    fields["lists"] = {"journey": False}
    again = await idle_world.submit("go", **fields)

    assert not again.stored
    assert (again.event_id, again.contact_key) == (first.event_id, "ada")
    assert (again.enrollments, list(again.exits)) == (first.enrollments, first.exits)
    assert await everything(idle_world) == before
    assert await idle_world.states() == ["active"]


async def test_a_key_is_the_same_key_whatever_event_it_comes_with(idle_world: World):
    first = await idle_world.submit("go", user_id="ada", idempotency_key="k", digest=b"one")
    again = await idle_world.submit("other", user_id="bo", idempotency_key="k", digest=b"two")
    assert (again.stored, again.event_id, again.contact_key) == (False, first.event_id, "ada")
    assert again.conflict
    assert [one.name for one in await idle_world.events()] == ["go"]


async def test_the_same_body_again_is_no_conflict(idle_world: World):
    await idle_world.submit("go", user_id="ada", idempotency_key="k", digest=b"one")
    again = await idle_world.submit("go", user_id="ada", idempotency_key="k", digest=b"one")
    assert not again.conflict


async def test_two_events_with_one_key_at_the_same_moment_are_one(idle_world: World):
    await idle_world.define(WELCOME)
    answers = await asyncio.gather(
        *(idle_world.submit("go", user_id="ada", idempotency_key="k") for _ in range(5)),
        idle_world.submit("go", user_id="ada", idempotency_key="another"),
    )
    assert [one.stored for one in answers] == [True, False, False, False, False, True]
    assert len({one.event_id for one in answers[:5]}) == 1
    assert {one.contact_key for one in answers} == {"ada"}
    assert len(await idle_world.events()) == 2


async def test_a_repeat_returns_the_same_lists_error(idle_world: World):
    fields: dict[str, Any] = {"user_id": "ada", "email": "ada@example.com", "lists": {"nope": True}}
    first = await idle_world.submit("go", idempotency_key="k", **fields)
    again = await idle_world.submit("go", idempotency_key="k", **fields)
    assert first.lists_error == again.lists_error == "Unknown list: nope"


async def test_a_repeat_returns_the_same_exits_and_enrollments(idle_world: World):
    await idle_world.define(WELCOME)
    await idle_world.submit("go", user_id="ada")
    first = await idle_world.submit("go", user_id="ada", idempotency_key="k")
    again = await idle_world.submit("go", user_id="ada", idempotency_key="k")
    assert [one["exited"] for one in first.exits] == [True]
    assert (again.exits, again.enrollments) == (first.exits, first.enrollments)
