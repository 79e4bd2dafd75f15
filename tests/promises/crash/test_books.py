"""The crash test sees every kind of loss, of doubling and of contradiction that there may be."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from tests.promises.crash.books import faults_at_any_time, faults_at_the_end, read_books
from tests.promises.crash.ground import Ground, open_ground
from tests.promises.crash.nursery import open_nursery
from tests.promises.crash.report import Report, totals
from tests.promises.crash.stories import STORIES

# What is done to the tables, and the fault that must be seen.
TAMPERED = {
    "DELETE FROM events WHERE name = 'answered'": "lost",
    "DELETE FROM idempotency_keys WHERE key LIKE 'left-%'": "lost",
    "DELETE FROM sends WHERE template = 'letter-2'": "lost",
    "UPDATE enrollments SET state = 'failed' WHERE journey_id = 'relays'": "lost",
    "UPDATE enrollments SET turn = turn + 1, summary = NULL": "lost",
    "UPDATE sends SET template = 'letter-1' WHERE template = 'letter-2'": "doubled",
    "UPDATE events SET name = 'relayed' WHERE name = 'relays.begun'": "doubled",
    "UPDATE counters SET value = value + 1 WHERE name = 'sends/sent'": "wrong",
    "UPDATE sends SET status = 'queued' WHERE template = 'question'": "wrong",
    "UPDATE sends SET status = 'in_doubt' WHERE template = 'question'": "wrong",
    "UPDATE sends SET props = '{\"number\": 999}' WHERE template = 'booked'": "wrong",
}


@asynccontextmanager
async def everything_done(folder: Path, template: Path) -> AsyncIterator[Ground]:
    """One of each kind of person, whose story is over."""
    report, chance = Report(seed=0), random.Random(0)  # noqa: S311 - the same each time
    async with (
        open_nursery(folder / "log.txt") as nursery,
        open_ground(folder / "ground", template, nursery, report, chance) as ground,
    ):
        ground.product.tell_of_more(len(STORIES))
        await ground.settle()
        yield ground


def faults(ground: Ground, data: Path, arrived: Counter[str]) -> set[str]:
    """Return the kinds of faults in a data folder."""
    books = read_books(data, data / "copy")
    product, posts = ground.product, ground.hook.posts
    found = faults_at_any_time(books, product, arrived, ground.cut_off)
    return {fault.kind for fault in (*found, *faults_at_the_end(books, product, posts))}


async def test_it_sees_whatever_is_lost_doubled_or_contradictory(
    tmp_path: Path, sqlite_template: Path
) -> None:
    async with everything_done(tmp_path, sqlite_template) as ground:
        arrived = ground.post.arrived
        assert ground.report.faults == []
        assert faults(ground, ground.folder / "data", arrived) == set()
        for number, (sql, kind) in enumerate(TAMPERED.items()):
            data = tmp_path / f"tampered-{number}"
            shutil.copytree(ground.folder / "data", data)
            with closing(sqlite3.connect(data / "hogsend.db")) as connection, connection:
                assert connection.execute(sql).rowcount > 0, sql
            assert kind in faults(ground, data, arrived), sql


async def test_it_sees_a_mail_that_has_arrived_twice_or_never(
    tmp_path: Path, sqlite_template: Path
) -> None:
    async with everything_done(tmp_path, sqlite_template) as ground:
        data, arrived = ground.folder / "data", ground.post.arrived
        one = next(iter(arrived))
        assert faults(ground, data, arrived + Counter([one])) == {"doubled"}
        assert faults(ground, data, arrived - Counter([one])) == {"lost"}
        assert faults(ground, data, arrived + Counter(["0" * 32])) == {"wrong"}


def test_reports_are_added_up() -> None:
    first = {"kills": 100, "mails": 900, "in_doubt": 7, "lost": 0, "doubled": 0, "wrong": 0}
    second = {**first, "kills": 1000, "in_doubt": 60, "lost": 1}
    rest = {"people": 10, "events": 20, "steps": 5, "steps_repeated": 2}

    assert totals([{**first, **rest}, {**second, **rest}]) == (
        "1100 kills over 2 runs: 1 lost, 0 doubled, 0 wrong, 67 in doubt of 1800 mails; "
        "10 steps, 4 repetitions"
    )
