"""What is large in a journal is kept once, and comes back as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from hogsend.clock import ManualClock
from hogsend.domain.ids import new_id
from hogsend.domain.journal import Step
from hogsend.store import answers, turns
from hogsend.store.db import Database, Query
from hogsend.store.turns import Turn

BIG = {"text": "Grüße, 世界 " * 200, "list": list(range(50)), "none": None}


@pytest.fixture
def turn(clock: ManualClock) -> Turn:
    """The first turn of an enrollment, empty as yet."""
    return Turn(new_id(clock.now()), 1, clock.now(), "abc", "waiting", [])


def read(answer: Any, name: str = "contact") -> Step:
    return Step(name, "contact", "", answer, {"note": "kept"})


async def write(database: Database, *played: Turn) -> None:
    async with database.transaction() as tx:
        await tx.apply(turns.insert(played))


async def stored(database: Database, sql: str) -> list[Any]:
    return [row[0] for row in await database.read_one(Query(sql, [], list))]


async def journal(database: Database, *ids: UUID) -> dict[UUID, list[Turn]]:
    return await database.read_one(turns.find_by_enrollments(ids))


@pytest.mark.parametrize(
    "answer",
    [
        BIG,
        [BIG, BIG],
        "é" * 1500,
        "plain " * 1000,
        {"digest": "x" * 3000},
        {"$digest": "x" * 3000},
        {"$plain": {"$instant": "x" * 3000}},
        None,
        0,
        "",
        {},
        {"digest": "00" * 16},
    ],
    ids=lambda answer: str(answer)[:24],
)
async def test_every_answer_comes_back_as_it_was(database: Database, turn: Turn, answer: Any):
    recorded = replace(turn, steps=[read(answer), read(1, "now")])
    await write(database, recorded)

    assert await journal(database, turn.enrollment_id) == {turn.enrollment_id: [recorded]}


async def test_equal_answers_of_one_enrollment_are_kept_once(database: Database, turn: Turn):
    first = replace(turn, steps=[read(BIG), read(BIG, "contact#2")])
    second = replace(turn, number=2, steps=[read(BIG, "contact#3")])
    other = replace(turn, enrollment_id=UUID(int=7), steps=[read(BIG)])
    await write(database, first, other)
    await write(database, second)

    assert len(await stored(database, "SELECT id FROM answers")) == 2
    steps_by_enrollment = await journal(database, turn.enrollment_id, UUID(int=7))
    assert steps_by_enrollment == {turn.enrollment_id: [first, second], UUID(int=7): [other]}


async def test_the_journal_itself_stays_small(database: Database, turn: Turn):
    await write(database, replace(turn, steps=[read(BIG, f"contact#{n}") for n in range(10)]))

    (steps,) = await stored(database, "SELECT steps FROM turns")
    (body,) = await stored(database, "SELECT body FROM answers")
    assert len(steps) < 2_000
    assert len(body) < 500


async def test_only_large_answers_are_stored_apart(database: Database, turn: Turn):
    fits = "x" * (answers.MAX_INLINE_BYTES - 2)
    many = [read(n, f"now#{n}") for n in range(200)]
    await write(database, replace(turn, steps=[read(fits), *many]))
    assert await stored(database, "SELECT id FROM answers") == []

    await write(database, replace(turn, number=2, steps=[read(fits + "x")]))
    assert len(await stored(database, "SELECT id FROM answers")) == 1
