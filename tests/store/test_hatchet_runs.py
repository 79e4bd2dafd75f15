"""What the database keeps of Hatchet's runs: when to start, wake and restart them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.store import enrollments, hatchet_runs, hatchet_wakes
from hogsend.store.db import Database, Query, Write
from hogsend.store.fields import to_micros
from hogsend.store.hatchet_runs import RunLink, RunState, RunWait
from hogsend.store.hatchet_wakes import WokenRun
from tests.databases import make_enrollment

T = TypeVar("T")
MANY = 100
NAMESPACE = "hogsend-1a2b3c4d_"


class Runs:
    """Enrollments of the journey `j`, and a way to ask and to write."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database, self.clock = database, clock

    async def enroll(self, **given: Any) -> UUID:
        now = self.clock.now()
        enrollment = make_enrollment(now, **given)
        await self.write(
            enrollments.insert([enrollment]), enrollments.update([enrollment], now, freed=True)
        )
        return enrollment.id

    async def write(self, *writes: Write) -> None:
        async with self.database.transaction() as tx:
            await tx.apply(writes)

    async def change(self, query: Query[T]) -> T:
        async with self.database.transaction() as tx:
            return await tx.fetch_one(query)

    async def set_turn(self, enrollment_id: UUID, turn: int, wake_at: datetime) -> None:
        """Commit a turn: its number, and when the next one is due."""
        await self.write(
            Write(
                "UPDATE enrollments SET turn = ?, wake_at = ? WHERE id = ?",
                [(turn, to_micros(wake_at), enrollment_id)],
            )
        )

    async def named(self, run_id: str, **given: Any) -> UUID:
        """Return an enrollment that a run plays."""
        enrollment_id = await self.enroll(**given)
        await self.change(hatchet_runs.claim_starts([enrollment_id], NAMESPACE, self.clock.now()))
        await self.write(hatchet_runs.record_run_ids([(enrollment_id, run_id)]))
        return enrollment_id

    async def stalled(self) -> Sequence[UUID]:
        now = self.clock.now()
        stalled_runs = await self.database.read_one(
            hatchet_runs.find_stalled(["j"], NAMESPACE, now, now, MANY)
        )
        return [run.enrollment_id for run in stalled_runs]


@pytest.fixture
def runs(database: Database, clock: ManualClock) -> Runs:
    return Runs(database, clock)


async def test_a_due_enrollment_without_a_run_is_started_by_a_single_worker(runs: Runs):
    due_id, now = await runs.enroll(), runs.clock.now()
    await runs.enroll(wake_at=now + timedelta(hours=1))
    await runs.enroll(journey_id="unknown")
    unstarted = hatchet_runs.find_unstarted(["j"], NAMESPACE, now, MANY)
    (start,) = await runs.database.read_one(unstarted)
    assert (start.enrollment_id, start.journey_id) == (due_id, "j")
    assert await runs.change(hatchet_runs.claim_starts([due_id], NAMESPACE, now)) == {due_id}
    assert await runs.change(hatchet_runs.claim_starts([due_id], NAMESPACE, now)) == frozenset()
    assert await runs.database.read_one(unstarted) == []
    await runs.write(hatchet_runs.unclaim_starts([due_id]))
    assert len(await runs.database.read_one(unstarted)) == 1


async def test_a_run_is_named_once_and_adopted_only_while_it_has_no_name(runs: Runs):
    enrollment_id, now = await runs.named("first"), runs.clock.now()
    await runs.write(hatchet_runs.adopt_run(enrollment_id, "second", NAMESPACE, now))
    assert await runs.database.read_one(hatchet_runs.find_run(enrollment_id)) == RunLink("first", 0)
    other = await runs.enroll()
    await runs.write(hatchet_runs.adopt_run(other, "second", NAMESPACE, now))
    states = await runs.database.read_one(hatchet_runs.find_states([enrollment_id, other]))
    assert states[other] == RunState("active", 0, now, "second")
    assert await runs.database.read_one(
        hatchet_runs.find_live_enrollments(["first", "second", "x"])
    ) == {
        "first": enrollment_id,
        "second": other,
    }


async def test_a_sleeping_run_is_woken_once_for_each_turn(runs: Runs):
    enrollment_id, now = await runs.named("run", turn=3, state="waiting"), runs.clock.now()
    later = now + timedelta(seconds=3)
    assert (
        await runs.database.read_one(hatchet_wakes.find_to_wake(["j"], NAMESPACE, now, MANY)) == []
    )
    assert await runs.database.read_one(
        hatchet_wakes.find_to_wake(["j"], NAMESPACE, later, MANY)
    ) == [enrollment_id]
    assert await runs.change(hatchet_wakes.claim_wakes([enrollment_id], later)) == {
        enrollment_id: 3
    }
    assert await runs.change(hatchet_wakes.claim_wakes([enrollment_id], later)) == {}
    await runs.write(hatchet_wakes.unclaim_wakes([enrollment_id]))
    assert await runs.database.read_one(
        hatchet_wakes.find_to_wake(["j"], NAMESPACE, later, MANY)
    ) == [enrollment_id]


async def test_a_turn_that_is_committed_before_the_claim_leaves_its_run_to_the_next_wake(
    runs: Runs,
):
    """The wake of the next turn has to be pushed, so it must not count as pushed already."""
    enrollment_id, now = await runs.named("run", turn=3, state="waiting"), runs.clock.now()
    later = now + timedelta(seconds=3)
    (to_wake,) = await runs.database.read_one(
        hatchet_wakes.find_to_wake(["j"], NAMESPACE, later, MANY)
    )
    await runs.set_turn(enrollment_id, 4, now + timedelta(hours=1))
    assert await runs.change(hatchet_wakes.claim_wakes([to_wake], later)) == {}
    await runs.set_turn(enrollment_id, 4, now)
    assert await runs.change(hatchet_wakes.claim_wakes([to_wake], later)) == {enrollment_id: 4}


@pytest.mark.parametrize("state", ["exited", "completed", "parked"])
async def test_an_enrollment_that_stopped_before_the_claim_is_not_woken(runs: Runs, state: str):
    enrollment_id, now = await runs.named("run", turn=3, state="waiting"), runs.clock.now()
    await runs.write(
        Write("UPDATE enrollments SET state = ? WHERE id = ?", [(state, enrollment_id)])
    )
    assert await runs.change(hatchet_wakes.claim_wakes([enrollment_id], now)) == {}


async def test_a_run_of_another_namespace_is_replaced_by_a_run_of_ours(runs: Runs):
    """As are the runs of a release that had no namespaces, which none of our workers can run."""
    enrollment_id = await runs.named("old", turn=3)
    await runs.write(
        Write("UPDATE hatchet_runs SET namespace = '', asked_at = NULL, pushed = 9, tried = 2")
    )
    now = runs.clock.now()
    unstarted = hatchet_runs.find_unstarted(["j"], NAMESPACE, now, MANY)
    (start,) = await runs.database.read_one(unstarted)
    assert (start.enrollment_id, start.old_run_id) == (enrollment_id, "old")
    claim = hatchet_runs.claim_starts([enrollment_id], NAMESPACE, now)
    assert await runs.change(claim) == {enrollment_id}
    assert await runs.change(claim) == frozenset()
    assert await runs.database.read_one(unstarted) == []
    shown = await runs.database.read_one(hatchet_runs.find_run(enrollment_id))
    assert shown == RunLink("", 0)
    await runs.write(hatchet_runs.record_run_ids([(enrollment_id, "new")]))
    later = now + timedelta(seconds=3)
    to_wake = hatchet_wakes.find_to_wake(["j"], NAMESPACE, later, MANY)
    assert await runs.database.read_one(to_wake) == [enrollment_id]


async def test_two_namespaces_on_one_database_do_not_replace_runs_all_the_time(runs: Runs):
    await runs.named("run")
    for seconds, expected in ((9, 0), (1, 1)):
        runs.clock.set(runs.clock.now() + timedelta(seconds=seconds))
        unstarted = hatchet_runs.find_unstarted(["j"], "another_", runs.clock.now(), MANY)
        assert len(await runs.database.read_one(unstarted)) == expected


async def test_only_runs_of_our_namespace_are_woken_restored_and_restarted(runs: Runs):
    enrollment_id = await runs.named("run", state="waiting", turn=3)
    later = runs.clock.now() + timedelta(minutes=2)
    read = runs.database.read_one
    stalled = [
        await read(hatchet_runs.find_stalled(["j"], namespace, later, later, MANY))
        for namespace in ("another_", NAMESPACE)
    ]
    assert [len(rows) for rows in stalled] == [0, 1]
    assert await read(hatchet_wakes.find_to_wake(["j"], "another_", later, MANY)) == []
    await runs.change(hatchet_wakes.claim_wakes([enrollment_id], later))
    unanswered = [
        await read(hatchet_wakes.find_unanswered(["j"], namespace, later, later, MANY))
        for namespace in ("another_", NAMESPACE)
    ]
    assert [list(ids) for ids in unanswered] == [[], [enrollment_id]]


async def test_a_woken_run_that_does_not_come_is_restored_until_its_turn_is_committed(runs: Runs):
    enrollment_id, now = await runs.named("run", state="waiting", turn=3), runs.clock.now()

    async def restore(seconds: float) -> list[WokenRun]:
        at = now + timedelta(seconds=seconds)
        asked_before = at - timedelta(seconds=5)
        unanswered = hatchet_wakes.find_unanswered(["j"], NAMESPACE, asked_before, at, MANY)
        ids = list(await runs.database.read_one(unanswered))
        claim = hatchet_wakes.claim_restores(ids or [enrollment_id], asked_before, at)
        woken = await runs.change(claim)
        assert [run.enrollment_id for run in woken] == ids
        return woken

    assert await restore(60) == [], "not woken yet"
    await runs.change(hatchet_wakes.claim_wakes([enrollment_id], now))
    assert await restore(4) == []
    assert await restore(5) == [WokenRun(enrollment_id, "run", 3)]
    assert await restore(6) == []
    assert await restore(20) == [WokenRun(enrollment_id, "run", 3)]
    await runs.set_turn(enrollment_id, 4, now + timedelta(hours=1))
    assert await restore(60) == []


async def test_a_late_turn_is_restarted_after_a_minute_then_after_twice_as_long(runs: Runs):
    enrollment_id = await runs.named("run")
    assert await runs.stalled() == []
    for tried, minutes in enumerate([1, 2, 4, 8, 16, 32, 60, 60]):
        runs.clock.set(runs.clock.now() + timedelta(minutes=minutes, seconds=-1))
        assert await runs.stalled() == []
        assert (
            await runs.change(hatchet_runs.claim_restarts([enrollment_id], runs.clock.now())) == {}
        )
        runs.clock.set(runs.clock.now() + timedelta(seconds=1))
        assert await runs.stalled() == [enrollment_id]
        assert await runs.change(
            hatchet_runs.claim_restarts([enrollment_id], runs.clock.now())
        ) == {enrollment_id: "run"}
        shown = await runs.database.read_one(hatchet_runs.find_run(enrollment_id))
        assert shown == RunLink("run", tried + 1)
    # A try that came to nothing does not count.
    await runs.write(hatchet_runs.postpone_restarts([enrollment_id], runs.clock.now()))
    assert await runs.stalled() == [enrollment_id]
    assert await runs.database.read_one(hatchet_runs.find_run(enrollment_id)) == RunLink(
        "run", tried
    )


async def test_the_wait_of_a_run_is_kept_until_the_run_is_forgotten(runs: Runs):
    enrollment_id, now = await runs.named("run"), runs.clock.now()
    waits = [RunWait(number, 5, now, number) for number in range(2)]
    await runs.write(hatchet_runs.record_waits([("run", wait) for wait in reversed(waits)]))
    # What was recorded first counts: Hatchet was told it.
    await runs.write(hatchet_runs.record_waits([("run", RunWait(0, 9, now, 9))]))
    assert await runs.database.read_one(hatchet_runs.find_waits("run")) == waits
    await runs.write(*hatchet_runs.delete([(enrollment_id, "another")]))
    assert await runs.database.read_one(hatchet_runs.find_run(enrollment_id)) is not None
    await runs.write(*hatchet_runs.delete([(enrollment_id, "run")]))
    assert await runs.database.read_one(hatchet_runs.find_waits("run")) == []
    assert await runs.database.read_one(hatchet_runs.find_run(enrollment_id)) is None


async def test_enrollments_whose_end_a_run_may_have_missed_are_listed(runs: Runs):
    now = runs.clock.now()
    over = await runs.named("run", state="exited", wake_at=None, ended_at=now)
    done = await runs.named("done", state="completed", wake_at=None, ended_at=now)
    await runs.named("other")
    ended = hatchet_runs.find_ended(now, now, MANY)
    assert await runs.database.read_one(ended) == {over: "run"}
    # The run that played the last turn is about to say so itself.
    later = hatchet_runs.find_ended(now, now + hatchet_runs.SELF_END_LIMIT, MANY)
    assert await runs.database.read_one(later) == {over: "run", done: "done"}
    too_late = now + timedelta(seconds=1)
    assert await runs.database.read_one(hatchet_runs.find_ended(too_late, too_late, MANY)) == {}
    assert await runs.database.read_one(hatchet_runs.find_live_enrollments(["run"])) == {}


async def test_those_due_for_longest_are_first_among_those_asked_for(
    runs: Runs, make_due: Callable[[int], Any]
):
    ids = [await make_due(minutes) for minutes in (1, 3, 2, -1)]
    due = await runs.database.read_one(hatchet_runs.find_due(ids, runs.clock.now()))
    assert [enrollment.id for enrollment in due] == [ids[1], ids[2], ids[0]]


@pytest.fixture
def make_due(runs: Runs) -> Callable[[int], Any]:
    """Make an enrollment that has been due for some minutes."""
    return lambda minutes: runs.enroll(wake_at=runs.clock.now() - timedelta(minutes=minutes))
