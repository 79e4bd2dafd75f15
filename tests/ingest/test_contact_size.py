"""The properties of a contact have a limit, however many events they come in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hogsend.domain.incoming import MAX_CONTACT_BYTES, MAX_CONTACT_PROPERTIES
from hogsend.errors import TooLarge
from tests.ingest.test_idempotency import load_all_rows
from tests.world import World

HALF = "x" * (MAX_CONTACT_BYTES // 2)


async def get_properties(world: World, user_id: str = "ada") -> dict[str, Any]:
    return dict((await world.contact(user_id)).properties)


async def test_a_contact_does_not_grow_without_end(idle_world: World):
    await idle_world.submit("seen", user_id="ada", contact_properties={"a": HALF})
    before = await load_all_rows(idle_world)

    with pytest.raises(TooLarge, match=str(MAX_CONTACT_BYTES)):
        await idle_world.submit(
            "seen", user_id="ada", email="ada@example.com", contact_properties={"b": HALF}
        )

    assert await load_all_rows(idle_world) == before


async def test_a_contact_has_a_limited_number_of_properties(idle_world: World):
    many = {f"p{number}": 1 for number in range(MAX_CONTACT_PROPERTIES)}
    await idle_world.submit("seen", user_id="ada", contact_properties=many)

    with pytest.raises(TooLarge, match=str(MAX_CONTACT_PROPERTIES)):
        await idle_world.submit("seen", user_id="ada", contact_properties={"more": 1})

    await idle_world.submit("seen", user_id="ada", contact_properties={"p0": None, "more": 1})
    assert len(await get_properties(idle_world)) == MAX_CONTACT_PROPERTIES


async def test_an_event_that_replaces_a_large_property_is_taken(idle_world: World):
    await idle_world.submit("seen", user_id="ada", contact_properties={"a": HALF, "b": "y"})
    await idle_world.submit("seen", user_id="ada", contact_properties={"a": None, "b": HALF})
    assert await get_properties(idle_world) == {"b": HALF}


async def test_a_contact_that_is_too_large_already_may_change_but_not_grow(idle_world: World):
    for user_id, email in (("", "ada@example.com"), ("ada", "")):
        key = user_id or "mail"
        await idle_world.submit(
            "seen",
            user_id=user_id or None,
            email=email or None,
            contact_properties={f"{key}1": HALF, f"{key}2": HALF[:-100]},
        )
    await idle_world.submit("seen", user_id="ada", email="ada@example.com")
    assert len(await get_properties(idle_world)) == 4

    await idle_world.submit("seen", user_id="ada", contact_properties={"ada1": "small"})
    with pytest.raises(TooLarge):
        await idle_world.submit("seen", user_id="ada", contact_properties={"more": "z"})
    await idle_world.submit("seen", user_id="ada")


async def test_other_events_of_a_batch_are_stored(idle_world: World):
    await idle_world.submit("seen", user_id="ada", contact_properties={"a": HALF})
    results = await asyncio.gather(
        *(
            idle_world.submit("seen", user_id=user_id, contact_properties={"b": HALF})
            for user_id in ("bo", "ada", "cy")
        ),
        return_exceptions=True,
    )
    assert [isinstance(result, TooLarge) for result in results] == [False, True, False]
