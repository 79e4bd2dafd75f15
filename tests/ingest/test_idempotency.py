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
    return [await world.ask(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]  # noqa: S608


async def test_a_repeated_event_enrolls_once_and_changes_nothing(desk: World):
    await desk.journey(WELCOME)
    told: dict[str, Any] = {
        "user_id": "ada",
        "email": "ada@example.com",
        "contact_properties": {"plan": "pro"},
        "lists": {"journey": True},
        "idempotency_key": "order-7",
    }
    first = await desk.take("go", **told)
    before = await everything(desk)
    told["contact_properties"] = {"plan": "free"}
    told["lists"] = {"journey": False}
    again = await desk.take("go", **told)

    assert not again.stored
    assert (again.event_id, again.contact_key) == (first.event_id, "ada")
    assert (again.enrollments, list(again.exits)) == (first.enrollments, first.exits)
    assert await everything(desk) == before
    assert await desk.states() == ["active"]


async def test_a_key_is_the_same_key_whatever_event_it_comes_with(desk: World):
    first = await desk.take("go", user_id="ada", idempotency_key="k", digest=b"one")
    again = await desk.take("other", user_id="bo", idempotency_key="k", digest=b"two")
    assert (again.stored, again.event_id, again.contact_key) == (False, first.event_id, "ada")
    assert again.conflict
    assert [one.name for one in await desk.events()] == ["go"]


async def test_the_same_body_again_is_no_conflict(desk: World):
    await desk.take("go", user_id="ada", idempotency_key="k", digest=b"one")
    again = await desk.take("go", user_id="ada", idempotency_key="k", digest=b"one")
    assert not again.conflict


async def test_two_events_with_one_key_at_the_same_moment_are_one(desk: World):
    await desk.journey(WELCOME)
    answers = await asyncio.gather(
        *(desk.take("go", user_id="ada", idempotency_key="k") for _ in range(5)),
        desk.take("go", user_id="ada", idempotency_key="another"),
    )
    assert [one.stored for one in answers] == [True, False, False, False, False, True]
    assert len({one.event_id for one in answers[:5]}) == 1
    assert {one.contact_key for one in answers} == {"ada"}
    assert len(await desk.events()) == 2


async def test_a_repeated_answer_says_again_what_went_wrong_with_its_lists(desk: World):
    told: dict[str, Any] = {"user_id": "ada", "email": "ada@example.com", "lists": {"nope": True}}
    first = await desk.take("go", idempotency_key="k", **told)
    again = await desk.take("go", idempotency_key="k", **told)
    assert first.lists_error == again.lists_error == "Unknown list: nope"


async def test_exits_and_waits_are_in_the_repeated_answer_too(desk: World):
    await desk.journey(WELCOME)
    await desk.take("go", user_id="ada")
    first = await desk.take("go", user_id="ada", idempotency_key="k")
    again = await desk.take("go", user_id="ada", idempotency_key="k")
    assert [one["exited"] for one in first.exits] == [True]
    assert (again.exits, again.enrollments) == (first.exits, first.enrollments)
