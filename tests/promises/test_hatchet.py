"""The real program on Hatchet: its worker inside the server, on a double of the engine."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.doubles.hatchet import HatchetDouble, hatchet_double
from tests.processes import READY, Program, program
from tests.promises.test_several_workers import worker
from tests.site import FILES, write_files

PEOPLE = 20
# A worker that is gone is noticed after a while, by Hatchet and by us.
SHARED_PATIENCE = 120.0
WATCH = """\
from hogsend import Contact, Context, days, journey, seconds


@journey("watch", trigger="watch.asked", list="news")
async def watch(user: Contact, ctx: Context) -> None:
    await ctx.send("hello")
    await ctx.sleep(seconds(1), label="short")
    came = await ctx.wait_for("go", timeout=days(2))
    await ctx.send("again" if came else "hello", label="last")
"""

NAP = """\
from hogsend import Contact, Context, days, journey


@journey("nap", trigger="watch.asked", list="news")
async def nap(user: Contact, ctx: Context) -> None:
    await ctx.sleep(days(2), label="two days")
    await ctx.send("hello")
    await ctx.sleep(days(2), label="two more")
    await ctx.send("again")
"""


@asynccontextmanager
async def on_hatchet(folder: Path) -> AsyncIterator[tuple[HatchetDouble, Program]]:
    """Start a server on a double of Hatchet's."""
    files = {**FILES, "watch.py": WATCH}
    async with hatchet_double() as double, program(folder, files=files) as hogsend:
        hogsend.beside = double.environment
        await hogsend.start()
        yield double, hogsend


async def lived_through(hogsend: Program, double: HatchetDouble) -> None:
    """See a person through the journey, from the event to the end, and stop the server."""
    hogsend.beside = double.environment
    await hogsend.start()
    async with httpx.AsyncClient() as client:
        body = {"name": "watch.asked", "userId": "ada", "email": "ada@example.com"}
        assert (await hogsend.post(client, body)).status_code == 202
        waits = "SELECT 1 FROM enrollments WHERE wait_key = 'wait:go'"
        await hogsend.until(lambda: hogsend.rows(waits))
        run = next(one for one in double.runs.values() if "journey-watch" in one.workflow.name)
        assert {"enrollment", "contact", "event"} <= set(run.metadata)

        assert (await hogsend.post(client, {**body, "name": "go"})).status_code == 202
        over = "SELECT 1 FROM enrollments WHERE state = 'completed'"
        await hogsend.until(lambda: hogsend.rows(over))
        sent = "SELECT template FROM sends WHERE status = 'sent' ORDER BY id"
        await hogsend.until(lambda: hogsend.rows(sent) == [("hello",), ("again",)])
    status, seconds = await hogsend.stop()
    assert (status, seconds < 10) == (0, True)
    assert hogsend.rows("SELECT COUNT(*) FROM hatchet_runs") == [(0,)]
    # What the SDK and its listener have to say is none of our output, and of our log what matters.
    assert hogsend.complaints == ""
    assert [line for line in hogsend.printed if not line.startswith((READY, "How to get in"))] == []


async def test_a_journey_sleeps_wakes_by_an_event_and_ends_as_it_does_without_hatchet(
    tmp_path: Path,
) -> None:
    files = {**FILES, "watch.py": WATCH}
    async with hatchet_double() as double, program(tmp_path, files=files) as hogsend:
        await lived_through(hogsend, double)


async def test_hatchet_in_the_cloud_asks_for_nothing_but_its_token(tmp_path: Path) -> None:
    files = {**FILES, "watch.py": WATCH}
    async with hatchet_double(tls=True) as double, program(tmp_path, files=files) as hogsend:
        await lived_through(hogsend, double)


async def test_a_server_that_is_killed_plays_everybody_on_and_nobody_twice(tmp_path: Path) -> None:
    async with on_hatchet(tmp_path) as (_, hogsend):
        async with httpx.AsyncClient() as client:
            await tell(hogsend, client, "watch.asked")
            # Some are asleep by now and some are not.
            await hogsend.until(lambda: hogsend.rows("SELECT 1 FROM sends WHERE status = 'sent'"))
            await hogsend.kill()
            await hogsend.start()
            waits = "SELECT COUNT(*) FROM enrollments WHERE wait_key = 'wait:go'"
            await hogsend.until(lambda: hogsend.rows(waits) == [(PEOPLE,)])
            await tell(hogsend, client, "go")
            over = "SELECT COUNT(*) FROM enrollments WHERE state = 'completed'"
            await hogsend.until(lambda: hogsend.rows(over) == [(PEOPLE,)])
            # The inbox remembers what it has, so that no mail is in doubt.
            left = "SELECT COUNT(*) FROM sends WHERE status = 'sent'"
            await hogsend.until(lambda: hogsend.rows(left) == [(2 * PEOPLE,)])
        assert hogsend.rows("SELECT COUNT(*) FROM inbox") == [(2 * PEOPLE,)]


async def test_the_engine_is_switched_to_and_fro_and_everybody_who_sleeps_goes_on(
    tmp_path: Path,
) -> None:
    files = {**FILES, "watch.py": WATCH, "nap.py": NAP}
    async with hatchet_double() as double, program(tmp_path, files=files) as hogsend:
        async with httpx.AsyncClient() as client:
            await hogsend.start()
            await tell(hogsend, client, "watch.asked", "a")
            await asleep(hogsend, "watch", PEOPLE)
            await asleep(hogsend, "nap", PEOPLE)
            await hogsend.stop()

            # They come due while nothing runs, and go on on Hatchet, by time and by event.
            let_time_pass(hogsend)
            hogsend.beside = double.environment
            await hogsend.start()
            await tell(hogsend, client, "go", "a")
            await over(hogsend, "watch", PEOPLE)
            await mailed(hogsend, "nap", PEOPLE)
            await tell(hogsend, client, "watch.asked", "b")
            await asleep(hogsend, "watch", PEOPLE)
            await asleep(hogsend, "nap", 2 * PEOPLE)
            await hogsend.stop()

            # And back, with those whom Hatchet holds and will never hear of again.
            let_time_pass(hogsend)
            hogsend.beside = {}
            await hogsend.start()
            await tell(hogsend, client, "go", "b")
            await over(hogsend, "watch", 2 * PEOPLE)
            await over(hogsend, "nap", PEOPLE)
            await mailed(hogsend, "nap", 3 * PEOPLE)
            await mailed(hogsend, "watch", 4 * PEOPLE)
        await hogsend.stop()
    assert hogsend.rows("SELECT COUNT(*) FROM inbox") == [(7 * PEOPLE,)]


async def asleep(hogsend: Program, journey: str, count: int) -> None:
    """Wait until so many sleep in a journey for long."""
    sql = (
        "SELECT COUNT(*) FROM enrollments WHERE state = 'waiting' AND journey_id = ? "
        "AND (wait_key = 'wait:go' OR wait_key LIKE 'sleep:two%')"
    )
    await hogsend.until(lambda: hogsend.rows(sql, journey) == [(count,)])


async def over(hogsend: Program, journey: str, count: int) -> None:
    """Wait until so many have come to a journey's end."""
    sql = "SELECT COUNT(*) FROM enrollments WHERE state = 'completed' AND journey_id = ?"
    await hogsend.until(lambda: hogsend.rows(sql, journey) == [(count,)])


async def mailed(hogsend: Program, journey: str, count: int) -> None:
    """Wait until a journey has sent so many mails."""
    sql = "SELECT COUNT(*) FROM sends WHERE status = 'sent' AND journey_id = ?"
    await hogsend.until(lambda: hogsend.rows(sql, journey) == [(count,)])


def let_time_pass(hogsend: Program) -> None:
    """Let whoever sleeps by the clock be due, while nothing runs."""
    with closing(sqlite3.connect(hogsend.data / "hogsend.db")) as connection, connection:
        changed = connection.execute(
            "UPDATE enrollments SET wake_at = 1, "
            "wait = json_set(wait, '$.until', '2026-01-01T00:00:00+00:00') "
            "WHERE journey_id = 'nap' AND state = 'waiting'"
        )
        assert changed.rowcount >= PEOPLE


async def test_a_server_stops_in_time_with_hundreds_in_the_middle_of_falling_asleep(
    tmp_path: Path,
) -> None:
    async with on_hatchet(tmp_path) as (_, hogsend):
        async with httpx.AsyncClient() as client:
            for number in range(40):
                await tell(hogsend, client, "watch.asked", f"crowd{number}")
            await hogsend.until(lambda: hogsend.rows("SELECT 1 FROM hatchet_waits"))
        status, seconds = await hogsend.stop()
        assert (status, seconds < 10) == (0, True)


def listeners(pid: int) -> list[int]:
    """Return the processes that a server has started to listen to Hatchet."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


@pytest.mark.skipif(not Path("/proc").exists(), reason="nothing else tells of its processes")
async def test_a_server_whose_listener_was_killed_plays_on_and_stops_in_time(
    tmp_path: Path,
) -> None:
    async with on_hatchet(tmp_path) as (_, hogsend):
        process = hogsend.process
        assert process is not None
        async with httpx.AsyncClient() as client:
            await tell(hogsend, client, "watch.asked", "a")
            await asleep(hogsend, "watch", PEOPLE)
            (killed,) = listeners(process.pid)
            os.kill(killed, signal.SIGKILL)
            await tell(hogsend, client, "go", "a")
            await over(hogsend, "watch", PEOPLE)
            await mailed(hogsend, "watch", 2 * PEOPLE)
        status, seconds = await hogsend.stop()
        assert (status, seconds < 10) == (0, True)
    assert "the listener of the Hatchet worker has ended" in hogsend.complaints


async def test_a_server_stops_in_time_beside_a_hatchet_that_takes_calls_and_never_answers(
    tmp_path: Path,
) -> None:
    async with on_hatchet(tmp_path) as (double, hogsend):
        async with httpx.AsyncClient() as client:
            await tell(hogsend, client, "watch.asked", "a")
            await asleep(hogsend, "watch", PEOPLE)
            double.delay = 3600.0
            await tell(hogsend, client, "watch.asked", "b")
        status, seconds = await hogsend.stop()
        assert (status, seconds < 10) == (0, True)
        double.delay = 0.0


async def test_of_two_workers_with_different_code_one_is_killed_and_nobody_is_lost(
    tmp_path: Path, postgres_url: str
) -> None:
    write_files(tmp_path / "newer", {**FILES, "watch.py": WATCH.replace("days(2)", "days(3)")})
    settings = {"DATABASE_URL": postgres_url, "SECRET": "s" * 43}
    beside: Any = await asyncpg.connect(postgres_url)
    files = {**FILES, "watch.py": WATCH}
    async with (
        hatchet_double() as double,
        program(tmp_path, files=files, **settings) as hogsend,
        AsyncExitStack() as stack,
    ):
        hogsend.beside = double.environment
        doomed = await stack.enter_async_context(worker(hogsend))
        await stack.enter_async_context(worker(hogsend, JOURNEYS=str(tmp_path / "newer")))
        await hogsend.start("--bind", hogsend.settings["BIND"])
        async with httpx.AsyncClient() as client:
            await hogsend.until(lambda: len(double.workers) == 2)
            await tell(hogsend, client, "watch.asked")
            await hogsend.until(lambda: len(double.runs) >= PEOPLE)
            doomed.kill()

            async def all_wait() -> bool:
                waits = "SELECT COUNT(*) FROM enrollments WHERE wait_key = 'wait:go'"
                return await beside.fetchval(waits) == PEOPLE

            await hogsend.until_told(all_wait, SHARED_PATIENCE)
            await tell(hogsend, client, "go")

            async def all_sent() -> bool:
                sent = "SELECT COUNT(*) FROM sends WHERE status IN ('sent', 'in_doubt')"
                return await beside.fetchval(sent) == 2 * PEOPLE

            await hogsend.until_told(all_sent, SHARED_PATIENCE)
        states = await beside.fetch("SELECT DISTINCT state FROM enrollments")
        assert [row["state"] for row in states] == ["completed"]
        assert await beside.fetchval("SELECT COUNT(*) FROM sends") == 2 * PEOPLE
    await beside.close()


async def tell(hogsend: Program, client: httpx.AsyncClient, name: str, crowd: str = "p") -> None:
    """Tell of an event of everybody in a crowd."""
    people = [f"{crowd}-{number}" for number in range(PEOPLE)]
    events = [{"name": name, "userId": one, "email": f"{one}@example.com"} for one in people]
    answer = await hogsend.post(client, {"events": events}, "/v1/events/batch")
    assert answer.json()["accepted"] == PEOPLE


async def test_with_hatchet_away_the_server_takes_events_and_plays_them_later(
    tmp_path: Path,
) -> None:
    files = {**FILES, "watch.py": WATCH}
    async with hatchet_double() as double, program(tmp_path, files=files) as hogsend:
        hogsend.beside = double.environment
        await double.stop()
        await hogsend.start()
        async with httpx.AsyncClient() as client:
            body = {"name": "watch.asked", "userId": "ada", "email": "ada@example.com"}
            assert (await hogsend.post(client, body)).status_code == 202
            await hogsend.until(lambda: "Hatchet is away" in hogsend.complaints)
            assert (await engine(hogsend, client))["status"] == "away"
            await double.start()
            await hogsend.until(lambda: hogsend.rows("SELECT 1 FROM sends WHERE status = 'sent'"))
            await hogsend.until(lambda: "Hatchet is there" in hogsend.complaints)
            assert await engine(hogsend, client) == {"kind": "hatchet", "status": "up"}


async def engine(hogsend: Program, client: httpx.AsyncClient) -> dict[str, Any]:
    """Return what the server says of its engine."""
    return (await client.get(f"{hogsend.address}/readyz")).json()["parts"]["engine"]
