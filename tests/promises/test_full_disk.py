"""The real program on a real disk that fills up, a file that is locked or cannot be written."""

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

from tests.processes import Program, program
from tests.promises.test_start import WITHOUT_PRIVILEGE
from tests.sinks.smtp_sink import SmtpSink


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB, where this machine lets us have one."""
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


async def status_of(hogsend: Program, client: httpx.AsyncClient) -> int:
    return (await client.get(f"{hogsend.address}/readyz")).status_code


async def tell_of(
    hogsend: Program, client: httpx.AsyncClient, people: Iterable[int], answers: Counter[int]
) -> None:
    """Tell of people, each until it is taken, as a product's outbox does."""
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


async def test_when_the_disk_fills_up_under_load_nothing_is_lost_or_doubled(
    small_disk: Path, tmp_path: Path
) -> None:
    people = 300
    answers: Counter[int] = Counter()
    ballast = small_disk / "ballast"
    async with (
        SmtpSink() as sink,
        program(tmp_path, MAIL=sink.url, DATA=str(small_disk / "data")) as hogsend,
        httpx.AsyncClient(timeout=30) as client,
    ):
        file = small_disk / "data" / "hogsend.db"
        await hogsend.start()
        telling = asyncio.gather(
            *(tell_of(hogsend, client, range(n, people, 3), answers) for n in range(3))
        )
        await hogsend.until(lambda: answers[202] > 50)
        fill_up(ballast)
        await hogsend.until(lambda: answers[503] > 20)
        body = (await client.get(f"{hogsend.address}/readyz")).json()
        assert body["parts"]["database"]["trouble"] == "full"

        ballast.unlink()
        await telling
        over = "SELECT COUNT(*) FROM sends WHERE status = 'sent'"
        await hogsend.until(lambda: _ask(file, over) == [(people,)])
        assert await status_of(hogsend, client) == 200
        assert (await hogsend.stop())[0] == 0

        assert set(answers) == {202, 503} and answers[202] == people
        counts = "SELECT COUNT(*), COUNT(DISTINCT contact_id) FROM "
        for table in ("events", "enrollments", "sends"):
            assert _ask(file, counts + table) == [(people, people)], table
        assert _ask(file, "SELECT DISTINCT state, attempt FROM enrollments") == [("waiting", 0)]
        assert Counter(mail.recipient for mail in sink.mails).most_common(1)[0][1] == 1
        assert sink.count == people
        # It is told, once, with the file and the remedy; not by everybody who meets it.
        lines = hogsend.complaints.splitlines()
        assert len(lines) <= 4, hogsend.complaints
        assert "full" in lines[0] and str(file) in lines[0] and "Make room" in lines[0]
        assert "The database works again" in lines[-1]


async def test_a_lock_held_by_another_program_is_waited_for_and_then_told(
    tmp_path: Path,
) -> None:
    async with program(tmp_path) as hogsend, httpx.AsyncClient(timeout=30) as client:
        await hogsend.start()
        event = {"name": "user.created", "userId": "ada", "email": "ada@example.com"}
        other = {**event, "userId": "bo", "email": "bo@example.com"}
        with closing(sqlite3.connect(hogsend.data / "hogsend.db", timeout=10)) as shell:
            shell.isolation_level = None
            shell.execute("BEGIN EXCLUSIVE")
            waiting = asyncio.ensure_future(hogsend.post(client, event))
            # Whoever only looks is answered meanwhile.
            assert (await client.get(f"{hogsend.address}/healthz")).status_code == 200
            assert not waiting.done()
            assert await status_of(hogsend, client) == 200
            shell.execute("COMMIT")
            assert (await waiting).status_code == 202

            shell.execute("BEGIN EXCLUSIVE")
            answer = await hogsend.post(client, other)
            assert answer.status_code == 503 and "lock" in answer.json()["error"]
            assert await status_of(hogsend, client) == 503
            shell.execute("COMMIT")

        async def taken() -> bool:
            return (await hogsend.post(client, other)).status_code == 202

        await hogsend.until_told(taken)
        await hogsend.until(lambda: hogsend.rows("SELECT COUNT(*) = 2 FROM inbox") == [(1,)])
        assert hogsend.rows("SELECT COUNT(*) FROM events") == [(2,)]
        assert "Traceback" not in hogsend.complaints


async def refused(hogsend: Program) -> str:
    """Return why the server does not start: one line, no traceback."""
    outcome = await hogsend.run("serve", "--with-worker")
    assert outcome.status == 1, outcome
    (line,) = outcome.err.strip().splitlines()
    assert str(hogsend.data / "hogsend.db") in line
    return line


async def test_a_start_that_cannot_write_names_the_file_and_the_remedy(tmp_path: Path) -> None:
    async with program(tmp_path) as hogsend:
        assert (await hogsend.run("migrate")).status == 0
        file = hogsend.data / "hogsend.db"

        file.chmod(0o400)
        if os.getuid() == 0:
            hogsend.through = WITHOUT_PRIVILEGE
        line = await refused(hogsend)
        assert "only read" in line and "-wal" in line
        for one in hogsend.data.glob("hogsend.db*"):
            one.chmod(0o600)

        with closing(sqlite3.connect(file, timeout=10)) as shell:
            shell.isolation_level = None
            shell.execute("BEGIN EXCLUSIVE")
            line = await refused(hogsend)
            assert "lock" in line and "End that program" in line
            shell.execute("COMMIT")

        await hogsend.start()
        assert (await hogsend.stop())[0] == 0


async def test_a_start_on_a_full_disk_names_the_file_and_the_remedy(
    small_disk: Path, tmp_path: Path
) -> None:
    async with program(small_disk) as hogsend:
        assert (await hogsend.run("migrate")).status == 0
        ballast = small_disk / "ballast"
        fill_up(ballast)
        line = await refused(hogsend)
        assert "full" in line and "Make room" in line
        ballast.unlink()
        await hogsend.start()
        assert (await hogsend.stop())[0] == 0


def fill_up(ballast: Path) -> None:
    """Take all the room of a disk."""
    with ballast.open("wb", buffering=0) as heavy, suppress(OSError):
        while True:
            heavy.write(bytes(4096))


def _ask(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file, timeout=10)) as connection:
        return connection.execute(sql).fetchall()
