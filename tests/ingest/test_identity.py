"""Who an event is about (docs/api.md): known by a user id, an address or a browser id."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hogsend.domain.contact import Contact
from tests.world import World


def known_as(contact: Contact) -> tuple[str | None, str | None, str | None]:
    return contact.user_id, contact.email, contact.anonymous_id


async def names(desk: World) -> dict[str, str]:
    """Return what people are known by, each with the key of its contact."""
    rows = await desk.ask(
        "SELECT i.identity, c.external_id, c.email, c.anonymous_id FROM identities i "
        "JOIN contacts c ON c.id = i.contact_id"
    )
    return {row[0]: row[1] or row[2] or row[3] for row in rows}


async def test_what_is_missing_is_filled_in(desk: World):
    first = await desk.take("a", email="ada@example.com")
    second = await desk.take("b", user_id="ada", email="ada@example.com")
    third = await desk.take("c", user_id="ada", anonymous_id="browser-1")
    (ada,) = await desk.people()
    assert known_as(ada) == ("ada", "ada@example.com", "browser-1")
    assert {one.contact_id for one in (first, second, third)} == {ada.id}
    assert [one.created for one in (first, second, third)] == [True, False, False]


async def test_a_second_address_is_an_alias_and_the_newest_with_the_user_id_gets_the_mail(
    desk: World,
):
    await desk.take("a", user_id="ada", email="old@example.com")
    await desk.take("b", user_id="ada", email="new@example.com")
    assert (await desk.person()).email == "new@example.com"
    taken = await desk.take("c", email="old@example.com")
    assert taken.contact_key == "ada"
    assert (await desk.person()).email == "new@example.com"
    await desk.take("d", user_id="ada", email="old@example.com")
    assert (await desk.person()).email == "old@example.com"


async def test_an_address_that_comes_with_a_browser_alone_does_not_take_the_mail_over(desk: World):
    await desk.take("a", user_id="ada", email="ada@example.com", anonymous_id="b1")
    await desk.take("b", email="other@example.com", anonymous_id="b1")
    ada = await desk.person()
    assert ada.email == "ada@example.com"
    assert (await names(desk))["e:other@example.com"] == "ada"


async def test_people_with_different_user_ids_are_never_one_for_a_shared_address(desk: World):
    await desk.take("a", user_id="ada", email="shared@example.com")
    taken = await desk.take("b", user_id="bo", email="shared@example.com")

    ada, bo = await desk.people()
    assert (ada.email, bo.email) == ("shared@example.com", None)
    assert taken.contact_id == bo.id
    assert (await names(desk))["e:shared@example.com"] == "ada"
    stored = await desk.ask("SELECT decisions FROM events WHERE name = 'b'")
    assert "another contact owns" in str(stored)


async def test_people_with_different_user_ids_are_never_one_for_a_shared_browser(desk: World):
    await desk.take("a", user_id="ada", anonymous_id="kiosk")
    await desk.take("b", user_id="bo", anonymous_id="kiosk")
    assert [known_as(one) for one in await desk.people()] == [
        ("ada", None, "kiosk"),
        ("bo", None, "kiosk"),
    ]
    assert (await names(desk))["a:kiosk"] == "ada"


async def test_an_address_and_a_browser_of_two_users_do_not_make_them_one(desk: World):
    await desk.take("a", user_id="ada", email="ada@example.com")
    await desk.take("a", user_id="bo", email="bo@example.com", anonymous_id="kiosk")
    taken = await desk.take("b", email="ada@example.com", anonymous_id="kiosk")
    assert [one.user_id for one in await desk.people()] == ["ada", "bo"]
    assert taken.contact_key == "ada"


async def test_new_people_of_one_set_who_share_a_name_are_one(desk: World):
    taken = await asyncio.gather(
        desk.take("a", user_id="ada", email="ada@example.com"),
        desk.take("b", email="ada@example.com"),
        desk.take("c", user_id="ada"),
    )
    (ada,) = await desk.people()
    assert {one.contact_id for one in taken} == {ada.id}
    assert ada.event_seq == 3
    assert await desk.miscounted() == {}


@pytest.mark.parametrize(
    ("known", "key"),
    [
        ({"user_id": "u", "email": "e@example.com", "anonymous_id": "a"}, "u"),
        ({"email": "e@example.com", "anonymous_id": "a"}, "a"),
    ],
)
async def test_the_contact_key_is_the_strongest_name(desk: World, known: dict[str, Any], key: str):
    assert (await desk.take("go", **known)).contact_key == key


async def test_the_contact_key_of_an_address_alone_is_our_own_id(desk: World):
    taken = await desk.take("go", email="e@example.com")
    assert taken.contact_key == str(taken.contact_id)
