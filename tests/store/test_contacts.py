"""Contacts, their identities and their merges."""

from __future__ import annotations

from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.domain.contact import Contact
from hogsend.domain.ids import new_id
from hogsend.store import contacts
from hogsend.store.contacts import to_identities
from hogsend.store.db import Database, Query, Write


async def apply(database: Database, *writes: Write) -> None:
    async with database.transaction() as tx:
        await tx.apply(writes)


@pytest.fixture
async def three_contacts(database: Database, clock: ManualClock) -> list[Contact]:
    """Three stored contacts with the user ids u0, u1 and u2."""
    now = clock.now()
    new_contacts = [Contact(new_id(now), user_id=f"u{n}") for n in range(3)]
    await apply(
        database,
        contacts.insert(new_contacts, now),
        contacts.add_identities([(f"u:{contact.user_id}", contact.id) for contact in new_contacts]),
    )
    return new_contacts


def list_ids(three_contacts: list[Contact]) -> list[UUID]:
    return [contact.id for contact in three_contacts]


def test_the_strongest_identity_comes_first():
    assert to_identities("u", "e@example.com", "a") == ["u:u", "e:e@example.com", "a:a"]
    assert to_identities(None, "", "a") == ["a:a"]


async def test_contacts_are_found_by_any_of_their_identities(
    database: Database, three_contacts: list[Contact]
):
    first, second, _ = three_contacts
    await apply(database, contacts.add_identities([("e:x@example.com", first.id)]))
    by_identity = await database.read_one(
        contacts.find_by_identities(["e:x@example.com", "u:u0", "u:u1", "u:nobody"])
    )
    assert {identity: contact.id for identity, contact in by_identity.items()} == {
        "e:x@example.com": first.id,
        "u:u0": first.id,
        "u:u1": second.id,
    }


async def test_earlier_merges_point_to_the_last_survivor(
    database: Database, three_contacts: list[Contact], clock: ManualClock
):
    first, second, third = list_ids(three_contacts)
    now = clock.now()
    await apply(database, *contacts.merge(merged_id=first, survivor_id=second, now=now))
    await apply(database, *contacts.merge(merged_id=second, survivor_id=third, now=now))
    assert await database.read_one(contacts.find_survivor(first)) == third
    assert await database.read_one(contacts.find_survivor(third)) is None
    assert await database.read_one(contacts.find_merged([third])) == {first: third, second: third}
    by_identity = await database.read_one(contacts.find_by_identities(["u:u0", "u:u1", "u:u2"]))
    assert {contact.id for contact in by_identity.values()} == {third}
    assert await database.read_one(contacts.find(first)) is None
    # The queries of the module leave merged contacts out; only SQL shows that their rows stay.
    rows = await database.read_one(Query("SELECT COUNT(*) FROM contacts", [], list))
    assert rows[0][0] == 3


async def test_a_lock_returns_the_survivors_of_merged_contacts(
    database: Database, three_contacts: list[Contact], clock: ManualClock
):
    first, second, third = list_ids(three_contacts)
    await apply(database, *contacts.merge(merged_id=first, survivor_id=second, now=clock.now()))
    async with database.transaction() as tx:
        locked = await tx.fetch_one(contacts.lock([third, first], tx.dialect.lock_rows))
    assert set(locked.by_id) == {first, third}
    assert locked.survivors == {first: second}
