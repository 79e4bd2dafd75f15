"""A turn runs the function from the top to a wait or the end, and is committed as a whole."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hogsend import days, hours
from hogsend.services import consent
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.contacts import find_contact
from hogsend.store import consents
from hogsend.store.fields import to_id
from tests.world import World


async def test_a_journey_runs_from_its_trigger_to_its_end(world: World):
    await world.define(
        """
        @journey("welcome", trigger="user.created")
        async def welcome(user, ctx):
            await ctx.send("welcome")
            await ctx.sleep(days(2), label="pause")
            if not await ctx.history.has_event("feature.used"):
                await ctx.send("nudge")
            answer = await ctx.wait_for("plan.upgraded", timeout=days(7))
            await ctx.send("bye" if answer else "offer")
        """
    )
    await world.emit("user.created")
    assert await world.mailbox() == ["welcome"]
    await world.advance(days(2) - timedelta(microseconds=1))
    assert await world.mailbox() == ["welcome"]
    await world.advance(timedelta(microseconds=1))
    assert await world.mailbox() == ["welcome", "nudge"]
    await world.advance(days(6))
    await world.emit("plan.upgraded", to="pro")
    assert await world.mailbox() == ["welcome", "nudge", "bye"]

    ended = await world.enrollment()
    assert (ended.state, ended.sends, ended.turn, ended.wake_at) == ("completed", 3, 3, None)
    assert ended.ended_at == world.clock.now()
    assert await world.counter_drift() == {}


async def test_the_journal_records_the_calls_of_each_turn(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.send("welcome", label="hello")
            await ctx.sleep(days(2), label="pause")
            await ctx.wait_for("used", timeout=days(1), where=prop("n") > 1)
        """
    )
    await world.emit("go")
    await world.advance(days(2))
    await world.emit("used", n=2)
    (send,) = await world.sends()
    (used,) = await world.events("used")
    start = (await world.enrollment()).entered_at
    assert [
        [step.to_json() for step in turn.steps if step.kind != "user"]
        for turn in await world.turns()
    ] == [
        [
            {
                "key": "send:hello",
                "kind": "send",
                "label": "hello",
                "answer": {"status": "queued", "sendId": str(send.id)},
            },
            {
                "key": "sleep:pause",
                "kind": "sleep",
                "label": "pause",
                "detail": {"until": (start + days(2)).isoformat()},
                "waiting": True,
            },
        ],
        [
            {"key": "sleep:pause", "kind": "sleep", "label": "pause"},
            {
                "key": "wait:used",
                "kind": "wait",
                "label": "used",
                "detail": {
                    "until": (start + days(3)).isoformat(),
                    "events": ["used where n > 1"],
                },
                "waiting": True,
            },
        ],
        [
            {
                "key": "wait:used",
                "kind": "wait",
                "label": "used",
                "answer": {
                    "id": str(used.id),
                    "name": "used",
                    "properties": {"n": 2},
                    "seq": 2,
                    "receivedAt": (start + days(2)).isoformat(),
                    "contactId": str(used.contact_id),
                },
            },
        ],
    ]
    assert [turn.outcome for turn in await world.turns()] == ["waiting", "waiting", "completed"]
    assert [turn.number for turn in await world.turns()] == [1, 2, 3]


# Calls whose answers differ from time to time, made before a wait and reported after it.
REPLAYED = """
    @journey("j", trigger="go")
    async def j(user, ctx):
        seen = {
            "now": str(await ctx.now()),
            "kind": type(await ctx.now(label="again")).__name__,
            "random": await ctx.random(),
            "uuid": str(await ctx.uuid()),
            "arm": await ctx.variant("colour", {"red": 1, "blue": 1}),
            "count": await ctx.history.count("used"),
            "has": await ctx.history.has_event("used"),
            "last": str((await ctx.history.last_event("used")).properties),
            "all": [e.properties["n"] for e in await ctx.history.events("used")],
            "plan": (await ctx.contact()).properties["plan"],
            "frozen": user.properties["plan"],
            "subscribed": await ctx.is_subscribed(),
            "trigger": ctx.event.properties["n"],
            "triggered": str(await ctx.trigger("noted")),
            "sent": (await ctx.send("welcome")).status,
        }
        await ctx.checkpoint("asked")
        await ctx.sleep(days(1))
        await ctx.trigger("reported", seen)
"""


async def test_a_resumed_journey_gets_the_same_answers(world: World):
    await world.define(REPLAYED)
    contact: dict[str, Any] = {"user_id": "ada", "email": "ada@example.com"}
    for n in (1, 2):
        await world.submit(
            "used", **contact, properties={"n": n}, contact_properties={"plan": "free"}
        )
    await world.emit("go", n=7)
    before = await world.answers()
    await world.submit("used", **contact, properties={"n": 3}, contact_properties={"plan": "pro"})
    await world.submit("left", **contact, lists={"*": False})
    await world.advance(days(1))

    (event,) = await world.events("reported")
    assert event.properties == {
        "now": str((await world.enrollment()).entered_at),
        "kind": "datetime",
        "random": before["random:random"],
        "uuid": before["uuid:uuid"],
        "arm": before["variant:colour"],
        "count": 2,
        "has": True,
        "last": "{'n': 2}",
        "all": [2, 1],
        "plan": "free",
        "frozen": "free",
        "subscribed": True,
        "trigger": 7,
        "triggered": before["trigger:noted"],
        "sent": "queued",
    }
    assert len(await world.events("noted")) == 1
    assert await world.mailbox() == ["welcome"]


async def test_each_of_repeated_calls_has_its_own_answer(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            numbers = []
            for round in range(3):
                numbers.append(await ctx.random())
                await ctx.send("nudge")
                await ctx.sleep(days(1))
            await ctx.trigger("reported", {"numbers": numbers})
        """
    )
    await world.emit("go")
    for _ in range(3):
        await world.advance(days(1))
    answers = await world.answers()
    keys = ["random:random", "random:random#2", "random:random#3"]
    (event,) = await world.events("reported")
    assert event.properties["numbers"] == [answers[key] for key in keys]
    assert len(set(event.properties["numbers"])) == 3
    assert await world.mailbox() == ["nudge"] * 3
    assert [send.step_key for send in await world.sends()] == [
        "send:nudge",
        "send:nudge#2",
        "send:nudge#3",
    ]


async def test_the_user_is_the_contact_at_enrollment_and_emails_go_to_the_present_address(
    world: World,
):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.sleep(days(1))
            await ctx.send("welcome")
            await ctx.trigger("reported", {"then": user.email, "now": (await ctx.contact()).email})
        """
    )
    await world.submit("go", user_id="ada", email="old@example.com")
    await world.settle()
    await world.submit("moved", user_id="ada", email="new@example.com")
    await world.advance(days(1))
    (event,) = await world.events("reported")
    assert event.properties == {"then": "old@example.com", "now": "new@example.com"}
    assert [send.to_email for send in await world.sends()] == ["new@example.com"]


async def test_properties_that_look_like_the_journals_markers_are_kept(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            first = await ctx.wait_for("used")
            await ctx.sleep(days(1))
            await ctx.trigger("reported", {"was": first.event.properties, "is": user.properties})
        """
    )
    odd = {"a": {"$instant": "not one"}, "b": {"$duration": None}, "c": {"$plain": {"$plain": 1}}}
    await world.submit("go", user_id="ada", contact_properties=odd)
    await world.submit("used", user_id="ada", properties=odd)
    await world.settle()
    await world.advance(days(1))
    (event,) = await world.events("reported")
    assert event.properties == {"was": odd, "is": odd}


async def test_a_variant_is_stable_for_each_contact_and_follows_its_weights(world: World):
    await world.define(
        """
        @journey("j", trigger="go", entry="unlimited")
        async def j(user, ctx):
            arm = await ctx.variant("offer", {"a": 1, "b": 5, "never": 0})
            await ctx.trigger("chose", {"arm": arm})
        """
    )
    for _ in range(2):
        for n in range(60):
            await world.submit("go", user_id=f"u{n}")
        await world.settle()
    chosen: dict[object, set[str]] = {}
    for event in await world.events("chose"):
        chosen.setdefault(event.contact_id, set()).add(event.properties["arm"])
    assert all(len(arms) == 1 for arms in chosen.values())
    arms = [arm for contact_arms in chosen.values() for arm in contact_arms]
    assert set(arms) == {"a", "b"}
    assert arms.count("b") > arms.count("a")


async def test_exit_ends_the_journey_with_its_reason(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            try:
                await ctx.send("welcome")
                await ctx.exit("has all it needs")
            except Exception:
                pass
            await ctx.send("nudge")
        """
    )
    await world.emit("go")
    ended = await world.enrollment()
    assert (ended.state, ended.end_reason) == ("exited", "has all it needs")
    assert await world.mailbox() == ["welcome"]
    assert await world.counter_drift() == {}


async def test_a_sleep_until_a_past_instant_returns_immediately(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.sleep_until(datetime(2020, 1, 1, tzinfo=UTC))
            await ctx.sleep(days(0))
            await ctx.sleep_until(datetime(2026, 3, 3, tzinfo=timezone(hours(2))))
            await ctx.send("welcome")
        """
    )
    await world.emit("go")
    waiting = await world.enrollment()
    assert waiting.wake_at is not None
    assert waiting.wake_at.isoformat() == "2026-03-02T22:00:00+00:00"
    await world.advance(hours(13))
    assert await world.mailbox() == ["welcome"]


async def test_an_enrollment_that_is_not_due_does_not_run(idle_world: World):
    await idle_world.define(
        """
        @journey("j", trigger="go", exit_on=["stop"])
        async def j(user, ctx):
            await ctx.send("welcome")
            await ctx.sleep(days(1))
        """
    )
    await idle_world.submit("go", user_id="ada")
    await idle_world.submit("go", user_id="bo")
    await idle_world.submit("stop", user_id="bo")
    runner = idle_world.turn_runner(hours(1))
    ids = [enrollment.id for enrollment in await idle_world.all_enrollments()]
    for _ in range(2):
        await runner.run(ids)
    assert [len(await idle_world.turns(enrollment_id)) for enrollment_id in ids] == [1, 0]
    assert await idle_world.states() == ["waiting", "exited"]


# -- sends --------------------------------------------------------------------------------------

SENDS = """
    news = MailList("news", "News")

    @journey("j", trigger="go", list="news", suppress=hours(12))
    async def j(user, ctx):
        at = datetime(2026, 1, 1, tzinfo=UTC)
        sent = await ctx.send("welcome", subject="Hi", props={"at": at})
        result = {"sent": bool(sent), "why": sent.reason, "id": sent.send_id.hex}
        await ctx.trigger("reported", result)
        await ctx.send("nudge")
"""


async def test_a_send_is_decided_immediately_and_recorded_with_its_reason(world: World):
    await world.define(SENDS)
    await world.emit("go")
    welcome, nudge = await world.sends()
    assert (welcome.list_id, welcome.subject, welcome.to_email) == ("news", "Hi", "ada@example.com")
    assert str(welcome.props["at"]) == "2026-01-01 00:00:00+00:00"
    assert (nudge.status, nudge.reason) == ("skipped", "too_soon")
    (event,) = await world.events("reported")
    assert event.properties == {"sent": True, "why": None, "id": welcome.id.hex}
    assert (await world.enrollment()).sends == 1
    assert await world.counter_drift() == {}


async def test_a_contact_without_an_address_gets_a_skipped_send(world: World):
    await world.define(SENDS)
    await world.submit("go", user_id="ada", lists={})
    await world.settle()
    assert await world.send_outcomes() == [
        ("welcome", "skipped", "no_address"),
        ("nudge", "skipped", "no_address"),
    ]
    assert await world.states() == ["completed"]


@pytest.mark.parametrize(
    ("lists", "suppressed", "expected"),
    [
        ({"*": False, "news": False}, True, ("suppressed", "suppressed")),
        ({"*": False, "news": False}, False, ("skipped", "unsubscribed_from_everything")),
        ({"news": False}, False, ("skipped", "unsubscribed_from_list")),
        ({}, False, ("skipped", "too_soon")),
    ],
)
async def test_a_send_after_a_wait_is_decided_by_the_present_consent(
    world: World, lists: dict[str, bool], suppressed: bool, expected: tuple[str, str]
):
    await world.define(
        """
        news = MailList("news", "News")

        @journey("j", trigger="go", list="news", suppress=days(2))
        async def j(user, ctx):
            await ctx.send("welcome")
            await ctx.sleep(days(1))
            await ctx.send("nudge")
        """
    )
    await world.emit("go")
    await world.submit("say", user_id="ada", lists=lists)
    if suppressed:
        async with world.database.transaction() as tx:
            stop = ("ada@example.com", "complaint", None)
            await tx.apply([consents.suppress([stop], world.clock.now())])
    await world.advance(days(1))
    assert (await world.send_outcomes())[1] == ("nudge", *expected)


async def test_the_list_of_a_template_applies_in_journeys_without_a_list(world: World):
    (world.runtime.settings.journeys / "emails" / "news.html").write_text(
        "---\nsubject: News\nlist: news\n---\n<p>News</p>\n"
    )
    await world.define(
        """
        news = MailList("news", "News")
        owed = MailList("owed", "Owed", transactional=True)

        @journey("plain", trigger="go")
        async def plain(user, ctx):
            await ctx.send("news")
            await ctx.send("welcome")
            await ctx.send("news", list="owed", label="owed")

        @journey("owed", trigger="go", list="owed")
        async def other(user, ctx):
            await ctx.send("news")
        """
    )
    await world.emit("go")
    lists = [(send.journey_id, send.template, send.list_id) for send in await world.sends()]
    assert sorted(lists) == [
        ("owed", "news", "owed"),
        ("plain", "news", "news"),
        ("plain", "news", "owed"),
        ("plain", "welcome", "journey"),
    ]


# -- triggers -----------------------------------------------------------------------------------


async def test_a_triggered_event_is_ingested_like_any_other(world: World):
    await world.define(
        """
        @journey("first", trigger="go")
        async def first(user, ctx):
            await ctx.trigger("handed.over", {"n": 1, "at": datetime(2026, 1, 1, tzinfo=UTC)})

        @journey("second", trigger="handed.over")
        async def second(user, ctx):
            await ctx.send("welcome")

        @journey("awaiting", trigger="go")
        async def awaiting(user, ctx):
            await ctx.wait_for("handed.over")
        """
    )
    await world.emit("go")
    (event,) = await world.events("handed.over")
    assert event.properties == {"n": 1, "at": "2026-01-01T00:00:00+00:00"}
    assert event.source == "journey"
    first = next(
        enrollment
        for enrollment in await world.all_enrollments()
        if enrollment.journey_id == "first"
    )
    (row,) = await world.query("SELECT cause_id, depth FROM events WHERE name = 'handed.over'")
    assert (to_id(row[0]), row[1]) == (first.id, 1)
    assert await world.mailbox() == ["welcome"]
    assert set(await world.states()) == {"completed"}


async def test_the_effects_of_a_turn_remain_when_its_own_event_ends_the_enrollment(world: World):
    await world.define(
        """
        @journey("j", trigger="go", exit_on=["stop"])
        async def j(user, ctx):
            await ctx.send("welcome")
            await ctx.trigger("stop")
            await ctx.sleep(days(1))
            await ctx.send("nudge")
        """
    )
    await world.emit("go")
    ended = await world.enrollment()
    assert (ended.state, ended.end_reason, ended.turn) == ("exited", "exit_on stop", 1)
    assert [step.key for step in await world.journal()] == [
        "send:welcome",
        "trigger:stop",
        "sleep:1 day",
    ]
    assert await world.send_outcomes() == [("welcome", "cancelled", "exit_on stop")]
    await world.advance(days(1))
    assert await world.mailbox() == []
    assert await world.counter_drift() == {}


async def test_journeys_that_start_each_other_are_stopped_at_depth_eight(world: World):
    await world.define(
        """
        @journey("ping", trigger="ping", entry="unlimited")
        async def ping(user, ctx):
            await ctx.trigger("pong")

        @journey("pong", trigger="pong", entry="unlimited")
        async def pong(user, ctx):
            await ctx.trigger("ping")
        """
    )
    await world.emit("ping")
    assert len(await world.all_enrollments()) == 9
    refused = await world.query("SELECT reason FROM refusals")
    assert [row[0] for row in refused] == ["trigger_loop"]


@pytest.mark.parametrize(
    "call",
    [
        '""',
        '"x" * 201',
        '"a\\x00b"',
        '"a", {"p": "\\ud800"}',
        '"a", {str(n): n for n in range(300)}',
    ],
)
async def test_a_triggered_event_has_the_limits_of_every_event(sqlite_world: World, call: str):
    await sqlite_world.define(
        f"""
        @journey("j", trigger="go")
        async def j(user, ctx):
            await ctx.trigger({call})
        """
    )
    await sqlite_world.emit("go")
    assert "ctx.trigger(" in ((await sqlite_world.enrollment()).error or "")
    assert [event.name for event in await sqlite_world.events()] == ["go"]


async def test_a_stored_contact_whose_address_is_not_valid_is_kept_but_gets_no_mail(world: World):
    await world.define(SENDS)
    stored = "name+tag.@example.com"
    # Ingest stores what the parsers let through, which earlier versions did.
    await world.submit("known", user_id="ada", email=stored)
    await world.submit("go", user_id="ada")
    await world.settle()
    assert await world.send_outcomes() == [
        ("welcome", "skipped", "invalid_address"),
        ("nudge", "skipped", "invalid_address"),
    ]
    assert await world.states() == ["completed"]
    contact = await find_contact(world.runtime, COMMAND_LINE, stored)
    assert (contact.user_id, contact.email) == ("ada", stored)
    token = world.runtime.tokens.sign_unsubscribe(contact.id, "news", None)
    assert not (await consent.unsubscribe(world.runtime, token)).is_subscribed
