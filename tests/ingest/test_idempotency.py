"""A repeated idempotency key changes nothing and returns the result of the first request."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.world import World

WELCOME = """
    @journey("welcome", trigger="go", entry="unlimited", exit_on=["go"])
    async def welcome(user, ctx): ...
"""


async def load_all_rows(world: World) -> list[Any]:
    """Return all rows that an event can change."""
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
    before = await load_all_rows(idle_world)
    fields["contact_properties"] = {"plan": "free"}
    fields["lists"] = {"journey": False}
    repeated = await idle_world.submit("go", **fields)

    assert not repeated.stored
    assert (repeated.event_id, repeated.contact_key) == (first.event_id, "ada")
    assert (repeated.enrollments, list(repeated.exits)) == (first.enrollments, first.exits)
    assert await load_all_rows(idle_world) == before
    assert await idle_world.states() == ["active"]


async def test_an_idempotency_key_counts_across_event_names_and_contacts(idle_world: World):
    first = await idle_world.submit("go", user_id="ada", idempotency_key="k", digest=b"one")
    repeated = await idle_world.submit("other", user_id="bo", idempotency_key="k", digest=b"two")
    assert (repeated.stored, repeated.event_id, repeated.contact_key) == (
        False,
        first.event_id,
        "ada",
    )
    assert repeated.conflict
    assert [event.name for event in await idle_world.events()] == ["go"]


async def test_a_repeat_with_the_same_body_is_no_conflict(idle_world: World):
    await idle_world.submit("go", user_id="ada", idempotency_key="k", digest=b"one")
    repeated = await idle_world.submit("go", user_id="ada", idempotency_key="k", digest=b"one")
    assert not repeated.conflict


async def test_concurrent_events_with_one_key_are_stored_once(idle_world: World):
    await idle_world.define(WELCOME)
    results = await asyncio.gather(
        *(idle_world.submit("go", user_id="ada", idempotency_key="k") for _ in range(5)),
        idle_world.submit("go", user_id="ada", idempotency_key="another"),
    )
    assert [result.stored for result in results] == [True, False, False, False, False, True]
    assert len({result.event_id for result in results[:5]}) == 1
    assert {result.contact_key for result in results} == {"ada"}
    assert len(await idle_world.events()) == 2


async def test_a_repeat_returns_the_same_lists_error(idle_world: World):
    fields: dict[str, Any] = {"user_id": "ada", "email": "ada@example.com", "lists": {"nope": True}}
    first = await idle_world.submit("go", idempotency_key="k", **fields)
    repeated = await idle_world.submit("go", idempotency_key="k", **fields)
    assert first.lists_error == repeated.lists_error == "Unknown list: nope"


async def test_a_repeat_returns_the_same_exits_and_enrollments(idle_world: World):
    await idle_world.define(WELCOME)
    await idle_world.submit("go", user_id="ada")
    first = await idle_world.submit("go", user_id="ada", idempotency_key="k")
    repeated = await idle_world.submit("go", user_id="ada", idempotency_key="k")
    assert [decision["exited"] for decision in first.exits] == [True]
    assert (repeated.exits, repeated.enrollments) == (first.exits, first.enrollments)
