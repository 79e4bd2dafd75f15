"""Resolving contacts by user id, address and browser id (docs/api.md)."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from hogsend.domain.contact import Contact
from hogsend.errors import Forbidden
from tests.world import World


def get_identities(contact: Contact) -> tuple[str | None, str | None, str | None]:
    return contact.user_id, contact.email, contact.anonymous_id


async def load_identities(idle_world: World) -> dict[str, str]:
    """Return all identities, each with the key of its contact."""
    rows = await idle_world.query(
        "SELECT i.identity, c.external_id, c.email, c.anonymous_id FROM identities i "
        "JOIN contacts c ON c.id = i.contact_id"
    )
    return {row[0]: row[1] or row[2] or row[3] for row in rows}


async def test_missing_identities_of_a_contact_are_filled_in(idle_world: World):
    first = await idle_world.submit("a", email="ada@example.com")
    second = await idle_world.submit("b", user_id="ada", email="ada@example.com")
    third = await idle_world.submit("c", user_id="ada", anonymous_id="browser-1")
    (ada,) = await idle_world.contacts()
    assert get_identities(ada) == ("ada", "ada@example.com", "browser-1")
    assert {result.contact_id for result in (first, second, third)} == {ada.id}
    assert [result.created for result in (first, second, third)] == [True, False, False]


async def test_mail_goes_to_the_newest_address_that_came_with_the_user_id(
    idle_world: World,
):
    await idle_world.submit("a", user_id="ada", email="old@example.com")
    await idle_world.submit("b", user_id="ada", email="new@example.com")
    assert (await idle_world.contact()).email == "new@example.com"
    result = await idle_world.submit("c", email="old@example.com")
    assert result.contact_key == "ada"
    assert (await idle_world.contact()).email == "new@example.com"
    await idle_world.submit("d", user_id="ada", email="old@example.com")
    assert (await idle_world.contact()).email == "old@example.com"


async def test_an_address_that_came_with_a_browser_only_gets_no_mail(
    idle_world: World,
):
    await idle_world.submit("a", user_id="ada", email="ada@example.com", anonymous_id="b1")
    await idle_world.submit("b", email="other@example.com", anonymous_id="b1")
    ada = await idle_world.contact()
    assert ada.email == "ada@example.com"
    assert (await load_identities(idle_world))["e:other@example.com"] == "ada"


async def test_a_shared_address_does_not_merge_contacts_with_different_user_ids(idle_world: World):
    await idle_world.submit("a", user_id="ada", email="shared@example.com")
    result = await idle_world.submit("b", user_id="bo", email="shared@example.com")

    ada, bo = await idle_world.contacts()
    assert (ada.email, bo.email) == ("shared@example.com", None)
    assert result.contact_id == bo.id
    assert (await load_identities(idle_world))["e:shared@example.com"] == "ada"
    stored = await idle_world.query("SELECT decisions FROM events WHERE name = 'b'")
    assert "another contact owns" in str(stored)


async def test_a_shared_browser_does_not_merge_contacts_with_different_user_ids(idle_world: World):
    await idle_world.submit("a", user_id="ada", anonymous_id="kiosk")
    await idle_world.submit("b", user_id="bo", anonymous_id="kiosk")
    assert [get_identities(contact) for contact in await idle_world.contacts()] == [
        ("ada", None, "kiosk"),
        ("bo", None, "kiosk"),
    ]
    assert (await load_identities(idle_world))["a:kiosk"] == "ada"


async def test_an_address_and_a_browser_of_two_users_do_not_merge_them(idle_world: World):
    await idle_world.submit("a", user_id="ada", email="ada@example.com")
    await idle_world.submit("a", user_id="bo", email="bo@example.com", anonymous_id="kiosk")
    result = await idle_world.submit("b", email="ada@example.com", anonymous_id="kiosk")
    assert [contact.user_id for contact in await idle_world.contacts()] == ["ada", "bo"]
    assert result.contact_key == "ada"


async def test_new_contacts_of_one_batch_that_share_an_identity_are_one(idle_world: World):
    results = await asyncio.gather(
        idle_world.submit("a", user_id="ada", email="ada@example.com"),
        idle_world.submit("b", email="ada@example.com"),
        idle_world.submit("c", user_id="ada"),
    )
    (ada,) = await idle_world.contacts()
    assert {result.contact_id for result in results} == {ada.id}
    assert ada.event_seq == 3
    assert await idle_world.counter_drift() == {}


@pytest.mark.parametrize(
    ("identities", "key"),
    [
        ({"user_id": "u", "email": "e@example.com", "anonymous_id": "a"}, "u"),
        ({"email": "e@example.com", "anonymous_id": "a"}, "a"),
    ],
)
async def test_the_contact_key_is_the_strongest_identity(
    idle_world: World, identities: dict[str, Any], key: str
):
    assert (await idle_world.submit("go", **identities)).contact_key == key


async def test_the_contact_key_of_an_address_alone_is_the_contact_id(idle_world: World):
    result = await idle_world.submit("go", email="e@example.com")
    assert result.contact_key == str(result.contact_id)


async def test_the_same_identities_in_any_order_give_the_same_contact(idle_world: World):
    events = [
        {"user_id": "u"},
        {"email": "e@example.com"},
        {"user_id": "u", "anonymous_id": "a"},
        {"email": "e@example.com", "anonymous_id": "a"},
    ]
    for number, order in enumerate(itertools.permutations(events)):
        for event in order:
            named = {kind: f"{number}{value}" for kind, value in event.items()}
            await idle_world.submit("x", **named)
    contacts = await idle_world.contacts()
    assert sorted(map(get_identities, contacts)) == sorted(
        (f"{number}u", f"{number}e@example.com", f"{number}a") for number in range(24)
    )
    assert await idle_world.counter_drift() == {}


async def test_a_web_page_takes_over_nobody_with_the_id_of_a_browser(idle_world: World):
    await idle_world.submit("lead", email="bo@example.com", anonymous_id="b1")
    await idle_world.submit("visit", user_id="cy", anonymous_id="b2")
    await idle_world.submit("visit", anonymous_id="b3", contact_properties={"plan": "x"})
    results = {
        browser: await idle_world.submit("x", user_id="ada", anonymous_id=browser, is_public=True)
        for browser in ("b1", "b2", "b3", "b3")
    }
    # What is only a browser becomes the user's.
    contacts = {contact.key: contact for contact in await idle_world.contacts()}
    ada = contacts["ada"]
    assert {result.contact_id for result in results.values()} == {ada.id}
    assert (ada.email, ada.properties) == (None, {"plan": "x"})
    owners = await load_identities(idle_world)
    assert [owners[f"a:{browser}"] for browser in ("b1", "b2", "b3")] == [
        "bo@example.com",
        "cy",
        "ada",
    ]
    stored = await idle_world.query(
        "SELECT decisions FROM events WHERE name = 'x' ORDER BY received_at, id"
    )
    assert ["another contact owns" in str(row) for row in stored] == [True, True, False, False]
    with pytest.raises(Forbidden, match="cannot attach to or merge an identified contact"):
        await idle_world.submit("x", anonymous_id="b1", contact_properties={"a": 1}, is_public=True)
    with pytest.raises(Forbidden, match="cannot attach to or merge an identified contact"):
        await idle_world.submit("x", anonymous_id="b3", is_public=True)
    assert await idle_world.counter_drift() == {}
