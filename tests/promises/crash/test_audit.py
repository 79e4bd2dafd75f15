"""The audit of the crash test finds every kind of loss, duplicate and contradiction."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from tests.promises.crash.audit import check_at_any_time, check_at_the_end, read_snapshot
from tests.promises.crash.fork_server import open_fork_server
from tests.promises.crash.report import Report, sum_reports
from tests.promises.crash.scenarios import SCENARIOS
from tests.promises.crash.testbed import Testbed, open_testbed

# A change of the tables, and the kind of fault that the audit must find.
CORRUPTIONS = {
    "DELETE FROM events WHERE name = 'answered'": "lost",
    "DELETE FROM idempotency_keys WHERE key LIKE 'left-%'": "lost",
    "DELETE FROM sends WHERE template = 'sequence-2'": "lost",
    "UPDATE enrollments SET state = 'failed' WHERE journey_id = 'triggering'": "lost",
    "UPDATE enrollments SET turn = turn + 1, summary = NULL": "lost",
    "UPDATE sends SET template = 'sequence-1' WHERE template = 'sequence-2'": "doubled",
    "UPDATE events SET name = 'triggered' WHERE name = 'triggering.started'": "doubled",
    "UPDATE counters SET value = value + 1 WHERE name = 'sends/sent'": "wrong",
    "UPDATE sends SET status = 'queued' WHERE template = 'question'": "wrong",
    "UPDATE sends SET status = 'in_doubt' WHERE template = 'question'": "wrong",
    "UPDATE sends SET props = '{\"number\": 999}' WHERE template = 'after-thread'": "wrong",
}


@asynccontextmanager
async def finished_testbed(folder: Path, template: Path) -> AsyncIterator[Testbed]:
    """A testbed with one customer of each kind, whose work is done."""
    report, rng = Report(seed=0), random.Random(0)  # noqa: S311 - the same every time
    async with (
        open_fork_server(folder / "log.txt") as fork_server,
        open_testbed(folder / "testbed", template, fork_server, report, rng) as testbed,
    ):
        testbed.product.add_customers(len(SCENARIOS))
        await testbed.finish()
        yield testbed


def list_fault_kinds(testbed: Testbed, data: Path, delivered: Counter[str]) -> set[str]:
    """Return the kinds of faults that the audit finds in a data folder."""
    snapshot = read_snapshot(data, data / "copy")
    product, posts = testbed.product, testbed.webhooks.posts
    faults = check_at_any_time(snapshot, product, delivered, testbed.interrupted)
    return {fault.kind for fault in (*faults, *check_at_the_end(snapshot, product, posts))}


async def test_the_audit_finds_every_corruption_of_the_tables(
    tmp_path: Path, sqlite_template: Path
) -> None:
    async with finished_testbed(tmp_path, sqlite_template) as testbed:
        delivered = testbed.mail_server.delivered
        assert testbed.report.faults == []
        assert list_fault_kinds(testbed, testbed.data, delivered) == set()
        for number, (sql, kind) in enumerate(CORRUPTIONS.items()):
            data = tmp_path / f"corrupted-{number}"
            shutil.copytree(testbed.data, data)
            with closing(sqlite3.connect(data / "hogsend.db")) as connection, connection:
                assert connection.execute(sql).rowcount > 0, sql
            assert kind in list_fault_kinds(testbed, data, delivered), sql


async def test_the_audit_finds_mail_that_was_delivered_twice_or_never(
    tmp_path: Path, sqlite_template: Path
) -> None:
    async with finished_testbed(tmp_path, sqlite_template) as testbed:
        data, delivered = testbed.data, testbed.mail_server.delivered
        send_id = next(iter(delivered))
        assert list_fault_kinds(testbed, data, delivered + Counter([send_id])) == {"doubled"}
        assert list_fault_kinds(testbed, data, delivered - Counter([send_id])) == {"lost"}
        assert list_fault_kinds(testbed, data, delivered + Counter(["0" * 32])) == {"wrong"}


def test_stored_reports_are_summed() -> None:
    first = {"kills": 100, "mails": 900, "in_doubt": 7, "lost": 0, "doubled": 0, "wrong": 0}
    second = {**first, "kills": 1000, "in_doubt": 60, "lost": 1}
    other_counts = {"people": 10, "events": 20, "steps": 5, "steps_repeated": 2}

    assert sum_reports([{**first, **other_counts}, {**second, **other_counts}]) == (
        "1100 kills over 2 runs: 1 lost, 0 doubled, 0 wrong, 67 in doubt of 1800 mails; "
        "10 steps, 4 repetitions"
    )
