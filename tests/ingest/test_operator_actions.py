"""Actions of operators on drifted and failed enrollments, single or in bulk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from hogsend import days, hours
from hogsend.domain.failure_filter import ALL_FAILURES, FailureFilter
from hogsend.errors import Conflict, NotFound
from hogsend.ingest import ActionName
from hogsend.services import bulk_actions
from hogsend.services.bulk_actions import replay_missed_triggers, run_action_on_all
from hogsend.services.enrollment_actions import run_action
from hogsend.services.enrollments import count_enrollments
from hogsend.store import audit
from hogsend.store.counters import Tally
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
FIXED = RAISES.replace('raise ValueError("the author\'s mistake")', 'await ctx.send("nudge")')


async def run_and_settle(
    world: World, action: ActionName, enrollment_id: UUID | None = None, note: str = ""
) -> UUID:
    """Run an action of Olga on an enrollment, by default the only one, and wait for its effects."""
    enrollment_id = enrollment_id or (await world.enrollment()).id
    current_id = await run_action(world.runtime, OLGA, action, enrollment_id, note=note)
    await world.settle()
    return current_id


async def drift_enrollments(world: World, *users: str, source: str = RENAMED) -> None:
    """Enroll contacts, and remove their wait from the code so that they drift."""
    await world.define(BEFORE)
    for user in users or ("ada",):
        await world.emit("go", user)
    await world.define(source)
    await world.advance(days(2))
    assert set(await world.states()) == {"drifted"}


async def fail_enrollments(world: World, *users: str, source: str = RAISES) -> None:
    """Enroll contacts, and let their enrollments fail after the last retry."""
    await world.define(source)
    for user in users or ("ada",):
        await world.emit("go", user)
    await world.advance(days(1))
    for pause in RETRY_AFTER:
        await world.advance(pause)
    assert set(await world.states()) == {"failed"}


async def load_audit_log(world: World) -> list[tuple[str, str, str, Any]]:
    """Return the audit entries as actor, action, subject and result, oldest first."""
    entries = await audit.list_entries(world.database, 50)
    return [(entry.who, entry.action, entry.subject, entry.after) for entry in reversed(entries)]


# -- drifted ------------------------------------------------------------------------------------


async def test_a_continued_enrollment_goes_on_as_if_the_lost_wait_had_ended(world: World):
    await drift_enrollments(world)
    enrollment_id = (await world.enrollment()).id
    assert await run_and_settle(world, "continue") == enrollment_id

    going = await world.enrollment()
    assert (going.state, going.end_reason) == ("waiting", None)
    assert going.wait is not None and going.wait.key == "sleep:rest"
    assert going.wake_at == world.clock.now() + days(2)
    assert await world.mailbox() == ["welcome"]
    assert await world.counter_drift() == {}

    await world.advance(days(2))
    assert await world.states() == ["completed"]
    assert await world.mailbox() == ["welcome", "nudge"]
    assert await load_audit_log(world) == [
        ("olga", "continue", f"/enrollments/{enrollment_id}", None)
    ]


async def test_a_wait_that_replaces_the_lost_wait_finds_its_event(world: World):
    source = """
        @journey("j", trigger="go")
        async def j(user, ctx):
            answer = await ctx.wait_for("paid", timeout=days(2), label="{}")
            await ctx.send("welcome" if answer else "nudge")
    """
    await world.define(source.format("payment"))
    await world.emit("go")
    await world.define(source.format("money"))
    await world.emit("paid")
    assert await world.states() == ["drifted"]
    await run_and_settle(world, "continue")
    assert await world.mailbox() == ["welcome"]


async def test_continuing_does_not_repeat_earlier_sends(world: World):
    await drift_enrollments(
        world, source=BEFORE.replace('await ctx.sleep(days(2), label="pause")', "pass")
    )
    await run_and_settle(world, "continue")
    assert await world.mailbox() == ["welcome", "nudge"]
    assert await world.states() == ["completed"]


async def test_a_restart_starts_the_journey_again_with_the_same_trigger(world: World):
    await drift_enrollments(world)
    (before,) = await world.all_enrollments()
    restarted_id = await run_and_settle(world, "restart", note="better so")

    old, new = await world.all_enrollments()
    assert (old.state, old.end_reason) == ("exited", "restarted by olga: better so")
    assert (new.id, new.state, new.turn) == (restarted_id, "waiting", 1)
    assert new.trigger_event_id == before.trigger_event_id
    assert await world.mailbox() == ["welcome", "welcome"]
    assert len(await world.events("go")) == 1
    assert await world.counter_drift() == {}
    details = {"reason": "restarted by olga: better so", "enrollment": str(restarted_id)}
    assert await load_audit_log(world) == [("olga", "restart", f"/enrollments/{old.id}", details)]


async def test_a_refused_restart_changes_nothing(world: World):
    await drift_enrollments(world)
    await world.submit("left", user_id="ada", lists={"*": False})
    with pytest.raises(Conflict, match="unsubscribed"):
        await run_and_settle(world, "restart")
    assert await world.states() == ["drifted"]
    assert await world.counter_drift() == {}
    assert await load_audit_log(world) == []


async def test_a_restart_long_after_the_trigger_is_not_late(world: World):
    await drift_enrollments(world)
    await world.advance(days(300))
    await run_and_settle(world, "restart")
    assert await world.states() == ["exited", "waiting"]


@pytest.mark.parametrize("action", ["continue", "restart"])
async def test_enrollments_of_a_journey_without_code_cannot_continue(
    world: World, action: ActionName
):
    await drift_enrollments(world)
    world.remove("journeys")
    await world.load()
    with pytest.raises(Conflict, match="gone or broken"):
        await run_and_settle(world, action)
    assert await world.states() == ["drifted"]
    await run_and_settle(world, "exit")
    assert await world.states() == ["exited"]


@pytest.mark.parametrize("action", ["continue", "restart", "retry"])
async def test_an_enrollment_that_is_not_stuck_is_not_changed(world: World, action: ActionName):
    await world.define(BEFORE)
    await world.emit("go")
    with pytest.raises(Conflict, match="this one is waiting"):
        await run_and_settle(world, action)
    assert await world.states() == ["waiting"]


@pytest.mark.parametrize("action", ["wake", "continue", "restart", "exit", "retry"])
@pytest.mark.parametrize("ended", ["completed", "exited"])
async def test_an_ended_enrollment_cannot_be_changed(world: World, action: ActionName, ended: str):
    await world.define(BEFORE)
    await world.emit("go")
    await (world.advance(days(2)) if ended == "completed" else world.emit("stop"))
    with pytest.raises(Conflict, match=f"{ended}"):
        await run_and_settle(world, action)
    assert await world.states() == [ended]


# -- failed -------------------------------------------------------------------------------------


async def test_a_retry_continues_where_the_enrollment_failed(world: World):
    await fail_enrollments(world)
    await world.define(FIXED)
    enrollment_id = await run_and_settle(world, "retry")
    assert await world.states() == ["completed"]
    assert await world.mailbox() == ["welcome", "nudge"]
    assert (await world.turns())[-1].number == 8
    assert await world.counter_drift() == {}
    assert await load_audit_log(world) == [("olga", "retry", f"/enrollments/{enrollment_id}", None)]


async def test_a_retried_enrollment_that_fails_again_gets_the_whole_retry_schedule(world: World):
    await fail_enrollments(world)
    await run_and_settle(world, "retry")
    retried = await world.enrollment()
    assert (retried.state, retried.attempt) == ("waiting", 1)
    assert retried.wake_at == world.clock.now() + RETRY_AFTER[0]
    assert await world.counter_drift() == {}


async def test_a_failed_enrollment_is_not_reopened_beside_a_live_one(world: World):
    await fail_enrollments(world)
    failed = (await world.enrollment()).id
    await world.emit("go")
    with pytest.raises(Conflict, match="is in it now"):
        await run_and_settle(world, "retry", failed)
    assert await world.states() == ["failed", "waiting"]


async def test_two_failed_enrollments_of_one_contact_are_not_both_reopened(world: World):
    await fail_enrollments(world)
    await world.emit("go")
    await world.advance(days(1))
    for pause in RETRY_AFTER:
        await world.advance(pause)
    assert await world.states() == ["failed", "failed"]
    outcome = await run_action_on_all(world.runtime, OLGA, "retry", "j", "failed")
    assert (outcome.done, outcome.kept.total()) == (1, 1)


async def test_an_exit_event_after_the_failure_wins_over_a_retry(world: World):
    await fail_enrollments(world)
    await world.emit("stop")
    await world.define(FIXED)
    await run_and_settle(world, "retry")
    ended = await world.enrollment()
    assert (ended.state, ended.end_reason) == ("exited", "exit_on stop")
    assert await world.mailbox() == ["welcome"]
    assert await world.counter_drift() == {}


async def test_an_exit_after_the_failure_wins_over_a_retry_when_the_clock_is_set_back(world: World):
    await fail_enrollments(world)
    world.clock.set(world.clock.now() - days(1))
    await world.emit("stop")
    await world.define(FIXED)
    await run_and_settle(world, "retry")
    ended = await world.enrollment()
    assert (ended.state, ended.end_reason) == ("exited", "exit_on stop")


async def test_an_exit_before_the_enrollment_ends_no_retry_when_the_clock_is_set_back(world: World):
    await world.emit("stop")
    world.clock.set(world.clock.now() - days(9))
    await fail_enrollments(world)
    await world.define(FIXED)
    await run_and_settle(world, "retry")
    assert await world.states() == ["completed"]


async def test_an_enrollment_whose_journal_was_deleted_cannot_be_retried(world: World):
    await fail_enrollments(world)
    async with world.database.transaction() as tx:
        await tx.apply([Write("UPDATE enrollments SET summary = '{}'")])
    with pytest.raises(Conflict, match="too long ago"):
        await run_and_settle(world, "retry")
    assert await world.states() == ["failed"]


async def test_a_retry_after_a_merge_concerns_the_survivor(world: World):
    await world.define(RAISES)
    await world.submit("go", email="ada@example.com")
    await world.settle()
    await world.advance(days(1))
    for pause in RETRY_AFTER:
        await world.advance(pause)
    await world.submit("hello", user_id="ada")
    await world.submit("hello", user_id="ada", email="ada@example.com")
    await world.define(FIXED)
    await run_and_settle(world, "retry")
    (enrollment,) = await world.all_enrollments()
    assert (enrollment.state, enrollment.contact_id) == (
        "completed",
        (await world.contact()).id,
    )
    assert await world.mailbox() == ["welcome", "nudge"]


# -- in bulk ------------------------------------------------------------------------------------


async def test_all_drifted_enrollments_continue_in_batches(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bulk_actions, "BATCH_SIZE", 2)
    users = [f"u{number}" for number in range(5)]
    await drift_enrollments(world, *users)
    progress: list[int] = []
    outcome = await run_action_on_all(
        world.runtime,
        OLGA,
        "continue",
        "j",
        "drifted",
        on_progress=lambda result: progress.append(result.considered),
    )
    await world.settle()

    assert (outcome.done, outcome.kept.total(), progress) == (5, 0, [2, 4, 5])
    assert set(await world.states()) == {"waiting"}
    assert await world.counter_drift() == {}
    # However many steps it took, it is one thing that olga did.
    assert await load_audit_log(world) == [("olga", "continue all", "/journeys/j", {"people": 5})]


async def test_enrollments_that_cannot_be_restarted_are_counted_with_the_reason(world: World):
    await drift_enrollments(world, "ada", "bo", "cy")
    await world.submit("left", user_id="bo", lists={"*": False})
    outcome = await run_action_on_all(world.runtime, OLGA, "restart", "j", "drifted")
    assert (outcome.done, outcome.considered) == (2, 3)
    (why,) = outcome.kept
    assert "unsubscribed" in why
    assert sorted(await world.states()).count("drifted") == 1
    (line,) = await load_audit_log(world)
    assert line[3] == {"people": 2, "kept": {why: 1}}


async def test_a_bulk_action_changes_no_other_enrollment(world: World):
    await drift_enrollments(world, "ada", "bo")
    await world.emit("go", "cy")
    outcome = await run_action_on_all(world.runtime, OLGA, "exit", "j", "drifted", note="over")
    assert outcome.done == 2
    assert await world.states() == ["exited", "exited", "waiting"]
    assert (await world.all_enrollments())[0].end_reason == "by olga: over"
    with pytest.raises(NotFound, match="no journey 'other'"):
        await run_action_on_all(world.runtime, OLGA, "exit", "other", "drifted")
    assert len(await load_audit_log(world)) == 1


# -- retried in bulk ------------------------------------------------------------------------------

NAMES_THE_CONTACT = RAISES.replace('"the author\'s mistake"', 'f"no plan for {user.user_id}"')


async def start_retrying(world: World, *users: str, source: str = RAISES) -> None:
    """Enroll contacts, and let the turn after their wait fail once."""
    await world.define(source)
    for user in users or ("ada",):
        await world.emit("go", user)
    await world.advance(days(1))
    assert {(row.state, row.attempt) for row in await world.all_enrollments()} == {("waiting", 1)}


async def test_an_enrollment_that_is_retried_runs_now_when_an_operator_asks(world: World):
    await start_retrying(world)
    await world.define(FIXED)
    assert await world.states() == ["waiting"]
    enrollment_id = await run_and_settle(world, "retry")
    assert await world.states() == ["completed"]
    assert await world.mailbox() == ["welcome", "nudge"]
    assert await world.counter_drift() == {}
    assert await load_audit_log(world) == [("olga", "retry", f"/enrollments/{enrollment_id}", None)]


async def test_a_retry_in_the_pause_gives_the_whole_schedule_again(world: World):
    await start_retrying(world)
    for pause in RETRY_AFTER[:3]:
        await world.advance(pause)
    assert (await world.enrollment()).attempt == 4
    await run_and_settle(world, "retry")
    retried = await world.enrollment()
    assert (retried.state, retried.attempt) == ("waiting", 1)
    assert retried.wake_at == world.clock.now() + RETRY_AFTER[0]


async def test_all_retrying_enrollments_run_now_in_batches_and_only_once(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bulk_actions, "BATCH_SIZE", 2)
    await start_retrying(world, *(f"u{number}" for number in range(5)))
    await world.define(FIXED)
    outcomes = [
        await run_action_on_all(world.runtime, OLGA, "retry", "j", "retrying") for _ in range(2)
    ]
    await world.settle()
    assert [(outcome.done, outcome.kept.total()) for outcome in outcomes] == [(5, 0), (0, 0)]
    assert await world.states() == ["completed"] * 5
    assert (await world.mailbox()).count("nudge") == 5
    assert await world.counter_drift() == {}
    (entry,) = await audit.list_entries(world.database, 10)
    assert (entry.action, entry.before, entry.after) == (
        "retry all",
        {"state": "retrying"},
        {"people": 5},
    )


@pytest.mark.parametrize("state", ["failed", "retrying"])
async def test_a_bulk_retry_can_be_limited_to_an_error(world: World, state: str):
    prepare = fail_enrollments if state == "failed" else start_retrying
    await prepare(world, "ada", "bo", "cy", source=NAMES_THE_CONTACT)
    await world.define(FIXED)
    failures = FailureFilter(error="no plan for bo")
    count = await count_enrollments(world.runtime, OLGA, "j", state, failures)
    outcome = await run_action_on_all(world.runtime, OLGA, "retry", "j", state, failures=failures)
    await world.settle()
    assert (count, outcome.done) == (1, 1)
    others = "failed" if state == "failed" else "waiting"
    assert await world.states() == [others, "completed", others]
    (entry,) = await audit.list_entries(world.database, 10)
    assert entry.before == {"state": state, "error": "no plan for bo"}


@pytest.mark.parametrize(("state", "retries"), [("failed", 5), ("retrying", 4)])
async def test_a_bulk_retry_can_be_limited_to_recent_failures(
    world: World, state: str, retries: int
):
    await world.define(RAISES.replace('await ctx.sleep(days(1), label="pause")', "pass"))
    await world.emit("go", "ada")
    for pause in RETRY_AFTER[:retries]:
        await world.advance(pause)
    await world.advance(hours(1))
    since = world.clock.now()
    await world.emit("go", "bo")
    for pause in RETRY_AFTER if state == "failed" else ():
        await world.advance(pause)
    recent = FailureFilter(since=since)
    counts = [
        await count_enrollments(world.runtime, OLGA, "j", state, failures)
        for failures in (ALL_FAILURES, recent, FailureFilter(since=since + days(9)))
    ]
    outcome = await run_action_on_all(world.runtime, OLGA, "retry", "j", state, failures=recent)
    assert (counts, outcome.done) == ([2, 1, 0], 1)


async def test_contacts_that_entered_again_are_skipped_and_counted(world: World):
    await fail_enrollments(world, "ada", "bo")
    await world.emit("go", "ada")
    await world.define(FIXED)
    outcome = await run_action_on_all(world.runtime, OLGA, "retry", "j", "failed")
    await world.settle()
    (why,) = outcome.kept
    assert (outcome.done, outcome.kept[why]) == (1, 1)
    assert why == "This contact has entered the journey again and is in it now."
    assert await world.states() == ["failed", "completed", "waiting"]
    (line,) = await load_audit_log(world)
    assert line[3] == {"people": 1, "kept": {why: 1}}


async def test_a_bulk_retry_of_a_journey_that_does_not_run_is_refused(world: World):
    await fail_enrollments(world, "ada")
    await world.emit("go", "bo")
    world.remove("journeys")
    await world.load()
    with pytest.raises(Conflict, match="gone or broken"):
        await run_action_on_all(world.runtime, OLGA, "retry", "j", "failed")
    # As after a journey has blocked its thread: its code is loaded, and it is halted.
    halted = await world.all_enrollments()
    await world.define(RAISES)
    rows = [Write("UPDATE enrollments SET state = 'parked' WHERE id = ?", [(halted[1].id,)])]
    tally = Tally(world.clock.now())
    tally.change_state("j", "waiting", "parked")
    async with world.database.transaction() as tx:
        await tx.apply([*rows, tally.to_write()])
    with pytest.raises(Conflict, match="1 of its enrollments are parked"):
        await run_action_on_all(world.runtime, OLGA, "retry", "j", "failed")
    assert (await world.states())[0] == "failed"
    assert await load_audit_log(world) == []


# -- triggers that came while the journey was broken -----------------------------------------------


async def miss_triggers(world: World, *users: str, source: str = BEFORE) -> None:
    """Let triggers come while the journey is broken, and mend it."""
    await world.define(source)
    world.write("journeys", "async def (")
    await world.load()
    for user in users or ("ada",):
        (decided,) = (await world.emit("go", user)).enrollments
        assert decided["reason"] == "journey_broken"
    await world.define(source)


async def test_missed_triggers_start_the_journey_once_it_works_again(world: World):
    await miss_triggers(world, "ada", "bo")
    await world.advance(days(3))
    outcome = await replay_missed_triggers(world.runtime, OLGA, "j")
    await world.settle()

    assert (outcome.done, outcome.kept.total()) == (2, 0)
    assert await world.states() == ["waiting", "waiting"]
    assert await world.mailbox() == ["welcome", "welcome"]
    # The stored events are the triggers, and were not stored again.
    triggers = {event.id for event in await world.events("go")}
    assert {enrollment.trigger_event_id for enrollment in await world.all_enrollments()} == triggers
    assert await world.query("SELECT COUNT(*) FROM refusals") == [(0,)]
    assert await world.counter_drift() == {}
    assert await load_audit_log(world) == [("olga", "replay", "/journeys/j", {"people": 2})]
    assert (await replay_missed_triggers(world.runtime, OLGA, "j")).considered == 0


@pytest.mark.parametrize(
    "make_broken",
    [
        lambda source: "    import nothing_like_this\n" + source.lstrip("\n"),
        lambda source: source + "\n    def broken(:\n",
        lambda source: source.replace('trigger="go"', 'trigger="go", list="nowhere"'),
        lambda source: source.replace('"welcome"', '"no-such-mail"'),
    ],
    ids=["import", "syntax", "definition", "template"],
)
async def test_triggers_of_a_journey_that_never_loaded_are_replayed_once_it_does(
    world: World, make_broken: Callable[[str], str]
):
    world.write("journeys", make_broken(BEFORE))
    await world.load()
    (decision,) = (await world.emit("go", "ada")).enrollments
    assert decision == {"journeyId": "j", "outcome": "skipped", "reason": "journey_broken"}
    await world.define(BEFORE)
    outcome = await replay_missed_triggers(world.runtime, OLGA, "j")
    await world.settle()
    assert outcome.done == 1
    assert await world.mailbox() == ["welcome"]
    assert await world.counter_drift() == {}


async def test_a_missed_trigger_can_still_be_refused(world: World):
    await miss_triggers(world, "ada", "ada", "bo")
    await world.submit("left", user_id="bo", lists={"*": False})
    outcome = await replay_missed_triggers(world.runtime, OLGA, "j")
    assert outcome.done == 1
    assert outcome.kept == {"already_live": 1, "unsubscribed": 1}
    rows = await world.query("SELECT reason FROM refusals ORDER BY reason")
    assert [row[0] for row in rows] == ["already_live", "unsubscribed"]
    assert await world.counter_drift() == {}


async def test_a_missed_trigger_does_not_enroll_a_held_out_contact(world: World):
    users = [f"u{number}" for number in range(12)]
    await miss_triggers(
        world, *users, source=BEFORE.replace('trigger="go"', 'trigger="go", holdout=50')
    )
    outcome = await replay_missed_triggers(world.runtime, OLGA, "j")
    await world.settle()
    held_out = outcome.kept["held_out"]
    assert 0 < held_out < 12
    assert outcome.done == 12 - held_out
    assert sorted(await world.states()) == ["held_out"] * held_out + ["waiting"] * outcome.done
    assert await world.counter_drift() == {}


async def test_a_missed_trigger_followed_by_an_exit_event_ends_immediately(world: World):
    await miss_triggers(
        world, source=BEFORE.replace('trigger="go"', 'trigger="go", entry="unlimited"')
    )
    await world.emit("stop")
    await replay_missed_triggers(world.runtime, OLGA, "j")
    await world.settle()
    (enrollment,) = await world.all_enrollments()
    assert (enrollment.state, enrollment.end_reason) == ("exited", "exit_on stop")
    assert await world.mailbox() == []
    assert await world.counter_drift() == {}


async def test_missed_triggers_of_a_broken_journey_are_not_replayed(world: World):
    await miss_triggers(world)
    world.remove("journeys")
    await world.load()
    with pytest.raises(Conflict, match="gone or broken"):
        await replay_missed_triggers(world.runtime, OLGA, "j")
    assert await world.states() == []
