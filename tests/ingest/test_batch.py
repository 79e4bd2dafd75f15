"""Ingesting events: what is stored, which journeys start, and why journeys refuse."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from hogsend import hours
from hogsend.domain.incoming import IncomingEvent
from hogsend.errors import NotFound
from hogsend.ingest import BatchResult
from tests.world import World

WELCOME = """
    @journey("welcome", trigger="user.created")
    async def welcome(user, ctx):
        await ctx.sleep(days(1))
"""


async def test_an_event_is_stored_and_creates_its_contact(idle_world: World):
    result = await idle_world.submit(
        "user.created",
        user_id="ada",
        email="ada@example.com",
        properties={"plan": "pro"},
        contact_properties={"name": "Ada", "nothing": None},
        value=9.5,
        currency="EUR",
    )

    assert (result.stored, result.created, result.contact_key) == (True, True, "ada")
    (event,) = await idle_world.events()
    assert (event.id, event.name, event.properties) == (
        result.event_id,
        "user.created",
        {"plan": "pro"},
    )
    assert (event.seq, event.received_at) == (1, idle_world.clock.now())
    ada = await idle_world.contact()
    assert (ada.email, ada.properties, ada.event_seq) == ("ada@example.com", {"name": "Ada"}, 1)
    assert [tuple(row) for row in await idle_world.query("SELECT value, currency FROM events")] == [
        (9.5, "EUR")
    ]


async def test_an_event_starts_every_journey_with_this_trigger(idle_world: World):
    await idle_world.define(
        """
        @journey("one", trigger="user.created")
        async def one(user, ctx): ...

        @journey("two", trigger="user.created")
        async def two(user, ctx): ...

        @journey("three", trigger="user.deleted")
        async def three(user, ctx): ...
        """
    )
    result = await idle_world.submit("user.created", user_id="ada")

    entered = await idle_world.all_enrollments()
    assert [enrollment.journey_id for enrollment in entered] == ["one", "two"]
    assert {enrollment.state for enrollment in entered} == {"active"}
    assert [dict(row) for row in result.enrollments] == [
        {"journeyId": enrollment.journey_id, "outcome": "enrolled", "stateId": str(enrollment.id)}
        for enrollment in entered
    ]


async def test_events_of_a_contact_are_numbered_in_the_order_of_their_arrival(idle_world: World):
    await asyncio.gather(
        *(idle_world.submit(name, user_id=user) for name in "abcd" for user in ("ada", "bo"))
    )
    rows = await idle_world.query(
        "SELECT c.external_id, e.seq, e.name FROM events e JOIN contacts c ON c.id = e.contact_id "
        "ORDER BY c.external_id, e.seq"
    )
    numbered = [
        (user, number, "abcd"[number - 1]) for user in ("ada", "bo") for number in range(1, 5)
    ]
    assert [tuple(row) for row in rows] == numbered


async def test_null_deletes_a_property_and_keeps_the_others(idle_world: World):
    await idle_world.submit("a", user_id="ada", contact_properties={"plan": "pro", "seats": 3})
    await idle_world.submit("b", user_id="ada", contact_properties={"plan": None, "city": "Oslo"})
    assert (await idle_world.contact()).properties == {"seats": 3, "city": "Oslo"}


async def test_an_event_of_an_unknown_contact_id_fails_alone(idle_world: World):
    contact_id = (await idle_world.submit("a", user_id="ada")).contact_id
    unknown_id = (await idle_world.submit("a", user_id="bo")).event_id
    good, bad, last = await asyncio.gather(
        idle_world.submit("b", contact_id=contact_id),
        idle_world.submit("b", contact_id=unknown_id),
        idle_world.submit("b", user_id="cy"),
        return_exceptions=True,
    )
    assert isinstance(bad, NotFound)
    assert not isinstance(good, BaseException)
    assert not isinstance(last, BaseException)
    assert len(await idle_world.events("b")) == 2


async def test_one_bad_event_of_a_batch_fails_alone(idle_world: World):
    unstorable: Any = object()
    results = await asyncio.gather(
        idle_world.submit("a", user_id="ada"),
        idle_world.submit("b", user_id="bo", properties={"x": unstorable}),
        idle_world.submit("c", user_id="cy"),
        return_exceptions=True,
    )
    assert [isinstance(result, BaseException) for result in results] == [False, True, False]
    assert [event.name for event in await idle_world.events()] == ["a", "c"]
    assert [contact.user_id for contact in await idle_world.contacts()] == ["ada", "cy"]
    assert await idle_world.counter_drift() == {}


async def test_an_engine_that_cannot_be_notified_loses_no_event(idle_world: World, caplog: Any):
    async def refuse(batch: Any) -> None:
        raise RuntimeError("the engine is not there")

    idle_world.runtime.bus.subscribe(BatchResult, refuse)
    result = await idle_world.submit("a", user_id="ada")
    assert result.stored
    assert len(await idle_world.events()) == 1
    assert "could not be notified" in caplog.text


# -- reasons to refuse -----------------------------------------------------------------------

# Each journey refuses for the reason in its id and for all later reasons, but for no earlier one.
REASONS = """
    @journey("disabled", trigger=on("go", where=prop("met") == True), enabled=False, key=prop("k"))
    async def disabled(user, ctx): ...

    @journey("disabled_by_operator", trigger=on("go", where=prop("met") == True), key=prop("k"))
    async def disabled_by_operator(user, ctx): ...

    @journey("where_not_met", trigger=on("go", where=prop("met") == True), key=prop("k"))
    async def where_not_met(user, ctx): ...
"""


async def try_entry(idle_world: World, journey_id: str, **incoming: Any) -> str | None:
    """Submit the trigger of a journey; return why the journey refuses, None if it does not."""
    result = await idle_world.submit("go", **incoming)
    row = next(row for row in result.enrollments if row["journeyId"] == journey_id)
    return row.get("reason")


async def test_the_first_of_several_reasons_to_refuse_is_reported(idle_world: World):
    await idle_world.define(REASONS)
    for journey_id in ("disabled", "disabled_by_operator"):
        await idle_world.switch(journey_id, on=False)
    late = idle_world.clock.now() - timedelta(days=3)
    result = await idle_world.submit(
        "go", user_id="ada", timestamp=late, depth=9, lists={"*": False}
    )
    assert {row["journeyId"]: row["reason"] for row in result.enrollments} == {
        "disabled": "disabled",
        "disabled_by_operator": "disabled_by_operator",
        "where_not_met": "where_not_met",
    }


async def test_a_broken_journey_is_the_reason_only_for_events_that_match_its_trigger(
    idle_world: World,
):
    await idle_world.define(
        """
        @journey("welcome", trigger=on("go", where=prop("plan") == "pro"))
        async def welcome(user, ctx): ...
        """
    )
    idle_world.write("journeys", "this is not Python")
    await idle_world.load()
    assert (
        await try_entry(idle_world, "welcome", user_id="ada", properties={"plan": "pro"})
        == "journey_broken"
    )
    assert await try_entry(idle_world, "welcome", user_id="ada") == "where_not_met"
    assert await idle_world.all_enrollments() == []


@pytest.mark.parametrize(("age", "expected"), [(hours(24), None), (hours(25), "late_event")])
async def test_an_event_that_arrives_too_late_starts_no_journey(
    idle_world: World, age: timedelta, expected: str | None
):
    await idle_world.define(
        '@journey("j", trigger="go", key=prop("k"))\nasync def j(user, ctx): ...'
    )
    happened = idle_world.clock.now() - age
    assert (
        await try_entry(idle_world, "j", user_id="ada", timestamp=happened, properties={"k": 1})
        == expected
    )
    (event,) = await idle_world.events()
    assert event.occurred_at == happened


@pytest.mark.parametrize(("depth", "expected"), [(8, None), (9, "trigger_loop")])
async def test_a_chain_of_more_than_eight_causes_starts_no_journey(
    idle_world: World, depth: int, expected: str | None
):
    await idle_world.define('@journey("j", trigger="go")\nasync def j(user, ctx): ...')
    assert await try_entry(idle_world, "j", user_id="ada", depth=depth) == expected


@pytest.mark.parametrize("value", [None, {"a": 1}, [1]])
async def test_a_journey_with_an_entry_key_needs_a_value_for_the_key(idle_world: World, value: Any):
    await idle_world.define(
        '@journey("j", trigger="go", key=prop("cart.id"))\nasync def j(user, ctx): ...'
    )
    cart = {"cart": {"id": value}}
    assert await try_entry(idle_world, "j", user_id="ada", properties=cart) == "no_key"
    assert await try_entry(idle_world, "j", user_id="ada", properties={"cart": {"id": 7}}) is None
    assert (await idle_world.enrollment()).entry_key == "=7"


async def test_a_contact_in_a_journey_is_not_enrolled_again(idle_world: World):
    await idle_world.define(
        '@journey("j", trigger="go", entry="unlimited")\nasync def j(u, ctx): ...'
    )
    assert await try_entry(idle_world, "j", user_id="ada") is None
    assert await try_entry(idle_world, "j", user_id="ada") == "already_live"


async def test_two_triggers_in_one_batch_enroll_once(idle_world: World):
    await idle_world.define(
        '@journey("j", trigger="go", entry="unlimited")\nasync def j(u, ctx): ...'
    )
    both = await asyncio.gather(*(try_entry(idle_world, "j", user_id="ada") for _ in range(2)))
    assert both == [None, "already_live"]


async def test_entry_once_and_once_per_period_are_enforced(world: World):
    await world.define(
        """
        @journey("once", trigger="go")
        async def once(user, ctx): ...

        @journey("weekly", trigger="go", entry=once_per(days(7)))
        async def weekly(user, ctx): ...

        @journey("always", trigger="go", entry="unlimited")
        async def always(user, ctx): ...
        """
    )

    async def list_reasons() -> list[str | None]:
        return [row.get("reason") for row in (await world.emit("go")).enrollments]

    assert await list_reasons() == [None, None, None]
    assert await list_reasons() == ["already_entered", "too_soon", None]
    await world.advance(timedelta(days=7, microseconds=-1))
    assert await list_reasons() == ["already_entered", "too_soon", None]
    await world.advance(timedelta(microseconds=1))
    assert await list_reasons() == ["already_entered", None, None]


async def test_a_contact_who_left_a_list_is_not_enrolled_in_its_journeys(idle_world: World):
    await idle_world.define(
        """
        news = MailList("news", "News")
        optional = MailList("optional", "Optional", default_opt_in=False)
        receipts = MailList("receipts", "Receipts", transactional=True)

        @journey("j", trigger="go", list="news", entry="unlimited")
        async def j(user, ctx): ...

        @journey("o", trigger="go", list="optional", entry="unlimited")
        async def o(user, ctx): ...

        @journey("r", trigger="go", list="receipts", entry="unlimited")
        async def r(user, ctx): ...
        """
    )

    async def list_reasons(user: str, **lists: bool) -> list[str | None]:
        named = {name.replace("everything", "*"): subscribed for name, subscribed in lists.items()}
        result = await idle_world.submit(
            "go", user_id=user, email=f"{user}@example.com", lists=named
        )
        return [row.get("reason") for row in result.enrollments]

    assert await list_reasons("ada") == [None, "unsubscribed", None]
    assert await list_reasons("bo", news=False, optional=True) == ["unsubscribed", None, None]
    assert await list_reasons("cy", everything=False) == ["unsubscribed", "unsubscribed", None]


async def test_a_contact_with_a_suppressed_address_is_not_enrolled(idle_world: World):
    from hogsend.store import consents

    await idle_world.define(
        '@journey("j", trigger="go", entry="unlimited")\nasync def j(u, ctx): ...'
    )
    async with idle_world.database.transaction() as tx:
        stop = ("ada@example.com", "hard_bounce", None)
        await tx.apply([consents.suppress([stop], idle_world.clock.now())])
    assert await try_entry(idle_world, "j", email="ada@example.com") == "suppressed"
    assert await try_entry(idle_world, "j", user_id="ada", email="ada@example.com") == "suppressed"
    assert await try_entry(idle_world, "j", user_id="ada") == "suppressed"
    assert await try_entry(idle_world, "j", user_id="bo") is None


async def test_every_refusal_is_stored_with_its_reason(idle_world: World):
    await idle_world.define(WELCOME)
    await idle_world.submit("user.created", user_id="ada")
    result = await idle_world.submit("user.created", user_id="ada")
    refusals = await idle_world.query("SELECT journey_id, reason FROM refusals")
    assert [tuple(row) for row in refusals] == [("welcome", "already_live")]
    assert result.enrollments == [
        {"journeyId": "welcome", "outcome": "skipped", "reason": "already_live"}
    ]


async def test_enrolling_by_hand_follows_the_same_rules(idle_world: World):
    await idle_world.define(WELCOME + WELCOME.replace("welcome", "other"))
    ingest = idle_world.runtime.ingest
    by_hand = IncomingEvent("user.created", user_id="ada", source="dashboard", only_journey="other")
    first, second = await ingest.submit(by_hand), await ingest.submit(by_hand)
    assert [row["outcome"] for row in first.enrollments] == ["enrolled"]
    assert [row.get("reason") for row in second.enrollments] == ["already_live"]
    assert (await idle_world.enrollment()).journey_id == "other"
