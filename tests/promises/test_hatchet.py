"""The real program on Hatchet: its worker inside the server, on a double of the engine."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.doubles.hatchet import hatchet_double
from tests.processes import program
from tests.site import FILES

WATCH = """\
from hogsend import Contact, Context, days, journey, seconds


@journey("watch", trigger="watch.asked", list="news")
async def watch(user: Contact, ctx: Context) -> None:
    await ctx.send("hello")
    await ctx.sleep(seconds(1), label="short")
    came = await ctx.wait_for("go", timeout=days(2))
    await ctx.send("again" if came else "hello", label="last")
"""


async def test_a_journey_sleeps_wakes_by_an_event_and_ends_as_it_does_without_hatchet(
    tmp_path: Path,
) -> None:
    files = {**FILES, "watch.py": WATCH}
    async with hatchet_double() as double, program(tmp_path, files=files) as hogsend:
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
            await double.start()
            await hogsend.until(lambda: hogsend.rows("SELECT 1 FROM sends WHERE status = 'sent'"))
