"""`ctx.digest` and `ctx.throttle`, which limit the number of emails."""

from __future__ import annotations

from typing import Any

from hogsend import days, hours, minutes
from tests.world import World

DIGEST_JOURNEY = """
@journey("comments", trigger="comment.added", entry="unlimited")
async def comments(user, ctx):
    events = await ctx.digest(hours(1){more})
    await ctx.checkpoint(",".join(str(e.properties.get("n")) for e in events))
"""


async def read_digests(world: World) -> list[str]:
    """Return the events of the digests, the oldest enrollment first."""
    labels: list[str] = []
    for enrollment in await world.all_enrollments():
        journal = await world.journal(enrollment.id)
        labels += [step.label for step in journal if step.kind == "checkpoint"]
    return labels


async def test_a_digest_contains_the_trigger_and_the_events_of_its_window(world: World):
    await world.define(DIGEST_JOURNEY.format(more=""))
    await world.emit("comment.added", n=1)
    await world.advance(minutes(30))
    await world.emit("comment.added", n=2)
    await world.emit("something.else", n=9)
    assert await read_digests(world) == []
    await world.advance(minutes(30))
    assert await read_digests(world) == ["1,2"]
    await world.emit("comment.added", n=3)
    await world.advance(hours(1))
    assert await read_digests(world) == ["1,2", "3"]


async def test_a_digest_ends_when_enough_events_have_arrived(world: World):
    await world.define(DIGEST_JOURNEY.format(more=", max_events=3"))
    for n in range(1, 3):
        await world.emit("comment.added", n=n)
    only = await world.enrollment()
    assert only.wait is not None
    assert only.wait.remaining == 1
    await world.emit("comment.added", n=3)
    assert await read_digests(world) == ["1,2,3"]


async def test_a_digest_collects_events_that_arrive_while_the_turn_runs(world: World):
    await world.define(DIGEST_JOURNEY.format(more=", max_events=3"))
    for n in range(1, 3):
        await world.submit("comment.added", user_id="ada", properties={"n": n})
    await world.settle()
    await world.emit("comment.added", n=3)
    assert await read_digests(world) == ["1,2,3"]


async def test_a_digest_of_other_events_does_not_contain_the_trigger(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            events = await ctx.digest(hours(1), on("like", where=prop("by") == "bo"), label="likes")
            again = await ctx.digest(hours(1), "like", where=prop("by") == "bo")
            await ctx.checkpoint(f"{[e.properties['n'] for e in events]} then {len(again)}")
        """
    )
    await world.emit("go")
    await world.emit("like", by="bo", n=1)
    await world.emit("like", by="cy", n=2)
    await world.advance(hours(1))
    await world.emit("like", by="bo", n=3)
    await world.advance(hours(1))
    assert await read_digests(world) == ["[1] then 1"]


async def test_events_after_the_deadline_belong_to_the_next_digest(sqlite_world: World):
    await sqlite_world.define(DIGEST_JOURNEY.format(more=""))
    await sqlite_world.emit("comment.added", n=1)
    sqlite_world.clock.set(sqlite_world.clock.now() + hours(2))
    await sqlite_world.submit("comment.added", user_id="ada", properties={"n": 2})
    await sqlite_world.advance(hours(2))
    assert await read_digests(sqlite_world) == ["1"]


async def test_a_new_digest_that_lies_behind_a_contact_is_empty(sqlite_world: World):
    source = """
        @journey("j", trigger="go")
        async def j(user, ctx):
            {new}
            await ctx.sleep(days(1), label="rest")
            await ctx.checkpoint("{{}}".format({answer}))
        """
    await sqlite_world.define(source.format(new="pass", answer="0"))
    await sqlite_world.emit("go")
    await sqlite_world.define(
        source.format(new="events = await ctx.digest(hours(1))", answer="events")
    )
    await sqlite_world.advance(days(1))
    assert (await sqlite_world.journal())[-1].label == "[]"


async def test_only_the_first_digest_begins_with_the_trigger(world: World):
    await world.define(
        """
        @journey("j", trigger="go")
        async def j(user, ctx):
            for _ in range(2):
                events = await ctx.digest(hours(1), max_events=2)
                await ctx.checkpoint(",".join(str(e.properties["n"]) for e in events))
        """
    )
    await world.emit("go", n=1)
    await world.advance(hours(1))
    await world.emit("go", n=2)
    assert await read_digests(world) == ["1"]
    await world.advance(hours(1))
    assert await read_digests(world) == ["1", "2"]


async def run_throttles(world: World, *calls: str) -> list[Any]:
    """Run a journey with these calls, and return the answers of its throttles."""
    body = "\n".join(f"            await ctx.{call}" for call in calls)
    await world.define(
        f"""
        from hogsend import MailList
        news = MailList("news", name="News")
        @journey("j", trigger="go", entry="unlimited")
        async def j(user, ctx):
{body}
        """
    )
    await world.emit("go")
    return [step.answer for step in await world.journal() if step.kind == "throttle"]


async def test_a_throttle_counts_the_emails_of_all_journeys_and_of_this_turn(world: World):
    answers = await run_throttles(
        world,
        "send('welcome')",
        "throttle(2, days(1))",
        "send('nudge', list='news')",
        "throttle(2, days(1), label='again')",
        "throttle(2, days(1), list='news')",
    )
    assert answers == [
        {"allowed": True, "sent": 1, "limit": 2},
        {"allowed": False, "sent": 2, "limit": 2},
        {"allowed": True, "sent": 1, "limit": 2},
    ]


async def test_a_throttle_ignores_emails_before_its_window(world: World):
    await run_throttles(
        world, "send('welcome')", "sleep(days(2), label='r')", "throttle(1, days(1))"
    )
    await world.advance(days(2))
    answer = (await world.answers())["throttle:1 in 1 day"]
    assert answer == {"allowed": True, "sent": 0, "limit": 1}
