"""The one door: what becomes of an event, what it starts, and why it starts nothing."""

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


async def test_an_event_is_stored_and_makes_its_contact(idle_world: World):
    taken = await idle_world.submit(
        "user.created",
        user_id="ada",
        email="ada@example.com",
        properties={"plan": "pro"},
        contact_properties={"name": "Ada", "nothing": None},
        value=9.5,
        currency="EUR",
    )

    assert (taken.stored, taken.created, taken.contact_key) == (True, True, "ada")
    (event,) = await idle_world.events()
    assert (event.id, event.name, event.properties) == (
        taken.event_id,
        "user.created",
        {"plan": "pro"},
    )
    assert (event.seq, event.received_at) == (1, idle_world.clock.now())
    ada = await idle_world.contact()
    assert (ada.email, ada.properties, ada.event_seq) == ("ada@example.com", {"name": "Ada"}, 1)
    assert [tuple(row) for row in await idle_world.query("SELECT value, currency FROM events")] == [
        (9.5, "EUR")
    ]


async def test_one_event_starts_every_journey_that_listens_for_it(idle_world: World):
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
    taken = await idle_world.submit("user.created", user_id="ada")

    entered = await idle_world.all_enrollments()
    assert [one.journey_id for one in entered] == ["one", "two"]
    assert {one.state for one in entered} == {"active"}
    assert [dict(one) for one in taken.enrollments] == [
        {"journeyId": one.journey_id, "outcome": "enrolled", "stateId": str(one.id)}
        for one in entered
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


async def test_null_deletes_a_property_and_others_are_kept(idle_world: World):
    await idle_world.submit("a", user_id="ada", contact_properties={"plan": "pro", "seats": 3})
    await idle_world.submit("b", user_id="ada", contact_properties={"plan": None, "city": "Oslo"})
    assert (await idle_world.contact()).properties == {"seats": 3, "city": "Oslo"}


async def test_an_event_of_an_unknown_contact_id_fails_alone(idle_world: World):
    known = (await idle_world.submit("a", user_id="ada")).contact_id
    nobody = (await idle_world.submit("a", user_id="bo")).event_id
    good, bad, last = await asyncio.gather(
        idle_world.submit("b", contact_id=known),
        idle_world.submit("b", contact_id=nobody),
        idle_world.submit("b", user_id="cy"),
        return_exceptions=True,
    )
    assert isinstance(bad, NotFound)
    assert not isinstance(good, BaseException)
    assert not isinstance(last, BaseException)
    assert len(await idle_world.events("b")) == 2


async def test_one_bad_event_of_a_set_fails_alone(idle_world: World):
    unstorable: Any = object()
    results = await asyncio.gather(
        idle_world.submit("a", user_id="ada"),
        idle_world.submit("b", user_id="bo", properties={"x": unstorable}),
        idle_world.submit("c", user_id="cy"),
        return_exceptions=True,
    )
    assert [isinstance(one, BaseException) for one in results] == [False, True, False]
    assert [one.name for one in await idle_world.events()] == ["a", "c"]
    assert [one.user_id for one in await idle_world.contacts()] == ["ada", "cy"]
    assert await idle_world.counter_drift() == {}


async def test_an_engine_that_cannot_be_notified_loses_no_event(idle_world: World, caplog: Any):
    async def refuse(taking: Any) -> None:
        raise RuntimeError("the engine is not there")

    idle_world.runtime.bus.subscribe(BatchResult, refuse)
    taken = await idle_world.submit("a", user_id="ada")
    assert taken.stored
    assert len(await idle_world.events()) == 1
    assert "could not be notified" in caplog.text


# -- why an event starts nothing --------------------------------------------------------------

# Each journey refuses for its reason and all that come after it, and for none before.
REASONS = """
    @journey("disabled", trigger=on("go", where=prop("met") == True), enabled=False, key=prop("k"))
    async def disabled(user, ctx): ...

    @journey("disabled_by_operator", trigger=on("go", where=prop("met") == True), key=prop("k"))
    async def disabled_by_operator(user, ctx): ...

    @journey("where_not_met", trigger=on("go", where=prop("met") == True), key=prop("k"))
    async def where_not_met(user, ctx): ...
"""


async def reason(idle_world: World, journey_id: str, **incoming: Any) -> str | None:
    """Return why a journey refuses an event; None when it does not."""
    taken = await idle_world.submit("go", **incoming)
    decided = next(one for one in taken.enrollments if one["journeyId"] == journey_id)
    return decided.get("reason")


async def test_the_first_reason_to_refuse_is_the_one_that_counts(idle_world: World):
    await idle_world.define(REASONS)
    for one in ("disabled", "disabled_by_operator"):
        await idle_world.switch(one, on=False)
    late = idle_world.clock.now() - timedelta(days=3)
    taken = await idle_world.submit(
        "go", user_id="ada", timestamp=late, depth=9, lists={"*": False}
    )
    assert {one["journeyId"]: one["reason"] for one in taken.enrollments} == {
        "disabled": "disabled",
        "disabled_by_operator": "disabled_by_operator",
        "where_not_met": "where_not_met",
    }


async def test_a_broken_journey_is_named_only_for_what_would_have_started_it(idle_world: World):
    await idle_world.define(
        """
        @journey("welcome", trigger=on("go", where=prop("plan") == "pro"))
        async def welcome(user, ctx): ...
        """
    )
    idle_world.write("journeys", "this is not Python")
    await idle_world.load()
    assert (
        await reason(idle_world, "welcome", user_id="ada", properties={"plan": "pro"})
        == "journey_broken"
    )
    assert await reason(idle_world, "welcome", user_id="ada") == "where_not_met"
    assert await idle_world.all_enrollments() == []


@pytest.mark.parametrize(("age", "expected"), [(hours(24), None), (hours(25), "late_event")])
async def test_an_event_that_is_submitted_too_late_starts_nothing(
    idle_world: World, age: timedelta, expected: str | None
):
    await idle_world.define(
        '@journey("j", trigger="go", key=prop("k"))\nasync def j(user, ctx): ...'
    )
    happened = idle_world.clock.now() - age
    assert (
        await reason(idle_world, "j", user_id="ada", timestamp=happened, properties={"k": 1})
        == expected
    )
    (event,) = await idle_world.events()
    assert event.occurred_at == happened


@pytest.mark.parametrize(("depth", "expected"), [(8, None), (9, "trigger_loop")])
async def test_a_chain_of_causes_longer_than_eight_starts_nothing(
    idle_world: World, depth: int, expected: str | None
):
    await idle_world.define('@journey("j", trigger="go")\nasync def j(user, ctx): ...')
    assert await reason(idle_world, "j", user_id="ada", depth=depth) == expected


@pytest.mark.parametrize("value", [None, {"a": 1}, [1]])
async def test_a_journey_with_a_key_needs_a_value_for_it(idle_world: World, value: Any):
    await idle_world.define(
        '@journey("j", trigger="go", key=prop("cart.id"))\nasync def j(user, ctx): ...'
    )
    cart = {"cart": {"id": value}}
    assert await reason(idle_world, "j", user_id="ada", properties=cart) == "no_key"
    assert await reason(idle_world, "j", user_id="ada", properties={"cart": {"id": 7}}) is None
    assert (await idle_world.enrollment()).entry_key == "7"


async def test_a_contact_in_a_journey_does_not_enter_it_a_second_time(idle_world: World):
    await idle_world.define(
        '@journey("j", trigger="go", entry="unlimited")\nasync def j(u, ctx): ...'
    )
    assert await reason(idle_world, "j", user_id="ada") is None
    assert await reason(idle_world, "j", user_id="ada") == "already_live"


async def test_two_triggers_of_one_set_enroll_once(idle_world: World):
    await idle_world.define(
        '@journey("j", trigger="go", entry="unlimited")\nasync def j(u, ctx): ...'
    )
    both = await asyncio.gather(*(reason(idle_world, "j", user_id="ada") for _ in range(2)))
    assert both == [None, "already_live"]


async def test_once_is_once_and_a_period_is_a_period(world: World):
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

    async def reasons() -> list[str | None]:
        return [one.get("reason") for one in (await world.emit("go")).enrollments]

    assert await reasons() == [None, None, None]
    assert await reasons() == ["already_entered", "too_soon", None]
    await world.advance(timedelta(days=7, microseconds=-1))
    assert await reasons() == ["already_entered", "too_soon", None]
    await world.advance(timedelta(microseconds=1))
    assert await reasons() == ["already_entered", None, None]


async def test_nobody_enters_a_journey_whose_list_they_left(idle_world: World):
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

    async def reasons(user: str, **lists: bool) -> list[str | None]:
        named = {name.replace("everything", "*"): subscribed for name, subscribed in lists.items()}
        taken = await idle_world.submit(
            "go", user_id=user, email=f"{user}@example.com", lists=named
        )
        return [one.get("reason") for one in taken.enrollments]

    assert await reasons("ada") == [None, "unsubscribed", None]
    assert await reasons("bo", news=False, optional=True) == ["unsubscribed", None, None]
    assert await reasons("cy", everything=False) == ["unsubscribed", "unsubscribed", None]


async def test_nobody_whose_address_is_suppressed_enters(idle_world: World):
    from hogsend.store import consents

    await idle_world.define(
        '@journey("j", trigger="go", entry="unlimited")\nasync def j(u, ctx): ...'
    )
    async with idle_world.database.transaction() as tx:
        stop = ("ada@example.com", "hard_bounce", None)
        await tx.apply([consents.suppress([stop], idle_world.clock.now())])
    assert await reason(idle_world, "j", email="ada@example.com") == "suppressed"
    assert await reason(idle_world, "j", user_id="ada", email="ada@example.com") == "suppressed"
    assert await reason(idle_world, "j", user_id="ada") == "suppressed"
    assert await reason(idle_world, "j", user_id="bo") is None


async def test_every_refusal_is_kept_with_its_reason(idle_world: World):
    await idle_world.define(WELCOME)
    await idle_world.submit("user.created", user_id="ada")
    taken = await idle_world.submit("user.created", user_id="ada")
    kept = await idle_world.query("SELECT journey_id, reason FROM refusals")
    assert [tuple(row) for row in kept] == [("welcome", "already_live")]
    assert taken.enrollments == [
        {"journeyId": "welcome", "outcome": "skipped", "reason": "already_live"}
    ]


async def test_an_operator_enrolls_in_one_journey_by_hand_under_the_same_rules(idle_world: World):
    await idle_world.define(WELCOME + WELCOME.replace("welcome", "other"))
    ingest = idle_world.runtime.ingest
    by_hand = IncomingEvent("user.created", user_id="ada", source="dashboard", only_journey="other")
    first, second = await ingest.submit(by_hand), await ingest.submit(by_hand)
    assert [one["outcome"] for one in first.enrollments] == ["enrolled"]
    assert [one.get("reason") for one in second.enrollments] == ["already_live"]
    assert (await idle_world.enrollment()).journey_id == "other"
