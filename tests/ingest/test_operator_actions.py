"""What an operator can do for people who are stuck, one by one or all together."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from hogsend import days
from hogsend.errors import Conflict
from hogsend.ingest import ActionName
from hogsend.services import bulk_actions
from hogsend.services.bulk_actions import replay_missed_triggers, run_action_on_all
from hogsend.services.enrollment_actions import run_action
from hogsend.store import audit
from hogsend.store.db import Write
from hogsend.turns.commit import RETRY_AFTER
from tests.actors import OLGA
from tests.world import World

BEFORE = """
    @journey("j", trigger="go", exit_on=["stop"])
    async def j(user, ctx):
        await ctx.send("welcome")
        await ctx.sleep(days(2), label="pause")
        await ctx.send("nudge")
"""
RENAMED = BEFORE.replace('"pause"', '"rest"')
RAISES = """
    @journey("j", trigger="go", exit_on=["stop"], entry="unlimited")
    async def j(user, ctx):
        await ctx.send("welcome")
        await ctx.sleep(days(1), label="pause")
        raise ValueError("the author's mistake")
"""
MENDED = RAISES.replace('raise ValueError("the author\'s mistake")', 'await ctx.send("nudge")')


async def give(
    world: World, act: ActionName, enrollment_id: UUID | None = None, note: str = ""
) -> UUID:
    """Let olga do something to an enrollment, by default to the only one, and wait for it."""
    one = enrollment_id or (await world.enrollment()).id
    done = await run_action(world.runtime, OLGA, act, one, note=note)
    await world.settle()
    return done


async def drift(world: World, *users: str, source: str = RENAMED) -> None:
    """Bring people to a wait, and let the code lose it."""
    await world.define(BEFORE)
    for user in users or ("ada",):
        await world.emit("go", user)
    await world.define(source)
    await world.advance(days(2))
    assert set(await world.states()) == {"drifted"}


async def fail(world: World, *users: str, source: str = RAISES) -> None:
    """Let people fail for good behind their wait."""
    await world.define(source)
    for user in users or ("ada",):
        await world.emit("go", user)
    await world.advance(days(1))
    for pause in RETRY_AFTER:
        await world.advance(pause)
    assert set(await world.states()) == {"failed"}


async def log(world: World) -> list[tuple[str, str, str, Any]]:
    """Return who did what to whom, with what it came to, the oldest first."""
    lines = await audit.list_entries(world.database, 50)
    return [(one.who, one.action, one.subject, one.after) for one in reversed(lines)]


# -- drifted ------------------------------------------------------------------------------------


async def test_who_is_continued_goes_on_as_if_the_lost_wait_were_over(world: World):
    await drift(world)
    only = (await world.enrollment()).id
    assert await give(world, "continue") == only

    going = await world.enrollment()
    assert (going.state, going.end_reason) == ("waiting", None)
    assert going.wait is not None and going.wait.key == "sleep:rest"
    assert going.wake_at == world.clock.now() + days(2)
    assert await world.mailbox() == ["welcome"]
    assert await world.counter_drift() == {}

    await world.advance(days(2))
    assert await world.states() == ["completed"]
    assert await world.mailbox() == ["welcome", "nudge"]
    assert await log(world) == [("olga", "continue", f"/enrollments/{only}", None)]


async def test_an_event_of_the_lost_wait_is_found_by_the_one_that_took_its_place(world: World):
    source = """
        @journey("j", trigger="go")
        async def j(user, ctx):
            came = await ctx.wait_for("paid", timeout=days(2), label="{}")
            await ctx.send("welcome" if came else "nudge")
    """
    await world.define(source.format("payment"))
    await world.emit("go")
    await world.define(source.format("money"))
    await world.emit("paid")
    assert await world.states() == ["drifted"]
    await give(world, "continue")
    assert await world.mailbox() == ["welcome"]


async def test_what_is_behind_a_continued_person_is_not_done_again(world: World):
    await drift(world, source=BEFORE.replace('await ctx.sleep(days(2), label="pause")', "pass"))
    await give(world, "continue")
    assert await world.mailbox() == ["welcome", "nudge"]
    assert await world.states() == ["completed"]


async def test_a_restart_begins_again_with_the_same_trigger(world: World):
    await drift(world)
    (before,) = await world.all_enrollments()
    begun = await give(world, "restart", note="better so")

    old, new = await world.all_enrollments()
    assert (old.state, old.end_reason) == ("exited", "restarted by olga: better so")
    assert (new.id, new.state, new.turn) == (begun, "waiting", 1)
    assert new.trigger_event_id == before.trigger_event_id
    assert await world.mailbox() == ["welcome", "welcome"]
    assert len(await world.events("go")) == 1
    assert await world.counter_drift() == {}
    details = {"reason": "restarted by olga: better so", "enrollment": str(begun)}
    assert await log(world) == [("olga", "restart", f"/enrollments/{old.id}", details)]


async def test_a_restart_passes_the_guards_and_changes_nothing_when_one_refuses(world: World):
    await drift(world)
    await world.submit("left", user_id="ada", lists={"*": False})
    with pytest.raises(Conflict, match="unsubscribed"):
        await give(world, "restart")
    assert await world.states() == ["drifted"]
    assert await world.counter_drift() == {}
    assert await log(world) == []


async def test_a_restart_long_after_the_trigger_is_not_late(world: World):
    await drift(world)
    await world.advance(days(300))
    await give(world, "restart")
    assert await world.states() == ["exited", "waiting"]


@pytest.mark.parametrize("act", ["continue", "restart"])
async def test_nobody_goes_on_in_a_journey_without_code(world: World, act: ActionName):
    await drift(world)
    world.remove("journeys")
    await world.load()
    with pytest.raises(Conflict, match="gone or broken"):
        await give(world, act)
    assert await world.states() == ["drifted"]
    await give(world, "exit")
    assert await world.states() == ["exited"]


@pytest.mark.parametrize("act", ["continue", "restart", "retry"])
async def test_who_is_not_stuck_is_left_alone(world: World, act: ActionName):
    await world.define(BEFORE)
    await world.emit("go")
    with pytest.raises(Conflict, match="this one is waiting"):
        await give(world, act)
    assert await world.states() == ["waiting"]


@pytest.mark.parametrize("act", ["wake", "continue", "restart", "exit", "retry"])
@pytest.mark.parametrize("ended", ["completed", "exited"])
async def test_an_end_is_final(world: World, act: ActionName, ended: str):
    await world.define(BEFORE)
    await world.emit("go")
    await (world.advance(days(2)) if ended == "completed" else world.emit("stop"))
    with pytest.raises(Conflict, match=f"{ended}"):
        await give(world, act)
    assert await world.states() == [ended]


# -- failed -------------------------------------------------------------------------------------


async def test_who_failed_is_retried_where_they_were(world: World):
    await fail(world)
    await world.define(MENDED)
    only = await give(world, "retry")
    assert await world.states() == ["completed"]
    assert await world.mailbox() == ["welcome", "nudge"]
    assert (await world.turns())[-1].number == 8
    assert await world.counter_drift() == {}
    assert await log(world) == [("olga", "retry", f"/enrollments/{only}", None)]


async def test_who_fails_again_is_tried_on_the_whole_schedule_again(world: World):
    await fail(world)
    await give(world, "retry")
    again = await world.enrollment()
    assert (again.state, again.attempt) == ("waiting", 1)
    assert again.wake_at == world.clock.now() + RETRY_AFTER[0]
    assert await world.counter_drift() == {}


async def test_nobody_is_reopened_beside_a_live_one(world: World):
    await fail(world)
    failed = (await world.enrollment()).id
    await world.emit("go")
    with pytest.raises(Conflict, match="is in it now"):
        await give(world, "retry", failed)
    assert await world.states() == ["failed", "waiting"]


async def test_two_of_one_person_are_not_both_reopened(world: World):
    await fail(world)
    await world.emit("go")
    await world.advance(days(1))
    for pause in RETRY_AFTER:
        await world.advance(pause)
    assert await world.states() == ["failed", "failed"]
    outcome = await run_action_on_all(world.runtime, OLGA, "retry", "j", "failed")
    assert (outcome.done, outcome.kept.total()) == (1, 1)


async def test_an_exit_that_came_after_the_failure_wins_over_a_retry(world: World):
    await fail(world)
    await world.emit("stop")
    await world.define(MENDED)
    await give(world, "retry")
    ended = await world.enrollment()
    assert (ended.state, ended.end_reason) == ("exited", "exit_on stop")
    assert await world.mailbox() == ["welcome"]
    assert await world.counter_drift() == {}


async def test_an_exit_after_the_failure_wins_over_a_retry_when_the_clock_is_set_back(world: World):
    await fail(world)
    world.clock.set(world.clock.now() - days(1))
    await world.emit("stop")
    await world.define(MENDED)
    await give(world, "retry")
    ended = await world.enrollment()
    assert (ended.state, ended.end_reason) == ("exited", "exit_on stop")


async def test_an_exit_before_the_enrollment_ends_no_retry_when_the_clock_is_set_back(world: World):
    await world.emit("stop")
    world.clock.set(world.clock.now() - days(9))
    await fail(world)
    await world.define(MENDED)
    await give(world, "retry")
    assert await world.states() == ["completed"]


async def test_who_failed_too_long_ago_has_no_journal_to_go_on_from(world: World):
    await fail(world)
    async with world.database.transaction() as tx:
        await tx.apply([Write("UPDATE enrollments SET summary = '{}'")])
    with pytest.raises(Conflict, match="too long ago"):
        await give(world, "retry")
    assert await world.states() == ["failed"]


async def test_who_was_merged_after_the_failure_is_retried_as_the_survivor(world: World):
    await world.define(RAISES)
    await world.submit("go", email="ada@example.com")
    await world.settle()
    await world.advance(days(1))
    for pause in RETRY_AFTER:
        await world.advance(pause)
    await world.submit("hello", user_id="ada")
    await world.submit("hello", user_id="ada", email="ada@example.com")
    await world.define(MENDED)
    await give(world, "retry")
    (only,) = await world.all_enrollments()
    assert (only.state, only.contact_id) == ("completed", (await world.contact()).id)
    assert await world.mailbox() == ["welcome", "nudge"]


# -- everyone -----------------------------------------------------------------------------------


async def test_all_drifted_enrollments_continue_in_steps(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bulk_actions, "BATCH_SIZE", 2)
    users = [f"u{number}" for number in range(5)]
    await drift(world, *users)
    progress: list[int] = []
    outcome = await run_action_on_all(
        world.runtime, OLGA, "continue", "j", "drifted", on_progress=progress.append
    )
    await world.settle()

    assert (outcome.done, outcome.kept.total(), progress) == (5, 0, [2, 4, 5])
    assert set(await world.states()) == {"waiting"}
    assert await world.counter_drift() == {}
    # However many steps it took, it is one thing that olga did.
    assert await log(world) == [("olga", "continue all", "/journeys/j", {"people": 5})]


async def test_who_cannot_be_restarted_is_counted_with_the_reason(world: World):
    await drift(world, "ada", "bo", "cy")
    await world.submit("left", user_id="bo", lists={"*": False})
    outcome = await run_action_on_all(world.runtime, OLGA, "restart", "j", "drifted")
    assert (outcome.done, outcome.considered) == (2, 3)
    (why,) = outcome.kept
    assert "unsubscribed" in why
    assert sorted(await world.states()).count("drifted") == 1
    (line,) = await log(world)
    assert line[3] == {"people": 2, "kept": {why: 1}}


async def test_a_bulk_action_changes_no_other_enrollment(world: World):
    await drift(world, "ada", "bo")
    await world.emit("go", "cy")
    outcome = await run_action_on_all(world.runtime, OLGA, "exit", "j", "drifted", note="over")
    assert outcome.done == 2
    assert await world.states() == ["exited", "exited", "waiting"]
    assert (await world.all_enrollments())[0].end_reason == "by olga: over"
    nobody = await run_action_on_all(world.runtime, OLGA, "exit", "other", "drifted")
    assert nobody.considered == 0
    assert len(await log(world)) == 1


# -- triggers that came while the journey was broken -----------------------------------------------


async def missed(world: World, *users: str, source: str = BEFORE) -> None:
    """Let triggers come while the journey is broken, and mend it."""
    await world.define(source)
    world.write("journeys", "async def (")
    await world.load()
    for user in users or ("ada",):
        (decided,) = (await world.emit("go", user)).enrollments
        assert decided["reason"] == "journey_broken"
    await world.define(source)


async def test_missed_triggers_start_the_journey_once_it_is_there_again(world: World):
    await missed(world, "ada", "bo")
    await world.advance(days(3))
    outcome = await replay_missed_triggers(world.runtime, OLGA, "j")
    await world.settle()

    assert (outcome.done, outcome.kept.total()) == (2, 0)
    assert await world.states() == ["waiting", "waiting"]
    assert await world.mailbox() == ["welcome", "welcome"]
    # The same events: nothing else heard of them again, and they say what came of them.
    triggers = {event.id for event in await world.events("go")}
    assert {one.trigger_event_id for one in await world.all_enrollments()} == triggers
    assert await world.query("SELECT COUNT(*) FROM refusals") == [(0,)]
    assert await world.counter_drift() == {}
    assert await log(world) == [("olga", "replay", "/journeys/j", {"people": 2})]
    assert (await replay_missed_triggers(world.runtime, OLGA, "j")).considered == 0


async def test_a_missed_trigger_passes_the_guards(world: World):
    await missed(world, "ada", "ada", "bo")
    await world.submit("left", user_id="bo", lists={"*": False})
    outcome = await replay_missed_triggers(world.runtime, OLGA, "j")
    assert outcome.done == 1
    assert outcome.kept == {"already_live": 1, "unsubscribed": 1}
    rows = await world.query("SELECT reason FROM refusals ORDER BY reason")
    assert [row[0] for row in rows] == ["already_live", "unsubscribed"]
    assert await world.counter_drift() == {}


async def test_who_is_held_out_is_not_enrolled_by_a_missed_trigger_either(world: World):
    users = [f"u{number}" for number in range(12)]
    await missed(world, *users, source=BEFORE.replace('trigger="go"', 'trigger="go", holdout=50'))
    outcome = await replay_missed_triggers(world.runtime, OLGA, "j")
    await world.settle()
    held_out = outcome.kept["held_out"]
    assert 0 < held_out < 12
    assert outcome.done == 12 - held_out
    assert sorted(await world.states()) == ["held_out"] * held_out + ["waiting"] * outcome.done
    assert await world.counter_drift() == {}


async def test_who_would_have_left_meanwhile_leaves_at_once(world: World):
    await missed(world, source=BEFORE.replace('trigger="go"', 'trigger="go", entry="unlimited"'))
    await world.emit("stop")
    await replay_missed_triggers(world.runtime, OLGA, "j")
    await world.settle()
    (only,) = await world.all_enrollments()
    assert (only.state, only.end_reason) == ("exited", "exit_on stop")
    assert await world.mailbox() == []
    assert await world.counter_drift() == {}


async def test_nothing_is_replayed_into_a_journey_that_is_still_broken(world: World):
    await missed(world)
    world.remove("journeys")
    await world.load()
    with pytest.raises(Conflict, match="gone or broken"):
        await replay_missed_triggers(world.runtime, OLGA, "j")
    assert await world.states() == []
