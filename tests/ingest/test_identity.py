"""Who an event is about (docs/api.md): known by a user id, an address or a browser id."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hogsend.domain.contact import Contact
from tests.world import World


def known_as(contact: Contact) -> tuple[str | None, str | None, str | None]:
    return contact.user_id, contact.email, contact.anonymous_id


async def names(idle_world: World) -> dict[str, str]:
    """Return what people are known by, each with the key of its contact."""
    rows = await idle_world.query(
        "SELECT i.identity, c.external_id, c.email, c.anonymous_id FROM identities i "
        "JOIN contacts c ON c.id = i.contact_id"
    )
    return {row[0]: row[1] or row[2] or row[3] for row in rows}


async def test_what_is_missing_is_filled_in(idle_world: World):
    first = await idle_world.submit("a", email="ada@example.com")
    second = await idle_world.submit("b", user_id="ada", email="ada@example.com")
    third = await idle_world.submit("c", user_id="ada", anonymous_id="browser-1")
    (ada,) = await idle_world.contacts()
    assert known_as(ada) == ("ada", "ada@example.com", "browser-1")
    assert {one.contact_id for one in (first, second, third)} == {ada.id}
    assert [one.created for one in (first, second, third)] == [True, False, False]


async def test_a_second_address_is_an_alias_and_the_newest_with_the_user_id_gets_the_mail(
    idle_world: World,
):
    await idle_world.submit("a", user_id="ada", email="old@example.com")
    await idle_world.submit("b", user_id="ada", email="new@example.com")
    assert (await idle_world.contact()).email == "new@example.com"
    taken = await idle_world.submit("c", email="old@example.com")
    assert taken.contact_key == "ada"
    assert (await idle_world.contact()).email == "new@example.com"
    await idle_world.submit("d", user_id="ada", email="old@example.com")
    assert (await idle_world.contact()).email == "old@example.com"


async def test_an_address_that_comes_with_a_browser_alone_does_not_take_the_mail_over(
    idle_world: World,
):
    await idle_world.submit("a", user_id="ada", email="ada@example.com", anonymous_id="b1")
    await idle_world.submit("b", email="other@example.com", anonymous_id="b1")
    ada = await idle_world.contact()
    assert ada.email == "ada@example.com"
    assert (await names(idle_world))["e:other@example.com"] == "ada"


async def test_people_with_different_user_ids_are_never_one_for_a_shared_address(idle_world: World):
    await idle_world.submit("a", user_id="ada", email="shared@example.com")
    taken = await idle_world.submit("b", user_id="bo", email="shared@example.com")

    ada, bo = await idle_world.contacts()
    assert (ada.email, bo.email) == ("shared@example.com", None)
    assert taken.contact_id == bo.id
    assert (await names(idle_world))["e:shared@example.com"] == "ada"
    stored = await idle_world.query("SELECT decisions FROM events WHERE name = 'b'")
    assert "another contact owns" in str(stored)


async def test_people_with_different_user_ids_are_never_one_for_a_shared_browser(idle_world: World):
    await idle_world.submit("a", user_id="ada", anonymous_id="kiosk")
    await idle_world.submit("b", user_id="bo", anonymous_id="kiosk")
    assert [known_as(one) for one in await idle_world.contacts()] == [
        ("ada", None, "kiosk"),
        ("bo", None, "kiosk"),
    ]
    assert (await names(idle_world))["a:kiosk"] == "ada"


async def test_an_address_and_a_browser_of_two_users_do_not_make_them_one(idle_world: World):
    await idle_world.submit("a", user_id="ada", email="ada@example.com")
    await idle_world.submit("a", user_id="bo", email="bo@example.com", anonymous_id="kiosk")
    taken = await idle_world.submit("b", email="ada@example.com", anonymous_id="kiosk")
    assert [one.user_id for one in await idle_world.contacts()] == ["ada", "bo"]
    assert taken.contact_key == "ada"


async def test_new_people_of_one_set_who_share_a_name_are_one(idle_world: World):
    taken = await asyncio.gather(
        idle_world.submit("a", user_id="ada", email="ada@example.com"),
        idle_world.submit("b", email="ada@example.com"),
        idle_world.submit("c", user_id="ada"),
    )
    (ada,) = await idle_world.contacts()
    assert {one.contact_id for one in taken} == {ada.id}
    assert ada.event_seq == 3
    assert await idle_world.counter_drift() == {}


@pytest.mark.parametrize(
    ("known", "key"),
    [
        ({"user_id": "u", "email": "e@example.com", "anonymous_id": "a"}, "u"),
        ({"email": "e@example.com", "anonymous_id": "a"}, "a"),
    ],
)
async def test_the_contact_key_is_the_strongest_name(
    idle_world: World, known: dict[str, Any], key: str
):
    assert (await idle_world.submit("go", **known)).contact_key == key


async def test_the_contact_key_of_an_address_alone_is_our_own_id(idle_world: World):
    taken = await idle_world.submit("go", email="e@example.com")
    assert taken.contact_key == str(taken.contact_id)
