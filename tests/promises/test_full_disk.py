"""The program on a real disk that fills up, and on a file that is locked or read-only."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.patience import PATIENCE
from tests.processes import Program, program
from tests.promises.test_start import WITHOUT_PRIVILEGE
from tests.sinks.smtp_sink import SmtpSink


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB, if this machine allows it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("Only root may mount a small disk.")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


async def fetch_status(hogsend: Program, client: httpx.AsyncClient) -> int:
    return (await client.get(f"{hogsend.address}/readyz")).status_code


async def send_until_accepted(
    hogsend: Program, client: httpx.AsyncClient, people: Iterable[int], answers: Counter[int]
) -> None:
    """Send an event of each person until it is accepted, as an outbox does."""
    for person in people:
        body = {
            "name": "user.created",
            "userId": f"u{person}",
            "email": f"u{person}@example.com",
            "eventProperties": {"note": "x" * 8000},
        }
        status = 0
        while status != 202:
            status = (await hogsend.post(client, body)).status_code
            answers[status] += 1
            if status != 202:
                await asyncio.sleep(0.05)


async def test_a_disk_that_fills_up_under_load_loses_and_doubles_nothing(
    small_disk: Path, tmp_path: Path
) -> None:
    people = 300
    answers: Counter[int] = Counter()
    ballast = small_disk / "ballast"
    async with (
        SmtpSink() as sink,
        program(tmp_path, MAIL=sink.url, DATA=str(small_disk / "data")) as hogsend,
        httpx.AsyncClient(timeout=PATIENCE) as client,
    ):
        file = small_disk / "data" / "hogsend.db"
        await hogsend.start()
        sending = asyncio.gather(
            *(send_until_accepted(hogsend, client, range(n, people, 3), answers) for n in range(3))
        )
        await hogsend.wait_until(lambda: answers[202] > 50)
        fill_up(ballast)
        await hogsend.wait_until(lambda: answers[503] > 20)
        body = (await client.get(f"{hogsend.address}/readyz")).json()
        assert body["parts"]["database"]["trouble"] == "full"

        ballast.unlink()
        await sending
        sent = "SELECT COUNT(*) FROM sends WHERE status = 'sent'"
        await hogsend.wait_until(lambda: _query(file, sent) == [(people,)])
        assert await fetch_status(hogsend, client) == 200
        assert (await hogsend.stop())[0] == 0

        assert set(answers) == {202, 503} and answers[202] == people
        counts = "SELECT COUNT(*), COUNT(DISTINCT contact_id) FROM "
        for table in ("events", "enrollments", "sends"):
            assert _query(file, counts + table) == [(people, people)], table
        assert _query(file, "SELECT DISTINCT state, attempt FROM enrollments") == [("waiting", 0)]
        assert Counter(mail.recipients for mail in sink.mails).most_common(1)[0][1] == 1
        assert sink.count == people
        # It is logged once, with the file and a remedy, and not for every failed commit.
        lines = hogsend.log.splitlines()
        assert len(lines) <= 4, hogsend.log
        assert "full" in lines[0] and str(file) in lines[0] and "Free some space" in lines[0]
        assert "The database works again" in lines[-1]


async def test_a_lock_of_another_program_is_waited_for_and_then_reported(
    tmp_path: Path,
) -> None:
    async with program(tmp_path) as hogsend, httpx.AsyncClient(timeout=PATIENCE) as client:
        await hogsend.start()
        event = {"name": "user.created", "userId": "ada", "email": "ada@example.com"}
        other = {**event, "userId": "bo", "email": "bo@example.com"}
        with closing(sqlite3.connect(hogsend.data / "hogsend.db", timeout=PATIENCE)) as shell:
            shell.isolation_level = None
            shell.execute("BEGIN EXCLUSIVE")
            waiting = asyncio.ensure_future(hogsend.post(client, event))
            # Reads are answered in the meantime.
            assert (await client.get(f"{hogsend.address}/healthz")).status_code == 200
            assert not waiting.done()
            assert await fetch_status(hogsend, client) == 200
            shell.execute("COMMIT")
            assert (await waiting).status_code == 202

            shell.execute("BEGIN EXCLUSIVE")
            answer = await hogsend.post(client, other)
            assert answer.status_code == 503 and "lock" in answer.json()["error"]
            assert await fetch_status(hogsend, client) == 503
            shell.execute("COMMIT")

        async def is_accepted() -> bool:
            return (await hogsend.post(client, other)).status_code == 202

        await hogsend.wait_until_async(is_accepted)
        await hogsend.wait_until(lambda: hogsend.rows("SELECT COUNT(*) = 2 FROM inbox") == [(1,)])
        assert hogsend.rows("SELECT COUNT(*) FROM events") == [(2,)]
        assert "Traceback" not in hogsend.log


async def start_error(hogsend: Program) -> str:
    """Check that the server does not start, with one line and no traceback; return the line."""
    outcome = await hogsend.run("serve", "--with-worker")
    assert outcome.status == 1, outcome
    (line,) = outcome.err.strip().splitlines()
    assert str(hogsend.data / "hogsend.db") in line
    return line


async def test_a_start_on_a_file_it_cannot_write_names_it_and_a_remedy(
    tmp_path: Path,
) -> None:
    async with program(tmp_path) as hogsend:
        assert (await hogsend.run("migrate")).status == 0
        file = hogsend.data / "hogsend.db"

        file.chmod(0o400)
        if os.getuid() == 0:
            hogsend.wrapper = WITHOUT_PRIVILEGE
        line = await start_error(hogsend)
        assert "read-only" in line and "-wal" in line
        for path in hogsend.data.glob("hogsend.db*"):
            path.chmod(0o600)

        with closing(sqlite3.connect(file, timeout=PATIENCE)) as shell:
            shell.isolation_level = None
            shell.execute("BEGIN EXCLUSIVE")
            line = await start_error(hogsend)
            assert "lock" in line and "Close that program" in line
            shell.execute("COMMIT")

        await hogsend.start()
        assert (await hogsend.stop())[0] == 0


async def test_a_start_on_a_full_disk_names_the_file_and_a_remedy(
    small_disk: Path, tmp_path: Path
) -> None:
    async with program(small_disk) as hogsend:
        assert (await hogsend.run("migrate")).status == 0
        ballast = small_disk / "ballast"
        fill_up(ballast)
        line = await start_error(hogsend)
        assert "full" in line and "Free some space" in line
        ballast.unlink()
        await hogsend.start()
        assert (await hogsend.stop())[0] == 0


def fill_up(ballast: Path) -> None:
    """Fill a disk."""
    with ballast.open("wb", buffering=0) as heavy, suppress(OSError):
        while True:
            heavy.write(bytes(4096))


def _query(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file, timeout=PATIENCE)) as connection:
        return connection.execute(sql).fetchall()
