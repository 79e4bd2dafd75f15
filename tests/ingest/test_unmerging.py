"""Undoing merges, and merging by hand (docs/identity.md)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hogsend import hours
from hogsend.domain.contact import Contact
from hogsend.errors import Conflict, HogsendError, InvalidInput, NotFound
from hogsend.services.merging import merge_contacts, unmerge_contact
from hogsend.store import consents
from hogsend.store.fields import to_id
from tests.actors import OLGA
from tests.world import World

VISITOR: dict[str, Any] = {"email": "visitor@example.com"}
USER: dict[str, Any] = {"user_id": "ada"}
BOTH = VISITOR | USER
FOLLOWING = """
    @journey("trial", trigger="go", entry="unlimited")
    async def trial(user, ctx):
        await ctx.sleep_until(prop("ends") - days(1), label="before the end")
        await ctx.send("nudge")
"""


async def get_identities(world: World) -> dict[str, UUID]:
    rows = await world.query("SELECT identity, contact_id FROM identities")
    return {row[0]: to_id(row[1]) for row in rows}


async def get_choices(world: World, contact_id: UUID) -> dict[str, tuple[bool, str]]:
    rows = await world.query(
        "SELECT list_id, subscribed, source FROM consents WHERE contact_id = ?", contact_id
    )
    return {row[0]: (bool(row[1]), row[2]) for row in rows}


async def unmerge(world: World, contact_id: UUID | None) -> Contact:
    assert contact_id is not None
    return (await unmerge_contact(world.runtime, OLGA, contact_id)).contact


async def test_an_unmerge_returns_identities_properties_and_addresses(idle_world: World):
    visitor = await idle_world.submit(
        "a", **VISITOR, anonymous_id="b1", contact_properties={"plan": "free", "city": "Ulm"}
    )
    user = await idle_world.submit(
        "a", **USER, email="ada@example.com", contact_properties={"plan": "pro"}
    )
    # The event that merges them also makes the visitor's address the newest.
    await idle_world.submit("login", **BOTH)
    merged = await idle_world.contact()
    assert merged.email == "visitor@example.com"
    assert merged.properties == {"plan": "pro", "city": "Ulm"}
    await idle_world.submit("x", **USER, contact_properties={"seats": 5})

    returned = await unmerge(idle_world, visitor.contact_id)

    ada = await idle_world.contact()
    assert (ada.id, ada.email) == (user.contact_id, "ada@example.com")
    assert (ada.anonymous_id, ada.properties) == (None, {"plan": "pro", "seats": 5})
    assert (returned.id, returned.email) == (visitor.contact_id, "visitor@example.com")
    assert (returned.anonymous_id, returned.properties) == ("b1", {"plan": "free", "city": "Ulm"})
    assert await get_identities(idle_world) == {
        "u:ada": ada.id,
        "e:ada@example.com": ada.id,
        "e:visitor@example.com": returned.id,
        "a:b1": returned.id,
    }
    assert await idle_world.counter_drift() == {}
    events = await idle_world.events()
    assert [event.contact_id for event in events] == [returned.id, ada.id, ada.id, ada.id]
    (audit,) = await idle_world.query("SELECT who, action, subject FROM audit")
    assert tuple(audit) == ("olga", "unmerge", f"/contacts/{returned.id}")


async def test_what_changed_since_the_merge_stays_with_the_survivor(idle_world: World):
    visitor = await idle_world.submit("a", **VISITOR, contact_properties={"x": 1, "y": 1, "z": 1})
    await idle_world.submit("a", **USER)
    await idle_world.submit("login", **BOTH)
    await idle_world.submit("b", **USER, contact_properties={"x": 2, "y": None})
    await idle_world.submit("c", **USER, anonymous_id="later")
    returned = await unmerge(idle_world, visitor.contact_id)
    ada = await idle_world.contact()
    assert (ada.properties, ada.anonymous_id) == ({"x": 2}, "later")
    assert returned.properties == {"x": 1, "y": 1, "z": 1}


async def test_consents_return_and_an_unsubscription_since_the_merge_counts_for_both(
    idle_world: World,
):
    visitor = await idle_world.submit("a", **VISITOR, lists={"journey": False, "*": True})
    user = await idle_world.submit("a", **USER, email="ada@example.com", lists={"journey": True})
    assert visitor.contact_id and user.contact_id
    await idle_world.submit("login", **BOTH)
    assert await get_choices(idle_world, user.contact_id) == {
        "journey": (False, "merge"),
        "*": (True, "merge"),
    }
    await idle_world.submit("stop", **USER, lists={"*": False})
    await unmerge(idle_world, visitor.contact_id)
    assert await get_choices(idle_world, user.contact_id) == {
        "journey": (True, "api"),
        "*": (False, "api"),
    }
    assert await get_choices(idle_world, visitor.contact_id) == {
        "journey": (False, "api"),
        "*": (False, "merge"),
    }


async def test_an_address_that_complained_stops_mail_to_the_persons_other_address(
    idle_world: World,
):
    visitor = await idle_world.submit("a", **VISITOR)
    user = await idle_world.submit("a", **USER, email="ada@example.com", anonymous_id="b")
    assert user.contact_id
    async with idle_world.database.transaction() as tx:
        at = idle_world.clock.now()
        await tx.apply([consents.suppress([("visitor@example.com", "complaint", None)], at)])
    await merge_contacts(idle_world.runtime, OLGA, user.contact_id, visitor.contact_id)  # type: ignore[arg-type]
    assert await get_choices(idle_world, user.contact_id) == {"*": (False, "merge")}
    await unmerge(idle_world, visitor.contact_id)
    assert await get_choices(idle_world, user.contact_id) == {}


async def test_a_live_enrollment_returns_and_follows_its_own_contact_again(world: World):
    await world.define(FOLLOWING)
    now = world.clock.now()
    early, late = (str((now + timedelta(days=d)).isoformat()) for d in (5, 9))
    visitor = await world.submit("go", **VISITOR, contact_properties={"ends": late})
    await world.settle()
    await world.submit("hello", **USER, contact_properties={"ends": early})
    await world.submit("login", **BOTH)
    moved = await world.enrollment()
    assert (moved.contact_id, moved.wake_at) == (
        (await world.contact()).id,
        now + timedelta(days=4),
    )
    await unmerge(world, visitor.contact_id)
    returned = await world.enrollment()
    assert (returned.contact_id, returned.wake_at) == (
        visitor.contact_id,
        now + timedelta(days=8),
    )
    await world.advance(timedelta(days=5))
    assert await world.mailbox() == []
    await world.advance(timedelta(days=4))
    rows = await world.query("SELECT to_email FROM inbox")
    assert [row[0] for row in rows] == ["visitor@example.com"]
    assert await world.counter_drift() == {}


async def test_an_unmerge_names_the_enrollments_that_stay_ended(world: World):
    await world.define(FOLLOWING)
    ends = {"ends": (world.clock.now() + timedelta(days=9)).isoformat()}
    visitor = await world.submit("go", **VISITOR, contact_properties=ends)
    await world.submit("go", **USER, contact_properties=ends)
    await world.submit("go", email="third@example.com", contact_properties=ends)
    await world.settle()
    await world.submit("login", **BOTH)
    assert visitor.contact_id is not None
    split = await unmerge_contact(world.runtime, OLGA, visitor.contact_id)
    rows = await world.query("SELECT id, contact_id FROM enrollments WHERE state = 'exited'")
    assert [(ended.id, ended.contact_id) for ended in split.stay_ended] == [
        tuple(map(to_id, row)) for row in rows
    ]
    assert [ended.journey_id for ended in split.stay_ended] == ["trial"]


async def test_a_queued_mail_returns_to_the_contact_that_it_was_for(world: World):
    await world.define(
        """
        @journey("mail", trigger="go")
        async def mail(user, ctx):
            await ctx.send("welcome")
        """
    )
    assert world.runtime.worker is not None
    mailer: Any = world.runtime.worker.mailer
    mailer.send_hold = "held by the test"
    visitor = await world.submit("go", **VISITOR)
    async with asyncio.timeout(10):
        while not await world.sends():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await world.submit("a", **USER, email="ada@example.com")
    await world.submit("login", **BOTH)
    assert [send.contact_id for send in await world.sends()] == [(await world.contact()).id]
    await unmerge(world, visitor.contact_id)
    mailer.send_hold = None
    mailer.poll()
    await world.settle()
    rows = await world.query("SELECT to_email FROM inbox")
    assert [row[0] for row in rows] == ["visitor@example.com"]


async def test_a_turn_that_runs_during_an_unmerge_runs_again(idle_world: World):
    await idle_world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.checkpoint(user.email)
        """
    )
    visitor = await idle_world.submit("go", **VISITOR)
    await idle_world.submit("a", **USER, email="ada@example.com")
    await idle_world.submit("x", **USER, email="visitor@example.com")
    runner = idle_world.turn_runner(hours(1))
    enrollment_id = (await idle_world.enrollment()).id
    commit = type(runner)._commit_all

    async def unmerge_first(self: object, *args: object) -> None:
        patch.undo()
        await unmerge(idle_world, visitor.contact_id)
        await commit(self, *args)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(runner), "_commit_all", unmerge_first)
        await runner.run([enrollment_id])
    assert await idle_world.turns() == []
    await runner.run([enrollment_id])
    assert (await idle_world.enrollment()).contact_id == visitor.contact_id


async def test_merges_of_one_survivor_are_undone_in_any_order(idle_world: World):
    first = await idle_world.submit("a", anonymous_id="b1", contact_properties={"x": 1})
    second = await idle_world.submit("a", anonymous_id="b2", contact_properties={"x": 1, "y": 2})
    user = await idle_world.submit("a", **USER)
    await idle_world.submit("login", **USER, anonymous_id="b1")
    await idle_world.submit("login", **USER, anonymous_id="b2")
    await unmerge(idle_world, first.contact_id)
    ada = await idle_world.contact()
    # The second browser has the property too.
    assert ada.properties == {"x": 1, "y": 2}
    await unmerge(idle_world, second.contact_id)
    ada = await idle_world.contact()
    assert (ada.id, ada.properties, ada.anonymous_id) == (user.contact_id, {}, None)
    assert set(await get_identities(idle_world)) == {"u:ada", "a:b1", "a:b2"}
    assert len(set((await get_identities(idle_world)).values())) == 3
    assert await idle_world.counter_drift() == {}


async def test_a_chain_of_merges_is_undone_from_its_end(idle_world: World):
    browser = await idle_world.submit("a", anonymous_id="b1")
    visitor = await idle_world.submit("a", **VISITOR)
    await idle_world.submit("b", **VISITOR, anonymous_id="b1")
    user = await idle_world.submit("a", **USER)
    await idle_world.submit("login", **BOTH)
    # The older of the two without a user id has survived the first merge.
    with pytest.raises(Conflict, match="was merged into"):
        await unmerge(idle_world, visitor.contact_id)
    await unmerge(idle_world, browser.contact_id)
    assert {contact.id for contact in await idle_world.contacts()} == {
        browser.contact_id,
        user.contact_id,
    }
    await unmerge(idle_world, visitor.contact_id)
    assert len(await idle_world.contacts()) == 3
    with pytest.raises(Conflict, match="not merged"):
        await unmerge(idle_world, visitor.contact_id)
    with pytest.raises(NotFound):
        await unmerge(idle_world, UUID(int=7))


async def test_merging_again_after_an_unmerge_can_be_undone_again(idle_world: World):
    visitor = await idle_world.submit("a", **VISITOR, contact_properties={"x": 1})
    await idle_world.submit("a", **USER)
    for _ in range(2):
        await idle_world.submit("login", **BOTH)
        assert (await idle_world.contact()).properties == {"x": 1}
        await unmerge(idle_world, visitor.contact_id)
        assert (await idle_world.contact()).properties == {}
    rows = await idle_world.query("SELECT source, undone_by FROM merges")
    assert [tuple(row) for row in rows] == [("event", "olga")] * 2


async def test_contacts_are_merged_by_hand_as_an_event_would_merge_them(idle_world: World):
    visitor = await idle_world.submit("a", **VISITOR, contact_properties={"x": 1})
    user = await idle_world.submit("a", **USER)
    assert visitor.contact_id and user.contact_id
    ids = visitor.contact_id, user.contact_id
    survivor = await merge_contacts(idle_world.runtime, OLGA, *ids, note="same card")
    assert (survivor.id, survivor.email, survivor.properties) == (
        user.contact_id,
        "visitor@example.com",
        {"x": 1},
    )
    (row,) = await idle_world.query("SELECT source, note FROM merges")
    assert tuple(row) == ("olga", "same card")
    with pytest.raises(Conflict, match="one contact already"):
        await merge_contacts(idle_world.runtime, OLGA, *ids)
    assert await idle_world.counter_drift() == {}


async def test_two_user_ids_are_merged_only_by_force_and_with_a_reason(idle_world: World):
    await idle_world.submit("a", user_id="ada", email="ada@example.com")
    await idle_world.submit("a", user_id="bo", email="bo@example.com")
    ada, bo = [contact.id for contact in await idle_world.contacts()]
    refusals: list[tuple[dict[str, Any], type[HogsendError]]] = [
        ({}, Conflict),
        ({"force": True}, InvalidInput),
        ({"force": True, "note": "x" * 201}, InvalidInput),
    ]
    for options, error in refusals:
        with pytest.raises(error):
            await merge_contacts(idle_world.runtime, OLGA, bo, ada, **options)
    assert len(await idle_world.contacts()) == 2
    await merge_contacts(idle_world.runtime, OLGA, bo, ada, force=True, note="renamed")
    (survivor,) = await idle_world.contacts()
    assert (survivor.id, survivor.user_id) == (bo, "bo")
    # The other user id is an alias from now on.
    result = await idle_world.submit("b", user_id="ada")
    assert (result.contact_id, result.created) == (bo, False)
    await unmerge(idle_world, ada)
    assert (await idle_world.submit("b", user_id="ada")).contact_id == ada
