"""The real program on Hatchet: its worker inside the server, on a double of the engine."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from tests.doubles.hatchet import HatchetDouble, hatchet_double
from tests.processes import Program, program
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
    files = {**FILES, "watch.py": WATCH}
    async with hatchet_double() as double, program(tmp_path, files=files) as hogsend:
        hogsend.beside = double.environment
        await hogsend.start()
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


async def test_a_server_stops_in_time_with_hundreds_in_the_middle_of_falling_asleep(
    tmp_path: Path,
) -> None:
    files = {**FILES, "watch.py": WATCH}
    async with hatchet_double() as double, program(tmp_path, files=files) as hogsend:
        hogsend.beside = double.environment
        await hogsend.start()
        async with httpx.AsyncClient() as client:
            for number in range(40):
                await tell(hogsend, client, "watch.asked", f"crowd{number}")
            await hogsend.until(lambda: hogsend.rows("SELECT 1 FROM hatchet_waits"))
        status, seconds = await hogsend.stop()
        assert (status, seconds < 10) == (0, True)


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
