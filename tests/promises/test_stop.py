"""SIGTERM: the server leaves within ten seconds with status 0, whatever is under way."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.processes import Program, program
from tests.sinks.smtp_sink import STALL, VERDICT, SmtpSink
from tests.site import FILES

EVENT = {"name": "user.created", "userId": "ada", "email": "ada@example.com"}
BLOCKING = """\
import pathlib, time
from hogsend import journey

@journey("blocking", trigger="user.created")
async def blocking(user, ctx):
    await ctx.send("hello")
    pathlib.Path("blocking").touch()
    time.sleep(120)
"""


@pytest.fixture
async def hogsend(tmp_path: Path) -> AsyncIterator[Program]:
    """A project with the local inbox."""
    async with program(tmp_path) as made:
        yield made


@asynccontextmanager
async def with_sink(folder: Path, **settings: str) -> AsyncIterator[tuple[Program, SmtpSink]]:
    """A project that hands mail to a server on this machine."""
    async with SmtpSink() as sink, program(folder, MAIL=sink.url, **settings) as made:
        yield made, sink


async def tell(hogsend: Program) -> None:
    async with httpx.AsyncClient() as client:
        assert (await hogsend.post(client, EVENT)).status_code == 202


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_server_leaves_at_once(hogsend: Program, number: int) -> None:
    await hogsend.start()
    await tell(hogsend)
    asked = time.monotonic()
    hogsend.signal(number)
    assert await hogsend.ended() == 0
    assert time.monotonic() - asked < 5
    assert hogsend.complaints == ""


async def test_open_pages_and_half_sent_requests_hold_nothing_up(hogsend: Program) -> None:
    hogsend.settings["API_KEY"] = ""
    await hogsend.start()
    link = (hogsend.data / "first-run.txt").read_text().split()[-1]
    host, port = hogsend.settings["BIND"].split(":")
    async with httpx.AsyncClient(base_url=hogsend.address, follow_redirects=True) as client:
        page = (await client.get(link)).text
        form = {"email": "o@example.com", "password": "correct horse battery"}
        assert all(f'name="{name}"' in page for name in form)
        await client.post(link, data=form)
        idle = await asyncio.open_connection(host, int(port))
        halfway = await asyncio.open_connection(host, int(port))
        halfway[1].write(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        await halfway[1].drain()
        async with client.stream("GET", "/live") as stream:
            assert stream.status_code == 200, stream.headers
            lines = stream.aiter_lines()
            assert await anext(lines)
            status, took = await hogsend.stop()
            # The stream ends as streams end: a broken connection would raise here.
            async for line in lines:
                assert line in ("", "data:") or line.startswith("event: live-")
        for _, writer in (idle, halfway):
            writer.close()
    assert status == 0 and took < 10
    assert "Traceback" not in hogsend.complaints


async def test_a_hand_over_past_data_is_in_doubt_when_its_time_is_over(tmp_path: Path) -> None:
    async with with_sink(tmp_path, STOP_TIMEOUT="1") as (hogsend, sink):
        sink.will_answer(VERDICT, STALL)
        await hogsend.start()
        await tell(hogsend)
        await sink.stalled.wait()

        status, took = await hogsend.stop()

        assert status == 0 and 1 <= took < 6
        assert hogsend.rows("SELECT status, reason FROM sends") == [
            ("in_doubt", "the server was stopped meanwhile")
        ]
        await hogsend.start()
        await hogsend.stop()
        assert hogsend.rows("SELECT status FROM sends") == [("in_doubt",)]
        assert sink.commands.count("DATA") == 1


async def test_by_default_the_server_leaves_within_ten_seconds(tmp_path: Path) -> None:
    async with with_sink(tmp_path) as (hogsend, sink):
        sink.will_answer(VERDICT, STALL)
        await hogsend.start()
        await tell(hogsend)
        await sink.stalled.wait()
        status, took = await hogsend.stop()
        assert status == 0 and 8 <= took < 10
        assert hogsend.rows("SELECT status FROM sends") == [("in_doubt",)]


async def test_a_hand_over_that_ends_meanwhile_is_sent(tmp_path: Path) -> None:
    async with SmtpSink(hesitation=1.0) as sink, program(tmp_path, MAIL=sink.url) as hogsend:
        await hogsend.start()
        await tell(hogsend)
        await hogsend.until(lambda: sink.count)
        assert (await hogsend.stop())[0] == 0
        assert hogsend.rows("SELECT status FROM sends") == [("sent",)]


async def test_a_mail_that_hangs_before_its_hand_over_just_waits(tmp_path: Path) -> None:
    async with with_sink(tmp_path) as (hogsend, sink):
        sink.will_answer("RCPT", STALL)
        await hogsend.start()
        await tell(hogsend)
        await sink.stalled.wait()
        status, took = await hogsend.stop()
        assert status == 0 and took < 5
        assert hogsend.rows("SELECT status, attempts FROM sends") == [("queued", "[]")]
        await hogsend.start()
        await hogsend.until(lambda: sink.count)
        await hogsend.stop()
        assert (sink.count, sink.commands.count("DATA")) == (1, 1)


async def test_a_journey_that_keeps_its_thread_holds_nothing_up(tmp_path: Path) -> None:
    async with program(tmp_path, files={**FILES, "blocking.py": BLOCKING}) as hogsend:
        await hogsend.start()
        await tell(hogsend)
        await hogsend.until((tmp_path / "blocking").exists)
        status, took = await hogsend.stop()
        assert status == 0 and took < 10
        # Its turn wrote nothing and is played again.
        waiting = "SELECT state, turn FROM enrollments WHERE journey_id = 'blocking'"
        assert hogsend.rows(waiting) == [("active", 0)]
        assert "Traceback" not in hogsend.complaints


async def test_a_second_signal_leaves_at_once(tmp_path: Path) -> None:
    async with with_sink(tmp_path, STOP_TIMEOUT="60") as (hogsend, sink):
        sink.will_answer(VERDICT, STALL)
        await hogsend.start()
        await tell(hogsend)
        await sink.stalled.wait()
        hogsend.signal(signal.SIGTERM)
        # One key press reaches a whole group of processes, so that a second one counts as such
        # only when it comes later.
        await asyncio.sleep(0.7)
        asked = time.monotonic()
        hogsend.signal(signal.SIGTERM)
        assert await hogsend.ended() == 1
        assert time.monotonic() - asked < 3
