"""The program on Hatchet: a server with a worker, and a double of Hatchet's engine."""

from __future__ import annotations

import json
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
from tests.patience import PATIENCE
from tests.processes import READY, Program, program
from tests.promises.test_several_workers import run_worker
from tests.site import FILES, write_files

PEOPLE = 20
END_OF_STREAM = "received EOF from engine"
WAITING_JOURNEY = """\
from hogsend import Contact, Context, days, journey, seconds


@journey("watch", trigger="watch.started", list="news")
async def watch(user: Contact, ctx: Context) -> None:
    await ctx.send("hello")
    await ctx.sleep(seconds(1), label="short")
    event = await ctx.wait_for("go", timeout=days(2))
    await ctx.send("again" if event else "hello", label="last")
"""

SLEEPING_JOURNEY = """\
from hogsend import Contact, Context, days, journey


@journey("nap", trigger="watch.started", list="news")
async def nap(user: Contact, ctx: Context) -> None:
    await ctx.sleep(days(2), label="two days")
    await ctx.send("hello")
    await ctx.sleep(days(2), label="two more")
    await ctx.send("again")
"""


@asynccontextmanager
async def run_on_hatchet(folder: Path) -> AsyncIterator[tuple[HatchetDouble, Program]]:
    """Start a server on a double of Hatchet."""
    files = {**FILES, "watch.py": WAITING_JOURNEY}
    async with hatchet_double() as double, program(folder, files=files) as hogsend:
        hogsend.variables = double.environment
        await hogsend.start()
        yield double, hogsend


async def run_one_enrollment(hogsend: Program, double: HatchetDouble) -> None:
    """Run an enrollment from its event to its end, and stop the server."""
    hogsend.variables = double.environment
    await hogsend.start()
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        body = {"name": "watch.started", "userId": "ada", "email": "ada@example.com"}
        assert (await hogsend.post(client, body)).status_code == 202
        waits = "SELECT 1 FROM enrollments WHERE wait_key = 'wait:go'"
        await hogsend.wait_until(lambda: hogsend.rows(waits))
        run = next(run for run in double.runs.values() if "journey-watch" in run.workflow.name)
        assert {"enrollment", "contact", "event"} <= set(run.metadata)

        assert (await hogsend.post(client, {**body, "name": "go"})).status_code == 202
        ended = "SELECT 1 FROM enrollments WHERE state = 'completed'"
        await hogsend.wait_until(lambda: hogsend.rows(ended))
        sent = "SELECT template FROM sends WHERE status = 'sent' ORDER BY id"
        await hogsend.wait_until(lambda: hogsend.rows(sent) == [("hello",), ("again",)])
    status, seconds = await hogsend.stop()
    assert (status, seconds < 10 * hogsend.slowness) == (0, True)
    assert hogsend.rows("SELECT COUNT(*) FROM hatchet_runs") == [(0,)]
    # The SDK and its listener write nothing to the output, and only what matters to the log: on a
    # slow machine, that a stream was closed when the server stopped.
    assert [line for line in hogsend.log.splitlines() if END_OF_STREAM not in line] == []
    assert [
        line
        for line in hogsend.printed
        if not line.startswith((READY, "The details for the first sign-in"))
    ] == []


async def test_a_journey_runs_as_it_does_without_hatchet(
    tmp_path: Path,
) -> None:
    files = {**FILES, "watch.py": WAITING_JOURNEY}
    async with hatchet_double() as double, program(tmp_path, files=files) as hogsend:
        await run_one_enrollment(hogsend, double)


async def test_hatchet_in_the_cloud_needs_only_its_token(tmp_path: Path) -> None:
    files = {**FILES, "watch.py": WAITING_JOURNEY}
    async with hatchet_double(tls=True) as double, program(tmp_path, files=files) as hogsend:
        await run_one_enrollment(hogsend, double)


async def test_a_killed_server_continues_enrollments_and_repeats_no_turn(
    tmp_path: Path,
) -> None:
    async with run_on_hatchet(tmp_path) as (_, hogsend):
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            await send_events(hogsend, client, "watch.started")
            # Some enrollments wait by now, and some do not.
            await hogsend.wait_until(
                lambda: hogsend.rows("SELECT 1 FROM sends WHERE status = 'sent'")
            )
            await hogsend.kill()
            await hogsend.start()
            waits = "SELECT COUNT(*) FROM enrollments WHERE wait_key = 'wait:go'"
            await hogsend.wait_until(lambda: hogsend.rows(waits) == [(PEOPLE,)])
            await send_events(hogsend, client, "go")
            ended = "SELECT COUNT(*) FROM enrollments WHERE state = 'completed'"
            await hogsend.wait_until(lambda: hogsend.rows(ended) == [(PEOPLE,)])
            # The inbox is idempotent, so no mail is in doubt.
            sent = "SELECT COUNT(*) FROM sends WHERE status = 'sent'"
            await hogsend.wait_until(lambda: hogsend.rows(sent) == [(2 * PEOPLE,)])
        assert hogsend.rows("SELECT COUNT(*) FROM inbox") == [(2 * PEOPLE,)]


async def test_waiting_enrollments_continue_after_a_change_of_the_engine_and_back(
    tmp_path: Path,
) -> None:
    files = {**FILES, "watch.py": WAITING_JOURNEY, "nap.py": SLEEPING_JOURNEY}
    async with hatchet_double() as double, program(tmp_path, files=files) as hogsend:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            await hogsend.start()
            await send_events(hogsend, client, "watch.started", "a")
            await wait_for_waiting(hogsend, "watch", PEOPLE)
            await wait_for_waiting(hogsend, "nap", PEOPLE)
            await hogsend.stop()

            # They become due while nothing runs, and continue on Hatchet, by time and by event.
            make_sleeps_due(hogsend)
            hogsend.variables = double.environment
            await hogsend.start()
            await send_events(hogsend, client, "go", "a")
            await wait_for_completed(hogsend, "watch", PEOPLE)
            await wait_for_sent(hogsend, "nap", PEOPLE)
            await send_events(hogsend, client, "watch.started", "b")
            await wait_for_waiting(hogsend, "watch", PEOPLE)
            await wait_for_waiting(hogsend, "nap", 2 * PEOPLE)
            await hogsend.stop()

            # And back, with enrollments whose runs stay in Hatchet.
            make_sleeps_due(hogsend)
            hogsend.variables = {}
            await hogsend.start()
            await send_events(hogsend, client, "go", "b")
            await wait_for_completed(hogsend, "watch", 2 * PEOPLE)
            await wait_for_completed(hogsend, "nap", PEOPLE)
            await wait_for_sent(hogsend, "nap", 3 * PEOPLE)
            await wait_for_sent(hogsend, "watch", 4 * PEOPLE)
        await hogsend.stop()
    assert hogsend.rows("SELECT COUNT(*) FROM inbox") == [(7 * PEOPLE,)]


async def wait_for_waiting(hogsend: Program, journey: str, count: int) -> None:
    """Wait until so many enrollments of a journey are in a long wait."""
    sent = (
        "SELECT COUNT(*) FROM enrollments WHERE state = 'waiting' AND journey_id = ? "
        "AND (wait_key = 'wait:go' OR wait_key LIKE 'sleep:two%')"
    )
    await hogsend.wait_until(lambda: hogsend.rows(sent, journey) == [(count,)])


async def wait_for_completed(hogsend: Program, journey: str, count: int) -> None:
    """Wait until so many enrollments of a journey are completed."""
    sent = "SELECT COUNT(*) FROM enrollments WHERE state = 'completed' AND journey_id = ?"
    await hogsend.wait_until(lambda: hogsend.rows(sent, journey) == [(count,)])


async def wait_for_sent(hogsend: Program, journey: str, count: int) -> None:
    """Wait until a journey has sent so many mails."""
    sent = "SELECT COUNT(*) FROM sends WHERE status = 'sent' AND journey_id = ?"
    await hogsend.wait_until(lambda: hogsend.rows(sent, journey) == [(count,)])


def make_sleeps_due(hogsend: Program) -> None:
    """Make the enrollments that sleep due, while nothing runs."""
    with closing(sqlite3.connect(hogsend.data / "hogsend.db")) as connection, connection:
        changed = connection.execute(
            "UPDATE enrollments SET wake_at = 1, "
            "wait = json_set(wait, '$.until', '2026-01-01T00:00:00+00:00') "
            "WHERE journey_id = 'nap' AND state = 'waiting'"
        )
        assert changed.rowcount >= PEOPLE


async def test_a_server_stops_in_time_while_hundreds_of_turns_run(
    tmp_path: Path,
) -> None:
    async with run_on_hatchet(tmp_path) as (_, hogsend):
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            for number in range(40):
                await send_events(hogsend, client, "watch.started", f"group{number}")
            await hogsend.wait_until(lambda: hogsend.rows("SELECT 1 FROM hatchet_waits"))
        status, seconds = await hogsend.stop()
        assert (status, seconds < 10 * hogsend.slowness) == (0, True)


def find_listeners(pid: int) -> list[int]:
    """Return the listener processes of a server's Hatchet worker."""
    processes: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                processes.append(int(child))
    return processes


@pytest.mark.skipif(not Path("/proc").exists(), reason="only /proc lists the children of a process")
async def test_a_server_whose_listener_is_killed_goes_on_and_stops_in_time(
    tmp_path: Path,
) -> None:
    async with run_on_hatchet(tmp_path) as (_, hogsend):
        process = hogsend.process
        assert process is not None
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            await send_events(hogsend, client, "watch.started", "a")
            await wait_for_waiting(hogsend, "watch", PEOPLE)
            (killed,) = find_listeners(process.pid)
            os.kill(killed, signal.SIGKILL)
            await send_events(hogsend, client, "go", "a")
            await wait_for_completed(hogsend, "watch", PEOPLE)
            await wait_for_sent(hogsend, "watch", 2 * PEOPLE)
        status, seconds = await hogsend.stop()
        assert (status, seconds < 10 * hogsend.slowness) == (0, True)
    assert "the listener of the Hatchet worker has ended" in hogsend.log


async def test_a_server_stops_in_time_while_hatchet_answers_no_call(
    tmp_path: Path,
) -> None:
    async with run_on_hatchet(tmp_path) as (double, hogsend):
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            await send_events(hogsend, client, "watch.started", "a")
            await wait_for_waiting(hogsend, "watch", PEOPLE)
            double.delay = 3600.0
            await send_events(hogsend, client, "watch.started", "b")
        status, seconds = await hogsend.stop()
        assert (status, seconds < 10 * hogsend.slowness) == (0, True)
        double.delay = 0.0


async def test_a_kill_of_one_of_two_workers_with_different_code_loses_nothing(
    tmp_path: Path, postgres_url: str
) -> None:
    write_files(
        tmp_path / "newer", {**FILES, "watch.py": WAITING_JOURNEY.replace("days(2)", "days(3)")}
    )
    settings = {"DATABASE_URL": postgres_url, "SECRET": "s" * 43}
    observer: Any = await asyncpg.connect(postgres_url)
    files = {**FILES, "watch.py": WAITING_JOURNEY}
    async with (
        hatchet_double() as double,
        program(tmp_path, files=files, **settings) as hogsend,
        AsyncExitStack() as stack,
    ):
        hogsend.variables = double.environment
        victim = await stack.enter_async_context(run_worker(hogsend))
        await stack.enter_async_context(run_worker(hogsend, JOURNEYS=str(tmp_path / "newer")))
        await hogsend.start("--bind", hogsend.settings["BIND"])
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            await hogsend.wait_until(lambda: len(double.workers) == 2)
            await send_events(hogsend, client, "watch.started")
            await hogsend.wait_until(lambda: len(double.runs) >= PEOPLE)
            victim.kill()

            async def are_all_waiting() -> bool:
                waits = "SELECT COUNT(*) FROM enrollments WHERE wait_key = 'wait:go'"
                return await observer.fetchval(waits) == PEOPLE

            await hogsend.wait_until_async(are_all_waiting)
            await send_events(hogsend, client, "go")

            async def are_all_sent() -> bool:
                sent = "SELECT COUNT(*) FROM sends WHERE status IN ('sent', 'in_doubt')"
                return await observer.fetchval(sent) == 2 * PEOPLE

            await hogsend.wait_until_async(are_all_sent)
        states = await observer.fetch("SELECT DISTINCT state FROM enrollments")
        assert [row["state"] for row in states] == ["completed"]
        assert await observer.fetchval("SELECT COUNT(*) FROM sends") == 2 * PEOPLE
    await observer.close()


async def send_events(
    hogsend: Program, client: httpx.AsyncClient, name: str, group: str = "p"
) -> None:
    """Send an event of everybody in a group of people."""
    people = [f"{group}-{number}" for number in range(PEOPLE)]
    events = [{"name": name, "userId": id, "email": f"{id}@example.com"} for id in people]
    answer = await hogsend.post(client, {"events": events}, "/v1/events/batch")
    assert answer.json()["accepted"] == PEOPLE


async def test_without_hatchet_the_server_accepts_events_and_runs_turns_later(
    tmp_path: Path,
) -> None:
    files = {**FILES, "watch.py": WAITING_JOURNEY}
    async with hatchet_double() as double, program(tmp_path, files=files) as hogsend:
        hogsend.variables = double.environment
        await double.stop()
        await hogsend.start()
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            body = {"name": "watch.started", "userId": "ada", "email": "ada@example.com"}
            assert (await hogsend.post(client, body)).status_code == 202
            await hogsend.wait_until(lambda: "Hatchet is unreachable" in hogsend.log)
            assert (await fetch_engine_status(hogsend, client))["status"] == "away"
            await double.start()
            await hogsend.wait_until(
                lambda: hogsend.rows("SELECT 1 FROM sends WHERE status = 'sent'")
            )
            await hogsend.wait_until(lambda: "Hatchet is reachable again" in hogsend.log)
            assert await fetch_engine_status(hogsend, client) == {"kind": "hatchet", "status": "up"}


@pytest.mark.skipif(not Path("/proc").exists(), reason="only /proc lists the children of a process")
async def test_an_outage_of_hatchet_is_one_line_in_the_log(tmp_path: Path) -> None:
    """Whatever the SDK, gRPC and their processes write then, also when the listener ends."""
    async with run_on_hatchet(tmp_path) as (double, hogsend):
        process = hogsend.process
        assert process is not None
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            await send_events(hogsend, client, "watch.started", "a")
            await wait_for_waiting(hogsend, "watch", PEOPLE)
            await double.stop()
            await hogsend.wait_until(lambda: "Hatchet is unreachable" in hogsend.log)
            (listener,) = find_listeners(process.pid)
            os.kill(listener, signal.SIGKILL)
            await send_events(hogsend, client, "go", "a")
            # Workers that cannot register end at once.
            await hogsend.wait_until(lambda: not find_listeners(process.pid))
            await double.start()
            await hogsend.wait_until(lambda: "Hatchet is reachable again" in hogsend.log)
            await wait_for_completed(hogsend, "watch", PEOPLE)
        status, _ = await hogsend.stop()
    assert status == 0
    messages = [json.loads(line)["message"] for line in hogsend.log.splitlines()]
    outages = [text for text in messages if "Hatchet's API" not in text]
    assert len(outages) == 2, hogsend.log
    assert outages[0].startswith("Hatchet is unreachable, turns wait")
    assert outages[1].startswith("Hatchet is reachable again")


async def fetch_engine_status(hogsend: Program, client: httpx.AsyncClient) -> dict[str, Any]:
    """Return the engine's part of `/readyz`."""
    return (await client.get(f"{hogsend.address}/readyz")).json()["parts"]["engine"]
