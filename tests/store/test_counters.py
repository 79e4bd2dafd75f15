"""Counters: their names never change, and each page reads only those that it shows."""

from __future__ import annotations

from typing import Any

import pytest

from hogsend.clock import ManualClock
from hogsend.store import counters
from hogsend.store.counters import Gauge, Tally
from hogsend.store.db import Database, Query, Write
from hogsend.store.read_models import counts


async def write(database: Database, *writes: Write) -> None:
    async with database.transaction() as tx:
        await tx.apply(writes)


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        (counters.CONTACTS, "contacts"),
        (counters.EVENTS, "events"),
        (counters.UNSUBSCRIBES, "unsubscribes"),
        (counters.name_state_gauge("welcome", "active"), "state/welcome/active"),
        (counters.name_wait_gauge("welcome", "sleep:a#2"), "waiting/welcome/sleep:a#2"),
        (counters.name_entered_total("welcome"), "entered/welcome"),
        (counters.name_ended_total("welcome", "exited"), "ended/welcome/exited"),
        (counters.name_refused_total("welcome", "too_soon"), "refused/welcome/too_soon"),
        (counters.name_goal_total("welcome", "held_out"), "goal/welcome/held_out"),
        (counters.name_send_total("in_doubt"), "sends/in_doubt"),
        (counters.name_engagement_total("open", "human"), "opens/human"),
        (counters.name_engagement_total("click", "machine"), "clicks/machine"),
    ],
)
def test_counter_names_are_those_that_existing_databases_have(name: str, stored: str):
    assert name == stored


def test_a_name_that_is_too_long_is_cut_and_kept_apart_from_its_like():
    first, second = (counters.name_wait_gauge("j" * 100, "wait:" + "x" * 200 + end) for end in "ab")
    assert len(first) == len(second) == 200
    assert first != second
    assert first.startswith("waiting/" + "j" * 100 + "/wait:x")


async def test_counts_add_up_in_whatever_order_they_are_written(
    database: Database, clock: ManualClock
):
    for by in (3, -1, 5):
        tally = Tally(clock.now())
        tally.add_to_gauge(counters.CONTACTS, by)
        tally.add_today(counters.EVENTS)
        tally.change_state("j", None if by == 3 else "active", "active" if by == 3 else "waiting")
        await write(database, tally.to_write())
    active, waiting = (counters.name_state_gauge("j", state) for state in ("active", "waiting"))
    gauges = [counters.CONTACTS, active, waiting, Gauge("never")]
    assert await database.read_one(counters.find_gauges(gauges)) == {
        counters.CONTACTS: 7,
        active: -1,
        waiting: 2,
    }
    days = await database.read_one(
        counts.find_totals([counters.EVENTS], counters.to_day(clock.now()))
    )
    assert days.sum_up(counters.EVENTS) == 3


@pytest.mark.parametrize("journey_id", ["j", "j_x", "j-x", "jj", "j.x", "j/x"])
async def test_the_waits_of_one_journey_are_read_without_those_of_another(
    database: Database, clock: ManualClock, journey_id: str
):
    tally = Tally(clock.now())
    for number, other in enumerate(("j", "j_x", "j-x", "jj", "j.x", "k"), 1):
        tally.add_to_gauge(counters.name_wait_gauge(other, f"sleep:of {other}"), number)
    tally.add_to_gauge(counters.name_wait_gauge("j", "sleep:nobody any more"), 0)
    await write(database, tally.to_write())
    waits = await database.read_one(
        counters.find_wait_gauges(journey_id, is_sqlite=database.is_sqlite)
    )
    expected = {} if journey_id == "j/x" else {f"sleep:of {journey_id}"}
    assert set(waits) == set(expected)


async def test_the_waits_of_a_journey_are_found_by_the_index_of_names(
    database: Database, clock: ManualClock
):
    tally = Tally(clock.now())
    for number in range(5_000):
        tally.add_to_gauge(counters.name_wait_gauge("other", f"sleep:{number}"), 1)
    await write(database, tally.to_write(), Write("ANALYZE counters"))
    by_prefix = (
        (counters.find_wait_gauges("j", is_sqlite=database.is_sqlite), "waiting/j/"),
        (counters.find_arm_gauges("j", "v", is_sqlite=database.is_sqlite), "arm/j/v/"),
    )
    for query, prefix in by_prefix:
        await check_plan(database, query, prefix)


async def check_plan(database: Database, query: Query[Any], prefix: str) -> None:
    """Check that a query of the names that begin with a prefix takes the index of names."""
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    plan = await database.read_one(Query(f"{explain} {query.sql}", query.values, list))
    lines = "\n".join(str(tuple(row)) for row in plan)
    if database.is_sqlite:
        assert "(name>? AND name<?)" in lines
    else:
        assert "Index Scan using gauge_names" in lines
        assert f"Index Cond: (((name)::text ~>=~ '{prefix}'" in lines
