"""Contacts, what they are known by, and those who were merged."""

from __future__ import annotations

from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.domain.contact import Contact
from hogsend.domain.ids import new_id
from hogsend.store import contacts
from hogsend.store.contacts import to_identities
from hogsend.store.db import Database, Query, Write


async def write(database: Database, *writes: Write) -> None:
    async with database.transaction() as tx:
        await tx.apply(writes)


@pytest.fixture
async def three(database: Database, clock: ManualClock) -> list[Contact]:
    """Three people, known by a user id each."""
    now = clock.now()
    people = [Contact(new_id(now), user_id=f"u{n}") for n in range(3)]
    await write(
        database,
        contacts.insert(people, now),
        contacts.add_identities([(f"u:{one.user_id}", one.id) for one in people]),
    )
    return people


def ids(people: list[Contact]) -> list[UUID]:
    return [one.id for one in people]


def test_the_strongest_name_comes_first():
    assert to_identities("u", "e@example.com", "a") == ["u:u", "e:e@example.com", "a:a"]
    assert to_identities(None, "", "a") == ["a:a"]


async def test_people_are_found_by_any_of_their_names(database: Database, three: list[Contact]):
    one, two, _ = three
    await write(database, contacts.add_identities([("e:x@example.com", one.id)]))
    found = await database.read_one(
        contacts.find_by_identities(["e:x@example.com", "u:u0", "u:u1", "u:nobody"])
    )
    assert {name: contact.id for name, contact in found.items()} == {
        "e:x@example.com": one.id,
        "u:u0": one.id,
        "u:u1": two.id,
    }


async def test_a_chain_of_merges_leads_to_the_last_survivor(
    database: Database, three: list[Contact], clock: ManualClock
):
    one, two, three_ = ids(three)
    await write(database, *contacts.merge(one, two, clock.now()))
    await write(database, *contacts.merge(two, three_, clock.now()))
    assert await database.read_one(contacts.find_survivor(one)) == three_
    assert await database.read_one(contacts.find_survivor(three_)) is None
    assert await database.read_one(contacts.find_merged([three_])) == {one: three_, two: three_}
    found = await database.read_one(contacts.find_by_identities(["u:u0", "u:u1", "u:u2"]))
    assert {contact.id for contact in found.values()} == {three_}
    assert await database.read_one(contacts.find(one)) is None
    rows = await database.read_one(Query("SELECT COUNT(*) FROM contacts", [], list))
    assert rows[0][0] == 3


async def test_a_lock_returns_the_survivors_of_merged_contacts(
    database: Database, three: list[Contact], clock: ManualClock
):
    one, two, other = ids(three)
    await write(database, *contacts.merge(one, two, clock.now()))
    async with database.transaction() as tx:
        found = await tx.fetch_one(contacts.lock([other, one], tx.dialect.lock_rows))
    assert set(found.by_id) == {one, other}
    assert found.survivors == {one: two}
