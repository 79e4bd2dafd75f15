"""Events and contacts come to authors with all of their facts."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from hogsend import days, hours
from hogsend.domain.ids import compute_instant
from hogsend.store.db import Write
from tests.world import World

REPORT = """
def describe(event):
    return {
        "occurred": event.occurred_at.isoformat(),
        "received": event.received_at.isoformat(),
        "source": event.source,
        "contact": str(event.contact_id),
    }

def describe_contact(contact):
    return {
        "first": contact.first_seen_at.isoformat(),
        "last": contact.last_seen_at.isoformat(),
        "anonymous": contact.anonymous_id,
        "events": contact.event_seq,
        "revision": contact.revision,
    }
"""


async def read_report(world: World) -> dict[str, Any]:
    """Return the properties of the newest event that a journey has reported."""
    return dict((await world.events("reported"))[-1].properties)


@pytest.mark.parametrize(
    "look",
    [
        "await ctx.history.last_event('used')",
        "(await ctx.history.events('used'))[0]",
        "(await ctx.wait_for('used', since=old, timeout=days(1))).event",
        "(await ctx.wait_for_any(['used', 'left'], since=old, timeout=days(1))).event",
        "ctx.event",
    ],
)
async def test_an_event_of_the_past_has_its_instants_source_and_contact(world: World, look: str):
    await world.define(
        REPORT
        + f"""
old = datetime(2020, 1, 1, tzinfo=UTC)

@journey("report", trigger="{"used" if look == "ctx.event" else "go"}")
async def report(user, ctx):
    event = {look}
    await ctx.sleep(days(1))
    await ctx.trigger("reported", describe(event))
"""
    )
    happened, arrived = world.clock.now() - hours(3), world.clock.now()
    await world.submit("used", user_id="ada", timestamp=happened, source="cli")
    await world.advance(hours(1))
    await world.emit("go")
    await world.advance(days(1))
    assert await read_report(world) == {
        "occurred": happened.isoformat(),
        "received": arrived.isoformat(),
        "source": "cli",
        "contact": str((await world.contact()).id),
    }


@pytest.mark.parametrize(
    "look",
    [
        "(await ctx.wait_for('used', timeout=days(9))).event",
        "(await ctx.wait_for_any(['left', 'used'])).event",
        "(await ctx.digest(days(2), 'used'))[0]",
        "(await ctx.digest(days(9), 'used', max_events=1))[0]",
    ],
)
async def test_an_awaited_event_has_its_instants_source_and_contact(world: World, look: str):
    await world.define(
        REPORT
        + f"""
@journey("report", trigger="go")
async def report(user, ctx):
    event = {look}
    await ctx.sleep(days(1))
    await ctx.trigger("reported", describe(event))
"""
    )
    await world.emit("go")
    await world.advance(hours(5))
    happened, arrived = world.clock.now() - hours(3), world.clock.now()
    await world.submit("used", user_id="ada", timestamp=happened, source="cli")
    await world.settle()
    await world.advance(days(2))
    await world.advance(days(1))
    assert await read_report(world) == {
        "occurred": happened.isoformat(),
        "received": arrived.isoformat(),
        "source": "cli",
        "contact": str((await world.contact()).id),
    }


WATCH = (
    REPORT
    + """
@journey("watch", trigger="go")
async def watch(user, ctx):
    before = await ctx.contact()
    await ctx.sleep(days(1))
    now = await ctx.contact(label="later")
    await ctx.trigger("reported", {
        "user": describe_contact(user),
        "before": describe_contact(before),
        "now": describe_contact(now),
    })
"""
)


async def test_a_contact_has_the_instants_at_which_it_was_seen(world: World):
    await world.define(WATCH)
    first = world.clock.now()
    await world.submit("seen", user_id="ada", anonymous_id="browser")
    await world.advance(hours(1))
    entered = world.clock.now()
    await world.emit("go")
    await world.advance(hours(2))
    last = world.clock.now()
    await world.emit("seen")
    await world.advance(days(1))
    then = {
        "first": first.isoformat(),
        "last": entered.isoformat(),
        "anonymous": "browser",
        "events": 2,
        "revision": 2,
    }
    now = {**then, "last": last.isoformat(), "events": 3}
    assert await read_report(world) == {"user": then, "before": then, "now": now}


async def test_a_merged_contact_was_first_seen_when_the_older_of_both_was(world: World):
    await world.define(WATCH)
    first = world.clock.now()
    await world.submit("seen", email="ada@example.com")
    await world.advance(hours(1))
    await world.submit("seen", user_id="ada")
    await world.advance(hours(1))
    entered = world.clock.now()
    await world.emit("go")
    await world.advance(days(1))
    user = (await read_report(world))["user"]
    assert (user["first"], user["last"]) == (first.isoformat(), entered.isoformat())
    assert (await world.contact()).first_seen_at == first


async def forget_new_facts(world: World) -> None:
    """Turn what is stored into what the first version stored."""
    new = ("occurredAt", "source", "contactId", "firstSeenAt", "lastSeenAt", "anonymousId")

    def strip(value: Any) -> Any:
        if isinstance(value, list):
            return [strip(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, dict):
            return {
                name: strip(item)
                for name, item in value.items()  # pyright: ignore[reportUnknownVariableType]
                if name not in (*new, "eventSeq", "revision")
            }
        return value

    played = await world.query("SELECT steps, enrollment_id, number FROM turns")
    entered = await world.query("SELECT person, wait_result, id FROM enrollments")
    async with world.database.transaction() as tx:
        await tx.apply(
            [
                Write(
                    "UPDATE turns SET steps = ? WHERE enrollment_id = ? AND number = ?",
                    [(json.dumps(strip(json.loads(steps))), *key) for steps, *key in played],
                ),
                Write(
                    "UPDATE enrollments SET person = ?, wait_result = ? WHERE id = ?",
                    [
                        (*(json.dumps(strip(as_json(text))) if text else None for text in row), key)
                        for *row, key in entered
                    ],
                ),
            ]
        )


def as_json(stored: Any) -> Any:
    return json.loads(stored) if isinstance(stored, str | bytes) else stored


async def test_journals_of_the_first_version_give_the_instants_that_are_known(world: World):
    await world.define(WATCH)
    first = world.clock.now()
    await world.submit("seen", user_id="ada")
    await world.advance(hours(1))
    entered = world.clock.now()
    await world.emit("go")
    await forget_new_facts(world)
    await world.advance(days(1))
    report = await read_report(world)
    for contact in (report["user"], report["before"]):
        assert_same_millisecond(contact["first"], first)
        assert contact["last"] == entered.isoformat()


async def test_events_in_journals_of_the_first_version_happened_when_they_arrived(world: World):
    await world.define(
        REPORT
        + """
@journey("report", trigger="go")
async def report(user, ctx):
    event = (await ctx.wait_for("used")).event
    await ctx.sleep(days(1))
    await ctx.trigger("reported", describe(event))
"""
    )
    await world.emit("go")
    await world.advance(hours(1))
    arrived = world.clock.now()
    await world.submit("used", user_id="ada", timestamp=arrived - hours(2))
    await world.settle()
    await forget_new_facts(world)
    await world.advance(days(1))
    report = await read_report(world)
    assert report["occurred"] == report["received"] == arrived.isoformat()


async def test_a_person_who_waits_for_the_first_turn_of_the_first_version(idle_world: World):
    await idle_world.define(WATCH)
    first = idle_world.clock.now()
    await idle_world.submit("go", user_id="ada")
    await forget_new_facts(idle_world)
    person = (await idle_world.enrollment()).person
    assert person is not None and "firstSeenAt" not in person
    runner = idle_world.turn_runner(timedelta(seconds=60))
    try:
        await runner.run([(await idle_world.enrollment()).id])
    finally:
        await runner.close()
    assert (await idle_world.enrollment()).state == "waiting"
    assert (await idle_world.contact()).first_seen_at == first


def assert_same_millisecond(stored: str, instant: datetime) -> None:
    assert abs(datetime.fromisoformat(stored) - instant) < timedelta(milliseconds=1)


def test_an_id_contains_the_millisecond_of_its_creation():
    at = compute_instant(UUID("01932c65-601d-7000-8000-000000000000"))
    assert at.isoformat() == "2024-11-14T20:37:41.533000+00:00"
