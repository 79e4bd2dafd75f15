"""SIGKILL at every named point and at random moments loses nothing and doubles nothing."""

from __future__ import annotations

import random
import secrets
from pathlib import Path

from tests.promises.crash.crash_run import CrashRun
from tests.promises.crash.fork_server import open_fork_server
from tests.promises.crash.kill_points import (
    BEFORE_MAIL_FROM,
    DATA_ACCEPTED,
    FINAL_DOT_SENT,
    MIDDLE_OF_TEXT,
    RECIPIENT_ACCEPTED,
    REPLY_READ,
    SEND_MARKED,
)
from tests.promises.crash.report import Report, store_report
from tests.promises.crash.testbed import open_testbed

KILLS = 100
KILLS_WITH_INBOX = 45
# A mail's status, and how often it was delivered, after a kill at a point on its way.
RESULTS = {
    "turn: before COMMIT": ("sent", 1),
    "turn: after COMMIT": ("sent", 1),
    BEFORE_MAIL_FROM: ("sent", 1),
    RECIPIENT_ACCEPTED: ("sent", 1),
    "mark: before COMMIT": ("sent", 1),
    "mark: after COMMIT": ("in_doubt", 0),
    SEND_MARKED: ("in_doubt", 0),
    DATA_ACCEPTED: ("in_doubt", 0),
    MIDDLE_OF_TEXT: ("in_doubt", 0),
    FINAL_DOT_SENT: ("in_doubt", 1),
    REPLY_READ: ("in_doubt", 1),
    "conclude: before COMMIT": ("in_doubt", 1),
    "conclude: after COMMIT": ("sent", 1),
}


async def test_a_hundred_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    report = await CrashRun(tmp_path, KILLS, seed=secrets.randbelow(1_000_000)).run()
    print(report.text())
    print(store_report(report))

    assert report.faults == []
    assert report.kills == KILLS
    assert report.mails > KILLS
    assert report.in_doubt < report.mails


async def test_kills_with_the_local_inbox_leave_no_mail_in_doubt(tmp_path: Path) -> None:
    seed = secrets.randbelow(1_000_000)
    only = ("mark", "inbox", "conclude")
    run = CrashRun(tmp_path, KILLS_WITH_INBOX, seed, over_smtp=False, only=only)
    report = await run.run()
    print(report.text())
    print(store_report(report))

    assert report.faults == []
    assert report.by_point.keys() >= {"inbox: before COMMIT", "inbox: after COMMIT"}
    assert report.mails > report.in_doubt == 0


async def test_a_mail_is_in_doubt_only_between_its_mark_and_its_conclusion(
    tmp_path: Path, sqlite_template: Path
) -> None:
    results: dict[str, tuple[str, int]] = {}
    report = Report(seed=0)
    rng = random.Random(0)  # noqa: S311 - the same every time
    async with open_fork_server(tmp_path / "log.txt") as fork_server:
        for number, point in enumerate(RESULTS):
            folder = tmp_path / str(number)
            async with open_testbed(folder, sqlite_template, fork_server, report, rng) as testbed:
                testbed.product.add_customer("triggering")
                await testbed.start_worker(testbed.worker_settings(point))
                await fork_server.wait()
                await testbed.product.wait_for_disconnect()
                testbed.check()
                await testbed.finish()
                ((_, _, _, status, _),) = testbed.check().rows["sends"]
                results[point] = status, testbed.mail_server.delivered.total()

    assert results == RESULTS
    assert report.faults == []
