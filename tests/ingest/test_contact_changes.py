"""Changes of contacts by products and operators are events of the contact (docs/identity.md)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hogsend.errors import Conflict, HogsendError, InvalidInput, NotFound, TooLarge
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.contact_changes import (
    ContactChange,
    UpsertOutcome,
    create_contact,
    edit_contact,
    find_contacts,
    upsert_contact,
)
from tests.actors import OLGA
from tests.world import World

FOLLOWING = """
    @journey("trial", trigger="go")
    async def trial(user, ctx):
        await ctx.sleep_until(prop("ends"), label="the end")
        await ctx.send("nudge")

    @journey("hello", trigger="contact.created")
    async def hello(user, ctx):
        await ctx.send("welcome")
"""


async def upsert(world: World, **change: Any) -> UpsertOutcome:
    return await upsert_contact(world.runtime, COMMAND_LINE, ContactChange(**change))


async def test_an_upsert_creates_changes_or_merges(idle_world: World):
    first = await upsert(idle_world, user_id=" ada ", properties={"plan": "free"})
    assert (first.created, first.linked) == (True, False)
    again = await upsert(idle_world, user_id="ada", properties={"plan": "pro", "city": None})
    assert (again.contact_id, again.created, again.linked) == (first.contact_id, False, True)
    await upsert(idle_world, email="Ada@Example.com")
    merged = await upsert(idle_world, user_id="ada", email="ada@example.com")
    assert (merged.contact_id, merged.linked) == (first.contact_id, True)
    (ada,) = await idle_world.contacts()
    assert (ada.email, ada.properties) == ("ada@example.com", {"plan": "pro"})
    assert [event.name for event in await idle_world.events()] == [
        "contact.created",
        "contact.updated",
        "contact.created",
    ]
    assert await idle_world.counter_drift() == {}


async def test_an_upsert_that_changes_nothing_stores_nothing(idle_world: World):
    change: dict[str, Any] = {
        "user_id": "ada",
        "email": "ada@example.com",
        "properties": {"on": True},
        "lists": {"journey": True},
    }
    await upsert(idle_world, **change)
    before = idle_world.clock.now()
    idle_world.clock.set(before + timedelta(hours=1))
    await upsert(idle_world, **change)
    assert len(await idle_world.events()) == 1
    assert (await idle_world.contact()).last_seen_at == before + timedelta(hours=1)
    # As JSON, 1 is not true.
    await upsert(idle_world, user_id="ada", properties={"on": 1})
    await upsert(idle_world, user_id="ada", properties={"on": None})
    await upsert(idle_world, user_id="ada", properties={"on": None})
    assert len(await idle_world.events()) == 3


async def test_lists_of_a_contact_without_an_address_are_refused_and_the_contact_is_kept(
    idle_world: World,
):
    result = await upsert(idle_world, user_id="ada", lists={"journey": True})
    assert result.lists_error == "Contact has no email; cannot manage list membership"
    assert len(await idle_world.contacts()) == 1


async def test_an_edit_moves_waits_and_starts_journeys_like_an_event(world: World):
    await world.define(FOLLOWING)
    now = world.clock.now()
    ends = [(now + timedelta(days=day)).isoformat() for day in (5, 2)]
    await create_contact(
        world.runtime,
        OLGA,
        ContactChange(user_id="ada", email="old@example.com", properties={"ends": ends[0]}),
    )
    await world.submit("go", user_id="ada")
    await world.settle()
    assert await world.mailbox() == ["welcome"]
    ada = await world.contact()
    edited = await edit_contact(
        world.runtime, OLGA, ada.id, email="New@example.com", properties={"ends": ends[1]}
    )
    assert (edited.email, edited.properties) == ("new@example.com", {"ends": ends[1]})
    assert [e.wake_at for e in await world.all_enrollments() if e.is_live] == [
        now + timedelta(days=2)
    ]
    await world.advance(timedelta(days=2))
    rows = await world.query("SELECT to_email FROM inbox ORDER BY captured_at DESC LIMIT 1")
    assert [row[0] for row in rows] == ["new@example.com"]
    # The former address stays an alias.
    assert (await world.submit("x", email="old@example.com")).contact_id == ada.id
    audit = await world.query("SELECT who, action FROM audit ORDER BY id")
    assert [tuple(row) for row in audit] == [("olga", "create contact"), ("olga", "edit contact")]


async def test_an_address_of_another_contact_is_not_taken_away(idle_world: World):
    await idle_world.submit("a", user_id="ada", email="ada@example.com")
    await idle_world.submit("a", user_id="bo")
    bo = await idle_world.contact("bo")
    with pytest.raises(Conflict, match="belongs to another contact, ada"):
        await edit_contact(idle_world.runtime, OLGA, bo.id, email="ada@example.com")
    assert (await idle_world.contact("bo")).email is None
    with pytest.raises(Conflict, match="There is such a contact"):
        await create_contact(
            idle_world.runtime, OLGA, ContactChange(user_id="cy", email="ADA@example.com")
        )
    assert len(await idle_world.contacts()) == 2


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({}, InvalidInput),
        ({"email": "nobody"}, InvalidInput),
        ({"user_id": "x" * 201}, InvalidInput),
        ({"user_id": "  "}, InvalidInput),
        ({"user_id": "a\x00b"}, InvalidInput),
        ({"user_id": "a", "properties": {"x": float("inf")}}, InvalidInput),
        ({"user_id": "a", "properties": {"x" * 201: 1}}, InvalidInput),
        ({"user_id": "a", "properties": {"x": "y" * 70_000}}, TooLarge),
    ],
)
async def test_a_change_that_is_not_valid_changes_nothing(
    idle_world: World, change: dict[str, Any], error: type[HogsendError]
):
    with pytest.raises(error):
        await upsert(idle_world, **change)
    assert await idle_world.contacts() == []


async def test_contacts_are_found_by_user_id_or_address(idle_world: World):
    await idle_world.submit("a", user_id="ada")
    await idle_world.submit("a", email="bo@example.com")
    runtime = idle_world.runtime
    both = await find_contacts(runtime, OLGA, user_id="ada", email="BO@example.com ")
    assert {contact.key for contact in both} == {c.key for c in await idle_world.contacts()}
    assert await find_contacts(runtime, OLGA, user_id="nobody") == []
    with pytest.raises(InvalidInput):
        await find_contacts(runtime, OLGA)
    with pytest.raises(NotFound):
        await edit_contact(runtime, OLGA, UUID(int=7), properties={"x": 1})
